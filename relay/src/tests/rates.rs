use std::net::IpAddr;

use lightproof_wire::{
    command::MailboxKind,
    refusal::Refusal,
    time::{DAY_MS, Day, Timestamp},
};

use super::hash;
use crate::{
    bucket::{Allowance, Buckets, Daily},
    rates::{RateLimits, Rates, Standing},
};

const NOON: Timestamp = Timestamp(20_000 * DAY_MS + DAY_MS / 2);

fn rates() -> Rates {
    Rates::new(&RateLimits {
        address: Allowance::per_second(1, 3),
        in_all: Allowance::per_second(10, 10),
        doorbell: Allowance::per_minute(2),
        mailbox: Allowance::per_minute(6),
        mailboxes_a_day: 2,
        blob_bytes_a_day: 100,
        one_time_prekeys_a_day: 1,
        strangers_writes: 2,
    })
}

fn address(last: u8) -> Option<IpAddr> {
    Some(IpAddr::from([192, 0, 2, last]))
}

fn granted<T>(outcomes: impl IntoIterator<Item = Result<T, Refusal>>) -> usize {
    outcomes.into_iter().filter(Result::is_ok).count()
}

#[test]
fn each_address_has_its_own_commands_and_nobody_knows_where_is_one() {
    let rates = rates();
    for origin in [address(1), address(2), None, Some("2001:db8::1".parse().unwrap())] {
        assert_eq!(granted((0..9).map(|_| rates.from_address(origin, NOON))), 3, "{origin:?}");
    }
    let neighbour = Some("2001:db8::2:1".parse().unwrap());
    assert_eq!(rates.from_address(neighbour, NOON), Err(Refusal::TooMany { retry_after_ms: 1_000 }), "the same /64");
    assert_eq!(granted((0..9).map(|_| rates.from_address(neighbour, NOON.plus_ms(2_000)))), 2);
}

#[test]
fn no_time_is_earned_twice_and_a_clock_that_was_set_back_goes_on() {
    let rates = rates();
    let take = |at| rates.from_address(address(1), at);
    assert_eq!(granted((0..9).map(|_| take(NOON))), 3);
    let late = NOON.plus_ms(1_000);
    let crossing = (0..20).map(|step| take(if step % 2 == 0 { late } else { NOON.plus_ms(500) }));
    assert_eq!(granted(crossing), 1, "one second, one command");
    let an_hour_before = Timestamp(NOON.0 - 3_600_000);
    assert_eq!(granted((0..9).map(|_| take(an_hour_before))), 0);
    assert_eq!(granted((0..9).map(|_| take(an_hour_before.plus_ms(2_000)))), 2);
}

#[test]
fn strangers_leave_half_of_everything_to_those_who_hold_a_right() {
    let rates = rates();
    assert_eq!(granted((0..20).map(|_| rates.in_all(Standing::Stranger, NOON))), 5);
    assert_eq!(granted((0..20).map(|_| rates.in_all(Standing::Known, NOON))), 5);
    let later = NOON.plus_ms(300);
    assert!(rates.in_all(Standing::Stranger, later).is_err(), "what comes back is theirs as well");
    assert_eq!(granted((0..20).map(|_| rates.in_all(Standing::Known, later))), 3);
}

#[test]
fn writes_of_strangers_stand_in_a_queue_of_their_own() {
    let rates = rates();
    let places: Vec<_> = (0..2).map(|_| rates.write(Standing::Stranger).unwrap()).collect();
    assert!(matches!(rates.write(Standing::Stranger), Err(Refusal::Busy)));
    assert_eq!(granted((0..100).map(|_| rates.write(Standing::Known))), 100);
    drop(places);
    assert_eq!(granted([rates.write(Standing::Stranger)]), 1);
}

#[test]
fn a_doorbell_is_rung_less_often_than_a_contact_writes() {
    let rates = rates();
    let ring = |door: u8, at| rates.deposit(hash(door), MailboxKind::Doorbell, at);
    let write = |at| rates.deposit(hash(9), MailboxKind::Private, at);
    assert_eq!((rates.kind(&hash(1)), rates.kind(&hash(9))), (None, None));
    assert_eq!(granted((0..9).map(|_| ring(1, NOON))), 2);
    assert_eq!(granted((0..9).map(|_| ring(2, NOON))), 2, "another doorbell");
    assert_eq!(granted((0..9).map(|_| write(NOON))), 6);
    assert_eq!(ring(1, NOON), Err(Refusal::TooMany { retry_after_ms: 30_000 }));
    assert_eq!(granted((0..9).map(|_| ring(1, NOON.plus_ms(30_000)))), 1);
    let kinds = (rates.kind(&hash(1)), rates.kind(&hash(9)));
    assert_eq!(kinds, (Some(MailboxKind::Doorbell), Some(MailboxKind::Private)));
}

#[test]
fn what_an_address_makes_in_a_day_is_counted_until_midnight_and_given_back_if_nothing_was_made() {
    let rates = rates();
    let made = |at| rates.make_mailbox(address(1), at);
    let midnight = Err(Refusal::TooMany { retry_after_ms: u32::try_from(DAY_MS / 2).unwrap() });
    assert_eq!((made(NOON), made(NOON), made(NOON)), (Ok(()), Ok(()), midnight));
    assert_eq!(rates.make_mailbox(address(2), NOON), Ok(()));
    rates.made_no_mailbox(address(1), NOON);
    assert_eq!((made(NOON), made(NOON)), (Ok(()), midnight));
    let tomorrow = Day(20_001).start();
    assert_eq!(granted((0..5).map(|_| made(tomorrow))), 2);
    assert_eq!(granted((0..5).map(|_| made(Timestamp(tomorrow.0 - 1)))), 0, "a look at the clock that crossed");
    assert!(made(tomorrow).is_err());
    let opened = |bytes| rates.open_blob(address(1), bytes, NOON);
    assert_eq!((opened(60), opened(41), opened(40), opened(1)), (Ok(()), midnight, Ok(()), midnight));
    rates.opened_no_blob(address(1), 60, NOON);
    assert_eq!(opened(60), Ok(()));
    assert_eq!(rates.open_blob(address(3), u64::MAX, NOON), midnight);
}

/// One of them held 65,536 allowances: five of its /64s reserved all the room for blobs.
#[test]
fn all_of_an_ipv6_customer_has_one_allowance_a_day() {
    let rates = rates();
    let of = |text: &str| Some(text.parse().unwrap());
    let (first, second, other) = (of("2001:db8::1"), of("2001:db8:0:ffff::1"), of("2001:db8:1::1"));
    let granted = |ask: &dyn Fn(Option<IpAddr>) -> bool| [first, second, second, other].map(ask);
    assert_eq!(granted(&|at| rates.make_mailbox(at, NOON).is_ok()), [true, true, false, true]);
    assert_eq!(granted(&|at| rates.open_blob(at, 60, NOON).is_ok()), [true, false, false, true]);
    assert_eq!(granted(&|at| rates.take_one_time(at, hash(1), NOON).is_ok()), [true, false, false, true]);
    rates.opened_no_blob(second, 60, NOON);
    assert!(rates.open_blob(first, 60, NOON).is_ok());
    assert!((0..3).all(|_| rates.from_address(first, NOON).is_ok()) && rates.from_address(second, NOON).is_ok());
}

#[test]
fn an_address_gets_few_one_time_prekeys_of_one_doorbell() {
    let rates = rates();
    let take = |origin, door: u8| rates.take_one_time(origin, hash(door), NOON);
    for origin in [address(1), None] {
        assert_eq!(granted([take(origin, 1), take(origin, 1), take(origin, 2), take(origin, 2)]), 2, "{origin:?}");
    }
}

#[test]
fn a_flood_from_ever_new_addresses_takes_no_more_places_and_is_held_back_as_one() {
    const PLACES: usize = 64;
    let mut buckets = Buckets::new(Allowance::per_second(1, 2), PLACES);
    let regular = 0_u32;
    buckets.take(&regular, NOON).unwrap();
    // Buckets that are not full again keep their places.
    let flood = granted((1..10_000).map(|key| buckets.take(&key, NOON)));
    assert_eq!(flood, (PLACES - 1) + 2, "one each while there are places, and two for all others");
    assert_eq!(buckets.take(&regular, NOON), Ok(()), "whoever has a place is not crowded out");
    let later = NOON.plus_ms(5_000);
    assert_eq!(granted((20_000..20_100).map(|key| buckets.take(&key, later))), PLACES + 2);
    assert!(!buckets.knows(&regular), "its bucket is full again: forgetting it changes nothing");

    let mut daily = Daily::new(3_u32, PLACES);
    daily.take(&regular, 3, NOON).unwrap();
    let flood = granted((1..1_000).map(|key| daily.take(&key, 1, NOON)));
    assert_eq!(flood, (PLACES - 1) + 3);
    assert!(daily.take(&regular, 1, NOON).is_err(), "not forgotten: it had its share");
    assert_eq!(granted((1..10).map(|key| daily.take(&key, 3, NOON.plus_ms(DAY_MS)))), 9, "a new day");
}

#[test]
fn a_count_goes_to_the_brim_of_its_type_and_not_over_it() {
    let mut daily = Daily::new(u16::MAX, 1);
    daily.take(&0, 65_534, NOON).unwrap();
    assert!(daily.take(&0, 2, NOON).is_err());
    daily.take(&0, 1, NOON).unwrap();
    assert!(daily.take(&0, 1, NOON).is_err() && daily.take(&0, u64::MAX, NOON).is_err());
    daily.give_back(&0, 1, NOON);
    daily.take(&0, 1, NOON).unwrap();
    let mut nothing = Daily::new(0_u16, 1);
    assert!(nothing.take(&0, 1, NOON).is_err(), "nothing is for anybody");
}

#[test]
fn who_is_refused_or_gives_all_of_it_back_takes_no_place() {
    let mut daily = Daily::new(3_u64, 64);
    for key in 1_000..2_000 {
        assert!(daily.take(&key, 4, NOON).is_err());
        daily.take(&(2 * key), 2, NOON).unwrap();
        daily.give_back(&(2 * key), 2, NOON);
    }
    daily.take(&0, 3, NOON).unwrap();
    daily.give_back(&0, 1, NOON);
    assert_eq!(granted((1..64).map(|key| daily.take(&key, 3, NOON))), 63, "a place for everybody");
    assert!(daily.take(&0, 2, NOON).is_err(), "of what it has it gave back one");
    daily.take(&64, 3, NOON).unwrap();
    daily.give_back(&1, 3, NOON);
    daily.give_back(&64, 3, NOON);
    assert_eq!(granted((65..70).map(|key| daily.take(&key, 3, NOON))), 2, "the place, and what all others share");
}

/// A place for each that ever asked was a megabyte in an hour.
#[test]
fn a_table_does_not_grow_by_those_whose_bucket_is_full_again() {
    let mut buckets = Buckets::new(Allowance::per_second(1, 2), 65_536);
    for key in 0..10_000_u64 {
        buckets.take(&key, NOON.plus_ms(key * 100)).unwrap();
    }
    // Ten come in a second, and each is full again after one.
    let known = (0..10_000).filter(|key| buckets.knows(key)).count();
    assert!(known < 64, "{known} places");
}

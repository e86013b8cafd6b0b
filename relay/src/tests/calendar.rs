//! A clock may be years off, for a moment or for good: nothing goes before its time, and what is over goes in the end.

use lightproof_wire::{command::MailboxKind, deposit_receipt::DepositPromise, id::Sequence, time::Day};

use super::{LIMITS, TODAY, creation, envelope, hash, run, sweep};
use crate::{
    calendar::{self, Calendar, CalendarRow, Doubted},
    mailbox,
    store::{Store, Table, conformance::on_every_store},
};

const YEARS: u32 = 3_652;

async fn see(store: &dyn Store, clock: Day) -> CalendarRow {
    run(store, move |rows| calendar::see(rows, clock)).await.unwrap()
}

fn before(day: Day, days: u32) -> Day {
    Day(day.0 - days)
}

#[tokio::test]
async fn the_first_day_is_believed_and_so_is_every_day_that_follows() {
    on_every_store(async |store| {
        let store = store.as_ref();
        for day in [0, 0, 1, 2, 9, 16].map(|days| TODAY.plus(days)) {
            let seen = see(store, day).await;
            assert_eq!((seen, seen.over_before(day)), (CalendarRow { believed: day, doubted: None }, day));
        }
        let back = see(store, TODAY.plus(10)).await;
        assert_eq!(back, CalendarRow { believed: TODAY.plus(16), doubted: None }, "some days back: the later is kept");
        assert_eq!(back.over_before(TODAY.plus(10)), TODAY.plus(10));
    })
    .await;
}

#[tokio::test]
async fn a_clock_that_leaps_is_doubted_and_one_that_comes_back_was_never_believed() {
    on_every_store(async |store| {
        let store = store.as_ref();
        see(store, TODAY).await;
        for wrong in [TODAY.plus(8), TODAY.plus(YEARS), before(TODAY, 9), before(TODAY, YEARS), Day(0)] {
            for _ in 0..2 {
                let seen = see(store, wrong).await;
                assert_eq!((seen.believed, seen.over_before(wrong)), (TODAY, wrong.min(TODAY)));
                assert_eq!(seen.clock_off_days(), i64::from(wrong.0) - i64::from(TODAY.0));
            }
            // The next one is doubted from its own first day on.
            let seen = see(store, wrong.plus(1)).await;
            assert_eq!(seen.doubted, Some(Doubted { since: wrong, last: wrong.plus(1) }));
        }
        assert_eq!(see(store, TODAY).await, CalendarRow { believed: TODAY, doubted: None });
    })
    .await;
}

#[tokio::test]
async fn a_clock_that_goes_on_for_two_days_is_believed_also_if_the_relay_is_not_always_on() {
    on_every_store(async |store| {
        let store = store.as_ref();
        see(store, TODAY).await;
        let away = TODAY.plus(31);
        assert_eq!(see(store, away).await.believed, TODAY);
        assert_eq!(see(store, away.plus(1)).await.believed, TODAY);
        assert_eq!(see(store, away.plus(2)).await, CalendarRow { believed: away.plus(2), doubted: None });
        let weekend = away.plus(60);
        assert_eq!(see(store, weekend).await.believed, away.plus(2));
        assert_eq!(see(store, weekend.plus(7)).await.believed, weekend.plus(7));
        let back = TODAY;
        assert_eq!(see(store, back).await.believed, weekend.plus(7));
        assert_eq!(see(store, back.plus(2)).await.believed, back.plus(2), "or nothing new would ever be over");
    })
    .await;
}

#[tokio::test]
async fn a_damaged_day_lets_every_clock_be_doubted() {
    on_every_store(async |store| {
        let store = store.as_ref();
        see(store, TODAY).await;
        run(store, |rows| Ok(rows.put(Table::Calendar, &[0], &[7; 50])?)).await.unwrap();
        assert_eq!(see(store, TODAY).await.over_before(TODAY), Day(0));
        assert_eq!(see(store, TODAY.plus(2)).await.over_before(TODAY.plus(2)), TODAY.plus(2));
    })
    .await;
}

#[test]
fn what_is_new_has_the_later_day() {
    let calendar = Calendar::default();
    assert_eq!(calendar.today(TODAY), TODAY);
    calendar.believe(&CalendarRow { believed: TODAY, doubted: None });
    assert_eq!(calendar.today(Day(0)), TODAY);
    assert_eq!(calendar.today(TODAY.plus(YEARS)), TODAY.plus(YEARS));
}

/// A client that got no answer says the same again: while the clock is wrong too.
#[tokio::test]
async fn a_clock_that_leaps_and_comes_back_lets_no_envelope_be_stored_twice() {
    on_every_store(async |store| {
        let store = store.as_ref();
        see(store, TODAY).await;
        let (creation, leapt) = (creation(1, 2, MailboxKind::Private), TODAY.plus(YEARS));
        run(store, move |rows| mailbox::create(rows, creation, TODAY, &LIMITS)).await.unwrap();
        let first = deposit(store, TODAY).await;
        // Before the tick sees the clock and after it.
        assert_eq!(deposit(store, leapt).await, first);
        see(store, leapt).await;
        assert_eq!(deposit(store, leapt).await, first);
        assert_eq!(deposit(store, TODAY).await, first);
        let stored = run(store, |rows| mailbox::page(rows, hash(1), Sequence(0), 9)).await.unwrap();
        assert_eq!(stored.envelopes.len(), 1);
        // Over in the end: then it is a new one.
        sweep(store, first.expires.plus(1)).await;
        see(store, leapt).await;
        see(store, leapt.plus(2)).await;
        assert_eq!(deposit(store, leapt.plus(2)).await.day, leapt.plus(2));
    })
    .await;
}

async fn deposit(store: &dyn Store, today: Day) -> DepositPromise {
    let (envelope, drop) = (envelope(7), hash(2));
    let digest = envelope.digest();
    run(store, move |rows| mailbox::deposit(rows, drop, envelope, digest, today, &LIMITS)).await.unwrap().1
}

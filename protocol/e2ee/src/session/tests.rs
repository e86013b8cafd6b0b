#![expect(clippy::unwrap_used, clippy::arithmetic_side_effects, clippy::indexing_slicing, reason = "tests")]

use proptest::prelude::*;

use super::*;
use crate::{
    SKIPPED_DAYS, SKIPPED_PER_ENVELOPE, SKIPPED_STORED,
    testing::{NOW, Person, Side, pair, saved, turned},
};

fn bodies(side: &mut Side, count: u32) -> Vec<Envelope> {
    (0..count).map(|i| side.seal(&i.to_be_bytes())).collect()
}

#[test]
fn bodies_of_every_length_arrive_both_ways() {
    let (mut alice, mut bob) = pair();
    for length in [0, 1, 4_096, BODY_MAX_BYTES - 1, BODY_MAX_BYTES] {
        let body = vec![0x80; length];
        let envelope = alice.seal(&body);
        assert_eq!(bob.open(&envelope), Ok(body.clone()));
        let envelope = bob.seal(&body);
        assert_eq!(alice.open(&envelope), Ok(body));
    }
    assert_eq!(alice.try_seal(&vec![0; BODY_MAX_BYTES + 1]), Err(EncloseError::BodyTooLong));
}

#[test]
fn a_responder_may_speak_first_and_an_initiator_is_confirmed_by_it() {
    let (mut alice, mut bob) = pair();
    assert!(!alice.session().confirmed() && bob.session().confirmed());
    assert_eq!(alice.session().unanswered_since(), Some(NOW));
    let envelope = bob.seal(b"first");
    assert_eq!(alice.open(&envelope), Ok(b"first".to_vec()));
    assert!(alice.session().confirmed());
    let envelope = alice.seal(b"second");
    assert_eq!(bob.open(&envelope), Ok(b"second".to_vec()));
}

#[test]
fn any_order_within_and_across_chains_opens_everything_once() {
    let (mut alice, mut bob) = pair();
    let mut sent = Vec::new();
    for round in 0..4 {
        let mut chain = bodies(&mut alice, 5);
        // The last of each chain drives the conversation on; the others stay behind.
        bob.open(&chain.pop().unwrap()).unwrap();
        sent.push(chain);
        let back = bob.seal(&[round]);
        alice.open(&back).unwrap();
    }
    for (n, envelope) in sent.iter().flat_map(|chain| (0_u32..5).zip(chain).rev()) {
        assert_eq!(bob.open(envelope), Ok(n.to_be_bytes().to_vec()));
    }
    for envelope in sent.iter().flatten() {
        assert!(bob.open(envelope).is_err(), "nothing opens twice");
    }
}

#[test]
fn a_place_of_the_chain_is_opened_once() {
    let (mut alice, mut bob) = pair();
    let envelopes = bodies(&mut alice, 3);
    for at in [2, 0] {
        bob.open(&envelopes[at]).unwrap();
        assert_eq!(bob.open(&envelopes[at]), Err(OpenError::AlreadyOpened));
    }
    bob.open(&envelopes[1]).unwrap();
}

#[test]
fn a_wrong_bit_anywhere_is_refused_and_changes_nothing() {
    let (mut alice, mut bob) = pair();
    alice.round_trip(&mut bob);
    let envelope = alice.seal(b"body");
    let before = bob.record.clone();
    let header = [OpenError::NotThisSession; 4];
    for (at, why) in [1, 25, 1_200, 2_384].into_iter().zip(header) {
        assert_eq!(bob.open(&turned(&envelope, at)), Err(why), "byte {at}");
    }
    for at in [2_385, 2_416, 2_417, 2_448, 2_449, 9_000, 15_983, 15_999] {
        assert_eq!(bob.open(&turned(&envelope, at)), Err(OpenError::Undecryptable), "byte {at}");
    }
    assert_eq!(bob.open(&turned(&envelope, 0)), Err(OpenError::NewerVersion));
    assert_eq!(bob.record, before);
    assert_eq!(bob.open(&envelope), Ok(b"body".to_vec()));
}

#[test]
fn a_body_that_fails_its_check_is_an_alarm_and_changes_nothing() {
    let (mut alice, mut bob) = pair();
    let envelope = alice.seal(b"forged");
    let before = bob.record.clone();
    assert_eq!(bob.open_checked(&envelope, |_| Err("not signed")), Err(OpenError::Misbehaved("not signed")));
    assert_eq!(bob.record, before);
    assert_eq!(bob.open(&envelope), Ok(b"forged".to_vec()));
}

#[test]
fn an_envelope_opens_in_its_session_and_direction_only() {
    let (mut alice, mut bob) = pair();
    let envelope = alice.seal(b"to bob");
    assert_eq!(alice.open(&envelope), Err(OpenError::NotThisSession));
    let (callers, called) = (Person::new(1), Person::new(2));
    let (_, again) = callers.call(&called.bundle(), 2, 30);
    let (mut other, _) = called.answer(&again.envelope).unwrap();
    assert_eq!(other.open(&envelope), Err(OpenError::NotThisSession));
    bob.open(&envelope).unwrap();
}

#[test]
fn a_thousand_may_be_missing_and_not_one_more() {
    let (mut alice, mut bob) = pair();
    let envelopes = bodies(&mut alice, SKIPPED_PER_ENVELOPE + 2);
    let before = bob.record.clone();
    assert_eq!(bob.open(envelopes.last().unwrap()), Err(OpenError::TooManySkipped));
    assert_eq!(bob.record, before);
    bob.open(&envelopes[SKIPPED_PER_ENVELOPE as usize]).unwrap();
    bob.open(&envelopes[0]).unwrap();
    bob.open(envelopes.last().unwrap()).unwrap();
}

#[test]
fn the_missing_of_two_chains_count_together() {
    let (mut alice, mut bob) = pair();
    let mut first = bodies(&mut alice, 601);
    let back = bob.seal(b"back");
    alice.open(&back).unwrap();
    let second = bodies(&mut alice, 401);
    assert_eq!(bob.open(&second[400]), Err(OpenError::TooManySkipped));
    bob.open(&second[399]).unwrap();
    bob.open(&first.pop().unwrap()).unwrap();
}

#[test]
fn of_too_many_stored_keys_the_oldest_goes() {
    let (mut alice, mut bob) = pair();
    let skip = SKIPPED_PER_ENVELOPE as usize;
    let envelopes = bodies(&mut alice, 3 * (SKIPPED_PER_ENVELOPE + 1));
    for last in 1..=3 {
        bob.open(&envelopes[last * (skip + 1) - 1]).unwrap();
    }
    assert_eq!(SKIPPED_STORED, 2 * skip);
    assert_eq!(bob.open(&envelopes[skip - 1]), Err(OpenError::AlreadyOpened), "forgotten");
    bob.open(&envelopes[skip + 1]).unwrap();
    assert!(bob.session().to_record().len() < 100_000);
}

#[test]
fn keys_of_missing_messages_are_forgotten_after_thirty_days() {
    let (mut alice, mut bob) = pair();
    let envelopes = bodies(&mut alice, 4);
    bob.open(&envelopes[2]).unwrap();
    bob.now = NOW.plus_days(SKIPPED_DAYS);
    bob.open(&envelopes[0]).unwrap();
    bob.now = NOW.plus_days(SKIPPED_DAYS + 1);
    assert_eq!(bob.open(&envelopes[1]), Err(OpenError::AlreadyOpened));
    bob.open(&envelopes[3]).unwrap();
}

#[test]
fn of_many_old_chains_the_newest_eight_still_open() {
    let (mut alice, mut bob) = pair();
    let mut missing = Vec::new();
    for _ in 0..10 {
        missing.push(alice.seal(b"late"));
        alice.round_trip(&mut bob);
    }
    let late: Vec<_> = missing.iter().map(|envelope| bob.open(envelope)).collect();
    // Of ten chains the last one is still the receiving chain, and eight before it are kept.
    assert_eq!(late[0], Err(OpenError::NotThisSession));
    assert!(late[1..].iter().all(Result::is_ok));
}

#[test]
fn a_full_round_trip_heals_a_theft() {
    let (mut alice, mut bob) = pair();
    alice.round_trip(&mut bob);
    let mut thief = bob.copy(77);
    let read = alice.seal(b"still read");
    assert_eq!(thief.open(&read), Ok(b"still read".to_vec()));
    bob.open(&read).unwrap();
    bob.round_trip(&mut alice);
    bob.round_trip(&mut alice);
    let healed = alice.seal(b"no longer");
    assert_eq!(thief.open(&healed), Err(OpenError::NotThisSession));
    assert_eq!(bob.open(&healed), Ok(b"no longer".to_vec()));
}

#[test]
fn a_restored_copy_repeats_no_key_and_nonce() {
    let (alice, mut bob) = pair();
    let (first, second) = (alice.copy(8).seal(b"one"), alice.copy(9).seal(b"two"));
    // The same message key under another salt: the sealed bodies share nothing but their room.
    assert_ne!(first.as_bytes()[2_385..2_449], second.as_bytes()[2_385..2_449]);
    let mut other = bob.copy(10);
    assert_eq!(bob.open(&first), Ok(b"one".to_vec()));
    assert_eq!(other.open(&second), Ok(b"two".to_vec()));
}

#[test]
fn a_superseded_session_opens_and_does_not_send() {
    let (mut alice, mut bob) = pair();
    let late = alice.seal(b"late");
    bob.record = bob.session().supersede(NOW).to_record().to_vec();
    assert_eq!(bob.try_seal(b"no"), Err(EncloseError::Superseded));
    assert_eq!(bob.open(&late), Ok(b"late".to_vec()));
    assert!(!bob.session().expired(NOW.plus_days(SUPERSEDED_DAYS)));
    assert!(bob.session().expired(NOW.plus_days(SUPERSEDED_DAYS + 1)));
}

#[test]
fn a_value_that_was_not_saved_is_lost_and_the_session_is_not() {
    let (mut alice, bob) = pair();
    let envelope = alice.seal(b"body");
    let staged = open(bob.session(), &envelope, NOW, |body| Ok::<_, ()>(body.to_vec())).unwrap();
    assert_eq!(staged.persist_now(|_, _| Err::<(), _>("disk full")), Err("disk full"));
    let again = open(bob.session(), &envelope, NOW, |body| Ok::<_, ()>(body.to_vec())).unwrap();
    assert_eq!(saved(again).1, b"body");
}

#[test]
fn a_record_is_loaded_whole_or_refused() {
    let (mut alice, mut bob) = pair();
    bodies(&mut alice, 3).iter().rev().for_each(|envelope| drop(bob.open(envelope).unwrap()));
    alice.round_trip(&mut bob);
    for record in [&alice.record, &bob.record] {
        assert_eq!(Session::from_record(record).unwrap().to_record().as_slice(), record.as_slice());
        assert_eq!(Session::from_record(&record[..record.len() - 1]).unwrap_err(), RecordError::Damaged);
        assert_eq!(Session::from_record(&[record.as_slice(), &[0]].concat()).unwrap_err(), RecordError::Damaged);
        let newer = [&[2], &record[1..]].concat();
        assert_eq!(Session::from_record(&newer).unwrap_err(), RecordError::NewerVersion);
    }
    assert_eq!(format!("{:?}", bob.session()), "Session(Responder, generation 1, …)");
}

/// What happens next in a conversation.
#[derive(Clone, Copy, Debug)]
enum Event {
    AliceSends,
    BobSends,
    /// One of the envelopes under way arrives, whichever.
    Arrives(usize),
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = prop_oneof![
        Just(Event::AliceSends),
        Just(Event::BobSends),
        any::<usize>().prop_map(Event::Arrives),
        any::<usize>().prop_map(Event::Arrives)
    ];
    proptest::collection::vec(event, 0..24)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn whatever_the_order_everything_opens_exactly_once(events in events()) {
        let (mut alice, mut bob) = pair();
        let mut under_way: Vec<(bool, Vec<u8>, Envelope)> = Vec::new();
        for (i, event) in (0_u8..).zip(events) {
            match event {
                Event::AliceSends => under_way.push((true, vec![i], alice.seal(&[i]))),
                Event::BobSends => under_way.push((false, vec![i], bob.seal(&[i]))),
                Event::Arrives(_) if under_way.is_empty() => {}
                Event::Arrives(which) => {
                    let (to_bob, body, envelope) = under_way.swap_remove(which % under_way.len());
                    let side = if to_bob { &mut bob } else { &mut alice };
                    prop_assert_eq!(side.open(&envelope), Ok(body));
                    prop_assert!(side.open(&envelope).is_err());
                }
            }
        }
        for (to_bob, body, envelope) in under_way {
            prop_assert_eq!(if to_bob { &mut bob } else { &mut alice }.open(&envelope), Ok(body));
        }
    }

    #[test]
    fn a_perturbed_record_is_refused_or_is_another(at in 0_usize..20_000, with in 1_u8..) {
        let (mut alice, mut bob) = pair();
        let envelopes = bodies(&mut alice, 4);
        bob.open(&envelopes[3]).unwrap();
        let mut record = bob.record;
        let at = at % record.len();
        record[at] ^= with;
        if let Ok(session) = Session::from_record(&record) {
            let again = session.to_record();
            prop_assert_eq!(again.as_slice(), record.as_slice());
        }
    }

    #[test]
    fn arbitrary_bytes_are_no_envelope_of_a_session(kind in 0_u8..4, seed: [u8; 32]) {
        let (_, mut bob) = pair();
        let bytes: Vec<u8> = core::iter::once(kind).chain(seed.iter().copied().cycle()).take(16_000).collect();
        let expected = if matches!(kind, 1 | 2) { OpenError::NotThisSession } else { OpenError::NewerVersion };
        prop_assert_eq!(bob.open(&Envelope::from_bytes(&bytes).unwrap()), Err(expected));
    }
}

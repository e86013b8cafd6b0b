#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::{
    kem::UncheckedKey,
    testing::{TODAY, rng},
};

fn sides() -> (Ratchet, Ratchet) {
    let keys = || FirstKeys {
        root: Key::from_bytes(&[1; 32]),
        chain_i: Key::from_bytes(&[2; 32]),
        header_i: Key::from_bytes(&[3; 32]),
        next_header_i: Key::from_bytes(&[4; 32]),
        next_header_r: Key::from_bytes(&[5; 32]),
    };
    let sk = DecapsulationKey::generate(&mut rng(1));
    let pk = sk.public();
    (Ratchet::initiator(keys(), sk), Ratchet::responder(keys(), pk))
}

fn place(ratchet: &Ratchet, key: &Key<purpose::Header>, sealed: &ToSeal) -> Option<Place> {
    let copy = |header: &Header| Header { announcement: header.announcement.clone(), n: header.n, pn: header.pn };
    ratchet.locate(|tried| (tried == key).then(|| copy(&sealed.header))).map(|(place, _)| place)
}

#[test]
fn both_sides_derive_the_same_keys_and_steps_alternate() {
    let (mut alice, mut bob) = sides();
    for round in 0..3_u64 {
        let (next, first) = alice.send(&mut rng(10 + round)).unwrap();
        let (next, second) = next.send(&mut rng(20)).unwrap();
        alice = next;
        assert_eq!((first.header.n, second.header.n), (0, 1));
        assert_eq!(
            first.header.announcement.key().as_bytes(),
            second.header.announcement.key().as_bytes(),
            "a chain repeats its announcement"
        );
        let expected = if round == 0 { Place::Current } else { Place::Next };
        assert_eq!(place(&bob, &first.header_key, &first), Some(expected));
        let (next, key) = bob.receive(expected, first.header, TODAY).unwrap();
        assert_eq!(key, first.message_key);
        let (next, key) = next.receive(Place::Current, second.header, TODAY).unwrap();
        assert_eq!(key, second.message_key);
        bob = next;
        let (next, back) = bob.send(&mut rng(30 + round)).unwrap();
        bob = next;
        let (next, key) = alice.receive(Place::Next, back.header, TODAY).unwrap();
        assert_eq!(key, back.message_key);
        alice = next;
    }
}

#[test]
fn a_chain_that_answers_a_key_never_announced_is_refused() {
    let (alice, bob) = sides();
    let (_, forged) = alice.send(&mut rng(2)).unwrap();
    assert_eq!(bob.receive(Place::Next, forged.header, TODAY).err(), Some(Refused::Undecryptable));
}

#[test]
fn an_announced_key_of_low_order_is_refused() {
    let (alice, bob) = sides();
    let (_, honest) = bob.send(&mut rng(3)).unwrap();
    let mut bytes = *honest.header.announcement.key().as_bytes();
    bytes[1_184..].fill(0);
    let ct = honest.header.announcement.ciphertext().clone();
    let header = Header { announcement: Announcement::unchecked(ct, UncheckedKey::from_bytes(&bytes)), n: 0, pn: 0 };
    assert_eq!(alice.receive(Place::Next, header, TODAY).err(), Some(Refused::Undecryptable));
}

#[test]
fn a_chain_cannot_be_shorter_than_what_came_of_it() {
    let (alice, bob) = sides();
    let (alice, first) = alice.send(&mut rng(4)).unwrap();
    let (bob, _) = bob.receive(Place::Current, first.header, TODAY).unwrap();
    let (bob, back) = bob.send(&mut rng(5)).unwrap();
    let (alice, _) = alice.receive(Place::Next, back.header, TODAY).unwrap();
    let (_, mut second) = alice.send(&mut rng(6)).unwrap();
    assert_eq!(second.header.pn, 1);
    second.header.pn = 0;
    assert_eq!(bob.receive(Place::Next, second.header, TODAY).err(), Some(Refused::Undecryptable));
}

#[test]
fn a_used_up_chain_says_so() {
    let (mut alice, _) = sides();
    if let Turn::Theirs { sending, .. } = &mut alice.turn {
        sending.wind_to(u32::MAX);
    }
    assert_eq!(alice.send(&mut rng(7)).err(), Some(EncloseError::ChainExhausted));
}

#![expect(clippy::unwrap_used, reason = "tests")]

use lightproof_wire::{
    envelope::Envelope,
    limits,
    prekey::{PrekeyBundle, PrekeyId},
};

use super::*;
use crate::{
    bundle::UnverifiedBundle,
    envelope::{EnvelopeKind, HelloHeader},
    error::{BundleError, HandshakeError, OpenError, RecordError},
    prekey::{OneTimePrekeySecret, SignedPrekeySecret},
    session::Role,
    testing::{NOW, Person, Side, TODAY, rng, saved, turned},
};

#[test]
fn a_hello_says_everything_to_its_recipient_and_nothing_to_others() {
    let (alice, bob) = (Person::new(1), Person::new(2));
    let (mut caller, initiated) = alice.call(&bob.bundle(), 5, 3);
    assert_eq!(EnvelopeKind::of(&initiated.envelope), Some(EnvelopeKind::Hello));
    let header = HelloHeader::parse(&initiated.envelope).unwrap();
    assert_eq!(header, HelloHeader { signed_id: PrekeyId(7), one_time_id: Some(PrekeyId(70)) });
    let (mut called, answered) = bob.answer(&initiated.envelope).unwrap();
    assert_eq!(answered.identity, *alice.identity.public());
    assert_eq!(
        (answered.generation, &answered.reply, &answered.card),
        (5, &alice.offer(5).reply, &alice.offer(5).card)
    );
    assert_eq!(answered.session_id, initiated.session_id);
    assert_eq!(
        Ok(answered.t0),
        hello_t0(&bob.identity.fingerprint(), &initiated.envelope, &bob.signed, Some(&bob.one_time))
    );
    let (session, theirs) = (called.session(), caller.session());
    assert_eq!(
        (session.role(), session.generation(), session.peer()),
        (Role::Responder, 5, alice.identity.fingerprint())
    );
    assert_eq!((theirs.role(), theirs.generation(), theirs.peer()), (Role::Initiator, 5, bob.identity.fingerprint()));
    called.round_trip(&mut caller);
    assert_eq!(Person::new(9).answer(&initiated.envelope).err(), Some(OpenError::Undecryptable));
}

#[test]
fn a_hello_without_a_one_time_prekey_begins_a_session_too() {
    let (alice, bob) = (Person::new(1), Person::new(2));
    let mut published = bob.published();
    published.one_time = None;
    let fingerprint = bob.identity.fingerprint();
    let bundle = UnverifiedBundle::open(&published, &fingerprint, &bob.doorbell.hash())
        .unwrap()
        .verify(&fingerprint, TODAY)
        .unwrap();
    assert!(!bundle.has_one_time() && bob.bundle().has_one_time());
    let (mut caller, initiated) = alice.call(&bundle, 1, 3);
    assert_eq!(HelloHeader::parse(&initiated.envelope).unwrap().one_time_id, None);
    assert_eq!(bob.answer(&initiated.envelope).err(), Some(OpenError::Undecryptable), "a secret it does not name");
    let (record, _) = saved(respond(&bob.identity, &initiated.envelope, &bob.signed, None).unwrap());
    caller.round_trip(&mut Side::new(record, 4));
}

#[test]
fn a_wrong_bit_anywhere_in_a_hello_is_refused() {
    let (alice, bob) = (Person::new(1), Person::new(2));
    let (_, initiated) = alice.call(&bob.bundle(), 1, 3);
    for at in [1, 4, 5, 6, 9, 10, 1_000, 1_129, 1_130, 2_249, 2_250, 9_000, 15_999] {
        assert_eq!(bob.answer(&turned(&initiated.envelope, at)).err(), Some(OpenError::Undecryptable), "byte {at}");
    }
    bob.answer(&initiated.envelope).unwrap();
    let unknown = Envelope::from_bytes(&[9; 16_000]).unwrap();
    assert_eq!(HelloHeader::parse(&unknown), Err(OpenError::NewerVersion));
    assert_eq!(EnvelopeKind::of(&unknown), None);
}

#[test]
fn a_hello_signed_by_somebody_else_is_an_alarm() {
    let (alice, bob, mallory) = (Person::new(1), Person::new(2), Person::new(3));
    // Mallory seals everything right, and can only sign with a key of her own.
    let forged =
        initiate::forge(&mallory.identity, alice.identity.public(), &bob.bundle(), alice.offer(1), &mut rng(4));
    assert!(matches!(bob.answer(&forged).err(), Some(OpenError::Misbehaved(_))));
}

#[test]
fn nobody_calls_themselves() {
    let alice = Person::new(1);
    let refused = initiate(&alice.identity, &alice.bundle(), alice.offer(1), NOW, &mut rng(1));
    assert_eq!(refused.err(), Some(HandshakeError::OwnIdentity));
}

#[test]
fn of_two_hellos_that_cross_both_sides_choose_the_same() {
    let (alice, bob) = (Person::new(1), Person::new(2));
    let (from_alice, to_bob) = alice.call(&bob.bundle(), 1, 3);
    let (from_bob, to_alice) = bob.call(&alice.bundle(), 1, 4);
    let (at_bob, _) = bob.answer(&to_bob.envelope).unwrap();
    let (at_alice, _) = alice.answer(&to_alice.envelope).unwrap();
    let smaller = to_bob.session_id.min(to_alice.session_id);
    let chosen = |sides: [Side; 2]| sides.into_iter().find(|side| side.session().id() == smaller).unwrap();
    chosen([from_alice, at_alice]).round_trip(&mut chosen([from_bob, at_bob]));
}

#[test]
fn a_bundle_is_believed_only_for_its_card() {
    let (bob, eve) = (Person::new(2), Person::new(5));
    let (fingerprint, drop) = (bob.identity.fingerprint(), bob.doorbell.hash());
    let open = |bundle: &PrekeyBundle| UnverifiedBundle::open(bundle, &fingerprint, &drop);
    let published = bob.published();
    let last = TODAY.plus(30 + limits::PREKEY_GRACE_DAYS);
    assert!(open(&published).unwrap().verify(&fingerprint, last).is_ok());
    assert_eq!(open(&published).unwrap().verify(&fingerprint, last.plus(1)).err(), Some(BundleError::Expired));
    assert_eq!(
        UnverifiedBundle::open(&published, &eve.identity.fingerprint(), &drop).err(),
        Some(BundleError::Malformed)
    );
    assert_eq!(
        UnverifiedBundle::open(&published, &fingerprint, &eve.doorbell.hash()).err(),
        Some(BundleError::Malformed)
    );
    // A relay that knows the card can seal a bundle of its own making, and gains nothing.
    let mut replaced = published.clone();
    replaced.signed.not_after = replaced.signed.not_after.plus(1);
    assert_eq!(open(&replaced).err(), Some(BundleError::Malformed), "what stands in clear is bound");
    let other = UnverifiedBundle::open(&eve.published(), &eve.identity.fingerprint(), &eve.doorbell.hash()).unwrap();
    assert_eq!(other.verify(&fingerprint, TODAY).err(), Some(BundleError::OtherIdentity));
    let mut swapped = published.clone();
    swapped.one_time = Some(published.signed.clone());
    assert_eq!(open(&swapped).err(), Some(BundleError::WrongKind));
    let mut swapped = published;
    swapped.signed = swapped.one_time.clone().unwrap();
    assert_eq!(open(&swapped).err(), Some(BundleError::WrongKind));
}

#[test]
fn a_prekey_secret_is_loaded_as_its_own_kind() {
    let bob = Person::new(2);
    let record = bob.signed.to_record();
    let loaded = SignedPrekeySecret::from_record(&record).unwrap();
    assert_eq!(
        (loaded.id(), loaded.not_after(), loaded.to_record()),
        (bob.signed.id(), bob.signed.not_after(), record.clone())
    );
    assert_eq!(OneTimePrekeySecret::from_record(&record).err(), Some(RecordError::Damaged));
    assert_eq!(format!("{loaded:?}"), "PrekeySecret(Signed, PrekeyId(7), Day(20030))");
}

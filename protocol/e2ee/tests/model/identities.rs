//! Identities swapped at every place where one is named.

use lightproof_e2ee::{
    aead::{self, RandomNonce},
    bundle::UnverifiedBundle,
    error::{BundleError, OpenError},
    frame::{self, Content, Frame, FrameError, LineAck, LineId, MessageId, NO_FRAME},
    handshake::respond,
    identity::{Fingerprint, IdentityKeyPair},
    kdf::{self, Input},
    receipt::{Receipt, ReceiptKind},
    secret::{Key, purpose},
};
use lightproof_wire::{
    capability::{CapabilityHash, right},
    codec::{Bytes, Extensions, List, encode},
    label,
    prekey::{PrekeyBundle, PrekeyKind, PublishedPrekey},
    suite::SuiteId,
};

use crate::people::{NOW, Person, TODAY, rng, saved};

const IDENTITY_BYTES: usize = 1_984;
const PREKEY_BYTES: usize = 1_216;

fn frame(sender: Fingerprint, recipient: Fingerprint) -> Frame {
    let message_ids = List::new(vec![MessageId([8; 16])]).unwrap();
    Frame {
        sender,
        recipient,
        message_id: MessageId([3; 16]),
        line: LineId([4; 8]),
        index: 1,
        previous: NO_FRAME,
        sent_at: NOW,
        ack: LineAck::default(),
        reply: None,
        card: None,
        content: Content::Receipt(Receipt { kind: ReceiptKind::Viewed, message_ids }),
        extensions: Extensions::default(),
    }
}

#[test]
fn no_swapped_identity_is_accepted() {
    let people: Vec<IdentityKeyPair> = (1..=4).map(|seed| IdentityKeyPair::generate(&mut rng(seed))).collect();
    let (mut accepted, mut refused) = (0, 0);
    for signer in &people {
        for (sender, recipient) in people.iter().flat_map(|sender| people.iter().map(move |one| (sender, one))) {
            let named = frame(sender.fingerprint(), recipient.fingerprint());
            let body = frame::sign(&named, signer, &mut rng(9)).unwrap();
            for (from, me) in people.iter().flat_map(|from| people.iter().map(move |me| (from, me))) {
                let outcome = frame::verify(body.as_bytes(), from.public(), &me.fingerprint());
                let expected = if signer.fingerprint() != from.fingerprint() {
                    Some(FrameError::Unsigned)
                } else if sender.fingerprint() != from.fingerprint() {
                    Some(FrameError::OtherSender)
                } else {
                    (recipient.fingerprint() != me.fingerprint()).then_some(FrameError::OtherRecipient)
                };
                if expected.is_some() {
                    refused += 1
                } else {
                    accepted += 1
                }
                assert_eq!(outcome.err(), expected);
            }
        }
    }
    assert_eq!(accepted, 16, "the honest ones, and no other");
    println!("evidence: P6 P10 A14 | {refused} frames with one identity or more swapped, 0 accepted | -");
}

/// Whoever publishes a prekey of somebody else's as their own would be taken for whom the Hello is meant.
#[test]
fn a_prekey_published_in_another_name_begins_no_session() {
    let people = [Person::new(1), Person::new(2), Person::new(3)];
    let (mut accepted, mut refused) = (0, 0);
    for (caller, owner, holder) in [(0, 1, 1), (0, 1, 2), (0, 2, 1), (1, 0, 2), (2, 1, 0), (2, 0, 1), (1, 2, 2)] {
        let (identity, drop) = (&people[owner].identity, people[owner].doorbell.hash());
        let published = PrekeyBundle {
            signed: people[holder].signed.publish(identity, &drop, &mut rng(7)),
            one_time: Some(people[holder].one_time.publish(identity, &drop, &mut rng(8))),
        };
        let of = identity.fingerprint();
        let bundle = UnverifiedBundle::open(&published, &of, &drop).unwrap().verify(&of, TODAY).unwrap();
        let (_, hello) = people[caller].call(&bundle, 1, &mut rng(9));
        for (me, with) in (0..3).flat_map(|me| (0..3).map(move |with| (me, with))) {
            let secrets = (&people[with].signed, Some(&people[with].one_time));
            let answered = respond(&people[me].identity, &hello.envelope, secrets.0, secrets.1).map(saved);
            if me == owner && with == holder {
                accepted += 1;
                assert_eq!(answered.unwrap().1.identity, *people[caller].identity.public());
            } else {
                refused += 1;
                assert_eq!(answered.err(), Some(OpenError::Undecryptable), "{caller} to {owner}, opened by {me}");
            }
        }
    }
    assert_eq!(accepted, 7);
    println!("evidence: P6 P2 A14 | {refused} Hellos opened by another identity or with other prekeys, 0 accepted | -");
}

fn bundle_key(owner: &Fingerprint, doorbell: &CapabilityHash<right::Drop>) -> Key<purpose::Bundle> {
    kdf::derive_key(label::BUNDLE_KEY, Input { ikm: &[owner.as_bytes()], salt: doorbell.as_bytes(), rest: &[] })
}

fn clear(prekey: &PublishedPrekey) -> Vec<u8> {
    [encode(&prekey.kind), encode(&prekey.id), encode(&prekey.not_after)].concat()
}

/// Mallory's prekey in Bob's name, as a relay that has Bob's card could make it: all but Bob's signature is right.
fn forged(honest: &PublishedPrekey, mallory: &Person, bob: &Person) -> PublishedPrekey {
    let drop = mallory.doorbell.hash();
    let (nonce, boxed) = honest.sealed.as_slice().split_first_chunk().unwrap();
    let mut opened = boxed.to_vec();
    aead::decrypt_random(&bundle_key(&mallory.identity.fingerprint(), &drop), nonce, &clear(honest), &mut opened)
        .unwrap();
    let identity = if honest.kind == PrekeyKind::Signed { IDENTITY_BYTES } else { 0 };
    let public = &opened[identity..identity + PREKEY_BYTES];
    let bobs = bob.identity.fingerprint();
    let signed = [&[SuiteId::BYTE], clear(honest).as_slice(), bobs.as_bytes(), public].concat();
    let signature = mallory.identity.sign(label::SIGN_PREKEY, &signed, &mut rng(4));
    let named = &bob.identity.public().as_bytes()[..identity];
    let (nonce, mut boxed): (RandomNonce, _) = ([5; 24], [named, public, signature.as_bytes()].concat());
    aead::encrypt_random(&bundle_key(&bobs, &bob.doorbell.hash()), &nonce, &clear(honest), &mut boxed);
    PublishedPrekey { sealed: Bytes::new([nonce.as_slice(), &boxed].concat()).unwrap(), ..honest.clone() }
}

#[test]
fn a_prekey_that_its_owner_did_not_sign_is_refused() {
    let (bob, mallory) = (Person::new(2), Person::new(3));
    let (owner, drop) = (bob.identity.fingerprint(), bob.doorbell.hash());
    let publish = |person: &Person| {
        let drop = person.doorbell.hash();
        let signed = person.signed.publish(&person.identity, &drop, &mut rng(1));
        (signed, person.one_time.publish(&person.identity, &drop, &mut rng(2)))
    };
    let (honest, hers) = (publish(&bob), publish(&mallory));
    let forged = (forged(&hers.0, &mallory, &bob), forged(&hers.1, &mallory, &bob));
    let verify = |signed: &PublishedPrekey, one_time: &PublishedPrekey| {
        let bundle = PrekeyBundle { signed: signed.clone(), one_time: Some(one_time.clone()) };
        UnverifiedBundle::open(&bundle, &owner, &drop).unwrap().verify(&owner, TODAY).err()
    };
    assert_eq!(verify(&honest.0, &honest.1), None);
    assert_eq!(verify(&forged.0, &honest.1), Some(BundleError::Forged));
    assert_eq!(verify(&honest.0, &forged.1), Some(BundleError::Forged));
}

//! The frozen examples of `docs/spec/vectors`: generated once, compared for ever.
//!
//! Randomness is a seeded generator; every secret that an example needs stands in its file, so that another
//! implementation can open what is sealed there.
#![expect(clippy::unwrap_used, reason = "tests")]

use core::{convert::Infallible, fmt::Write as _};
use std::{collections::BTreeMap, fs, path::PathBuf};

use lightproof_wire::{
    capability::{CapabilityHash, right},
    codec::{decode, encode},
    envelope::Envelope,
    label,
    prekey::{PrekeyBundle, PublishedPrekey},
};
use rand_core::{TryCryptoRng, TryRng};

use crate::{
    bundle::UnverifiedBundle,
    handshake::{hello_t0, respond},
    identity::{Fingerprint, IdentityKey, IdentityKeyPair},
    kem::{DecapsulationKey, UncheckedKey},
    prekey::{OneTimePrekeySecret, SignedPrekeySecret},
    session::Session,
    signature::Signature,
    testing::{Person, Side, TODAY, pair, rng, saved},
};

type Examples = Vec<(&'static str, Vec<u8>)>;

struct File {
    name: &'static str,
    title: &'static str,
    examples: fn() -> Examples,
}

const FILES: [File; 4] = [
    File {
        name: "identity.txt",
        title: "An identity and its composite signature (suite.md, prekeys.md).",
        examples: identity,
    },
    File {
        name: "prekeys.txt",
        title: "Published prekeys of the responder (prekeys.md), and their secrets as records.",
        examples: prekeys,
    },
    File {
        name: "handshake.txt",
        title: "A Hello to the owner of prekeys.txt, and the session both sides then hold (handshake.md).",
        examples: handshake,
    },
    File {
        name: "ratchet.txt",
        title: "Messages of the session of handshake.txt (ratchet.md, envelope.md).",
        examples: ratchet,
    },
];

fn identity() -> Examples {
    let pair = IdentityKeyPair::generate(&mut rng(1));
    vec![
        ("seeds", pair.seeds().to_vec()),
        ("public", pair.public().as_bytes().to_vec()),
        ("fingerprint", pair.fingerprint().as_bytes().to_vec()),
        ("message", b"a frame".to_vec()),
        ("signature", pair.sign(label::SIGN_MESSAGE, b"a frame", &mut rng(2)).as_bytes().to_vec()),
    ]
}

fn prekeys() -> Examples {
    let bob = Person::new(2);
    let PrekeyBundle { signed, one_time } = bob.published();
    vec![
        ("owner.seeds", bob.identity.seeds().to_vec()),
        ("owner.fingerprint", bob.identity.fingerprint().as_bytes().to_vec()),
        ("doorbell.drop_hash", bob.doorbell.hash().as_bytes().to_vec()),
        ("signed.record", bob.signed.to_record().to_vec()),
        ("signed.published", encode(&signed)),
        ("one_time.record", bob.one_time.to_record().to_vec()),
        ("one_time.published", encode(&one_time.unwrap())),
    ]
}

fn handshake() -> Examples {
    let (alice, bob) = (Person::new(1), Person::new(2));
    let (caller, initiated) = alice.call(&bob.bundle(), 1, 3);
    let (called, answered) = bob.answer(&initiated.envelope).unwrap();
    vec![
        ("hello", initiated.envelope.as_bytes().to_vec()),
        ("t0", answered.t0.as_bytes().to_vec()),
        ("initiator.fingerprint", answered.identity.fingerprint().as_bytes().to_vec()),
        ("generation", answered.generation.to_be_bytes().to_vec()),
        ("reply", encode(&answered.reply)),
        ("card", encode(&answered.card)),
        ("session_id", answered.session_id.as_bytes().to_vec()),
        ("initiator.record", caller.record),
        ("responder.record", called.record),
    ]
}

fn ratchet() -> Examples {
    let (mut alice, mut bob) = pair();
    let first = alice.seal(b"first of I");
    let skipped = alice.seal(b"second of I, not opened yet");
    bob.open(&first).unwrap();
    let back = bob.seal(b"first of R");
    alice.open(&back).unwrap();
    let next = alice.seal(b"third of I");
    bob.open(&next).unwrap();
    vec![
        ("i1", first.as_bytes().to_vec()),
        ("i2", skipped.as_bytes().to_vec()),
        ("r1", back.as_bytes().to_vec()),
        ("i3", next.as_bytes().to_vec()),
        ("responder.record", bob.record),
    ]
}

fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/spec/vectors").join(name)
}

fn frozen(name: &str) -> BTreeMap<String, Vec<u8>> {
    let text = fs::read_to_string(file(name)).unwrap();
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| line.split_once(" = ").unwrap())
        .map(|(name, value)| (name.to_owned(), hex::decode(value).unwrap()))
        .collect()
}

fn fixed<const N: usize>(examples: &BTreeMap<String, Vec<u8>>, name: &str) -> [u8; N] {
    examples.get(name).unwrap().as_slice().try_into().unwrap()
}

#[test]
fn everything_sealed_and_signed_is_as_frozen() {
    for File { name, title: _, examples } in FILES {
        let (mut expected, examples) = (frozen(name), examples());
        for (example, bytes) in examples {
            assert!(expected.remove(example) == Some(bytes), "{name}: {example}");
        }
        assert!(expected.is_empty(), "{name} holds other examples");
    }
}

/// Run once for a new version of the protocol, never to make the test above pass.
#[test]
#[ignore = "writes the frozen examples"]
fn freeze() {
    for File { name, title, examples } in FILES {
        let mut text = format!("# {title}\n");
        for (example, bytes) in examples() {
            writeln!(text, "{example} = {}", hex::encode(bytes)).unwrap();
        }
        fs::write(file(name), text).unwrap();
    }
}

#[test]
fn the_frozen_signature_verifies() {
    let examples = frozen("identity.txt");
    let key = IdentityKey::from_bytes(&fixed(&examples, "public")).unwrap();
    assert_eq!(key.fingerprint(), Fingerprint::from_bytes(fixed(&examples, "fingerprint")));
    assert_eq!(
        key.verify(label::SIGN_MESSAGE, b"a frame", &Signature::from_bytes(&fixed(&examples, "signature"))),
        Ok(())
    );
}

#[test]
fn the_frozen_conversation_opens_from_what_its_files_say() {
    let (keys, hello, messages) = (frozen("prekeys.txt"), frozen("handshake.txt"), frozen("ratchet.txt"));
    let owner = IdentityKeyPair::from_seeds(&fixed(&keys, "owner.seeds"));
    let signed: PublishedPrekey = decode(keys.get("signed.published").unwrap()).unwrap();
    let one_time = Some(decode(keys.get("one_time.published").unwrap()).unwrap());
    let drop = CapabilityHash::<right::Drop>::from_bytes(fixed(&keys, "doorbell.drop_hash"));
    let bundle = UnverifiedBundle::open(&PrekeyBundle { signed, one_time }, &owner.fingerprint(), &drop).unwrap();
    bundle.verify(&owner.fingerprint(), TODAY).unwrap();

    let signed = SignedPrekeySecret::from_record(keys.get("signed.record").unwrap()).unwrap();
    let one_time = OneTimePrekeySecret::from_record(keys.get("one_time.record").unwrap()).unwrap();
    let envelope = Envelope::from_bytes(hello.get("hello").unwrap()).unwrap();
    let t0 = hello_t0(&owner.fingerprint(), &envelope, &signed, Some(&one_time)).unwrap();
    assert_eq!(t0.as_bytes(), &fixed(&hello, "t0"));
    let (record, answered) = saved(respond(&owner, &envelope, &signed, Some(&one_time)).unwrap());
    assert_eq!(answered.session_id.as_bytes(), &fixed(&hello, "session_id"));
    assert_eq!(Some(&record), hello.get("responder.record"));

    let mut initiator = Side::new(hello.get("initiator.record").unwrap().clone(), 0);
    let mut responder = Side::new(messages.get("responder.record").unwrap().clone(), 0);
    assert_eq!(Session::from_record(&responder.record).unwrap().id(), answered.session_id);
    let message = |name: &str| Envelope::from_bytes(messages.get(name).unwrap()).unwrap();
    // The frozen record of I is from before it sent, and has all that the answer needs: it announced its key in the Hello.
    assert_eq!(initiator.open(&message("r1")), Ok(b"first of R".to_vec()));
    assert_eq!(Side::new(record, 0).open(&message("i1")), Ok(b"first of I".to_vec()));
    assert_eq!(responder.open(&message("i2")), Ok(b"second of I, not opened yet".to_vec()));
}

/// Gives the bytes it was given.
struct Given(Vec<u8>);

impl TryRng for Given {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        rand_core::utils::next_word_via_fill(self)
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        rand_core::utils::next_word_via_fill(self)
    }

    fn try_fill_bytes(&mut self, into: &mut [u8]) -> Result<(), Infallible> {
        into.copy_from_slice(&self.0.drain(..into.len()).collect::<Vec<_>>());
        Ok(())
    }
}

impl TryCryptoRng for Given {}

#[test]
fn x_wing_agrees_with_its_draft() {
    let examples = frozen("xwing.txt");
    let mut ran = 0;
    for case in ["1", "2", "3"] {
        let part = |name: &str| examples.get(&format!("{case}.{name}")).unwrap().clone();
        let key = DecapsulationKey::generate(&mut Given(part("seed")));
        assert_eq!(key.public().as_bytes().as_slice(), part("pk"));
        let public = UncheckedKey::from_bytes(&fixed(&examples, &format!("{case}.pk"))).check().unwrap();
        let (ciphertext, shared) = public.encapsulate(&mut Given(part("eseed")));
        assert_eq!(
            (ciphertext.as_bytes().as_slice(), shared.expose_secret().as_slice()),
            (part("ct").as_slice(), part("ss").as_slice())
        );
        assert_eq!(key.decapsulate(&ciphertext), Ok(shared));
        ran += 1;
    }
    println!("evidence: P1 P2 P7 | {ran} X-Wing vectors of its draft | -");
}

//! The frozen examples of what people say to each other: frames, sealed blobs, contact cards, safety numbers.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on should stop")]

use std::{collections::BTreeMap, fs, path::PathBuf};

use lightproof_e2ee::{
    blob::{FileKey, Opener, Sealer},
    card::ContactCard,
    frame::{Content, DoorbellChange, Frame, LineAck, LineId, MessageId, NO_FRAME, Reply, SignedBody, sign, verify},
    identity::{Fingerprint, IdentityKeyPair},
    manifest::{Manifest, MediaType, Photo, Treatment},
    proof::{Enclosed, PlacedOpening, Proof, SourceOpening},
    receipt::{Receipt, ReceiptKind, Retract},
    safety_number::SafetyNumber,
    signature::SIGNATURE_BYTES,
};
use lightproof_wire::{
    blob::BlobShape,
    capability::Capability,
    codec::{Bytes, Extensions, List, Text},
    hash::Digest,
    id::ChunkIndex,
    time::Timestamp,
};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng as _};

#[path = "content_vectors/sealed.rs"]
mod sealed;

type Examples = Vec<(String, Vec<u8>)>;

/// Examples longer than this are frozen as `sha256:` and their digest.
const WHOLE_BYTES: usize = 8_192;

fn counted<const N: usize>(first: u8) -> [u8; N] {
    core::array::from_fn(|i| first.wrapping_add(u8::try_from(i % 256).unwrap()))
}

fn alice() -> IdentityKeyPair {
    IdentityKeyPair::from_seeds(&counted(0x00))
}

fn bob() -> IdentityKeyPair {
    IdentityKeyPair::from_seeds(&counted(0x40))
}

fn file(length: usize) -> Vec<u8> {
    (0..length).map(|i| u8::try_from(i % 251).unwrap()).collect()
}

/// The photo was sent as it was.
fn source() -> SourceOpening {
    SourceOpening { salt: counted(0xa0), digest: Digest::of(&file(100_000)) }
}

fn photo() -> Photo {
    let file = file(100_000);
    let shape = BlobShape::for_length(100_000).unwrap();
    Photo {
        treatment: Treatment::Compressed,
        media_type: MediaType::Jpeg,
        width: 640,
        height: 480,
        length_bytes: 100_000,
        digest: Digest::of(&file),
        source_commitment: source().commitment(),
        thumbhash: Bytes::new(counted::<21>(0xc0).to_vec()).unwrap(),
        name: Text::new("harbour.jpg").unwrap(),
        read: Capability::from_bytes(counted(0xd0)),
        file_key: FileKey::from_bytes(&counted(0xe0)),
        chunk_bytes: shape.class().sealed_bytes(),
        chunk_count: shape.count(),
    }
}

fn first(content: Content) -> Frame {
    Frame {
        sender: alice().fingerprint(),
        recipient: bob().fingerprint(),
        message_id: MessageId(counted(0x80)),
        line: LineId(counted(0x90)),
        index: 1,
        previous: NO_FRAME,
        sent_at: Timestamp(1_795_219_200_000),
        ack: LineAck::default(),
        reply: None,
        card: None,
        content,
        extensions: Extensions::default(),
    }
}

fn manifest() -> Frame {
    let manifest = Manifest {
        note: Text::new("Look, the sea!").unwrap(),
        blob_relay: Text::new("wss://relay.example.org/").unwrap(),
        photos: List::new(vec![photo()]).unwrap(),
        delivered_wanted: true,
        viewed_wanted: false,
        expire_after_view: false,
    };
    let reply =
        Reply { drop: Capability::from_bytes(counted(0x20)), relay: Text::new("wss://relay.example.org/").unwrap() };
    Frame { reply: Some(reply), ..first(Content::Manifest(manifest)) }
}

fn later(previous: &SignedBody, content: Content) -> Frame {
    let ack = LineAck { line: LineId(counted(0x98)), index: 3 };
    Frame { message_id: MessageId(counted(0x81)), index: 2, previous: previous.frame_digest(), ack, ..first(content) }
}

fn frames() -> Examples {
    let mut rng = ChaCha20Rng::from_seed([0; 32]);
    let ids = || List::new(vec![MessageId(counted(0xb0)), MessageId(counted(0xb1))]).unwrap();
    let manifest = sign(&manifest(), &alice(), &mut rng).unwrap();
    let receipt = later(&manifest, Content::Receipt(Receipt { kind: ReceiptKind::Delivered, message_ids: ids() }));
    let doorbell = DoorbellChange {
        drop: Capability::from_bytes(counted(0x21)),
        relay: Text::new("wss://new.example.org/").unwrap(),
    };
    let retract = Frame { card: Some(doorbell), ..later(&manifest, Content::Retract(Retract { message_ids: ids() })) };
    let unsigned = |body: &SignedBody| body.as_bytes()[..body.as_bytes().len() - SIGNATURE_BYTES].to_vec();
    let mut examples = vec![
        ("sender.seeds".to_owned(), alice().seeds().to_vec()),
        ("recipient.seeds".to_owned(), bob().seeds().to_vec()),
        ("frame.manifest".to_owned(), unsigned(&manifest)),
        ("digest.manifest".to_owned(), manifest.frame_digest().as_bytes().to_vec()),
    ];
    for (name, frame) in [("receipt", receipt), ("retract", retract)] {
        examples.push((format!("frame.{name}"), unsigned(&sign(&frame, &alice(), &mut rng).unwrap())));
    }
    examples.push(("body.manifest".to_owned(), manifest.as_bytes().to_vec()));
    examples
}

fn proofs() -> Examples {
    let body = hex::decode(&frozen("frames.txt")["body.manifest"]).unwrap();
    let proof = |openings, enclosed| Proof::new(alice().public(), &body, openings, enclosed).unwrap().head();
    let opened = vec![PlacedOpening { place: 0, opening: source() }];
    let whole = proof(opened.clone(), vec![0]);
    vec![
        ("proof.bare".to_owned(), proof(vec![], vec![])),
        ("proof.opened".to_owned(), proof(opened, vec![])),
        ("proof.whole.head".to_owned(), whole.clone()),
        ("proof.whole".to_owned(), [whole, file(100_000)].concat()),
    ]
}

fn blobs() -> Examples {
    let file_key = FileKey::from_bytes(&counted(0xe0));
    let mut examples = vec![("file_key".to_owned(), file_key.expose_secret().to_vec())];
    for length in [0, 100_000, 1_048_577] {
        let (file, mut from) = (file(length), 0);
        let mut sealer = Sealer::new(&file_key, length as u64).unwrap();
        while let Some(index) = sealer.next() {
            let to = from + sealer.plaintext_bytes(index);
            let mut chunk = file[from..to].to_vec();
            sealer.seal_chunk(index, &mut chunk).unwrap();
            examples.push((format!("blob.{length}.chunk.{}", index.0), chunk));
            from = to;
        }
    }
    examples
}

fn card() -> ContactCard {
    ContactCard {
        fingerprint: alice().fingerprint(),
        doorbell: Capability::from_bytes(counted(0x20)),
        relay: "wss://192.0.2.7:8443/#pin=AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8".parse().unwrap(),
        name_hint: Text::new("Alice").unwrap(),
    }
}

fn addresses() -> Examples {
    let (smaller, larger) = (Fingerprint::from_bytes(counted(0)), Fingerprint::from_bytes(counted(1)));
    vec![
        ("fingerprint.alice".to_owned(), alice().fingerprint().as_bytes().to_vec()),
        ("fingerprint.bob".to_owned(), bob().fingerprint().as_bytes().to_vec()),
        ("card.text".to_owned(), card().print().into_bytes()),
        ("safety_number.counted".to_owned(), SafetyNumber::between(&smaller, &larger).to_string().into_bytes()),
        (
            "safety_number.alice_bob".to_owned(),
            SafetyNumber::between(&alice().fingerprint(), &bob().fingerprint()).to_string().into_bytes(),
        ),
    ]
}

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/spec/vectors").join(name)
}

fn shown(bytes: &[u8]) -> String {
    if bytes.len() > WHOLE_BYTES {
        format!("sha256:{}", hex::encode(Digest::of(bytes).as_bytes()))
    } else {
        hex::encode(bytes)
    }
}

fn frozen(name: &str) -> BTreeMap<String, String> {
    let text = fs::read_to_string(path(name)).unwrap();
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(|line| line.split_once(" = ").unwrap()).map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn compare(name: &str, examples: Examples) {
    let expected = frozen(name);
    assert_eq!(expected.len(), examples.len(), "{name} holds other examples");
    for (example, bytes) in examples {
        assert_eq!(expected.get(&example), Some(&shown(&bytes)), "{name}: {example}");
    }
}

#[test]
fn frames_are_as_frozen() {
    compare("frames.txt", frames());
}

#[test]
fn sealed_chunks_are_as_frozen() {
    compare("blobs.txt", blobs());
}

#[test]
fn addresses_are_as_frozen() {
    compare("addresses.txt", addresses());
}

#[test]
fn proofs_are_as_frozen() {
    compare("proofs.txt", proofs());
}

#[test]
fn sealed_files_are_as_frozen() {
    compare("sealed_files.txt", sealed::examples());
}

#[test]
fn what_is_frozen_is_read() {
    let body = hex::decode(&frozen("frames.txt")["body.manifest"]).unwrap();
    let verified = verify(&body, alice().public(), &bob().fingerprint()).unwrap();
    assert_eq!(verified.into_frame(), manifest());
    let text = String::from_utf8(hex::decode(&frozen("addresses.txt")["card.text"]).unwrap()).unwrap();
    assert_eq!(ContactCard::parse(&text), Ok(card()));
    let mut chunk = blobs().into_iter().find(|(name, _)| name == "blob.100000.chunk.1").unwrap().1;
    Opener::new(&photo()).unwrap().open_chunk(ChunkIndex(1), &mut chunk).unwrap();
    assert!(chunk == file(100_000)[65_520..]);
    let head = hex::decode(&frozen("proofs.txt")["proof.whole.head"]).unwrap();
    let (proof, length) = Proof::read(&head).unwrap();
    assert_eq!((proof.frame(), length, proof.source(0)), (&manifest(), head.len(), Some(source().digest)));
    let mut enclosed = Enclosed::of(&proof);
    enclosed.take(&file(100_000)).unwrap();
    enclosed.finish().unwrap();
}

#[test]
#[ignore = "writes the frozen examples that are not there yet, once"]
fn freeze() {
    let files = [
        (
            "frames.txt",
            "Frames and one signed body (frames.md); the signature is hedged, so another signer gets other bytes.",
            frames(),
        ),
        (
            "blobs.txt",
            "Sealed chunks of files whose byte i is i mod 251 (blob.md). Values over 8,192 bytes are given by their SHA-256.",
            blobs(),
        ),
        (
            "addresses.txt",
            "Fingerprints; a card and safety numbers as the hexadecimal of their ASCII (addresses.md).",
            addresses(),
        ),
        (
            "proofs.txt",
            "Proofs of body.manifest of frames.txt (proofs.md). Values over 8,192 bytes are given by their SHA-256.",
            proofs(),
        ),
        (
            "sealed_files.txt",
            "Sealed files and their parts (sealed-files.md). Values over 8,192 bytes are given by their SHA-256.",
            sealed::examples(),
        ),
    ];
    for (name, title, examples) in files.into_iter().filter(|(name, ..)| !path(name).exists()) {
        let lines: String = examples.iter().map(|(name, bytes)| format!("{name} = {}\n", shown(bytes))).collect();
        fs::write(path(name), format!("# {title}\n{lines}")).unwrap();
    }
}

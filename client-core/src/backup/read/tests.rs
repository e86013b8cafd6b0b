//! What a backup is, byte for byte, and that nothing but one restores anything.

use core::fmt::Write as _;
use std::{fs, path::PathBuf};

use lightproof_e2ee::{
    blob::{FileKey, Sealer},
    frame::LineId,
    identity::{Fingerprint, IdentityKeyPair},
};
use lightproof_wire::{codec::Text, relay_link::RelayLink, time::Timestamp};
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng as _, SeedableRng as _};

use super::*;
use crate::{
    contact::{Contact, Standing},
    mailboxes::Mailbox,
    profile::Profile,
    vault::{
        memory::{MemorySpool, MemoryStore},
        unlock::{self, UnlockError},
    },
};

const NOW: Timestamp = Timestamp(1_795_262_400_000);
const LATER: Timestamp = Timestamp(1_795_348_800_000);
const WORDS: &str = "correct horse battery staple";

fn ready<V>(future: impl Future<Output = V>) -> V {
    let mut future = core::pin::pin!(future);
    match future.as_mut().poll(&mut core::task::Context::from_waker(core::task::Waker::noop())) {
        core::task::Poll::Ready(value) => value,
        core::task::Poll::Pending => panic!("memory never waits"),
    }
}

fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

fn words(text: &str) -> Passphrase {
    Passphrase::Words(Zeroizing::new(text.to_owned()))
}

/// Counted bytes: `first`, `first` + 1, …
fn counted(first: u8, length: usize) -> Vec<u8> {
    (0..length).map(|place| first.wrapping_add(u8::try_from(place % 256).unwrap())).collect()
}

fn key() -> FileKey {
    FileKey::from_bytes(counted(0x10, 32).as_slice().try_into().unwrap())
}

/// Somebody, as a row.
fn profile() -> Vec<u8> {
    let rng = &mut rng(1);
    let relay: RelayLink = "wss://relay.example/".parse().unwrap();
    let doorbell = Mailbox::generate(relay.to_text(), None, rng);
    let profile = Profile::new(
        &IdentityKeyPair::generate(rng),
        LineId(*b"the line"),
        Text::new("Alice").unwrap(),
        &relay,
        doorbell.owner_hash(),
    );
    let mut rows = Vec::new();
    format::append_row(&mut rows, &profile);
    format::append_row(&mut rows, &doorbell);
    rows
}

fn contact(byte: u8) -> Vec<u8> {
    let mut contact = Contact::new(Fingerprint::from_bytes([byte; 32]), Standing::Accepted, 7, NOW);
    contact.generation = 3;
    let mut row = Vec::new();
    format::append_row(&mut row, &contact);
    row
}

/// One sealed chunk, as it lies in a spool.
fn photo() -> Vec<u8> {
    let shape = BlobShape::for_length(100).unwrap();
    [format::photo_head(SpoolName::of([9; 16]), shape), counted(0, 65_536)].concat()
}

/// A person, a contact and a photo.
fn content() -> Vec<u8> {
    let made = NOW.0.to_be_bytes();
    [made.as_slice(), &profile(), &contact(1), &photo(), &format::end(3, 1)].concat()
}

fn sealed(content: &[u8]) -> (Opening, Vec<u8>) {
    let opening = Opening { key: key(), length_bytes: content.len() as u64 };
    let mut sealer = Sealer::new(&opening.key, opening.length_bytes).unwrap();
    let (mut rest, mut blob) = (content, Vec::new());
    while let Some(index) = sealer.next() {
        let (piece, after) = rest.split_at(sealer.plaintext_bytes(index));
        let mut chunk = piece.to_vec();
        sealer.seal_chunk(index, &mut chunk).unwrap();
        blob.extend(chunk);
        rest = after;
    }
    (opening, blob)
}

/// The file in pieces of this size.
fn pieces(bytes: &[u8], size: usize) -> impl AsyncFnMut() -> io::Result<Vec<u8>> {
    let mut pieces = bytes.chunks(size);
    async move || Ok(pieces.next().unwrap_or_default().to_vec())
}

type Home = (MemoryStore, MemorySpool);

/// Restores what stands behind a head.
fn filled(opening: &Opening, blob: &[u8]) -> (Home, Result<Summary, RestoreError>) {
    let home = Home::default();
    let file = File { next: pieces(blob, 10_007), held: Vec::new() };
    let rng = &mut rng(2);
    let filled = ready(fill((home.0.clone(), &home.1), file, opening, &Passphrase::None, LATER, rng));
    (home, filled)
}

fn whole(bytes: &[u8], passphrase: &str) -> Result<Summary, RestoreError> {
    let home = Home::default();
    let passphrases = Passphrases { backup: &words(passphrase), home: &Passphrase::None };
    ready(restore((home.0.clone(), &home.1), pieces(bytes, 7_001), passphrases, LATER, &mut rng(2)))
}

fn of_content(content: &[u8]) -> Result<Summary, RestoreError> {
    let (opening, blob) = sealed(content);
    filled(&opening, &blob).1
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _infallible = write!(text, "{byte:02x}");
        text
    })
}

/// A value as the files of vectors give it.
fn value(bytes: &[u8]) -> String {
    if bytes.len() > 8_192 {
        format!("sha256:{}", hexadecimal(lightproof_wire::hash::Digest::of(bytes).as_bytes()))
    } else {
        hexadecimal(bytes)
    }
}

fn file() -> (Vec<u8>, Vec<u8>) {
    let (opening, blob) = sealed(&content());
    let head = opening.seal(&words(WORDS), &mut rng(3)).unwrap();
    let file = [head.as_slice(), &blob].concat();
    (head, file)
}

#[test]
fn a_backup_is_as_it_is_frozen() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/spec/vectors/home_backups.txt");
    let frozen = fs::read_to_string(path).unwrap();
    let (head, file) = file();
    let made = [
        ("home_backup.passphrase", WORDS.as_bytes().to_vec()),
        ("home_backup.key", counted(0x10, 32)),
        ("home_backup.length", (content().len() as u64).to_be_bytes().to_vec()),
        ("home_backup.head", head),
        ("home_backup.profile_and_doorbell", profile()),
        ("home_backup.contact", contact(1)),
        ("home_backup.photo", photo()),
        ("home_backup.end", format::end(3, 1)),
        ("home_backup.content", content()),
        ("home_backup.file", file.clone()),
    ];
    let lines: Vec<String> = made.iter().map(|(name, bytes)| format!("{name} = {}", value(bytes))).collect();
    let there: Vec<&str> = frozen.lines().filter(|line| !line.starts_with('#')).collect();
    assert!(lines == there, "made\n{}", lines.join("\n"));
    let summary = whole(&file, WORDS).unwrap();
    assert_eq!(summary, Summary { made: NOW, contacts: 1, messages: 0, photos: 1 });
}

#[test]
fn a_restored_home_begins_a_new_line_above_every_session_and_calls() {
    let (opening, blob) = sealed(&content());
    let ((store, spool), summary) = filled(&opening, &blob);
    assert_eq!(summary.unwrap().photos, 1);
    let vault = ready(Vault::open(store, &Passphrase::None)).unwrap();
    let profile: Profile = ready(vault.get(Profile::ID)).unwrap().unwrap();
    assert!(profile.line != LineId(*b"the line") && profile.replace_prekeys.is_yes());
    let contact: Contact = ready(vault.get(&[1; 32])).unwrap().unwrap();
    assert_eq!((contact.generation, contact.hello_due), (67, Some(LATER.day())));
    let restored: Restored = ready(vault.get(Restored::ID)).unwrap().unwrap();
    assert_eq!(restored, Restored { on: LATER, backup_made: NOW });
    assert_eq!(ready(spool.read(SpoolName::of([9; 16]), 0, 65_536)).unwrap(), counted(0, 65_536));
}

#[test]
fn what_was_changed_cut_or_goes_on_restores_nothing() {
    let (opening, blob) = sealed(&content());
    let damaged = |bytes: &[u8], what: &str| {
        let refused = filled(&opening, bytes).1;
        assert!(matches!(refused, Err(RestoreError::Damaged)), "{what}: {refused:?}");
    };
    let mut chance = rng(4);
    for bit in (0..256).map(|_| usize::try_from(chance.next_u64()).unwrap() % (blob.len() * 8)) {
        let mut changed = blob.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        damaged(&changed, &format!("bit {bit}"));
    }
    for length in (0..blob.len()).step_by(9_973).chain([blob.len() - 1, 65_536]) {
        damaged(&blob[..length], &format!("{length} bytes"));
    }
    damaged(&[blob.as_slice(), &[0]].concat(), "a byte more");
    let chunks: Vec<&[u8]> = blob.chunks(65_536).collect();
    damaged(&[chunks[1], chunks[0]].concat(), "chunks in another order");
}

#[test]
fn a_head_opens_with_its_passphrase_alone_and_every_change_of_it_is_refused() {
    let (head, file) = file();
    assert!(matches!(whole(&file, "another"), Err(RestoreError::Unlock(UnlockError::Wrong))));
    let changed = |byte: usize| {
        let mut changed = file.clone();
        changed[byte] ^= 1;
        whole(&changed, WORDS)
    };
    assert!(matches!(changed(0), Err(RestoreError::NotABackup)));
    assert!(matches!(changed(21), Err(RestoreError::NotABackup)));
    for byte in [22, 23, 24, 25, 38, 60, head.len() - 1] {
        let refused = changed(byte);
        assert!(refused.is_err(), "byte {byte}: {refused:?}");
    }
    let newer = [&file[..22], &[2], &file[23..]].concat();
    assert!(matches!(whole(&newer, WORDS), Err(RestoreError::Newer)));
    assert!(matches!(whole(b"not a backup, but long enough to be one", WORDS), Err(RestoreError::NotABackup)));
    assert!(matches!(whole(b"short", WORDS), Err(RestoreError::NotABackup)));
}

#[test]
fn a_head_that_asks_for_too_much_is_refused_before_any_work() {
    let (head, file) = file();
    let ours = [65_536_u32, 3, 1];
    for (place, ours) in (0..).zip(ours) {
        let at = 26 + 4 * place;
        assert_eq!(head[at..at + 4], ours.to_be_bytes());
        let mut greedy = file.clone();
        greedy[at..at + 4].copy_from_slice(&(4 * ours + 1).to_be_bytes());
        // After the work it would be a wrong passphrase.
        assert!(matches!(whole(&greedy, WORDS), Err(RestoreError::Damaged)), "parameter {place}");
    }
}

#[test]
fn a_head_that_asks_for_no_passphrase_is_refused() {
    let (opening, blob) = sealed(&content());
    assert!(matches!(opening.seal(&Passphrase::None, &mut rng(3)), Err(UnlockError::Missing)));
    // Whoever can write a file can write this one: it would open with any words.
    let bound = [b"lightproof home backup".as_slice(), &[1]].concat();
    let secret = [counted(0x10, 32), opening.length_bytes.to_be_bytes().to_vec()].concat();
    let header = unlock::wrap(&bound, &secret, &Passphrase::None, &mut rng(3)).unwrap();
    let length = u8::try_from(header.len()).unwrap();
    let planted = [bound.as_slice(), &[length], &header, &blob].concat();
    assert!(matches!(whole(&planted, WORDS), Err(RestoreError::Damaged)));
}

#[test]
fn content_that_is_not_a_home_is_refused() {
    let made = NOW.0.to_be_bytes();
    let damaged = |parts: &[&[u8]], what: &str| {
        let refused = of_content(&[made.as_slice(), &parts.concat()].concat());
        assert!(matches!(refused, Err(RestoreError::Damaged)), "{what}: {refused:?}");
    };
    damaged(&[&contact(1), &profile(), &format::end(3, 0)], "the profile is not first");
    damaged(&[&profile(), &profile(), &format::end(4, 0)], "two profiles");
    damaged(&[&format::end(0, 0)], "no profile");
    damaged(&[&profile(), &contact(1), &format::end(2, 0)], "a row too many");
    damaged(&[&profile(), &contact(1), &format::end(4, 0)], "a row too few");
    damaged(&[&profile(), &photo(), &format::end(2, 0)], "a photo too many");
    damaged(&[&profile(), &contact(1)], "no end");
    damaged(&[&profile(), &format::end(2, 0), &[0]], "something behind the end");
    damaged(&[&profile(), &[1, 3, 0xff, 0xff, 0xff], &[0; 70_000]], "an endless row");
    damaged(&[&profile(), &photo()[..30_000]], "half a photo");
    let newer = |parts: &[&[u8]]| of_content(&[made.as_slice(), &parts.concat()].concat());
    assert!(matches!(newer(&[&profile(), &[9]]), Err(RestoreError::Newer)));
    assert!(matches!(newer(&[&profile(), &[1, 99, 0, 0, 1, 1]]), Err(RestoreError::Newer)));
    // Sessions are of one home, whatever a backup says.
    assert!(matches!(newer(&[&profile(), &[1, 6, 0, 0, 1, 1]]), Err(RestoreError::Newer)));
    assert!(matches!(newer(&[&profile(), &[1, 3, 0, 0, 1, 2]]), Err(RestoreError::Newer)));
}

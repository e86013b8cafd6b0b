//! What is done with secrets takes the same steps whatever they are: instructions are counted, not seconds.
//!
//! Run under callgrind (of valgrind), which writes how many instructions each call of [`measured`] took. Without it these
//! tests say so and pass. They hold for this processor and this build alone.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "tests")]

use core::hint::black_box;
use std::{collections::BTreeSet, env, fs, path::Path, process::Command};

use lightproof_wire::{
    capability::{Capability, right},
    envelope::Envelope,
};
use rand_core::Rng as _;
use zeroize::Zeroizing;

use crate::{
    aead::{self, ONLY_NONCE},
    envelope::{Context, MessageParts, seal_message},
    kem::DecapsulationKey,
    padding,
    ratchet::{Announcement, Header, ToSeal},
    secret::{Key, purpose},
    session::{Direction, SessionId},
    testing::rng,
};

const CASE: &str = "LIGHTPROOF_TIMING_CASE";
/// The commitment in a message envelope, and the tag at its end.
const COMMITMENT: usize = 2_417;
/// Calls before those that count: the allocator and the processor's features are asked once.
const WARM_UP: usize = 8;

struct Case {
    name: &'static str,
    /// Does something with the secrets of one seed, inside `measured`.
    run: fn(usize),
    is_constant: bool,
}

const CASES: [Case; 6] = [
    Case { name: "capabilities compared", run: compare_capabilities, is_constant: true },
    Case { name: "hashes of capabilities compared", run: compare_hashes, is_constant: true },
    Case { name: "commitments refused", run: refuse_commitment, is_constant: true },
    Case { name: "tags refused", run: refuse_tag, is_constant: true },
    Case { name: "bodies unpadded", run: unpad, is_constant: true },
    // So that a count that never differs is noticed.
    Case { name: "secrets compared the plain way", run: compare_plainly, is_constant: false },
];

/// The one function whose instructions are counted, and where the count begins: callgrind writes a file when it leaves
/// either.
#[inline(never)]
fn measured<T>(work: impl FnOnce() -> T) -> T {
    measured_from_here();
    black_box(work())
}

#[inline(never)]
fn measured_from_here() {
    black_box(());
}

/// A secret, and a guess that is wrong in one place, another one for each seed; the last of 64 is right.
fn secret_and_guess(seed: usize) -> ([u8; 32], [u8; 32]) {
    let mut secret = [0; 32];
    rng(seed as u64).fill_bytes(&mut secret);
    let mut guess = secret;
    if seed % 64 != 63 {
        guess[seed % 32] ^= 1 << (seed % 8);
    }
    (secret, guess)
}

fn compare_capabilities(seed: usize) {
    let (secret, guess) = secret_and_guess(seed);
    let [secret, guess] = [secret, guess].map(Capability::<right::Owner>::from_bytes);
    measured(|| secret == guess);
}

fn compare_hashes(seed: usize) {
    let (secret, guess) = secret_and_guess(seed);
    let [secret, guess] = [secret, guess].map(lightproof_wire::capability::CapabilityHash::<right::Drop>::from_bytes);
    measured(|| secret == guess);
}

fn compare_plainly(seed: usize) {
    let (secret, guess) = secret_and_guess(seed);
    measured(|| secret.iter().zip(&guess).all(|(one, other)| black_box(one) == black_box(other)));
}

/// An envelope with a turned bit, opened with its own key.
fn refuse(turned: usize) {
    let context = Context { session: SessionId::from_bytes([1; 32]), direction: Direction::FromInitiator };
    let announcement = Announcement::first(DecapsulationKey::generate(&mut rng(1)).public());
    let header = Header { announcement, n: 3, pn: 2 };
    let keys = ToSeal { header_key: Key::from_bytes(&[2; 32]), header, message_key: Key::from_bytes(&[3; 32]) };
    let mut bytes = seal_message(context, &keys, b"body", &mut rng(2)).as_bytes().to_vec();
    bytes[turned / 8] ^= 1 << (turned % 8);
    let envelope = Envelope::from_bytes(&bytes).unwrap();
    let parts = MessageParts::parse::<()>(&envelope).unwrap();
    assert!(measured(|| parts.open_body(context, &keys.message_key)).is_err());
}

fn refuse_commitment(seed: usize) {
    refuse(COMMITMENT * 8 + seed * 5 % 256);
}

fn refuse_tag(seed: usize) {
    let key = Key::<purpose::MessageBody>::from_bytes(&secret_and_guess(seed).0);
    let mut sealed = vec![0; 1_000];
    aead::encrypt(&key, &ONLY_NONCE, b"ad", &mut sealed);
    let end = sealed.len() - 1;
    sealed[end - seed % 16] ^= 1 << (seed % 8);
    assert!(measured(|| aead::decrypt(&key, &ONLY_NONCE, b"ad", &mut sealed)).is_err());
}

fn unpad(seed: usize) {
    let mut body = vec![0; seed * 15];
    rng(seed as u64).fill_bytes(&mut body);
    let mut padded = Zeroizing::new(padding::pad(&body, 4_096).to_vec());
    assert!(measured(|| padding::unpad(&mut padded)).is_ok());
    assert_eq!(padded.as_slice(), body);
}

fn secrets() -> usize {
    let effort: usize = env::var("LIGHTPROOF_TEST_EFFORT").map_or(1, |effort| effort.parse().unwrap());
    if effort > 1 { 256 } else { 64 }
}

#[test]
#[ignore = "run by the test below, under callgrind"]
fn one_case_under_callgrind() {
    let Ok(case) = env::var(CASE) else { return };
    let case = CASES.iter().find(|known| known.name == case).unwrap();
    for seed in (0..WARM_UP).chain(0..secrets()) {
        (case.run)(seed);
    }
}

/// Instructions of each call that counts.
fn counts(case: &Case, folder: &Path) -> Vec<u64> {
    let out = folder.join("out");
    let status = Command::new("valgrind")
        .args(["--tool=callgrind", "--quiet", "--dump-after=*timing::measured*"])
        // The harness has a thread of its own, the first; what it does in between is not counted.
        .arg("--separate-threads=yes")
        .arg(format!("--callgrind-out-file={}", out.display()))
        .arg(env::current_exe().unwrap())
        .args(["--exact", "timing::one_case_under_callgrind", "--ignored", "--test-threads=1"])
        .env(CASE, case.name)
        .output()
        .unwrap();
    assert!(status.status.success(), "{}", String::from_utf8_lossy(&status.stderr));
    let count = |number: usize| {
        let dump = fs::read_to_string(folder.join(format!("out.{number}-02"))).unwrap();
        dump.lines().find_map(|line| line.strip_prefix("totals: ")).unwrap().trim().parse().unwrap()
    };
    // Every second file is of a beginning.
    (1..=WARM_UP + secrets()).map(|call| count(call * 2)).skip(WARM_UP).collect()
}

#[test]
fn secrets_take_the_same_number_of_instructions_whatever_they_are() {
    if Command::new("valgrind").arg("--version").output().is_err() {
        println!("skipped: valgrind is not installed");
        return;
    }
    for case in &CASES {
        let folder = tempfile::tempdir().unwrap();
        let counts = counts(case, folder.path());
        let different: BTreeSet<_> = counts.iter().collect();
        assert!(counts.len() == secrets() && different.iter().all(|count| **count > 10), "{}: {counts:?}", case.name);
        assert_eq!(different.len() == 1, case.is_constant, "{}: {different:?}", case.name);
        if case.is_constant {
            println!("evidence: P18 A39 | {} {}, in equally many instructions | -", counts.len(), case.name);
        }
    }
}

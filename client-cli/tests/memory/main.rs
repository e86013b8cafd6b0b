//! What the memory of a client holds while it waits for more: what an open home needs, once, and nothing that was used.
//!
//! A real `receive --follow` is looked at from outside, as a thief of the machine's memory would. What to look for is taken
//! out of its home.

#![cfg(all(feature = "demo", target_os = "linux"))]
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that fails is to stop")]

mod dumps;
mod home;
mod image;
#[expect(dead_code, unused_imports, reason = "other tests need more of it")]
#[path = "../people/mod.rs"]
mod people;

use std::fs::{self, Permissions};
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::Duration;

use home::Secret;
use image::Image;
use people::{Person, Place};

const NOTE: &str = "the pelican lands at midnight, bring the umbrella";
const ANSWER: &str = "the walrus was paid in advance, as agreed";
/// Everybody's, here.
const PASSPHRASE: &str = "correct horse";
const PHOTO_BYTES: usize = 400_000;
/// Longer than a home's file stays open.
const REST: Duration = Duration::from_secs(3);

/// Bytes that are found nowhere else.
fn noise() -> Vec<u8> {
    let hash = |n: u32| *lightproof_core::wire::hash::Digest::of(&n.to_be_bytes()).as_bytes();
    (0..u32::try_from(PHOTO_BYTES / 32).unwrap()).flat_map(hash).collect()
}

fn private(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, Permissions::from_mode(0o600)).unwrap();
}

/// Two people who have written to each other, and the second of them waiting for more.
struct Waiting {
    place: Place,
    alice: Person,
    bob: Child,
    output: BufReader<std::process::ChildStdout>,
    before: Vec<Secret>,
}

impl Waiting {
    fn begin() -> Self {
        let place = Place::new();
        let (alice, bob) = (place.person("alice"), Person::at(&place, "bob"));
        bob.says(&["init", "--name", "bob", "--relay", &place.link()]);
        alice.adds(&bob);
        bob.adds(&alice);
        alice.says(&["send", "bob", "-m", "hello"]);
        bob.says(&["receive"]);
        bob.says(&["send", "alice", "-m", ANSWER]);
        alice.says(&["receive"]);
        let before = home::secrets(&place.path("home-bob"));
        // In a variable of the environment it would stay.
        private(&place.path("passphrase"), PASSPHRASE);
        let mut child = bob
            .command(&["receive", "--follow", "--save-to", "saved", "--passphrase-file", "passphrase"])
            .env_remove("LIGHTPROOF_PASSPHRASE")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        Self { place, alice, bob: child, output, before }
    }

    fn gets_a_photo_with_a_note(&mut self) {
        fs::write(self.place.path("photo.bin"), noise()).unwrap();
        self.alice.says(&["send", "bob", "photo.bin", "-m", NOTE, "--as", "exact"]);
        let mut line = String::new();
        while !line.contains(NOTE) {
            line.clear();
            assert_ne!(self.output.read_line(&mut line).unwrap(), 0, "it ended");
        }
    }

    /// What it holds, and every secret of its home, those it has just used up too.
    fn ends(mut self) -> Option<(Image, Vec<Secret>)> {
        sleep(REST);
        let image = Image::of(&self.bob);
        self.bob.kill().unwrap();
        self.bob.wait().unwrap();
        let mut secrets = std::mem::take(&mut self.before);
        secrets.extend(home::secrets(&self.place.path("home-bob")));
        secrets.push(Secret::used("the passphrase", PASSPHRASE.as_bytes()));
        secrets.push(Secret::used("the note", NOTE.as_bytes()));
        secrets.push(Secret::used("a note from before", ANSWER.as_bytes()));
        secrets.extend(noise().chunks(16_000).map(|piece| Secret::used("the photo", &piece[..32])));
        Some((image?, secrets))
    }
}

#[test]
fn a_client_that_waits_holds_nothing_of_what_it_showed() {
    let mut waiting = Waiting::begin();
    waiting.gets_a_photo_with_a_note();
    let Some((image, secrets)) = waiting.ends() else {
        println!("skipped: the memory of another process cannot be read here");
        return;
    };
    let mut found = Vec::new();
    for secret in &secrets {
        // Halves: an allocator writes over the first bytes of what was freed.
        for half in secret.bytes.chunks(secret.bytes.len().div_ceil(2)) {
            let places = image.places(half);
            // What is needed must be found, or nothing was looked through.
            if places.len() != secret.copies {
                found.push(format!("{}: {} copies, in {places:?}", secret.what, places.len()));
            }
        }
    }
    assert!(found.is_empty(), "of {} bytes:\n{}", image.len(), found.join("\n"));
    println!("evidence: P18 | {} secrets looked for in {} MiB | -", secrets.len(), image.len() >> 20);
}

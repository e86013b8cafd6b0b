//! A folder with a relay that runs as a process, and the homes of people.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use lightproof_core::wire::hash::Digest;
use serde_json::Value;
use tempfile::TempDir;

use crate::person::{Person, json};
use crate::relay::Relay;

pub(crate) struct World {
    pub(crate) relay: Relay,
    folder: TempDir,
}

impl AsRef<Path> for World {
    fn as_ref(&self) -> &Path {
        self.folder.path()
    }
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(&[])
    }

    /// With settings of the relay, without their prefix.
    pub(crate) fn with(settings: &[(&'static str, &'static str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { relay: Relay::serve(folder.path().join("relay"), "127.0.0.1:0", settings), folder }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn put(&self, name: &str, bytes: &[u8]) {
        fs::write(self.path(name), bytes).unwrap();
    }

    pub(crate) fn bytes(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }

    /// Somebody with a home on this relay.
    pub(crate) fn person(&self, name: &str) -> Person {
        let person = Person::at(self, name);
        person.says(&["init", "--no-passphrase", "--name", name, "--relay", self.relay.link()]);
        person
    }

    /// Two people who have each other's card.
    pub(crate) fn friends(&self) -> (Person, Person) {
        let (alice, bob) = (self.person("alice"), self.person("bob"));
        alice.adds(&bob);
        bob.adds(&alice);
        (alice, bob)
    }
}

/// The messages among the events of a command.
pub(crate) fn messages(stdout: &str) -> Vec<Value> {
    json(stdout).into_iter().filter(|event| event["event"] == "message").collect()
}

/// The notes of all that somebody has received, in order.
pub(crate) fn received_notes(person: &Person) -> Vec<String> {
    let all = messages(&person.says(&["--json", "messages"]));
    let came = all.iter().filter(|message| message["direction"] == "in");
    came.filter_map(|message| message["note"].as_str().map(str::to_owned)).collect()
}

/// Everything a home says of itself, to see that nothing changed.
pub(crate) fn whole_state(person: &Person) -> [String; 4] {
    [&["--json", "status"][..], &["--json", "messages"], &["--json", "outbox"], &["--json", "contact", "list"]]
        .map(|words| person.says(words))
}

/// Runs a command with this as its stdin.
pub(crate) fn fed(person: &Person, words: &[&str], stdin: &[u8]) -> Output {
    let mut command = person.command(words);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(stdin).unwrap();
    child.wait_with_output().unwrap()
}

pub(crate) fn sha256(bytes: &[u8]) -> String {
    Digest::of(bytes).as_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Bytes that no compression makes smaller, and that are the same in every run.
pub(crate) struct Noise(u64);

impl Noise {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number (SplitMix64).
    pub(crate) const fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length.div_ceil(8)).flat_map(|_| self.number().to_le_bytes()).take(length).collect()
    }
}

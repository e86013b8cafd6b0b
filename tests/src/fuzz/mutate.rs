//! Seeded mutations, for where there is no fuzzer.

#![expect(clippy::indexing_slicing, clippy::cast_possible_truncation, reason = "numbers are below their bounds")]

use rand_chacha::ChaCha20Rng;
use rand_core::{Rng as _, SeedableRng as _};

/// Numbers at which lengths and counts tend to go wrong.
const NOTABLE: [u32; 12] = [0, 1, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0x8000, 0xffff, 0x1_0000, 0x7fff_ffff, 0xffff_ffff];
/// What grows stays below this.
const MOST_BYTES: usize = 100_000;

/// One to four changes of `original`, some of them with pieces of `other`; the same for the same seed.
#[must_use]
pub fn mutated(original: &[u8], other: &[u8], seed: u64) -> Vec<u8> {
    let (mut bytes, mut rng) = (original.to_vec(), ChaCha20Rng::seed_from_u64(seed));
    for _ in 0..=rng.next_u32() % 4 {
        change(&mut bytes, other, &mut rng);
    }
    bytes
}

fn change(bytes: &mut Vec<u8>, other: &[u8], rng: &mut ChaCha20Rng) {
    let mut below = |bound: usize| (rng.next_u64() % (bound.max(1) as u64)) as usize;
    let at = below(bytes.len());
    // Most structure is in the first bytes.
    let at = if below(2) == 0 { at.min(below(120)) } else { at };
    let most = 1 << below(8);
    let count = below(most) + 1;
    match below(8) {
        0 | 1 => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 1 << (count % 8);
            }
        }
        2 => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte = below(256) as u8;
            }
        }
        3 => {
            let number = NOTABLE[below(NOTABLE.len())].to_be_bytes();
            let width = below(4);
            let number = &number[width..];
            if let Some(there) = bytes.get_mut(at..at + number.len()) {
                there.copy_from_slice(number);
            }
        }
        4 => bytes.truncate(at),
        5 => drop(bytes.drain(at.min(bytes.len())..(at + count).min(bytes.len()))),
        6 if bytes.len() + count < MOST_BYTES => {
            let more = vec![below(256) as u8; count];
            drop(bytes.splice(at.min(bytes.len())..at.min(bytes.len()), more));
        }
        _ => {
            let from = below(other.len());
            let piece = &other[from..(from + count).min(other.len())];
            let end = (at + piece.len()).min(bytes.len());
            drop(bytes.splice(at.min(end)..end, piece.iter().copied()));
        }
    }
}

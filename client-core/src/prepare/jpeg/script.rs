//! Which scans suit a picture: each possible one is counted, and the fewest bytes win.

use super::{
    Quantised,
    progressive::{Scan, counted},
    sequential,
};

/// The scans of the smallest progressive file; `None` where a sequential one is smaller still.
pub(super) fn best(picture: &Quantised) -> Option<Vec<Scan>> {
    let blocks: usize = picture.planes.iter().map(|plane| plane.blocks.len()).sum();
    let one_in = (blocks / ENOUGH_BLOCKS).max(1);
    let mut scans = vec![Scan::Dc];
    let mut length_bytes = scan_bytes(picture, Scan::Dc, 1);
    let mut later = Vec::new();
    for component in 0..picture.planes.len() {
        let choice = best_for(picture, component, one_in);
        length_bytes += choice.length_bytes;
        scans.extend(choice.first);
        later.extend(choice.refinements);
    }
    scans.extend(later);
    (blocks > SMALL_BLOCKS || length_bytes < sequential::length_bytes(picture)).then_some(scans)
}

struct Choice {
    length_bytes: u64,
    first: Vec<Scan>,
    refinements: Vec<Scan>,
}

/// How many bits wait for later scans, and where the first scan ends, do not depend on each other.
fn best_for(picture: &Quantised, component: usize, one_in: usize) -> Choice {
    let mut refined = 0;
    let mut best: Option<Choice> = None;
    for low in 0..=MOST_LATE_BITS {
        if low > 0 {
            refined += scan_bytes(picture, Scan::Refinement { component, low: low - 1 }, one_in);
        }
        let (first, length_bytes) = best_split(picture, component, low, one_in);
        let length_bytes = length_bytes + refined;
        if best.as_ref().is_none_or(|best| length_bytes < best.length_bytes) {
            let refinements = (0..low).rev().map(|low| Scan::Refinement { component, low }).collect();
            best = Some(Choice { length_bytes, first, refinements });
        } else {
            // More bits for later cost more still.
            break;
        }
    }
    best.unwrap_or(Choice { length_bytes: 0, first: Vec::new(), refinements: Vec::new() })
}

fn best_split(picture: &Quantised, component: usize, low: u8, one_in: usize) -> (Vec<Scan>, u64) {
    let band = |from, to| Scan::First { component, from, to, low };
    let whole = vec![band(1, 63)];
    let split = SPLITS.map(|at| vec![band(1, at), band(at + 1, 63)]);
    let measured = std::iter::once(whole).chain(split).map(|scans| {
        let length_bytes = scans.iter().map(|scan| scan_bytes(picture, *scan, one_in)).sum();
        (scans, length_bytes)
    });
    measured.min_by_key(|(_, length_bytes)| *length_bytes).unwrap_or_default()
}

/// How many bytes a scan takes with its tables, but for escaped bytes.
fn scan_bytes(picture: &Quantised, scan: Scan, one_in: usize) -> u64 {
    let counter = counted(picture, scan, one_in);
    let (mut bits, mut tables) = (counter.plain_bits, SCAN_BYTES);
    for counts in counter.symbols.iter().filter(|counts| counts.iter().any(|count| *count > 0)) {
        let table = super::huffman::Table::best_for(counts);
        bits += table.codes().bits_for(counts);
        tables += table.length_bytes();
    }
    // The Dc scan alone is always counted whole, and is asked for so.
    bits * one_in as u64 / 8 + tables
}

/// Markers, and the bits that fill the last byte.
const SCAN_BYTES: u64 = 15;
const MOST_LATE_BITS: u8 = 2;
const SPLITS: [u8; 5] = [2, 5, 8, 12, 18];
/// Scans are compared on about as many blocks; choosing well takes no more.
const ENOUGH_BLOCKS: usize = 30_000;
/// Above this, sequential is never the smaller one.
const SMALL_BLOCKS: usize = 10_000;

//! Every bit of everything that is sealed, signed or checksummed; and of what is not, that it is another value or refused.

#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests fail by panicking")]

mod client;
mod plain;
mod relay;
mod rows;
mod sealed;

use std::{
    num::NonZero,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

/// What one damage came to; the error says what was wrong.
type Checked = Result<(), String>;

/// Runs a check on every case, on all processors; gives how many ran. The first failure ends the test with its case.
fn every<T: Copy + Sync + std::fmt::Debug>(what: &str, cases: &[T], check: impl Fn(T) -> Checked + Sync) -> usize {
    let next = AtomicUsize::new(0);
    let ran = AtomicUsize::new(0);
    let workers = thread::available_parallelism().map_or(1, NonZero::get);
    let work = || {
        while let Some(batch) = cases.chunks(256).nth(next.fetch_add(1, Ordering::Relaxed)) {
            for case in batch {
                check(*case).unwrap_or_else(|error| panic!("{what}, {case:?}: {error}"));
                ran.fetch_add(1, Ordering::Relaxed);
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(work);
        }
    });
    ran.into_inner()
}

/// Bytes with one bit turned.
fn flipped(bytes: &[u8], bit: usize) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[bit / 8] ^= 1 << (bit % 8);
    bytes
}

/// All bits of some bytes, in order.
fn bits(bytes: std::ops::Range<usize>) -> std::ops::Range<usize> {
    bytes.start * 8..bytes.end * 8
}

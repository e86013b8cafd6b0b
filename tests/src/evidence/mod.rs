//! What the tests say they did: from the output of a run to the ledger, and from the ledger to `docs/evidence.md`.
//!
//! A test that counts something prints `evidence: P9 P3 | 1000 sequences of up to 200 steps | seeds 0..1000`: the promises
//! it shows, by their numbers in `docs/promises.md`; a number, counted while it ran, and what it counts; its seeds, or `-`.

mod output;
mod page;
mod run;

pub use output::{Line, Output};
pub use page::page;
pub use run::Run;

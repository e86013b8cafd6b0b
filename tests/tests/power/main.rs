//! The power goes, the disk fails, bits rot: what the relay has acknowledged is there, and nothing else comes out.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests fail by panicking")]

mod cuts;
mod errors;
mod record;
mod rot;
mod scrub;
mod usage;
mod workload;

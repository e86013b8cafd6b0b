//! A process that ends at any moment: the same command again, and nothing is lost, and nothing is twice.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests fail by panicking")]

mod disk;
mod full;
mod handlers;
mod recipient;
mod retracting;
mod sender;

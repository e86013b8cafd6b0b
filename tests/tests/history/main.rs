//! The history checker: the shipped relay and client pass it, and each planted bug is caught.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests fail by panicking")]

mod blobs;
mod caught;
mod deposits;
mod page;
mod people;
mod plant;
mod recipient;
mod store;
mod trial;

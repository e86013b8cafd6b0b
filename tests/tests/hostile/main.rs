//! A relay that lies: nothing it does is shown as true, and nothing it does stops the next honest message.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests fail by panicking")]

mod blobs;
mod envelopes;
mod forgotten;
mod frames;
mod prekeys;
mod time;

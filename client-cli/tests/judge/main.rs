//! The client and the relay as their users run them: separate processes, real TLS, and everything that may go wrong.
//!
//! These tests open sockets, kill processes and read the clock, because that is what they are about. Pictures come from
//! the folder that `LIGHTPROOF_TEST_PHOTOS` names; without it they are drawn for the occasion.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that fails is to stop")]

mod bad_input;
mod contract;
mod flips;
mod forwarder;
mod full;
mod kills;
mod liar;
mod lies;
mod line;
mod many;
#[path = "../people/person.rs"]
mod person;
mod pictures;
mod relay;
mod treatments;
mod wire;
mod world;

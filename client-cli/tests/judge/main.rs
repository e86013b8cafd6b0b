//! The client and the relay as their users run them: separate processes, real TLS, and everything that may go wrong.
//!
//! These tests open sockets, kill processes and read the clock, because that is what they are about. Pictures come from
//! the folder that `LIGHTPROOF_TEST_PHOTOS` names; without it they are drawn for the occasion.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that fails is to stop")]

mod backups;
mod bad_input;
mod contract;
#[expect(unreachable_pub, dead_code, clippy::expect_used, reason = "the effort of the whole workspace's tests")]
#[path = "../../../tests/src/effort.rs"]
mod effort;
mod flips;
mod forwarder;
mod full;
#[expect(unreachable_pub, dead_code, reason = "the history of the whole workspace's tests")]
#[path = "../../../tests/src/history/mod.rs"]
mod history;
mod hostile_text;
mod kills;
mod liar;
mod lies;
mod line;
mod manual;
mod many;
mod moving;
mod parting;
#[path = "../people/person.rs"]
mod person;
mod pictures;
mod program;
mod proofs;
mod relay;
mod sealed;
mod second_thoughts;
mod treatments;
mod waiting;
mod wire;
mod world;
#[path = "../people/zeros.rs"]
mod zeros;

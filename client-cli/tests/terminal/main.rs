//! What people see and hear of: photos drawn in terminals, blurs of what is not fetched yet, warnings about metadata, codes to scan.
//!
//! A terminal is played by the test itself, behind a real pseudo-terminal, or by tmux. These tests open sockets and read
//! the clock, because the program does.

#![cfg(feature = "demo")]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that fails is to stop"
)]

mod added;
mod announced;
mod asked;
mod codes;
mod drawn;
#[expect(dead_code, reason = "the terminal of the unit tests, too")]
#[path = "../emulator/mod.rs"]
mod emulator;
mod inbox;
mod interrupted;
mod long;
mod metadata;
mod once;
#[expect(dead_code, reason = "what other tests need of people")]
#[path = "../people/mod.rs"]
mod people;
mod previews;
mod saved;
mod session;
mod tmux;

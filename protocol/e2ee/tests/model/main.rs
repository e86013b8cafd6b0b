//! Sessions against a plain model, and against whoever steals a state, copies one, or edits what is under way.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

mod conversation;
mod editor;
mod effort;
mod identities;
mod kept;
mod people;
mod reference;
mod restored;
mod secrecy;
mod world;

//! What a Lightproof relay and its clients say to each other: all that a relay may understand.
//!
//! ```text
//!  client ── frame { id, command } ──▶ relay        CreateMailbox, Deposit, PutChunk …
//!         ◀── frame { id, reply } ───              the same id; a coded refusal is a reply too
//!         ◀── frame { 0, push } ─────              Welcome, Delivery, CaughtUp, Superseded
//! ```
//!
//! Nothing here can open an envelope or a chunk: sealed bytes are carried, counted and hashed, no more.
//! The package is pure: bytes in, bytes out, time and randomness as arguments.

#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]

pub mod blob;
pub mod capability;
pub mod codec;
pub mod command;
pub mod deposit_receipt;
pub mod envelope;
pub mod frame;
pub mod hash;
pub mod id;
pub mod label;
pub mod limits;
pub mod prekey;
pub mod refusal;
pub mod relay_link;
pub mod reply;
pub mod suite;
pub mod time;

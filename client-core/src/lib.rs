//! The Lightproof client without sockets, files or clocks.
//!
//! ```text
//! sender     files ─prepare─▶ seal ─▶ spool ─upload─▶ relay      sign, ratchet, save ─▶ outbox ─deposit─▶ relay
//! recipient  relay ─push─▶ open, save ─ack─▶     ─fetch─▶ verify, save ─▶ view     release, receipt
//! ```
//!
//! The package asks its surroundings for three things: rows ([`vault::store::Store`]), sealed chunks
//! ([`spool::Spool`]) and pipes of whole frames ([`transport::Transport`]). Time and randomness are arguments.

#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]

pub mod backup;
pub mod client;
mod connection;
pub mod contact;
pub mod error;
pub mod event;
pub mod farewell;
mod home;
mod lines;
pub mod mailboxes;
pub mod message;
mod messages;
pub mod moving;
pub mod names;
mod parting;
pub mod people;
mod prekeys;
pub mod prepare;
mod profile;
pub mod proof;
pub mod receive;
pub mod relays;
pub mod retract;
pub mod sealed_file;
pub mod sealing;
pub mod send;
mod sessions;
pub mod spool;
pub mod status;
pub mod transport;
mod untold;
pub mod vault;
pub mod view_once;

pub use client::{Client, NewHome};
pub use error::{ClientError, Failure};
pub use lightproof_e2ee as e2ee;
pub use lightproof_wire as wire;

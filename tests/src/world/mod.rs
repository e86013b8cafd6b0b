//! A world: people and relays in one process, over the shipped code, with one seed, virtual time, and a network that
//! delays, cuts, breaks, falls silent and keeps apart.
//!
//! ```text
//! Member ── shipped client ── WorldTransport ══ cable (network.rs decides its fate) ══ WorldRelay ── shipped drive, peer, store
//! ```
//!
//! It runs on one thread with paused time: the same seed is the same world, to the millisecond and the byte. A network
//! cannot reorder or repeat inside a connection, which is TCP under TLS; it does so between connections, and what
//! arrives twice is what a client repeats because an answer was lost.

#![expect(clippy::indexing_slicing, reason = "a harness for tests fails by panicking")]

pub mod cable;
pub mod clock;
pub mod founding;
pub mod ledger;
pub mod lie;
mod living;
pub mod member;
pub mod network;
pub mod relay;
pub mod storm;
pub mod transport;

pub use clock::WorldClock;
pub use founding::{Founded, World};
pub use ledger::Ledger;
pub use member::Member;
pub use network::Network;
pub use relay::WorldRelay;

use tokio::{runtime::Builder, task::LocalSet};

/// Runs a world on one thread. Time is virtual where the caller has paused it.
pub fn in_virtual_time<T>(mut builder: Builder, life: impl Future<Output = T>) -> T {
    let runtime = builder.enable_time().max_blocking_threads(1).build().unwrap();
    LocalSet::new().block_on(&runtime, life)
}

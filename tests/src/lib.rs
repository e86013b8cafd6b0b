//! What only shows with two people and a relay: real clients on memory stores, real relays on loopback, one virtual clock,
//! and a relay in the middle that lies.
//!
//! Sockets are plain here (TLS has its own tests at the edges); everything above them is the shipped code.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a harness for tests fails by panicking")]

pub mod backup;
pub mod disk;
pub mod edit;
pub mod effort;
pub mod evidence;
pub mod fuzz;
pub mod history;
pub mod liar;
pub mod life;
pub mod person;
pub mod power;
pub mod relay;
pub mod rows;
pub mod scene;
pub mod specimen;
pub mod tape;
pub mod transport;
pub mod trouble;
pub mod wire;
pub mod world;

pub use liar::Liar;
pub use person::Person;
pub use relay::TestRelay;
pub use scene::Scene;

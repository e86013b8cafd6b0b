//! What stands before the WebSocket, as people and programs meet it: TLS, certificates, proxies, systemd, floods.
//!
//! It starts programs, opens sockets and reads the clock, because that is what it is about.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::expect_used, reason = "tests")]

#[path = "../client/mod.rs"]
mod client;
#[expect(unreachable_pub, dead_code, clippy::expect_used, reason = "the effort of the whole workspace's tests")]
#[path = "../../../tests/src/effort.rs"]
mod effort;
mod material;

mod acme;
mod autobahn;
mod certificates;
mod drain;
mod pages;
mod proxies;
mod stall;
mod strangers;
mod systemd;
mod tls;

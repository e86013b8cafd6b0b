//! What an operator installs, sets and watches: `check`, units, the package, the dashboard, and the page that leads there.
//!
//! It starts programs, opens sockets and reads the clock, because that is what it is about.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests fail by panicking")]

#[path = "../client/mod.rs"]
mod client;
#[expect(dead_code, reason = "what other tests use of it")]
#[path = "../front/material.rs"]
mod material;
#[path = "../process/mod.rs"]
mod process;

mod calls;
mod check;
mod package;
mod page;
mod root;
mod settings;
mod units;
mod watched;

use std::{
    fs,
    net::{Ipv4Addr, TcpListener},
    path::Path,
    sync::atomic::{AtomicU16, Ordering},
};

/// A file of this repository, by its path from the relay's folder.
fn text_of(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A port that nobody listens on, and that the system gives to nobody who does not ask for it: what is told a port here
/// takes it a moment later.
fn quiet_port() -> u16 {
    static ASKED: AtomicU16 = AtomicU16::new(0);
    let own = u16::try_from(std::process::id() % 10_000).unwrap();
    loop {
        let port = 20_000 + (own + ASKED.fetch_add(1, Ordering::Relaxed)) % 10_000;
        if TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).is_ok() {
            return port;
        }
    }
}

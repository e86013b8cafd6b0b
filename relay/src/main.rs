//! The program `lightproof-relay`.

mod commands;

use std::process::ExitCode;

/// Keeps pieces of one size together and gives back what is free: a relay that runs for months must not grow. What it is told
/// is in `.cargo/config.toml`, and why in docs/decisions/0029.
#[cfg(target_os = "linux")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    commands::run()
}

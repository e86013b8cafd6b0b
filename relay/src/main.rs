//! The program `lightproof-relay`.

mod commands;

use std::process::ExitCode;

fn main() -> ExitCode {
    commands::run()
}

//! What was typed, what is meant, and the exit code: 0 done, 1 failed, 2 usage.

mod check;
mod config;
mod link;
mod options;
mod serve;

use std::{fmt, process::ExitCode};

use clap::{Parser, Subcommand};
use lightproof_relay::error::RelayError;

use options::Options;

/// A blind relay for Lightproof: it keeps sealed envelopes and blobs for people who are offline.
#[derive(Debug, Parser)]
#[command(name = "lightproof-relay", version, about)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the relay until SIGTERM or Ctrl-C
    Serve(Options),
    /// Print the relay link that people use
    Link {
        #[command(flatten)]
        options: Options,
        /// Also draw it as a QR code
        #[arg(long)]
        qr: bool,
    },
    /// Look at certificate, folder, disk, port and clock, and say what to fix
    Check(Options),
    /// Print every setting with its default, unit and meaning, as TOML
    Config,
}

/// What went wrong and what to do.
#[derive(Debug)]
pub(crate) struct Failure {
    what: String,
    hint: String,
    code: u8,
}

impl Failure {
    pub(crate) fn failed(what: impl fmt::Display, hint: impl fmt::Display) -> Self {
        Self { what: what.to_string(), hint: hint.to_string(), code: 1 }
    }

    pub(crate) fn usage(what: impl fmt::Display, hint: impl fmt::Display) -> Self {
        Self { code: 2, ..Self::failed(what, hint) }
    }
}

impl From<RelayError> for Failure {
    fn from(error: RelayError) -> Self {
        let code = if matches!(error, RelayError::ConfigMisuse { .. }) { 2 } else { 1 };
        Self { code, ..Self::failed(&error, error.hint()) }
    }
}

pub(crate) fn run() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Serve(options) => serve::serve(&options),
        Command::Link { options, qr } => link::link(&options, qr),
        Command::Check(options) => check::check(&options),
        Command::Config => config::config(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure { what, hint, code }) => {
            eprintln!("error: {what}");
            eprintln!("hint: {hint}");
            ExitCode::from(code)
        }
    }
}

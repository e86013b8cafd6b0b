//! What was typed, what is meant, and the exit code: 0 done, 1 failed, 2 usage.

mod access;
mod backup;
mod check;
mod config;
mod date;
mod link;
mod man;
mod options;
mod restore;
mod scrub;
mod serve;
mod stats;

use std::{fmt, path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};
use lightproof_relay::{control::ControlError, error::RelayError};

use options::{Options, Place};

const EXAMPLES: &str = "\
Examples:
  lightproof-relay serve                           run; everything else has a default
  lightproof-relay link --qr                       what to give to people
  lightproof-relay check                           what is fine, what to fix
  lightproof-relay config > relay.toml             every setting, to edit
  lightproof-relay stats                           what it holds and does
  lightproof-relay scrub                           is all of it as it was written?
  lightproof-relay backup relay.backup             everything in one file, while it runs
  lightproof-relay restore relay.backup            into an empty data folder
  lightproof-relay access new --note Ann           who may create, if policy = \"access\"
  lightproof-relay access list
  lightproof-relay access revoke 1
  lightproof-relay man ./man                       manual pages, to install or to read";

/// A blind relay for Lightproof: it keeps sealed envelopes and blobs for people who are offline.
#[derive(Debug, Parser)]
#[command(name = "lightproof-relay", version, about, after_help = EXAMPLES)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the relay until SIGTERM or Ctrl-C
    #[command(
        after_help = "Example:\n  lightproof-relay serve --data /srv/relay --public-url wss://relay.example.org:7443/"
    )]
    Serve(Options),
    /// Print the relay link that people use: of the relay that runs here, else of one with these settings
    #[command(after_help = "Example:\n  lightproof-relay link --qr")]
    Link {
        #[command(flatten)]
        options: Options,
        /// Also draw it as a QR code
        #[arg(long)]
        qr: bool,
    },
    /// Look at certificate, folder, disk, port and clock, and say what to fix
    #[command(after_help = "Example:\n  lightproof-relay check --config relay.toml")]
    Check(Options),
    /// Print every setting with its default, unit and meaning, as TOML
    #[command(after_help = "Example:\n  lightproof-relay config > relay.toml")]
    Config,
    /// Write a manual page for the program and one for each command
    #[command(after_help = "Example:\n  lightproof-relay man ./man && man ./man/lightproof-relay.8")]
    Man {
        /// The folder they go to
        folder: PathBuf,
    },
    /// Grant, list and revoke the right to create mailboxes and blobs
    #[command(subcommand)]
    Access(access::Access),
    /// Copy everything into one file, while the relay runs or while it is stopped
    #[command(after_help = "Example:\n  lightproof-relay backup /backup/relay-$(date +%F).lightproof")]
    Backup {
        #[command(flatten)]
        place: Place,
        /// The file to make; there must be none
        file: PathBuf,
    },
    /// Make the data folder of a stopped relay out of a backup
    #[command(
        after_help = "Example:\n  lightproof-relay restore /backup/relay-2026-11-20.lightproof --data /srv/relay"
    )]
    Restore {
        #[command(flatten)]
        place: Place,
        /// A file that `backup` made
        file: PathBuf,
    },
    /// Read everything that is kept, and say what is damaged; exit code 1 if something is
    #[command(after_help = "Example:\n  lightproof-relay scrub --data /srv/relay")]
    Scrub {
        #[command(flatten)]
        place: Place,
        /// One JSON object
        #[arg(long)]
        json: bool,
    },
    /// Print what the relay holds and does, without identities
    #[command(after_help = "Example:\n  lightproof-relay stats --json | jq .envelopes")]
    Stats {
        #[command(flatten)]
        place: Place,
        /// One JSON object
        #[arg(long)]
        json: bool,
    },
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

impl From<ControlError> for Failure {
    fn from(error: ControlError) -> Self {
        Self::failed(&error, error.hint())
    }
}

/// One line, for programs.
fn json(value: &impl serde::Serialize) -> Result<(), Failure> {
    let text =
        serde_json::to_string(value).map_err(|error| Failure::failed(error, "this is a bug: please report it"))?;
    println!("{text}");
    Ok(())
}

pub(crate) fn run() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Serve(options) => serve::serve(&options),
        Command::Link { options, qr } => link::link(&options, qr),
        Command::Check(options) => check::check(&options),
        Command::Config => config::config(),
        Command::Man { folder } => man::man(&folder),
        Command::Access(access) => access::access(access),
        Command::Backup { place, file } => backup::backup(&place, &file),
        Command::Restore { place, file } => restore::restore(&place, &file),
        Command::Scrub { place, json } => scrub::scrub(&place, json),
        Command::Stats { place, json } => stats::stats(&place, json),
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

//! What was typed: the command line as `docs/cli.md` promises it, parsed by clap and not interpreted further.
//!
//! Values are parsed into the types of `plan.rs` right here, so that a bad one is a usage error with the argument named.

use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand};
use clap_complete::Shell;
use lightproof_core::transport::RelayLink;

use crate::plan::{DisplayName, Input};

mod backup;
mod messages;
mod people;
mod proof;
mod seal;

pub(crate) use backup::{Backup, Restore};
pub(crate) use messages::{Delete, Messages, Outbox, OutboxAction, Receive, Retract, Send, Show, TreatmentName, Wait};
pub(crate) use people::{Accept, Card, Contact, Decline, ReceiptsName};
pub(crate) use proof::{Export, VerifyProof};
pub(crate) use seal::{Open, Seal};

/// Send a photo with a note so that only the person it is for can see it.
#[derive(Debug, Parser)]
#[command(
    name = "lightproof",
    version,
    arg_required_else_help = true,
    subcommand_required = true,
    max_term_width = 100,
    after_help = "Begin with:\n  lightproof demo\n  lightproof init --name Alice --relay wss://relay.example/\n\nAlone on a terminal, `lightproof` opens the inbox.",
    after_long_help = EXIT_CODES
)]
pub(crate) struct CommandLine {
    /// Flags that every command takes.
    #[command(flatten)]
    pub(crate) global: Global,
    /// What to do; nothing is named to open the inbox.
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// Flags that every command takes.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Global {
    /// The folder that holds identity, contacts and messages [default: the platform's data folder]
    #[arg(long, global = true, value_name = "DIR", env = "LIGHTPROOF_HOME")]
    pub(crate) home: Option<PathBuf>,
    /// Print one JSON object per line
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Print results, warnings and errors only
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// Say more about what happens
    #[arg(short, long, global = true)]
    pub(crate) verbose: bool,
    /// Never use colour (the variable NO_COLOR says the same)
    #[arg(long, global = true)]
    pub(crate) no_color: bool,
    /// Read the passphrase from the first line of a file (else LIGHTPROOF_PASSPHRASE, else a question)
    #[arg(long, global = true, value_name = "FILE|-")]
    pub(crate) passphrase_file: Option<Input>,
}

/// One command of the contract.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make a new home: an identity, and a mailbox on a relay
    #[command(after_help = "Example:\n  lightproof init --name Alice --relay wss://relay.example/")]
    Init(Init),
    /// Print my contact card, the line that others add to reach me
    #[command(after_help = "Examples:\n  lightproof card\n  lightproof card --qr --png card.png")]
    Card(Card),
    /// People I know
    #[command(
        subcommand,
        after_help = "Examples:\n  lightproof contact add lightproof:AQ… --name bob\n  lightproof contact verify bob"
    )]
    Contact(Contact),
    /// Relays this home may talk to
    #[command(subcommand, after_help = "Example:\n  lightproof relay allow wss://relay.example/")]
    Relay(Relay),
    /// Send photos with a note
    #[command(
        after_help = "Examples:\n  lightproof send bob rocket.jpg -m \"look at this\"\n  lightproof send bob,carol scan.tiff --as original"
    )]
    Send(Send),
    /// Receive what waits at the relay
    #[command(
        after_help = "Examples:\n  lightproof receive\n  lightproof receive --follow --save-to photos\n  lightproof receive --follow --exec 'echo \"$LIGHTPROOF_PHOTOS photos from $LIGHTPROOF_FROM\" >> came'"
    )]
    Receive(Receive),
    /// People who wrote for the first time
    #[command(after_help = "Example:\n  lightproof requests")]
    Requests,
    /// Accept somebody who wrote for the first time
    #[command(after_help = "Example:\n  lightproof accept 1 --name bob")]
    Accept(Accept),
    /// Turn away somebody who wrote for the first time
    #[command(after_help = "Example:\n  lightproof decline 1")]
    Decline(Decline),
    /// List messages, the newest last
    #[command(after_help = "Example:\n  lightproof messages --with bob --unread")]
    Messages(Messages),
    /// Show a message: its note, its proof and its photos
    #[command(after_help = "Examples:\n  lightproof show 3f2a\n  lightproof show 3f2a --save photos/")]
    Show(Show),
    /// Delete a message from this home
    #[command(after_help = "Example:\n  lightproof delete 3f2a")]
    Delete(Delete),
    /// Take back a message: the other side is asked to drop it, and its photos leave the relay
    #[command(after_help = "Example:\n  lightproof retract 3f2a")]
    Retract(Retract),
    /// Write a message into a file that proves to others who signed it
    #[command(
        after_help = "Examples:\n  lightproof export 3f2a --proof rocket.proof\n  lightproof export 3f2a --proof rocket.proof --with-photos"
    )]
    Export(Export),
    /// Say what a file from `export` proves; needs no home and no network
    #[command(
        after_help = "Examples:\n  lightproof verify-proof rocket.proof\n  lightproof verify-proof rocket.proof --photo rocket.jpg"
    )]
    VerifyProof(VerifyProof),
    /// Seal files for contacts or under a passphrase, without a relay
    #[command(
        after_help = "Examples:\n  lightproof seal --to bob,carol scan.tiff\n  lightproof seal --passphrase -o papers.lightproof passport.jpg visa.pdf"
    )]
    Seal(Seal),
    /// Open a sealed file: say who sealed it, and save what is in it
    #[command(
        after_help = "Examples:\n  lightproof open scan.tiff.lightproof --save-to photos\n  lightproof open papers.lightproof"
    )]
    Open(Open),
    /// What is under way
    #[command(after_help = "Examples:\n  lightproof outbox\n  lightproof outbox retry")]
    Outbox(Outbox),
    /// The relay's limits, prekeys in stock, what could not be opened, what expired
    #[command(after_help = "Example:\n  lightproof status")]
    Status,
    /// Change the passphrase of this home
    #[command(after_help = "Example:\n  lightproof passphrase")]
    Passphrase(Passphrase),
    /// Erase this home, keys first, and say what cannot be removed
    #[command(after_help = "Examples:\n  lightproof erase\n  lightproof erase --yes --offline")]
    Erase(Erase),
    /// Write all of this home into one file, sealed under a passphrase of its own
    #[command(after_help = "Examples:\n  lightproof backup alice.backup\n  lightproof backup alice.backup --no-photos")]
    Backup(Backup),
    /// Make a home from a file that `backup` wrote
    #[command(after_help = "Example:\n  lightproof restore alice.backup")]
    Restore(Restore),
    /// A relay, Alice and Bob on this machine, end to end
    #[cfg(feature = "demo")]
    #[command(after_help = "Example:\n  lightproof demo holiday.jpg -m \"wish you were here\"")]
    Demo(Demo),
    /// Print completions for a shell
    #[command(
        after_help = "Example:\n  lightproof completions bash > ~/.local/share/bash-completion/completions/lightproof"
    )]
    Completions(Completions),
    /// Write manual pages to a folder
    #[command(after_help = "Example:\n  lightproof man ~/.local/share/man/man1")]
    Man(Man),
}

/// `init`.
#[derive(Args, Debug)]
pub(crate) struct Init {
    /// How I call myself; strangers see it as "says it is …"
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<DisplayName>,
    /// The relay that keeps my mailboxes
    #[arg(long, value_name = "RELAY_LINK")]
    pub(crate) relay: RelayLink,
    /// Read the relay's access capability from a file (or set LIGHTPROOF_ACCESS)
    #[arg(long, value_name = "FILE|-")]
    pub(crate) access_file: Option<Input>,
    /// Protect the home by file permissions only
    #[arg(long, conflicts_with = "passphrase_file")]
    pub(crate) no_passphrase: bool,
}

/// `relay …`.
#[derive(Debug, Subcommand)]
pub(crate) enum Relay {
    /// List the relays this home may talk to
    #[command(after_help = "Example:\n  lightproof relay list")]
    List,
    /// Allow a relay
    #[command(after_help = "Example:\n  lightproof relay allow wss://relay.example/")]
    Allow {
        /// Its link
        #[arg(value_name = "RELAY_LINK")]
        link: RelayLink,
    },
    /// Move my mailboxes to another relay; contacts are told, and the old relay is watched until nothing more comes there
    #[command(after_help = "Example:\n  lightproof relay move wss://new.example/")]
    Move {
        /// Its link
        #[arg(value_name = "RELAY_LINK")]
        link: RelayLink,
        /// Read the relay's access capability from a file (or set LIGHTPROOF_ACCESS)
        #[arg(long, value_name = "FILE|-")]
        access_file: Option<Input>,
    },
    /// Allow a relay no longer; or give up one that I have left
    #[command(after_help = "Example:\n  lightproof relay forget wss://relay.example/")]
    Forget {
        /// Its link
        #[arg(value_name = "RELAY_LINK")]
        link: RelayLink,
    },
}

/// `passphrase`.
#[derive(Args, Debug)]
pub(crate) struct Passphrase {
    /// Read the new passphrase from the first line of a file (else LIGHTPROOF_NEW_PASSPHRASE, else a question)
    #[arg(long, value_name = "FILE|-")]
    pub(crate) new_passphrase_file: Option<Input>,
}

/// `erase`.
#[derive(Args, Debug)]
pub(crate) struct Erase {
    /// Do not ask
    #[arg(long)]
    pub(crate) yes: bool,
    /// Tell no relay, and ask for no passphrase: also the way out where it is lost
    #[arg(long)]
    pub(crate) offline: bool,
}

/// `demo`.
#[cfg(feature = "demo")]
#[derive(Args, Debug)]
pub(crate) struct Demo {
    /// The photo to send [default: one drawn for the occasion, with a location in it]
    pub(crate) photo: Option<PathBuf>,
    /// The note
    #[arg(short = 'm', long = "note", value_name = "NOTE")]
    pub(crate) note: Option<String>,
    /// Keep the homes and the relay's data in this folder
    #[arg(long, value_name = "DIR")]
    pub(crate) keep: Option<PathBuf>,
}

/// `completions`.
#[derive(Args, Debug)]
pub(crate) struct Completions {
    /// The shell
    #[arg(action = ArgAction::Set)]
    pub(crate) shell: Shell,
}

/// `man`.
#[derive(Args, Debug)]
pub(crate) struct Man {
    /// The folder; pages that are there are written anew
    #[arg(value_name = "DIR")]
    pub(crate) folder: PathBuf,
}

const EXIT_CODES: &str = "Exit codes:
  0  done
  1  failed
  2  wrong usage
  3  verification failed
  4  relay unreachable; what was to be sent stays in the outbox
  5  nothing to do where something was asked for

A passphrase is never an argument. LIGHTPROOF_PASSPHRASE and --passphrase-file are for scripts.";

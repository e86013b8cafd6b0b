//! What was typed: the command line as `docs/cli.md` promises it, parsed by clap and not interpreted further.
//!
//! Values are parsed into the types of `plan.rs` right here, so that a bad one is a usage error with the argument named.

use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use lightproof_core::transport::RelayLink;

use crate::plan::{CardSource, ContactName, DisplayName, IdPrefix, Input, MaxEdge, Quality, Recipients, RequestChoice};

/// Send a photo with a note so that only the person it is for can see it.
#[derive(Debug, Parser)]
#[command(
    name = "lightproof",
    version,
    arg_required_else_help = true,
    subcommand_required = true,
    max_term_width = 100,
    after_help = "Begin with:\n  lightproof demo\n  lightproof init --name Alice --relay wss://relay.example/",
    after_long_help = EXIT_CODES
)]
pub(crate) struct CommandLine {
    /// Flags that every command takes.
    #[command(flatten)]
    pub(crate) global: Global,
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
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
    /// Print results and errors only
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
    #[command(after_help = "Examples:\n  lightproof receive\n  lightproof receive --follow --save-to photos")]
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
    /// What is under way
    #[command(after_help = "Examples:\n  lightproof outbox\n  lightproof outbox retry")]
    Outbox(Outbox),
    /// The relay's limits, prekeys in stock, what could not be opened, what expired
    #[command(after_help = "Example:\n  lightproof status")]
    Status,
    /// Change the passphrase of this home
    #[command(after_help = "Example:\n  lightproof passphrase")]
    Passphrase(Passphrase),
    /// A relay, Alice and Bob on this machine, end to end
    #[cfg(feature = "demo")]
    #[command(after_help = "Example:\n  lightproof demo holiday.jpg -m \"wish you were here\"")]
    Demo(Demo),
    /// Print completions for a shell
    #[command(
        after_help = "Example:\n  lightproof completions bash > ~/.local/share/bash-completion/completions/lightproof"
    )]
    Completions(Completions),
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

/// `card`.
#[derive(Args, Debug)]
pub(crate) struct Card {
    /// Draw the card as a QR code
    #[arg(long)]
    pub(crate) qr: bool,
    /// Write the QR code as a PNG
    #[arg(long, value_name = "FILE|-")]
    pub(crate) png: Option<Input>,
    /// Make a new card; the old one stops working for people who have not written yet
    #[arg(long)]
    pub(crate) replace: bool,
}

/// `contact …`.
#[derive(Debug, Subcommand)]
pub(crate) enum Contact {
    /// Add somebody by their contact card
    #[command(
        after_help = "Examples:\n  lightproof contact add bob.card\n  lightproof contact add - --name bob < bob.card"
    )]
    Add {
        /// The card itself, a file that holds it, or - for stdin
        #[arg(value_name = "CARD|FILE|-")]
        card: CardSource,
        /// How I call this person [default: the name on the card]
        #[arg(long)]
        name: Option<ContactName>,
        /// Also allow the relay that the card names
        #[arg(long)]
        allow_relay: bool,
    },
    /// List everybody I know
    #[command(after_help = "Example:\n  lightproof contact list")]
    List,
    /// Show one contact
    #[command(after_help = "Example:\n  lightproof contact show bob")]
    Show {
        /// The contact
        name: ContactName,
    },
    /// Compare the safety number, and mark the contact as verified
    #[command(after_help = "Examples:\n  lightproof contact verify bob\n  lightproof contact verify bob --mark")]
    Verify {
        /// The contact
        name: ContactName,
        /// Draw the safety number as a QR code
        #[arg(long)]
        qr: bool,
        /// We compared the numbers, and they are the same
        #[arg(long)]
        mark: bool,
    },
    /// Call a contact by another name
    #[command(after_help = "Example:\n  lightproof contact rename bob robert")]
    Rename {
        /// The name so far
        name: ContactName,
        /// The new name
        new_name: ContactName,
    },
    /// Take nothing more from a contact
    #[command(after_help = "Example:\n  lightproof contact block mallory")]
    Block {
        /// The contact
        name: ContactName,
    },
    /// Forget a contact
    #[command(after_help = "Example:\n  lightproof contact remove bob")]
    Remove {
        /// The contact
        name: ContactName,
    },
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
    /// Allow a relay no longer
    #[command(after_help = "Example:\n  lightproof relay forget wss://relay.example/")]
    Forget {
        /// Its link
        #[arg(value_name = "RELAY_LINK")]
        link: RelayLink,
    },
}

/// How a photo is treated before it is sealed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum TreatmentName {
    /// Small and visually faithful, without metadata
    #[default]
    Compressed,
    /// The same picture data, without metadata
    Original,
    /// The very file, byte for byte, with all its metadata; any file
    Exact,
}

/// What `send` waits for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Wait {
    /// The relay has it on disk
    #[default]
    Deposited,
    /// The recipient has it
    Delivered,
}

/// `send`.
#[derive(Args, Debug)]
pub(crate) struct Send {
    /// Contacts, separated by commas
    #[arg(value_name = "TO[,TO…]")]
    pub(crate) to: Recipients,
    /// Photos, at most 16; - for stdin
    #[arg(value_name = "PHOTO")]
    pub(crate) photos: Vec<Input>,
    /// The note
    #[arg(short = 'm', long = "note", value_name = "NOTE", conflicts_with = "note_file")]
    pub(crate) note: Option<String>,
    /// Read the note from a file
    #[arg(long, value_name = "FILE|-")]
    pub(crate) note_file: Option<Input>,
    /// How the photos are treated
    #[arg(long = "as", value_name = "TREATMENT", value_enum, default_value_t)]
    pub(crate) treatment: TreatmentName,
    /// JPEG quality of compressed photos, 1 to 100, or auto
    #[arg(long, value_name = "N|auto")]
    pub(crate) quality: Option<Quality>,
    /// Make compressed photos no wider and no higher than this many pixels
    #[arg(long, value_name = "PX")]
    pub(crate) max_edge: Option<MaxEdge>,
    /// Do not remove metadata: location, camera and names stay in the photo
    #[arg(long)]
    pub(crate) keep_metadata: bool,
    /// Say what would be sent and what would be removed, and send nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// What to wait for
    #[arg(long, value_enum, default_value_t, conflicts_with = "dry_run")]
    pub(crate) wait: Wait,
}

/// `receive`.
#[derive(Args, Debug)]
pub(crate) struct Receive {
    /// Stay, and receive whatever comes
    #[arg(long)]
    pub(crate) follow: bool,
    /// Save verified photos to a folder
    #[arg(long, value_name = "DIR")]
    pub(crate) save_to: Option<PathBuf>,
    /// Accept people who write for the first time
    #[arg(long)]
    pub(crate) accept_new: bool,
    /// Fetch photos from relays not allowed before
    #[arg(long)]
    pub(crate) allow_relays: bool,
}

/// `accept`.
#[derive(Args, Debug)]
pub(crate) struct Accept {
    /// Its number in `lightproof requests`, or the beginning of its fingerprint
    #[arg(value_name = "REQUEST")]
    pub(crate) request: RequestChoice,
    /// How I call this person [default: the name they give]
    #[arg(long)]
    pub(crate) name: Option<ContactName>,
}

/// `decline`.
#[derive(Args, Debug)]
pub(crate) struct Decline {
    /// Its number in `lightproof requests`, or the beginning of its fingerprint
    #[arg(value_name = "REQUEST")]
    pub(crate) request: RequestChoice,
}

/// `messages`.
#[derive(Args, Debug)]
pub(crate) struct Messages {
    /// Only those from and to one contact
    #[arg(long, value_name = "CONTACT")]
    pub(crate) with: Option<ContactName>,
    /// Only those not shown yet
    #[arg(long)]
    pub(crate) unread: bool,
}

/// `show`.
#[derive(Args, Debug)]
pub(crate) struct Show {
    /// The message, or the beginning of its ID
    pub(crate) id: IdPrefix,
    /// Save the photos to a file or a folder; nothing is overwritten
    #[arg(long, value_name = "FILE|DIR")]
    pub(crate) save: Option<PathBuf>,
    /// Only this photo, counted from 1
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=16))]
    pub(crate) photo: Option<u8>,
    /// Do not draw photos
    #[arg(long)]
    pub(crate) no_photo: bool,
}

/// `delete`.
#[derive(Args, Debug)]
pub(crate) struct Delete {
    /// The message, or the beginning of its ID
    pub(crate) id: IdPrefix,
}

/// `outbox`.
#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Outbox {
    /// What to do with it; without, list it
    #[command(subcommand)]
    pub(crate) action: Option<OutboxAction>,
}

/// What to do with the outbox.
#[derive(Debug, Subcommand)]
pub(crate) enum OutboxAction {
    /// Try again now
    #[command(after_help = "Example:\n  lightproof outbox retry")]
    Retry {
        /// Report on this message alone; whatever is under way is tried
        id: Option<IdPrefix>,
    },
    /// Give up a message that is not sealed yet
    #[command(after_help = "Example:\n  lightproof outbox cancel 3f2a")]
    Cancel {
        /// The message, or the beginning of its ID
        id: IdPrefix,
    },
}

/// `passphrase`.
#[derive(Args, Debug)]
pub(crate) struct Passphrase {
    /// Read the new passphrase from the first line of a file (else LIGHTPROOF_NEW_PASSPHRASE, else a question)
    #[arg(long, value_name = "FILE|-")]
    pub(crate) new_passphrase_file: Option<Input>,
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

const EXIT_CODES: &str = "Exit codes:
  0  done
  1  failed
  2  wrong usage
  3  verification failed
  4  relay unreachable; what was to be sent stays in the outbox
  5  nothing to do where something was asked for

A passphrase is never an argument. LIGHTPROOF_PASSPHRASE and --passphrase-file are for scripts.";

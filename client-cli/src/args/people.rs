//! What was typed after the commands about people: cards, contacts and requests.

use clap::{Args, Subcommand, ValueEnum};

use crate::plan::{CardSource, ContactName, Input, RequestChoice};

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

/// Whether receipts are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReceiptsName {
    /// They hear of it
    On,
    /// They hear nothing
    Off,
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
    /// Whether a contact hears that messages arrived and were looked at
    #[command(after_help = "Example:\n  lightproof contact receipts bob off")]
    Receipts {
        /// The contact
        name: ContactName,
        /// From now on
        #[arg(value_name = "on|off")]
        receipts: ReceiptsName,
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

//! What was typed after the commands about messages: `send`, `receive`, and what became of both.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use crate::announce::Detail;
use crate::picture::Asked;
use crate::plan::{ContactName, IdPrefix, Input, MaxEdge, Quality, Recipients};

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
    /// The recipients' lightproof shows it once and then destroys it; nothing stops a camera
    #[arg(long)]
    pub(crate) view_once: bool,
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
    /// Run this line in a shell whenever something comes, with LIGHTPROOF_FROM and the like in its environment
    #[arg(long, value_name = "COMMAND", requires = "follow")]
    pub(crate) exec: Option<String>,
    /// Let that command have the note, in LIGHTPROOF_NOTE
    #[arg(long, requires = "exec")]
    pub(crate) exec_note: bool,
    /// Show a desktop notification whenever something comes [without =WHAT: arrival]
    #[arg(
        long,
        value_name = "WHAT",
        value_enum,
        requires = "follow",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "arrival"
    )]
    pub(crate) notify: Option<Detail>,
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
    /// Do not draw the blur of photos
    #[arg(long)]
    pub(crate) no_photo: bool,
}

/// `show`.
#[derive(Args, Debug)]
pub(crate) struct Show {
    /// The message, or the beginning of its ID
    pub(crate) id: IdPrefix,
    /// Save the photos to a file or a folder; nothing is overwritten
    #[arg(long, value_name = "FILE|DIR|-")]
    pub(crate) save: Option<PathBuf>,
    /// Only this photo, counted from 1
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=16))]
    pub(crate) photo: Option<u8>,
    /// Do not draw photos, only their blur
    #[arg(long)]
    pub(crate) no_photo: bool,
    /// How photos are drawn on a terminal
    #[arg(long, value_name = "WAY", value_enum, default_value_t, env = "LIGHTPROOF_GRAPHICS")]
    pub(crate) graphics: Asked,
}

/// `delete`.
#[derive(Args, Debug)]
pub(crate) struct Delete {
    /// The message, or the beginning of its ID
    pub(crate) id: IdPrefix,
}

/// `retract`.
#[derive(Args, Debug)]
pub(crate) struct Retract {
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

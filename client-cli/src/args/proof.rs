//! What was typed to show a message to a third party: `export`, and `verify-proof` on the other side.

use std::path::PathBuf;

use clap::Args;

use crate::plan::{IdPrefix, Input};

/// `export`.
#[derive(Args, Debug)]
pub(crate) struct Export {
    /// The message, or the beginning of its ID
    pub(crate) id: IdPrefix,
    /// Write the proof to this file; nothing is overwritten
    #[arg(long, value_name = "FILE|-")]
    pub(crate) proof: Input,
    /// Put the photos themselves into it, of a received message
    #[arg(long)]
    pub(crate) with_photos: bool,
    /// Say which files the photos were made from, of a message of mine
    #[arg(long)]
    pub(crate) open_source: bool,
}

/// `verify-proof`.
#[derive(Args, Debug)]
pub(crate) struct VerifyProof {
    /// The proof
    #[arg(value_name = "FILE|-")]
    pub(crate) proof: Input,
    /// Compare this file with the photos, and with the files they were made from
    #[arg(long, value_name = "FILE|-")]
    pub(crate) photo: Option<Input>,
    /// Save the photos that are in the proof to a folder; nothing is overwritten
    #[arg(long, value_name = "DIR")]
    pub(crate) save_to: Option<PathBuf>,
}

//! What was typed to seal files without a relay, and to open them: `seal` and `open`.

use std::path::PathBuf;

use clap::Args;

use crate::plan::{Input, Recipients};

/// `seal`.
#[derive(Args, Debug)]
pub(crate) struct Seal {
    /// The files, at most 255; at most 64 GiB together
    #[arg(value_name = "FILE|-", required = true)]
    pub(crate) files: Vec<Input>,
    /// For whom: names of contacts, and `me`
    #[arg(long, value_name = "NAME[,NAME…]", required_unless_present = "passphrase")]
    pub(crate) to: Option<Recipients>,
    /// For whoever has a passphrase of its own
    #[arg(long, conflicts_with = "to")]
    pub(crate) passphrase: bool,
    /// Read that passphrase from the first line of a file (else LIGHTPROOF_FILE_PASSPHRASE, else a question)
    #[arg(long, value_name = "FILE|-", requires = "passphrase")]
    pub(crate) file_passphrase_file: Option<Input>,
    /// Write to this file; nothing is overwritten [default: the name of the one file and .lightproof]
    #[arg(short, long, value_name = "FILE|-")]
    pub(crate) out: Option<Input>,
    /// Do not sign it: nobody can tell who sealed it
    #[arg(long)]
    pub(crate) unsigned: bool,
}

/// `open`.
#[derive(Args, Debug)]
pub(crate) struct Open {
    /// The sealed file
    #[arg(value_name = "FILE|-")]
    pub(crate) file: Input,
    /// Save what is in it to this folder; nothing is overwritten [default: the current folder]
    #[arg(long, value_name = "DIR", conflicts_with = "out")]
    pub(crate) save_to: Option<PathBuf>,
    /// Write the one file in it to this file, under this name; nothing is overwritten
    #[arg(short, long, value_name = "FILE|-")]
    pub(crate) out: Option<Input>,
    /// Read the passphrase of the file from the first line of another (else LIGHTPROOF_FILE_PASSPHRASE, else a question)
    #[arg(long, value_name = "FILE|-")]
    pub(crate) file_passphrase_file: Option<Input>,
}

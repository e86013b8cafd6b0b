//! What was typed to take a home elsewhere: `backup`, and `restore` on the other machine.

use clap::Args;

use crate::plan::Input;

/// `backup`.
#[derive(Args, Debug)]
pub(crate) struct Backup {
    /// Where to write it; nothing is overwritten
    #[arg(value_name = "FILE|-")]
    pub(crate) file: Input,
    /// Put received photos into it (the default)
    #[arg(long)]
    pub(crate) photos: bool,
    /// Leave received photos out: what its relay has let go is then in no backup
    #[arg(long, conflicts_with = "photos")]
    pub(crate) no_photos: bool,
    /// Read the backup's passphrase from the first line of a file (else LIGHTPROOF_BACKUP_PASSPHRASE, else a question)
    #[arg(long, value_name = "FILE|-")]
    pub(crate) backup_passphrase_file: Option<Input>,
}

/// `restore`.
#[derive(Args, Debug)]
pub(crate) struct Restore {
    /// The backup
    #[arg(value_name = "FILE|-")]
    pub(crate) file: Input,
    /// Read the backup's passphrase from the first line of a file (else LIGHTPROOF_BACKUP_PASSPHRASE, else a question)
    #[arg(long, value_name = "FILE|-")]
    pub(crate) backup_passphrase_file: Option<Input>,
    /// Protect the new home by file permissions only
    #[arg(long, conflicts_with = "passphrase_file")]
    pub(crate) no_passphrase: bool,
}

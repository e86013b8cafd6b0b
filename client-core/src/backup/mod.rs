//! A home as one file, sealed under a passphrase of its own; and a home made from such a file.
//!
//! ```text
//! backup  = "lightproof home backup" || version || header, which wraps key and length || blob
//! content = when it was made || the rows of the vault that mean something elsewhere || sealed photos || end
//! ```
//!
//! The header is a vault's (Argon2id), the blob is a photo's (STREAM): nothing is invented here. Sessions and secrets of
//! prekeys stay behind, so a restored home begins a new line and new sessions. Spec: `docs/spec/home-backup.md`.

mod format;
mod read;
mod restored;
mod rows;
mod write;

use lightproof_wire::time::Timestamp;

use crate::{
    spool::SpoolError,
    vault::{VaultError, record::RecordError, store::StoreError, unlock::UnlockError},
};

pub use read::{Passphrases, restore};
pub use restored::RestoredFrom;
pub use write::BackupChunks;

/// Whether received photos go into a backup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Photos {
    /// They do.
    Enclosed,
    /// They do not: what a relay still has is fetched again, what was let go is missing.
    LeftOut,
}

/// What a backup holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// When it was made.
    pub made: Timestamp,
    /// People that are known.
    pub contacts: u32,
    /// Messages, sent and received.
    pub messages: u32,
    /// Photos with their sealed chunks.
    pub photos: u32,
}

/// Why a backup was not restored. What was begun is to be thrown away.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RestoreError {
    /// Changed, cut, or with something behind its end.
    #[error("the backup is damaged, or was changed since it was made")]
    Damaged,
    /// It could not be read.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// Made by a newer version of this program.
    #[error("the backup was made by a newer version of lightproof")]
    Newer,
    /// Something else altogether.
    #[error("this is not a backup of a home")]
    NotABackup,
    /// The spool of the new home failed.
    #[error(transparent)]
    Spool(#[from] SpoolError),
    /// The backup's passphrase.
    #[error(transparent)]
    Unlock(UnlockError),
    /// The vault of the new home failed.
    #[error(transparent)]
    Vault(VaultError),
}

impl From<UnlockError> for RestoreError {
    fn from(error: UnlockError) -> Self {
        match error {
            UnlockError::Damaged => Self::Damaged,
            UnlockError::Newer => Self::Newer,
            error => Self::Unlock(error),
        }
    }
}

impl From<RecordError> for RestoreError {
    fn from(error: RecordError) -> Self {
        match error {
            RecordError::Newer => Self::Newer,
            RecordError::Damaged => Self::Damaged,
        }
    }
}

impl From<VaultError> for RestoreError {
    fn from(error: VaultError) -> Self {
        Self::Vault(error)
    }
}

impl From<StoreError> for RestoreError {
    fn from(error: StoreError) -> Self {
        Self::Vault(error.into())
    }
}

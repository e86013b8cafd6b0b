//! Everything a relay keeps, as one file: made while the relay runs, verified whole before any of it is used.
//!
//! ```text
//! "lightproof relay backup" || version u8 || day u32 || record* || SHA-256 of all before
//! ```
//!
//! The rows in it are those of one moment, as they lie in their store, each under the hash it has there. Chunks never change
//! once they are on disk, so they are read after that moment; their files stay until the backup is done.

mod read;
mod restore;
mod write;

use std::io;

use lightproof_wire::{
    codec::{Bytes, Text, TlsDeserialize, TlsSerialize, TlsSize},
    limits::CHUNK_BYTES,
};
use serde::{Deserialize, Serialize};

use crate::store::{FileId, RuleError, StoreUnavailable, Table};

pub use read::{Reader, verify};
pub use restore::restore;
pub use write::{Source, write};

const MAGIC: &[u8; 23] = b"lightproof relay backup";
const VERSION: u8 = 1;

/// A piece of a backup.
#[derive(Clone, Debug, PartialEq, Eq, TlsSerialize, TlsDeserialize, TlsSize)]
#[repr(u8)]
pub enum Record {
    /// A small secret file of the data folder.
    #[tls_codec(discriminant = 1)]
    Kept {
        /// Its name there.
        name: Text<64>,
        /// All of it.
        content: Bytes<0xff_ffff>,
    },
    /// A row as it lies in its store.
    #[tls_codec(discriminant = 2)]
    Row {
        /// Where.
        table: Table,
        /// Under what.
        key: Bytes<0xffff>,
        /// With its hash.
        value: Bytes<0xff_ffff>,
    },
    /// Bytes of a blob.
    #[tls_codec(discriminant = 3)]
    Chunk {
        /// The name of the file.
        file: FileId,
        /// Their place there.
        offset: u64,
        /// A sealed chunk.
        bytes: Bytes<CHUNK_BYTES>,
    },
    /// The last record.
    #[tls_codec(discriminant = 4)]
    End(Contents),
}

/// What a backup holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, TlsSerialize, TlsDeserialize, TlsSize, Serialize, Deserialize)]
pub struct Contents {
    /// Rows.
    pub rows: u64,
    /// Chunks.
    pub chunks: u64,
    /// Blobs that their rows promise and that could not be read whole.
    pub missing_blobs: u64,
}

/// Why there is no backup, or why it cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackupError {
    /// Its checksum does not match, or it ends too early: none of it is used.
    #[error("the backup is damaged or was cut short")]
    Damaged,
    /// Reading or writing failed.
    #[error(transparent)]
    Disk(#[from] io::Error),
    /// A later version made it.
    #[error("the backup was made by a newer version")]
    Newer,
    /// It is something else.
    #[error("this is no backup of a relay")]
    NoBackup,
    /// The folder it was to be restored into has something in it.
    #[error("the data folder is not empty")]
    NotEmpty,
    /// It was told to stop.
    #[error("the relay is stopping")]
    Stopped,
    /// The rows could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreUnavailable),
}

impl From<RuleError> for BackupError {
    fn from(error: RuleError) -> Self {
        match error {
            RuleError::Unavailable(error) => Self::Store(error),
            other => Self::Store(StoreUnavailable::because(other)),
        }
    }
}

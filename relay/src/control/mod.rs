//! What an operator asks of a relay: by a socket in its data folder while it runs, of the folder itself while it is stopped.
//!
//! One request per connection: a line of JSON. The answer is a line of JSON; a backup follows it as it is. The socket is
//! open to this user alone, and so is the folder it lies in.

mod client;
mod server;
mod stats;
mod work;

use std::io;

use lightproof_wire::refusal::Refusal;
use serde::{Deserialize, Serialize};

use crate::{
    backup::BackupError,
    store::{RuleError, StoreUnavailable},
};

pub use client::Relay;
pub use stats::{Commits, Running, Stats};

pub(crate) use server::serve;

/// What may be asked.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub enum Request {
    /// Grants a right to whoever holds the capability of this hash.
    AccessNew {
        /// 64 hex digits.
        hash: String,
        /// Days from today on which it may create; without, until it is revoked.
        days: Option<u16>,
        /// Mailboxes at a time.
        mailboxes: u32,
        /// MiB of sealed blobs at a time.
        blob_mib: u32,
        /// For the operator.
        note: String,
    },
    /// Everything that was granted.
    AccessList,
    /// Takes a right back.
    AccessRevoke {
        /// Its number.
        number: u32,
    },
    /// Everything, as a backup.
    Backup,
    /// The link that it serves under.
    Link,
    /// Looks at everything that is kept.
    Scrub,
    /// Counts.
    Stats,
}

/// The line that answers.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Answer {
    Ok(serde_json::Value),
    Error(String),
}

/// An access capability as its operator sees it: not the capability, which nobody keeps.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Access {
    /// To revoke it by.
    pub number: u32,
    /// For the operator.
    pub note: String,
    /// Day since 1970-01-01 on which it was issued.
    pub issued_day: u32,
    /// The last day on which it creates anything.
    pub last_day: Option<u32>,
    /// Mailboxes it may hold.
    pub mailboxes: u32,
    /// Mailboxes it holds.
    pub mailboxes_used: u32,
    /// Sealed bytes of blobs it may hold.
    pub blob_bytes: u64,
    /// Sealed bytes of blobs it holds.
    pub blob_bytes_used: u64,
}

/// Why something could not be done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ControlError {
    /// The relay, or its folder, said no.
    #[error("{0}")]
    Answered(String),
    /// A backup was not made or cannot be used.
    #[error(transparent)]
    Backup(#[from] BackupError),
    /// A relay runs on this folder and does not answer by its socket.
    #[error("a relay runs on this folder and has no control socket")]
    InUse,
    /// There is nothing in the folder that a relay has made.
    #[error("there is no relay in this folder")]
    NoRelay,
    /// A restore into the folder was cut off.
    #[error("a restore into this folder was not finished")]
    HalfRestored,
    /// The relay stopped while it was asked, or the connection to it failed.
    #[error("the relay did not answer: {0}")]
    NoAnswer(io::Error),
    /// The folder cannot be used.
    #[error("the data folder cannot be used: {0}")]
    Folder(io::Error),
    /// The rows cannot be read or written.
    #[error(transparent)]
    Store(StoreUnavailable),
}

impl From<StoreUnavailable> for ControlError {
    fn from(error: StoreUnavailable) -> Self {
        if error.is_in_use() { Self::InUse } else { Self::Store(error) }
    }
}

impl From<RuleError> for ControlError {
    fn from(error: RuleError) -> Self {
        match error {
            RuleError::Unavailable(error) => error.into(),
            RuleError::Refused(Refusal::Refused) => Self::Answered("there is no such access".to_owned()),
            other => Self::Answered(other.to_string()),
        }
    }
}

impl From<serde_json::Error> for ControlError {
    fn from(error: serde_json::Error) -> Self {
        Self::NoAnswer(error.into())
    }
}

impl ControlError {
    /// What to do about it.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::Answered(_) => "see `lightproof-relay access list` and the relay's log",
            Self::Backup(BackupError::Damaged | BackupError::NoBackup) => "take another copy of it, or another backup",
            Self::Backup(BackupError::Newer) => "restore it with the version that made it, or a later one",
            Self::Backup(BackupError::NotEmpty) => {
                "stop the relay, move its folder away and restore into a new one; nothing is ever overwritten"
            }
            Self::Backup(_) => "is the disk full? see `lightproof-relay check`",
            Self::InUse => "ask as the user who runs it; else stop it, and start it again with this version",
            Self::NoRelay => "give the folder with --data, or the settings with --config, as for `serve`",
            Self::HalfRestored => "run `lightproof-relay restore` again with the same backup",
            Self::NoAnswer(_) => "look at the relay's log; ask again",
            Self::Folder(_) => "choose a folder this user owns with --data, and see `lightproof-relay check`",
            Self::Store(_) => "is the disk full or damaged? see `lightproof-relay check` and docs/operate.md",
        }
    }
}

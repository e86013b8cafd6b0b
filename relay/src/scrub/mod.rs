//! Reads everything that is kept, and counts what is not as it was written and what does not fit together.
//!
//! What it finds has no names: an operator who reads it learns nothing about people, and may show it to anybody.

mod look;

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};

use crate::store::{Chunks, Rows, RuleError, Table};

/// What was read, and what is wrong with it. It names nobody.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Rows that were read.
    pub rows: u64,
    /// Blobs whose files were looked at.
    pub blobs: u64,
    /// Rows that do not match their own hash, by table.
    pub damaged_rows: BTreeMap<String, u64>,
    /// What does not fit together, and how often.
    pub faults: BTreeMap<Fault, u64>,
}

/// What does not fit together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// A capability counts other mailboxes or bytes as its own than there are.
    AccessUsage,
    /// An open reader of a blob that nobody finds by its hash.
    BlobWithoutReader,
    /// A drop that leads to no mailbox, or to one with another drop.
    DropWithoutMailbox,
    /// A mailbox that holds another number of envelopes than it counts.
    EnvelopeCount,
    /// An envelope in no mailbox.
    EnvelopeWithoutMailbox,
    /// An envelope with a number that its mailbox has not given yet.
    EnvelopeAhead,
    /// A blob whose file is not there, ends too early or cannot be read.
    FileMissing,
    /// A blob whose file goes on after its end.
    FileTooLong,
    /// A mailbox nobody can deposit in.
    MailboxWithoutDrop,
    /// Something that no entry of the index will ever remove.
    NeverExpires,
    /// A reader of no blob.
    ReaderWithoutBlob,
    /// The sum of what blobs reserve.
    ReservedBytes,
    /// Chunks of no unfinished blob, or of one with another number of them.
    UploadWithoutBlob,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AccessUsage => "access capabilities count something else than what they made",
            Self::BlobWithoutReader => "open readers of blobs are not found by their hash",
            Self::DropWithoutMailbox => "drops lead to no mailbox",
            Self::EnvelopeCount => "mailboxes hold another number of envelopes than they count",
            Self::EnvelopeWithoutMailbox => "envelopes are in no mailbox",
            Self::EnvelopeAhead => "envelopes have numbers that their mailbox has not given",
            Self::FileMissing => "blobs have no file, or one that ends too early or cannot be read",
            Self::FileTooLong => "files go on after the end of their blob",
            Self::MailboxWithoutDrop => "mailboxes have no drop",
            Self::NeverExpires => "things would never expire",
            Self::ReaderWithoutBlob => "readers have no blob",
            Self::ReservedBytes => "the sum of what blobs reserve is wrong; the next start puts it right",
            Self::UploadWithoutBlob => "records of chunks belong to no unfinished blob",
        })
    }
}

impl Report {
    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_well(&self) -> bool {
        self.damaged_rows.is_empty() && self.faults.is_empty()
    }

    fn damaged(&mut self, table: Table) {
        add(&mut self.damaged_rows, table.name().to_owned());
    }

    fn found(&mut self, fault: Fault) {
        add(&mut self.faults, fault);
    }
}

fn add<K: Ord>(counts: &mut BTreeMap<K, u64>, key: K) {
    let count = counts.entry(key).or_default();
    *count = count.saturating_add(1);
}

/// Looks at everything, for as long as `go_on` says so.
///
/// # Errors
/// [`StoreUnavailable`](crate::store::StoreUnavailable): the disk's fault, or it was told to stop.
pub fn scrub(rows: &dyn Rows, chunks: &dyn Chunks, go_on: &dyn Fn() -> bool) -> Result<Report, RuleError> {
    let mut look = look::Look::new(rows, chunks, go_on);
    look.index()?;
    look.mailboxes()?;
    look.drops()?;
    look.blobs()?;
    look.readers()?;
    look.uploads()?;
    look.sums()?;
    look.prekeys()?;
    look.the_rest()?;
    Ok(look.report)
}

//! A blob at rest: its row, its readers, and how far its upload is.

use lightproof_wire::{
    blob::{BlobShape, ChunkBitmap},
    capability::{CapabilityHash, right},
    codec::{List, TlsDeserialize, TlsSerialize, TlsSize},
    limits::BLOB_READERS,
    time::Day,
};

use crate::{
    access::AccessHash,
    limits::Limits,
    store::{FileId, Table, row::Row},
};

/// Names a blob.
pub type WriteHash = CapabilityHash<right::Write>;
/// Names one reader of one blob.
pub type ReadHash = CapabilityHash<right::Read>;

/// How far a blob is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, TlsSerialize, TlsDeserialize, TlsSize)]
#[repr(u8)]
pub enum Phase {
    /// Chunks come.
    Uploading = 1,
    /// Complete, readable, immutable.
    Committed = 2,
}

/// How far a reader is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, TlsSerialize, TlsDeserialize, TlsSize)]
#[repr(u8)]
pub enum Reading {
    /// May read.
    Open = 1,
    /// Is done.
    Released = 2,
    /// May no longer.
    Revoked = 3,
}

/// One reader of a blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq, TlsSerialize, TlsDeserialize, TlsSize)]
pub struct Reader {
    /// Who.
    pub hash: ReadHash,
    /// How far.
    pub reading: Reading,
}

/// A blob at rest.
#[derive(Clone, Debug, PartialEq, Eq, TlsSerialize, TlsDeserialize, TlsSize)]
pub struct BlobRow {
    /// Where its bytes are.
    pub file: FileId,
    /// Chunk size and count.
    pub shape: BlobShape,
    /// The capability that made it, where the relay asked for one.
    pub access: Option<AccessHash>,
    /// How far it is.
    pub phase: Phase,
    /// The last day it stays.
    pub expires: Day,
    /// All readers it was opened with, in that order.
    pub readers: List<Reader, BLOB_READERS>,
}

impl Row for BlobRow {
    const TABLE: Table = Table::Blobs;
    type Key = WriteHash;
}

/// Which blob a reader reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, TlsSerialize, TlsDeserialize, TlsSize)]
pub struct ReaderRow {
    /// Its blob.
    pub write: WriteHash,
}

impl Row for ReaderRow {
    const TABLE: Table = Table::Readers;
    type Key = ReadHash;
}

/// Chunks of an unfinished blob that are known to be on disk.
#[derive(Clone, Debug, PartialEq, Eq, TlsSerialize, TlsDeserialize, TlsSize)]
pub struct UploadRow {
    /// The day something was last known to happen.
    pub touched: Day,
    /// Which are there.
    pub synced: ChunkBitmap,
}

impl Row for UploadRow {
    const TABLE: Table = Table::Uploads;
    type Key = WriteHash;
}

impl UploadRow {
    /// Whether any chunk is known to be on disk.
    pub(super) fn has_any(&self) -> bool {
        self.synced.missing().count() as u64 != u64::from(self.synced.count())
    }

    /// The last day it stays untouched. One without a chunk has cost its writer nothing and holds space all the same:
    /// it stays until the end of the next day, however often it is opened.
    #[must_use]
    pub fn last_day(&self, limits: &Limits) -> Day {
        let idle_days = if self.has_any() { limits.upload_idle_days } else { limits.upload_idle_days.min(1) };
        self.touched.plus(idle_days.into())
    }
}

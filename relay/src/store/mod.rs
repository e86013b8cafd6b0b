//! Where a relay keeps things: rows behind [`Store`], bytes of blobs behind [`Chunks`], and the proof that a row is on disk.
//!
//! A rule (in `mailbox`, `prekeys`, `blob`, `expire`) is a pure function over rows. A store runs it inside its one
//! transaction and answers only after the commit: that is what [`Durable`] says in the type of a value.

pub mod disk;
pub mod files;
pub mod memory;
pub mod row;
mod writer;

#[cfg(test)]
pub(crate) mod conformance;

use std::{io, sync::Arc};

use lightproof_wire::{
    codec::{TlsDeserialize, TlsSerialize, TlsSize},
    refusal::Refusal,
};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

/// One kind of row each. The name is part of the format on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Table {
    /// Blobs by the hash of their `write`.
    Blobs = 1,
    /// What was deposited where, by drop hash and envelope digest.
    Deposits = 2,
    /// Owner hash by drop hash.
    Drops = 3,
    /// Envelopes by owner hash and sequence.
    Envelopes = 4,
    /// What may have to go, by day.
    Expiry = 5,
    /// Mailboxes by owner hash.
    Mailboxes = 6,
    /// Prekeys by owner hash, kind and id.
    Prekeys = 7,
    /// `write` hash by `read` hash.
    Readers = 8,
    /// Hashes that cannot be created again.
    Tombstones = 9,
    /// How much is reserved; one row.
    Totals = 10,
    /// Chunks of unfinished blobs that are known to be on disk.
    Uploads = 11,
}

impl Table {
    /// All of them, in order.
    pub const ALL: [Self; 11] = [
        Self::Blobs,
        Self::Deposits,
        Self::Drops,
        Self::Envelopes,
        Self::Expiry,
        Self::Mailboxes,
        Self::Prekeys,
        Self::Readers,
        Self::Tombstones,
        Self::Totals,
        Self::Uploads,
    ];

    /// Its name on disk.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Blobs => "blobs",
            Self::Deposits => "deposits",
            Self::Drops => "drops",
            Self::Envelopes => "envelopes",
            Self::Expiry => "expiry",
            Self::Mailboxes => "mailboxes",
            Self::Prekeys => "prekeys",
            Self::Readers => "readers",
            Self::Tombstones => "tombstones",
            Self::Totals => "totals",
            Self::Uploads => "uploads",
        }
    }
}

/// The store or the disk under it failed. After a write that failed nothing may be acknowledged any more.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the store failed: {0}")]
pub struct StoreUnavailable(Arc<str>);

impl StoreUnavailable {
    /// With what the layer below said; it goes to the operator's log, never to a peer.
    pub fn because(reason: impl ToString) -> Self {
        Self(reason.to_string().into())
    }
}

/// Why a rule did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RuleError {
    /// A row does not match its own hash.
    #[error("a stored row is damaged")]
    Damaged,
    /// The answer is no.
    #[error("refused: {0}")]
    Refused(#[from] Refusal),
    /// The store failed.
    #[error(transparent)]
    Unavailable(#[from] StoreUnavailable),
}

/// Rows as they are now: keys and values are bytes, in the order of the keys.
pub trait Rows {
    /// One row.
    ///
    /// # Errors
    /// [`StoreUnavailable`]: the disk's fault.
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreUnavailable>;

    /// At most `limit` rows with `from <= key < before`, ascending.
    ///
    /// # Errors
    /// [`StoreUnavailable`]: the disk's fault.
    fn range(&self, table: Table, from: &[u8], before: &[u8], limit: usize) -> Result<Vec<RawRow>, StoreUnavailable>;
}

/// A key and its value.
pub type RawRow = (Vec<u8>, Vec<u8>);

/// Rows inside the one transaction.
pub trait RowsMut: Rows {
    /// Writes a row, over another if there is one.
    ///
    /// # Errors
    /// [`StoreUnavailable`]: the disk's fault.
    fn put(&mut self, table: Table, key: &[u8], value: &[u8]) -> Result<(), StoreUnavailable>;

    /// Removes a row; whether there was one.
    ///
    /// # Errors
    /// [`StoreUnavailable`]: the disk's fault.
    fn remove(&mut self, table: Table, key: &[u8]) -> Result<bool, StoreUnavailable>;
}

/// Tells a waiter what its step came to. Called only after the commit that holds the step.
pub type Answer = Box<dyn FnOnce() + Send>;

/// A step of the writer: looks, checks everything, then writes. A refused step has written nothing.
pub type Step = Box<dyn FnOnce(&mut dyn RowsMut) -> Result<Answer, StoreUnavailable> + Send>;

/// The queue in front of the writer is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many writes are waiting")]
pub struct Overloaded;

/// The seam for rows.
pub trait Store: Send + Sync + 'static {
    /// Shows the last committed rows. Blocks for as long as a disk takes to read.
    ///
    /// # Errors
    /// [`StoreUnavailable`]: the disk's fault.
    fn read(&self, look: &mut dyn FnMut(&dyn Rows) -> Result<(), RuleError>) -> Result<(), RuleError>;

    /// Queues a step. Steps run one after the other, each seeing what the ones before it wrote; its answer is called
    /// after they are on disk, and never if that failed.
    ///
    /// # Errors
    /// [`Overloaded`]: nothing was queued.
    fn submit(&self, step: Step) -> Result<(), Overloaded>;

    /// Cancelled when a commit failed. Whoever runs the relay must stop it.
    fn failed(&self) -> &CancellationToken;
}

/// A value whose commit is on disk. Only [`commit`] makes one.
#[must_use]
#[derive(Debug, PartialEq, Eq)]
pub struct Durable<T>(T);

impl<T> Durable<T> {
    /// The value; it may be promised now.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl Durable<()> {
    /// What may be said now that the commit is on disk.
    pub fn promise<T>(self, reply: T) -> T {
        reply
    }
}

impl<A, B> Durable<(A, B)> {
    /// The first for our own use, the second still to be promised.
    pub fn split(self) -> (A, Durable<B>) {
        (self.0.0, Durable(self.0.1))
    }
}

/// Runs a rule in the store's transaction and waits for the commit.
///
/// # Errors
/// What the rule said, `Busy` from a full queue, or [`StoreUnavailable`] if the commit failed.
pub async fn commit<T: Send + 'static>(
    store: &dyn Store,
    rule: impl FnOnce(&mut dyn RowsMut) -> Result<T, RuleError> + Send + 'static,
) -> Result<Durable<T>, RuleError> {
    let (sender, receiver) = oneshot::channel();
    let step: Step = Box::new(move |rows| match rule(rows) {
        Err(RuleError::Unavailable(error)) => Err(error),
        outcome => Ok(Box::new(move || {
            // A waiter that went away no longer needs the answer.
            let _ = sender.send(outcome.map(Durable));
        })),
    });
    store.submit(step).map_err(|Overloaded| Refusal::Busy)?;
    receiver.await.map_err(|_| StoreUnavailable::because("the writer stopped"))?
}

/// Looks at the last committed rows.
///
/// # Errors
/// What `look` said, or [`StoreUnavailable`].
pub fn look<T>(store: &dyn Store, mut look: impl FnMut(&dyn Rows) -> Result<T, RuleError>) -> Result<T, RuleError> {
    let mut seen = None;
    store.read(&mut |rows| {
        seen = Some(look(rows)?);
        Ok(())
    })?;
    seen.ok_or_else(|| StoreUnavailable::because("nothing was looked at").into())
}

/// Names the file of one blob: random, so that a blob made anew never meets an old file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, TlsSerialize, TlsDeserialize, TlsSize)]
pub struct FileId(pub [u8; 16]);

/// Why bytes are not known to be on disk.
#[derive(Debug, thiserror::Error)]
pub enum SyncError {
    /// The sync ran and failed: what was written may be lost, and a second try proves nothing. The relay must stop.
    #[error("a sync failed: {0}")]
    Failed(io::Error),
    /// Nothing was tried, because the file could not be opened: a later sync may be believed.
    #[error("a file could not be opened to be synced: {0}")]
    NotTried(io::Error),
}

/// The seam for the bytes of blobs. Every call blocks.
pub trait Chunks: Send + Sync + 'static {
    /// Writes at an offset; nothing is promised until [`sync`](Self::sync).
    ///
    /// # Errors
    /// The disk's; `StorageFull` if it is full.
    fn write_at(&self, file: FileId, offset: u64, bytes: &[u8]) -> io::Result<()>;

    /// Reads exactly `length` bytes at an offset.
    ///
    /// # Errors
    /// The disk's; `UnexpectedEof` where the file ends too early, `NotFound` without one.
    fn read_at(&self, file: FileId, offset: u64, length: usize) -> io::Result<Vec<u8>>;

    /// Returns when everything written so far, and the file's name, are on disk.
    ///
    /// # Errors
    /// [`SyncError`]; only one that failed is the end.
    fn sync(&self, file: FileId) -> Result<(), SyncError>;

    /// Removes a file; none is fine.
    ///
    /// # Errors
    /// The disk's.
    fn remove(&self, file: FileId) -> io::Result<()>;

    /// All files.
    ///
    /// # Errors
    /// The disk's.
    fn list(&self) -> io::Result<Vec<FileId>>;

    /// Bytes that may still be written; `u64::MAX` where nobody counts.
    ///
    /// # Errors
    /// The disk's.
    fn free_bytes(&self) -> io::Result<u64>;
}

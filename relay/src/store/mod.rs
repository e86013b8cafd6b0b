//! Where a relay keeps things: rows behind [`Store`], bytes of blobs behind [`Chunks`], and the proof that a row is on disk.
//!
//! A rule (in `mailbox`, `prekeys`, `blob`, `expire`) is a pure function over rows. A store runs it inside its one
//! transaction and answers only after the commit: that is what [`Durable`] says in the type of a value.

mod chunks;
mod compact;
pub mod disk;
pub mod files;
pub mod fresh;
pub mod memory;
pub mod row;
mod writer;

#[cfg(test)]
pub(crate) mod conformance;

use std::sync::Arc;

use lightproof_wire::{
    codec::{TlsDeserialize, TlsSerialize, TlsSize},
    refusal::Refusal,
};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use crate::metrics::WriteMetrics;

pub use chunks::{Chunks, FileId, Hold, SyncError};

/// One kind of row each. The name is part of the format on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, TlsSerialize, TlsDeserialize, TlsSize)]
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
    /// Access capabilities by hash.
    Access = 12,
    /// Which day it is; one row.
    Calendar = 13,
}

impl Table {
    /// All of them, in order.
    pub const ALL: [Self; 13] = [
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
        Self::Access,
        Self::Calendar,
    ];

    /// Its place among [`ALL`](Self::ALL).
    fn place(self) -> usize {
        usize::from(self as u8).saturating_sub(1)
    }

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
            Self::Access => "access",
            Self::Calendar => "calendar",
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

    /// Another process has it.
    #[must_use]
    pub fn in_use() -> Self {
        Self::because(IN_USE)
    }

    /// Whether another process has it.
    #[must_use]
    pub fn is_in_use(&self) -> bool {
        *self.0 == *IN_USE
    }
}

const IN_USE: &str = "another process has it open";

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

    /// How many rows a table has.
    ///
    /// # Errors
    /// [`StoreUnavailable`]: the disk's fault.
    fn count(&self, table: Table) -> Result<u64, StoreUnavailable> {
        let mut count = 0_u64;
        each::<StoreUnavailable>(self, table, |_, _| {
            count = count.saturating_add(1);
            Ok(())
        })?;
        Ok(count)
    }
}

/// Shows every row of a table, ascending.
///
/// # Errors
/// [`StoreUnavailable`], or what `see` said, which ends it.
pub fn each<E: From<StoreUnavailable>>(
    rows: &(impl Rows + ?Sized),
    table: Table,
    mut see: impl FnMut(&[u8], &[u8]) -> Result<(), E>,
) -> Result<(), E> {
    const AT_ONCE: usize = 128;
    let mut from = Vec::new();
    loop {
        let page = rows.range(table, &from, &LAST_KEY, AT_ONCE)?;
        for (key, value) in &page {
            see(key, value)?;
        }
        match page.last() {
            Some((last, _)) if page.len() == AT_ONCE => from = [last.as_slice(), &[0]].concat(),
            _ => return Ok(()),
        }
    }
}

/// Longer than every key, and behind all of them.
const LAST_KEY: [u8; 128] = [0xff; 128];

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

/// What rows take on the disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RowSpace {
    /// Bytes of the file.
    pub file_bytes: u64,
    /// About so many of them hold rows; the rest is for later ones.
    pub used_bytes: u64,
}

impl RowSpace {
    /// About so many bytes wait for later rows.
    #[must_use]
    pub const fn unused_bytes(self) -> u64 {
        self.file_bytes.saturating_sub(self.used_bytes)
    }
}

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

    /// What its writer measures, for as long as it lives; one without a writer measures nothing.
    fn writes(&self) -> WriteMetrics {
        WriteMetrics::default()
    }

    /// What its rows take on the disk; nothing where there is none.
    ///
    /// # Errors
    /// [`StoreUnavailable`]: the disk's fault.
    fn space(&self) -> Result<RowSpace, StoreUnavailable> {
        Ok(RowSpace::default())
    }

    /// Begins to give unused space back to the file system if that is worth it, beside everything else and while
    /// `keep_free_bytes` of the disk stay free; a store without a file has none to give.
    fn compact(&self, keep_free_bytes: u64) {
        let _nothing_to_give = keep_free_bytes;
    }
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
    submit(store, rule)?.await.map_err(|_| StoreUnavailable::because(STOPPED))?
}

/// The same for a thread that may block.
///
/// # Errors
/// Those of [`commit`].
pub fn commit_blocking<T: Send + 'static>(
    store: &dyn Store,
    rule: impl FnOnce(&mut dyn RowsMut) -> Result<T, RuleError> + Send + 'static,
) -> Result<Durable<T>, RuleError> {
    submit(store, rule)?.blocking_recv().map_err(|_| StoreUnavailable::because(STOPPED))?
}

const STOPPED: &str = "the writer stopped";

type Outcome<T> = Result<Durable<T>, RuleError>;

fn submit<T: Send + 'static>(
    store: &dyn Store,
    rule: impl FnOnce(&mut dyn RowsMut) -> Result<T, RuleError> + Send + 'static,
) -> Result<oneshot::Receiver<Outcome<T>>, RuleError> {
    let (sender, receiver) = oneshot::channel();
    let step: Step = Box::new(move |rows| match rule(rows) {
        Err(RuleError::Unavailable(error)) => Err(error),
        outcome => Ok(Box::new(move || {
            // A waiter that went away no longer needs the answer.
            let _ = sender.send(outcome.map(Durable));
        })),
    });
    store.submit(step).map_err(|Overloaded| Refusal::Busy)?;
    Ok(receiver)
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

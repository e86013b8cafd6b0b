//! Where a relay keeps things: rows behind [`Store`], bytes of blobs behind [`Chunks`], and the proof that a row is on disk.
//!
//! A rule (in `mailbox`, `prekeys`, `blob`, `expire`) is a pure function over rows. A store runs it inside its one
//! transaction and answers only after the commit: that is what [`Durable`] says in the type of a value.

mod batch;
mod bulk;
mod bulk_writer;
mod chunks;
mod compact;
pub mod disk;
mod durable;
pub mod files;
mod fresh;
pub mod memory;
mod pack;
pub mod row;
mod slots;
mod table;
mod writer;

#[cfg(test)]
pub(crate) mod conformance;

use std::sync::Arc;

use lightproof_wire::refusal::Refusal;
use tokio_util::sync::CancellationToken;

use crate::metrics::WriteMetrics;

pub use chunks::{Chunks, FileId, Hold, SyncError};
pub use durable::{Durable, commit, commit_blocking};
pub use table::Table;

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

    /// The same without their bulks, which are not read.
    ///
    /// # Errors
    /// [`StoreUnavailable`]: the disk's fault.
    fn heads(&self, table: Table, from: &[u8], before: &[u8], limit: usize) -> Result<Vec<RawRow>, StoreUnavailable> {
        let mut rows = self.range(table, from, before, limit)?;
        for (_, value) in &mut rows {
            value.truncate(value.len().saturating_sub(table.bulk_bytes()));
        }
        Ok(rows)
    }

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

//! Whether the disk has room for anything new.

use std::sync::atomic::{AtomicU64, Ordering};

use lightproof_wire::refusal::Refusal;

use crate::{
    limits::Space,
    store::{Chunks, RawRow, Rows, RowsMut, StoreUnavailable, Table},
};

/// After this much was written the disk is looked at again, if the reserve is not smaller than four of these.
const LOOK_BYTES: u64 = 64 * 1_048_576;

/// What is known of the room on the disk. A disk that is full makes a commit fail, and a failed commit stops the
/// relay: it refuses while there is still a reserve.
#[derive(Debug)]
pub struct Room {
    reserve_bytes: u64,
    free_bytes: AtomicU64,
    unused_bytes: AtomicU64,
    written_bytes: AtomicU64,
}

impl Room {
    /// Room as long as `reserve_bytes` stay free.
    #[must_use]
    pub const fn new(reserve_bytes: u64) -> Self {
        Self {
            reserve_bytes,
            free_bytes: AtomicU64::new(u64::MAX),
            unused_bytes: AtomicU64::new(0),
            written_bytes: AtomicU64::new(0),
        }
    }

    /// What stays free on the disk whatever is done to gain room on it.
    #[must_use]
    pub const fn least_bytes(&self) -> u64 {
        self.reserve_bytes / 2
    }

    /// Whether there was room at the last look.
    #[must_use]
    pub fn is_there(&self) -> bool {
        self.space() != Space::None
    }

    /// What there was at the last look. Strangers' mail stops when there is still room for as much again of contacts'.
    #[must_use]
    pub fn space(&self) -> Space {
        let free_bytes = self.free_bytes.load(Ordering::Relaxed);
        // Rows fill the holes in their files first. They may grow all the same: half of the reserve is left for that.
        let unused_bytes = if free_bytes < self.least_bytes() { 0 } else { self.unused_bytes.load(Ordering::Relaxed) };
        let room_bytes = free_bytes.saturating_add(unused_bytes);
        if room_bytes < self.reserve_bytes {
            Space::None
        } else if room_bytes < self.reserve_bytes.saturating_mul(2) {
            Space::ForContacts
        } else {
            Space::ForEverybody
        }
    }

    /// Room for bytes of a blob.
    ///
    /// # Errors
    /// [`Refusal::QuotaFull`] without.
    pub fn check(&self) -> Result<(), Refusal> {
        // Files of blobs do not fit into the holes of another file.
        let is_there = self.free_bytes.load(Ordering::Relaxed) >= self.reserve_bytes;
        if is_there { Ok(()) } else { Err(Refusal::QuotaFull) }
    }

    /// Looks at the disk. Blocks.
    pub fn look(&self, chunks: &dyn Chunks) {
        let before = self.space();
        self.free_bytes.store(chunks.free_bytes().unwrap_or(0), Ordering::Relaxed);
        match self.space() {
            now if now >= before => {}
            Space::None => tracing::warn!("the disk is nearly full: nothing new is taken"),
            _ => tracing::warn!("the disk fills up: no more mail of strangers is taken"),
        }
    }

    /// What is known of the holes in the files of rows.
    pub fn unused(&self, bytes: u64) {
        self.unused_bytes.store(bytes, Ordering::Relaxed);
    }

    /// Counts what was written, and looks at the disk every so often. Blocks.
    pub fn wrote(&self, chunks: &dyn Chunks, bytes: u64) {
        let before = self.written_bytes.fetch_add(bytes, Ordering::Relaxed);
        let look_bytes = LOOK_BYTES.min(self.reserve_bytes / 4).max(1);
        if before / look_bytes != before.wrapping_add(bytes) / look_bytes {
            self.look(chunks);
        }
    }
}

/// Rows that one step sees and writes, and how much of the disk the new ones may take.
pub struct Counted<'a> {
    rows: &'a mut dyn RowsMut,
    /// Of all that was written so far.
    pub bytes: u64,
}

impl<'a> Counted<'a> {
    /// Nothing written yet.
    pub fn new(rows: &'a mut dyn RowsMut) -> Self {
        Self { rows, bytes: 0 }
    }
}

impl Rows for Counted<'_> {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreUnavailable> {
        self.rows.get(table, key)
    }

    fn range(&self, table: Table, from: &[u8], before: &[u8], limit: usize) -> Result<Vec<RawRow>, StoreUnavailable> {
        self.rows.range(table, from, before, limit)
    }

    fn heads(&self, table: Table, from: &[u8], before: &[u8], limit: usize) -> Result<Vec<RawRow>, StoreUnavailable> {
        self.rows.heads(table, from, before, limit)
    }

    fn count(&self, table: Table) -> Result<u64, StoreUnavailable> {
        self.rows.count(table)
    }
}

impl RowsMut for Counted<'_> {
    fn put(&mut self, table: Table, key: &[u8], value: &[u8]) -> Result<(), StoreUnavailable> {
        // Twice: pages of a tree are half full where its keys come in no order.
        let bytes = key.len().saturating_add(value.len()).saturating_mul(2);
        self.bytes = self.bytes.saturating_add(bytes as u64);
        self.rows.put(table, key, value)
    }

    fn remove(&mut self, table: Table, key: &[u8]) -> Result<bool, StoreUnavailable> {
        self.rows.remove(table, key)
    }
}

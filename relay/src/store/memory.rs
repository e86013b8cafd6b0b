//! The reference for both seams: rows and chunks in memory, for tests and as the meaning of the contract.

use std::{
    collections::BTreeMap,
    io,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio_util::sync::CancellationToken;

use super::{
    Chunks, FileId, Overloaded, RawRow, Rows, RowsMut, RuleError, Step, Store, StoreUnavailable, SyncError, Table,
};

type RowMap = BTreeMap<(Table, Vec<u8>), Vec<u8>>;

/// Rows in memory. Durable only in the sense that nothing here survives anyway.
#[derive(Default)]
pub struct MemoryStore {
    rows: Mutex<RowMap>,
    failed: CancellationToken,
}

impl MemoryStore {
    /// An independent copy, as a copied disk would be.
    #[must_use]
    pub fn copy(&self) -> Self {
        Self { rows: Mutex::new(lock(&self.rows).clone()), failed: CancellationToken::new() }
    }
}

impl Store for MemoryStore {
    fn read(&self, look: &mut dyn FnMut(&dyn Rows) -> Result<(), RuleError>) -> Result<(), RuleError> {
        look(&*lock(&self.rows))
    }

    fn submit(&self, step: Step) -> Result<(), Overloaded> {
        let answer = step(&mut *lock(&self.rows));
        match answer {
            Ok(answer) => answer(),
            Err(_) => self.failed.cancel(),
        }
        Ok(())
    }

    fn failed(&self) -> &CancellationToken {
        &self.failed
    }
}

impl Rows for RowMap {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreUnavailable> {
        Ok(BTreeMap::get(self, &(table, key.to_vec())).cloned())
    }

    fn range(&self, table: Table, from: &[u8], before: &[u8], limit: usize) -> Result<Vec<RawRow>, StoreUnavailable> {
        if from >= before {
            return Ok(Vec::new());
        }
        let range = BTreeMap::range(self, (table, from.to_vec())..(table, before.to_vec()));
        Ok(range.take(limit).map(|((_, key), value)| (key.clone(), value.clone())).collect())
    }
}

impl RowsMut for RowMap {
    fn put(&mut self, table: Table, key: &[u8], value: &[u8]) -> Result<(), StoreUnavailable> {
        self.insert((table, key.to_vec()), value.to_vec());
        Ok(())
    }

    fn remove(&mut self, table: Table, key: &[u8]) -> Result<bool, StoreUnavailable> {
        Ok(BTreeMap::remove(self, &(table, key.to_vec())).is_some())
    }
}

/// Files in memory.
#[derive(Default)]
pub struct MemoryChunks {
    files: Mutex<BTreeMap<FileId, Vec<u8>>>,
}

impl MemoryChunks {
    /// An independent copy, as a copied disk would be.
    #[must_use]
    pub fn copy(&self) -> Self {
        Self { files: Mutex::new(lock(&self.files).clone()) }
    }
}

impl Chunks for MemoryChunks {
    fn write_at(&self, file: FileId, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let mut files = lock(&self.files);
        let content = files.entry(file).or_default();
        let start = usize::try_from(offset).map_err(io::Error::other)?;
        let end = start.saturating_add(bytes.len());
        if content.len() < end {
            content.resize(end, 0);
        }
        content.get_mut(start..end).ok_or(io::ErrorKind::InvalidInput)?.copy_from_slice(bytes);
        Ok(())
    }

    fn read_at(&self, file: FileId, offset: u64, length: usize) -> io::Result<Vec<u8>> {
        let files = lock(&self.files);
        let content = files.get(&file).ok_or(io::ErrorKind::NotFound)?;
        let start = usize::try_from(offset).map_err(io::Error::other)?;
        let bytes = content.get(start..start.saturating_add(length)).ok_or(io::ErrorKind::UnexpectedEof)?;
        Ok(bytes.to_vec())
    }

    fn sync(&self, _file: FileId) -> Result<(), SyncError> {
        Ok(())
    }

    fn remove(&self, file: FileId) -> io::Result<()> {
        lock(&self.files).remove(&file);
        Ok(())
    }

    fn list(&self) -> io::Result<Vec<FileId>> {
        Ok(lock(&self.files).keys().copied().collect())
    }

    fn free_bytes(&self) -> io::Result<u64> {
        Ok(u64::MAX)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A step that panicked has written whole rows or none.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

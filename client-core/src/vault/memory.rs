//! The reference of every seam to the disk: rows and sealed chunks in memory.

use core::cell::RefCell;
use std::{
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

use super::store::{Batch, Row, RowKey, Store, StoreError, Table, Version};
use crate::spool::{Spool, SpoolError, SpoolName};

/// Rows in memory. A clone is the same store seen by another process.
#[derive(Clone, Default)]
pub struct MemoryStore(Rc<RefCell<Rows>>);

#[derive(Clone, Default)]
struct Rows {
    commits: u64,
    rows: BTreeMap<(Table, RowKey), (Version, Vec<u8>)>,
}

impl MemoryStore {
    /// An independent copy, as a copied disk would be.
    #[must_use]
    pub fn copy(&self) -> Self {
        Self(Rc::new(RefCell::new(self.0.borrow().clone())))
    }
}

impl Store for MemoryStore {
    async fn get(&self, table: Table, key: &RowKey) -> Result<Option<Row>, StoreError> {
        let rows = self.0.borrow();
        Ok(rows.rows.get(&(table, *key)).map(|(version, value)| Row {
            key: *key,
            version: *version,
            value: value.clone(),
        }))
    }

    async fn scan(&self, table: Table) -> Result<Vec<Row>, StoreError> {
        let rows = self.0.borrow();
        let of_table = rows.rows.range((table, [0; 32])..=(table, [0xff; 32]));
        Ok(of_table
            .map(|((_, key), (version, value))| Row { key: *key, version: *version, value: value.clone() })
            .collect())
    }

    async fn snapshot(&self, tables: &[Table]) -> Result<Vec<(Table, Row)>, StoreError> {
        let mut all = Vec::new();
        for table in tables {
            // Nothing in memory waits: no commit comes between.
            all.extend(self.scan(*table).await?.into_iter().map(|row| (*table, row)));
        }
        Ok(all)
    }

    async fn commit(&self, batch: Batch) -> Result<(), StoreError> {
        let mut store = self.0.borrow_mut();
        let seen = |(table, key, version): &(Table, RowKey, Option<Version>)| {
            store.rows.get(&(*table, *key)).map(|(version, _)| *version) == *version
        };
        if !batch.expect.iter().all(seen) {
            return Err(StoreError::Conflict);
        }
        store.commits = store.commits.saturating_add(1);
        let version = Version(store.commits);
        for (table, key) in batch.delete {
            store.rows.remove(&(table, key));
        }
        for (table, key, value) in batch.put {
            store.rows.insert((table, key), (version, value));
        }
        Ok(())
    }
}

/// Sealed chunks in memory. A clone is the same spool seen by another process.
#[derive(Clone, Default)]
pub struct MemorySpool(Rc<RefCell<BTreeMap<SpoolName, Vec<u8>>>>, Rc<RefCell<BTreeSet<SpoolName>>>);

/// A name that is held.
pub struct MemoryHold(SpoolName, Rc<RefCell<BTreeSet<SpoolName>>>);

impl Drop for MemoryHold {
    fn drop(&mut self) {
        self.1.borrow_mut().remove(&self.0);
    }
}

impl Spool for MemorySpool {
    type Hold = MemoryHold;

    async fn hold(&self, name: SpoolName) -> Result<Option<MemoryHold>, SpoolError> {
        let is_free = self.1.borrow_mut().insert(name);
        Ok(is_free.then(|| MemoryHold(name, Rc::clone(&self.1))))
    }

    async fn write(&self, name: SpoolName, offset: u64, bytes: Vec<u8>) -> Result<Vec<u8>, SpoolError> {
        let mut blobs = self.0.borrow_mut();
        let blob = blobs.entry(name).or_default();
        let start = usize::try_from(offset).map_err(|_| SpoolError::Full)?;
        let end = start.saturating_add(bytes.len());
        if blob.len() < end {
            blob.resize(end, 0);
        }
        blob.get_mut(start..end).ok_or(SpoolError::Unavailable)?.copy_from_slice(&bytes);
        Ok(bytes)
    }

    async fn sync(&self, _name: SpoolName) -> Result<(), SpoolError> {
        Ok(())
    }

    async fn read(&self, name: SpoolName, offset: u64, length_bytes: usize) -> Result<Vec<u8>, SpoolError> {
        let blobs = self.0.borrow();
        let start = usize::try_from(offset).map_err(|_| SpoolError::Missing)?;
        let blob = blobs.get(&name).ok_or(SpoolError::Missing)?;
        blob.get(start..start.saturating_add(length_bytes)).map(<[u8]>::to_vec).ok_or(SpoolError::Missing)
    }

    async fn remove(&self, name: SpoolName) -> Result<(), SpoolError> {
        self.0.borrow_mut().remove(&name);
        Ok(())
    }

    async fn list(&self) -> Result<Vec<SpoolName>, SpoolError> {
        Ok(self.0.borrow().keys().copied().collect())
    }
}

//! A disk in memory that remembers what was written, and that belongs to a process which may end.

use std::{cell::RefCell, rc::Rc};

use lightproof_core::{
    spool::{Spool, SpoolError, SpoolName},
    vault::{
        memory::{MemoryHold, MemorySpool, MemoryStore},
        store::{Batch, Row, RowKey, Store, StoreError, Table},
    },
};
use lightproof_wire::hash::Digest;

use crate::{life::Life, tape::Tape};

/// Rows of one home.
#[derive(Clone, Default)]
pub struct TestStore {
    rows: MemoryStore,
    life: Life,
    tape: Tape,
}

impl TestStore {
    /// Rows, as the process `life` sees them.
    #[must_use]
    pub const fn new(rows: MemoryStore, life: Life, tape: Tape) -> Self {
        Self { rows, life, tape }
    }
}

impl Store for TestStore {
    async fn get(&self, table: Table, key: &RowKey) -> Result<Option<Row>, StoreError> {
        // Another process may take its turn here.
        tokio::task::yield_now().await;
        self.rows.get(table, key).await
    }

    async fn scan(&self, table: Table) -> Result<Vec<Row>, StoreError> {
        tokio::task::yield_now().await;
        self.rows.scan(table).await
    }

    async fn commit(&self, batch: Batch) -> Result<(), StoreError> {
        self.life.step().await;
        let tables: Vec<Table> = batch.put.iter().map(|(table, _, _)| *table).collect();
        self.rows.commit(batch).await?;
        self.tape.committed();
        self.life.wrote(tables.into_iter());
        Ok(())
    }
}

/// One write of sealed bytes: where, and what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Written {
    /// The blob.
    pub name: SpoolName,
    /// Where in it.
    pub offset: u64,
    /// What.
    pub digest: [u8; 32],
}

/// Sealed chunks of one home.
#[derive(Clone, Default)]
pub struct TestSpool {
    blobs: MemorySpool,
    life: Life,
    writes: Rc<RefCell<Vec<Written>>>,
}

impl TestSpool {
    /// Chunks, as the process `life` sees them.
    #[must_use]
    pub fn new(life: Life) -> Self {
        Self { life, ..Self::default() }
    }

    /// Everything that was ever written.
    #[must_use]
    pub fn writes(&self) -> Vec<Written> {
        self.writes.borrow().clone()
    }
}

impl Spool for TestSpool {
    type Hold = MemoryHold;

    async fn hold(&self, name: SpoolName) -> Result<Option<MemoryHold>, SpoolError> {
        self.blobs.hold(name).await
    }

    async fn write(&self, name: SpoolName, offset: u64, bytes: Vec<u8>) -> Result<Vec<u8>, SpoolError> {
        self.life.step().await;
        self.writes.borrow_mut().push(Written { name, offset, digest: *Digest::of(&bytes).as_bytes() });
        self.blobs.write(name, offset, bytes).await
    }

    async fn sync(&self, name: SpoolName) -> Result<(), SpoolError> {
        self.life.step().await;
        self.blobs.sync(name).await
    }

    async fn read(&self, name: SpoolName, offset: u64, length_bytes: usize) -> Result<Vec<u8>, SpoolError> {
        tokio::task::yield_now().await;
        self.blobs.read(name, offset, length_bytes).await
    }

    async fn remove(&self, name: SpoolName) -> Result<(), SpoolError> {
        self.life.step().await;
        self.blobs.remove(name).await
    }

    async fn list(&self) -> Result<Vec<SpoolName>, SpoolError> {
        self.blobs.list().await
    }
}

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

use crate::{
    life::Life,
    tape::Tape,
    trouble::{How, Trouble},
};

/// Rows of one home.
#[derive(Clone, Default)]
pub struct TestStore {
    rows: MemoryStore,
    life: Life,
    tape: Tape,
    trouble: Trouble,
}

impl TestStore {
    /// Rows, as the process `life` sees them.
    #[must_use]
    pub fn new(rows: MemoryStore, life: Life, tape: Tape) -> Self {
        Self { rows, life, tape, trouble: Trouble::default() }
    }

    /// The same on a disk with troubles.
    #[must_use]
    pub fn with(self, trouble: Trouble) -> Self {
        Self { trouble, ..self }
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

    async fn snapshot(&self, tables: &[Table]) -> Result<Vec<(Table, Row)>, StoreError> {
        tokio::task::yield_now().await;
        self.rows.snapshot(tables).await
    }

    async fn commit(&self, batch: Batch) -> Result<(), StoreError> {
        self.life.step().await;
        let tables: Vec<Table> = batch.put.iter().map(|(table, _, _)| *table).collect();
        let failure = self.trouble.of_this_write();
        if failure.is_some_and(|how| how != How::BrokenLate) {
            return failure.map_or(Ok(()), |how| Err(how.into()));
        }
        let (batch, is_the_end) = self.trouble.bent(batch);
        self.rows.commit(batch).await?;
        self.tape.committed();
        self.life.wrote(tables.into_iter());
        if is_the_end {
            self.life.ends_after(0);
            self.life.step().await;
        }
        failure.map_or(Ok(()), |how| Err(how.into()))
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
    trouble: Trouble,
    writes: Rc<RefCell<Vec<Written>>>,
}

impl TestSpool {
    /// Chunks, as the process `life` sees them.
    #[must_use]
    pub fn new(life: Life) -> Self {
        Self { life, ..Self::default() }
    }

    /// The same on a disk with troubles.
    #[must_use]
    pub fn with(self, trouble: Trouble) -> Self {
        Self { trouble, ..self }
    }

    fn trouble(&self) -> Result<(), SpoolError> {
        self.trouble.of_this_write().map_or(Ok(()), |how| Err(how.into()))
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
        self.trouble()?;
        self.writes.borrow_mut().push(Written { name, offset, digest: *Digest::of(&bytes).as_bytes() });
        self.blobs.write(name, offset, bytes).await
    }

    async fn sync(&self, name: SpoolName) -> Result<(), SpoolError> {
        self.life.step().await;
        if let Err(error) = self.trouble() {
            // As the real one: what a failed sync should have kept is not there for a second.
            self.blobs.remove(name).await?;
            return Err(error);
        }
        self.blobs.sync(name).await
    }

    async fn read(&self, name: SpoolName, offset: u64, length_bytes: usize) -> Result<Vec<u8>, SpoolError> {
        tokio::task::yield_now().await;
        self.blobs.read(name, offset, length_bytes).await
    }

    async fn remove(&self, name: SpoolName) -> Result<(), SpoolError> {
        self.life.step().await;
        self.trouble()?;
        self.blobs.remove(name).await
    }

    async fn list(&self) -> Result<Vec<SpoolName>, SpoolError> {
        self.blobs.list().await
    }
}

//! The real store with a bug around it.

use std::{
    cell::{Cell, RefCell},
    io,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use lightproof_relay::store::{
    Chunks, FileId, Overloaded, Rows, RowsMut, RuleError, Step, Store, StoreUnavailable, SyncError, Table,
    disk::DiskStore, memory::MemoryChunks,
};
use tokio_util::sync::CancellationToken;

use crate::{
    page::{Page, Seen},
    plant::{Bent, Overlay, Plant, Writes, forget_places},
};

/// Rows.
pub(crate) struct PlantedStore {
    real: DiskStore,
    plant: Option<Plant>,
    late: Arc<Late>,
}

#[derive(Default)]
struct Late {
    /// Answered, and written with the step after.
    delayed: Mutex<Writes>,
    steps: AtomicU64,
    seen: Mutex<Seen>,
}

impl PlantedStore {
    pub(crate) fn around(real: DiskStore, plant: Option<Plant>) -> Self {
        let store = Self { real, plant, late: Arc::default() };
        if let Some(plant @ (Plant::SequenceReused | Plant::StaleCursor)) = plant {
            let forget: Step = Box::new(move |rows| forget_places(rows, plant).map(|()| Box::new(|| ()) as _));
            store.real.submit(forget).unwrap();
        }
        store
    }
}

impl Late {
    /// Whether a step is answered before it is written.
    fn is_late(&self, plant: Option<Plant>, writes: &Writes) -> bool {
        let number = self.steps.fetch_add(1, Ordering::Relaxed);
        match plant {
            Some(Plant::AckBeforeCommit) => true,
            Some(Plant::NextBatchAnsweredEarly) => number % 2 == 1,
            Some(Plant::ReceiptBeforeCommit) => writes.keys().any(|(table, _)| *table == Table::Envelopes),
            _ => false,
        }
    }
}

fn write(rows: &mut dyn RowsMut, writes: Writes) -> Result<(), StoreUnavailable> {
    for ((table, key), value) in writes {
        match value {
            Some(value) => rows.put(table, &key, &value)?,
            None => drop(rows.remove(table, &key)?),
        }
    }
    Ok(())
}

impl Store for PlantedStore {
    fn read(&self, look: &mut dyn FnMut(&dyn Rows) -> Result<(), RuleError>) -> Result<(), RuleError> {
        let mut seen = self.late.seen.lock().unwrap();
        self.real.read(&mut |rows| {
            let over = Overlay { rows, writes: self.late.delayed.lock().unwrap().clone() };
            look(&Page { rows: &over, plant: self.plant, seen: RefCell::new(&mut seen) })
        })?;
        let delivered = std::mem::take(&mut seen.delivered);
        if self.plant == Some(Plant::DeletedBeforeAck) {
            let delete: Step = Box::new(move |rows| {
                delivered.iter().try_for_each(|key| rows.remove(Table::Envelopes, key).map(drop))?;
                Ok(Box::new(|| ()))
            });
            let _ = self.real.submit(delete);
        }
        Ok(())
    }

    fn submit(&self, step: Step) -> Result<(), Overloaded> {
        let (plant, late) = (self.plant, Arc::clone(&self.late));
        self.real.submit(Box::new(move |rows| {
            let before = std::mem::take(&mut *late.delayed.lock().unwrap());
            write(rows, before)?;
            let mut over = Overlay { rows: &*rows, writes: Writes::new() };
            let answer = step(&mut Bent { rows: &mut over, plant, is_sweep: Cell::new(false) })?;
            let writes = over.writes;
            let stored = writes.iter().filter(|((table, _), value)| *table == Table::Envelopes && value.is_some());
            late.seen.lock().unwrap().fresh.extend(stored.map(|((_, key), _)| key.clone()));
            if !writes.is_empty() && late.is_late(plant, &writes) {
                *late.delayed.lock().unwrap() = writes;
            } else {
                write(rows, writes)?;
            }
            Ok(answer)
        }))
    }

    fn failed(&self) -> &CancellationToken {
        self.real.failed()
    }
}

/// Bytes of blobs, in memory: the cut of power is for rows.
pub(crate) struct PlantedChunks {
    pub(crate) real: Arc<MemoryChunks>,
    pub(crate) plant: Option<Plant>,
}

impl Chunks for PlantedChunks {
    fn write_at(&self, file: FileId, offset: u64, bytes: &[u8]) -> io::Result<()> {
        // The second of three chunks.
        if self.plant == Some(Plant::BlobWithAHole) && offset == bytes.len() as u64 {
            return Ok(());
        }
        self.real.write_at(file, offset, bytes)
    }

    fn read_at(&self, file: FileId, offset: u64, length: usize) -> io::Result<Vec<u8>> {
        self.real.read_at(file, offset, length)
    }

    fn sync(&self, file: FileId) -> Result<(), SyncError> {
        self.real.sync(file)
    }

    fn remove(&self, file: FileId) -> io::Result<()> {
        self.real.remove(file)
    }

    fn list(&self) -> io::Result<Vec<FileId>> {
        self.real.list()
    }

    fn free_bytes(&self) -> io::Result<u64> {
        self.real.free_bytes()
    }
}

//! Rows in one redb file, read here and written by the one writer thread.

use std::{
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    sync::{Arc, Mutex, PoisonError, mpsc::SyncSender, mpsc::TrySendError},
    thread::JoinHandle,
};

use redb::{
    Database, ReadableDatabase as _, ReadableTable, ReadableTableMetadata as _, StorageBackend, TableDefinition,
    backends::FileBackend,
};
use tokio_util::sync::CancellationToken;

use crate::metrics::WriteMetrics;

use super::{
    Overloaded, RawRow, RowSpace, Rows, RuleError, Step, Store, StoreUnavailable, Table,
    bulk::{Bulk, Era, slot_of},
    bulk_writer::{BulkWriter, WithBulk},
    compact::Live,
    fresh::{Fresh, create_tables, identity, private},
    slots::Slots,
    writer,
};

/// For a file without rows.
const SMALL_CACHE_BYTES: usize = 1 << 20;

/// Rows on disk.
pub struct DiskStore {
    live: Arc<Live>,
    failed: CancellationToken,
    queue: Mutex<Option<SyncSender<Step>>>,
    measured: WriteMetrics,
    writer: Option<JoinHandle<Result<(), StoreUnavailable>>>,
}

/// How much a store may hold at once.
#[derive(Clone, Copy, Debug)]
pub struct DiskLimits {
    /// Bytes of the page cache.
    pub cache_bytes: usize,
    /// Steps that may wait.
    pub queue_length: usize,
}

impl DiskStore {
    /// Opens or creates the file. A file has one owner at a time.
    ///
    /// # Errors
    /// [`StoreUnavailable`] if it cannot be opened, is in use, or is not a store.
    pub fn open(path: &Path, limits: DiskLimits) -> Result<Self, StoreUnavailable> {
        let bulk = Arc::new(Bulk::beside(path)?);
        if !path.try_exists().map_err(StoreUnavailable::because)? {
            make(path, &bulk)?;
        }
        let file = private(path)?;
        let which = identity(&file.metadata().map_err(StoreUnavailable::because)?);
        let medium = FileBackend::new(file).map_err(StoreUnavailable::because)?;
        let store = Self::open_at(medium, bulk, Some(path), limits)?;
        // A relay that gives space back puts another file in this one's place, and lets go of this one.
        if identity(&fs::metadata(path).map_err(StoreUnavailable::because)?) != which {
            return Err(StoreUnavailable::in_use());
        }
        // Of a copy that was cut off. Only now: before the file was this process's, another might have been at work.
        let _ = fs::remove_file(path.with_extension("new"));
        Ok(store)
    }

    /// Opens or creates a store on other media than files: tests have a disk that loses its power.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_on(
        rows: impl StorageBackend,
        bulk: impl StorageBackend,
        limits: DiskLimits,
    ) -> Result<Self, StoreUnavailable> {
        Self::open_at(rows, Arc::new(Bulk::on(bulk)), None, limits)
    }

    fn open_at(
        medium: impl StorageBackend,
        bulk: Arc<Bulk>,
        path: Option<&Path>,
        limits: DiskLimits,
    ) -> Result<Self, StoreUnavailable> {
        let medium = Arc::new(medium);
        let open = || open_database(WithBulk::new(Arc::clone(&medium), Arc::clone(&bulk)), limits.cache_bytes);
        let mut database = open()?;
        let slots = match count_slots(&database, bulk.slot_count()?) {
            Some(slots) => slots,
            None => {
                tracing::error!(
                    "the file of rows is damaged: of the file beside it no slot that is there is used again"
                );
                // After one failed read redb writes no more: it begins anew.
                let _ = catch_unwind(AssertUnwindSafe(|| drop(database)));
                database = open()?;
                Slots::all_taken(bulk.slot_count()?)
            }
        };
        bulk.note_taken(slots.taken_count());
        let bulk_writer = BulkWriter::start(Arc::clone(&bulk)).map_err(StoreUnavailable::because)?;
        let live = Arc::new(Live::new(database, path, limits.cache_bytes, bulk));
        let failed = CancellationToken::new();
        let (queue, steps) = std::sync::mpsc::sync_channel(limits.queue_length);
        let measured = WriteMetrics::default();
        let writer = {
            let (live, failed, measured) = (Arc::clone(&live), failed.clone(), measured.clone());
            std::thread::Builder::new()
                .name("writer".to_owned())
                .spawn(move || writer::run(&live, &steps, &failed, &measured, (slots, bulk_writer)))
                .map_err(StoreUnavailable::because)?
        };
        Ok(Self { live, failed, queue: Mutex::new(Some(queue)), measured, writer: Some(writer) })
    }
}

impl Store for DiskStore {
    fn read(&self, look: &mut dyn FnMut(&dyn Rows) -> Result<(), RuleError>) -> Result<(), RuleError> {
        look(&Snapshot::of(&self.live)?)
    }

    fn submit(&self, step: Step) -> Result<(), Overloaded> {
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        self.measured.waiting.inc();
        let sent = queue.as_ref().map(|queue| queue.try_send(step));
        if !matches!(sent, Some(Ok(()))) {
            self.measured.waiting.dec();
        }
        match sent {
            // After a failure the step, and with it the waiter's channel, is dropped: it learns that no answer comes.
            Some(Ok(()) | Err(TrySendError::Disconnected(_))) | None => Ok(()),
            Some(Err(TrySendError::Full(_))) => Err(Overloaded),
        }
    }

    fn failed(&self) -> &CancellationToken {
        &self.failed
    }

    fn writes(&self) -> WriteMetrics {
        self.measured.clone()
    }

    fn space(&self) -> Result<RowSpace, StoreUnavailable> {
        self.live.space()
    }

    fn compact(&self, keep_free_bytes: u64) {
        let (tree, bulk) = (self.live.is_worth_it(), self.live.bulk.is_worth_it());
        if tree {
            self.live.want(keep_free_bytes);
        }
        if bulk {
            self.live.bulk.want();
        }
        if tree || bulk {
            // A writer that has other steps will look by itself.
            let _ = self.submit(Box::new(|_| Ok(Box::new(|| {}))));
        }
    }
}

impl DiskStore {
    /// Ends it; why it had failed, if it had.
    pub fn end(&mut self) -> Option<StoreUnavailable> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).take();
        self.writer.take()?.join().ok()?.err()
    }
}

impl Drop for DiskStore {
    /// Waits for the last commit, so that the file can be opened again at once.
    fn drop(&mut self) {
        let _ = self.end();
    }
}

pub(super) const fn definition(table: Table) -> TableDefinition<'static, &'static [u8], &'static [u8]> {
    TableDefinition::new(table.name())
}

pub(super) fn get_in(
    table: &impl ReadableTable<&'static [u8], &'static [u8]>,
    key: &[u8],
) -> Result<Option<Vec<u8>>, StoreUnavailable> {
    let found = table.get(key).map_err(StoreUnavailable::because)?;
    Ok(found.map(|value| value.value().to_vec()))
}

pub(super) fn range_in(
    table: &impl ReadableTable<&'static [u8], &'static [u8]>,
    from: &[u8],
    before: &[u8],
    limit: usize,
) -> Result<Vec<RawRow>, StoreUnavailable> {
    if from >= before {
        return Ok(Vec::new());
    }
    let range = table.range::<&[u8]>(from..before).map_err(StoreUnavailable::because)?;
    range
        .take(limit)
        .map(|row| {
            let (key, value) = row.map_err(StoreUnavailable::because)?;
            Ok((key.value().to_vec(), value.value().to_vec()))
        })
        .collect()
}

/// What is committed now. It ends before its database, which another may take the place of meanwhile: one that is dropped
/// closes under its readers.
pub(super) struct Snapshot<'a> {
    transaction: redb::ReadTransaction,
    _database: Arc<Database>,
    bulk: &'a Bulk,
    _era: Era,
}

impl<'a> Snapshot<'a> {
    pub(super) fn of(live: &'a Live) -> Result<Self, StoreUnavailable> {
        // Held while the transaction begins: else a commit in between would let go of slots that it names.
        let era = live.bulk.era();
        let database = live.current();
        let transaction = database.begin_read().map_err(StoreUnavailable::because)?;
        Ok(Self { transaction, _database: database, bulk: &live.bulk, _era: Era::clone(&era) })
    }
}

impl Rows for Snapshot<'_> {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreUnavailable> {
        let rows = self.transaction.open_table(definition(table)).map_err(StoreUnavailable::because)?;
        Ok(get_in(&rows, key)?.map(|stored| self.bulk.whole(table, key, stored)))
    }

    fn range(&self, table: Table, from: &[u8], before: &[u8], limit: usize) -> Result<Vec<RawRow>, StoreUnavailable> {
        let rows = self.transaction.open_table(definition(table)).map_err(StoreUnavailable::because)?;
        let stored = range_in(&rows, from, before, limit)?;
        Ok(stored.into_iter().map(|(key, stored)| (key.clone(), self.bulk.whole(table, &key, stored))).collect())
    }

    fn count(&self, table: Table) -> Result<u64, StoreUnavailable> {
        let table = self.transaction.open_table(definition(table)).map_err(StoreUnavailable::because)?;
        table.len().map_err(StoreUnavailable::because)
    }
}

fn open_database(medium: impl StorageBackend, cache_bytes: usize) -> Result<Database, StoreUnavailable> {
    let mut builder = Database::builder();
    builder.set_cache_size(cache_bytes);
    // redb trusts much of what it reads: a file that is damaged in the right place makes it panic.
    let opened = catch_unwind(AssertUnwindSafe(|| -> Result<_, redb::Error> {
        let database = builder.create_with_backend(medium)?;
        create_tables(&database)?;
        Ok(database)
    }));
    let opened = opened.map_err(|_| StoreUnavailable::because("the file is damaged"))?;
    opened.map_err(|error| match error {
        redb::Error::DatabaseAlreadyOpen => StoreUnavailable::in_use(),
        error => StoreUnavailable::because(error),
    })
}

/// The slots that rows name, of so many; `None` where not all rows can be seen.
fn count_slots(database: &Database, slot_count: u32) -> Option<Slots> {
    let count = || -> Result<_, StoreUnavailable> {
        let (mut slots, mut missing_count, mut unseen_count) = (Slots::default(), 0_u64, 0_u64);
        let transaction = database.begin_read().map_err(StoreUnavailable::because)?;
        for table in Table::ALL.into_iter().filter(|table| table.bulk_bytes() > 0) {
            let rows = transaction.open_table(definition(table)).map_err(StoreUnavailable::because)?;
            unseen_count = unseen_count.saturating_add(rows.len().map_err(StoreUnavailable::because)?);
            for row in rows.range::<&[u8]>(..).map_err(StoreUnavailable::because)? {
                let (key, stored) = row.map_err(StoreUnavailable::because)?;
                unseen_count = unseen_count.saturating_sub(1);
                match slot_of(table, key.value(), stored.value()) {
                    Some(slot) if slot < slot_count => slots.note(slot),
                    _ => missing_count = missing_count.saturating_add(1),
                }
            }
        }
        if missing_count > 0 {
            tracing::error!(missing_count, "envelopes are not in the file beside the rows; scrub says more");
        }
        Ok((unseen_count == 0).then_some(slots))
    };
    catch_unwind(AssertUnwindSafe(count)).ok()?.ok()?
}

/// Makes the file under another name: it appears whole. A power cut would else leave one that is not empty and not yet
/// a store, which no later start could tell from a damaged one.
fn make(path: &Path, bulk: &Arc<Bulk>) -> Result<(), StoreUnavailable> {
    let is_there = || path.try_exists().map_err(StoreUnavailable::because);
    match Fresh::begin(path, SMALL_CACHE_BYTES, bulk) {
        // Another relay may have been faster.
        Ok(_) if is_there()? => Ok(()),
        Ok(fresh) => fresh.finish().map(drop),
        Err(_) if is_there()? => Ok(()),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use redb::backends::InMemoryBackend;

    use super::*;

    /// A backup under way ended with "Database has been closed" when the file that it read was replaced.
    #[test]
    fn whoever_reads_keeps_the_file_open() {
        let folder = tempfile::tempdir().unwrap();
        // No cache: pages in it are served though the file is closed.
        let database = Database::builder().set_cache_size(0).create(folder.path().join("rows")).unwrap();
        let transaction = database.begin_write().unwrap();
        transaction.open_table(definition(Table::Drops)).unwrap().insert(&b"key"[..], &b"value"[..]).unwrap();
        transaction.commit().unwrap();
        let live = Live::new(database, None, 0, Arc::new(Bulk::on(InMemoryBackend::new())));
        let snapshot = Snapshot::of(&live).unwrap();
        drop(live.replace(Database::builder().create_with_backend(InMemoryBackend::new()).unwrap())); // now the only owner
        assert_eq!(snapshot.get(Table::Drops, b"key").unwrap(), Some(b"value".to_vec()));
    }
}

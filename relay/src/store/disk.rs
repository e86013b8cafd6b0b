//! Rows in one redb file, read here and written by the one writer thread.

use std::{
    fs::{self, File, OpenOptions, Permissions},
    io,
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    sync::{Arc, Mutex, PoisonError, mpsc::SyncSender, mpsc::TrySendError},
    thread::JoinHandle,
};

use redb::{Database, ReadableDatabase as _, ReadableTable, StorageBackend, TableDefinition, backends::FileBackend};
use tokio_util::sync::CancellationToken;

use super::{Overloaded, RawRow, Rows, RuleError, Step, Store, StoreUnavailable, Table, writer};

const PRIVATE: u32 = 0o600;

/// Rows on disk.
pub struct DiskStore {
    database: Arc<Database>,
    failed: CancellationToken,
    queue: Mutex<Option<SyncSender<Step>>>,
    writer: Option<JoinHandle<()>>,
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
        if !path.try_exists().map_err(StoreUnavailable::because)? {
            make(path)?;
        }
        Self::open_on(FileBackend::new(private(path)?).map_err(StoreUnavailable::because)?, limits)
    }

    /// Opens or creates a store on another medium than a file: tests have a disk that loses its power.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_on(medium: impl StorageBackend, limits: DiskLimits) -> Result<Self, StoreUnavailable> {
        let mut builder = Database::builder();
        builder.set_cache_size(limits.cache_bytes);
        // redb trusts much of what it reads: a file that is damaged in the right place makes it panic.
        let opened = catch_unwind(AssertUnwindSafe(|| -> Result<_, redb::Error> {
            let database = builder.create_with_backend(medium)?;
            create_tables(&database)?;
            Ok(database)
        }));
        let opened = opened.map_err(|_| StoreUnavailable::because("the file is damaged"))?;
        let database = Arc::new(opened.map_err(StoreUnavailable::because)?);
        let failed = CancellationToken::new();
        let (queue, steps) = std::sync::mpsc::sync_channel(limits.queue_length);
        let writer = {
            let (database, failed) = (Arc::clone(&database), failed.clone());
            std::thread::Builder::new()
                .name("writer".to_owned())
                .spawn(move || writer::run(&database, &steps, &failed))
                .map_err(StoreUnavailable::because)?
        };
        Ok(Self { database, failed, queue: Mutex::new(Some(queue)), writer: Some(writer) })
    }
}

impl Store for DiskStore {
    fn read(&self, look: &mut dyn FnMut(&dyn Rows) -> Result<(), RuleError>) -> Result<(), RuleError> {
        let transaction = self.database.begin_read().map_err(StoreUnavailable::because)?;
        look(&Snapshot(transaction))
    }

    fn submit(&self, step: Step) -> Result<(), Overloaded> {
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        match queue.as_ref().map(|queue| queue.try_send(step)) {
            // After a failure the step, and with it the waiter's channel, is dropped: it learns that no answer comes.
            Some(Ok(()) | Err(TrySendError::Disconnected(_))) | None => Ok(()),
            Some(Err(TrySendError::Full(_))) => Err(Overloaded),
        }
    }

    fn failed(&self) -> &CancellationToken {
        &self.failed
    }
}

impl Drop for DiskStore {
    /// Waits for the last commit, so that the file can be opened again at once.
    fn drop(&mut self) {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(writer) = self.writer.take() {
            let _ = writer.join();
        }
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

struct Snapshot(redb::ReadTransaction);

impl Rows for Snapshot {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreUnavailable> {
        get_in(&self.0.open_table(definition(table)).map_err(StoreUnavailable::because)?, key)
    }

    fn range(&self, table: Table, from: &[u8], before: &[u8], limit: usize) -> Result<Vec<RawRow>, StoreUnavailable> {
        range_in(&self.0.open_table(definition(table)).map_err(StoreUnavailable::because)?, from, before, limit)
    }
}

/// The file, readable by this user alone from its first byte, whatever the umask and whoever made it.
fn private(path: &Path) -> Result<File, StoreUnavailable> {
    let open = || -> io::Result<File> {
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create(true).truncate(false).mode(PRIVATE).open(path)?;
        if file.metadata()?.permissions().mode() & 0o077 != 0 {
            file.set_permissions(Permissions::from_mode(PRIVATE))?;
        }
        Ok(file)
    };
    open().map_err(StoreUnavailable::because)
}

/// Makes the file under another name: it appears whole. A power cut would else leave one that is not empty and not yet
/// a store, which no later start could tell from a damaged one.
fn make(path: &Path) -> Result<(), StoreUnavailable> {
    let unfinished = path.with_extension("new");
    let file = private(&unfinished)?;
    file.try_lock().map_err(StoreUnavailable::because)?;
    // Another relay may have been faster: then this may be its file, under its old name.
    if path.try_exists().map_err(StoreUnavailable::because)? {
        return Ok(());
    }
    file.set_len(0).map_err(StoreUnavailable::because)?;
    let database = Database::builder().create_file(file).map_err(StoreUnavailable::because)?;
    create_tables(&database).map_err(StoreUnavailable::because)?;
    fs::rename(&unfinished, path).map_err(StoreUnavailable::because)?;
    let folder = path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all());
    folder.map_err(StoreUnavailable::because)
}

fn create_tables(database: &Database) -> Result<(), redb::Error> {
    let mut transaction = database.begin_write()?;
    transaction.set_quick_repair(true);
    for table in Table::ALL {
        transaction.open_table(definition(table))?;
    }
    transaction.commit()?;
    Ok(())
}

//! Gives unused space back to the file system: rows are copied into a new file, a few at a time between commits, and the
//! new file takes the old one's place. Their bulks stay where they are.
//!
//! The file of rows never shrinks by itself: what is removed leaves holes that later rows fill. The writer copies in the
//! order of the tables and their keys. What a commit changes before that point is noted and changed in the copy too;
//! what it changes behind will be met. A crash leaves the old file, whole, and an unfinished one that the next start
//! removes.

use std::{
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use redb::{Database, ReadableDatabase as _, ReadableTableMetadata as _};

use super::{
    LAST_KEY, RowSpace, Rows as _, StoreUnavailable, Table,
    bulk::Bulk,
    disk::{Snapshot, definition, range_in},
    fresh::{Change, Fresh, identity},
};

/// Less than this is not worth copying everything else.
pub(super) const UNUSED_BYTES: u64 = 32 * 1_048_576;
/// Copying costs as much as it gives at best twice: it must not begin again and again.
pub(super) const PAUSE: Duration = Duration::from_secs(3_600);
/// Changes that wait for the copy before it gets its turn at once.
const CHANGE_BYTES: usize = 4 * 1_048_576;

/// The database as it is now.
pub(super) struct Live {
    current: RwLock<Arc<Database>>,
    /// Where its file is, if it is one.
    path: Option<PathBuf>,
    cache_bytes: usize,
    /// How much must stay free on the disk while rows are copied; 0 where nobody wants them to be.
    wanted: AtomicU64,
    /// What the last copy took when it was done: what is more than that came later.
    settled_bytes: AtomicU64,
    /// What its rows have in slots.
    pub(super) bulk: Arc<Bulk>,
}

impl Live {
    pub(super) fn new(database: Database, path: Option<&Path>, cache_bytes: usize, bulk: Arc<Bulk>) -> Self {
        Self {
            current: RwLock::new(Arc::new(database)),
            path: path.map(Path::to_owned),
            cache_bytes,
            wanted: AtomicU64::new(0),
            settled_bytes: AtomicU64::new(0),
            bulk,
        }
    }

    pub(super) fn current(&self) -> Arc<Database> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts another in its place.
    pub(super) fn replace(&self, database: Database) -> Arc<Database> {
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *current, Arc::new(database))
    }

    /// Whether copying gives back half of the file, and more than what it grew since it was last copied.
    pub(super) fn is_worth_it(&self) -> bool {
        let Ok(space) = self.tree_space() else { return false };
        let settled_bytes = self.settled_bytes.load(Ordering::Relaxed);
        let grown = space.file_bytes / 3 * 2 > settled_bytes;
        grown && space.unused_bytes() >= UNUSED_BYTES.max(space.file_bytes / 2)
    }

    /// Asks the writer to begin.
    pub(super) fn want(&self, keep_free_bytes: u64) {
        self.wanted.store(keep_free_bytes.max(1), Ordering::Relaxed);
    }

    /// What rows take, and about how much of it they need.
    pub(super) fn space(&self) -> Result<RowSpace, StoreUnavailable> {
        let (tree, bulk) = (self.tree_space()?, self.bulk.space()?);
        Ok(RowSpace {
            file_bytes: tree.file_bytes.saturating_add(bulk.file_bytes),
            used_bytes: tree.used_bytes.saturating_add(bulk.used_bytes),
        })
    }

    fn tree_space(&self) -> Result<RowSpace, StoreUnavailable> {
        let Some(path) = &self.path else { return Ok(RowSpace::default()) };
        let rows = Snapshot::of(self)?;
        let mut used_bytes = 0_u64;
        for table in Table::ALL {
            used_bytes = used_bytes.saturating_add(rows.count(table)?.saturating_mul(row_bytes(table)));
        }
        let blocks = rustix::fs::stat(path).map_err(StoreUnavailable::because)?.st_blocks;
        Ok(RowSpace { file_bytes: u64::try_from(blocks).unwrap_or(0).saturating_mul(512), used_bytes })
    }
}

/// About what a row takes in a file that is well filled, its share of the tree included; counting it exactly would read
/// the whole file.
const fn row_bytes(table: Table) -> u64 {
    match table {
        Table::Prekeys => 4_096,
        _ => 220,
    }
}

/// Rows copied between two commits: few enough that a deposit hardly waits for them.
const fn rows_at_once(table: Table) -> usize {
    match table {
        Table::Prekeys => 64,
        _ => 1_024,
    }
}

/// What the writer does about unused space. It has no thread of its own: a copy sees every commit, and none twice.
#[derive(Default)]
pub(super) struct Compaction {
    copy: Option<Copy>,
    not_before: Option<Instant>,
}

impl Compaction {
    /// For how long it leaves the writer alone; `None` while nothing is copied.
    pub(super) fn resting(&self) -> Option<Duration> {
        self.copy.as_ref().map(Copy::resting)
    }

    /// Tells the copy of a change that is part of the next commit.
    pub(super) fn note(&mut self, table: Table, key: &[u8], value: Option<&[u8]>) {
        if let Some(copy) = &mut self.copy {
            copy.note(table, key, value);
        }
    }

    /// Copies some rows if it is their turn. Whatever goes wrong before the new file has its name ends the copy and
    /// nothing else.
    ///
    /// # Errors
    /// [`StoreUnavailable`] if it is not known which file has the name: the relay must stop.
    pub(super) fn turn(&mut self, live: &Live) -> Result<(), StoreUnavailable> {
        let Some(copy) = &mut self.copy else {
            self.begin(live);
            return Ok(());
        };
        if !copy.resting().is_zero() {
            return Ok(());
        }
        // redb trusts much of what it reads, and a damaged page must not end a relay that never needs it.
        match catch_unwind(AssertUnwindSafe(|| copy.some(live))) {
            Ok(Ok(Progress::More)) => Ok(()),
            Ok(Ok(Progress::Done)) => self.finish(live),
            Ok(Err(error)) => {
                self.give_up(&error);
                Ok(())
            }
            Err(_) => {
                self.give_up(&StoreUnavailable::because("the file is damaged"));
                Ok(())
            }
        }
    }

    fn begin(&mut self, live: &Live) {
        let keep_free_bytes = live.wanted.swap(0, Ordering::Relaxed);
        let early = self.not_before.is_some_and(|not_before| Instant::now() < not_before);
        if keep_free_bytes == 0 || early {
            return;
        }
        match Copy::begin(live, keep_free_bytes) {
            // There may be room for a smaller copy soon.
            Ok(None) => return,
            Ok(Some(copy)) => self.copy = Some(copy),
            Err(error) => self.give_up(&error),
        }
        self.not_before = Instant::now().checked_add(PAUSE);
    }

    fn give_up(&mut self, error: &StoreUnavailable) {
        tracing::warn!(%error, "unused space was not given back; it is tried again later");
        self.copy = None;
    }

    fn finish(&mut self, live: &Live) -> Result<(), StoreUnavailable> {
        let Some(copy) = self.copy.take() else { return Ok(()) };
        let which = || live.path.as_ref().and_then(|path| fs::metadata(path).ok()).map(|file| identity(&file));
        let before = which();
        let database = match copy.fresh.finish() {
            Ok(database) => database,
            // The old file has the name, and nothing has changed.
            Err(error) if before.is_some() && before == which() => {
                self.give_up(&error);
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        let old = live.replace(database);
        // A large file takes long to go, and nobody needs it any more: the next commit does not wait for that.
        let _closing = std::thread::Builder::new().name("closer".to_owned()).spawn(move || drop(old));
        if let Ok(space) = live.tree_space() {
            live.settled_bytes.store(space.file_bytes, Ordering::Relaxed);
        }
        tracing::info!("unused space was given back to the file system");
        Ok(())
    }
}

enum Progress {
    More,
    Done,
}

/// Rows on their way into a new file.
struct Copy {
    fresh: Fresh,
    /// The place of the table that is copied, in the order of all; and the first key that is not copied yet.
    table: usize,
    from: Vec<u8>,
    changes: Vec<Change>,
    change_bytes: usize,
    keep_free_bytes: u64,
    rests_until: Instant,
}

impl Copy {
    /// `None` while the disk has no room for it.
    fn begin(live: &Live, keep_free_bytes: u64) -> Result<Option<Self>, StoreUnavailable> {
        let path = live.path.as_ref().ok_or_else(|| StoreUnavailable::because("the store is no file"))?;
        let used_bytes = live.tree_space()?.used_bytes;
        let needed_bytes = used_bytes.saturating_add(used_bytes / 4).saturating_add(keep_free_bytes);
        if free_bytes(path)? < needed_bytes {
            return Ok(None);
        }
        let fresh = Fresh::begin(path, live.cache_bytes, &live.bulk)?;
        let rests_until = Instant::now();
        let (from, changes) = (Vec::new(), Vec::new());
        Ok(Some(Self { fresh, table: 0, from, changes, change_bytes: 0, keep_free_bytes, rests_until }))
    }

    fn resting(&self) -> Duration {
        if self.change_bytes > CHANGE_BYTES {
            return Duration::ZERO;
        }
        self.rests_until.saturating_duration_since(Instant::now())
    }

    fn note(&mut self, table: Table, key: &[u8], value: Option<&[u8]>) {
        let place = table.place();
        let copied = place < self.table || (place == self.table && key < self.from.as_slice());
        if copied {
            self.change_bytes =
                self.change_bytes.saturating_add(key.len()).saturating_add(value.map_or(0, <[u8]>::len));
            self.changes.push((table, key.to_vec(), value.map(<[u8]>::to_vec)));
        }
    }

    /// Brings the copy up to the last commit and copies a few rows more.
    fn some(&mut self, live: &Live) -> Result<Progress, StoreUnavailable> {
        let began = Instant::now();
        if let Some(path) = &live.path
            && free_bytes(path)? < self.keep_free_bytes
        {
            return Err(StoreUnavailable::because("the disk fills up"));
        }
        let Some(&table) = Table::ALL.get(self.table) else {
            self.fresh.change(&self.changes, Table::Totals, &[])?;
            return self.is_whole(live);
        };
        let transaction = live.current().begin_read().map_err(StoreUnavailable::because)?;
        let limit = rows_at_once(table);
        let rows = transaction.open_table(definition(table)).map_err(StoreUnavailable::because)?;
        let rows = range_in(&rows, &self.from, &LAST_KEY, limit)?;
        self.fresh.change(&self.changes, table, &rows)?;
        self.changes.clear();
        self.change_bytes = 0;
        match rows.last() {
            Some((last, _)) if rows.len() == limit => self.from = [last.as_slice(), &[0]].concat(),
            _ => {
                self.table = self.table.saturating_add(1);
                self.from.clear();
            }
        }
        self.rests_until = rest_after(began.elapsed());
        Ok(Progress::More)
    }

    /// A copy that lacks a row never takes the place of the file that has it.
    fn is_whole(&self, live: &Live) -> Result<Progress, StoreUnavailable> {
        let count = |database: &Database, table| -> Result<u64, StoreUnavailable> {
            let transaction = database.begin_read().map_err(StoreUnavailable::because)?;
            let rows = transaction.open_table(definition(table)).map_err(StoreUnavailable::because)?;
            rows.len().map_err(StoreUnavailable::because)
        };
        for table in Table::ALL {
            if count(&live.current(), table)? != count(self.fresh.database()?, table)? {
                return Err(StoreUnavailable::because("a copy has other rows than the file it was made of"));
            }
        }
        Ok(Progress::Done)
    }
}

/// As long again as it has worked: at most half of the writer's time is its.
pub(super) fn rest_after(took: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(took).unwrap_or(now)
}

fn free_bytes(path: &Path) -> Result<u64, StoreUnavailable> {
    let volume = rustix::fs::statvfs(path).map_err(StoreUnavailable::because)?;
    Ok(volume.f_bavail.saturating_mul(volume.f_frsize))
}

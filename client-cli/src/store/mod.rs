//! The vault's rows in redb, one file, held in short exclusive turns so that two commands on one home both work.
//!
//! The file stays open between operations as long as nobody else wants it. What rows mean is the vault's concern.

use std::fs;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

use lightproof_core::vault::store::{Batch, Row, RowKey, Store, StoreError, Table, Version};
use redb::{Database, Durability, ReadOnlyTable, ReadableDatabase, ReadableTable, TableDefinition, TableError};

use crate::home::{Home, private_file};
use crate::lock::{POLL, Patience, Turn, TurnError, Turns};
use crate::platform::file::sync_folder;

/// Rows under (table, name), each with the number of the commit that wrote it.
const ROWS: TableDefinition<'_, (u8, &RowKey), (u64, &[u8])> = TableDefinition::new("rows");
/// The number of the last commit, under the empty key: rows that were removed do not take it with them.
const COMMITS: TableDefinition<'_, (), u64> = TableDefinition::new("commits");

type Rows = ReadOnlyTable<(u8, &'static RowKey), (u64, &'static [u8])>;

/// A [`Store`] in one file of a home.
#[derive(Clone)]
pub(crate) struct RedbStore(Arc<Shared>);

struct Shared {
    home: Home,
    turns: Turns,
    patience: Patience,
    say_waiting: Box<dyn Fn() + Send + Sync>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    open: Option<Open>,
    /// When the file was last given up for somebody else.
    yielded: Option<Instant>,
    /// A thread looks after the open file.
    guarded: bool,
    /// The file was there once. Where it is not any more, the home was erased, and no other is made in its place.
    was_there: bool,
}

// Dropped in this order: the file is closed before the turn ends.
struct Open {
    database: Database,
    _turn: Turn,
    used: Instant,
}

impl RedbStore {
    /// The vault of a home; the file is made where it is missing by now. Nothing is opened yet.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub(crate) fn of(home: Home, say_waiting: impl Fn() + Send + Sync + 'static) -> Result<Self, StoreError> {
        Self::with_patience(home, Patience::default(), say_waiting)
    }

    /// For the very end of a process: the file is left as a crash would leave it. Closing it in order costs four syncs
    /// and saves the next process none. If the process lives on, the guard closes the file as ever.
    pub(crate) fn leave(&self) {
        std::mem::forget(Arc::clone(&self.0));
    }

    fn with_patience(
        home: Home,
        patience: Patience,
        say_waiting: impl Fn() + Send + Sync + 'static,
    ) -> Result<Self, StoreError> {
        let turns = Turns::of(home.clone()).map_err(held)?;
        let say_waiting = Box::new(say_waiting);
        let state = Mutex::new(State { was_there: home.vault().exists(), ..State::default() });
        Ok(Self(Arc::new(Shared { home, turns, patience, say_waiting, state })))
    }

    async fn run<T: Send + 'static>(
        &self,
        operation: impl FnOnce(&Database) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let shared = Arc::clone(&self.0);
        let running = tokio::task::spawn_blocking(move || shared.run(operation));
        // Not cancelled, and what panics is caught: only a runtime that shuts down ends it early.
        running.await.unwrap_or(Err(StoreError::Unavailable))
    }
}

impl Store for RedbStore {
    async fn get(&self, table: Table, key: &RowKey) -> Result<Option<Row>, StoreError> {
        let key = *key;
        self.run(move |database| {
            let Some(rows) = read_rows(database)? else { return Ok(None) };
            let found = rows.get((table as u8, &key)).map_err(broken)?;
            Ok(found.map(|row| into_row(key, row.value())))
        })
        .await
    }

    async fn scan(&self, table: Table) -> Result<Vec<Row>, StoreError> {
        self.run(move |database| scan(read_rows(database)?.as_ref(), table)).await
    }

    async fn snapshot(&self, tables: &[Table]) -> Result<Vec<(Table, Row)>, StoreError> {
        let tables = tables.to_vec();
        self.run(move |database| {
            // One transaction that reads: what is committed meanwhile is not in it.
            let rows = read_rows(database)?;
            let of = |table| Ok(scan(rows.as_ref(), table)?.into_iter().map(move |row| (table, row)));
            tables.into_iter().map(of).collect::<Result<Vec<_>, _>>().map(|all| all.into_iter().flatten().collect())
        })
        .await
    }

    async fn commit(&self, batch: Batch) -> Result<(), StoreError> {
        self.run(move |database| commit(database, &batch)).await
    }
}

fn read_rows(database: &Database) -> Result<Option<Rows>, StoreError> {
    match database.begin_read().map_err(broken)?.open_table(ROWS) {
        Ok(rows) => Ok(Some(rows)),
        Err(TableError::TableDoesNotExist(_)) => Ok(None),
        Err(error) => Err(broken(error)),
    }
}

fn scan(rows: Option<&Rows>, table: Table) -> Result<Vec<Row>, StoreError> {
    let Some(rows) = rows else { return Ok(Vec::new()) };
    let (first, last) = (RowKey::default(), [u8::MAX; 32]);
    let range = rows.range((table as u8, &first)..=(table as u8, &last)).map_err(broken)?;
    range.map(|row| row.map(|(key, value)| into_row(*key.value().1, value.value())).map_err(broken)).collect()
}

fn into_row(key: RowKey, (version, value): (u64, &[u8])) -> Row {
    Row { key, version: Version(version), value: value.to_vec() }
}

fn commit(database: &Database, batch: &Batch) -> Result<(), StoreError> {
    let mut transaction = database.begin_write().map_err(broken)?;
    transaction.set_durability(Durability::Immediate).map_err(broken)?;
    // Two-phase, and no scan of the whole file after a crash.
    transaction.set_quick_repair(true);
    {
        let mut rows = transaction.open_table(ROWS).map_err(broken)?;
        for (table, key, expected) in &batch.expect {
            let found = rows.get((*table as u8, key)).map_err(broken)?.map(|row| Version(row.value().0));
            if found != *expected {
                // Dropping the transaction writes nothing.
                return Err(StoreError::Conflict);
            }
        }
        let mut commits = transaction.open_table(COMMITS).map_err(broken)?;
        let last = commits.get(()).map_err(broken)?.map_or(0, |number| number.value());
        let number = last.checked_add(1).ok_or(StoreError::Damaged)?;
        commits.insert((), number).map_err(broken)?;
        for (table, key) in &batch.delete {
            rows.remove((*table as u8, key)).map_err(broken)?;
        }
        for (table, key, value) in &batch.put {
            rows.insert((*table as u8, key), (number, value.as_slice())).map_err(broken)?;
        }
    }
    transaction.commit().map_err(broken)
}

/// Opens the vault in one's own turn. A new one has its name only once it is whole: a power cut would else leave a file
/// that nobody could tell from a damaged vault.
fn open_file(home: &Home) -> Result<Database, StoreError> {
    let path = home.vault();
    if path.exists() {
        return create(&path);
    }
    let unfinished = path.with_extension("new");
    let begin = || private_file(&unfinished).and_then(|file| file.set_len(0));
    begin().map_err(redb::Error::Io).map_err(broken)?;
    let database = create(&unfinished)?;
    // The file's own name, and the home's, outlive a power cut.
    let folders = || home.path().ancestors().take(2);
    let name = || fs::rename(&unfinished, &path).and_then(|()| folders().try_for_each(sync_folder));
    name().map_err(redb::Error::Io).map_err(broken)?;
    Ok(database)
}

fn create(path: &Path) -> Result<Database, StoreError> {
    caught(|| Database::builder().set_cache_size(CACHE_BYTES).create(path).map_err(broken))
}

/// redb trusts much of what it reads: a file that is damaged in the right place makes it panic.
fn caught<T>(work: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or(Err(StoreError::Damaged))
}

impl Shared {
    fn run<T>(self: &Arc<Self>, operation: impl FnOnce(&Database) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let mut state = self.state();
        let open = self.open(&mut state)?;
        let result = caught(|| operation(&open.database));
        open.used = Instant::now();
        match &result {
            // A conflict wrote nothing; after anything else the handle is not to be trusted.
            Err(StoreError::Conflict) | Ok(_) if self.turns.somebody_waits() => state.give_up(),
            Err(StoreError::Conflict) | Ok(_) => {}
            Err(_) => state.open = None,
        }
        result
    }

    fn open<'s>(self: &Arc<Self>, state: &'s mut State) -> Result<&'s mut Open, StoreError> {
        if state.open.is_none() {
            // Whoever waited looks every few milliseconds: without a pause, the one who let go would be first again.
            let since = state.yielded.map_or(PAUSE, |yielded| yielded.elapsed());
            thread::sleep(PAUSE.saturating_sub(since));
            let turn = self.turns.take(self.patience, &self.say_waiting).map_err(held)?;
            if state.was_there && !self.home.vault().exists() {
                return Err(StoreError::Unavailable);
            }
            state.open = Some(Open { database: open_file(&self.home)?, _turn: turn, used: Instant::now() });
            state.was_there = true;
            if !state.guarded {
                let shared = Arc::downgrade(self);
                // Without a guard the file stays open until the next operation ends: later, but right.
                state.guarded = thread::Builder::new().name("vault".into()).spawn(move || guard(&shared)).is_ok();
            }
        }
        state.open.as_mut().ok_or(StoreError::Unavailable)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // The state is one assignment at a time: a panic in an operation leaves it whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RedbStore {
    /// Closes the file now, so that it can be renamed and opened again.
    pub(crate) fn close(&self) {
        self.0.state().give_up();
    }
}

impl State {
    fn give_up(&mut self) {
        self.open = None;
        self.yielded = Some(Instant::now());
    }
}

/// Closes the file when somebody waits, or when nothing was done with it for a while.
fn guard(shared: &Weak<Shared>) {
    loop {
        thread::sleep(GUARD_INTERVAL);
        let Some(shared) = shared.upgrade() else { return };
        let mut state = match shared.state.try_lock() {
            Ok(state) => state,
            // An operation runs, and looks by itself when it ends.
            Err(_) => continue,
        };
        let wanted =
            state.open.as_ref().is_some_and(|open| open.used.elapsed() < IDLE && !shared.turns.somebody_waits());
        if !wanted {
            if state.open.is_some() {
                state.give_up();
            }
            state.guarded = false;
            return;
        }
    }
}

const fn held(error: TurnError) -> StoreError {
    match error {
        TurnError::Held => StoreError::Held,
        TurnError::Unavailable => StoreError::Unavailable,
    }
}

fn broken(error: impl Into<redb::Error>) -> StoreError {
    match error.into() {
        redb::Error::Io(error) => match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => StoreError::Full,
            io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => StoreError::Damaged,
            _ => StoreError::Unavailable,
        },
        redb::Error::Corrupted(_)
        | redb::Error::RepairAborted
        | redb::Error::TableIsMultimap(_)
        | redb::Error::TableTypeMismatch { .. }
        | redb::Error::TypeDefinitionChanged { .. }
        | redb::Error::UpgradeRequired(_) => StoreError::Damaged,
        redb::Error::DatabaseAlreadyOpen => StoreError::Held,
        _ => StoreError::Unavailable,
    }
}

/// redb's own default is 1 GiB.
const CACHE_BYTES: usize = 8 << 20;
const GUARD_INTERVAL: Duration = Duration::from_millis(20);
/// After this, opening again costs less than looking for others every few milliseconds.
const IDLE: Duration = Duration::from_secs(1);
const PAUSE: Duration = POLL.saturating_mul(3);

#[cfg(test)]
mod crashes;
#[cfg(test)]
mod tests;

//! The one writer: take what waits, one transaction, one commit on disk, then answer everybody.

use std::{
    sync::mpsc::{Receiver, RecvTimeoutError},
    time::Instant,
};

use redb::{Database, Durability};
use tokio_util::sync::CancellationToken;

use crate::metrics::WriteMetrics;

use super::{
    Answer, RawRow, Rows, RowsMut, Step, StoreUnavailable, Table,
    batch::LastBatch,
    compact::{Compaction, Live},
    disk::{definition, get_in, range_in},
};

/// Runs until the queue closes or a commit fails. A failed commit is never tried again: what it held is not promised.
pub(super) fn run(live: &Live, steps: &Receiver<Step>, failed: &CancellationToken, measured: &WriteMetrics) {
    // A step that panics may have written half of what it wanted: the batch is dropped, the relay stops.
    let stopped = StopOnUnwind(failed);
    let (mut compaction, mut last) = (Compaction::default(), LastBatch::default());
    loop {
        let committed = match compaction.next(steps) {
            Ok(first) => commit_what_waits(live, first, steps, &mut compaction, &mut last, measured),
            Err(RecvTimeoutError::Timeout) => Ok(Vec::new()),
            Err(RecvTimeoutError::Disconnected) => break,
        };
        match committed {
            Ok(answers) => answers.into_iter().for_each(|answer| answer()),
            Err(error) => {
                tracing::error!(%error, "a commit failed; nothing more is acknowledged");
                return;
            }
        }
        if let Err(error) = compaction.turn(live) {
            tracing::error!(%error, "a file could not be put in place of another; nothing more is acknowledged");
            return;
        }
    }
    stopped.disarm();
}

fn commit_what_waits(
    live: &Live,
    first: Step,
    steps: &Receiver<Step>,
    compaction: &mut Compaction,
    last: &mut LastBatch,
    measured: &WriteMetrics,
) -> Result<Vec<Answer>, StoreUnavailable> {
    let batch = last.gather(first, steps);
    let (count, began) = (batch.len(), Instant::now());
    let committed = commit(&live.current(), batch, compaction);
    *last = LastBatch { count, took: began.elapsed() };
    measured.waiting.dec_by(i64::try_from(count).unwrap_or(0));
    measured.batch_steps.observe(count as f64);
    measured.commit_seconds.observe(last.took.as_secs_f64());
    committed
}

struct StopOnUnwind<'a>(&'a CancellationToken);

impl StopOnUnwind<'_> {
    fn disarm(self) {
        std::mem::forget(self);
    }
}

impl Drop for StopOnUnwind<'_> {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

fn commit(database: &Database, batch: Vec<Step>, compaction: &mut Compaction) -> Result<Vec<Answer>, StoreUnavailable> {
    let mut transaction = database.begin_write().map_err(StoreUnavailable::because)?;
    transaction.set_durability(Durability::Immediate).map_err(StoreUnavailable::because)?;
    // Implies the two-phase commit: strangers choose what is stored, and redb's own checksum is not cryptographic.
    transaction.set_quick_repair(true);
    let (answers, changed) = {
        let mut tables = Tables::open(&transaction, compaction)?;
        let answers = batch.into_iter().map(|step| step(&mut tables)).collect::<Result<Vec<_>, _>>()?;
        (answers, tables.changed)
    };
    if changed {
        transaction.commit().map_err(StoreUnavailable::because)?;
    } else {
        // What the steps saw was committed before they ran.
        transaction.abort().map_err(StoreUnavailable::because)?;
    }
    Ok(answers)
}

type ByteTable<'t> = redb::Table<'t, &'static [u8], &'static [u8]>;

struct Tables<'t> {
    tables: Vec<ByteTable<'t>>,
    changed: bool,
    compaction: &'t mut Compaction,
}

impl<'t> Tables<'t> {
    fn open(transaction: &'t redb::WriteTransaction, compaction: &'t mut Compaction) -> Result<Self, StoreUnavailable> {
        let open = |table| transaction.open_table(definition(table)).map_err(StoreUnavailable::because);
        let tables = Table::ALL.into_iter().map(open).collect::<Result<_, _>>()?;
        Ok(Self { tables, changed: false, compaction })
    }

    fn table(&self, table: Table) -> Result<&ByteTable<'t>, StoreUnavailable> {
        self.tables.get(table.place()).ok_or_else(|| StoreUnavailable::because("no such table"))
    }

    fn table_mut(&mut self, table: Table) -> Result<&mut ByteTable<'t>, StoreUnavailable> {
        self.tables.get_mut(table.place()).ok_or_else(|| StoreUnavailable::because("no such table"))
    }
}

impl Rows for Tables<'_> {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreUnavailable> {
        get_in(self.table(table)?, key)
    }

    fn range(&self, table: Table, from: &[u8], before: &[u8], limit: usize) -> Result<Vec<RawRow>, StoreUnavailable> {
        range_in(self.table(table)?, from, before, limit)
    }
}

impl RowsMut for Tables<'_> {
    fn put(&mut self, table: Table, key: &[u8], value: &[u8]) -> Result<(), StoreUnavailable> {
        self.changed = true;
        self.compaction.note(table, key, Some(value));
        self.table_mut(table)?.insert(key, value).map_err(StoreUnavailable::because)?;
        Ok(())
    }

    fn remove(&mut self, table: Table, key: &[u8]) -> Result<bool, StoreUnavailable> {
        let existed = self.table_mut(table)?.remove(key).map_err(StoreUnavailable::because)?.is_some();
        if existed {
            self.changed = true;
            self.compaction.note(table, key, None);
        }
        Ok(existed)
    }
}

//! The one writer: take what waits, one transaction, one commit on disk, then answer everybody.

use std::{
    sync::mpsc::{Receiver, RecvTimeoutError},
    time::Instant,
};

use redb::Durability;
use tokio_util::sync::CancellationToken;

use crate::metrics::WriteMetrics;

use super::{
    Answer, RawRow, Rows, RowsMut, Step, StoreUnavailable, Table,
    batch::LastBatch,
    bulk::{Bulk, head_of, slot_of, stored},
    bulk_writer::BulkWriter,
    compact::{Compaction, Live},
    disk::{definition, get_in, range_in},
    pack::Packing,
    slots::Slots,
};

/// Runs until the queue closes or a commit fails. A failed commit is never tried again: what it held is not promised.
pub(super) fn run(
    live: &Live,
    steps: &Receiver<Step>,
    failed: &CancellationToken,
    measured: &WriteMetrics,
    (slots, bulk_writer): (Slots, BulkWriter),
) -> Result<(), StoreUnavailable> {
    // A step that panics may have written half of what it wanted: the batch is dropped, the relay stops.
    let stopped = StopOnUnwind(failed);
    let mut writer = Writer::new(live, measured, slots, bulk_writer);
    loop {
        let done = match writer.next(steps) {
            Ok(first) => writer.commit_what_waits(first, steps),
            Err(RecvTimeoutError::Timeout) => Ok(()),
            Err(RecvTimeoutError::Disconnected) => break,
        };
        if let Err(error) = done.and_then(|()| writer.tidy()) {
            tracing::error!(%error, "a commit failed; nothing more is acknowledged");
            return Err(error);
        }
    }
    stopped.disarm();
    Ok(())
}

struct Writer<'a> {
    live: &'a Live,
    measured: &'a WriteMetrics,
    slots: Slots,
    bulk_writer: BulkWriter,
    last: LastBatch,
    compaction: Compaction,
    packing: Packing,
}

impl<'a> Writer<'a> {
    fn new(live: &'a Live, measured: &'a WriteMetrics, slots: Slots, bulk_writer: BulkWriter) -> Self {
        let (last, compaction, packing) = Default::default();
        Self { live, measured, slots, bulk_writer, last, compaction, packing }
    }

    /// The next step. While something is tidied up it waits only until it is the turn of that.
    fn next(&self, steps: &Receiver<Step>) -> Result<Step, RecvTimeoutError> {
        match self.compaction.resting().or_else(|| self.packing.resting()) {
            None => steps.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some(resting) => steps.recv_timeout(resting),
        }
    }

    fn commit_what_waits(&mut self, first: Step, steps: &Receiver<Step>) -> Result<(), StoreUnavailable> {
        let batch = self.last.gather(first, steps);
        let (count, began) = (batch.len(), Instant::now());
        let committed = self.commit(batch);
        self.last = LastBatch { count, took: began.elapsed() };
        self.measured.waiting.dec_by(i64::try_from(count).unwrap_or(0));
        self.measured.batch_steps.observe(count as f64);
        self.measured.commit_seconds.observe(self.last.took.as_secs_f64());
        committed?.into_iter().for_each(|answer| answer());
        Ok(())
    }

    /// Gives some unused space back, of one file at a time.
    fn tidy(&mut self) -> Result<(), StoreUnavailable> {
        self.compaction.turn(self.live)?;
        if self.compaction.resting().is_some() {
            return Ok(());
        }
        if let Some(step) = self.packing.turn(self.live, &mut self.slots) {
            let began = Instant::now();
            self.commit(vec![step])?.into_iter().for_each(|answer| answer());
            self.packing.moved(began.elapsed());
        }
        Ok(())
    }

    fn commit(&mut self, batch: Vec<Step>) -> Result<Vec<Answer>, StoreUnavailable> {
        let mut transaction = self.live.current().begin_write().map_err(StoreUnavailable::because)?;
        transaction.set_durability(Durability::Immediate).map_err(StoreUnavailable::because)?;
        // Implies the two-phase commit: strangers choose what is stored, and redb's own checksum is not cryptographic.
        transaction.set_quick_repair(true);
        let (answers, changed) = {
            let mut tables = Tables::open(
                &transaction,
                (&self.live.bulk, &self.bulk_writer),
                &mut self.slots,
                &mut self.compaction,
            )?;
            let answers = batch.into_iter().map(|step| step(&mut tables)).collect::<Result<Vec<_>, _>>()?;
            (answers, tables.changed)
        };
        if changed {
            self.slots.sync(&self.bulk_writer, &self.live.bulk)?;
            transaction.commit().map_err(StoreUnavailable::because)?;
        } else {
            // What the steps saw was committed before they ran.
            transaction.abort().map_err(StoreUnavailable::because)?;
        }
        self.slots.committed(&self.live.bulk);
        Ok(answers)
    }
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

type ByteTable<'t> = redb::Table<'t, &'static [u8], &'static [u8]>;

struct Tables<'t> {
    tables: Vec<ByteTable<'t>>,
    changed: bool,
    bulk: &'t Bulk,
    bulk_writer: &'t BulkWriter,
    slots: &'t mut Slots,
    compaction: &'t mut Compaction,
}

impl<'t> Tables<'t> {
    fn open(
        transaction: &'t redb::WriteTransaction,
        (bulk, bulk_writer): (&'t Bulk, &'t BulkWriter),
        slots: &'t mut Slots,
        compaction: &'t mut Compaction,
    ) -> Result<Self, StoreUnavailable> {
        let open = |table| transaction.open_table(definition(table)).map_err(StoreUnavailable::because);
        let tables = Table::ALL.into_iter().map(open).collect::<Result<_, _>>()?;
        Ok(Self { tables, changed: false, bulk, bulk_writer, slots, compaction })
    }

    fn whole(&self, table: Table, key: &[u8], stored: Vec<u8>) -> Result<Vec<u8>, StoreUnavailable> {
        if table.bulk_bytes() > 0 {
            self.bulk_writer.settle()?;
        }
        Ok(self.bulk.whole(table, key, stored))
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
        get_in(self.table(table)?, key)?.map(|stored| self.whole(table, key, stored)).transpose()
    }

    fn range(&self, table: Table, from: &[u8], before: &[u8], limit: usize) -> Result<Vec<RawRow>, StoreUnavailable> {
        let stored = range_in(self.table(table)?, from, before, limit)?;
        stored.into_iter().map(|(key, stored)| Ok((key.clone(), self.whole(table, &key, stored)?))).collect()
    }

    fn heads(&self, table: Table, from: &[u8], before: &[u8], limit: usize) -> Result<Vec<RawRow>, StoreUnavailable> {
        let stored = range_in(self.table(table)?, from, before, limit)?;
        Ok(stored.into_iter().map(|(key, stored)| (key, head_of(table, stored))).collect())
    }
}

impl RowsMut for Tables<'_> {
    fn put(&mut self, table: Table, key: &[u8], value: &[u8]) -> Result<(), StoreUnavailable> {
        self.changed = true;
        let stored = stored(table, key, value, |bulk| self.slots.put(self.bulk_writer, bulk))?;
        self.compaction.note(table, key, Some(&stored));
        let before = self.table_mut(table)?.insert(key, &*stored).map_err(StoreUnavailable::because)?;
        let slot = before.and_then(|before| slot_of(table, key, before.value()));
        slot.into_iter().for_each(|slot| self.slots.free(slot));
        Ok(())
    }

    fn remove(&mut self, table: Table, key: &[u8]) -> Result<bool, StoreUnavailable> {
        let removed = self.table_mut(table)?.remove(key).map_err(StoreUnavailable::because)?;
        let Some(slot) = removed.map(|before| slot_of(table, key, before.value())) else { return Ok(false) };
        slot.into_iter().for_each(|slot| self.slots.free(slot));
        self.changed = true;
        self.compaction.note(table, key, None);
        Ok(true)
    }
}

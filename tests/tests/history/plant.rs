//! The bugs, and the rows as a relay with one of them sees and writes them.

use std::{cell::Cell, collections::BTreeMap};

use lightproof_relay::{
    blob::{BlobRow, Reader, Reading},
    mailbox::{DropRow, EnvelopeRow, MailboxRow},
    store::{
        RawRow, Rows, RowsMut, StoreUnavailable, Table,
        row::{self, Row},
    },
};
use lightproof_tests::history::Violation;
use lightproof_wire::{
    codec::{Deserialize, List, decode},
    id::Sequence,
    time::Day,
};

/// A bug of a relay or of those who use it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Plant {
    AckBeforeCommit,
    AckBeforeSync,
    ReceiptBeforeCommit,
    DeletedBeforeAck,
    LostWakeUp,
    ExpiresADayEarly,
    SweepTakesANeighbour,
    DuplicateStoredTwice,
    MailboxesSwapped,
    SkipsOnReconnect,
    HighestAckedOffByOne,
    SequenceReused,
    StaleCursor,
    SilentDropAtQuota,
    ReordersOnRetry,
    WindowNeverRefilled,
    NextBatchAnsweredEarly,
    PrekeyGivenTwice,
    BlobWithAHole,
    OneReleaseErasesAll,
}

impl Plant {
    pub(crate) const ALL: [Self; 20] = [
        Self::AckBeforeCommit,
        Self::AckBeforeSync,
        Self::ReceiptBeforeCommit,
        Self::DeletedBeforeAck,
        Self::LostWakeUp,
        Self::ExpiresADayEarly,
        Self::SweepTakesANeighbour,
        Self::DuplicateStoredTwice,
        Self::MailboxesSwapped,
        Self::SkipsOnReconnect,
        Self::HighestAckedOffByOne,
        Self::SequenceReused,
        Self::StaleCursor,
        Self::SilentDropAtQuota,
        Self::ReordersOnRetry,
        Self::WindowNeverRefilled,
        Self::NextBatchAnsweredEarly,
        Self::PrekeyGivenTwice,
        Self::BlobWithAHole,
        Self::OneReleaseErasesAll,
    ];

    /// Whether it shows like this; what else it spoils does not count.
    pub(crate) const fn shows_as(self, violation: &Violation) -> bool {
        match self {
            Self::AckBeforeCommit
            | Self::AckBeforeSync
            | Self::DeletedBeforeAck
            | Self::ExpiresADayEarly
            | Self::LostWakeUp
            | Self::NextBatchAnsweredEarly
            | Self::OneReleaseErasesAll
            | Self::ReceiptBeforeCommit
            | Self::SilentDropAtQuota
            | Self::SkipsOnReconnect
            | Self::SweepTakesANeighbour
            | Self::WindowNeverRefilled => matches!(violation, Violation::Lost(_)),
            Self::BlobWithAHole => matches!(violation, Violation::Changed(_)),
            Self::DuplicateStoredTwice => matches!(violation, Violation::Twice(_)),
            Self::HighestAckedOffByOne | Self::StaleCursor => matches!(violation, Violation::WrongCursor(_)),
            Self::MailboxesSwapped => matches!(violation, Violation::Invented(_) | Violation::Lost(_)),
            Self::PrekeyGivenTwice => matches!(violation, Violation::GivenTwice(_)),
            Self::ReordersOnRetry => matches!(violation, Violation::OutOfOrder(_)),
            Self::SequenceReused => matches!(violation, Violation::PlaceReused(_)),
        }
    }
}

/// Writes that are seen and not yet written.
pub(crate) type Writes = BTreeMap<(Table, Vec<u8>), Option<Vec<u8>>>;

/// Rows under writes that lie over them.
pub(crate) struct Overlay<'a> {
    pub(crate) rows: &'a dyn Rows,
    pub(crate) writes: Writes,
}

impl Rows for Overlay<'_> {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreUnavailable> {
        match self.writes.get(&(table, key.to_vec())) {
            Some(written) => Ok(written.clone()),
            None => self.rows.get(table, key),
        }
    }

    fn range(&self, table: Table, from: &[u8], before: &[u8], limit: usize) -> Result<Vec<RawRow>, StoreUnavailable> {
        if from >= before {
            return Ok(Vec::new());
        }
        let below = self.rows.range(table, from, before, limit.saturating_add(self.writes.len()))?;
        let mut merged: BTreeMap<_, _> = below.into_iter().collect();
        for ((_, key), value) in self.writes.range((table, from.to_vec())..(table, before.to_vec())) {
            match value {
                Some(value) => merged.insert(key.clone(), value.clone()),
                None => merged.remove(key),
            };
        }
        Ok(merged.into_iter().take(limit).collect())
    }
}

impl RowsMut for Overlay<'_> {
    fn put(&mut self, table: Table, key: &[u8], value: &[u8]) -> Result<(), StoreUnavailable> {
        self.writes.insert((table, key.to_vec()), Some(value.to_vec()));
        Ok(())
    }

    fn remove(&mut self, table: Table, key: &[u8]) -> Result<bool, StoreUnavailable> {
        let existed = self.get(table, key)?.is_some();
        self.writes.insert((table, key.to_vec()), None);
        Ok(existed)
    }
}

/// Rows as the writer of a relay with a bug has them.
pub(crate) struct Bent<'a> {
    pub(crate) rows: &'a mut dyn RowsMut,
    pub(crate) plant: Option<Plant>,
    pub(crate) is_sweep: Cell<bool>,
}

impl Rows for Bent<'_> {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreUnavailable> {
        let found = self.rows.get(table, key)?;
        match (self.plant, table) {
            (Some(Plant::DuplicateStoredTwice), Table::Deposits) => Ok(None),
            (Some(Plant::MailboxesSwapped), Table::Drops) => self.swapped(key, found),
            (Some(Plant::HighestAckedOffByOne), Table::Mailboxes) => {
                Ok(found.map(|value| change(table, key, value, |row: &mut MailboxRow| row.highest_acked.0 += 1)))
            }
            _ => Ok(found),
        }
    }

    fn range(&self, table: Table, from: &[u8], before: &[u8], limit: usize) -> Result<Vec<RawRow>, StoreUnavailable> {
        self.is_sweep.set(self.is_sweep.get() || table == Table::Expiry);
        self.rows.range(table, from, before, limit)
    }
}

impl Bent<'_> {
    /// The mailbox of another drop, where there is one.
    fn swapped(&self, key: &[u8], found: Option<Vec<u8>>) -> Result<Option<Vec<u8>>, StoreUnavailable> {
        let others = self.rows.range(Table::Drops, &[], &[0xff; 33], 2)?;
        let Some((other, value)) = others.into_iter().find(|(other, _)| other != key) else { return Ok(found) };
        let row: DropRow = row::open(Table::Drops, &other, &value).unwrap();
        Ok(found.map(|_| sealed(key, &row)))
    }
}

impl RowsMut for Bent<'_> {
    fn put(&mut self, table: Table, key: &[u8], value: &[u8]) -> Result<(), StoreUnavailable> {
        let (mut key, mut value) = (key.to_vec(), value.to_vec());
        match (self.plant, table) {
            (Some(Plant::ExpiresADayEarly), Table::Envelopes) => {
                value =
                    change(table, &key, value, |row: &mut EnvelopeRow| row.head.expires = row.head.expires.minus(1));
            }
            // A day, and what goes then: 2 is mail.
            (Some(Plant::ExpiresADayEarly), Table::Expiry) if key[4] == 2 => {
                let day: Day = decode(&key[..4]).unwrap();
                key[..4].copy_from_slice(&day.minus(1).0.to_be_bytes());
            }
            (Some(Plant::SilentDropAtQuota), Table::Envelopes) => {
                let stored = self.rows.range(table, &key[..32], &row::after_prefix(&key[..32]), 9)?;
                if stored.len() > 8 {
                    return Ok(());
                }
            }
            (Some(Plant::OneReleaseErasesAll), Table::Blobs) => {
                value = change(table, &key, value, |row: &mut BlobRow| {
                    let mut readers = row.readers.clone().into_vec();
                    if readers.iter().any(|reader| reader.reading == Reading::Released) {
                        readers.iter_mut().for_each(|reader: &mut Reader| reader.reading = Reading::Released);
                    }
                    row.readers = List::new(readers).unwrap();
                });
            }
            _ => {}
        }
        self.rows.put(table, &key, &value)
    }

    fn remove(&mut self, table: Table, key: &[u8]) -> Result<bool, StoreUnavailable> {
        match (self.plant, table) {
            // 2 is the stock.
            (Some(Plant::PrekeyGivenTwice), Table::Prekeys) if key[32] == 2 => return Ok(true),
            (Some(Plant::SweepTakesANeighbour), Table::Envelopes) if self.is_sweep.get() => {
                let mut next = key.to_vec();
                let sequence: Sequence = decode(&key[32..]).unwrap();
                next[32..].copy_from_slice(&(sequence.0 + 1).to_be_bytes());
                self.rows.remove(table, &next)?;
            }
            _ => {}
        }
        self.rows.remove(table, key)
    }
}

/// What a relay finds after a start that forgets where it was.
pub(crate) fn forget_places(rows: &mut dyn RowsMut, plant: Plant) -> Result<(), StoreUnavailable> {
    for (key, value) in rows.range(Table::Mailboxes, &[], &[0xff; 33], 99)? {
        let value = change(Table::Mailboxes, &key, value, |row: &mut MailboxRow| match plant {
            Plant::SequenceReused => row.highest_given = Sequence(0),
            _ => row.highest_acked = Sequence(0),
        });
        rows.put(Table::Mailboxes, &key, &value)?;
    }
    Ok(())
}

fn change<R: Row>(table: Table, key: &[u8], value: Vec<u8>, change: impl FnOnce(&mut R)) -> Vec<u8>
where
    R::Key: Deserialize,
{
    let Ok(mut row) = row::open::<R>(table, key, &value) else { return value };
    change(&mut row);
    sealed(key, &row)
}

/// A row's value under its own hash.
fn sealed<R: Row>(key: &[u8], row: &R) -> Vec<u8>
where
    R::Key: Deserialize,
{
    let mut scratch: BTreeMap<(Table, Vec<u8>), Vec<u8>> = BTreeMap::new();
    row::save(&mut scratch, &decode(key).unwrap(), row).unwrap();
    scratch.into_values().next().unwrap()
}

//! One look at everything: table by table, each row under its hash and beside the rows it speaks of.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
};

use lightproof_wire::{
    blob::BlobShape,
    codec::{self, Deserialize},
    id::ChunkIndex,
    refusal::Refusal,
    time::Day,
};

use super::{Fault, Report};
use crate::{
    access::{AccessHash, AccessRow, Amount},
    blob::{BlobRow, Phase, ReadHash, ReaderRow, Reading, UploadRow, WriteHash},
    calendar::CalendarRow,
    expire::{self, Perishable},
    mailbox::{DepositKey, DepositRow, DropHash, DropRow, EnvelopeKey, EnvelopeRow, MailboxRow, OwnerHash},
    prekeys::{GoneRow, Place, PrekeyKey, PrekeyRow},
    store::{
        self, Chunks, FileId, Rows, RuleError, StoreUnavailable, Table,
        row::{self, Row},
    },
    tombstone::{Tombstone, TombstoneKey},
    totals::TotalsRow,
    upload,
};

pub(super) struct Look<'a> {
    rows: &'a dyn Rows,
    chunks: &'a dyn Chunks,
    go_on: &'a dyn Fn() -> bool,
    pub(super) report: Report,
    /// Mailboxes and blobs that the index of what expires knows: their day there may be an earlier one than their own.
    indexed: BTreeSet<[u8; 32]>,
    used: BTreeMap<AccessHash, Amount>,
    reserved_bytes: u64,
}

/// A row that another speaks of. One that is damaged is there, and counted where it lies.
enum Other<R> {
    Whole(R),
    Damaged,
    Absent,
}

impl<'a> Look<'a> {
    pub(super) fn new(rows: &'a dyn Rows, chunks: &'a dyn Chunks, go_on: &'a dyn Fn() -> bool) -> Self {
        let (report, indexed, used) = (Report::default(), BTreeSet::new(), BTreeMap::new());
        Self { rows, chunks, go_on, report, indexed, used, reserved_bytes: 0 }
    }

    /// Which mailboxes and blobs will be looked at again.
    pub(super) fn index(&mut self) -> Result<(), RuleError> {
        store::each(self.rows, Table::Expiry, |key, _| {
            self.read()?;
            match expire::remembered(key) {
                Some(Perishable::Mailbox(owner)) => drop(self.indexed.insert(*owner.as_bytes())),
                Some(Perishable::Blob(write)) => drop(self.indexed.insert(*write.as_bytes())),
                Some(_) => {}
                None => self.report.damaged(Table::Expiry),
            }
            Ok(())
        })
    }

    /// Mailboxes with their envelopes.
    pub(super) fn mailboxes(&mut self) -> Result<(), RuleError> {
        let mut stored = BTreeMap::<OwnerHash, u32>::new();
        store::each(self.rows, Table::Envelopes, |key, value| {
            self.read()?;
            let Ok(place) = codec::decode::<EnvelopeKey>(key) else {
                self.report.damaged(Table::Envelopes);
                return Ok(());
            };
            // One that is damaged takes its place in its mailbox all the same.
            let count = stored.entry(place.owner).or_default();
            *count = count.saturating_add(1);
            self.envelope(place, row::open(Table::Envelopes, key, value))
        })?;
        self.each(|look, owner: OwnerHash, row: MailboxRow| {
            let drop = look.other::<DropRow>(&row.drop)?;
            look.check(!matches!(drop, Other::Absent), Fault::MailboxWithoutDrop);
            look.check(row.stored_count == stored.get(&owner).copied().unwrap_or(0), Fault::EnvelopeCount);
            look.check(look.indexed.contains(owner.as_bytes()), Fault::NeverExpires);
            look.count(row.access, Amount::MAILBOX);
            Ok(())
        })
    }

    fn envelope(&mut self, place: EnvelopeKey, row: Result<EnvelopeRow, RuleError>) -> Result<(), RuleError> {
        let mailbox = self.other::<MailboxRow>(&place.owner)?;
        match &mailbox {
            Other::Whole(mailbox) => self.check(place.sequence <= mailbox.highest_given, Fault::EnvelopeAhead),
            Other::Absent => self.report.found(Fault::EnvelopeWithoutMailbox),
            Other::Damaged => {}
        }
        match (row, mailbox) {
            (Ok(row), Other::Whole(mailbox)) => self.mail_expires(row.head.expires, mailbox.drop.as_bytes()),
            (Ok(_), _) => Ok(()),
            (Err(RuleError::Damaged), _) => {
                self.report.damaged(Table::Envelopes);
                Ok(())
            }
            (Err(error), _) => Err(error),
        }
    }

    pub(super) fn drops(&mut self) -> Result<(), RuleError> {
        self.each(|look, drop: DropHash, row: DropRow| {
            let leads_back = match look.other::<MailboxRow>(&row.owner)? {
                Other::Whole(mailbox) => mailbox.drop == drop,
                Other::Damaged => true,
                Other::Absent => false,
            };
            look.check(leads_back, Fault::DropWithoutMailbox);
            Ok(())
        })
    }

    /// Blobs with their files.
    pub(super) fn blobs(&mut self) -> Result<(), RuleError> {
        self.each(|look, write: WriteHash, row: BlobRow| {
            look.report.blobs = look.report.blobs.saturating_add(1);
            for reader in row.readers.iter().filter(|reader| reader.reading == Reading::Open) {
                let found = look.other::<ReaderRow>(&reader.hash)?;
                let leads_back =
                    !matches!(found, Other::Absent) && !matches!(found, Other::Whole(it) if it.write != write);
                look.check(leads_back, Fault::BlobWithoutReader);
            }
            look.check(look.indexed.contains(write.as_bytes()), Fault::NeverExpires);
            look.count(row.access, Amount::of_blob(&row));
            look.reserved_bytes = look.reserved_bytes.saturating_add(row.shape.sealed_bytes());
            match row.phase {
                Phase::Committed => look.file(row.file, row.shape, row.shape.sealed_bytes()),
                Phase::Uploading => {
                    let upload = look.other::<UploadRow>(&write)?;
                    let Other::Whole(UploadRow { synced, .. }) = upload else { return Ok(()) };
                    let last = (0..synced.count()).rev().map(ChunkIndex).find(|index| synced.contains(*index));
                    let end = last.and_then(|last| row.shape.offset(ChunkIndex(last.0.saturating_add(1))));
                    let length = if last.is_some() { end.unwrap_or(row.shape.sealed_bytes()) } else { 0 };
                    look.file(row.file, row.shape, length)
                }
            }
        })
    }

    /// A file has at least the bytes that are known to be on disk, and none after the last chunk.
    fn file(&mut self, file: FileId, shape: BlobShape, least_bytes: u64) -> Result<(), RuleError> {
        if let Some(last) = least_bytes.checked_sub(1) {
            let is_there = self.has_byte(file, last)?;
            self.check(is_there, Fault::FileMissing);
        }
        let goes_on = self.has_byte(file, shape.sealed_bytes())?;
        self.check(!goes_on, Fault::FileTooLong);
        Ok(())
    }

    fn has_byte(&self, file: FileId, offset: u64) -> Result<bool, RuleError> {
        match self.chunks.read_at(file, offset, 1) {
            Ok(_) => Ok(true),
            // It says nothing about the file.
            Err(error) if upload::refusal(&error) == Refusal::Busy => Err(StoreUnavailable::because(error).into()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(StoreUnavailable::because(error).into()),
            Err(_) => Ok(false),
        }
    }

    pub(super) fn readers(&mut self) -> Result<(), RuleError> {
        self.each(|look, read: ReadHash, row: ReaderRow| {
            let leads_back = match look.other::<BlobRow>(&row.write)? {
                Other::Whole(blob) => {
                    blob.readers.iter().any(|reader| reader.hash == read && reader.reading == Reading::Open)
                }
                Other::Damaged => true,
                Other::Absent => false,
            };
            look.check(leads_back, Fault::ReaderWithoutBlob);
            Ok(())
        })
    }

    pub(super) fn uploads(&mut self) -> Result<(), RuleError> {
        self.each(|look, write: WriteHash, row: UploadRow| {
            let fits = match look.other::<BlobRow>(&write)? {
                Other::Whole(blob) => blob.phase == Phase::Uploading && blob.shape.count() == row.synced.count(),
                Other::Damaged => true,
                Other::Absent => false,
            };
            look.check(fits, Fault::UploadWithoutBlob);
            Ok(())
        })
    }

    /// What mailboxes and blobs come to. A sum over rows of which one is damaged proves nothing.
    pub(super) fn sums(&mut self) -> Result<(), RuleError> {
        let all_whole = !self.is_damaged(Table::Blobs);
        let reserved_bytes = self.reserved_bytes;
        self.each(|look, _: u8, row: TotalsRow| {
            look.check(!all_whole || row.reserved_bytes == reserved_bytes, Fault::ReservedBytes);
            Ok(())
        })?;
        let all_whole = all_whole && !self.is_damaged(Table::Mailboxes);
        self.each(|look, hash: AccessHash, row: AccessRow| {
            let made = look.used.get(&hash).copied().unwrap_or_default();
            look.check(!all_whole || row.used == made, Fault::AccessUsage);
            Ok(())
        })
    }

    pub(super) fn prekeys(&mut self) -> Result<(), RuleError> {
        store::each(self.rows, Table::Prekeys, |key, value| {
            self.read()?;
            let until = codec::decode::<PrekeyKey>(key).map_err(|_| RuleError::Damaged).and_then(|place| {
                let until = if place.place == Place::Gone {
                    row::open::<GoneRow>(Table::Prekeys, key, value)?.until
                } else {
                    row::open::<PrekeyRow>(Table::Prekeys, key, value)?.until
                };
                Ok((until, place))
            });
            match until {
                Ok((until, place)) => self.expires(until, &Perishable::Prekey(place)),
                Err(RuleError::Damaged) => {
                    self.report.damaged(Table::Prekeys);
                    Ok(())
                }
                Err(error) => Err(error),
            }
        })
    }

    /// What stands for itself: the day, memories of deposits and of what is gone.
    pub(super) fn the_rest(&mut self) -> Result<(), RuleError> {
        self.each(|_, _: u8, _: CalendarRow| Ok(()))?;
        self.each(|look, key: DepositKey, row: DepositRow| look.mail_expires(row.expires, &key.at))?;
        self.each(|look, key: TombstoneKey, row: Tombstone| look.expires(row.until, &Perishable::Tombstone(key)))
    }

    fn each<K: Deserialize, R: Row>(
        &mut self,
        mut see: impl FnMut(&mut Self, K, R) -> Result<(), RuleError>,
    ) -> Result<(), RuleError> {
        store::each(self.rows, R::TABLE, |key, value| {
            self.read()?;
            match (codec::decode(key), row::open(R::TABLE, key, value)) {
                (Ok(key), Ok(row)) => see(self, key, row),
                (_, Err(error)) if error != RuleError::Damaged => Err(error),
                _ => {
                    self.report.damaged(R::TABLE);
                    Ok(())
                }
            }
        })
    }

    /// Counts a row; the time for all this may be over.
    fn read(&mut self) -> Result<(), RuleError> {
        self.report.rows = self.report.rows.saturating_add(1);
        if (self.go_on)() { Ok(()) } else { Err(StoreUnavailable::because("it was told to stop").into()) }
    }

    fn other<R: Row>(&self, key: &R::Key) -> Result<Other<R>, RuleError> {
        match row::load(self.rows, key) {
            Ok(Some(row)) => Ok(Other::Whole(row)),
            Ok(None) => Ok(Other::Absent),
            Err(RuleError::Damaged) => Ok(Other::Damaged),
            Err(error) => Err(error),
        }
    }

    fn check(&mut self, holds: bool, fault: Fault) {
        if !holds {
            self.report.found(fault);
        }
    }

    fn expires(&mut self, last_day: Day, what: &Perishable) -> Result<(), RuleError> {
        let is_remembered = expire::is_remembered(self.rows, last_day, what)?;
        self.check(is_remembered, Fault::NeverExpires);
        Ok(())
    }

    fn mail_expires(&mut self, last_day: Day, drop: &[u8]) -> Result<(), RuleError> {
        let is_remembered = expire::is_mail_remembered(self.rows, last_day, drop)?;
        self.check(is_remembered, Fault::NeverExpires);
        Ok(())
    }

    fn count(&mut self, access: Option<AccessHash>, made: Amount) {
        if let Some(hash) = access {
            let sum = self.used.entry(hash).or_default();
            *sum = sum.plus(made);
        }
    }

    fn is_damaged(&self, table: Table) -> bool {
        self.report.damaged_rows.contains_key(table.name())
    }
}

//! A scrub finds nothing in what the rules have made, and finds each thing that is wrong, on every store.

use std::collections::BTreeMap;

use lightproof_wire::{
    blob::{BlobShape, ChunkBitmap, ChunkClass},
    codec::{Bytes, Text},
    command::MailboxKind,
    id::{ChunkIndex, Sequence},
    prekey::{PrekeyId, PrekeyKind, PublishedPrekey},
};

use super::{LIMITS, TODAY, creation, envelope, hash, run};
use crate::{
    access::{self, AccessRow, Amount, Terms},
    blob::{self, BlobRow, Opening, ReaderRow, UploadRow},
    calendar,
    mailbox::{self, Creation, DropRow, EnvelopeKey, MailboxRow},
    prekeys,
    scrub::{Fault, Report, scrub},
    store::{
        Chunks, FileId, RowsMut, RuleError, Store, StoreUnavailable, Table, conformance::on_every_store, look,
        memory::MemoryChunks, row,
    },
    totals::TotalsRow,
};

const CHUNK: usize = 65_536;
const WHOLE: FileId = FileId([1; 16]);
const BEGUN: FileId = FileId([2; 16]);

fn prekey(kind: PrekeyKind, id: u32) -> PublishedPrekey {
    PublishedPrekey { kind, id: PrekeyId(id), not_after: TODAY.plus(20), sealed: Bytes::new(vec![3; 3_000]).unwrap() }
}

fn opening(write: u8, file: FileId) -> Opening {
    let shape = BlobShape::new(ChunkClass::Small, 3).unwrap();
    Opening { write: hash(write), readers: vec![hash(write)], shape, keep_days: 9, file, access: Some(hash(7)) }
}

/// Something of everything.
fn fill(rows: &mut dyn RowsMut) -> Result<(), RuleError> {
    calendar::see(rows, TODAY)?;
    let quota = Amount { mailboxes: 9, blob_bytes: 1 << 30 };
    access::issue(rows, hash(7), Terms { note: Text::default(), last_day: None, quota }, TODAY)?;
    mailbox::create(rows, Creation { access: Some(hash(7)), ..creation(1, 2, MailboxKind::Private) }, TODAY, &LIMITS)?;
    mailbox::create(rows, creation(3, 4, MailboxKind::Doorbell), TODAY, &LIMITS)?;
    mailbox::create(rows, creation(5, 6, MailboxKind::Private), TODAY, &LIMITS)?;
    for byte in 0..3 {
        mailbox::deposit(rows, hash(2), envelope(byte), envelope(byte).digest(), TODAY, &LIMITS)?;
    }
    mailbox::ack(rows, hash(1), Sequence(2))?;
    mailbox::retire(rows, hash(5), TODAY, &LIMITS)?;
    let one_time = (1..4).map(|id| prekey(PrekeyKind::OneTime, id)).collect();
    prekeys::publish(rows, hash(3), prekey(PrekeyKind::Signed, 0), one_time, TODAY, &LIMITS)?;
    prekeys::take(rows, hash(4), TODAY, &LIMITS)?;
    blob::open(rows, opening(8, WHOLE), TODAY, &LIMITS)?;
    blob::commit(rows, hash(8))?;
    blob::open(rows, opening(9, BEGUN), TODAY, &LIMITS)?;
    let mut synced = ChunkBitmap::empty(3);
    synced.insert(ChunkIndex(1));
    blob::record(rows, hash(9), synced, TODAY)
}

pub(super) async fn filled(store: &dyn Store) -> MemoryChunks {
    run(store, |rows| fill(rows)).await.unwrap();
    let chunks = MemoryChunks::default();
    chunks.write_at(WHOLE, 0, &[1; 3 * CHUNK]).unwrap();
    chunks.write_at(BEGUN, CHUNK as u64, &[1; CHUNK]).unwrap();
    chunks
}

fn report(store: &dyn Store, chunks: &MemoryChunks) -> Report {
    look(store, |rows| scrub(rows, chunks, &|| true)).unwrap()
}

fn assert_finds(store: &dyn Store, chunks: &MemoryChunks, about: &str, rows: &[(&str, u64)], faults: &[(Fault, u64)]) {
    let found = report(store, chunks);
    let rows: BTreeMap<_, _> = rows.iter().map(|(table, count)| ((*table).to_owned(), *count)).collect();
    assert_eq!((found.damaged_rows, found.faults), (rows, faults.iter().copied().collect()), "{about}");
}

/// Undoes what a change did, so that the next stands alone.
async fn with_change(
    store: &dyn Store,
    change: impl FnOnce(&mut dyn RowsMut) -> Result<(), RuleError> + Send + 'static,
    check: impl AsyncFnOnce(),
) {
    let all = |rows: &dyn crate::store::Rows| -> Result<Vec<_>, RuleError> {
        let mut all = Vec::new();
        for table in Table::ALL {
            for (key, value) in rows.range(table, &[], &[0xff; 128], 1_000)? {
                all.push((table, key, value));
            }
        }
        Ok(all)
    };
    let before = look(store, all).unwrap();
    run(store, |rows| change(rows)).await.unwrap();
    check().await;
    run(store, move |rows| {
        for (table, key, _) in all(rows)? {
            rows.remove(table, &key)?;
        }
        for (table, key, value) in before {
            rows.put(table, &key, &value)?;
        }
        Ok(())
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn a_flipped_bit_in_any_row_is_found_and_said_to_be_in_its_table() {
    on_every_store(async |store| {
        let store = store.as_ref();
        let chunks = filled(store).await;
        assert!(report(store, &chunks).is_well(), "{:?}", report(store, &chunks));
        assert_eq!(report(store, &chunks).blobs, 2);
        let mut flips = 0;
        for table in Table::ALL.into_iter().filter(|table| *table != Table::Expiry) {
            let keys = look(store, |rows| Ok(rows.range(table, &[], &[0xff; 128], 1_000)?)).unwrap();
            assert!(!keys.is_empty(), "{table:?} has no row");
            for (key, value) in keys {
                let byte = flips * 7 % value.len();
                with_change(
                    store,
                    move |rows| {
                        let mut value = value;
                        value[byte] ^= 4;
                        Ok(rows.put(table, &key, &value)?)
                    },
                    async || assert_finds(store, &chunks, &format!("{table:?}"), &[(table.name(), 1)], &[]),
                )
                .await;
                flips += 1;
            }
        }
        assert!(report(store, &chunks).is_well());
        println!("evidence: F7 | {flips} rows of every table, one bit each, found by a scrub | -");
    })
    .await;
}

/// Changes a row that a rule would never change so.
fn edit<R: row::Row>(rows: &mut dyn RowsMut, key: R::Key, edit: impl FnOnce(&mut R)) -> Result<(), RuleError> {
    let mut row = row::load::<R>(rows, &key)?.unwrap();
    edit(&mut row);
    Ok(row::save(rows, &key, &row)?)
}

type Change = fn(&mut dyn RowsMut) -> Result<(), RuleError>;

const CHANGES: [(Change, &[(Fault, u64)]); 13] = [
    (|rows| edit(rows, hash(7), |row: &mut AccessRow| row.used.mailboxes = 2), &[(Fault::AccessUsage, 1)]),
    (|rows| edit(rows, hash(7), |row: &mut AccessRow| row.used.blob_bytes -= 1), &[(Fault::AccessUsage, 1)]),
    (|rows| Ok(row::remove::<ReaderRow>(rows, &hash(8)).map(|_| ())?), &[(Fault::BlobWithoutReader, 1)]),
    (|rows| edit(rows, hash(2), |row: &mut DropRow| row.owner = hash(3)), &[(Fault::DropWithoutMailbox, 1)]),
    (|rows| edit(rows, hash(1), |row: &mut MailboxRow| row.stored_count = 3), &[(Fault::EnvelopeCount, 1)]),
    (
        |rows| {
            row::remove::<MailboxRow>(rows, &hash(1))?;
            Ok(())
        },
        &[(Fault::AccessUsage, 1), (Fault::DropWithoutMailbox, 1), (Fault::EnvelopeWithoutMailbox, 2)],
    ),
    (|rows| edit(rows, hash(1), |row: &mut MailboxRow| row.highest_given = Sequence(2)), &[(Fault::EnvelopeAhead, 1)]),
    (|rows| Ok(row::remove::<DropRow>(rows, &hash(4)).map(|_| ())?), &[(Fault::MailboxWithoutDrop, 1)]),
    (
        |rows| {
            row::remove::<BlobRow>(rows, &hash(8))?;
            Ok(())
        },
        &[(Fault::AccessUsage, 1), (Fault::ReaderWithoutBlob, 1), (Fault::ReservedBytes, 1)],
    ),
    (|rows| edit(rows, 0, |row: &mut TotalsRow| row.reserved_bytes += 1), &[(Fault::ReservedBytes, 1)]),
    (
        |rows| edit(rows, hash(9), |row: &mut UploadRow| row.synced = ChunkBitmap::empty(2)),
        &[(Fault::UploadWithoutBlob, 1)],
    ),
    (
        |rows| {
            let key = EnvelopeKey { owner: hash(1), sequence: Sequence(1) };
            Ok(row::remove::<mailbox::EnvelopeRow>(rows, &key).map(|_| ())?)
        },
        &[(Fault::EnvelopeCount, 1)],
    ),
    // Three mailboxes of which one is gone, two envelopes, three deposits, its prekeys and two tombstones, two blobs.
    (
        |rows| {
            for (key, _) in rows.range(Table::Expiry, &[], &[0xff; 128], 1_000)? {
                rows.remove(Table::Expiry, &key)?;
            }
            Ok(())
        },
        &[(Fault::NeverExpires, 2 + 2 + 3 + 4 + 2 + 2)],
    ),
];

#[tokio::test]
async fn rows_that_do_not_fit_together_are_found_each_for_what_it_is() {
    on_every_store(async |store| {
        let store = store.as_ref();
        let chunks = filled(store).await;
        for (number, (change, faults)) in CHANGES.into_iter().enumerate() {
            let about = format!("change {number}");
            with_change(store, change, async || assert_finds(store, &chunks, &about, &[], faults)).await;
        }
        assert!(report(store, &chunks).is_well());
    })
    .await;
}

#[tokio::test]
async fn files_that_are_gone_cut_short_or_too_long_are_found() {
    on_every_store(async |store| {
        let store = store.as_ref();
        let chunks = filled(store).await;
        chunks.write_at(WHOLE, 3 * CHUNK as u64, &[1]).unwrap();
        assert_finds(store, &chunks, "too long", &[], &[(Fault::FileTooLong, 1)]);
        chunks.remove(WHOLE).unwrap();
        assert_finds(store, &chunks, "gone", &[], &[(Fault::FileMissing, 1)]);
        chunks.write_at(WHOLE, 0, &[1; 3 * CHUNK - 1]).unwrap();
        assert_finds(store, &chunks, "short", &[], &[(Fault::FileMissing, 1)]);
        chunks.remove(BEGUN).unwrap();
        assert_finds(store, &chunks, "chunks that were synced", &[], &[(Fault::FileMissing, 2)]);
    })
    .await;
}

#[tokio::test]
async fn a_scrub_that_is_told_to_stop_stops_and_is_no_report() {
    on_every_store(async |store| {
        let store = store.as_ref();
        let chunks = filled(store).await;
        let stopped: Result<Report, _> = look(store, |rows| scrub(rows, &chunks, &|| false));
        assert!(matches!(stopped, Err(RuleError::Unavailable(StoreUnavailable { .. }))));
    })
    .await;
}

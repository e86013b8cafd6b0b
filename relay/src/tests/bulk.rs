//! What lies beside the tree is where its row says, and one that is gone takes no other with it.

use std::{
    fs::{self, File},
    io,
    ops::Range,
    path::Path,
    sync::{Arc, Mutex, mpsc},
    thread,
};

use lightproof_wire::{codec, command::MailboxKind, hash::Digest, id::Sequence, limits::ENVELOPE_BYTES};
use redb::{Database, ReadableDatabase as _, ReadableTable as _, StorageBackend, TableDefinition};

use super::{LIMITS, TODAY, creation, envelope, hash, run};
use crate::{
    mailbox::{self, EnvelopeKey},
    store::{
        Store, Table, conformance,
        disk::{DiskLimits, DiskStore},
        look,
    },
};

const SLOT_BYTES: usize = 16_384;

fn open(rows: &Path) -> DiskStore {
    DiskStore::open(rows, conformance::LIMITS).unwrap()
}

async fn deposit(store: &dyn Store, byte: u8) {
    let (it, digest) = (envelope(byte), envelope(byte).digest());
    run(store, move |rows| mailbox::deposit(rows, hash(2), it, digest, TODAY, &LIMITS)).await.unwrap();
}

/// Three envelopes in one mailbox.
async fn filled(rows: &Path) -> DiskStore {
    let store = open(rows);
    fill(&store).await;
    store
}

async fn fill(store: &dyn Store) {
    let creation = creation(1, 2, MailboxKind::Private);
    run(store, move |rows| mailbox::create(rows, creation, TODAY, &LIMITS)).await.unwrap();
    for byte in 1..=3 {
        deposit(store, byte).await;
    }
}

/// The numbers of those that are whole, and how many are not.
fn seen(store: &dyn Store) -> (Vec<u64>, usize) {
    let page = look(store, |rows| mailbox::page(rows, hash(1), Sequence(0), 9)).unwrap();
    (page.envelopes.iter().map(|it| it.0.0).collect(), page.damaged_count)
}

#[tokio::test]
async fn the_tree_holds_the_head_and_the_slot_and_the_file_beside_it_the_envelope() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.redb");
    let store = filled(&path).await;
    let whole = look(&store, |rows| Ok(rows.range(Table::Envelopes, &[], &[0xff; 100], 9)?)).unwrap();
    drop(store);
    let database = Database::open(&path).unwrap();
    let rows = database.begin_read().unwrap().open_table(TableDefinition::<&[u8], &[u8]>::new("envelopes")).unwrap();
    let beside = fs::read(path.with_extension("bulk")).unwrap();
    for (slot, (key, value)) in whole.iter().enumerate() {
        let (head, bulk) = value.split_at(value.len() - ENVELOPE_BYTES);
        let number = u32::try_from(slot).unwrap().to_be_bytes();
        let check = Digest::of(&[&[Table::Envelopes as u8], key.as_slice(), &number].concat());
        let stored = [head, &number, &check.as_bytes()[..4]].concat();
        assert_eq!(rows.get(key.as_slice()).unwrap().unwrap().value(), stored);
        assert_eq!(&beside[slot * SLOT_BYTES..][..ENVELOPE_BYTES], bulk);
    }
}

#[tokio::test]
async fn envelopes_that_are_gone_are_damaged_and_the_others_and_new_ones_are_served() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.redb");
    drop(filled(&path).await);
    File::options().write(true).open(path.with_extension("bulk")).unwrap().set_len(SLOT_BYTES as u64).unwrap();
    let store = open(&path);
    assert_eq!(seen(&store), (vec![1], 2));
    deposit(&store, 4).await;
    assert_eq!(seen(&store), (vec![1, 4], 2));
    drop(store);
    // All of them, as where somebody took it for rubbish.
    fs::remove_file(path.with_extension("bulk")).unwrap();
    let store = open(&path);
    assert_eq!(seen(&store), (vec![], 4));
    deposit(&store, 5).await;
    assert_eq!(seen(&store), (vec![5], 4));
}

#[tokio::test]
async fn a_slot_is_taken_again_once_its_envelope_is_acked_and_after_a_start_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.redb");
    let bytes = || fs::metadata(path.with_extension("bulk")).unwrap().len().div_ceil(SLOT_BYTES as u64);
    let mut store = filled(&path).await;
    for round in 0..20_u8 {
        let acked = u64::from(round) + 2;
        run(&store, move |rows| mailbox::ack(rows, hash(1), Sequence(acked))).await.unwrap();
        deposit(&store, 10 + round).await;
        if round % 7 == 3 {
            drop(store);
            store = open(&path);
        }
    }
    assert_eq!((bytes(), seen(&store)), (3, (vec![1, 22, 23], 0)));
}

fn change_slot(rows: &Path, sequence: u64, change: impl Fn(&mut Vec<u8>)) {
    let database = Database::open(rows).unwrap();
    let transaction = database.begin_write().unwrap();
    {
        let mut table = transaction.open_table(TableDefinition::<&[u8], &[u8]>::new("envelopes")).unwrap();
        let key = codec::encode(&EnvelopeKey { owner: hash(1), sequence: Sequence(sequence) });
        let mut stored = table.get(key.as_slice()).unwrap().unwrap().value().to_vec();
        change(&mut stored);
        table.insert(key.as_slice(), stored.as_slice()).unwrap();
    }
    transaction.commit().unwrap();
}

/// It named an intact envelope, which was overwritten when the damaged row went.
#[tokio::test]
async fn a_damaged_slot_number_costs_its_own_envelope_and_no_other() {
    for bit in 0..64 {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rows.redb");
        drop(filled(&path).await);
        change_slot(&path, 1, |stored| {
            let at = stored.len() - 8 + bit / 8;
            stored[at] ^= 1 << (bit % 8);
        });
        let store = open(&path);
        assert_eq!(seen(&store), (vec![2, 3], 1));
        run(&store, |rows| mailbox::ack(rows, hash(1), Sequence(1))).await.unwrap();
        for byte in 4..6 {
            deposit(&store, byte).await;
        }
        assert_eq!(seen(&store), (vec![2, 3, 4, 5], 0), "bit {bit}");
    }
}

/// A file of which a range cannot be read, from one look at it to another.
#[derive(Clone, Debug, Default)]
struct Worn(Arc<Mutex<Vec<u8>>>, Arc<Mutex<(Range<u64>, Range<u32>)>>);

impl Worn {
    fn cannot_read(&self, range: Range<u64>, looks: Range<u32>) {
        *self.1.lock().unwrap() = (range, looks);
    }

    /// Whether this look fails.
    fn looked(&self, offset: u64, length: u64) -> bool {
        let (bad, looks) = &mut *self.1.lock().unwrap();
        if offset >= bad.end || offset + length <= bad.start {
            return false;
        }
        let fails = looks.start == 0 && looks.end > 0;
        (looks.start, looks.end) = (looks.start.saturating_sub(1), looks.end.saturating_sub(1));
        fails
    }
}

impl StorageBackend for Worn {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.lock().unwrap().len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let (from, length) = (usize::try_from(offset).unwrap(), out.len() as u64);
        if self.looked(offset, length) {
            return Err(io::Error::from_raw_os_error(5));
        }
        let content = self.0.lock().unwrap();
        out.copy_from_slice(content.get(from..from + out.len()).ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        self.0.lock().unwrap().resize(usize::try_from(length).unwrap(), 0);
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }

    fn write(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let (mut content, from) = (self.0.lock().unwrap(), usize::try_from(offset).unwrap());
        let length = content.len().max(from + bytes.len());
        content.resize(length, 0);
        content[from..from + bytes.len()].copy_from_slice(bytes);
        Ok(())
    }
}

#[tokio::test]
async fn a_sector_that_cannot_be_read_costs_one_envelope_and_stops_nothing() {
    let (rows, beside) = (Worn::default(), Worn::default());
    let store = DiskStore::open_on(rows, beside.clone(), conformance::LIMITS).unwrap();
    fill(&store).await;
    beside.cannot_read(2 * SLOT_BYTES as u64 + 5_000..2 * SLOT_BYTES as u64 + 5_512, 0..u32::MAX);
    assert_eq!(seen(&store), (vec![1, 2], 1));
    // It cannot be moved either, and is not lost by that.
    for sequence in [1, 2] {
        run(&store, move |rows| mailbox::ack(rows, hash(1), Sequence(sequence))).await.unwrap();
    }
    store.compact(0);
    deposit(&store, 4).await;
    assert_eq!(seen(&store), (vec![4], 1));
    beside.cannot_read(0..0, 0..0);
    assert_eq!(seen(&store), (vec![3, 4], 0));
    // What is over goes without being read, and so does a mailbox.
    beside.cannot_read(0..1 << 40, 0..u32::MAX);
    deposit(&store, 5).await;
    run(&store, |rows| mailbox::retire(rows, hash(1), TODAY, &LIMITS)).await.unwrap();
    assert!(!store.failed().is_cancelled());
}

#[tokio::test]
async fn where_rows_cannot_be_counted_a_relay_starts_and_uses_no_slot_again() {
    let (rows, beside) = (Worn::default(), Worn::default());
    let limits = DiskLimits { cache_bytes: 0, ..conformance::LIMITS };
    let store = DiskStore::open_on(rows.clone(), beside.clone(), limits).unwrap();
    fill(&store).await;
    run(&store, |rows| {
        // Enough that the tree has leaves of its own for them.
        (0..300_u32).try_for_each(|key| {
            rows.put(Table::Envelopes, &[&[0xee; 36][..], &key.to_be_bytes()].concat(), &[7; 16_072])
        })?;
        Ok(())
    })
    .await
    .unwrap();
    run(&store, |rows| mailbox::ack(rows, hash(1), Sequence(2))).await.unwrap();
    drop(store);
    let content = rows.0.lock().unwrap().clone();
    let leaf = content.chunks(4_096).rposition(|page| page.windows(36).any(|some| some == [0xee; 36])).unwrap() as u64;
    let slots = beside.0.lock().unwrap().len().div_ceil(SLOT_BYTES);
    let mut uncounted = 0;
    // One look at it fails: while the tree is opened, while its rows are counted, or later.
    for look in 0..8 {
        *rows.0.lock().unwrap() = content.clone();
        beside.0.lock().unwrap().truncate(slots * SLOT_BYTES);
        rows.cannot_read(leaf * 4_096..(leaf + 1) * 4_096, look..look + 1);
        let Ok(store) = DiskStore::open_on(rows.clone(), beside.clone(), limits) else { continue };
        deposit(&store, 9).await;
        deposit(&store, 8).await;
        assert_eq!(seen(&store), (vec![1, 3, 4, 5], 0), "look {look}");
        drop(store);
        uncounted += u32::from(beside.0.lock().unwrap().len().div_ceil(SLOT_BYTES) > slots + 1);
    }
    assert_eq!(uncounted, 1);
}

/// A relay refused mail that it had room for, until somebody acked.
#[tokio::test]
async fn slots_that_a_reader_held_are_free_after_any_step() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(filled(&folder.path().join("rows.redb")).await);
    let ((begun, has_begun), (ended, has_ended)) = (mpsc::channel(), mpsc::channel::<()>());
    let reader = thread::spawn({
        let store = Arc::clone(&store);
        move || {
            store.read(&mut |_| {
                begun.send(()).unwrap();
                has_ended.recv().unwrap();
                Ok(())
            })
        }
    });
    has_begun.recv().unwrap();
    run(store.as_ref(), |rows| mailbox::retire(rows, hash(1), TODAY, &LIMITS)).await.unwrap();
    let unused = |store: &DiskStore| store.space().unwrap().unused_bytes();
    let before = unused(&store);
    ended.send(()).unwrap();
    reader.join().unwrap().unwrap();
    run(store.as_ref(), |rows| Ok(rows.get(Table::Drops, b"nothing")?.is_some())).await.unwrap();
    // The answer comes after it.
    assert!(unused(&store) >= before + 3 * SLOT_BYTES as u64);
}

#[tokio::test]
async fn what_is_taken_is_known_from_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.redb");
    let used = filled(&path).await.space().unwrap().used_bytes;
    for _ in 0..20 {
        assert_eq!(open(&path).space().unwrap().used_bytes, used);
    }
}

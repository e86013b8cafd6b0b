//! Unused space goes back to the file system while the store goes on, and no row is lost on the way.

use std::{
    collections::BTreeSet,
    os::unix::fs::MetadataExt as _,
    path::Path,
    sync::{Arc, mpsc},
    thread,
    time::{Duration, Instant},
};

use lightproof_wire::limits::ENVELOPE_BYTES;

use super::run;
use crate::store::{RawRow, Store, Table, conformance::LIMITS, disk::DiskStore, each, look, memory::MemoryStore};

/// More than the least that is worth it.
const MANY: u32 = 3_000;

fn rows(store: &dyn Store) -> Vec<(Table, RawRow)> {
    let mut all = Vec::new();
    for table in Table::ALL {
        look(store, |rows| {
            each(rows, table, |key, value| {
                all.push((table, (key.to_vec(), value.to_vec())));
                Ok(())
            })
        })
        .unwrap();
    }
    all
}

/// The same change of one row on every store.
async fn change(stores: &[&dyn Store], table: Table, key: u32, value: Option<Vec<u8>>) {
    for store in stores {
        let value = value.clone();
        run(*store, move |rows| match value {
            Some(value) => Ok(rows.put(table, &key.to_be_bytes(), &value)?),
            None => Ok(rows.remove(table, &key.to_be_bytes()).map(|_| ())?),
        })
        .await
        .unwrap();
    }
}

/// A store of which nearly everything was removed again, in the tree and in the slots, and its reference.
async fn emptied(path: &Path) -> (DiskStore, MemoryStore) {
    let (disk, memory) = (DiskStore::open(path, LIMITS).unwrap(), MemoryStore::default());
    for store in [&disk as &dyn Store, &memory] {
        for from in (0..MANY).step_by(100) {
            run(store, move |rows| {
                for key in from..from + 100 {
                    rows.put(Table::Envelopes, &key.to_be_bytes(), &[key.to_be_bytes()[3]; ENVELOPE_BYTES])?;
                    rows.put(Table::Drops, &key.to_be_bytes(), &[6; 14_000])?;
                }
                Ok(())
            })
            .await
            .unwrap();
        }
        run(store, |rows| {
            for key in (0..MANY).filter(|key| key % 10 != 0) {
                rows.remove(Table::Envelopes, &key.to_be_bytes())?;
                rows.put(Table::Drops, &key.to_be_bytes(), &key.to_be_bytes())?;
            }
            Ok(())
        })
        .await
        .unwrap();
    }
    (disk, memory)
}

#[tokio::test]
async fn a_file_that_is_mostly_unused_shrinks_while_rows_come_and_go() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.redb");
    let (disk, memory) = emptied(&path).await;
    let before = disk.space().unwrap();
    assert!(before.unused_bytes() > before.file_bytes / 2, "{before:?}");
    disk.compact(0);
    let (mut key, mut waits, began) = (0, Vec::new(), Instant::now());
    while disk.space().unwrap().file_bytes > before.file_bytes / 3 {
        assert!(began.elapsed() < Duration::from_secs(60), "it never ends");
        // Before, at and behind the place that is being copied, in every table that has rows.
        key = (key + 617) % (MANY * 2);
        let small = (key % 3 > 0).then(|| vec![9; 1_000]);
        let large = (key % 5 == 0).then(|| vec![8; ENVELOPE_BYTES]);
        for (table, value) in [([Table::Drops, Table::Expiry][key as usize % 2], small), (Table::Envelopes, large)] {
            let one = Instant::now();
            change(&[&disk], table, key, value.clone()).await;
            waits.push(one.elapsed());
            change(&[&memory], table, key, value).await;
        }
    }
    let after = disk.space().unwrap();
    assert!(waits.len() > 20, "{} changes met no copy", waits.len());
    assert_eq!(rows(&disk), rows(&memory));
    change(&[&disk, &memory], Table::Drops, 1, Some(vec![1])).await;
    drop(disk);
    let disk = DiskStore::open(&path, LIMITS).unwrap();
    assert_eq!(rows(&disk), rows(&memory));
    let left: BTreeSet<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["rows.bulk", "rows.redb"].map(Into::into).into());
    waits.sort_unstable();
    let (half, longest) = (waits[waits.len() / 2], waits[waits.len() - 1]);
    println!("{before:?} became {after:?}; of {} commits meanwhile half took {half:?}, one {longest:?}", waits.len());
}

#[tokio::test]
async fn a_copy_that_cannot_be_made_leaves_the_store_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.redb");
    let (disk, memory) = emptied(&path).await;
    let before = disk.space().unwrap();
    // No disk has so much room.
    disk.compact(u64::MAX / 2);
    change(&[&disk, &memory], Table::Drops, 1, Some(vec![1])).await;
    drop(disk);
    let disk = DiskStore::open(&path, LIMITS).unwrap();
    // Nor can a file be made where a folder is.
    std::fs::create_dir(folder.path().join("rows.new")).unwrap();
    disk.compact(0);
    for byte in 2..5 {
        change(&[&disk, &memory], Table::Drops, 1, Some(vec![byte])).await;
    }
    assert!(!disk.failed().is_cancelled());
    assert_eq!(rows(&disk), rows(&memory));
    assert!(disk.space().unwrap().file_bytes > before.file_bytes / 10 * 9);
}

#[test]
fn a_copy_that_was_cut_off_is_removed_by_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.redb");
    drop(DiskStore::open(&path, LIMITS).unwrap());
    std::fs::write(folder.path().join("rows.new"), [0; 5_000]).unwrap();
    drop(DiskStore::open(&path, LIMITS).unwrap());
    assert!(!folder.path().join("rows.new").exists());
}

#[test]
fn a_file_in_use_is_said_to_be_in_use() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.redb");
    let _first = DiskStore::open(&path, LIMITS).unwrap();
    assert!(DiskStore::open(&path, LIMITS).err().unwrap().is_in_use());
}

#[tokio::test]
async fn whoever_reads_while_the_files_are_packed_reads_what_was_there() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.redb");
    let (disk, memory) = emptied(&path).await;
    let (disk, before) = (Arc::new(disk), disk_bytes(&path));
    let ((begun, has_begun), (packed, has_packed)) = (mpsc::channel(), mpsc::channel());
    let reader = thread::spawn({
        let disk = Arc::clone(&disk);
        move || {
            look(disk.as_ref(), |rows| {
                begun.send(()).unwrap();
                has_packed.recv().unwrap();
                Ok(rows.range(Table::Envelopes, &[], &[0xff; 8], usize::MAX)?)
            })
        }
    });
    has_begun.recv().unwrap();
    disk.compact(0);
    // Others come in their place, which get none of the slots that are read.
    for key in (0..MANY).step_by(10) {
        change(&[disk.as_ref()], Table::Envelopes, key, Some(vec![1; ENVELOPE_BYTES])).await;
    }
    until(|| disk_bytes(&path) < before / 3);
    packed.send(()).unwrap();
    let there = look(&memory, |rows| Ok(rows.range(Table::Envelopes, &[], &[0xff; 8], usize::MAX)?)).unwrap();
    assert!(reader.join().unwrap() == Ok(there), "other rows than there were");
    change(&[disk.as_ref()], Table::Drops, 1, None).await;
    until(|| disk_bytes(&path.with_extension("bulk")) < before / 3);
}

fn disk_bytes(path: &Path) -> u64 {
    std::fs::metadata(path).unwrap().blocks() * 512
}

fn until(is_so: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < Duration::from_secs(60), "it never ends");
        thread::sleep(Duration::from_millis(5));
    }
}

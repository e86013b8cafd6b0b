//! A backup brings everything back, is what docs/spec/backup.md says, and is used whole or not at all.

use std::{
    fs::{self, File},
    io::Write as _,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    thread,
};

use lightproof_wire::{
    codec::{self, Bytes},
    hash::Digest,
    limits::ENVELOPE_BYTES,
    time::Day,
};
use zeroize::Zeroizing;

use super::{hash, run, scrub as scrubbed};
use crate::{
    backup::{self, BackupError, Contents, Record, Source, verify},
    folder::{Folder, KeptFile},
    mailbox::DropRow,
    scrub::scrub,
    store::{
        Chunks, FileId, Rows, Store, Table,
        conformance::LIMITS,
        disk::DiskStore,
        files::Files,
        look,
        memory::{MemoryChunks, MemoryStore},
        row,
    },
};

const DAY: Day = Day(20_000);

fn written(store: &dyn Store, chunks: &dyn Chunks, kept: &[KeptFile]) -> (Vec<u8>, Contents) {
    let mut out = Vec::new();
    let contents = look(store, |rows| {
        out.clear();
        Ok(backup::write(&Source { rows, chunks, kept, day: DAY }, &mut out, &|| true).unwrap())
    });
    (out, contents.unwrap())
}

fn receipt_key(key: Vec<u8>) -> [KeptFile; 1] {
    [KeptFile { name: "receipt.key", content: Zeroizing::new(key) }]
}

fn everything(store: &dyn Store) -> Vec<Vec<crate::store::RawRow>> {
    let all =
        |rows: &dyn Rows| Table::ALL.iter().map(|table| Ok(rows.range(*table, &[], &[0xff; 128], 9_999)?)).collect();
    look(store, all).unwrap()
}

fn in_file(folder: &Path, bytes: &[u8]) -> File {
    let path = folder.join("backup");
    File::create(&path).unwrap().write_all(bytes).unwrap();
    File::open(path).unwrap()
}

/// It blocks, as the command does.
fn restore(mut backup: File, data: &Path) -> Result<(Contents, Day), BackupError> {
    thread::scope(|scope| scope.spawn(|| backup::restore(&mut backup, data)).join()).unwrap()
}

async fn example() -> (MemoryStore, MemoryChunks, [KeptFile; 1]) {
    let store = MemoryStore::default();
    let chunks = scrubbed::filled(&store).await;
    (store, chunks, receipt_key(vec![5; 32]))
}

#[tokio::test]
async fn what_was_backed_up_is_restored_row_by_row_and_chunk_by_chunk() {
    let (store, chunks, kept) = example().await;
    let (bytes, contents) = written(&store, &chunks, &kept);
    assert_eq!((contents.chunks, contents.missing_blobs), (4, 0));
    assert_eq!(verify(bytes.as_slice()).unwrap(), (contents, DAY));
    let parent = tempfile::tempdir().unwrap();
    let data = parent.path().join("data");
    assert_eq!(restore(in_file(parent.path(), &bytes), &data).unwrap(), (contents, DAY));
    let folder = Folder::open(&data).unwrap();
    let (restored, files) = (DiskStore::open(&folder.rows(), LIMITS).unwrap(), Files::open(&folder.blobs()).unwrap());
    assert_eq!(everything(&restored), everything(&store));
    let report = look(&restored, |rows| scrub(rows, &files, &|| true)).unwrap();
    assert!(report.is_well() && report.blobs == 2, "{report:?}");
    assert_eq!(folder.receipt_key().unwrap().to_bytes(), [5; 32]);
    let mode = |name: &str| fs::metadata(data.join(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("."), mode("rows.redb"), mode("receipt.key")), (0o700, 0o600, 0o600));
    assert!(!folder.is_half_restored());
    run(&restored, |rows| Ok(rows.put(Table::Drops, b"more", b"")?)).await.unwrap();
}

#[tokio::test]
async fn a_backup_with_any_bit_turned_or_any_end_missing_is_refused_before_anything_is_written() {
    let store = MemoryStore::default();
    run(&store, |rows| {
        rows.put(Table::Envelopes, b"key", &[7; 300])?;
        Ok(row::save(rows, &hash(1), &DropRow { owner: hash(2) })?)
    })
    .await
    .unwrap();
    let (bytes, _) = written(&store, &MemoryChunks::default(), &receipt_key(vec![5; 32]));
    let parent = tempfile::tempdir().unwrap();
    let data = parent.path().join("data");
    let mut damaged = 0;
    for bit in 0..bytes.len() * 8 {
        let mut bytes = bytes.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        assert!(verify(bytes.as_slice()).is_err(), "bit {bit}");
        damaged += 1;
    }
    for length in 0..bytes.len() {
        assert!(verify(&bytes[..length]).is_err(), "{length} bytes");
        damaged += 1;
    }
    assert!(verify([bytes.as_slice(), &[0]].concat().as_slice()).is_err());
    let mut wrong = bytes.clone();
    *wrong.last_mut().unwrap() ^= 1;
    let refused = restore(in_file(parent.path(), &wrong), &data);
    assert!(matches!(refused, Err(BackupError::Damaged)));
    assert!(!data.exists(), "something was written");
    assert!(matches!(verify(b"something else, long enough to be one".as_slice()), Err(BackupError::NoBackup)));
    println!("evidence: P13 F7 | {damaged} damaged or cut backups, none of them used | -");
}

#[tokio::test]
async fn a_restore_takes_an_empty_folder_or_one_that_a_restore_has_left_half_done() {
    let (store, chunks, kept) = example().await;
    let (bytes, _) = written(&store, &chunks, &kept);
    let parent = tempfile::tempdir().unwrap();
    let data = parent.path().join("data");
    fs::create_dir(&data).unwrap();
    fs::write(data.join("rows.redb"), b"precious").unwrap();
    fs::set_permissions(&data, fs::Permissions::from_mode(0o755)).unwrap();
    let refused = restore(in_file(parent.path(), &bytes), &data);
    assert!(matches!(refused, Err(BackupError::NotEmpty)));
    assert_eq!(fs::read_dir(&data).unwrap().count(), 1);
    assert_eq!(fs::metadata(&data).unwrap().permissions().mode() & 0o777, 0o755, "refused, and closed to others");
    fs::remove_file(data.join("rows.redb")).unwrap();
    // As a restore that was killed leaves it: the mark, and some of the rest.
    let folder = Folder::open(&data).unwrap();
    drop(folder.begin_restore().unwrap().unwrap());
    fs::write(data.join("receipt.key"), b"half").unwrap();
    fs::create_dir_all(data.join("blobs/00")).unwrap();
    assert!(folder.is_half_restored());
    let config = crate::config::Config::local(data.clone(), ([127, 0, 0, 1], 0).into()).unwrap();
    let started = crate::Relay::start(config).await.map(|_| ());
    assert!(matches!(started, Err(crate::error::RelayError::HalfRestored { .. })), "{started:?}");
    restore(in_file(parent.path(), &bytes), &data).unwrap();
    assert!(!folder.is_half_restored());
    assert_eq!(everything(&DiskStore::open(&folder.rows(), LIMITS).unwrap()), everything(&store));
}

#[tokio::test]
async fn what_cannot_be_read_is_counted_and_the_rest_is_in_the_backup() {
    let (store, chunks, kept) = example().await;
    chunks.remove(FileId([1; 16])).unwrap();
    let (bytes, contents) = written(&store, &chunks, &kept);
    assert_eq!((contents.chunks, contents.missing_blobs), (1, 1));
    assert_eq!(verify(bytes.as_slice()).unwrap().0, contents);
    let stopped = look(&store, |rows| {
        let source = Source { rows, chunks: &chunks, kept: &[], day: DAY };
        Ok(backup::write(&source, &mut Vec::new(), &|| false).map(|_| ()))
    });
    assert!(matches!(stopped.unwrap(), Err(BackupError::Stopped)));
}

#[test]
fn files_that_are_held_stay_until_the_last_hold_ends() {
    let folder = tempfile::tempdir().unwrap();
    let files = Files::open(&folder.path().join("blobs")).unwrap();
    let (held, other) = (FileId([1; 16]), FileId([2; 16]));
    files.write_at(held, 0, b"held").unwrap();
    files.write_at(other, 0, b"other").unwrap();
    let (first, second) = (files.hold(), files.hold());
    files.remove(held).unwrap();
    drop(first);
    assert_eq!(files.read_at(held, 0, 4).unwrap(), b"held");
    drop(second);
    assert!(files.read_at(held, 0, 4).is_err());
    files.remove(other).unwrap();
    assert!(files.list().unwrap().is_empty());
}

#[tokio::test]
async fn a_backup_is_byte_for_byte_what_the_specification_shows() {
    let store = MemoryStore::default();
    run(&store, |rows| Ok(row::save(rows, &hash(1), &DropRow { owner: hash(2) })?)).await.unwrap();
    let kept = receipt_key((0x10..0x30).collect());
    let (small, _) = written(&store, &MemoryChunks::default(), &kept);
    run(&store, |rows| Ok(rows.put(Table::Envelopes, &[3; 40], &[4; ENVELOPE_BYTES])?)).await.unwrap();
    let (large, _) = written(&store, &MemoryChunks::default(), &kept);
    let bytes = Bytes::new((0..5).collect()).unwrap();
    let chunk = codec::encode(&Record::Chunk { file: FileId([9; 16]), offset: 65_536, bytes });
    let digest = |bytes: &[u8]| format!("sha256:{}", hex::encode(Digest::of(bytes).as_bytes()));
    let found = [
        format!("backup.one_row = {}", hex::encode(small)),
        format!("backup.an_envelope = {}", digest(&large)),
        format!("record.chunk = {}", hex::encode(chunk)),
    ];
    let vectors = include_str!("../../../docs/spec/vectors/backup.txt");
    let frozen: Vec<_> = vectors.lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(frozen, found);
}

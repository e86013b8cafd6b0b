//! What every store must do, run against all of them.

use std::{fs::Permissions, io::ErrorKind, os::unix::fs::PermissionsExt as _, path::Path, sync::Arc};

use lightproof_wire::refusal::Refusal;

use super::{
    Chunks, FileId, RuleError, Store, StoreUnavailable, SyncError, Table, commit,
    disk::{DiskLimits, DiskStore},
    files::Files,
    look,
    memory::{MemoryChunks, MemoryStore},
};
use crate::folder::Folder;

pub(crate) const LIMITS: DiskLimits = DiskLimits { cache_bytes: 1 << 20, queue_length: 1_024 };

/// Runs a test on every store.
pub(crate) async fn on_every_store<F: Future<Output = ()>>(test: impl Fn(Arc<dyn Store>) -> F) {
    test(Arc::new(MemoryStore::default())).await;
    let folder = tempfile::tempdir().unwrap();
    test(Arc::new(DiskStore::open(&folder.path().join("rows"), LIMITS).unwrap())).await;
}

fn get(store: &dyn Store, key: &[u8]) -> Option<Vec<u8>> {
    look(store, |rows| Ok(rows.get(Table::Drops, key)?)).unwrap()
}

#[tokio::test]
async fn what_is_committed_is_there_in_order_and_tables_are_apart() {
    on_every_store(async |store| {
        commit(store.as_ref(), |rows| {
            for key in [3_u8, 1, 2, 9] {
                rows.put(Table::Drops, &[key], &[key, key])?;
            }
            rows.put(Table::Blobs, &[2], b"other")?;
            assert!(rows.remove(Table::Drops, &[9])?);
            assert!(!rows.remove(Table::Drops, &[9])?);
            assert_eq!(rows.get(Table::Drops, &[1])?, Some(vec![1, 1]), "a step sees what it wrote");
            Ok(())
        })
        .await
        .unwrap()
        .into_inner();
        let seen = look(store.as_ref(), |rows| Ok(rows.range(Table::Drops, &[1], &[3], 10)?)).unwrap();
        assert_eq!(seen, vec![(vec![1], vec![1, 1]), (vec![2], vec![2, 2])]);
        let first = look(store.as_ref(), |rows| Ok(rows.range(Table::Drops, &[], &[9], 1)?)).unwrap();
        assert_eq!(first.len(), 1);
        assert_eq!(look(store.as_ref(), |rows| Ok(rows.range(Table::Drops, &[9], &[1], 9)?)).unwrap(), vec![]);
        assert_eq!(get(store.as_ref(), &[9]), None);
    })
    .await;
}

/// Envelopes lie in two parts, and one that was damaged when it was backed up may be of any length.
#[tokio::test]
async fn a_row_of_any_length_comes_back_as_it_was_put() {
    on_every_store(async |store| {
        for table in Table::ALL {
            for length in [0_usize, 1, 4, 5, 15_999, 16_000, 16_001, 16_072] {
                let value = vec![length.to_le_bytes()[0]; length];
                let put = value.clone();
                let step = commit(store.as_ref(), move |rows| Ok(rows.put(table, b"k", &put)?));
                step.await.unwrap().into_inner();
                let (got, all) =
                    look(store.as_ref(), |rows| Ok((rows.get(table, b"k")?, rows.range(table, &[], &[0xff; 9], 9)?)))
                        .unwrap();
                assert_eq!((got, all), (Some(value.clone()), vec![(b"k".to_vec(), value)]), "{table:?}, {length}");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_refused_step_answers_and_the_next_still_commits() {
    on_every_store(async |store| {
        let refused: Result<_, _> = commit::<()>(store.as_ref(), |_| Err(RuleError::Refused(Refusal::QuotaFull))).await;
        assert_eq!(refused.unwrap_err(), RuleError::Refused(Refusal::QuotaFull));
        commit(store.as_ref(), |rows| Ok(rows.put(Table::Drops, b"k", b"v")?)).await.unwrap().into_inner();
        assert_eq!(get(store.as_ref(), b"k"), Some(b"v".to_vec()));
        assert!(!store.failed().is_cancelled());
    })
    .await;
}

#[tokio::test]
async fn after_a_failed_step_nothing_is_answered() {
    on_every_store(async |store| {
        let failed = commit::<()>(store.as_ref(), |_| Err(StoreUnavailable::because("torn").into())).await;
        assert!(matches!(failed, Err(RuleError::Unavailable(_))));
        store.failed().cancelled().await;
    })
    .await;
}

#[tokio::test]
async fn a_panic_in_the_writer_acknowledges_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows");
    let store = DiskStore::open(&path, LIMITS).unwrap();
    let torn = commit::<()>(&store, |rows| {
        rows.put(Table::Drops, b"half", b"")?;
        panic!("planted")
    });
    assert!(torn.await.is_err());
    store.failed().cancelled().await;
    drop(store);
    let store = DiskStore::open(&path, LIMITS).unwrap();
    assert_eq!(get(&store, b"half"), None);
}

#[tokio::test]
async fn a_panic_in_the_writer_answers_none_of_its_batch() {
    let folder = tempfile::tempdir().unwrap();
    let store = DiskStore::open(&folder.path().join("rows"), LIMITS).unwrap();
    let (begun, has_begun) = std::sync::mpsc::channel();
    let (go, wait) = std::sync::mpsc::channel::<()>();
    // It holds the writer in a commit of its own until the others wait behind it: they share the next one.
    let held = commit(&store, move |_| {
        let _ = begun.send(());
        let _ = wait.recv();
        Ok(())
    });
    let others = async {
        has_begun.recv().unwrap();
        let first = commit(&store, |rows| Ok(rows.put(Table::Drops, b"k", b"v")?));
        let torn = commit::<()>(&store, |_| panic!("planted"));
        futures_util::future::join3(first, torn, async { go.send(()).unwrap() }).await
    };
    let (held, (first, torn, ())) = futures_util::future::join(held, others).await;
    assert!(held.is_ok() && first.is_err() && torn.is_err(), "answered before the commit");
}

#[tokio::test]
async fn concurrent_steps_each_see_the_ones_before() {
    on_every_store(async |store| {
        let add = |store: Arc<dyn Store>| async move {
            commit(store.as_ref(), |rows| {
                let count = rows.get(Table::Totals, b"n")?.map_or(0, |bytes| bytes[0]);
                rows.put(Table::Totals, b"n", &[count + 1])?;
                Ok(count + 1)
            })
            .await
            .unwrap()
            .into_inner()
        };
        let all: Vec<_> = (0..100).map(|_| tokio::spawn(add(Arc::clone(&store)))).collect();
        let mut seen = Vec::new();
        for one in all {
            seen.push(one.await.unwrap());
        }
        seen.sort_unstable();
        assert_eq!(seen, (1..=100).collect::<Vec<_>>());
    })
    .await;
}

#[test]
fn a_first_start_that_was_cut_off_is_begun_anew() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.redb");
    // What a power cut leaves of a file that has its length and nothing else yet.
    std::fs::write(folder.path().join("rows.new"), [0; 50_000]).unwrap();
    drop(DiskStore::open(&path, LIMITS).unwrap());
    drop(DiskStore::open(&path, LIMITS).unwrap());
    // Under its own name such a file may be a damaged store: it is left alone.
    std::fs::write(&path, [0; 50_000]).unwrap();
    assert!(DiskStore::open(&path, LIMITS).is_err());
    assert_eq!(std::fs::read(&path).unwrap(), [0; 50_000]);
}

#[test]
fn a_store_has_its_name_only_once_it_is_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.redb");
    // It cannot be made where it is made first.
    std::fs::create_dir(folder.path().join("rows.new")).unwrap();
    assert!(DiskStore::open(&path, LIMITS).is_err());
    assert!(!path.exists());
}

#[test]
fn a_file_that_is_not_there_was_not_tried_to_sync() {
    let folder = tempfile::tempdir().unwrap();
    let files = Files::open(&folder.path().join("blobs")).unwrap();
    assert!(
        matches!(files.sync(FileId([7; 16])), Err(SyncError::NotTried(error)) if error.kind() == ErrorKind::NotFound)
    );
}

#[test]
fn rows_and_their_folder_are_private_even_where_they_were_not() {
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let parent = tempfile::tempdir().unwrap();
    let root = parent.path().join("data");
    std::fs::create_dir(&root).unwrap();
    std::fs::set_permissions(&root, Permissions::from_mode(0o755)).unwrap();
    let rows = Folder::open(&root).unwrap().rows();
    drop(DiskStore::open(&rows, LIMITS).unwrap());
    for file in [&rows, &rows.with_extension("bulk")] {
        assert_eq!((mode(&root), mode(file)), (0o700, 0o600));
        std::fs::set_permissions(file, Permissions::from_mode(0o644)).unwrap();
        drop(DiskStore::open(&rows, LIMITS).unwrap());
        assert_eq!(mode(file), 0o600);
    }
}

#[test]
fn chunks_come_back_from_their_offsets() {
    let folder = tempfile::tempdir().unwrap();
    let files = Files::open(&folder.path().join("blobs")).unwrap();
    let all: [&dyn Chunks; 2] = [&MemoryChunks::default(), &files];
    for chunks in all {
        let file = FileId([7; 16]);
        assert_eq!(chunks.read_at(file, 0, 1).unwrap_err().kind(), ErrorKind::NotFound);
        chunks.write_at(file, 4, b"late").unwrap();
        chunks.write_at(file, 0, b"soon").unwrap();
        chunks.sync(file).unwrap();
        assert_eq!(chunks.read_at(file, 2, 4).unwrap(), b"onla");
        assert_eq!(chunks.read_at(file, 6, 4).unwrap_err().kind(), ErrorKind::UnexpectedEof);
        assert_eq!(chunks.list().unwrap(), vec![file]);
        chunks.remove(file).unwrap();
        chunks.remove(file).unwrap();
        assert_eq!(chunks.list().unwrap(), vec![]);
        assert!(chunks.free_bytes().unwrap() > 0);
    }
}

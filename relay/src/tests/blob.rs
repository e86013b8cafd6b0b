use lightproof_wire::{
    blob::{BlobShape, ChunkBitmap, ChunkClass},
    command::Readers,
    id::ChunkIndex,
    refusal::Refusal,
    time::Day,
};

use super::{LIMITS, TODAY, hash, run, sweep};
use crate::{
    blob::{self, Opening},
    limits::{Limits, Made, Space},
    store::{Chunks as _, FileId, RuleError, Store, conformance::on_every_store, look, memory::MemoryChunks},
    upload::{SyncDue, Uploads},
};

const REFUSED: RuleError = RuleError::Refused(Refusal::Refused);
const FILE: FileId = FileId([9; 16]);
const CHUNK: usize = 65_536;

fn shape(count: u32) -> BlobShape {
    BlobShape::new(ChunkClass::Small, count).unwrap()
}

async fn open(store: &dyn Store, write: u8, readers: &[u8], count: u32, keep_days: u16) -> Result<Made, RuleError> {
    let readers = readers.iter().map(|byte| hash(*byte)).collect();
    let opening = Opening { write: hash(write), readers, shape: shape(count), keep_days, file: FILE, access: None };
    run(store, move |rows| blob::open(rows, opening, TODAY, &LIMITS)).await
}

async fn commit(store: &dyn Store) -> Result<(), RuleError> {
    run(store, |rows| blob::commit(rows, hash(1))).await
}

async fn release(store: &dyn Store, read: u8) -> Result<Option<FileId>, RuleError> {
    run(store, move |rows| blob::release(rows, hash(read), TODAY, &LIMITS)).await
}

async fn revoke(store: &dyn Store, readers: Readers) -> Result<Option<FileId>, RuleError> {
    run(store, move |rows| blob::revoke(rows, hash(1), readers, TODAY, &LIMITS)).await
}

fn read(store: &dyn Store, read: u8, index: u32) -> Result<(FileId, u64, u32), RuleError> {
    look(store, |rows| blob::read(rows, &hash(read), ChunkIndex(index)))
}

#[tokio::test]
async fn a_blob_is_readable_only_after_its_commit_and_until_released() {
    on_every_store(async |store| {
        let store = store.as_ref();
        open(store, 1, &[2, 3], 2, 10).await.unwrap();
        assert_eq!(read(store, 2, 0), Err(REFUSED));
        assert_eq!(release(store, 2).await, Err(REFUSED));
        commit(store).await.unwrap();
        commit(store).await.unwrap();
        assert_eq!(read(store, 2, 1), Ok((FILE, CHUNK as u64, ChunkClass::Small.sealed_bytes())));
        assert_eq!(read(store, 2, 2), Err(RuleError::Refused(Refusal::TooLarge)));
        assert_eq!(release(store, 2).await, Ok(None));
        assert_eq!(release(store, 2).await, Ok(None), "repeated");
        assert_eq!(read(store, 2, 0), Err(REFUSED));
        read(store, 3, 0).unwrap();
        assert_eq!(release(store, 3).await, Ok(Some(FILE)), "the last reader");
        assert_eq!(release(store, 3).await, Ok(None));
        assert_eq!(open(store, 1, &[7], 2, 10).await, Err(REFUSED), "never again");
        assert_eq!(open(store, 7, &[2], 2, 10).await, Err(REFUSED));
        assert_eq!(revoke(store, Readers::All).await, Err(REFUSED), "released, not revoked");
        assert_eq!(revoke(store, Readers::One(hash(3))).await, Ok(None));
    })
    .await;
}

/// A smaller allowance a day makes `blob_bytes` smaller, too.
#[tokio::test]
async fn a_blob_that_is_there_is_opened_again_under_a_smaller_limit_and_no_other_is() {
    const SMALLER: Limits = Limits { blob_bytes: CHUNK as u64, ..LIMITS };
    on_every_store(async |store| {
        let store = store.as_ref();
        open(store, 1, &[2], 2, 10).await.unwrap();
        commit(store).await.unwrap();
        let again = async |write, read, keep_days| {
            let (readers, shape) = (vec![hash(read)], shape(2));
            let opening = Opening { write: hash(write), readers, shape, keep_days, file: FILE, access: None };
            run(store, move |rows| blob::open(rows, opening, TODAY, &SMALLER)).await
        };
        assert_eq!(again(1, 2, 10).await, Ok(Made::Before));
        assert_eq!(again(1, 2, 46).await, Err(RuleError::Refused(Refusal::TooLarge)), "too long is too long");
        assert_eq!(again(3, 4, 10).await, Err(RuleError::Refused(Refusal::TooLarge)));
    })
    .await;
}

#[tokio::test]
async fn revoking_ends_one_reader_or_all_and_may_be_repeated() {
    on_every_store(async |store| {
        let store = store.as_ref();
        open(store, 1, &[2, 3], 2, 10).await.unwrap();
        commit(store).await.unwrap();
        assert_eq!(revoke(store, Readers::One(hash(2))).await, Ok(None));
        assert_eq!(revoke(store, Readers::One(hash(2))).await, Ok(None));
        assert_eq!(revoke(store, Readers::One(hash(8))).await, Err(REFUSED));
        assert_eq!(release(store, 2).await, Err(REFUSED), "a revoked reader has nothing to release");
        assert_eq!(revoke(store, Readers::All).await, Ok(Some(FILE)));
        assert_eq!(revoke(store, Readers::All).await, Ok(None));
        assert_eq!(revoke(store, Readers::One(hash(2))).await, Ok(None));
        assert_eq!(read(store, 3, 0), Err(REFUSED));
    })
    .await;
}

#[tokio::test]
async fn opening_again_moves_the_last_day_and_changes_nothing_else() {
    on_every_store(async |store| {
        let store = store.as_ref();
        let too_large = Err(RuleError::Refused(Refusal::TooLarge));
        assert_eq!(open(store, 1, &[2], 2, 46).await, too_large);
        open(store, 1, &[2], 2, 10).await.unwrap();
        open(store, 1, &[2], 2, 20).await.unwrap();
        open(store, 1, &[2], 2, 5).await.unwrap();
        assert_eq!(open(store, 1, &[2], 4, 10).await, Err(REFUSED));
        assert_eq!(open(store, 1, &[3], 2, 10).await, Err(REFUSED));
        commit(store).await.unwrap();
        assert_eq!(sweep(store, TODAY.plus(20)).await.files, vec![]);
        assert_eq!(sweep(store, TODAY.plus(21)).await.files, vec![FILE]);
        assert_eq!(release(store, 2).await, Err(REFUSED), "expired is not released");
        let full = Err(RuleError::Refused(Refusal::QuotaFull));
        assert_eq!(open(store, 4, &[5], 18, 5).await, full, "1 MiB in all");
        open(store, 4, &[5], 16, 5).await.unwrap();
        assert_eq!(open(store, 6, &[7], 1, 5).await, full);
    })
    .await;
}

#[tokio::test]
async fn an_idle_upload_goes_without_a_tombstone() {
    on_every_store(async |store| {
        let store = store.as_ref();
        open(store, 1, &[2], 2, 10).await.unwrap();
        let mut synced = ChunkBitmap::empty(2);
        synced.insert(ChunkIndex(1));
        let record = |day: Day| run(store, move |rows| blob::record(rows, hash(1), synced, day));
        record(TODAY.plus(2)).await.unwrap();
        assert_eq!(sweep(store, TODAY.plus(5)).await.files, vec![]);
        assert_eq!(sweep(store, TODAY.plus(6)).await.files, vec![FILE]);
        open(store, 1, &[2], 2, 10).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn an_upload_without_a_chunk_goes_soon_however_often_it_is_opened() {
    on_every_store(async |store| {
        let store = store.as_ref();
        open(store, 1, &[2], 2, 10).await.unwrap();
        let again = Opening {
            write: hash(1),
            readers: vec![hash(2)],
            shape: shape(2),
            keep_days: 10,
            file: FILE,
            access: None,
        };
        run(store, move |rows| blob::open(rows, again, TODAY.plus(1), &LIMITS)).await.unwrap();
        assert_eq!(sweep(store, TODAY.plus(1)).await.files, vec![]);
        assert_eq!(sweep(store, TODAY.plus(2)).await.files, vec![FILE]);
    })
    .await;
}

#[tokio::test]
async fn without_room_a_blob_is_opened_again_but_none_anew() {
    const FULL: Limits = Limits { space: Space::None, ..LIMITS };
    on_every_store(async |store| {
        let store = store.as_ref();
        open(store, 1, &[2], 2, 10).await.unwrap();
        let open = |write, keep_days| {
            let readers = vec![hash(write + 1)];
            let opening = Opening { write: hash(write), readers, shape: shape(2), keep_days, file: FILE, access: None };
            run(store, move |rows| blob::open(rows, opening, TODAY, &FULL))
        };
        open(1, 20).await.unwrap();
        assert_eq!(look(store, |rows| blob::written(rows, &hash(1))).unwrap().expires, TODAY.plus(20));
        assert_eq!(open(5, 10).await, Err(RuleError::Refused(Refusal::QuotaFull)));
    })
    .await;
}

#[tokio::test]
async fn chunks_come_in_any_order_and_only_synced_ones_survive_a_crash() {
    on_every_store(async |store| {
        let store = store.as_ref();
        let (chunks, uploads) = (MemoryChunks::default(), Uploads::default());
        open(store, 1, &[2], 4, 10).await.unwrap();
        let find = |uploads: &Uploads| uploads.find(store, hash(1)).unwrap().unwrap();
        let upload = find(&uploads);
        let put = |index, byte: u8| upload.put(&chunks, ChunkIndex(index), &[byte; CHUNK]);
        assert_eq!(put(3, 3), Ok(SyncDue::Later));
        assert_eq!(put(3, 3), Ok(SyncDue::Later), "the same bytes");
        assert_eq!(put(3, 4), Err(REFUSED), "other bytes");
        assert_eq!(put(4, 0), Err(RuleError::Refused(Refusal::TooLarge)));
        assert_eq!(upload.put(&chunks, ChunkIndex(0), &[0; 5]), Err(RuleError::Refused(Refusal::Malformed)));
        assert_eq!(upload.seal(&chunks), Err(REFUSED), "incomplete");
        let synced = upload.sync(&chunks).unwrap();
        run(store, move |rows| blob::record(rows, hash(1), synced.chunks, TODAY)).await.unwrap();
        put(0, 0).unwrap();
        assert_eq!(upload.present().missing().count(), 2);
        let after_crash = find(&Uploads::default());
        assert_eq!(after_crash.present().missing().map(|it| it.0).collect::<Vec<_>>(), vec![0, 1, 2]);
        put(1, 1).unwrap();
        put(2, 2).unwrap();
        upload.seal(&chunks).unwrap();
        assert_eq!(put(0, 0), Err(RuleError::Refused(Refusal::Busy)), "being committed");
        commit(store).await.unwrap();
        assert!(uploads.find(store, hash(1)).unwrap().is_none());
        assert_eq!(chunks.read_at(FILE, 2 * CHUNK as u64, 1).unwrap(), vec![2]);
    })
    .await;
}

//! Uploads on a disk that is full, out of descriptors, or broken.

use std::{
    io,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use lightproof_wire::{
    blob::{BlobShape, ChunkClass},
    command::Readers,
    id::ChunkIndex,
    refusal::Refusal,
    time::Timestamp,
};
use rustix::io::Errno;
use tokio_util::sync::CancellationToken;

use super::{LIMITS, TODAY, hash, run};
use crate::{
    Relay,
    blob::{self, Opening, WriteHash},
    config::Config,
    limits::Space,
    room::Room,
    store::{
        Chunks, FileId, Overloaded, Rows, RuleError, Step, Store, SyncError,
        memory::{MemoryChunks, MemoryStore},
    },
    upload::{Upload, Uploads},
};

const FILE: FileId = FileId([9; 16]);
const CHUNK: usize = 65_536;
const MIB: u64 = 1_048_576;
const REFUSED: RuleError = RuleError::Refused(Refusal::Refused);

/// A disk whose next sync comes to what the test says, and that counts.
#[derive(Default)]
pub(super) struct Disk {
    memory: MemoryChunks,
    next_sync: Mutex<Option<SyncError>>,
    sync_count: AtomicU64,
    pub(super) free_bytes: AtomicU64,
}

impl Disk {
    fn next_sync(&self, error: SyncError) {
        *self.next_sync.lock().unwrap() = Some(error);
    }
}

impl Chunks for Disk {
    fn write_at(&self, file: FileId, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.memory.write_at(file, offset, bytes)
    }
    fn read_at(&self, file: FileId, offset: u64, length: usize) -> io::Result<Vec<u8>> {
        self.memory.read_at(file, offset, length)
    }
    fn sync(&self, _: FileId) -> Result<(), SyncError> {
        self.sync_count.fetch_add(1, Ordering::SeqCst);
        self.next_sync.lock().unwrap().take().map_or(Ok(()), Err)
    }
    fn remove(&self, file: FileId) -> io::Result<()> {
        self.memory.remove(file)
    }
    fn list(&self) -> io::Result<Vec<FileId>> {
        self.memory.list()
    }
    fn free_bytes(&self) -> io::Result<u64> {
        Ok(self.free_bytes.load(Ordering::SeqCst))
    }
}

async fn open(store: &dyn Store) {
    let shape = BlobShape::new(ChunkClass::Small, 3).unwrap();
    let opening = Opening { write: hash(1), readers: vec![hash(2)], shape, keep_days: 5, file: FILE, access: None };
    run(store, move |rows| blob::open(rows, opening, TODAY, &LIMITS)).await.unwrap();
}

async fn begun(store: &dyn Store, uploads: &Uploads) -> Arc<Upload> {
    open(store).await;
    uploads.find(store, hash(1)).unwrap().unwrap()
}

#[tokio::test]
async fn a_file_that_cannot_be_opened_now_is_synced_later() {
    let (store, uploads, disk) = (MemoryStore::default(), Uploads::default(), Disk::default());
    let upload = begun(&store, &uploads).await;
    let put = |index| upload.put(&disk, ChunkIndex(index), &[1; CHUNK]).map(|_| ());
    put(0).unwrap();
    disk.next_sync(SyncError::NotTried(Errno::MFILE.into()));
    assert_eq!(upload.sync(&disk), Err(RuleError::Refused(Refusal::Busy)));
    disk.next_sync(SyncError::NotTried(io::ErrorKind::NotFound.into()));
    assert_eq!(upload.sync(&disk), Err(REFUSED));
    assert_eq!(uploads.unsynced().len(), 1, "still to be done");
    put(1).unwrap();
    put(2).unwrap();
    disk.next_sync(SyncError::NotTried(Errno::NFILE.into()));
    assert_eq!(upload.seal(&disk), Err(RuleError::Refused(Refusal::Busy)));
    put(0).expect("not closed by a commit that was turned away");
    upload.recorded(&upload.sync(&disk).unwrap());
    assert!(upload.is_recorded());
    upload.seal(&disk).unwrap();
}

#[tokio::test]
async fn after_a_sync_that_failed_no_later_one_is_believed() {
    let (store, uploads, disk) = (MemoryStore::default(), Uploads::default(), Disk::default());
    let upload = begun(&store, &uploads).await;
    for index in 0..3 {
        upload.put(&disk, ChunkIndex(index), &[1; CHUNK]).unwrap();
    }
    disk.next_sync(SyncError::Failed(Errno::IO.into()));
    assert!(matches!(upload.sync(&disk), Err(RuleError::Unavailable(_))));
    assert!(matches!(upload.sync(&disk), Err(RuleError::Unavailable(_))));
    assert!(matches!(upload.seal(&disk), Err(RuleError::Unavailable(_))));
    assert_eq!(disk.sync_count.load(Ordering::SeqCst), 1, "not tried again");
}

#[tokio::test]
async fn syncs_that_overlap_forget_no_chunk() {
    let (store, uploads, disk) = (MemoryStore::default(), Uploads::default(), Disk::default());
    let upload = begun(&store, &uploads).await;
    let put = |index| upload.put(&disk, ChunkIndex(index), &[1; CHUNK]).unwrap();
    put(0);
    let (first, second) = (upload.sync(&disk).unwrap(), upload.sync(&disk).unwrap());
    put(1);
    upload.recorded(&first);
    upload.recorded(&second);
    assert!(!upload.is_recorded(), "the same chunk counts once");
    drop(upload);
    let (_, upload) = uploads.unsynced().remove(0);
    assert!(upload.present().contains(ChunkIndex(1)));
    let turn = upload.turn().await;
    let waiting = upload.turn();
    tokio::pin!(waiting);
    assert!(futures_util::poll!(waiting.as_mut()).is_pending(), "one at a time");
    drop(turn);
    let _turn = waiting.await;
}

/// A store on which a revocation comes right after the first look.
struct RevokedBetween {
    store: MemoryStore,
    uploads: Arc<Uploads>,
    done: AtomicBool,
}

impl Store for RevokedBetween {
    fn read(&self, look: &mut dyn FnMut(&dyn Rows) -> Result<(), RuleError>) -> Result<(), RuleError> {
        self.store.read(look)?;
        if !self.done.swap(true, Ordering::SeqCst) {
            let revoke: Step = Box::new(|rows| {
                assert_eq!(blob::revoke(rows, hash(1), Readers::All, TODAY, &LIMITS), Ok(Some(FILE)));
                Ok(Box::new(|| {}))
            });
            self.submit(revoke).unwrap();
            self.uploads.removed(FILE);
        }
        Ok(())
    }
    fn submit(&self, step: Step) -> Result<(), Overloaded> {
        self.store.submit(step)
    }
    fn failed(&self) -> &CancellationToken {
        self.store.failed()
    }
}

#[tokio::test]
async fn a_revoked_upload_does_not_come_back() {
    let uploads = Arc::new(Uploads::default());
    let store = RevokedBetween { store: MemoryStore::default(), uploads: Arc::clone(&uploads), done: true.into() };
    open(&store).await;
    store.done.store(false, Ordering::SeqCst);
    assert_eq!(uploads.find(&store, hash(1)).map(|_| ()), Err(REFUSED));
    let disk = Disk::default();
    open_other(&store).await;
    let upload = uploads.find(&store, hash(5)).unwrap().unwrap();
    uploads.removed(FILE);
    assert_eq!(upload.put(&disk, ChunkIndex(0), &[1; CHUNK]), Err(REFUSED));
    assert_eq!(disk.list().unwrap(), []);
}

async fn open_other(store: &dyn Store) {
    let shape = BlobShape::new(ChunkClass::Small, 3).unwrap();
    let opening = Opening { write: hash(5), readers: vec![hash(6)], shape, keep_days: 5, file: FILE, access: None };
    run(store, move |rows| blob::open(rows, opening, TODAY, &LIMITS)).await.unwrap();
}

#[test]
fn room_is_looked_at_as_it_is_used_up() {
    // Well before the reserve is gone, whatever it is.
    for (reserve_mib, look_mib) in [(1_024, 64), (256, 64), (8, 2)] {
        let (room, disk) = (Room::new(reserve_mib * MIB), Disk::default());
        room.wrote(&disk, (look_mib - 1) * MIB);
        assert_eq!(room.check(), Ok(()), "not looked yet");
        room.wrote(&disk, MIB);
        assert_eq!(room.check(), Err(Refusal::QuotaFull));
        disk.free_bytes.store(reserve_mib * MIB, Ordering::SeqCst);
        room.look(&disk);
        assert!(room.is_there());
    }
}

#[test]
fn holes_in_the_file_of_rows_are_room_for_mail_and_for_no_blob_while_half_the_reserve_is_left() {
    let (room, disk) = (Room::new(10 * MIB), Disk::default());
    let spaces = |free_mib: u64, unused_mib: u64| {
        disk.free_bytes.store(free_mib * MIB, Ordering::SeqCst);
        room.unused(unused_mib * MIB);
        room.look(&disk);
        (room.space(), room.check().is_ok())
    };
    assert_eq!(spaces(10, 0), (Space::ForContacts, true));
    assert_eq!(spaces(9, 0), (Space::None, false));
    assert_eq!(spaces(9, 1), (Space::ForContacts, false));
    assert_eq!(spaces(5, 100), (Space::ForEverybody, false));
    assert_eq!(spaces(4, 100), (Space::None, false), "what the file needs to grow is not given away");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_whose_disk_failed_syncs_and_commits_nothing_more() {
    let folder = tempfile::tempdir().unwrap();
    let config = Config::local(folder.path().to_owned(), ([127, 0, 0, 1], 0).into()).unwrap();
    let (store, disk) = (Arc::new(MemoryStore::default()), Arc::new(Disk::default()));
    let now = Timestamp(u64::from(TODAY.0) * 86_400_000);
    let relay = Relay::start_with(config, Arc::clone(&store) as _, Arc::clone(&disk) as _, Arc::new(move || now));
    let relay = relay.await.unwrap();
    let (service, write): (_, WriteHash) = (Arc::clone(&relay.service), hash(1));
    open(store.as_ref()).await;
    let upload = service.uploads.find(store.as_ref(), write).unwrap().unwrap();
    upload.put(disk.as_ref(), ChunkIndex(0), &[1; CHUNK]).unwrap();
    disk.next_sync(SyncError::Failed(Errno::IO.into()));
    service.sync_upload(write, Arc::clone(&upload)).await;
    relay.failed().await;
    let refused = service.commit(|rows| blob::commit(rows, hash(1))).await;
    assert!(matches!(refused, Err(RuleError::Unavailable(_))));
    drop(service);
    drop(upload);
    relay.shutdown().await;
    assert_eq!(disk.sync_count.load(Ordering::SeqCst), 1, "the drain does not try again");
    let uploads = Uploads::default();
    let recorded = uploads.find(store.as_ref(), write).unwrap().unwrap();
    assert!(!recorded.present().contains(ChunkIndex(0)), "nor does it say so");
}

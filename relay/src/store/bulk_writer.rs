//! A thread of its own writes bulks and syncs them while the writer writes the tree, so that two cores and the disk are busy.
//! They meet where the tree is synced: redb names what is new only after the first sync of a commit.

use std::{
    cell::Cell,
    io,
    ops::Bound,
    sync::{
        Arc,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread::JoinHandle,
};

use redb::{BackendError, StorageBackend};

use super::{StoreUnavailable, bulk::Bulk};

/// Bulks that may wait to be written.
const QUEUE_LENGTH: usize = 64;

enum Job {
    Write(u32, Vec<u8>),
    /// Tells when everything before is written.
    Settle(SyncSender<()>),
    /// Tells how it went with everything since the last sync.
    Sync(SyncSender<io::Result<()>>),
}

/// The thread that writes bulks, and the way to it. Dropped, it waits until the last is written.
pub(super) struct BulkWriter {
    jobs: Option<SyncSender<Job>>,
    thread: Option<JoinHandle<()>>,
    is_unsettled: Cell<bool>,
}

impl BulkWriter {
    pub(super) fn start(bulk: Arc<Bulk>) -> io::Result<Self> {
        let (jobs, queue) = sync_channel(QUEUE_LENGTH);
        let thread = std::thread::Builder::new().name("bulks".to_owned()).spawn(move || work(&bulk, &queue))?;
        Ok(Self { jobs: Some(jobs), thread: Some(thread), is_unsettled: Cell::new(false) })
    }

    pub(super) fn write(&self, slot: u32, bytes: &[u8]) -> Result<(), StoreUnavailable> {
        self.is_unsettled.set(true);
        self.send(Job::Write(slot, bytes.to_vec()))
    }

    /// Waits until all that is to be written can be read.
    pub(super) fn settle(&self) -> Result<(), StoreUnavailable> {
        if self.is_unsettled.replace(false) {
            let (done, is_done) = sync_channel(1);
            self.send(Job::Settle(done))?;
            is_done.recv().map_err(StoreUnavailable::because)?;
        }
        Ok(())
    }

    /// Begins to put everything on disk; how it went will be said.
    pub(super) fn sync(&self) -> Result<Receiver<io::Result<()>>, StoreUnavailable> {
        let (done, is_done) = sync_channel(1);
        self.send(Job::Sync(done))?;
        Ok(is_done)
    }

    fn send(&self, job: Job) -> Result<(), StoreUnavailable> {
        let sent = self.jobs.as_ref().map(|jobs| jobs.send(job).is_ok());
        if sent == Some(true) { Ok(()) } else { Err(StoreUnavailable::because("nobody writes envelopes any more")) }
    }
}

impl Drop for BulkWriter {
    fn drop(&mut self) {
        self.jobs.take();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn work(bulk: &Bulk, queue: &Receiver<Job>) {
    let mut so_far = Ok(());
    for job in queue {
        match job {
            Job::Write(slot, bytes) if so_far.is_ok() => so_far = bulk.write(slot, &bytes),
            Job::Write(..) => {}
            // Whoever asked may be gone: its commit has failed.
            Job::Settle(done) => {
                let _ = done.send(());
            }
            Job::Sync(done) => {
                let synced = std::mem::replace(&mut so_far, Ok(())).and_then(|()| bulk.sync());
                let _ = done.send(synced);
            }
        }
    }
}

/// The medium of a tree, synced only with the bulks that its rows will name.
#[derive(Debug)]
pub(super) struct WithBulk<B> {
    medium: Arc<B>,
    bulk: Arc<Bulk>,
}

impl<B> WithBulk<B> {
    pub(super) const fn new(medium: Arc<B>, bulk: Arc<Bulk>) -> Self {
        Self { medium, bulk }
    }
}

impl<B: StorageBackend> StorageBackend for WithBulk<B> {
    fn sync_data(&self) -> io::Result<()> {
        self.medium.sync_data()?;
        self.bulk.wait_until_synced()
    }

    fn len(&self) -> io::Result<u64> {
        self.medium.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.medium.read(offset, out)
    }

    fn set_len(&self, length_bytes: u64) -> io::Result<()> {
        self.medium.set_len(length_bytes)
    }

    fn write(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.medium.write(offset, bytes)
    }

    fn close(&self) -> io::Result<()> {
        self.medium.close()
    }

    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.medium.try_lock_range(start, end)
    }

    fn try_lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.medium.try_lock_shared_range(start, end)
    }

    fn lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.medium.lock_range(start, end)
    }

    fn lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.medium.lock_shared_range(start, end)
    }

    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.medium.unlock_range(start, end)
    }

    fn query_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.medium.query_lock_range(start, end)
    }
}

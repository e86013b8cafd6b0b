//! Unfinished blobs: which chunks have come, which of them are known to be on disk, one writer per chunk.
//!
//! What has come is in memory. What a sync has covered is in a row, so that after a crash an upload resumes with
//! exactly those chunks. All calls block.

use std::{
    collections::{BTreeSet, HashMap},
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use lightproof_wire::{
    blob::{BlobShape, ChunkBitmap},
    id::ChunkIndex,
    refusal::Refusal,
};
use rustix::io::Errno;

use crate::{
    blob::{self, Phase, UploadRow, WriteHash},
    store::{self, Chunks, FileId, Rows, RuleError, Store, StoreUnavailable, SyncError, row},
};

/// After this much the bytes of an upload are synced and recorded: what a crash can cost.
const SYNC_BYTES: u64 = 32 * 1_048_576;

/// All unfinished blobs that somebody works on.
#[derive(Default)]
pub struct Uploads {
    open: Mutex<HashMap<WriteHash, Arc<Upload>>>,
}

/// One unfinished blob.
pub struct Upload {
    file: FileId,
    shape: BlobShape,
    progress: Mutex<Progress>,
    turn: tokio::sync::Mutex<()>,
}

struct Progress {
    present: ChunkBitmap,
    present_count: u32,
    recorded_count: u32,
    writing: BTreeSet<u32>,
    closed: Closed,
    /// A sync has failed. It stays so: the next one would look fine.
    failed: bool,
}

/// What one sync has put on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Covered {
    /// The chunks, to be recorded.
    pub chunks: ChunkBitmap,
    count: u32,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Closed {
    No,
    Committing,
    Removed,
}

/// Whether it is time to sync.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SyncDue {
    /// Enough bytes have come.
    Now,
    /// Not yet.
    Later,
}

impl Uploads {
    /// The upload of a writer, from memory or from what was recorded; `None` once committed.
    ///
    /// # Errors
    /// [`Refusal::Refused`] without such a blob.
    pub fn find(&self, store: &dyn Store, write: WriteHash) -> Result<Option<Arc<Upload>>, RuleError> {
        let blob = store::look(store, |rows| blob::written(rows, &write))?;
        if blob.phase == Phase::Committed {
            return Ok(None);
        }
        let mut open = lock(&self.open);
        if let Some(upload) = open.get(&write).filter(|upload| upload.file == blob.file) {
            return Ok(Some(Arc::clone(upload)));
        }
        // Looked at again under the lock: a blob that goes after this look is still to be forgotten by `removed`.
        let upload = store::look(store, |rows| resume(rows, write))?.map(Arc::new);
        if let Some(upload) = &upload {
            open.insert(write, Arc::clone(upload));
        }
        Ok(upload)
    }

    /// Forgets an upload that was committed.
    pub fn committed(&self, write: &WriteHash) {
        lock(&self.open).remove(write);
    }

    /// Forgets an upload whose blob is gone; a chunk still being written removes its file again.
    pub fn removed(&self, file: FileId) {
        let mut open = lock(&self.open);
        for upload in open.values().filter(|upload| upload.file == file) {
            lock(&upload.progress).closed = Closed::Removed;
        }
        open.retain(|_, upload| upload.file != file);
    }

    /// Uploads with chunks that are not recorded as on disk. Forgets those that rest and are recorded.
    pub fn unsynced(&self) -> Vec<(WriteHash, Arc<Upload>)> {
        let mut open = lock(&self.open);
        open.retain(|_, upload| Arc::strong_count(upload) > 1 || !upload.is_recorded());
        let due = open.iter().filter(|(_, upload)| !upload.is_recorded());
        due.map(|(write, upload)| (*write, Arc::clone(upload))).collect()
    }
}

impl Upload {
    /// Puts a chunk at its place. The same bytes again are fine.
    ///
    /// # Errors
    /// [`Refusal::Malformed`] for a chunk that is not full, [`Refusal::TooLarge`] beyond the last, [`Refusal::Refused`]
    /// for other bytes than before, [`Refusal::Busy`] while the same chunk is being written, [`Refusal::QuotaFull`]
    /// on a full disk.
    pub fn put(&self, chunks: &dyn Chunks, index: ChunkIndex, bytes: &[u8]) -> Result<SyncDue, RuleError> {
        let offset = self.shape.offset(index).ok_or(Refusal::TooLarge)?;
        if u32::try_from(bytes.len()) != Ok(self.shape.class().sealed_bytes()) {
            return Err(Refusal::Malformed.into());
        }
        if !self.begin(index)? {
            let before = chunks.read_at(self.file, offset, bytes.len()).map_err(|_| Refusal::Internal)?;
            return if before == bytes { Ok(SyncDue::Later) } else { Err(Refusal::Refused.into()) };
        }
        let written = chunks.write_at(self.file, offset, bytes).map_err(|error| match refusal(&error) {
            // Its folder, not the file, which is made here.
            Refusal::Refused => Refusal::Internal,
            refusal => refusal,
        });
        let mut progress = lock(&self.progress);
        progress.writing.remove(&index.0);
        if progress.closed == Closed::Removed {
            let _ = chunks.remove(self.file);
            return Err(Refusal::Refused.into());
        }
        written?;
        let before = self.unrecorded_bytes(&progress);
        progress.present.insert(index);
        progress.present_count = progress.present_count.saturating_add(1);
        // Once per crossing, so that one sync is started and not one per chunk.
        let crossed = before / SYNC_BYTES != self.unrecorded_bytes(&progress) / SYNC_BYTES;
        Ok(if crossed { SyncDue::Now } else { SyncDue::Later })
    }

    /// Claims a chunk; false if it is there already.
    fn begin(&self, index: ChunkIndex) -> Result<bool, RuleError> {
        let mut progress = lock(&self.progress);
        match progress.closed {
            Closed::Removed => return Err(Refusal::Refused.into()),
            Closed::Committing => return Err(Refusal::Busy.into()),
            Closed::No => {}
        }
        if progress.present.contains(index) {
            return Ok(false);
        }
        if progress.writing.insert(index.0) { Ok(true) } else { Err(Refusal::Busy.into()) }
    }

    /// Which chunks have come.
    #[must_use]
    pub fn present(&self) -> ChunkBitmap {
        lock(&self.progress).present.clone()
    }

    /// Waits for the right to sync and record, which one task has at a time.
    pub async fn turn(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.turn.lock().await
    }

    /// Whether every chunk that has come is recorded as on disk.
    #[must_use]
    pub fn is_recorded(&self) -> bool {
        let progress = lock(&self.progress);
        progress.present_count == progress.recorded_count
    }

    /// Puts everything that has come on disk; what that is, to be recorded. Only in one's [`turn`](Self::turn).
    ///
    /// # Errors
    /// [`StoreUnavailable`] if this or an earlier sync failed: the relay must stop. [`Refusal::Refused`] for a file
    /// that is gone, [`Refusal::Busy`] for one that cannot be opened now: nothing has changed.
    pub fn sync(&self, chunks: &dyn Chunks) -> Result<Covered, RuleError> {
        let covered = {
            let progress = lock(&self.progress);
            if progress.failed {
                return Err(StoreUnavailable::because("a sync of this file failed before").into());
            }
            Covered { chunks: progress.present.clone(), count: progress.present_count }
        };
        match chunks.sync(self.file) {
            Ok(()) => Ok(covered),
            Err(error @ SyncError::Failed(_)) => {
                lock(&self.progress).failed = true;
                Err(StoreUnavailable::because(error).into())
            }
            Err(SyncError::NotTried(error)) if error.kind() == io::ErrorKind::NotFound => Err(Refusal::Refused.into()),
            Err(error @ SyncError::NotTried(_)) => {
                tracing::warn!(%error, "an upload is synced later");
                Err(Refusal::Busy.into())
            }
        }
    }

    /// What a sync has covered is in its row now.
    pub fn recorded(&self, covered: &Covered) {
        let mut progress = lock(&self.progress);
        progress.recorded_count = progress.recorded_count.max(covered.count);
    }

    /// Closes a complete upload to further chunks and puts it on disk.
    ///
    /// # Errors
    /// [`Refusal::Refused`] while chunks are missing, [`Refusal::Busy`] for a second commit at the same time; those of
    /// [`sync`](Self::sync), after which it takes chunks as before.
    pub fn seal(&self, chunks: &dyn Chunks) -> Result<(), RuleError> {
        {
            let mut progress = lock(&self.progress);
            if progress.closed == Closed::Committing {
                return Err(Refusal::Busy.into());
            }
            if progress.closed == Closed::Removed || !progress.present.is_full() {
                return Err(Refusal::Refused.into());
            }
            progress.closed = Closed::Committing;
        }
        self.sync(chunks).inspect_err(|_| self.reopen())?;
        Ok(())
    }

    /// Takes chunks again after a commit that was turned away.
    pub fn reopen(&self) {
        let mut progress = lock(&self.progress);
        if progress.closed == Closed::Committing {
            progress.closed = Closed::No;
        }
    }

    fn unrecorded_bytes(&self, progress: &Progress) -> u64 {
        let count = progress.present_count.saturating_sub(progress.recorded_count);
        u64::from(count).saturating_mul(self.shape.class().sealed_bytes().into())
    }
}

/// An unfinished blob as it was recorded; `None` once committed.
fn resume(rows: &dyn Rows, write: WriteHash) -> Result<Option<Upload>, RuleError> {
    let blob = blob::written(rows, &write)?;
    if blob.phase == Phase::Committed {
        return Ok(None);
    }
    let recorded = row::load::<UploadRow>(rows, &write)?.map(|upload| upload.synced);
    let present = recorded
        .filter(|synced| synced.count() == blob.shape.count())
        .unwrap_or_else(|| ChunkBitmap::empty(blob.shape.count()));
    let missing_count = u32::try_from(present.missing().count()).map_err(|_| RuleError::Damaged)?;
    let recorded_count = blob.shape.count().saturating_sub(missing_count);
    let progress = Progress {
        present,
        present_count: recorded_count,
        recorded_count,
        writing: BTreeSet::new(),
        closed: Closed::No,
        failed: false,
    };
    let turn = tokio::sync::Mutex::default();
    Ok(Some(Upload { file: blob.file, shape: blob.shape, progress: Mutex::new(progress), turn }))
}

/// What an error of the disk means to a peer; [`Refusal::Internal`] if the disk is at fault.
pub(crate) fn refusal(error: &io::Error) -> Refusal {
    match error.kind() {
        io::ErrorKind::NotFound => return Refusal::Refused,
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => return Refusal::QuotaFull,
        _ => {}
    }
    match Errno::from_io_error(error) {
        Some(Errno::MFILE | Errno::NFILE) => Refusal::Busy,
        _ => Refusal::Internal,
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

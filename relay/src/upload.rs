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

use crate::{
    blob::{self, Phase, UploadRow, WriteHash},
    store::{Chunks, FileId, Rows, RuleError, StoreUnavailable, row},
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
}

struct Progress {
    present: ChunkBitmap,
    writing: BTreeSet<u32>,
    unsynced_bytes: u64,
    closed: Closed,
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
    pub fn find(&self, rows: &dyn Rows, write: WriteHash) -> Result<Option<Arc<Upload>>, RuleError> {
        let blob = blob::written(rows, &write)?;
        if blob.phase == Phase::Committed {
            return Ok(None);
        }
        let mut open = lock(&self.open);
        if let Some(upload) = open.get(&write).filter(|upload| upload.file == blob.file) {
            return Ok(Some(Arc::clone(upload)));
        }
        let recorded = row::load::<UploadRow>(rows, &write)?.map(|upload| upload.synced);
        let present = recorded
            .filter(|synced| synced.count() == blob.shape.count())
            .unwrap_or_else(|| ChunkBitmap::empty(blob.shape.count()));
        let progress = Progress { present, writing: BTreeSet::new(), unsynced_bytes: 0, closed: Closed::No };
        let upload = Arc::new(Upload { file: blob.file, shape: blob.shape, progress: Mutex::new(progress) });
        open.insert(write, Arc::clone(&upload));
        Ok(Some(upload))
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

    /// Uploads with bytes that no sync has covered. Forgets those that rest and are covered.
    pub fn unsynced(&self) -> Vec<(WriteHash, Arc<Upload>)> {
        let mut open = lock(&self.open);
        open.retain(|_, upload| Arc::strong_count(upload) > 1 || lock(&upload.progress).unsynced_bytes > 0);
        let due = open.iter().filter(|(_, upload)| lock(&upload.progress).unsynced_bytes > 0);
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
        let written = chunks.write_at(self.file, offset, bytes);
        let mut progress = lock(&self.progress);
        progress.writing.remove(&index.0);
        if progress.closed == Closed::Removed {
            let _ = chunks.remove(self.file);
            return Err(Refusal::Refused.into());
        }
        match written {
            Ok(()) => {}
            Err(error) if matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) => {
                return Err(Refusal::QuotaFull.into());
            }
            Err(_) => return Err(Refusal::Internal.into()),
        }
        progress.present.insert(index);
        let before = progress.unsynced_bytes;
        progress.unsynced_bytes = before.saturating_add(bytes.len() as u64);
        // Once per crossing, so that one sync is started and not one per chunk.
        let crossed = before / SYNC_BYTES != progress.unsynced_bytes / SYNC_BYTES;
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

    /// Puts everything that has come on disk; what that is, to be recorded.
    ///
    /// # Errors
    /// [`StoreUnavailable`] if the sync failed: the relay must stop.
    pub fn sync(&self, chunks: &dyn Chunks) -> Result<ChunkBitmap, StoreUnavailable> {
        let (covered, covered_bytes) = {
            let progress = lock(&self.progress);
            (progress.present.clone(), progress.unsynced_bytes)
        };
        if let Err(error) = chunks.sync(self.file)
            && lock(&self.progress).closed != Closed::Removed
        {
            return Err(StoreUnavailable::because(error));
        }
        let mut progress = lock(&self.progress);
        progress.unsynced_bytes = progress.unsynced_bytes.saturating_sub(covered_bytes);
        Ok(covered)
    }

    /// Closes a complete upload to further chunks and puts it on disk.
    ///
    /// # Errors
    /// [`Refusal::Refused`] while chunks are missing, [`Refusal::Busy`] for a second commit at the same time,
    /// [`StoreUnavailable`] if the sync failed: the relay must stop.
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
        self.sync(chunks)?;
        Ok(())
    }

    /// Takes chunks again after a commit that was turned away.
    pub fn reopen(&self) {
        let mut progress = lock(&self.progress);
        if progress.closed == Closed::Committing {
            progress.closed = Closed::No;
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

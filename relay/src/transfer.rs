//! Chunks on their way in and out: in memory within bounds, on disk before a blob is committed.

use std::sync::Arc;

use lightproof_wire::{
    blob::SealedChunk,
    capability::{Capability, right},
    id::ChunkIndex,
    refusal::Refusal,
    reply::{BlobState, Reply},
};

use crate::{
    blob::{self, WriteHash},
    serve::Service,
    store::{self, FileId, RuleError, StoreUnavailable},
    threads::blocking,
    upload::{self, SyncDue, Upload},
};

impl Service {
    pub(crate) async fn put_chunk(
        self: &Arc<Self>,
        write: WriteHash,
        index: ChunkIndex,
        chunk: SealedChunk,
    ) -> Result<Reply, RuleError> {
        self.room.check()?;
        let service = Arc::clone(self);
        let put = self.chunk_threads.run(move || {
            let upload = service.uploads.find(service.store.as_ref(), write)?.ok_or(Refusal::Refused)?;
            let due = upload.put(service.chunks.as_ref(), index, chunk.as_slice())?;
            service.room.wrote(service.chunks.as_ref(), chunk.as_slice().len() as u64);
            service.metrics.chunk_bytes_in.inc_by(chunk.as_slice().len() as u64);
            Ok((upload, due))
        });
        let (upload, due) = put.await?;
        if due == SyncDue::Now {
            let service = Arc::clone(self);
            self.tasks.spawn(async move { service.sync_upload(write, upload).await });
        }
        Ok(Reply::Done)
    }

    /// Puts what has come of an upload on disk and records it.
    pub async fn sync_upload(self: &Arc<Self>, write: WriteHash, upload: Arc<Upload>) {
        let _turn = upload.turn().await;
        if upload.is_recorded() {
            return;
        }
        // Refused: committed or gone in the meantime, or tried again at the next tick.
        if let Err(error) = self.sync_and_record(write, &upload).await
            && !matches!(error, RuleError::Refused(_))
        {
            self.refusal(error);
        }
    }

    async fn sync_and_record(self: &Arc<Self>, write: WriteHash, upload: &Arc<Upload>) -> Result<(), RuleError> {
        self.check_works()?;
        let (service, syncing, today) = (Arc::clone(self), Arc::clone(upload), self.today());
        let covered = self
            .chunk_threads
            .run(move || syncing.sync(service.chunks.as_ref()))
            .await
            .inspect_err(|error| self.fail(error))?;
        let synced = covered.chunks.clone();
        self.commit(move |rows| blob::record(rows, write, synced, today)).await?.into_inner();
        upload.recorded(&covered);
        Ok(())
    }

    pub(crate) async fn get_chunk(
        self: &Arc<Self>,
        read: Capability<right::Read>,
        index: ChunkIndex,
    ) -> Result<Reply, RuleError> {
        let service = Arc::clone(self);
        let read = self.chunk_threads.run(move || {
            let place = |rows: &dyn store::Rows| blob::read(rows, &read.hash(), index);
            let (file, offset, length) = store::look(service.store.as_ref(), place)?;
            let length = usize::try_from(length).map_err(|_| Refusal::Internal)?;
            // Between the look and the read the blob may have gone; a hole is the disk's fault.
            service.chunks.read_at(file, offset, length).map_err(|error| match upload::refusal(&error) {
                Refusal::Internal => RuleError::Damaged,
                refusal => RuleError::Refused(refusal),
            })
        });
        let bytes = read.await?;
        self.metrics.chunk_bytes_out.inc_by(bytes.len() as u64);
        Ok(Reply::Chunk(SealedChunk::new(bytes).map_err(|_| RuleError::Damaged)?))
    }

    pub(crate) async fn blob_status(self: &Arc<Self>, write: WriteHash) -> Result<Reply, RuleError> {
        let upload = self.upload(write).await?;
        Ok(Reply::Blob(upload.map_or(BlobState::Committed, |upload| BlobState::Uploading(upload.present()))))
    }

    async fn upload(self: &Arc<Self>, write: WriteHash) -> Result<Option<Arc<Upload>>, RuleError> {
        let service = Arc::clone(self);
        blocking(move || service.uploads.find(service.store.as_ref(), write)).await
    }

    pub(crate) async fn commit_blob(self: &Arc<Self>, write: WriteHash) -> Result<Reply, RuleError> {
        let Some(upload) = self.upload(write).await? else { return Ok(Reply::Done) };
        let _turn = upload.turn().await;
        self.check_works()?;
        let (service, sealing) = (Arc::clone(self), Arc::clone(&upload));
        self.chunk_threads
            .run(move || sealing.seal(service.chunks.as_ref()))
            .await
            .inspect_err(|error| self.fail(error))?;
        // The file is on disk, complete: only now may its row say so.
        let done = self.commit(move |rows| blob::commit(rows, write)).await.inspect_err(|_| upload.reopen())?;
        self.uploads.committed(&write);
        Ok(done.promise(Reply::Done))
    }

    /// Removes files whose rows are gone. A file that stays is removed at the next start.
    pub async fn remove_files(self: &Arc<Self>, files: impl IntoIterator<Item = FileId>) {
        let files: Vec<_> = files.into_iter().collect();
        if files.is_empty() {
            return;
        }
        let service = Arc::clone(self);
        let removed = self.chunk_threads.run(move || {
            for file in files {
                service.uploads.removed(file);
                service.chunks.remove(file).map_err(StoreUnavailable::because)?;
            }
            Ok(())
        });
        if removed.await.is_err() {
            tracing::warn!("a blob file could not be removed; it is tried again at the next start");
        }
    }

    /// After a failed sync nothing may be acknowledged: the relay stops.
    fn fail(&self, error: &RuleError) {
        if let RuleError::Unavailable(error) = error {
            tracing::error!(%error, "the disk failed; the relay stops");
            self.failed.cancel();
        }
    }
}

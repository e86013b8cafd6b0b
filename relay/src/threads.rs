//! Threads that may block, and how many of them work with bytes of blobs.
//!
//! Chunks of one uploader on a slow disk took them all: nobody's row was looked at any more, and the relay seemed dead.

use std::sync::Arc;

use lightproof_wire::refusal::Refusal;
use tokio::sync::Semaphore;

use crate::store::{RuleError, StoreUnavailable};

/// For all work that may block: enough to keep a disk busy.
pub const BLOCKING_THREADS: usize = 16;

/// So many of them at most read, write, sync and remove files of blobs. The others are for rows, and for what the relay
/// says of itself.
const FOR_CHUNKS: usize = BLOCKING_THREADS / 2;

/// The threads for files of blobs. Who waits for one gets it in the order of asking.
#[derive(Debug)]
pub struct ChunkThreads(Arc<Semaphore>);

impl Default for ChunkThreads {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(FOR_CHUNKS)))
    }
}

impl ChunkThreads {
    /// Does work that may wait for the disk as long as it likes.
    ///
    /// # Errors
    /// What `work` said.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, RuleError> + Send + 'static,
    ) -> Result<T, RuleError> {
        let one = Arc::clone(&self.0).acquire_owned().await.map_err(StoreUnavailable::because)?;
        // The thread has it, not the caller, who may leave before the work is done.
        blocking(move || {
            let _one = one;
            work()
        })
        .await
    }
}

/// Does work that may wait for a moment.
///
/// # Errors
/// What `work` said.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, RuleError> + Send + 'static,
) -> Result<T, RuleError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(outcome) => outcome,
        Err(_) => Err(Refusal::Internal.into()),
    }
}

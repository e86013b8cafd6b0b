//! The seam for the bytes of blobs, and what a place for them promises.

use std::io;

use lightproof_wire::codec::{TlsDeserialize, TlsSerialize, TlsSize};

/// Names the file of one blob: random, so that a blob made anew never meets an old file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, TlsSerialize, TlsDeserialize, TlsSize)]
pub struct FileId(pub [u8; 16]);

/// Why bytes are not known to be on disk.
#[derive(Debug, thiserror::Error)]
pub enum SyncError {
    /// The sync ran and failed: what was written may be lost, and a second try proves nothing. The relay must stop.
    #[error("a sync failed: {0}")]
    Failed(io::Error),
    /// Nothing was tried, because the file could not be opened: a later sync may be believed.
    #[error("a file could not be opened to be synced: {0}")]
    NotTried(io::Error),
}

/// Lets go of the files when it is dropped.
#[derive(Default)]
pub struct Hold(Option<Box<dyn FnOnce() + Send>>);

impl Hold {
    /// Does this at its end.
    #[must_use]
    pub fn until(end: impl FnOnce() + Send + 'static) -> Self {
        Self(Some(Box::new(end)))
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        if let Some(end) = self.0.take() {
            end();
        }
    }
}

/// The seam for the bytes of blobs. Every call blocks.
pub trait Chunks: Send + Sync + 'static {
    /// Writes at an offset; nothing is promised until [`sync`](Self::sync).
    ///
    /// # Errors
    /// The disk's; `StorageFull` if it is full.
    fn write_at(&self, file: FileId, offset: u64, bytes: &[u8]) -> io::Result<()>;

    /// Reads exactly `length` bytes at an offset.
    ///
    /// # Errors
    /// The disk's; `UnexpectedEof` where the file ends too early, `NotFound` without one.
    fn read_at(&self, file: FileId, offset: u64, length: usize) -> io::Result<Vec<u8>>;

    /// Returns when everything written so far, and the file's name, are on disk.
    ///
    /// # Errors
    /// [`SyncError`]; only one that failed is the end.
    fn sync(&self, file: FileId) -> Result<(), SyncError>;

    /// Removes a file; none is fine.
    ///
    /// # Errors
    /// The disk's.
    fn remove(&self, file: FileId) -> io::Result<()>;

    /// Keeps files from being removed as long as the hold lives: a backup reads what its rows name, and what was removed
    /// meanwhile goes after it. A place that need not keep them gives a hold of nothing.
    fn hold(&self) -> Hold {
        Hold::default()
    }

    /// All files.
    ///
    /// # Errors
    /// The disk's.
    fn list(&self) -> io::Result<Vec<FileId>>;

    /// Bytes that may still be written; `u64::MAX` where nobody counts.
    ///
    /// # Errors
    /// The disk's.
    fn free_bytes(&self) -> io::Result<u64>;
}

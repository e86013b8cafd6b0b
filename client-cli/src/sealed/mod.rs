//! Sealed files on this machine: reading, hashing, sealing and writing overlap, each on its thread, in a few chunks of memory.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use lightproof_core::e2ee::sealed_file::{FilesError, SealFileError, SealedFileError};

pub(crate) use open::{Beginning, Begun, open_chunks, read_beginning};
pub(crate) use read::{Contents, Piped};

mod line;
mod open;
mod read;
mod seal;

pub(crate) use seal::seal_chunks;

/// Why a sealed file was not made, or not opened.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Trouble {
    /// A file that is read became another meanwhile.
    #[error("{0} changed while it was being sealed")]
    Changed(String),
    /// It is not as it was sealed.
    #[error(transparent)]
    File(#[from] SealedFileError),
    /// A person had enough, or another of the threads failed.
    #[error("it was given up")]
    GivenUp,
    /// Files that do not fit one sealed file.
    #[error(transparent)]
    Misfit(#[from] SealFileError),
    /// It could not be read.
    #[error("{what}: {error}")]
    Read {
        /// Which, fit to be printed.
        what: String,
        /// Why.
        error: io::Error,
    },
    /// It could not be written.
    #[error(transparent)]
    Write(io::Error),
}

impl From<FilesError> for Trouble {
    fn from(_: FilesError) -> Self {
        Self::File(SealedFileError::Digest)
    }
}

/// Ends the threads of a command that is over, whatever they were at.
#[derive(Debug, Default)]
pub(crate) struct Keeper(Arc<AtomicBool>);

/// What a thread asks whether it is to go on.
#[derive(Clone, Debug)]
pub(crate) struct Kept(Arc<AtomicBool>);

impl Keeper {
    /// For a thread.
    pub(crate) fn kept(&self) -> Kept {
        Kept(Arc::clone(&self.0))
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Kept {
    fn check(&self) -> Result<(), Trouble> {
        if self.0.load(Ordering::Relaxed) { Err(Trouble::GivenUp) } else { Ok(()) }
    }
}

//! The files in a sealed file follow each other: which bytes belong to which, and the digest of each.

use lightproof_wire::hash::{Digest, Hasher};

use super::Facts;

/// Cuts bytes that come in order into pieces of single files, and hashes each file.
pub struct Files {
    /// Bytes of those still to come, the one that is due last.
    due: Vec<u64>,
    hasher: Hasher,
    digests: Vec<Digest>,
}

/// Other bytes than the files have. The caller's fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FilesError {
    /// Fewer than were said.
    #[error("bytes of a file are missing")]
    Missing,
    /// More than were said.
    #[error("there are more bytes than the files have")]
    Surplus,
}

impl Files {
    /// Before the first byte of the first file.
    #[must_use]
    pub fn of(facts: &Facts) -> Self {
        let due = facts.files.iter().rev().map(|file| file.length_bytes).collect();
        let mut files = Self { due, hasher: Hasher::bare(), digests: Vec::new() };
        files.end_those_at_their_end();
        files
    }

    /// The file whose bytes are due, counted from 0, and how many of them are still to come.
    #[must_use]
    pub fn due(&self) -> Option<(usize, u64)> {
        self.due.last().map(|left| (self.digests.len(), *left))
    }

    /// Takes as many of the next bytes as belong to one file; returns which file, and what is left.
    ///
    /// # Errors
    /// [`FilesError::Surplus`] behind the last.
    pub fn take<'a>(&mut self, bytes: &'a [u8]) -> Result<(Piece<'a>, &'a [u8]), FilesError> {
        let place = self.digests.len();
        let left = self.due.last_mut().ok_or(FilesError::Surplus)?;
        let here = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len());
        let (bytes, rest) = bytes.split_at_checked(here).ok_or(FilesError::Surplus)?;
        *left = left.saturating_sub(u64::try_from(here).unwrap_or(u64::MAX));
        self.hasher.update(bytes);
        self.end_those_at_their_end();
        Ok((Piece { place, bytes }, rest))
    }

    /// The digest of each file, once all have ended.
    ///
    /// # Errors
    /// [`FilesError::Missing`].
    pub fn finish(self) -> Result<Vec<Digest>, FilesError> {
        if self.due.is_empty() { Ok(self.digests) } else { Err(FilesError::Missing) }
    }

    fn end_those_at_their_end(&mut self) {
        while self.due.pop_if(|left| *left == 0).is_some() {
            let hasher = core::mem::replace(&mut self.hasher, Hasher::bare());
            self.digests.push(hasher.finish());
        }
    }
}

impl core::fmt::Debug for Files {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Files(…)")
    }
}

/// Bytes of one file.
#[derive(Clone, Copy)]
pub struct Piece<'a> {
    /// Which, counted from 0.
    pub place: usize,
    /// The next of it.
    pub bytes: &'a [u8],
}

impl core::fmt::Debug for Piece<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{} bytes of file {}", self.bytes.len(), self.place)
    }
}

//! The files in a sealed file follow each other: the digest of each.

use lightproof_wire::hash::{Digest, Hasher};

use super::Facts;

/// Hashes each of the files whose bytes come in order.
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

    /// Takes the next bytes.
    ///
    /// # Errors
    /// [`FilesError::Surplus`] behind the last.
    pub fn take(&mut self, mut bytes: &[u8]) -> Result<(), FilesError> {
        while !bytes.is_empty() {
            let left = self.due.last_mut().ok_or(FilesError::Surplus)?;
            let here = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len());
            let (of_this_one, after) = bytes.split_at_checked(here).ok_or(FilesError::Surplus)?;
            *left = left.saturating_sub(u64::try_from(here).unwrap_or(u64::MAX));
            self.hasher.update(of_this_one);
            self.end_those_at_their_end();
            bytes = after;
        }
        Ok(())
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

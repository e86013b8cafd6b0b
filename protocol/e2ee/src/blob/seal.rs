//! Sealing a photo, chunk after chunk, each once.

use core::fmt;

use lightproof_wire::{blob::BlobShape, id::ChunkIndex};

use super::{FileKey, Layout};
use crate::{
    aead,
    secret::{Key, purpose},
};

/// Seals the chunks of one blob, in order. Works in the caller's buffer: nothing is copied.
///
/// ```
/// # use lightproof_e2ee::blob::{FileKey, Sealer};
/// # let file_key = FileKey::from_bytes(&[7; 32]);
/// let photo = vec![42; 100_000];
/// let mut source = photo.as_slice();
/// let mut sealer = Sealer::new(&file_key, 100_000)?;
/// let mut buffer = Vec::with_capacity(sealer.shape().class().sealed_bytes() as usize);
/// while let Some(index) = sealer.next() {
///     let (plaintext, rest) = source.split_at(sealer.plaintext_bytes(index));
///     buffer.clear();
///     buffer.extend_from_slice(plaintext);
///     sealer.seal_chunk(index, &mut buffer)?;   // buffer now holds the sealed chunk: spool it
///     source = rest;
/// }
/// let sealed = sealer.finish()?;
/// # assert_eq!(sealed.shape().count(), 2);
/// # Ok::<(), lightproof_e2ee::blob::SealMisuse>(())
/// ```
pub struct Sealer {
    layout: Layout,
    key: Key<purpose::Chunks>,
    next: u32,
}

/// A blob of which every chunk has been sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SealedBlob {
    layout: Layout,
}

/// What a caller of [`Sealer`] did wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SealMisuse {
    /// The buffer does not hold exactly the plaintext of this chunk: the file changed, or was read wrongly.
    #[error("a chunk has the wrong length")]
    Length,
    /// Not the chunk that is due: none is sealed twice, none is left out.
    #[error("a chunk is sealed out of order")]
    Order,
    /// Longer than a blob can be.
    #[error("the file is too long for one blob")]
    TooLong,
    /// Chunks are still to come.
    #[error("the blob is not finished")]
    Unfinished,
}

impl Sealer {
    /// Begins a blob under a fresh `file_key`.
    ///
    /// # Errors
    /// [`SealMisuse::TooLong`].
    pub fn new(file_key: &FileKey, length_bytes: u64) -> Result<Self, SealMisuse> {
        let layout = Layout::new(length_bytes).map_err(|_| SealMisuse::TooLong)?;
        Ok(Self { layout, key: layout.chunk_key(file_key), next: 0 })
    }

    /// Goes on after an interruption, at the first chunk that was not saved.
    ///
    /// The file must still be the same. If it changed, or if any other chunk from here on has left this device,
    /// the blob needs a new file key: two plaintexts under one key and nonce would give both away.
    ///
    /// # Errors
    /// [`SealMisuse::TooLong`]; [`SealMisuse::Order`] for a chunk beyond the end.
    pub fn resume(file_key: &FileKey, length_bytes: u64, first: ChunkIndex) -> Result<Self, SealMisuse> {
        let begun = Self::new(file_key, length_bytes)?;
        if first.0 > begun.shape().count() { Err(SealMisuse::Order) } else { Ok(Self { next: first.0, ..begun }) }
    }

    /// Chunk size and number of chunks, padding included.
    #[must_use]
    pub const fn shape(&self) -> BlobShape {
        self.layout.shape
    }

    /// The chunk that is due; `None` when all are sealed.
    #[must_use]
    pub fn next(&self) -> Option<ChunkIndex> {
        (self.next < self.shape().count()).then_some(ChunkIndex(self.next))
    }

    /// Bytes of the file that belong in a chunk: none in padding.
    #[must_use]
    pub fn plaintext_bytes(&self, index: ChunkIndex) -> usize {
        self.layout.photo_bytes(index)
    }

    /// Turns the plaintext of the chunk that is due into the sealed chunk, in place.
    ///
    /// # Errors
    /// [`SealMisuse::Order`] or [`SealMisuse::Length`]; `buffer` and the sealer are then as before.
    pub fn seal_chunk(&mut self, index: ChunkIndex, buffer: &mut Vec<u8>) -> Result<(), SealMisuse> {
        if self.next() != Some(index) {
            return Err(SealMisuse::Order);
        }
        if buffer.len() != self.plaintext_bytes(index) {
            return Err(SealMisuse::Length);
        }
        buffer.reserve_exact(self.layout.sealed_bytes().saturating_sub(buffer.len()));
        buffer.resize(self.layout.full_bytes(), 0);
        aead::encrypt(&self.key, &self.layout.nonce(index), &[], buffer);
        self.next = self.next.saturating_add(1);
        Ok(())
    }

    /// Ends the blob: only a blob with its flagged last chunk can be opened.
    ///
    /// # Errors
    /// [`SealMisuse::Unfinished`].
    pub fn finish(self) -> Result<SealedBlob, SealMisuse> {
        if self.next().is_some() { Err(SealMisuse::Unfinished) } else { Ok(SealedBlob { layout: self.layout }) }
    }
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealer(…)")
    }
}

impl SealedBlob {
    /// Chunk size and number of chunks, padding included.
    #[must_use]
    pub const fn shape(&self) -> BlobShape {
        self.layout.shape
    }

    /// Bytes of the file inside.
    #[must_use]
    pub const fn length_bytes(&self) -> u64 {
        self.layout.length_bytes
    }
}

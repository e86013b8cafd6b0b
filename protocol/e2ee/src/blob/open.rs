//! Opening a blob: chunks in any order, then the whole checked in order before anybody sees a byte.

use core::fmt;

use lightproof_wire::{
    blob::BlobShape,
    hash::{Digest, Hasher},
    id::ChunkIndex,
};

use super::{FileKey, Layout};
use crate::{
    aead,
    manifest::{Contradiction, Photo},
    secret::{Key, purpose},
};

/// Opens the chunks of one blob, in any order and as often as needed.
pub struct Opener {
    layout: Layout,
    key: Key<purpose::Chunks>,
}

/// Why a chunk was not opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChunkError {
    /// There is no such chunk in this blob. The caller's fault.
    #[error("the blob has no such chunk")]
    Beyond,
    /// The sender sealed something behind the end of the photo.
    #[error("a chunk holds bytes behind the end of the photo")]
    Surplus,
    /// Not the chunk that was sealed for this place: changed, cut, or of another blob.
    #[error("a chunk cannot be decrypted")]
    Undecryptable,
}

impl Opener {
    /// For the blob a signed photo names.
    ///
    /// # Errors
    /// [`Contradiction::Chunks`], the signer's fault.
    pub fn new(photo: &Photo) -> Result<Self, Contradiction> {
        photo.shape()?;
        Self::of_length(&photo.file_key, photo.length_bytes)
    }

    /// For a blob of one's own, of which the photo is not signed yet.
    ///
    /// # Errors
    /// [`Contradiction::Chunks`] if no blob is that long.
    pub fn of_length(file_key: &FileKey, length_bytes: u64) -> Result<Self, Contradiction> {
        let layout = Layout::new(length_bytes).map_err(|_| Contradiction::Chunks)?;
        Ok(Self { layout, key: layout.chunk_key(file_key) })
    }

    /// Chunk size and number of chunks, padding included.
    #[must_use]
    pub const fn shape(&self) -> BlobShape {
        self.layout.shape
    }

    /// Turns a sealed chunk into its bytes of the photo, in place: none in padding.
    ///
    /// # Errors
    /// [`ChunkError`]; `buffer` is then empty.
    pub fn open_chunk(&self, index: ChunkIndex, buffer: &mut Vec<u8>) -> Result<(), ChunkError> {
        let opened = self.open_in_place(index, buffer);
        if opened.is_err() {
            buffer.clear();
        }
        opened
    }

    fn open_in_place(&self, index: ChunkIndex, buffer: &mut Vec<u8>) -> Result<(), ChunkError> {
        if index.0 >= self.shape().count() {
            return Err(ChunkError::Beyond);
        }
        if buffer.len() != self.layout.sealed_bytes() {
            return Err(ChunkError::Undecryptable);
        }
        aead::decrypt(&self.key, &self.layout.nonce(index), &[], buffer).map_err(|_| ChunkError::Undecryptable)?;
        let photo = self.layout.photo_bytes(index);
        let surplus = buffer.get(photo..).unwrap_or_default();
        if surplus.iter().fold(0, |any, byte| any | byte) != 0 {
            return Err(ChunkError::Surplus);
        }
        buffer.truncate(photo);
        Ok(())
    }
}

impl fmt::Debug for Opener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Opener(…)")
    }
}

/// Takes the opened chunks of a photo in order, and at the end says whether they are the photo that was signed.
pub struct Verifier {
    layout: Layout,
    digest: Digest,
    hasher: Hasher,
    next: u32,
}

/// A blob whose every chunk, order, end, length and digest are as signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VerifiedBlob {
    digest: Digest,
    length_bytes: u64,
}

/// Why a blob is not verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// The sender sealed another file than they signed.
    #[error("the photo is not the one that was signed")]
    Digest,
    /// The bytes given are not those of one chunk. The caller's fault.
    #[error("a chunk has the wrong length")]
    Length,
    /// Not the chunk that is due. The caller's fault.
    #[error("a chunk is verified out of order")]
    Order,
    /// Chunks are missing.
    #[error("chunks are missing")]
    Unfinished,
}

impl Verifier {
    /// For the blob a signed photo names.
    ///
    /// # Errors
    /// [`Contradiction::Chunks`], the signer's fault.
    pub fn new(photo: &Photo) -> Result<Self, Contradiction> {
        let shape = photo.shape()?;
        let layout = Layout { shape, length_bytes: photo.length_bytes };
        Ok(Self { layout, digest: photo.digest, hasher: Hasher::bare(), next: 0 })
    }

    /// Takes what [`Opener::open_chunk`] left of the chunk that is due.
    ///
    /// # Errors
    /// [`VerifyError::Order`] or [`VerifyError::Length`]; nothing was taken then.
    pub fn take(&mut self, index: ChunkIndex, plaintext: &[u8]) -> Result<(), VerifyError> {
        if index.0 != self.next || self.next >= self.layout.shape.count() {
            return Err(VerifyError::Order);
        }
        if plaintext.len() != self.layout.photo_bytes(index) {
            return Err(VerifyError::Length);
        }
        self.hasher.update(plaintext);
        self.next = self.next.saturating_add(1);
        Ok(())
    }

    /// Compares all that was taken with what was signed.
    ///
    /// # Errors
    /// [`VerifyError::Unfinished`], or [`VerifyError::Digest`]: the sender's fault.
    pub fn finish(self) -> Result<VerifiedBlob, VerifyError> {
        if self.next != self.layout.shape.count() {
            return Err(VerifyError::Unfinished);
        }
        if self.hasher.finish() != self.digest {
            return Err(VerifyError::Digest);
        }
        Ok(VerifiedBlob { digest: self.digest, length_bytes: self.layout.length_bytes })
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Verifier(…)")
    }
}

impl VerifiedBlob {
    /// SHA-256 of the photo.
    #[must_use]
    pub const fn digest(&self) -> Digest {
        self.digest
    }

    /// Bytes of the photo.
    #[must_use]
    pub const fn length_bytes(&self) -> u64 {
        self.length_bytes
    }
}

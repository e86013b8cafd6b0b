//! Blobs: a photo sealed in chunks, so that it can be sent, resumed and opened piece by piece and never be cut unseen.
//!
//! STREAM (Hoang, Reyhanitabar, Rogaway, Vizár, "Online Authenticated-Encryption and its Nonce-Reuse
//! Misuse-Resistance", CRYPTO 2015), as in age:
//!
//! ```text
//! chunk_key = HKDF(ikm = file_key, salt = suite || chunk_bytes u32 || chunk_count u32, info = "chunks")
//! chunk i   = ChaCha20-Poly1305(chunk_key, nonce = i as 11 bytes || last flag, no AD, plaintext i)
//! ```
//!
//! Every chunk is full: after the photo come zeros, whole chunks of them where the count was rounded up. Only the
//! very last chunk carries the flag. Spec: `docs/spec/blob.md`.

use lightproof_wire::{
    blob::BlobShape,
    codec::{DecodeError, TlsDeserialize, TlsSerialize, TlsSize},
    id::ChunkIndex,
    label,
    suite::SuiteId,
};
use rand_core::CryptoRng;

use crate::{
    aead::Nonce,
    kdf::{self, Input},
    secret::{Key, purpose},
};

mod open;
mod seal;

pub use open::{ChunkError, Opener, VerifiedBlob, Verifier, VerifyError};
pub use seal::{SealMisuse, SealedBlob, Sealer};

/// The secret that opens one blob. Fresh for every blob, never used for a second.
#[derive(Debug, PartialEq, Eq, TlsSerialize, TlsDeserialize, TlsSize)]
pub struct FileKey(Key<purpose::File>);

impl FileKey {
    /// A fresh one.
    pub fn generate(rng: &mut impl CryptoRng) -> Self {
        Self(Key::generate(rng))
    }

    /// One stored or received as bytes.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; 32]) -> Self {
        Self(Key::from_bytes(bytes))
    }

    /// Its secret bytes, for sealing.
    #[must_use]
    pub fn expose_secret(&self) -> &[u8; 32] {
        self.0.expose_secret()
    }
}

impl Clone for FileKey {
    /// A manifest goes to several recipients, each copy with the same key.
    fn clone(&self) -> Self {
        Self(self.0.duplicate())
    }
}

/// How a photo of some length lies in its chunks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Layout {
    shape: BlobShape,
    length_bytes: u64,
}

impl Layout {
    fn new(length_bytes: u64) -> Result<Self, DecodeError> {
        Ok(Self { shape: BlobShape::for_length(length_bytes)?, length_bytes })
    }

    fn sealed_bytes(self) -> usize {
        self.shape.class().sealed_bytes() as usize
    }

    /// Bytes of photo and zeros in a chunk.
    fn full_bytes(self) -> usize {
        self.shape.class().plain_bytes() as usize
    }

    /// Bytes of photo in a chunk; none in padding.
    fn photo_bytes(self, index: ChunkIndex) -> usize {
        let full = u64::from(self.shape.class().plain_bytes());
        let before = full.saturating_mul(u64::from(index.0));
        let here = self.length_bytes.saturating_sub(before).min(full);
        usize::try_from(here).unwrap_or(usize::MAX)
    }

    fn nonce(self, index: ChunkIndex) -> Nonce {
        let last = index.0.saturating_add(1) == self.shape.count();
        let [a, b, c, d] = index.0.to_be_bytes();
        [0, 0, 0, 0, 0, 0, 0, a, b, c, d, u8::from(last)]
    }

    fn chunk_key(self, file_key: &FileKey) -> Key<purpose::Chunks> {
        let [a, b, c, d] = self.shape.class().sealed_bytes().to_be_bytes();
        let [e, f, g, h] = self.shape.count().to_be_bytes();
        let salt = [SuiteId::BYTE, a, b, c, d, e, f, g, h];
        kdf::derive_key(label::CHUNKS, Input { ikm: &[file_key.expose_secret()], salt: &salt, rest: &[] })
    }
}

#[cfg(test)]
mod tests;

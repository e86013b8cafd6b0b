//! The seam to the disk for sealed chunks: those on their way out, and those of received photos.
//!
//! Everything in a spool is ciphertext; the keys are in the vault. A name is random and says nothing.

use lightproof_wire::codec::{TlsDeserialize, TlsSerialize, TlsSize};
use rand_core::CryptoRng;

/// The name of one blob in the spool.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, TlsSerialize, TlsDeserialize, TlsSize)]
pub struct SpoolName([u8; 16]);

impl SpoolName {
    /// A fresh one.
    pub fn generate(rng: &mut impl CryptoRng) -> Self {
        let mut bytes = [0; 16];
        rng.fill_bytes(&mut bytes);
        Self(bytes)
    }

    /// One that follows from what it belongs to.
    #[must_use]
    pub const fn of(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// As a file could be named: 32 hexadecimal digits.
    #[must_use]
    pub fn to_hex(self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// From [`to_hex`](Self::to_hex); `None` for anything else.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        let mut bytes = [0; 16];
        let (pairs, rest) = text.as_bytes().as_chunks::<2>();
        if pairs.len() != bytes.len() || !rest.is_empty() {
            return None;
        }
        for (byte, pair) in bytes.iter_mut().zip(pairs) {
            *byte = u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok()?;
        }
        (Self(bytes).to_hex() == text).then_some(Self(bytes))
    }
}

impl core::fmt::Debug for SpoolName {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("SpoolName(…)")
    }
}

/// Why the spool failed: the world's fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SpoolError {
    /// No room on the disk.
    #[error("the disk is full")]
    Full,
    /// No such blob, or not so long.
    #[error("a sealed photo is missing from the spool")]
    Missing,
    /// The disk failed.
    #[error("the disk failed")]
    Unavailable,
}

/// Keeps sealed chunks. Calls on different names, and `sync` with writes that began after it, may overlap.
pub trait Spool {
    /// Keeps others away while it lives.
    type Hold;

    /// Holds a name against other processes on this home; `None` while another holds it. Ends with the value, or with
    /// the process.
    ///
    /// # Errors
    /// [`SpoolError`].
    fn hold(&self, name: SpoolName) -> impl Future<Output = Result<Option<Self::Hold>, SpoolError>>;

    /// Writes at an offset, creating the blob, and gives the bytes back. Durable only after [`sync`](Self::sync).
    ///
    /// # Errors
    /// [`SpoolError`].
    fn write(&self, name: SpoolName, offset: u64, bytes: Vec<u8>) -> impl Future<Output = Result<Vec<u8>, SpoolError>>;

    /// Makes everything written to this blob before the call durable.
    ///
    /// # Errors
    /// [`SpoolError`]; what was written is then not to be relied on.
    fn sync(&self, name: SpoolName) -> impl Future<Output = Result<(), SpoolError>>;

    /// Reads exactly `length_bytes` at an offset.
    ///
    /// # Errors
    /// [`SpoolError::Missing`] where the blob is absent or shorter.
    fn read(
        &self,
        name: SpoolName,
        offset: u64,
        length_bytes: usize,
    ) -> impl Future<Output = Result<Vec<u8>, SpoolError>>;

    /// Removes a blob; an absent one is no error.
    ///
    /// # Errors
    /// [`SpoolError`].
    fn remove(&self, name: SpoolName) -> impl Future<Output = Result<(), SpoolError>>;

    /// Every blob there is, so that what nothing names any more can be removed.
    ///
    /// # Errors
    /// [`SpoolError`].
    fn list(&self) -> impl Future<Output = Result<Vec<SpoolName>, SpoolError>>;
}

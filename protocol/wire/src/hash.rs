//! SHA-256, bare and under a label (FIPS 180-4).
//!
//! `H(label, x) = SHA-256(len(label) u8 || label || x)`, so that no two uses of the hash can be confused.

use sha2::{Digest as _, Sha256};

use crate::{
    codec::{TlsDeserialize, TlsSerialize, TlsSize},
    label::HashLabel,
};

/// 32 bytes of SHA-256.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, TlsSerialize, TlsDeserialize, TlsSize)]
pub struct Digest([u8; 32]);

impl Digest {
    /// A digest received or stored as bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// SHA-256 of `bytes`, without a label.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// `H(label, parts…)`: the parts follow each other, so all but the last must have a fixed size or carry their length.
    #[must_use]
    pub fn labelled(label: HashLabel, parts: &[&[u8]]) -> Self {
        let mut hasher = Hasher::labelled(label);
        for part in parts {
            hasher.update(part);
        }
        hasher.finish()
    }

    /// The digest's bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl core::fmt::Debug for Digest {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Digest(…)")
    }
}

/// SHA-256 of bytes that come piece by piece.
#[derive(Clone)]
pub struct Hasher(Sha256);

impl Hasher {
    /// Without a label.
    #[must_use]
    pub fn bare() -> Self {
        Self(Sha256::new())
    }

    /// `H(label, …)`.
    #[must_use]
    pub fn labelled(label: HashLabel) -> Self {
        let name = label.as_bytes();
        let mut hasher = Sha256::new();
        // The table of labels refuses names over 255 bytes when it compiles.
        hasher.update([u8::try_from(name.len()).unwrap_or(u8::MAX)]);
        hasher.update(name);
        Self(hasher)
    }

    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The digest of all that was taken.
    #[must_use]
    pub fn finish(self) -> Digest {
        Digest(self.0.finalize().into())
    }
}

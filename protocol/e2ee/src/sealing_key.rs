//! Sealing keys: X-Wing keys that people announce beforehand, so that files can be sealed for them without a relay.
//!
//! A contact card has no room for one. Each side announces its own inside what it signs anyway, a Hello or a frame, as an
//! extension that older versions ignore. Spec: `docs/spec/sealed-files.md`.

use core::fmt;

use lightproof_wire::codec::{Bytes, Extension, Extensions, TlsDeserialize, TlsSerialize, TlsSize};
use rand_core::CryptoRng;

use crate::{
    error::Undecryptable,
    kem::{Ciphertext, DecapsulationKey, EncapsulationKey, PUBLIC_KEY_BYTES, UncheckedKey},
    secret::{Key, purpose},
};

/// The type of the extension that announces a sealing key: even, so that it may be ignored.
pub const EXTENSION: u16 = 2;

/// What announcing one adds to a frame: type, length and key.
pub const ANNOUNCED_BYTES: usize = 2 + 2 + PUBLIC_KEY_BYTES;

/// Somebody's public sealing key, checked.
#[derive(Clone)]
pub struct SealingKey(EncapsulationKey);

/// Our own, kept as long as files that were sealed for it are to open.
#[derive(TlsSerialize, TlsDeserialize, TlsSize)]
pub struct SealingSecret(DecapsulationKey);

impl SealingKey {
    /// One received or stored as bytes.
    ///
    /// # Errors
    /// [`Undecryptable`] for what is no key, or one that would keep nothing secret; its owner's fault.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Undecryptable> {
        let bytes = bytes.try_into().map_err(|_| Undecryptable)?;
        UncheckedKey::from_bytes(bytes).check().map(Self)
    }

    /// Its bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// As an extension of what its owner signs.
    #[must_use]
    pub fn announcement(&self) -> Extensions {
        let data = Bytes::new(self.as_bytes().to_vec()).unwrap_or_default();
        Extensions::new(vec![Extension { kind: EXTENSION, data }]).unwrap_or_default()
    }

    /// The one that a signed structure announces. Bytes that are no key announce none.
    #[must_use]
    pub fn announced(extensions: &Extensions) -> Option<Self> {
        Self::from_bytes(extensions.find(EXTENSION)?).ok()
    }

    pub(crate) fn encapsulate(&self, rng: &mut impl CryptoRng) -> (Ciphertext, Key<purpose::Shared>) {
        self.0.encapsulate(rng)
    }
}

impl PartialEq for SealingKey {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for SealingKey {}

impl fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealingKey(…)")
    }
}

impl SealingSecret {
    /// A fresh one.
    pub fn generate(rng: &mut impl CryptoRng) -> Self {
        Self(DecapsulationKey::generate(rng))
    }

    /// What is announced.
    #[must_use]
    pub fn public(&self) -> SealingKey {
        SealingKey(self.0.public())
    }

    pub(crate) fn decapsulate(&self, ciphertext: &Ciphertext) -> Result<Key<purpose::Shared>, Undecryptable> {
        self.0.decapsulate(ciphertext)
    }
}

impl fmt::Debug for SealingSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealingSecret(…)")
    }
}

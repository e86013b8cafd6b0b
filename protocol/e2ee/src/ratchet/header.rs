//! What stands in every message's sealed header: the chain's announcement, the message's place, the length of the chain before.

use lightproof_wire::codec::{self, TlsDeserialize, TlsSerialize, TlsSize};

use crate::{
    aead::TAG_BYTES,
    kem::{CIPHERTEXT_BYTES, Ciphertext, EncapsulationKey, PUBLIC_KEY_BYTES, UncheckedKey},
};

const HEADER_BYTES: usize = CIPHERTEXT_BYTES + PUBLIC_KEY_BYTES + 4 + 4;

/// A header, sealed: `ct 1,120 | pk' 1,216 | n u32 | pn u32 | tag 16`.
pub(crate) const SEALED_HEADER_BYTES: usize = HEADER_BYTES + TAG_BYTES;

/// What a chain begins with: a ciphertext to the other's key, and a new key of one's own.
#[derive(Clone, TlsSerialize, TlsDeserialize, TlsSize)]
pub(crate) struct Announcement {
    ct: Ciphertext,
    pk: UncheckedKey,
}

impl Announcement {
    pub(crate) fn new(ct: Ciphertext, pk: EncapsulationKey) -> Self {
        Self { ct, pk: pk.into_bytes() }
    }

    /// Of I's first chain: its Hello held the ciphertexts.
    pub(crate) fn first(pk: EncapsulationKey) -> Self {
        Self::new(Ciphertext::absent(), pk)
    }

    #[cfg(test)]
    pub(crate) const fn unchecked(ct: Ciphertext, pk: UncheckedKey) -> Self {
        Self { ct, pk }
    }

    pub(crate) const fn ciphertext(&self) -> &Ciphertext {
        &self.ct
    }

    pub(crate) const fn key(&self) -> &UncheckedKey {
        &self.pk
    }
}

/// A header in clear.
#[derive(TlsSerialize, TlsDeserialize, TlsSize)]
pub(crate) struct Header {
    pub(crate) announcement: Announcement,
    /// The message's place in its chain; the first is 0.
    pub(crate) n: u32,
    /// How many messages the sender's previous chain has.
    pub(crate) pn: u32,
}

impl Header {
    /// In clear, with room for a tag.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = codec::encode(self);
        bytes.reserve_exact(TAG_BYTES);
        bytes
    }

    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        codec::decode(bytes).ok()
    }
}

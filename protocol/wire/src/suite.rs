//! The one suite of this version, and a clear error for any other.

use std::io::{Read, Write};

use crate::codec::{Deserialize, Serialize, Size};

/// X-Wing, ML-DSA-65 with Ed25519, ChaCha20-Poly1305, SHA-256: `0x01`. There is no other, and nothing to negotiate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SuiteId;

impl SuiteId {
    /// As it stands in cards, bundles, prekeys and records.
    pub const BYTE: u8 = 0x01;
}

impl Size for SuiteId {
    fn tls_serialized_len(&self) -> usize {
        1
    }
}

impl Serialize for SuiteId {
    fn tls_serialize<W: Write>(&self, writer: &mut W) -> Result<usize, tls_codec::Error> {
        Self::BYTE.tls_serialize(writer)
    }
}

impl Deserialize for SuiteId {
    fn tls_deserialize<R: Read>(reader: &mut R) -> Result<Self, tls_codec::Error> {
        match u8::tls_deserialize(reader)? {
            Self::BYTE => Ok(Self),
            other => Err(tls_codec::Error::UnknownValue(u64::from(other))),
        }
    }
}

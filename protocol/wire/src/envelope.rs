//! An envelope as a relay knows it: exactly 16,000 opaque bytes, to be hashed and carried, never opened.

use std::io::{Read, Write};

use crate::{
    codec::{DecodeError, Deserialize, Serialize, Size},
    hash::Digest,
    limits::ENVELOPE_BYTES,
};

/// 16,000 sealed bytes for one mailbox.
#[derive(Clone, PartialEq, Eq)]
pub struct Envelope(Box<[u8; ENVELOPE_BYTES]>);

impl Envelope {
    /// Takes exactly 16,000 bytes.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`] or [`DecodeError::Trailing`] for any other number.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        if bytes.len() > ENVELOPE_BYTES {
            return Err(DecodeError::Trailing);
        }
        let boxed: Box<[u8]> = bytes.into();
        boxed.try_into().map(Self).map_err(|_| DecodeError::Truncated)
    }

    /// Its bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; ENVELOPE_BYTES] {
        &self.0
    }

    /// SHA-256 of its bytes: its name in the seen set, in a deposit receipt and in a relay's store.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::of(self.0.as_ref())
    }
}

impl core::fmt::Debug for Envelope {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Envelope(…)")
    }
}

impl Size for Envelope {
    fn tls_serialized_len(&self) -> usize {
        ENVELOPE_BYTES
    }
}

impl Serialize for Envelope {
    fn tls_serialize<W: Write>(&self, writer: &mut W) -> Result<usize, tls_codec::Error> {
        writer.write_all(self.0.as_ref())?;
        Ok(ENVELOPE_BYTES)
    }
}

impl Deserialize for Envelope {
    fn tls_deserialize<R: Read>(reader: &mut R) -> Result<Self, tls_codec::Error> {
        let mut bytes = Box::new([0; ENVELOPE_BYTES]);
        reader.read_exact(bytes.as_mut())?;
        Ok(Self(bytes))
    }
}

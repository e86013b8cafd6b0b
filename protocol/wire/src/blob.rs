//! Blobs as a relay knows them: a number of full chunks of one of three sizes, and which of them are there.
//!
//! The count is rounded up with Padmé (Nikitin et al., "Reducing Metadata Leakage from Encrypted Files and
//! Communication with PURBs", 2019), at most 12 % more, so that it says little about the length inside.

use std::io::{Read, Write};

use crate::{
    codec::{Bytes, DecodeError, Deserialize, Serialize, Size, TlsDeserialize, TlsSerialize, TlsSize},
    id::ChunkIndex,
    limits::{BLOB_CHUNKS, CHUNK_BYTES, TAG_BYTES},
};

/// A sealed piece of a blob, tag included.
pub type SealedChunk = Bytes<CHUNK_BYTES>;

const MIB: u64 = 1_048_576;

/// The three sizes of a sealed chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ChunkClass {
    /// 64 KiB, up to 1 MiB of photo.
    Small,
    /// 256 KiB, up to 16 MiB.
    Medium,
    /// 1 MiB, above.
    Large,
}

impl ChunkClass {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Small, Self::Medium, Self::Large];

    /// Sealed bytes, tag included.
    #[must_use]
    pub const fn sealed_bytes(self) -> u32 {
        match self {
            Self::Small => 65_536,
            Self::Medium => 262_144,
            Self::Large => 1_048_576,
        }
    }

    /// Bytes of photo in a full chunk.
    #[must_use]
    pub const fn plain_bytes(self) -> u32 {
        self.sealed_bytes().saturating_sub(TAG_BYTES)
    }

    /// The class of a chunk size.
    ///
    /// # Errors
    /// [`DecodeError::Invalid`] for any other number.
    pub fn from_sealed_bytes(sealed_bytes: u32) -> Result<Self, DecodeError> {
        Self::ALL.into_iter().find(|class| class.sealed_bytes() == sealed_bytes).ok_or(DecodeError::Invalid)
    }
}

impl Size for ChunkClass {
    fn tls_serialized_len(&self) -> usize {
        4
    }
}

impl Serialize for ChunkClass {
    fn tls_serialize<W: Write>(&self, writer: &mut W) -> Result<usize, tls_codec::Error> {
        self.sealed_bytes().tls_serialize(writer)
    }
}

impl Deserialize for ChunkClass {
    fn tls_deserialize<R: Read>(reader: &mut R) -> Result<Self, tls_codec::Error> {
        Self::from_sealed_bytes(u32::tls_deserialize(reader)?).map_err(|_| tls_codec::Error::InvalidInput)
    }
}

/// Chunk size and padded count of one blob: all of its size that a relay sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BlobShape {
    class: ChunkClass,
    count: u32,
}

impl BlobShape {
    /// The shape of a photo of `length_bytes`.
    ///
    /// # Errors
    /// [`DecodeError::TooLong`] beyond 65,536 chunks of the largest class, the caller's fault.
    pub fn for_length(length_bytes: u64) -> Result<Self, DecodeError> {
        let class = match length_bytes {
            0..=MIB => ChunkClass::Small,
            length if length <= MIB.saturating_mul(16) => ChunkClass::Medium,
            _ => ChunkClass::Large,
        };
        let needed = length_bytes.div_ceil(u64::from(class.plain_bytes())).max(1);
        let needed = u32::try_from(needed).map_err(|_| DecodeError::TooLong)?;
        Self::new(class, padme(needed))
    }

    /// A shape as carried on the wire.
    ///
    /// # Errors
    /// [`DecodeError::TooLong`] for more chunks than a blob may have, [`DecodeError::Invalid`] for a count that is not a Padmé number.
    pub fn new(class: ChunkClass, count: u32) -> Result<Self, DecodeError> {
        if count > BLOB_CHUNKS {
            return Err(DecodeError::TooLong);
        }
        if count == 0 || padme(count) != count {
            return Err(DecodeError::Invalid);
        }
        Ok(Self { class, count })
    }

    /// The size of each chunk.
    #[must_use]
    pub const fn class(self) -> ChunkClass {
        self.class
    }

    /// The number of chunks, padding included.
    #[must_use]
    pub const fn count(self) -> u32 {
        self.count
    }

    /// All sealed bytes.
    #[must_use]
    pub const fn sealed_bytes(self) -> u64 {
        (self.count as u64).saturating_mul(self.class.sealed_bytes() as u64)
    }

    /// Where a chunk lies in the blob's file; `None` beyond the last.
    #[must_use]
    pub fn offset(self, index: ChunkIndex) -> Option<u64> {
        (index.0 < self.count).then(|| u64::from(index.0).saturating_mul(u64::from(self.class.sealed_bytes())))
    }
}

impl Size for BlobShape {
    fn tls_serialized_len(&self) -> usize {
        8
    }
}

impl Serialize for BlobShape {
    fn tls_serialize<W: Write>(&self, writer: &mut W) -> Result<usize, tls_codec::Error> {
        self.class.tls_serialize(writer)?;
        self.count.tls_serialize(writer)?;
        Ok(8)
    }
}

impl Deserialize for BlobShape {
    fn tls_deserialize<R: Read>(reader: &mut R) -> Result<Self, tls_codec::Error> {
        let class = ChunkClass::tls_deserialize(reader)?;
        let count = u32::tls_deserialize(reader)?;
        Self::new(class, count).map_err(|_| tls_codec::Error::InvalidInput)
    }
}

/// Padmé: keeps the highest `log2(log2(n)) + 1` bits below the leading one, rounding up.
fn padme(count: u32) -> u32 {
    let Some(exponent) = count.checked_ilog2() else { return count };
    let kept = exponent.checked_ilog2().map_or(0, |log| log.saturating_add(1));
    let mask = 1_u32.checked_shl(exponent.saturating_sub(kept)).unwrap_or(0).saturating_sub(1);
    count.saturating_add(mask) & !mask
}

/// Which chunks of an upload a relay has; bit `i` of byte `i / 8`, the lowest bit first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChunkBitmap {
    count: u32,
    bits: Vec<u8>,
}

impl ChunkBitmap {
    /// None there yet.
    #[must_use]
    pub fn empty(count: u32) -> Self {
        Self { count, bits: vec![0; bytes_for(count)] }
    }

    /// Number of chunks it speaks of.
    #[must_use]
    pub const fn count(&self) -> u32 {
        self.count
    }

    /// Whether a chunk is there.
    #[must_use]
    pub fn contains(&self, index: ChunkIndex) -> bool {
        let (byte, bit) = place(index);
        index.0 < self.count && self.bits.get(byte).is_some_and(|bits| bits & bit != 0)
    }

    /// Marks a chunk as there. Beyond the last: nothing.
    pub fn insert(&mut self, index: ChunkIndex) {
        let (byte, bit) = place(index);
        if index.0 < self.count
            && let Some(bits) = self.bits.get_mut(byte)
        {
            *bits |= bit;
        }
    }

    /// The chunks that are not there, ascending.
    pub fn missing(&self) -> impl Iterator<Item = ChunkIndex> + '_ {
        (0..self.count).map(ChunkIndex).filter(|index| !self.contains(*index))
    }

    /// Whether all are there.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.missing().next().is_none()
    }
}

fn bytes_for(count: u32) -> usize {
    count.div_ceil(8) as usize
}

fn place(index: ChunkIndex) -> (usize, u8) {
    ((index.0 / 8) as usize, 1_u8 << (index.0 % 8))
}

#[derive(TlsSerialize, TlsDeserialize, TlsSize)]
struct CarriedBitmap {
    count: u32,
    bits: Bytes<{ (BLOB_CHUNKS / 8) as usize }>,
}

impl Size for ChunkBitmap {
    fn tls_serialized_len(&self) -> usize {
        // count u32, length u16
        self.bits.len().saturating_add(6)
    }
}

impl Serialize for ChunkBitmap {
    fn tls_serialize<W: Write>(&self, writer: &mut W) -> Result<usize, tls_codec::Error> {
        let bits = Bytes::new(self.bits.clone()).map_err(|_| tls_codec::Error::InvalidVectorLength)?;
        CarriedBitmap { count: self.count, bits }.tls_serialize(writer)
    }
}

impl Deserialize for ChunkBitmap {
    fn tls_deserialize<R: Read>(reader: &mut R) -> Result<Self, tls_codec::Error> {
        let CarriedBitmap { count, bits } = CarriedBitmap::tls_deserialize(reader)?;
        let bits = bits.into_vec();
        let unused_are_zero = match (count % 8, bits.last()) {
            (0, _) | (_, None) => true,
            (used, Some(last)) => last >> used == 0,
        };
        if count > BLOB_CHUNKS || bits.len() != bytes_for(count) || !unused_are_zero {
            return Err(tls_codec::Error::InvalidInput);
        }
        Ok(Self { count, bits })
    }
}

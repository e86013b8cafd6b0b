//! Secrets at rest: `version u8 || suite u8 || fields`, decoded whole or refused.
//!
//! The vault seals these bytes; a record is never sent anywhere. Version and suite stand once, before everything else.

use std::io::{Read, Write};

use lightproof_wire::{
    codec::{Deserialize, Serialize, Size, decode},
    suite::SuiteId,
};
use zeroize::Zeroizing;

use crate::error::RecordError;

const VERSION: u8 = 1;

/// A value with its version and suite before it, in one allocation, wiped on drop.
#[must_use]
pub(crate) fn save<T: Serialize>(value: &T) -> Zeroizing<Vec<u8>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(value.tls_serialized_len().saturating_add(2)));
    bytes.extend_from_slice(&[VERSION, SuiteId::BYTE]);
    let written = value.tls_serialize(&mut *bytes);
    debug_assert!(written.is_ok(), "a bounded value always encodes");
    bytes
}

/// The value of a record.
///
/// # Errors
/// [`RecordError`]: another version, or not what was saved.
pub(crate) fn load<T: Deserialize>(record: &[u8]) -> Result<T, RecordError> {
    match record.split_first_chunk() {
        Some(([VERSION, SuiteId::BYTE], fields)) => Ok(decode(fields)?),
        Some(([VERSION, _] | [(2..), _], _)) => Err(RecordError::NewerVersion),
        _ => Err(RecordError::Damaged),
    }
}

/// At most `MAX_COUNT` values that come and go, with their number before them.
#[derive(Debug)]
pub(crate) struct Rows<T, const MAX_COUNT: usize>(pub(crate) Vec<T>);

impl<T, const MAX_COUNT: usize> Default for Rows<T, MAX_COUNT> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: Size, const MAX_COUNT: usize> Size for Rows<T, MAX_COUNT> {
    fn tls_serialized_len(&self) -> usize {
        self.0.iter().fold(2, |sum, row| sum.saturating_add(row.tls_serialized_len()))
    }
}

impl<T: Serialize, const MAX_COUNT: usize> Serialize for Rows<T, MAX_COUNT> {
    fn tls_serialize<W: Write>(&self, writer: &mut W) -> Result<usize, tls_codec::Error> {
        let count = u16::try_from(self.0.len()).map_err(|_| tls_codec::Error::InvalidVectorLength)?;
        self.0
            .iter()
            .try_fold(count.tls_serialize(writer)?, |sum, row| Ok(sum.saturating_add(row.tls_serialize(writer)?)))
    }
}

impl<T: Deserialize, const MAX_COUNT: usize> Deserialize for Rows<T, MAX_COUNT> {
    fn tls_deserialize<R: Read>(reader: &mut R) -> Result<Self, tls_codec::Error> {
        let count = u16::tls_deserialize(reader)?;
        if usize::from(count) > MAX_COUNT {
            return Err(tls_codec::Error::InvalidVectorLength);
        }
        (0..count).map(|_| T::tls_deserialize(reader)).collect::<Result<_, _>>().map(Self)
    }
}

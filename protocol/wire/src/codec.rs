//! One encoding for everything: the presentation language of RFC 8446 section 3, decoded whole or refused.
//!
//! Integers are big-endian, variable fields carry a fixed-width length, nothing may follow the last field.
//! Only the reader path of `tls_codec` is used: its slice path can panic on truncated input.

use std::io::{Read, Write};

pub use tls_codec::{Deserialize, Serialize, Size, TlsDeserialize, TlsSerialize, TlsSize};

/// Why bytes were refused. Always the fault of whoever sent them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// A field holds a value that its type does not have.
    #[error("a field holds a value that does not exist")]
    Invalid,
    /// A variable field is longer than its bound, or its length is not the shortest form.
    #[error("a field is longer than it may be")]
    TooLong,
    /// Bytes follow the last field.
    #[error("bytes follow the end")]
    Trailing,
    /// The bytes end before the last field does.
    #[error("the bytes end too early")]
    Truncated,
    /// An enumeration holds a tag this version does not know.
    #[error("unknown kind {0}")]
    Unknown(u64),
}

impl From<tls_codec::Error> for DecodeError {
    fn from(error: tls_codec::Error) -> Self {
        use tls_codec::Error;
        match error {
            Error::EndOfStream => Self::Truncated,
            Error::TrailingData => Self::Trailing,
            Error::InvalidVectorLength => Self::TooLong,
            Error::UnknownValue(tag) => Self::Unknown(tag),
            _ => Self::Invalid,
        }
    }
}

/// Decodes all of `bytes` as one value.
///
/// # Errors
/// Any [`DecodeError`]; the sender's fault.
pub fn decode<T: Deserialize>(bytes: &[u8]) -> Result<T, DecodeError> {
    let mut rest = bytes;
    let value = T::tls_deserialize(&mut rest)?;
    if rest.is_empty() { Ok(value) } else { Err(DecodeError::Trailing) }
}

/// Encodes one value. Every type of this workspace is bounded by construction, so this cannot fail.
#[must_use]
pub fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    let mut bytes = Vec::new();
    append(&mut bytes, value);
    bytes
}

/// Encodes one value behind what is there already.
pub fn append<T: Serialize>(bytes: &mut Vec<u8>, value: &T) {
    bytes.reserve(value.tls_serialized_len());
    let written = value.tls_serialize(bytes);
    debug_assert!(written.is_ok(), "a bounded value always encodes");
}

const fn prefix_bytes(max: usize) -> usize {
    match max {
        0..=0xff => 1,
        0x100..=0xffff => 2,
        0x1_0000..=0xff_ffff => 3,
        _ => 4,
    }
}

fn write_length<W: Write>(writer: &mut W, length: usize, max: usize) -> Result<usize, tls_codec::Error> {
    if length > max {
        return Err(tls_codec::Error::InvalidVectorLength);
    }
    let all = u32::try_from(length).map_err(|_| tls_codec::Error::InvalidVectorLength)?.to_be_bytes();
    let used = all.get(all.len().saturating_sub(prefix_bytes(max))..).unwrap_or_default();
    writer.write_all(used)?;
    Ok(used.len())
}

fn read_length<R: Read>(reader: &mut R, max: usize) -> Result<usize, tls_codec::Error> {
    let mut length = 0_usize;
    for _ in 0..prefix_bytes(max) {
        length = (length << 8_u32) | usize::from(u8::tls_deserialize(reader)?);
    }
    if length > max {
        return Err(tls_codec::Error::InvalidVectorLength);
    }
    Ok(length)
}

/// `opaque x<0..MAX>`: bytes with a length, its width the smallest that holds `MAX`.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Bytes<const MAX: usize>(Vec<u8>);

impl<const MAX: usize> Bytes<MAX> {
    /// Takes at most `MAX` bytes.
    ///
    /// # Errors
    /// [`DecodeError::TooLong`], the caller's fault.
    pub fn new(bytes: Vec<u8>) -> Result<Self, DecodeError> {
        if bytes.len() > MAX { Err(DecodeError::TooLong) } else { Ok(Self(bytes)) }
    }

    /// The bytes, without copying.
    #[must_use]
    pub fn into_vec(self) -> Vec<u8> {
        self.0
    }

    /// The bytes.
    #[must_use]
    pub fn as_slice(&self) -> &[u8] {
        &self.0
    }
}

impl<const MAX: usize> core::fmt::Debug for Bytes<MAX> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

impl<const MAX: usize> Size for Bytes<MAX> {
    fn tls_serialized_len(&self) -> usize {
        prefix_bytes(MAX).saturating_add(self.0.len())
    }
}

impl<const MAX: usize> Serialize for Bytes<MAX> {
    fn tls_serialize<W: Write>(&self, writer: &mut W) -> Result<usize, tls_codec::Error> {
        let prefix = write_length(writer, self.0.len(), MAX)?;
        writer.write_all(&self.0)?;
        Ok(prefix.saturating_add(self.0.len()))
    }
}

impl<const MAX: usize> Deserialize for Bytes<MAX> {
    fn tls_deserialize<R: Read>(reader: &mut R) -> Result<Self, tls_codec::Error> {
        let length = read_length(reader, MAX)?;
        // A claimed length alone costs one chunk of memory at most; beyond that the vector grows as bytes arrive.
        let mut bytes = Vec::with_capacity(length.min(crate::limits::CHUNK_BYTES));
        let read = reader.take(length as u64).read_to_end(&mut bytes)?;
        if read == length { Ok(Self(bytes)) } else { Err(tls_codec::Error::EndOfStream) }
    }
}

/// `opaque x<0..MAX>` that holds UTF-8 text.
#[derive(Clone, PartialEq, Eq, Default, Hash, PartialOrd, Ord)]
pub struct Text<const MAX: usize>(String);

impl<const MAX: usize> Text<MAX> {
    /// Takes text of at most `MAX` bytes.
    ///
    /// # Errors
    /// [`DecodeError::TooLong`], the caller's fault.
    pub fn new(text: impl Into<String>) -> Result<Self, DecodeError> {
        let text = text.into();
        if text.len() > MAX { Err(DecodeError::TooLong) } else { Ok(Self(text)) }
    }

    /// The text. It may come from a peer: never print it raw.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<const MAX: usize> core::fmt::Debug for Text<MAX> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "text of {} bytes", self.0.len())
    }
}

impl<const MAX: usize> Size for Text<MAX> {
    fn tls_serialized_len(&self) -> usize {
        prefix_bytes(MAX).saturating_add(self.0.len())
    }
}

impl<const MAX: usize> Serialize for Text<MAX> {
    fn tls_serialize<W: Write>(&self, writer: &mut W) -> Result<usize, tls_codec::Error> {
        let prefix = write_length(writer, self.0.len(), MAX)?;
        writer.write_all(self.0.as_bytes())?;
        Ok(prefix.saturating_add(self.0.len()))
    }
}

impl<const MAX: usize> Deserialize for Text<MAX> {
    fn tls_deserialize<R: Read>(reader: &mut R) -> Result<Self, tls_codec::Error> {
        let bytes = Bytes::<MAX>::tls_deserialize(reader)?;
        String::from_utf8(bytes.into_vec()).map(Self).map_err(|_| tls_codec::Error::InvalidInput)
    }
}

/// At most `MAX_COUNT` values, with their *number* before them in the smallest width that holds `MAX_COUNT`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct List<T, const MAX_COUNT: usize>(Vec<T>);

impl<T, const MAX_COUNT: usize> Default for List<T, MAX_COUNT> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T, const MAX_COUNT: usize> List<T, MAX_COUNT> {
    /// Takes at most `MAX_COUNT` values.
    ///
    /// # Errors
    /// [`DecodeError::TooLong`], the caller's fault.
    pub fn new(values: Vec<T>) -> Result<Self, DecodeError> {
        if values.len() > MAX_COUNT { Err(DecodeError::TooLong) } else { Ok(Self(values)) }
    }

    /// The values, without copying.
    #[must_use]
    pub fn into_vec(self) -> Vec<T> {
        self.0
    }

    /// The values.
    #[must_use]
    pub fn as_slice(&self) -> &[T] {
        &self.0
    }

    /// The values, in order.
    pub fn iter(&self) -> core::slice::Iter<'_, T> {
        self.0.iter()
    }
}

impl<T: Size, const MAX_COUNT: usize> Size for List<T, MAX_COUNT> {
    fn tls_serialized_len(&self) -> usize {
        self.0.iter().fold(prefix_bytes(MAX_COUNT), |sum, value| sum.saturating_add(value.tls_serialized_len()))
    }
}

impl<T: Serialize, const MAX_COUNT: usize> Serialize for List<T, MAX_COUNT> {
    fn tls_serialize<W: Write>(&self, writer: &mut W) -> Result<usize, tls_codec::Error> {
        let mut written = write_length(writer, self.0.len(), MAX_COUNT)?;
        for value in &self.0 {
            written = written.saturating_add(value.tls_serialize(writer)?);
        }
        Ok(written)
    }
}

impl<T: Deserialize, const MAX_COUNT: usize> Deserialize for List<T, MAX_COUNT> {
    fn tls_deserialize<R: Read>(reader: &mut R) -> Result<Self, tls_codec::Error> {
        let count = read_length(reader, MAX_COUNT)?;
        (0..count).map(|_| T::tls_deserialize(reader)).collect::<Result<_, _>>().map(Self)
    }
}

/// Room for what later versions add to a structure: `{type u16, data<u16>}`, in ascending order of type, each once.
///
/// Unknown even types are ignored; an unknown odd type refuses the whole as made by a newer version.
#[derive(Clone, Debug, Default, PartialEq, Eq, TlsSerialize, TlsSize)]
pub struct Extensions(List<Extension, { crate::limits::EXTENSIONS }>);

/// One extension.
#[derive(Clone, Debug, PartialEq, Eq, TlsSerialize, TlsDeserialize, TlsSize)]
pub struct Extension {
    /// Even: may be ignored. Odd: must be understood.
    pub kind: u16,
    /// Its content.
    pub data: Bytes<0xffff>,
}

impl Extensions {
    /// Checks that nothing here must be understood. This version knows none that must.
    ///
    /// # Errors
    /// [`DecodeError::Unknown`] with the first odd type: made by a newer version.
    pub fn check_understood(&self) -> Result<(), DecodeError> {
        match self.0.iter().find(|extension| extension.kind & 1 == 1) {
            Some(extension) => Err(DecodeError::Unknown(u64::from(extension.kind))),
            None => Ok(()),
        }
    }

    /// What the extension of this type holds, where there is one.
    #[must_use]
    pub fn find(&self, kind: u16) -> Option<&[u8]> {
        self.0.iter().find(|extension| extension.kind == kind).map(|extension| extension.data.as_slice())
    }

    /// Extensions as given.
    ///
    /// # Errors
    /// [`DecodeError::TooLong`] beyond the limit, [`DecodeError::Invalid`] out of order.
    pub fn new(extensions: Vec<Extension>) -> Result<Self, DecodeError> {
        if extensions.is_sorted_by(|one, next| one.kind < next.kind) {
            List::new(extensions).map(Self)
        } else {
            Err(DecodeError::Invalid)
        }
    }
}

impl Deserialize for Extensions {
    fn tls_deserialize<R: Read>(reader: &mut R) -> Result<Self, tls_codec::Error> {
        let extensions = List::<Extension, { crate::limits::EXTENSIONS }>::tls_deserialize(reader)?;
        Self::new(extensions.into_vec()).map_err(|_| tls_codec::Error::InvalidInput)
    }
}

//! A reply as it crosses the pipe: the length of its head, the head, and whatever bytes the head speaks of.

use std::io::{self, Read, Write};

use lightproof_wire::codec::{self, Deserialize, Serialize, Text, TlsDeserialize, TlsSerialize, TlsSize};

use super::super::{
    error::Stopped,
    report::{Fate, Removed, RemovedGroup, printable},
};

/// More than any head of ours takes.
const HEAD_BYTES: usize = 4 << 20;
/// A hundred characters of UTF-8.
const WORDS_BYTES: usize = 400;

/// One entry of a report.
#[derive(Clone, TlsSerialize, TlsDeserialize, TlsSize)]
pub(super) struct Entry {
    group: RemovedGroup,
    fate: Fate,
    key: Text<WORDS_BYTES>,
    detail: Text<WORDS_BYTES>,
}

impl From<&Removed> for Entry {
    fn from(found: &Removed) -> Self {
        // Both were made to fit.
        let words = |text: &str| Text::new(text).unwrap_or_default();
        Self { group: found.group, fate: found.fate, key: words(&found.key), detail: words(&found.detail) }
    }
}

impl From<&Entry> for Removed {
    fn from(entry: &Entry) -> Self {
        let words = |text: &Text<WORDS_BYTES>| printable(text.as_str());
        Self { group: entry.group, fate: entry.fate, key: words(&entry.key), detail: words(&entry.detail) }
    }
}

/// Writes the head of a reply.
pub(super) fn write_head(output: &mut impl Write, head: &impl Serialize) -> io::Result<()> {
    let head = codec::encode(head);
    let length = u32::try_from(head.len()).map_err(|_| io::ErrorKind::InvalidData)?;
    output.write_all(&length.to_be_bytes())?;
    output.write_all(&head)
}

/// Reads the head of a reply; also how many bytes of the reply it took.
///
/// # Errors
/// [`Stopped::Broke`] for anything that is no head.
pub(super) fn read_head<T: Deserialize>(reply: &mut impl Read) -> Result<(T, u64), Stopped> {
    let mut prefix = [0; 4];
    reply.read_exact(&mut prefix).map_err(|_| Stopped::Broke)?;
    let length = u64::from(u32::from_be_bytes(prefix));
    if length > HEAD_BYTES as u64 {
        return Err(Stopped::Broke);
    }
    let mut head = Vec::new();
    reply.take(length).read_to_end(&mut head).map_err(|_| Stopped::Broke)?;
    // A head that ends early does not decode.
    let head = codec::decode(&head).map_err(|_| Stopped::Broke)?;
    Ok((head, length.saturating_add(prefix.len() as u64)))
}

//! Writes the TIFF structure inside EXIF (CIPA DC-008, 4.5): little-endian directories of twelve-byte entries.

/// One field of a directory; a directory lists its fields by ascending tag.
#[derive(Clone, Copy)]
pub(in super::super) struct Entry<'a> {
    tag: u16,
    value: Value<'a>,
}

#[derive(Clone, Copy)]
enum Value<'a> {
    Text(&'a [u8]),
    Bytes(&'a [u8]),
    Short(u16),
    Long(u32),
    Rationals(&'a [u32]),
}

impl<'a> Entry<'a> {
    /// ASCII, with its closing zero.
    pub(in super::super) const fn text(tag: u16, text: &'a [u8]) -> Self {
        Self { tag, value: Value::Text(text) }
    }

    /// Bytes without a type.
    pub(in super::super) const fn bytes(tag: u16, bytes: &'a [u8]) -> Self {
        Self { tag, value: Value::Bytes(bytes) }
    }

    /// Sixteen bits.
    pub(in super::super) const fn short(tag: u16, number: u16) -> Self {
        Self { tag, value: Value::Short(number) }
    }

    /// Numerators and denominators in turn.
    pub(in super::super) const fn rationals(tag: u16, numbers: &'a [u32]) -> Self {
        Self { tag, value: Value::Rationals(numbers) }
    }

    const fn long(tag: u16, number: u32) -> Self {
        Self { tag, value: Value::Long(number) }
    }

    /// Type, count, and the value's bytes.
    fn encoded(&self) -> (u16, usize, Vec<u8>) {
        match self.value {
            Value::Text(text) => (2, text.len(), text.to_vec()),
            Value::Bytes(bytes) => (7, bytes.len(), bytes.to_vec()),
            Value::Short(number) => (3, 1, number.to_le_bytes().to_vec()),
            Value::Long(number) => (4, 1, number.to_le_bytes().to_vec()),
            Value::Rationals(numbers) => {
                (5, numbers.len() / 2, numbers.iter().flat_map(|number| number.to_le_bytes()).collect())
            }
        }
    }
}

/// An EXIF block of three directories and a thumbnail; an empty thumbnail is left out.
pub(in super::super) fn exif_block(
    main: &[Entry<'_>],
    shot: &[Entry<'_>],
    position: &[Entry<'_>],
    thumbnail: &[u8],
) -> Vec<u8> {
    // The two pointers have the highest tags of the main directory; their values do not change its size.
    let pointers = |shot_at, position_at| [Entry::long(0x8769, shot_at), Entry::long(0x8825, position_at)];
    let shot_at = directory(&[main, &pointers(0, 0)].concat(), 0, 0).len().saturating_add(8);
    let position_at = shot_at.saturating_add(directory(shot, 0, 0).len());
    let second_at = position_at.saturating_add(directory(position, 0, 0).len());
    let of_thumbnail = |at: usize| {
        [Entry::short(0x0103, 6), Entry::long(0x0201, short(at)), Entry::long(0x0202, short(thumbnail.len()))]
    };
    let thumbnail_at = second_at.saturating_add(directory(&of_thumbnail(0), 0, 0).len());
    let next = if thumbnail.is_empty() { 0 } else { second_at };
    let mut block = b"II*\0\x08\0\0\0".to_vec();
    block.extend(directory(&[main, &pointers(short(shot_at), short(position_at))].concat(), 8, next));
    block.extend(directory(shot, shot_at, 0));
    block.extend(directory(position, position_at, 0));
    if !thumbnail.is_empty() {
        block.extend(directory(&of_thumbnail(thumbnail_at), second_at, 0));
        block.extend(thumbnail);
    }
    block
}

/// One directory at `at`, followed by the values that do not fit in its entries.
fn directory(entries: &[Entry<'_>], at: usize, next: usize) -> Vec<u8> {
    // A count of 2 bytes, 12 bytes an entry, and 4 that point on.
    let values_at = entries.len().saturating_mul(12).saturating_add(6).saturating_add(at);
    let (mut fields, mut values) = (Vec::new(), Vec::new());
    for entry in entries {
        let (kind, count, mut value) = entry.encoded();
        fields.extend(entry.tag.to_le_bytes());
        fields.extend(kind.to_le_bytes());
        fields.extend(short(count).to_le_bytes());
        if value.len() <= 4 {
            value.resize(4, 0);
            fields.append(&mut value);
        } else {
            fields.extend(short(values_at.saturating_add(values.len())).to_le_bytes());
            value.resize(value.len().next_multiple_of(2), 0);
            values.append(&mut value);
        }
    }
    let count = u16::try_from(entries.len()).unwrap_or(u16::MAX);
    [count.to_le_bytes().to_vec(), fields, short(next).to_le_bytes().to_vec(), values].concat()
}

/// A block is smaller than the 64 KiB of its segment.
fn short(offset: usize) -> u32 {
    u32::try_from(offset).unwrap_or(u32::MAX)
}

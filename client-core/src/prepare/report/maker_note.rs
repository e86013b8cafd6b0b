//! Makers' notes: TIFF directories that follow no standard, in which cameras write their serial numbers and owners.
//!
//! Read for the fields that name a person, a place or a device; where they stand is known from the makers' files, as
//! collected at <https://exiftool.org/TagNames/>.

use super::{Carrier, Found, RemovedGroup};

/// Reports a note at `at` in the TIFF structure `block`.
pub(super) fn report(block: &[u8], at: usize, note: &[u8], maker: &str, found: &mut Vec<Found>) {
    let Some(layout) = layout(block, at, note, maker) else { return };
    for (tag, value) in entries(&layout) {
        let field = layout.fields.iter().find(|(known, ..)| *known == tag);
        if let Some((_, group, name)) = field.filter(|_| !value.is_empty()) {
            found.push(Found::new(Carrier::Exif, *group, format!("MakerNote {name}"), value));
        }
    }
}

type Fields = &'static [(u16, RemovedGroup, &'static str)];

/// Where a note's directory is, and what its offsets count from.
struct Layout<'a> {
    base: &'a [u8],
    directory: usize,
    is_little: bool,
    fields: Fields,
}

fn layout<'a>(block: &'a [u8], at: usize, note: &'a [u8], maker: &str) -> Option<Layout<'a>> {
    let block_is_little = block.starts_with(b"II");
    let of = |base, directory, is_little, fields| Some(Layout { base, directory, is_little, fields });
    if note.starts_with(b"Apple iOS\0") {
        return of(note, 14, note.get(12..14) == Some(b"II"), APPLE);
    }
    if note.starts_with(b"Nikon\0\x02") {
        let base = note.get(10..)?;
        let is_little = base.starts_with(b"II");
        return of(base, usize::try_from(number(base, 4, 4, is_little)?).ok()?, is_little, NIKON);
    }
    if note.starts_with(b"FUJIFILM") {
        return of(note, usize::try_from(number(note, 8, 4, true)?).ok()?, true, FUJIFILM);
    }
    if note.starts_with(b"Panasonic\0") {
        return of(block, at.checked_add(12)?, block_is_little, PANASONIC);
    }
    if note.starts_with(b"AOC\0") {
        return of(block, at.checked_add(6)?, note.get(4..6) == Some(b"II"), PENTAX);
    }
    if note.starts_with(b"PENTAX \0") {
        return of(note, 10, note.get(8..10) == Some(b"II"), PENTAX);
    }
    if maker.starts_with("Canon") { of(block, at, block_is_little, CANON) } else { None }
}

/// Tags with their values as text.
fn entries(layout: &Layout<'_>) -> Vec<(u16, String)> {
    let Layout { base, directory, is_little, .. } = *layout;
    let count = number(base, directory, 2, is_little).unwrap_or(0).min(MAX_ENTRIES);
    let starts = (0..count)
        .filter_map(|place| directory.checked_add(2)?.checked_add(usize::try_from(place).ok()?.checked_mul(12)?));
    starts.filter_map(|start| entry(base, start, is_little)).collect()
}

fn entry(base: &[u8], start: usize, is_little: bool) -> Option<(u16, String)> {
    let tag = u16::try_from(number(base, start, 2, is_little)?).ok()?;
    let kind = number(base, start.checked_add(2)?, 2, is_little)?;
    let count = usize::try_from(number(base, start.checked_add(4)?, 4, is_little)?).ok()?;
    let value_at = start.checked_add(8)?;
    let text = |bytes_at: usize| {
        let bytes = base.get(bytes_at..bytes_at.checked_add(count.min(MAX_TEXT_BYTES))?)?;
        let bytes = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
        Some(String::from_utf8_lossy(bytes).trim().to_owned())
    };
    let value = match (kind, count) {
        // Bytes, ASCII and undefined: in the entry up to four, elsewhere beyond.
        (1 | 2 | 7, ..=4) => text(value_at)?,
        (1 | 2 | 7, _) => text(usize::try_from(number(base, value_at, 4, is_little)?).ok()?)?,
        (4, 1) => number(base, value_at, 4, is_little)?.to_string(),
        _ => return None,
    };
    Some((tag, value))
}

fn number(bytes: &[u8], at: usize, count: usize, is_little: bool) -> Option<u32> {
    let digits = bytes.get(at..at.checked_add(count)?)?.iter();
    let join = |whole: u32, byte: &u8| whole << 8 | u32::from(*byte);
    Some(if is_little { digits.rev().fold(0, join) } else { digits.fold(0, join) })
}

const APPLE: Fields = &[
    (0x000b, RemovedGroup::OtherMetadata, "BurstUUID"),
    (0x0011, RemovedGroup::OtherMetadata, "ContentIdentifier"),
    (0x0015, RemovedGroup::OtherMetadata, "ImageUniqueID"),
    (0x002b, RemovedGroup::OtherMetadata, "PhotoIdentifier"),
];
const CANON: Fields = &[
    (0x0009, RemovedGroup::Author, "OwnerName"),
    (0x000c, RemovedGroup::Camera, "SerialNumber"),
    (0x0095, RemovedGroup::Camera, "LensModel"),
    (0x0096, RemovedGroup::Camera, "InternalSerialNumber"),
];
const FUJIFILM: Fields = &[(0x0010, RemovedGroup::Camera, "InternalSerialNumber")];
const NIKON: Fields = &[(0x001d, RemovedGroup::Camera, "SerialNumber")];
const PANASONIC: Fields = &[
    (0x0025, RemovedGroup::Camera, "InternalSerialNumber"),
    (0x0052, RemovedGroup::Camera, "LensSerialNumber"),
    (0x0065, RemovedGroup::Comment, "Title"),
    (0x0066, RemovedGroup::Comment, "BabyName"),
    (0x0067, RemovedGroup::Location, "Location"),
    (0x0069, RemovedGroup::Location, "Country"),
    (0x006b, RemovedGroup::Location, "State"),
    (0x006d, RemovedGroup::Location, "City"),
    (0x006f, RemovedGroup::Location, "Landmark"),
];
const PENTAX: Fields = &[(0x0229, RemovedGroup::Camera, "SerialNumber")];
const MAX_ENTRIES: u32 = 512;
const MAX_TEXT_BYTES: usize = 256;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A directory with one text that stands right behind it.
    fn directory(tag: u16, text: &[u8], text_at: u32, is_little: bool) -> Vec<u8> {
        let short = |n: u16| if is_little { n.to_le_bytes() } else { n.to_be_bytes() };
        let long = |n: u32| if is_little { n.to_le_bytes() } else { n.to_be_bytes() };
        let entry =
            [&short(1)[..], &short(tag), &short(2), &long(u32::try_from(text.len()).unwrap()), &long(text_at), &[0; 4]]
                .concat();
        [entry, text.to_vec()].concat()
    }

    #[test]
    fn serial_numbers_and_owners_of_six_makers_are_found() {
        let serial = b"SN-0042-7781\0";
        // A directory of one entry is 18 bytes long.
        let behind = |start: u32| start + 18;
        let apple = [b"Apple iOS\0\0\x01MM".as_slice(), &directory(0x2b, serial, behind(14), false)].concat();
        let nikon =
            [b"Nikon\0\x02\x10\0\0MM\0*\0\0\0\x08".as_slice(), &directory(0x1d, serial, behind(8), false)].concat();
        let fuji = [b"FUJIFILM\x0c\0\0\0".as_slice(), &directory(0x10, serial, behind(12), true)].concat();
        let pentax = [b"PENTAX \0MM".as_slice(), &directory(0x229, serial, behind(10), false)].concat();
        let panasonic = [b"Panasonic\0\0\0".as_slice(), &directory(0x25, serial, 100 + behind(12), true)].concat();
        let canon = directory(0x09, serial, 100 + behind(0), true);
        for (note, maker, group) in [
            (apple, "Apple", RemovedGroup::OtherMetadata),
            (nikon, "NIKON CORPORATION", RemovedGroup::Camera),
            (fuji, "FUJIFILM", RemovedGroup::Camera),
            (pentax, "PENTAX", RemovedGroup::Camera),
            (panasonic, "Panasonic", RemovedGroup::Camera),
            (canon, "Canon", RemovedGroup::Author),
        ] {
            let mut block = b"II*\0".to_vec();
            block.resize(100, 0);
            block.extend(&note);
            let mut found = Vec::new();
            report(&block, 100, &note, maker, &mut found);
            let told: Vec<_> = found.iter().map(|found| (found.group, found.detail.as_str())).collect();
            assert_eq!(told, [(group, "SN-0042-7781")], "{maker}");
        }
    }

    proptest! {
        #[test]
        fn no_note_is_too_odd_to_read(mut note in proptest::collection::vec(any::<u8>(), 0..200), head in 0_usize..7, at in any::<u32>()) {
            let heads: [&[u8]; 7] =
                [b"Apple iOS\0\0\x01MM", b"Nikon\0\x02\x10\0\0MM\0*", b"FUJIFILM", b"PENTAX \0MM", b"Panasonic\0\0\0", b"AOC\0II", b""];
            note.splice(0..0, heads[head].iter().copied());
            let mut found = Vec::new();
            report(&note, at as usize, &note, "Canon", &mut found);
            prop_assert!(found.len() <= 512);
        }
    }
}

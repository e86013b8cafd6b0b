//! EXIF (CIPA DC-008, version 2.32): what its fields say, by group (kamadak-exif).

use std::io::Cursor;

use exif::{Context, Error, Exif, Field, In, Reader, Tag, Value};

use super::{
    super::{format::Format, strip::Parts},
    Carrier, Found, RemovedGroup,
    human::{self, bytes_of},
    iptc, maker_note, xmp,
};

/// Reports a TIFF structure: an EXIF block, or a whole TIFF file.
pub(super) fn report(block: &[u8], carrier: Carrier, found: &mut Vec<Found>) {
    match read(block.to_vec()) {
        Some(exif) => report_fields(&exif, carrier, found),
        None => found.push(Found::new(carrier, RemovedGroup::OtherMetadata, "EXIF", bytes_of(block.len()))),
    }
}

/// Reports a HEIC or AVIF, which is not decoded here but may be sent as it is.
pub(super) fn report_container(bytes: &[u8], found: &mut Vec<Found>) {
    match whole(Reader::new().continue_on_error(true).read_from_container(&mut Cursor::new(bytes))) {
        Some(exif) => report_fields(&exif, Carrier::Exif, found),
        None => found.push(Found::not_inspected("no EXIF was found; other metadata was not looked for")),
    }
}

/// Whether a TIFF is a camera's raw file, whose first picture is only a preview.
pub(in super::super) fn is_camera_raw(tiff: &[u8]) -> bool {
    let first = |number| Tag(Context::Tiff, number);
    read(tiff.to_vec()).is_some_and(|exif| {
        let is_preview = exif.get_field(first(NEW_SUBFILE_TYPE), In::PRIMARY).and_then(|field| field.value.get_uint(0));
        is_preview.is_some_and(|kind| kind & 1 == 1) || exif.get_field(first(DNG_VERSION), In::PRIMARY).is_some()
    })
}

fn read(block: Vec<u8>) -> Option<Exif> {
    whole(Reader::new().continue_on_error(true).read_raw(block))
}

/// What could be read of a block with faults is better than nothing.
fn whole(read: Result<Exif, Error>) -> Option<Exif> {
    read.or_else(|error| error.distill_partial_result(|_| {})).ok()
}

fn report_fields(exif: &Exif, carrier: Carrier, found: &mut Vec<Found>) {
    let position = position(exif);
    if let Some(position) = &position {
        found.push(Found::new(carrier, RemovedGroup::Location, "GPSPosition", position));
    }
    let mut other_count = 0_usize;
    for field in exif.fields() {
        report_inside(exif, field, carrier, found);
        match group(field, position.is_some()) {
            Some(RemovedGroup::OtherMetadata) => other_count = other_count.saturating_add(1),
            Some(RemovedGroup::Thumbnail) => {
                found.push(Found::new(carrier, RemovedGroup::Thumbnail, "EXIF thumbnail", thumbnail(exif)));
            }
            Some(group) => found.push(Found::new(carrier, group, name(field.tag), text(field))),
            None => {}
        }
    }
    if other_count > 0 {
        let detail = format!("{other_count} more field{}", if other_count == 1 { "" } else { "s" });
        found.push(Found::new(carrier, RemovedGroup::OtherMetadata, "EXIF", detail));
    }
}

/// What a field holds that has a structure of its own.
fn report_inside(exif: &Exif, field: &Field, carrier: Carrier, found: &mut Vec<Found>) {
    let bytes = match &field.value {
        Value::Undefined(bytes, _) | Value::Byte(bytes) => bytes,
        _ => return,
    };
    match (field.tag.number(), &field.value) {
        (0x02bc, _) => xmp::report(bytes, carrier, found),
        (0x83bb, _) => iptc::report(bytes, carrier, found),
        (0x8649, _) => iptc::report_photoshop(bytes, carrier, found),
        (0x927c, Value::Undefined(note, at)) => {
            let maker = exif.get_field(Tag::Make, In::PRIMARY).map(text).unwrap_or_default();
            let at = usize::try_from(*at).unwrap_or(usize::MAX);
            maker_note::report(exif.buf(), at, note, &maker, found);
        }
        _ => {}
    }
}

/// The bytes of the thumbnail.
fn thumbnail_of(exif: &Exif) -> Option<&[u8]> {
    let number = |tag| usize::try_from(exif.get_field(tag, In::THUMBNAIL)?.value.get_uint(0)?).ok();
    let start = number(Tag::JPEGInterchangeFormat)?;
    exif.buf().get(start..start.checked_add(number(Tag::JPEGInterchangeFormatLength)?)?)
}

/// The thumbnail of a block, if it has one that is a JPEG.
pub(in super::super) fn thumbnail_in(block: &[u8]) -> Option<Vec<u8>> {
    thumbnail_of(&read(block.to_vec())?).map(<[u8]>::to_vec)
}

/// How large a thumbnail is.
fn thumbnail(exif: &Exif) -> String {
    let Some(bytes) = thumbnail_of(exif) else { return String::new() };
    let size = bytes_of(bytes.len());
    match Parts::of(bytes, Format::Jpeg) {
        Some(Ok(Parts { size: (width, height), .. })) => format!("{width} x {height}, {size}"),
        _ => size,
    }
}

/// The group of a field; `None` for what only says how the picture is stored.
fn group(field: &Field, has_position: bool) -> Option<RemovedGroup> {
    let Tag(context, number) = field.tag;
    if field.ifd_num == In::THUMBNAIL {
        // A second directory is a thumbnail in EXIF and another page in TIFF, which says how wide it is.
        return match field.tag {
            Tag::JPEGInterchangeFormatLength => Some(RemovedGroup::Thumbnail),
            Tag::ImageWidth => Some(RemovedGroup::Frames),
            _ => None,
        };
    }
    match (context, number) {
        // The version tells nothing, and the halves of the position nothing that the position does not.
        (Context::Gps, 0) | (Context::Interop, _) => None,
        (Context::Gps, 1..=4) if has_position => None,
        (Context::Gps, _) => Some(RemovedGroup::Location),
        (_, 0x010f | 0x0110 | 0x927c | 0xa420 | 0xa431..=0xa435 | 0xc614 | 0xc62f) => Some(RemovedGroup::Camera),
        (_, 0x013b | 0x8298 | 0x9c9d | 0xa430) => Some(RemovedGroup::Author),
        (_, 0x0132 | 0x9003 | 0x9004 | 0x9010..=0x9012 | 0x9290..=0x9292) => Some(RemovedGroup::Date),
        (_, 0x010d | 0x010e | 0x9286 | 0x9c9b | 0x9c9c | 0x9c9e | 0x9c9f) => Some(RemovedGroup::Comment),
        (_, 0x000b | 0x0131 | 0x013c) => Some(RemovedGroup::Software),
        // TIFF 6.0's own fields, the resolution, versions, component order, colour space, size, pointers.
        (
            _,
            0x00fe..=0x010c | 0x0111..=0x0119 | 0x011a..=0x0128 | 0x013d..=0x0157 | 0x0200..=0x0214 | 0x8769 | 0x8825,
        ) => None,
        // A colour profile; what has a structure of its own and is told by it; sizes.
        (_, 0x02bc | 0x83bb | 0x8649 | 0x8773 | 0x9000 | 0x9101 | 0xa000..=0xa005) => None,
        _ => Some(RemovedGroup::OtherMetadata),
    }
}

fn name(tag: Tag) -> String {
    match tag.number() {
        0x9c9b => "XPTitle".to_owned(),
        0x9c9c => "XPComment".to_owned(),
        0x9c9d => "XPAuthor".to_owned(),
        0x9c9e => "XPKeywords".to_owned(),
        0x9c9f => "XPSubject".to_owned(),
        _ if tag.description().is_some() => tag.to_string(),
        number => format!("tag {number:#06x}"),
    }
}

fn text(field: &Field) -> String {
    match (&field.value, field.tag.number()) {
        (Value::Ascii(lines), number) => {
            let is_date = matches!(number, 0x0132 | 0x9003 | 0x9004 | 0x001d);
            let lines: Vec<Vec<u8>> =
                lines.iter().map(|line| if is_date { dated(line) } else { line.clone() }).collect();
            lines.iter().map(|line| String::from_utf8_lossy(line)).collect::<Vec<_>>().join(" ")
        }
        // UserComment: eight bytes name the character code.
        (Value::Undefined(bytes, _), 0x9286) => {
            String::from_utf8_lossy(bytes.get(8..).unwrap_or_default()).into_owned()
        }
        (Value::Undefined(bytes, _), _) => bytes_of(bytes.len()),
        (Value::Byte(bytes), 0x9c9b..=0x9c9f) => {
            let units: Vec<u16> =
                bytes.chunks_exact(2).filter_map(|pair| Some(u16::from_le_bytes(pair.try_into().ok()?))).collect();
            String::from_utf16_lossy(&units)
        }
        _ => field.display_value().to_string().chars().take(256).collect(),
    }
}

/// A date with dashes, as people and RFC 3339 write it.
fn dated(line: &[u8]) -> Vec<u8> {
    let day = line.iter().take(10).map(|byte| if *byte == b':' { b'-' } else { *byte });
    day.chain(line.iter().skip(10).copied()).collect()
}

/// Both halves of the position in degrees.
fn position(exif: &Exif) -> Option<String> {
    let half = |value: Tag, reference: Tag| {
        let Value::Rational(parts) = &exif.get_field(value, In::PRIMARY)?.value else { return None };
        let degrees: f64 = parts.iter().zip([1.0, 60.0, 3600.0]).map(|(part, unit)| part.to_f64() / unit).sum();
        let Value::Ascii(side) = &exif.get_field(reference, In::PRIMARY)?.value else { return None };
        let side = char::from(*side.first()?.first()?);
        Some((degrees, side))
    };
    human::position(half(Tag::GPSLatitude, Tag::GPSLatitudeRef)?, half(Tag::GPSLongitude, Tag::GPSLongitudeRef)?)
}

const NEW_SUBFILE_TYPE: u16 = 0x00fe;
const DNG_VERSION: u16 = 0xc612;

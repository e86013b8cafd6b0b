//! Photoshop's image resources, and in them IPTC's fields (Information Interchange Model 4.2).

use super::{
    Carrier, Found, RemovedGroup,
    human::{bytes_of, latin1},
};

/// Reports an application segment of Photoshop, or a block of its resources.
pub(super) fn report_photoshop(payload: &[u8], carrier: Carrier, found: &mut Vec<Found>) {
    let mut rest = payload.strip_prefix(b"Photoshop 3.0\0").unwrap_or(payload);
    while let Some((id, data, after)) = resource(rest) {
        match id {
            IPTC => report(data, carrier, found),
            THUMBNAIL_OLD | THUMBNAIL => {
                found.push(Found::new(carrier, RemovedGroup::Thumbnail, "Photoshop", bytes_of(data.len())));
            }
            _ => {}
        }
        rest = after;
    }
    found.push(Found::new(carrier, RemovedGroup::OtherMetadata, "Photoshop", bytes_of(payload.len())));
}

/// Reports IPTC's fields.
pub(super) fn report(mut fields: &[u8], carrier: Carrier, found: &mut Vec<Found>) {
    let is_utf8 = fields.windows(3).any(|window| window == b"\x1b%G");
    while let Some((record, number, value, after)) = field(fields) {
        if let Some((group, name)) = named(record, number) {
            let text = if is_utf8 { String::from_utf8_lossy(value).into_owned() } else { latin1(value) };
            found.push(Found::new(carrier, group, format!("IPTC {name}"), text));
        }
        fields = after;
    }
}

/// `8BIM`, a number, a name and a length; name and data padded to even lengths.
fn resource(bytes: &[u8]) -> Option<(u16, &[u8], &[u8])> {
    let rest = bytes.strip_prefix(b"8BIM")?;
    let (id, rest) = rest.split_first_chunk()?;
    let name_bytes = usize::from(*rest.first()?).saturating_add(1).next_multiple_of(2);
    let (length, rest) = rest.get(name_bytes..)?.split_first_chunk()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
    let (data, rest) = rest.split_at_checked(length)?;
    Some((u16::from_be_bytes(*id), data, rest.get(length % 2..).unwrap_or_default()))
}

/// A mark, a record, a number in it, a length and the value. Longer values than 32 KiB end the walk: none is text.
fn field(bytes: &[u8]) -> Option<(u8, u8, &[u8], &[u8])> {
    let [0x1c, record, number, high @ ..=0x7f, low, rest @ ..] = bytes else { return None };
    let (value, after) = rest.split_at_checked(usize::from(u16::from_be_bytes([*high, *low])))?;
    Some((*record, *number, value, after))
}

fn named(record: u8, number: u8) -> Option<(RemovedGroup, &'static str)> {
    use RemovedGroup::{Author, Comment, Date, Location, Software};
    if record != 2 {
        return None;
    }
    Some(match number {
        5 => (Comment, "ObjectName"),
        25 => (Comment, "Keywords"),
        40 => (Comment, "SpecialInstructions"),
        55 => (Date, "DateCreated"),
        60 => (Date, "TimeCreated"),
        62 => (Date, "DigitalCreationDate"),
        65 => (Software, "OriginatingProgram"),
        80 => (Author, "By-line"),
        85 => (Author, "By-lineTitle"),
        90 => (Location, "City"),
        92 => (Location, "Sub-location"),
        95 => (Location, "Province-State"),
        100 | 101 => (Location, "Country"),
        105 => (Comment, "Headline"),
        110 => (Author, "Credit"),
        115 => (Author, "Source"),
        116 => (Author, "CopyrightNotice"),
        118 => (Author, "Contact"),
        120 => (Comment, "Caption"),
        122 => (Author, "Writer"),
        _ => return None,
    })
}

const IPTC: u16 = 0x0404;
const THUMBNAIL_OLD: u16 = 0x0409;
const THUMBNAIL: u16 = 0x040c;

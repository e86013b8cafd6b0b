//! Metadata that comes with names of its own: PNG text, and XMP.

use super::{
    super::strip::{Leftover, LeftoverKind},
    Carrier, Found, RemovedGroup, bytes_of,
};

/// A PNG text chunk: `keyword`, zero, and text that may be compressed.
pub(super) fn report_text(leftover: &Leftover<'_>) -> Found {
    let end = leftover.payload.iter().position(|byte| *byte == 0).unwrap_or(leftover.payload.len());
    let (keyword, text) = leftover.payload.split_at_checked(end).unwrap_or_default();
    let keyword = latin1(keyword);
    let group = match keyword.to_ascii_lowercase().as_str() {
        "author" | "artist" | "creator" | "copyright" | "owner" => RemovedGroup::Author,
        "software" => RemovedGroup::Software,
        "source" | "model" | "make" => RemovedGroup::Camera,
        "comment" | "description" | "title" | "disclaimer" | "warning" => RemovedGroup::Comment,
        key if key.contains("time") || key.contains("date") => RemovedGroup::Date,
        key if key.contains("gps") || key.contains("location") => RemovedGroup::Location,
        _ => RemovedGroup::OtherMetadata,
    };
    let detail = match leftover.kind {
        LeftoverKind::Text => latin1(text),
        _ => international(text).unwrap_or_else(|| bytes_of(text.len())),
    };
    Found::new(Carrier::Leftovers, group, keyword, detail)
}

/// `iTXt` that is not compressed: zero, flag, method, language, zero, translated keyword, zero, UTF-8.
fn international(text: &[u8]) -> Option<String> {
    let rest = text.strip_prefix(&[0, 0, 0])?;
    rest.splitn(3, |byte| *byte == 0).nth(2).map(|text| String::from_utf8_lossy(text).into_owned())
}

/// PNG `tIME`: year, month, day, hour, minute, second.
pub(super) fn time_of(payload: &[u8]) -> Option<String> {
    let [y1, y0, month, day, hour, minute, second] = payload else { return None };
    let year = u16::from_be_bytes([*y1, *y0]);
    Some(format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}"))
}

/// XMP is XML; the names of its properties are enough to say what kinds of things it tells.
pub(super) fn report_xmp(packet: &[u8], found: &mut Vec<Found>) {
    let text = String::from_utf8_lossy(packet);
    for (needle, group, key) in PROPERTIES {
        if text.contains(needle) {
            found.push(Found::new(Carrier::Xmp, *group, format!("XMP {key}"), ""));
        }
    }
    found.push(Found::new(Carrier::Xmp, RemovedGroup::OtherMetadata, "XMP", bytes_of(packet.len())));
}

fn latin1(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(*byte)).collect()
}

const PROPERTIES: &[(&str, RemovedGroup, &str)] = &[
    ("GPSLatitude", RemovedGroup::Location, "GPSLatitude"),
    ("photoshop:City", RemovedGroup::Location, "City"),
    ("Location", RemovedGroup::Location, "Location"),
    ("SerialNumber", RemovedGroup::Camera, "SerialNumber"),
    ("dc:creator", RemovedGroup::Author, "creator"),
    ("OwnerName", RemovedGroup::Author, "OwnerName"),
    ("CreateDate", RemovedGroup::Date, "CreateDate"),
    ("dc:description", RemovedGroup::Comment, "description"),
    ("CreatorTool", RemovedGroup::Software, "CreatorTool"),
    ("xmpMM:DocumentID", RemovedGroup::Software, "DocumentID"),
];

//! What was found in a file beside its picture, in words a sender can act on.
//!
//! A report names what it recognises and counts the rest; it never decides what is removed: the allow-list does.

mod exif;
mod named;

use super::{
    format::Format,
    strip::{Leftover, LeftoverKind, Parts, leftovers_of_gif},
};

pub(super) use exif::is_camera_raw;

/// One thing that a file held beside its picture.
#[derive(Clone, PartialEq, Eq)]
pub struct Removed {
    /// What kind of thing.
    pub group: RemovedGroup,
    /// What became of it.
    pub fate: Fate,
    /// Its name in the standard it comes from (`GPSPosition`, `BodySerialNumber`, `tEXt Author`).
    pub key: String,
    /// Its value or size: printable, at most 100 characters.
    pub detail: String,
}

impl core::fmt::Debug for Removed {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        // What it was, and not where somebody lives.
        let Self { group, fate, key, detail: _ } = self;
        write!(f, "Removed({group:?}, {fate:?}, {key})")
    }
}

/// Kinds of things found in pictures, the most telling first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum RemovedGroup {
    /// Where it was taken.
    Location,
    /// Which camera and lens, serial numbers included.
    Camera,
    /// Who made or owns it.
    Author,
    /// When.
    Date,
    /// What somebody wrote about it.
    Comment,
    /// Which program, on which computer.
    Software,
    /// A small picture of the picture, perhaps from before it was cropped.
    Thumbnail,
    /// Further frames, pages or pictures.
    Frames,
    /// Bytes behind the end of the picture.
    TrailingBytes,
    /// How numbers become colours; it stays, or the colours would change.
    ColourProfile,
    /// All else.
    OtherMetadata,
    /// The file was not looked into.
    NotInspected,
}

impl RemovedGroup {
    /// The name for people and for JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Location => "location",
            Self::Camera => "camera",
            Self::Author => "author",
            Self::Date => "date",
            Self::Comment => "comment",
            Self::Software => "software",
            Self::Thumbnail => "thumbnail",
            Self::Frames => "frames",
            Self::TrailingBytes => "trailing bytes",
            Self::ColourProfile => "colour profile",
            Self::OtherMetadata => "other metadata",
            Self::NotInspected => "not inspected",
        }
    }
}

/// Whether something stays in what is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Not in what is sent.
    Removed,
    /// In what is sent, or in what was received.
    Kept,
}

impl std::fmt::Display for Removed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.group.name(), self.key)?;
        if self.detail.is_empty() { Ok(()) } else { write!(f, " {}", self.detail) }
    }
}

/// Where in the file something was; that decides what becomes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Carrier {
    Exif,
    Xmp,
    Icc,
    Leftovers,
    Trailing,
}

/// Something found, before its fate is known.
pub(super) struct Found {
    carrier: Carrier,
    group: RemovedGroup,
    key: String,
    detail: String,
}

impl Found {
    fn new(carrier: Carrier, group: RemovedGroup, key: impl Into<String>, detail: impl AsRef<str>) -> Self {
        Self { carrier, group, key: printable(&key.into()), detail: printable(detail.as_ref()) }
    }

    /// The entry for a file that is sent without a look inside.
    pub(super) fn not_inspected(why: &str) -> Self {
        Self::new(Carrier::Leftovers, RemovedGroup::NotInspected, "content", why)
    }

    /// Where it was.
    pub(super) const fn carrier(&self) -> Carrier {
        self.carrier
    }

    /// The entry of the report.
    pub(super) fn into_removed(self, fate: Fate) -> Removed {
        Removed { group: self.group, fate, key: self.key, detail: self.detail }
    }
}

/// Everything found in the parts of a JPEG, PNG or WebP.
pub(super) fn of_parts(parts: &Parts<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    if let Some(block) = parts.exif {
        exif::report(block, &mut found);
    }
    if let Some(packet) = parts.xmp {
        named::report_xmp(packet, &mut found);
    }
    if let Some(icc) = &parts.icc {
        found.push(Found::new(Carrier::Icc, RemovedGroup::ColourProfile, "ICC", bytes_of(icc.len())));
    }
    of_leftovers(&parts.leftovers, parts.trailing, &mut found);
    sorted(found)
}

/// Everything found in a file that is not taken apart, or in a HEIC or AVIF that goes as it is.
pub(super) fn of_other(bytes: &[u8], format: Format) -> Vec<Found> {
    let mut found = Vec::new();
    match format {
        Format::Gif => {
            if let Ok((leftovers, trailing)) = leftovers_of_gif(bytes) {
                of_leftovers(&leftovers, trailing, &mut found);
            }
        }
        Format::Bmp => {
            let end = bytes.get(2..).and_then(<[u8]>::first_chunk).map(|size| u32::from_le_bytes(*size));
            let end = end.and_then(|end| usize::try_from(end).ok()).unwrap_or(usize::MAX);
            of_leftovers(&[], bytes.get(end..).unwrap_or_default(), &mut found);
        }
        Format::Tiff => exif::report(bytes, &mut found),
        Format::Avif | Format::Heic => exif::report_container(bytes, &mut found),
        Format::Jpeg | Format::JpegXl | Format::Png | Format::WebP => {
            found.push(Found::not_inspected("the metadata of this file cannot be read"));
        }
    }
    sorted(found)
}

fn of_leftovers(leftovers: &[Leftover<'_>], trailing: &[u8], found: &mut Vec<Found>) {
    leftovers.iter().for_each(|leftover| found.push(of_leftover(leftover)));
    if !trailing.is_empty() {
        let what = if trailing.get(4..8) == Some(b"ftyp") {
            "video"
        } else if Format::of(trailing).is_some() {
            "picture"
        } else {
            "bytes"
        };
        found.push(Found::new(Carrier::Trailing, RemovedGroup::TrailingBytes, what, bytes_of(trailing.len())));
    }
}

fn of_leftover(leftover: &Leftover<'_>) -> Found {
    let of = |group, key: &str, detail: String| Found::new(Carrier::Leftovers, group, key, detail);
    let size = bytes_of(leftover.payload.len());
    match leftover.kind {
        LeftoverKind::Comment => {
            of(RemovedGroup::Comment, "comment", String::from_utf8_lossy(leftover.payload).into_owned())
        }
        LeftoverKind::Text | LeftoverKind::LongText => named::report_text(leftover),
        LeftoverKind::Time => of(RemovedGroup::Date, "tIME", named::time_of(leftover.payload).unwrap_or(size)),
        LeftoverKind::Thumbnail => of(RemovedGroup::Thumbnail, "JFIF", size),
        LeftoverKind::Frames => of(RemovedGroup::Frames, "frames", String::new()),
        LeftoverKind::Photoshop => of(RemovedGroup::OtherMetadata, "IPTC", size),
        LeftoverKind::Application(number) => of(RemovedGroup::OtherMetadata, &format!("APP{number}"), size),
        LeftoverKind::Chunk(kind) => of(RemovedGroup::OtherMetadata, &String::from_utf8_lossy(&kind), size),
    }
}

fn sorted(mut found: Vec<Found>) -> Vec<Found> {
    found.sort_by_key(|found| found.group);
    found.truncate(MAX_ENTRIES);
    found
}

fn bytes_of(count: usize) -> String {
    if count == 1 { "1 byte".to_owned() } else { format!("{count} bytes") }
}

/// A stranger's text, fit for one line: nothing invisible, nothing that turns the line around, not too long.
fn printable(text: &str) -> String {
    let text = text.trim_matches(|c: char| c == '\0' || c.is_whitespace());
    let mut out: String = text
        .chars()
        .take(MAX_DETAIL_CHARS)
        .map(|c| if super::name::is_printable(c) { c } else { '\u{fffd}' })
        .collect();
    if text.chars().nth(MAX_DETAIL_CHARS).is_some() {
        out.push('…');
    }
    out
}

const MAX_DETAIL_CHARS: usize = 99;
/// A file can hold any number of comments; a report is read by a person.
const MAX_ENTRIES: usize = 200;

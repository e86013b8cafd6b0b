//! What was found in a file beside its picture, in words a sender can act on.
//!
//! A report names what it recognises and counts the rest; it never decides what is removed: the allow-list does.

mod behind;
mod boxes;
mod exif;
mod human;
mod iptc;
mod maker_note;
mod png_text;
mod thumbnail;
mod xmp;

use lightproof_wire::codec::{TlsDeserialize, TlsSerialize, TlsSize};

use super::{
    format::Format,
    strip::{Leftover, LeftoverKind, Parts, leftovers_of_gif},
};

use human::bytes_of;

pub(super) use exif::is_camera_raw;
pub(super) use thumbnail::compare_thumbnail;

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
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, TlsSerialize, TlsDeserialize, TlsSize)]
#[non_exhaustive]
#[repr(u8)]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, TlsSerialize, TlsDeserialize, TlsSize)]
#[repr(u8)]
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

    /// The entry for a profile that says nothing of these pixels.
    pub(super) fn unusable_profile() -> Self {
        let what = "damaged or of another kind of picture: colours are taken as sRGB";
        Self::new(Carrier::Leftovers, RemovedGroup::ColourProfile, "unusable", what)
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
        exif::report(block, Carrier::Exif, &mut found);
    }
    if let Some(packet) = parts.xmp {
        xmp::report(packet, Carrier::Xmp, &mut found);
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
                leftovers.iter().for_each(|leftover| of_gif(leftover, &mut found));
                behind::report(trailing, &mut found);
            }
        }
        Format::Bmp => {
            let end = bytes.get(2..).and_then(<[u8]>::first_chunk).map(|size| u32::from_le_bytes(*size));
            let end = end.and_then(|end| usize::try_from(end).ok()).unwrap_or(usize::MAX);
            behind::report(bytes.get(end..).unwrap_or_default(), &mut found);
        }
        Format::Tiff => exif::report(bytes, Carrier::Exif, &mut found),
        Format::JpegXl => boxes::report(bytes, &mut found),
        Format::Avif | Format::Heic => exif::report_container(bytes, &mut found),
        Format::Jpeg | Format::Png | Format::WebP => {
            found.push(Found::not_inspected("the metadata of this file cannot be read"));
        }
    }
    sorted(found)
}

fn of_leftovers(leftovers: &[Leftover<'_>], trailing: &[u8], found: &mut Vec<Found>) {
    leftovers.iter().for_each(|leftover| of_leftover(leftover, found));
    behind::report(trailing, found);
}

fn of_leftover(leftover: &Leftover<'_>, found: &mut Vec<Found>) {
    let size = bytes_of(leftover.payload.len());
    let (group, key, detail) = match leftover.kind {
        LeftoverKind::Text | LeftoverKind::LongText => return png_text::report(leftover, found),
        LeftoverKind::Photoshop => return iptc::report_photoshop(leftover.payload, Carrier::Leftovers, found),
        LeftoverKind::Comment => {
            (RemovedGroup::Comment, "comment".into(), String::from_utf8_lossy(leftover.payload).into_owned())
        }
        LeftoverKind::Time => (RemovedGroup::Date, "tIME".into(), png_text::time_of(leftover.payload).unwrap_or(size)),
        LeftoverKind::Thumbnail => (RemovedGroup::Thumbnail, "JFIF thumbnail".into(), size),
        LeftoverKind::Frames => (RemovedGroup::Frames, "frames".into(), String::new()),
        LeftoverKind::Application(number) => (RemovedGroup::OtherMetadata, application(number, leftover.payload), size),
        LeftoverKind::Chunk(kind) => (RemovedGroup::OtherMetadata, String::from_utf8_lossy(&kind).into_owned(), size),
    };
    found.push(Found::new(Carrier::Leftovers, group, key, detail));
}

/// GIF89a: a text in pieces, each behind its length; XMP as it stands, behind the name of its application.
fn of_gif(leftover: &Leftover<'_>, found: &mut Vec<Found>) {
    if let Some(packet) = leftover.payload.strip_prefix(b"\x0bXMP DataXMP") {
        return xmp::report(packet, Carrier::Leftovers, found);
    }
    let (mut text, mut rest) = (Vec::new(), leftover.payload);
    while let Some((piece, after)) =
        rest.split_first().and_then(|(length, rest)| rest.split_at_checked(usize::from(*length)))
    {
        text.extend_from_slice(piece);
        rest = after;
    }
    let is_text = leftover.kind == LeftoverKind::Comment;
    of_leftover(&Leftover { payload: if is_text { &text } else { leftover.payload }, ..leftover.clone() }, found);
}

/// An application segment by its number and the name it begins with.
fn application(number: u8, payload: &[u8]) -> String {
    let name = payload.iter().take(40).take_while(|byte| byte.is_ascii_graphic() || **byte == b' ');
    let name: String = name.map(|byte| char::from(*byte)).collect();
    let what = match name.as_str() {
        // Content credentials (C2PA) come in these boxes, and name who signed.
        _ if number == 11 && name.starts_with("JP") => "content credentials".to_owned(),
        "http://ns.adobe.com/xmp/extension/" => "more XMP".to_owned(),
        _ => name,
    };
    if what.len() < 3 { format!("APP{number}") } else { format!("APP{number} {what}") }
}

fn sorted(mut found: Vec<Found>) -> Vec<Found> {
    found.sort_by_key(|found| found.group);
    found.truncate(MAX_ENTRIES);
    found
}

/// A stranger's text, fit for one line: nothing invisible, nothing that turns the line around, not too long.
pub(super) fn printable(text: &str) -> String {
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
pub(super) const MAX_ENTRIES: usize = 200;

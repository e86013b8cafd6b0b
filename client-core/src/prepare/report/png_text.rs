//! PNG's text chunks: a keyword, and text that may be compressed or hold a whole block of EXIF in hexadecimal (miniz_oxide).

use miniz_oxide::inflate::decompress_to_vec_zlib_with_limit;

use super::{
    super::strip::{Leftover, LeftoverKind},
    Carrier, Found, RemovedGroup, exif,
    human::{bytes_of, latin1},
    iptc, xmp,
};

/// Reports a text chunk.
pub(super) fn report(leftover: &Leftover<'_>, found: &mut Vec<Found>) {
    let end = leftover.payload.iter().position(|byte| *byte == 0).unwrap_or(leftover.payload.len());
    let (keyword, rest) = leftover.payload.split_at_checked(end).unwrap_or_default();
    let keyword = latin1(keyword);
    let text = match leftover.kind {
        LeftoverKind::Text => Some(latin1(rest)),
        // zTXt: zero, method 0, data. iTXt: zero, flag, method 0, language, zero, keyword, zero, data.
        _ => compressed(rest).or_else(|| international(rest)),
    };
    if let Some((kind, profile)) = text.as_deref().and_then(|text| raw_profile(&keyword, text)) {
        match kind {
            "exif" => exif::report(profile.strip_prefix(b"Exif\0\0").unwrap_or(&profile), Carrier::Leftovers, found),
            "iptc" => iptc::report_photoshop(&profile, Carrier::Leftovers, found),
            _ => xmp::report(&profile, Carrier::Leftovers, found),
        }
        return;
    }
    let detail = text.unwrap_or_else(|| bytes_of(rest.len()));
    found.push(Found::new(Carrier::Leftovers, group(&keyword), keyword, detail));
}

fn group(keyword: &str) -> RemovedGroup {
    match keyword.to_ascii_lowercase().as_str() {
        "author" | "artist" | "creator" | "copyright" | "owner" => RemovedGroup::Author,
        "software" => RemovedGroup::Software,
        "source" | "model" | "make" => RemovedGroup::Camera,
        "comment" | "description" | "title" | "disclaimer" | "warning" => RemovedGroup::Comment,
        key if key.contains("time") || key.contains("date") => RemovedGroup::Date,
        key if key.contains("gps") || key.contains("location") => RemovedGroup::Location,
        _ => RemovedGroup::OtherMetadata,
    }
}

fn compressed(rest: &[u8]) -> Option<String> {
    let data = rest.strip_prefix(&[0, 0])?;
    inflated(data).map(|text| latin1(&text))
}

fn international(rest: &[u8]) -> Option<String> {
    let [0, is_compressed @ (0 | 1), 0, rest @ ..] = rest else { return None };
    let data = rest.splitn(3, |byte| *byte == 0).nth(2)?;
    let text = if *is_compressed == 1 { inflated(data)? } else { data.to_vec() };
    Some(String::from_utf8_lossy(&text).into_owned())
}

fn inflated(data: &[u8]) -> Option<Vec<u8>> {
    decompress_to_vec_zlib_with_limit(data, MAX_TEXT_BYTES).ok()
}

/// As ImageMagick writes what PNG had no chunk for: a name, a length, and hexadecimal digits in lines.
fn raw_profile(keyword: &str, text: &str) -> Option<(&'static str, Vec<u8>)> {
    let kind = match keyword.strip_prefix("Raw profile type ")? {
        "exif" | "APP1" => "exif",
        "iptc" | "8bim" => "iptc",
        "xmp" => "xmp",
        _ => return None,
    };
    let mut words = text.split_ascii_whitespace();
    let length: usize = words.nth(1)?.parse().ok()?;
    let digits: Vec<u8> =
        words.flat_map(str::bytes).filter_map(|digit| char::from(digit).to_digit(16)?.try_into().ok()).collect();
    let bytes: Vec<u8> = digits.as_chunks::<2>().0.iter().map(|[high, low]| high << 4 | low).collect();
    (bytes.len() == length).then_some((kind, bytes))
}

/// PNG `tIME`: year, month, day, hour, minute, second.
pub(super) fn time_of(payload: &[u8]) -> Option<String> {
    let [y1, y0, month, day, hour, minute, second] = payload else { return None };
    let year = u16::from_be_bytes([*y1, *y0]);
    Some(format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}"))
}

/// What a text of a picture may take; a bomb takes no more.
const MAX_TEXT_BYTES: usize = 1 << 20;

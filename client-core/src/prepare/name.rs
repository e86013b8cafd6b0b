//! The name a photo is shown under. A name never becomes a path: neither here nor where it is received.

use lightproof_e2ee::manifest::MediaType;

/// The longest display name, in bytes of UTF-8.
pub(super) const MAX_NAME_BYTES: usize = 128;

/// The last component of `name`, printable, at most 128 bytes; `photo` where nothing is left of it.
pub(crate) fn display_name(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).find(|part| !part.is_empty()).unwrap_or_default();
    let clean: String = last.chars().filter(|c| is_printable(*c)).collect();
    let clean = clean.trim();
    if clean.trim_matches('.').is_empty() { "photo".to_owned() } else { shortened(clean, MAX_NAME_BYTES).to_owned() }
}

/// The display name of a photo that is now of `media_type`: an ending that would lie is replaced.
pub(super) fn display_name_as(name: &str, media_type: MediaType) -> String {
    let name = display_name(name);
    let endings: &[&str] = match media_type {
        MediaType::Jpeg => &["jpg", "jpeg", "jpe", "jfif"],
        MediaType::Png => &["png", "apng"],
        MediaType::WebP => &["webp"],
        _ => return name,
    };
    let (stem, ending) = name.rsplit_once('.').unwrap_or((&name, ""));
    if endings.iter().any(|known| known.eq_ignore_ascii_case(ending)) {
        return name;
    }
    // What follows a dot in "holiday 3.2" is not an ending.
    let is_ending = !ending.is_empty()
        && ending.len() <= 5
        && ending.chars().all(|c| c.is_ascii_alphanumeric())
        && ending.contains(|c: char| c.is_ascii_alphabetic());
    let stem = if is_ending && !stem.is_empty() { stem } else { &name };
    let new = endings.first().copied().unwrap_or_default();
    let room = MAX_NAME_BYTES.saturating_sub(new.len()).saturating_sub(1);
    format!("{}.{new}", shortened(stem, room))
}

/// Whether a character shows, and shows where it stands.
pub(super) fn is_printable(c: char) -> bool {
    !c.is_control()
        && !matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}' | '\u{e000}'..='\u{f8ff}' | '\u{f0000}'..)
}

fn shortened(text: &str, limit_bytes: usize) -> &str {
    let fits = |(start, c): (usize, char)| start.saturating_add(c.len_utf8());
    let end = text.char_indices().map(fits).take_while(|end| *end <= limit_bytes).last().unwrap_or(0);
    text.get(..end).unwrap_or_default()
}

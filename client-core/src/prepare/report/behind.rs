//! What stands behind the end of a picture: further pictures, a film of the moment, or anything.

use super::{super::format::Format, Carrier, Found, RemovedGroup, human::bytes_of};

/// Reports the bytes behind the end, a film in them by itself: phones write one behind the photo, after a short mark or
/// after a second picture.
pub(super) fn report(trailing: &[u8], found: &mut Vec<Found>) {
    let (before, film) = trailing.split_at_checked(start_of_film(trailing)).unwrap_or((trailing, &[]));
    let what = if Format::of(before).is_some() { "picture" } else { "bytes" };
    for (what, bytes) in [(what, before), ("video", film)] {
        // The mark before a film is a part of it to a person.
        if !bytes.is_empty() && (film.is_empty() || bytes.len() > MARK_BYTES || what == "video") {
            found.push(Found::new(Carrier::Trailing, RemovedGroup::TrailingBytes, what, bytes_of(bytes.len())));
        }
    }
}

/// ISO 14496-12: a file begins with a box of type `ftyp`, its length before it and a brand of four letters behind it.
fn start_of_film(bytes: &[u8]) -> usize {
    let is_start = |window: &[u8]| match window {
        [0, 0, _, length, b'f', b't', b'y', b'p', brand @ ..] => {
            *length >= 16 && brand.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ')
        }
        _ => false,
    };
    bytes.windows(12).position(is_start).unwrap_or(bytes.len())
}

/// Samsung writes some twenty bytes between the picture and its film.
const MARK_BYTES: usize = 64;

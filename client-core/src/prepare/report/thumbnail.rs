//! Whether an embedded thumbnail shows another picture than the one it came with: what was cut away, or painted over.

use image::{DynamicImage, imageops::FilterType, metadata::Orientation};

use super::{
    super::{
        decode::{self, Limits},
        format::Format,
        strip::{Keep, Parts},
    },
    Found, RemovedGroup, exif,
};

/// Says so in the entry of the thumbnail, where the thumbnail of `exif` shows something else than `picture`, which is not
/// turned upright yet.
pub(in super::super) fn compare_thumbnail(found: &mut [Found], exif: Option<&[u8]>, picture: &DynamicImage) {
    let entry = found.iter_mut().find(|found| found.group == RemovedGroup::Thumbnail && found.key == "EXIF thumbnail");
    let (Some(entry), Some(exif)) = (entry, exif) else { return };
    let Some(thumbnail) = exif::thumbnail_in(exif).and_then(|bytes| decoded(&bytes)) else { return };
    let stored = picture.thumbnail(SMALL_EDGE_PX, SMALL_EDGE_PX);
    // Cameras store both in the same way; programs often turn the thumbnail upright alone.
    let mut upright = stored.clone();
    upright.apply_orientation(Orientation::from_exif_chunk(exif).unwrap_or(Orientation::NoTransforms));
    if [stored, upright].iter().all(|picture| differs(&thumbnail, picture)) {
        entry.detail.push_str(", shows another picture than this one, perhaps the uncropped one");
    }
}

fn decoded(bytes: &[u8]) -> Option<DynamicImage> {
    let parts = Parts::of(bytes, Format::Jpeg)?.ok()?;
    if parts.size.0.max(parts.size.1) > MAX_EDGE_PX {
        return None;
    }
    let clean = parts.rebuild(Keep::default()).cut(bytes);
    let decoded = decode::decode(&clean, Format::Jpeg, parts.is_non_interleaved, &Limits::default());
    decoded.ok().map(|decoded| decoded.picture)
}

/// Compares both in a few large grey squares, the thumbnail with and without the bars that many cameras put around a
/// picture of 3:2 to make it one of 4:3.
fn differs(thumbnail: &DynamicImage, picture: &DynamicImage) -> bool {
    let shape = f64::from(picture.width()) / f64::from(picture.height().max(1));
    let (width, height) = (f64::from(thumbnail.width()), f64::from(thumbnail.height()));
    let whole = squares(picture);
    let difference = |(wide, high): (f64, f64)| {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within the thumbnail")]
        let [x, y, wide, high] =
            [(width - wide) / 2.0, (height - high) / 2.0, wide, high].map(|edge| edge.round() as u32);
        let squares = squares(&thumbnail.crop_imm(x, y, wide.max(1), high.max(1)));
        let sum: u32 = squares.iter().zip(&whole).map(|(one, other)| u32::from(one.abs_diff(*other))).sum();
        sum / (GRID * GRID)
    };
    let inside = (width.min(height * shape), height.min(width / shape));
    difference((width, height)).min(difference(inside)) > MOST_DIFFERENCE
}

/// Grey levels on a grid.
fn squares(picture: &DynamicImage) -> Vec<u8> {
    picture.resize_exact(GRID, GRID, FilterType::Triangle).into_luma8().into_raw()
}

const GRID: u32 = 12;
/// Enough for the grid, and little enough not to copy a large picture.
const SMALL_EDGE_PX: u32 = 96;
/// Of 255: what a camera's own processing of the thumbnail never reaches.
const MOST_DIFFERENCE: u32 = 20;
/// EXIF blocks have 64 KiB.
const MAX_EDGE_PX: u32 = 1_024;

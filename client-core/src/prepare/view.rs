//! Looking at a received photo: its sender is known, and still it may be made to harm whoever decodes it.

use image::{DynamicImage, metadata::Orientation};
use lightproof_e2ee::manifest::MediaType;

use super::{
    decode::{self, Limits},
    encode::resized,
    error::{PictureError, ViewError},
    format::Format,
    report::{self, Fate, Found, Removed},
    strip::{Keep, Parts},
};

/// Upright pixels: red, green, blue and alpha, a byte each, row by row from the top.
#[derive(Clone, PartialEq)]
pub struct Picture {
    pixels: DynamicImage,
}

impl std::fmt::Debug for Picture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Picture({} x {})", self.width(), self.height())
    }
}

impl Picture {
    /// Pixels from left to right.
    #[must_use]
    pub fn width(&self) -> u32 {
        self.pixels.width()
    }

    /// Pixels from top to bottom.
    #[must_use]
    pub fn height(&self) -> u32 {
        self.pixels.height()
    }

    /// The pixels, four bytes each.
    #[must_use]
    pub fn rgba(&self) -> &[u8] {
        self.pixels.as_bytes()
    }

    /// The same picture with its longer side at most `max_edge_px`.
    #[must_use]
    pub fn shrunk(&self, max_edge_px: u32) -> Self {
        match resized(&self.pixels, max_edge_px.max(1)) {
            Ok(Some(pixels)) => Self { pixels },
            _ => self.clone(),
        }
    }
}

/// Decodes a received photo to draw it. Only JPEG, PNG and WebP are decoded, and only what `media_type` promised.
///
/// # Errors
/// [`ViewError`]: the sender's fault in each case; the photo can still be saved.
pub fn decode_for_view(bytes: &[u8], media_type: MediaType, limits: &Limits) -> Result<Picture, ViewError> {
    if !matches!(media_type, MediaType::Jpeg | MediaType::Png | MediaType::WebP) {
        return Err(ViewError::NotDrawn);
    }
    let format =
        Format::of(bytes).filter(|format| format.media_type() == media_type).ok_or(ViewError::AnotherFormat)?;
    let parts = Parts::of(bytes, format).ok_or(ViewError::NotDrawn)??;
    let picture = decode_parts(&parts, format, limits)?;
    Ok(Picture { pixels: picture.into_rgba8().into() })
}

/// Decodes the picture of a file taken apart and turns it upright; the decoder meets nothing but the picture.
pub(super) fn decode_parts(parts: &Parts<'_>, format: Format, limits: &Limits) -> Result<DynamicImage, PictureError> {
    decode::check_size(parts.size, limits)?;
    let mut decoded = decode::decode(&parts.rebuild(Keep::default()), format, parts.is_non_interleaved, limits)?;
    decoded.picture.apply_orientation(orientation_of(parts));
    Ok(decoded.picture)
}

/// Which way is up, by the EXIF of the file.
pub(super) fn orientation_of(parts: &Parts<'_>) -> Orientation {
    parts.exif.and_then(Orientation::from_exif_chunk).unwrap_or(Orientation::NoTransforms)
}

/// What a received photo holds beside its picture, so that whoever passes it on is warned.
#[must_use]
pub fn metadata_of(bytes: &[u8]) -> Vec<Removed> {
    found_in(bytes, Format::of(bytes)).into_iter().map(|found| found.into_removed(Fate::Kept)).collect()
}

/// What any file holds beside its picture, as far as it can be told.
pub(super) fn found_in(bytes: &[u8], format: Option<Format>) -> Vec<Found> {
    let Some(format) = format else { return vec![Found::not_inspected("not an image")] };
    match Parts::of(bytes, format) {
        Some(Ok(parts)) => report::of_parts(&parts),
        _ => report::of_other(bytes, format),
    }
}

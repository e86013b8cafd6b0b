//! Looking at a received photo: its sender is known, and still it may be made to harm whoever decodes it.

use image::{DynamicImage, RgbaImage, metadata::Orientation};
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
    /// From pixels as [`rgba`](Self::rgba) gives them; `None` where they are not as many.
    pub(super) fn from_rgba(width: u32, height: u32, pixels: Vec<u8>) -> Option<Self> {
        let pixels = RgbaImage::from_raw(width, height, pixels)?;
        // A buffer may be longer than its picture.
        let is_whole = pixels.as_raw().len() == pixels.pixels().len().saturating_mul(4);
        is_whole.then(|| Self { pixels: pixels.into() })
    }

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

    /// The pixels as a picture to draw.
    #[must_use]
    pub fn into_pixels(self) -> RgbaImage {
        self.pixels.into_rgba8()
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
    let shown = Shown::of(bytes, media_type, limits)?;
    let mut picture = shown.decode(limits)?;
    picture.apply_orientation(shown.orientation);
    Ok(Picture { pixels: picture.into_rgba8().into() })
}

/// Decodes a received photo as [`decode_for_view`] does, no larger than a box; lets go of the file before it decodes.
pub(super) fn decode_to_fit(
    bytes: Vec<u8>,
    media_type: MediaType,
    (width, height): (u32, u32),
    limits: &Limits,
) -> Result<Picture, ViewError> {
    let shown = Shown::of(&bytes, media_type, limits)?;
    drop(bytes);
    let picture = shown.decode(limits)?;
    let room = if is_on_its_side(shown.orientation) { (height, width) } else { (width, height) };
    let edge_px = longer_edge_within((picture.width(), picture.height()), room);
    // Shrunk before it turns and before it gets four channels, so that a large picture is not copied.
    let small = resized(&picture, edge_px)?;
    let mut small = DynamicImage::from(small.unwrap_or(picture).into_rgba8());
    small.apply_orientation(shown.orientation);
    Ok(Picture { pixels: small })
}

/// The longer edge of a picture that fits into a box, in its own proportions and never enlarged.
fn longer_edge_within((width, height): (u32, u32), (room_width, room_height): (u32, u32)) -> u32 {
    let longer = width.max(height);
    let within = |edge: u32, room: u32| {
        let scaled = u64::from(longer).saturating_mul(u64::from(room)).checked_div(u64::from(edge));
        u32::try_from(scaled.unwrap_or_default()).unwrap_or(u32::MAX)
    };
    within(width, room_width).min(within(height, room_height)).clamp(1, longer.max(1))
}

/// Whether width and height change places.
pub(super) const fn is_on_its_side(orientation: Orientation) -> bool {
    use Orientation::{Rotate90, Rotate90FlipH, Rotate270, Rotate270FlipH};
    matches!(orientation, Rotate90 | Rotate270 | Rotate90FlipH | Rotate270FlipH)
}

/// A received photo in its cleaned container: the decoder meets nothing but the picture and its colour profile.
struct Shown {
    clean: Vec<u8>,
    format: Format,
    is_non_interleaved: bool,
    orientation: Orientation,
}

impl Shown {
    fn of(bytes: &[u8], media_type: MediaType, limits: &Limits) -> Result<Self, ViewError> {
        if !matches!(media_type, MediaType::Jpeg | MediaType::Png | MediaType::WebP) {
            return Err(ViewError::NotDrawn);
        }
        let format =
            Format::of(bytes).filter(|format| format.media_type() == media_type).ok_or(ViewError::AnotherFormat)?;
        let parts = Parts::of(bytes, format).ok_or(ViewError::NotDrawn)??;
        decode::check_size(parts.size, limits)?;
        let clean = parts.rebuild(Keep { icc: true, ..Keep::default() }).cut(bytes);
        let is_non_interleaved = parts.is_non_interleaved;
        Ok(Self { clean, format, is_non_interleaved, orientation: orientation_of(&parts) })
    }

    fn decode(&self, limits: &Limits) -> Result<DynamicImage, PictureError> {
        let decoded = decode::decode(&self.clean, self.format, self.is_non_interleaved, limits)?;
        Ok(decoded.in_srgb().0)
    }
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

//! Pictures to their size, and to bytes without loss (fast_image_resize, and image's PNG and WebP).

use fast_image_resize::{FilterType, ResizeAlg, ResizeOptions, Resizer};
use image::{
    DynamicImage, ExtendedColorType, ImageEncoder,
    codecs::{
        png::{CompressionType, FilterType as PngFilter, PngEncoder},
        webp::WebPEncoder,
    },
};

use super::{
    error::{PictureError, PrepareError},
    format::Format,
};

/// An encoded picture.
pub(super) struct Encoded {
    pub(super) bytes: Vec<u8>,
    pub(super) format: Format,
}

/// The picture with its longer side at most `max_edge_px`, by Lanczos with three lobes; `None` where it is that small.
///
/// # Errors
/// [`PictureError::Unsupported`] for pixels that cannot be resized, which no decoder here returns.
pub(super) fn resized(picture: &DynamicImage, max_edge_px: u32) -> Result<Option<DynamicImage>, PictureError> {
    let (width, height) = (picture.width(), picture.height());
    let longer = width.max(height);
    if longer <= max_edge_px {
        return Ok(None);
    }
    // Rounded to nearest; the result is at most `max_edge_px`, so it fits.
    let scaled = |edge: u32| {
        let product = u64::from(edge).saturating_mul(u64::from(max_edge_px)).saturating_add(u64::from(longer / 2));
        u32::try_from(product.checked_div(u64::from(longer)).unwrap_or_default()).unwrap_or(max_edge_px).max(1)
    };
    let mut small = DynamicImage::new(scaled(width), scaled(height), picture.color());
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Lanczos3));
    Resizer::new().resize(picture, &mut small, &options).map_err(|_| PictureError::Unsupported)?;
    Ok(Some(small))
}

/// Eight bits per channel, and alpha only where a pixel is not opaque.
pub(super) fn plain(picture: DynamicImage) -> DynamicImage {
    let is_grey = !picture.color().has_color();
    let is_transparent = match &picture {
        DynamicImage::ImageLumaA8(pixels) => {
            pixels.as_raw().as_chunks::<2>().0.iter().any(|[_, alpha]| *alpha < u8::MAX)
        }
        DynamicImage::ImageRgba8(pixels) => {
            pixels.as_raw().as_chunks::<4>().0.iter().any(|[.., alpha]| *alpha < u8::MAX)
        }
        DynamicImage::ImageLumaA16(pixels) => pixels.pixels().any(|pixel| pixel.0[1] < u16::MAX),
        DynamicImage::ImageRgba16(pixels) => pixels.pixels().any(|pixel| pixel.0[3] < u16::MAX),
        DynamicImage::ImageRgba32F(pixels) => pixels.pixels().any(|pixel| pixel.0[3] < 1.0),
        _ => false,
    };
    match (is_grey, is_transparent) {
        (true, false) => picture.into_luma8().into(),
        (true, true) => picture.into_luma_alpha8().into(),
        (false, false) => picture.into_rgb8().into(),
        (false, true) => picture.into_rgba8().into(),
    }
}

/// A way to keep every pixel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lossless {
    WebP,
    /// Each row as its difference from its neighbours: for what is shaded.
    PngFiltered,
    /// Each row as it is: for what repeats itself.
    PngPlain,
}

impl Lossless {
    pub(super) const ALL: [Self; 3] = [Self::WebP, Self::PngFiltered, Self::PngPlain];

    /// Whether its sides have room for the picture.
    pub(super) fn fits(self, picture: &DynamicImage) -> bool {
        self != Self::WebP || picture.width().max(picture.height()) <= WEBP_MAX_EDGE_PX
    }
}

/// The picture with every pixel as it is.
///
/// # Errors
/// [`PrepareError::Encoding`] for a picture that does not fit.
pub(super) fn lossless(picture: &DynamicImage, kind: Lossless) -> Result<Encoded, PrepareError> {
    match kind {
        Lossless::WebP => webp(picture),
        Lossless::PngFiltered => png(picture, None),
        Lossless::PngPlain => png_with(PngFilter::NoFilter, picture, None),
    }
}

/// A lossless PNG with the same pixels, 16 bits included.
///
/// # Errors
/// [`PrepareError::Encoding`] for pixels that PNG does not have.
pub(super) fn png(picture: &DynamicImage, icc: Option<&[u8]>) -> Result<Encoded, PrepareError> {
    png_with(PngFilter::Adaptive, picture, icc)
}

fn png_with(filter: PngFilter, picture: &DynamicImage, icc: Option<&[u8]>) -> Result<Encoded, PrepareError> {
    let mut bytes = Vec::new();
    let mut encoder = PngEncoder::new_with_quality(&mut bytes, CompressionType::Default, filter);
    if let Some(icc) = icc.filter(|icc| fits(icc, picture)) {
        encoder.set_icc_profile(icc.to_vec()).map_err(|_| PrepareError::Encoding)?;
    }
    encoder
        .write_image(picture.as_bytes(), picture.width(), picture.height(), picture.color().into())
        .map_err(|_| PrepareError::Encoding)?;
    Ok(Encoded { bytes, format: Format::Png })
}

fn webp(picture: &DynamicImage) -> Result<Encoded, PrepareError> {
    let mut bytes = Vec::new();
    let colour: ExtendedColorType = picture.color().into();
    WebPEncoder::new_lossless(&mut bytes)
        .write_image(picture.as_bytes(), picture.width(), picture.height(), colour)
        .map_err(|_| PrepareError::Encoding)?;
    Ok(Encoded { bytes, format: Format::WebP })
}

/// Whether a profile is for pixels like these; one for inks would turn them into something else.
fn fits(icc: &[u8], picture: &DynamicImage) -> bool {
    space(icc) == Some(if picture.color().has_color() { b"RGB " } else { b"GRAY" })
}

/// ICC.1:2022, 7.2.6: the colour space of the data.
fn space(icc: &[u8]) -> Option<&[u8; 4]> {
    icc.get(16..)?.first_chunk()
}

/// RFC 9649 has 14 bits for each side.
const WEBP_MAX_EDGE_PX: u32 = 16_383;

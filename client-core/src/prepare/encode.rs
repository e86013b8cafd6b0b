//! Pictures to bytes (fast_image_resize, jpeg-encoder, and image's PNG and WebP).

use fast_image_resize::{FilterType, ResizeAlg, ResizeOptions, Resizer};
use image::{
    DynamicImage, ExtendedColorType, GrayImage, ImageEncoder, RgbImage,
    codecs::{
        png::{CompressionType, FilterType as PngFilter, PngEncoder},
        webp::WebPEncoder,
    },
};
use jpeg_encoder::{ChromaSubsamplingMethod, ColorType, Encoder, EncodingError};

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

/// The smallest encoding that keeps what matters: JPEG for what is opaque, lossless where the picture is transparent or
/// where lossless is smaller still, as for screenshots and drawings.
///
/// # Errors
/// [`PrepareError::Encoding`] where the encoder refuses the picture.
pub(super) fn smallest(picture: &DynamicImage, icc: Option<&[u8]>, quality: u8) -> Result<Encoded, PrepareError> {
    let pixels = u64::from(picture.width()).saturating_mul(u64::from(picture.height()));
    let is_small = pixels <= MANY_ENCODERS_PIXELS;
    let is_drawn = has_few_colours(picture);
    let mut best = match picture {
        DynamicImage::ImageLuma8(grey) => Some(jpeg_of_grey(grey, icc, quality, is_small)?),
        DynamicImage::ImageRgb8(rgb) => Some(jpeg_of_rgb(rgb, icc, quality, is_small)?),
        _ => None,
    };
    let mut offer = |other: Encoded| {
        if best.as_ref().is_none_or(|best| other.bytes.len() < best.bytes.len()) {
            best = Some(other);
        }
    };
    let is_transparent = picture.color().has_alpha();
    if (is_small || is_drawn || is_transparent) && picture.width().max(picture.height()) <= WEBP_MAX_EDGE_PX {
        offer(webp(picture, icc)?);
    }
    if is_drawn || is_transparent && (is_small || picture.width().max(picture.height()) > WEBP_MAX_EDGE_PX) {
        offer(png(picture, icc)?);
    }
    best.ok_or(PrepareError::Encoding)
}

/// A lossless PNG with the same pixels, 16 bits included.
///
/// # Errors
/// [`PrepareError::Encoding`] for pixels that PNG does not have.
pub(super) fn png(picture: &DynamicImage, icc: Option<&[u8]>) -> Result<Encoded, PrepareError> {
    let mut bytes = Vec::new();
    let mut encoder = PngEncoder::new_with_quality(&mut bytes, CompressionType::Default, PngFilter::Adaptive);
    if let Some(icc) = icc.filter(|icc| fits(icc, picture)) {
        encoder.set_icc_profile(icc.to_vec()).map_err(|_| PrepareError::Encoding)?;
    }
    encoder
        .write_image(picture.as_bytes(), picture.width(), picture.height(), picture.color().into())
        .map_err(|_| PrepareError::Encoding)?;
    Ok(Encoded { bytes, format: Format::Png })
}

fn webp(picture: &DynamicImage, icc: Option<&[u8]>) -> Result<Encoded, PrepareError> {
    let mut bytes = Vec::new();
    let mut encoder = WebPEncoder::new_lossless(&mut bytes);
    if let Some(icc) = icc.filter(|icc| fits(icc, picture) && picture.color().has_color()) {
        encoder.set_icc_profile(icc.to_vec()).map_err(|_| PrepareError::Encoding)?;
    }
    let colour: ExtendedColorType = picture.color().into();
    encoder
        .write_image(picture.as_bytes(), picture.width(), picture.height(), colour)
        .map_err(|_| PrepareError::Encoding)?;
    Ok(Encoded { bytes, format: Format::WebP })
}

fn jpeg_of_rgb(picture: &RgbImage, icc: Option<&[u8]>, quality: u8, is_small: bool) -> Result<Encoded, PrepareError> {
    jpeg(
        picture.as_raw(),
        picture.dimensions(),
        ColorType::Rgb,
        icc.filter(|icc| space(icc) == Some(b"RGB ")),
        quality,
        is_small,
    )
}

fn jpeg_of_grey(picture: &GrayImage, icc: Option<&[u8]>, quality: u8, is_small: bool) -> Result<Encoded, PrepareError> {
    jpeg(
        picture.as_raw(),
        picture.dimensions(),
        ColorType::Luma,
        icc.filter(|icc| space(icc) == Some(b"GRAY")),
        quality,
        is_small,
    )
}

fn jpeg(
    pixels: &[u8],
    (width, height): (u32, u32),
    colour: ColorType,
    icc: Option<&[u8]>,
    quality: u8,
    is_small: bool,
) -> Result<Encoded, PrepareError> {
    let (Ok(width), Ok(height)) = (u16::try_from(width), u16::try_from(height)) else {
        return Err(PrepareError::Encoding);
    };
    let encode = |scans: Scans| -> Result<Vec<u8>, EncodingError> {
        let mut bytes = Vec::new();
        let mut encoder = Encoder::new(&mut bytes, quality);
        encoder.set_chroma_subsampling_method(ChromaSubsamplingMethod::Average);
        if scans == Scans::Progressive {
            encoder.set_progressive(true);
            encoder.set_optimized_huffman_tables(true);
        }
        if let Some(icc) = icc {
            encoder.add_icc_profile(icc)?;
        }
        encoder.encode(pixels, width, height, colour)?;
        Ok(bytes)
    };
    // Progressive takes about twice the time of interleaved: nothing for a small picture, too much for a large one.
    let mut bytes = encode(Scans::Interleaved).map_err(|_| PrepareError::Encoding)?;
    if is_small {
        let progressive = encode(Scans::Progressive).map_err(|_| PrepareError::Encoding)?;
        if progressive.len() < bytes.len() {
            bytes = progressive;
        }
    }
    Ok(Encoded { bytes, format: Format::Jpeg })
}

/// How the coefficients are laid out. Sequential scans with optimised tables are missing on purpose: jpeg-encoder
/// writes these one component after the other, and much of the world's software shows garbage for it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Scans {
    Progressive,
    Interleaved,
}

/// Whether there are at most 256 colours, as in drawings and plain screenshots.
fn has_few_colours(picture: &DynamicImage) -> bool {
    let bytes_per_pixel = usize::from(picture.color().bytes_per_pixel());
    let mut seen = std::collections::HashSet::with_capacity(FEW_COLOURS + 1);
    let mut last: &[u8] = &[];
    for pixel in picture.as_bytes().chunks_exact(bytes_per_pixel) {
        if pixel != last {
            last = pixel;
            seen.insert(pixel);
            if seen.len() > FEW_COLOURS {
                return false;
            }
        }
    }
    true
}

/// Whether a profile is for pixels like these; one for inks would turn them into something else.
fn fits(icc: &[u8], picture: &DynamicImage) -> bool {
    space(icc) == Some(if picture.color().has_color() { b"RGB " } else { b"GRAY" })
}

/// ICC.1:2022, 7.2.6: the colour space of the data.
fn space(icc: &[u8]) -> Option<&[u8; 4]> {
    icc.get(16..)?.first_chunk()
}

const FEW_COLOURS: usize = 256;
/// Up to here several encoders compete; above, the time for a second one is not worth its few per cent.
const MANY_ENCODERS_PIXELS: u64 = 2_000_000;
/// RFC 9649 has 14 bits for each side.
const WEBP_MAX_EDGE_PX: u32 = 16_383;

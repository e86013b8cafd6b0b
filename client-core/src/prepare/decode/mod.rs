//! Pictures from bytes, bounded before a pixel is touched (image; jpeg-decoder and jxl-oxide in files of their own).

mod jpeg;
mod jxl;
mod png;
mod tiff;

use std::io::Cursor;

use image::{
    DynamicImage, ImageDecoder,
    codecs::{bmp::BmpDecoder, gif::GifDecoder, webp::WebPDecoder},
    metadata::Orientation,
};

use super::{
    colour::{Colours, Managed, to_srgb},
    error::PictureError,
    format::Format,
    strip::leftovers_of_gif,
};

/// What a picture may ask for. All of it is checked against the header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Width times height.
    pub pixels: u64,
    /// The longer side.
    pub edge_px: u32,
    /// The decoded picture; 16 bits per channel take twice the bytes.
    pub decoded_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { pixels: 120_000_000, edge_px: 32_768, decoded_bytes: 480_000_000 }
    }
}

/// A picture as it is stored: not yet upright, its colours as they are.
pub(super) struct Decoded {
    pub(super) picture: DynamicImage,
    pub(super) orientation: Orientation,
    pub(super) colours: Colours,
}

impl Decoded {
    /// The picture in sRGB, still not upright.
    pub(super) fn in_srgb(self) -> (DynamicImage, Managed) {
        to_srgb(self.picture, &self.colours)
    }
}

/// Refuses a picture by the size in its header.
pub(super) fn check_size((width, height): (u32, u32), limits: &Limits) -> Result<(), PictureError> {
    if width == 0 || height == 0 {
        return Err(PictureError::Damaged);
    }
    let pixels = u64::from(width).saturating_mul(u64::from(height));
    if pixels > limits.pixels || width.max(height) > limits.edge_px {
        return Err(PictureError::TooManyPixels { width, height });
    }
    // Whatever the format, a decoder may go through four bytes for each pixel.
    if pixels.saturating_mul(4) > limits.decoded_bytes { Err(PictureError::TooMuchMemory) } else { Ok(()) }
}

/// The name of what this is, where it is a kind of its format that nothing here decodes.
pub(super) fn unsupported_kind(bytes: &[u8], format: Format) -> Option<&'static str> {
    if format == Format::Jpeg { jpeg::unsupported_kind(bytes) } else { None }
}

/// Decodes a picture, the first frame of an animation.
///
/// `is_non_interleaved` comes from taking the JPEG apart: it decides who decodes it.
pub(super) fn decode(
    bytes: &[u8],
    format: Format,
    is_non_interleaved: bool,
    limits: &Limits,
) -> Result<Decoded, PictureError> {
    let source = Cursor::new(bytes);
    match format {
        Format::Jpeg => jpeg::decode(bytes, is_non_interleaved, limits),
        Format::JpegXl => jxl::decode(bytes, limits),
        Format::Png => png::decode(bytes, limits),
        Format::WebP => read(WebPDecoder::new(source)?, limits),
        Format::Gif => {
            leftovers_of_gif(bytes)?;
            read(GifDecoder::new(source)?, limits)
        }
        Format::Bmp => read(BmpDecoder::new(source)?, limits),
        Format::Tiff => tiff::decode(bytes, limits),
        Format::Avif | Format::Heic => Err(PictureError::Unsupported),
    }
}

fn read(mut decoder: impl ImageDecoder, limits: &Limits) -> Result<Decoded, PictureError> {
    check_size(decoder.dimensions(), limits)?;
    if decoder.total_bytes() > limits.decoded_bytes {
        return Err(PictureError::TooMuchMemory);
    }
    decoder.set_limits(image_limits(limits))?;
    let colours = decoder.icc_profile().unwrap_or_default().map_or(Colours::Srgb, Colours::Icc);
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    Ok(Decoded { picture: DynamicImage::from_decoder(decoder)?, orientation, colours })
}

fn image_limits(limits: &Limits) -> image::Limits {
    let mut bounds = image::Limits::no_limits();
    bounds.max_image_width = Some(limits.edge_px);
    bounds.max_image_height = Some(limits.edge_px);
    // The picture itself, and as much again for what a decoder needs beside it.
    bounds.max_alloc = Some(limits.decoded_bytes.saturating_mul(2));
    bounds
}

/// Colours as they are beside a transparency, where they are stored multiplied by it.
fn divide_by_alpha(picture: &mut DynamicImage) {
    let whole = |colour: u32, alpha: u32, most: u32| {
        colour.saturating_mul(most).saturating_add(alpha / 2).checked_div(alpha).unwrap_or_default().min(most)
    };
    match picture {
        DynamicImage::ImageRgba8(pixels) => {
            for [colours @ .., alpha] in pixels.as_chunks_mut::<4>().0 {
                let of = |c: u8| u8::try_from(whole(c.into(), (*alpha).into(), 255)).unwrap_or(u8::MAX);
                colours.iter_mut().for_each(|colour| *colour = of(*colour));
            }
        }
        DynamicImage::ImageRgba16(pixels) => {
            for [colours @ .., alpha] in pixels.as_chunks_mut::<4>().0 {
                let of = |c: u16| u16::try_from(whole(c.into(), (*alpha).into(), 65_535)).unwrap_or(u16::MAX);
                colours.iter_mut().for_each(|colour| *colour = of(*colour));
            }
        }
        _ => {}
    }
}

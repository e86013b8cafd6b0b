//! Pictures from bytes, bounded before a pixel is touched (image; jpeg-decoder for one kind of JPEG).

use std::io::Cursor;

use image::{
    DynamicImage, ImageDecoder, RgbImage,
    codecs::{
        bmp::BmpDecoder, gif::GifDecoder, jpeg::JpegDecoder, png::PngDecoder, tiff::TiffDecoder, webp::WebPDecoder,
    },
    metadata::Orientation,
};

use super::{error::PictureError, format::Format, strip::leftovers_of_gif};

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

/// A picture as it is stored: not yet upright.
pub(super) struct Decoded {
    pub(super) picture: DynamicImage,
    pub(super) orientation: Orientation,
    pub(super) icc: Option<Vec<u8>>,
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

/// Decodes a picture, the first frame of an animation.
///
/// `is_non_interleaved` comes from taking the JPEG apart: zune-jpeg 0.5, inside image, shows garbage for sequential
/// JPEGs whose components have scans of their own and are subsampled, so these go to another decoder.
pub(super) fn decode(
    bytes: &[u8],
    format: Format,
    is_non_interleaved: bool,
    limits: &Limits,
) -> Result<Decoded, PictureError> {
    let source = Cursor::new(bytes);
    match format {
        Format::Jpeg if is_non_interleaved => decode_scans(bytes, limits),
        Format::Jpeg => read(JpegDecoder::new(source)?, limits),
        Format::Png => read(PngDecoder::with_limits(source, png_limits(limits))?, limits),
        Format::WebP => read(WebPDecoder::new(source)?, limits),
        Format::Gif => {
            leftovers_of_gif(bytes)?;
            read(GifDecoder::new(source)?, limits)
        }
        Format::Bmp => read(BmpDecoder::new(source)?, limits),
        Format::Tiff => read(TiffDecoder::new(source)?, limits),
        Format::Avif | Format::Heic | Format::JpegXl => Err(PictureError::Unsupported),
    }
}

fn read(mut decoder: impl ImageDecoder, limits: &Limits) -> Result<Decoded, PictureError> {
    check_size(decoder.dimensions(), limits)?;
    if decoder.total_bytes() > limits.decoded_bytes {
        return Err(PictureError::TooMuchMemory);
    }
    decoder.set_limits(image_limits(limits))?;
    let icc = decoder.icc_profile().unwrap_or_default();
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    Ok(Decoded { picture: DynamicImage::from_decoder(decoder)?, orientation, icc })
}

fn image_limits(limits: &Limits) -> image::Limits {
    let mut bounds = image::Limits::no_limits();
    bounds.max_image_width = Some(limits.edge_px);
    bounds.max_image_height = Some(limits.edge_px);
    // The picture itself, and as much again for what a decoder needs beside it.
    bounds.max_alloc = Some(limits.decoded_bytes.saturating_mul(2));
    bounds
}

/// In PNG this bound is for one row and for what is unpacked beside the picture: here, a colour profile.
fn png_limits(limits: &Limits) -> image::Limits {
    let mut bounds = image_limits(limits);
    bounds.max_alloc = Some(PNG_CHUNKS_BYTES);
    bounds
}

fn decode_scans(bytes: &[u8], limits: &Limits) -> Result<Decoded, PictureError> {
    let mut decoder = jpeg_decoder::Decoder::new(bytes);
    decoder.set_max_decoding_buffer_size(usize::try_from(limits.decoded_bytes).unwrap_or(usize::MAX));
    decoder.read_info().map_err(of_jpeg)?;
    let info = decoder.info().ok_or(PictureError::Damaged)?;
    let (width, height) = (u32::from(info.width), u32::from(info.height));
    check_size((width, height), limits)?;
    let orientation = decoder.exif_data().and_then(Orientation::from_exif_chunk).unwrap_or(Orientation::NoTransforms);
    let icc = decoder.icc_profile();
    let pixels = decoder.decode().map_err(of_jpeg)?;
    let picture = match info.pixel_format {
        jpeg_decoder::PixelFormat::L8 => image::GrayImage::from_raw(width, height, pixels).map(DynamicImage::from),
        jpeg_decoder::PixelFormat::RGB24 => RgbImage::from_raw(width, height, pixels).map(DynamicImage::from),
        jpeg_decoder::PixelFormat::CMYK32 => {
            RgbImage::from_raw(width, height, rgb_of_cmyk(&pixels)).map(DynamicImage::from)
        }
        jpeg_decoder::PixelFormat::L16 => return Err(PictureError::Unsupported),
    };
    Ok(Decoded { picture: picture.ok_or(PictureError::Damaged)?, orientation, icc })
}

/// As every decoder without colour management does it: each ink takes away from white.
fn rgb_of_cmyk(pixels: &[u8]) -> Vec<u8> {
    let (inks, _) = pixels.as_chunks::<4>();
    inks.iter()
        .flat_map(|[cyan, magenta, yellow, black]| {
            let left =
                |ink: &u8| u8::try_from(u16::from(!ink).saturating_mul(u16::from(!black)) / 255).unwrap_or(u8::MAX);
            [left(cyan), left(magenta), left(yellow)]
        })
        .collect()
}

fn of_jpeg(error: jpeg_decoder::Error) -> PictureError {
    match error {
        jpeg_decoder::Error::Io(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => PictureError::Truncated,
        jpeg_decoder::Error::Unsupported(_) => PictureError::Unsupported,
        _ => PictureError::Damaged,
    }
}

const PNG_CHUNKS_BYTES: u64 = 16 << 20;

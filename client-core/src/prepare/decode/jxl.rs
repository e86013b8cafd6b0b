//! JPEG XL (ISO/IEC 18181), its first frame (jxl-oxide). The decoder meets the codestream alone, and turns it upright.

use std::borrow::Cow;

use image::{DynamicImage, ImageBuffer, metadata::Orientation};
use jxl_oxide::{
    AllocTracker, EnumColourEncoding, ExtraChannelType, FrameBufferSample, ImageStream, InitializeResult, JxlImage,
    JxlThreadPool, RenderingIntent, image::BitDepth,
};

use super::{
    super::{colour::Colours, error::PictureError},
    Decoded, Limits, check_size, divide_by_alpha,
};

pub(super) fn decode(bytes: &[u8], limits: &Limits) -> Result<Decoded, PictureError> {
    let codestream = codestream(bytes)?;
    let mut image = first_frame(&codestream, limits)?;
    if image.pixel_format().has_black() {
        return Err(PictureError::Unsupported);
    }
    let is_grey = image.pixel_format().is_grayscale();
    let colours = if image.image_header().metadata.colour_encoding.want_icc() {
        Colours::Icc(image.rendered_icc())
    } else {
        let intent = RenderingIntent::Relative;
        let encoding = if is_grey { EnumColourEncoding::gray_srgb(intent) } else { EnumColourEncoding::srgb(intent) };
        image.request_color_encoding(encoding);
        Colours::Srgb
    };
    let render = image.render_frame(0).map_err(|_| PictureError::Damaged)?;
    let metadata = &image.image_header().metadata;
    let is_deep = !matches!(metadata.bit_depth, BitDepth::IntegerSample { bits_per_sample: 0..=8 });
    let mut stream = render.stream();
    let picture = if is_deep { deep(&mut stream) } else { shallow(&mut stream) };
    let mut picture = picture.ok_or(PictureError::Damaged)?;
    if metadata.ec_info.iter().any(|channel| matches!(channel.ty, ExtraChannelType::Alpha { alpha_associated: true })) {
        divide_by_alpha(&mut picture);
    }
    Ok(Decoded { picture, orientation: Orientation::NoTransforms, colours })
}

/// Reads on until the first frame is whole; its size is checked as soon as it is known.
fn first_frame(codestream: &[u8], limits: &Limits) -> Result<JxlImage, PictureError> {
    let bound = usize::try_from(limits.decoded_bytes.saturating_mul(2)).unwrap_or(usize::MAX);
    let builder = JxlImage::builder().pool(JxlThreadPool::none()).alloc_tracker(AllocTracker::with_limit(bound));
    let mut header = builder.build_uninit();
    let mut pieces = codestream.chunks(PIECE_BYTES);
    let mut image = loop {
        header.feed_bytes(pieces.next().ok_or(PictureError::Truncated)?).map_err(|_| PictureError::Damaged)?;
        match header.try_init().map_err(|_| PictureError::Damaged)? {
            InitializeResult::NeedMoreData(more) => header = more,
            InitializeResult::Initialized(image) => break image,
        }
        if pieces.len() == 0 {
            return Err(PictureError::Truncated);
        }
    };
    let size = (image.width(), image.height());
    check_size(size, limits)?;
    let pixels = u64::from(size.0).saturating_mul(size.1.into());
    if pixels.saturating_mul(BYTES_PER_PIXEL) > limits.decoded_bytes.saturating_mul(2) {
        return Err(PictureError::TooMuchMemory);
    }
    while image.num_loaded_keyframes() == 0 {
        image.feed_bytes(pieces.next().ok_or(PictureError::Truncated)?).map_err(|_| PictureError::Damaged)?;
    }
    Ok(image)
}

/// The codestream without the boxes around it: those may hold anything, packed at that (part 2, 9.8 and 9.9).
fn codestream(bytes: &[u8]) -> Result<Cow<'_, [u8]>, PictureError> {
    if bytes.starts_with(&[0xff, 0x0a]) {
        return Ok(Cow::Borrowed(bytes));
    }
    let (mut rest, mut parts) = (bytes, Vec::new());
    while let Some((kind, payload, after)) = next_box(rest) {
        match kind {
            b"jxlc" => return Ok(Cow::Borrowed(payload)),
            b"jxlp" => {
                let (number, part) = payload.split_first_chunk::<4>().ok_or(PictureError::Damaged)?;
                parts.extend_from_slice(part);
                // The first bit marks the last part.
                if number.first().is_some_and(|byte| byte & 0x80 != 0) {
                    return Ok(Cow::Owned(parts));
                }
            }
            _ => {}
        }
        rest = after;
    }
    Err(PictureError::Truncated)
}

/// ISO 14496-12: kind, payload and what follows; a size of 1 stands for a longer one, 0 for all that is left.
fn next_box(bytes: &[u8]) -> Option<(&[u8; 4], &[u8], &[u8])> {
    let (size, rest) = bytes.split_first_chunk::<4>()?;
    let (kind, mut rest) = rest.split_first_chunk::<4>()?;
    let length = match u32::from_be_bytes(*size) {
        0 => rest.len(),
        1 => {
            let (size, after) = rest.split_first_chunk::<8>()?;
            rest = after;
            usize::try_from(u64::from_be_bytes(*size).checked_sub(16)?).ok()?
        }
        size => usize::try_from(size.checked_sub(8)?).ok()?,
    };
    let (payload, after) = rest.split_at_checked(length)?;
    Some((kind, payload, after))
}

fn shallow(stream: &mut ImageStream<'_>) -> Option<DynamicImage> {
    let (width, height, samples) = samples::<u8>(stream)?;
    match stream.channels() {
        1 => ImageBuffer::from_raw(width, height, samples).map(DynamicImage::ImageLuma8),
        2 => ImageBuffer::from_raw(width, height, samples).map(DynamicImage::ImageLumaA8),
        3 => ImageBuffer::from_raw(width, height, samples).map(DynamicImage::ImageRgb8),
        _ => ImageBuffer::from_raw(width, height, samples).map(DynamicImage::ImageRgba8),
    }
}

fn deep(stream: &mut ImageStream<'_>) -> Option<DynamicImage> {
    let (width, height, samples) = samples::<u16>(stream)?;
    match stream.channels() {
        1 => ImageBuffer::from_raw(width, height, samples).map(DynamicImage::ImageLuma16),
        2 => ImageBuffer::from_raw(width, height, samples).map(DynamicImage::ImageLumaA16),
        3 => ImageBuffer::from_raw(width, height, samples).map(DynamicImage::ImageRgb16),
        _ => ImageBuffer::from_raw(width, height, samples).map(DynamicImage::ImageRgba16),
    }
}

fn samples<T: FrameBufferSample + Default + Clone>(stream: &mut ImageStream<'_>) -> Option<(u32, u32, Vec<T>)> {
    let (width, height) = (stream.width(), stream.height());
    let count = [height, stream.channels()].iter().try_fold(width, |count, factor| count.checked_mul(*factor))?;
    let mut samples = vec![T::default(); usize::try_from(count).ok()?];
    (stream.write_to_buffer(&mut samples) == samples.len()).then_some((width, height, samples))
}

const PIECE_BYTES: usize = 64 << 10;
/// Three planes of 32 bits, and as much again while they are filtered.
const BYTES_PER_PIXEL: u64 = 24;

//! The smallest encoding that keeps what matters: JPEG for photographs, lossless for what was drawn or is transparent.

use image::{DynamicImage, GrayImage};

use super::{
    Quality, auto,
    compression::{Chroma, Compression, JpegSettings, Measured, Scans},
    encode::{Encoded, Lossless, lossless},
    error::PrepareError,
    format::Format,
    jpeg::{Colour, Pixels, Sampling, Transformed},
};

/// The smallest encoding: JPEG for what is opaque, lossless where the picture is transparent or where lossless is
/// smaller still, as for screenshots and drawings.
///
/// # Errors
/// [`PrepareError::Encoding`] where an encoder refuses the picture.
pub(super) fn smallest(picture: &DynamicImage, quality: Quality) -> Result<(Encoded, Compression), PrepareError> {
    let grey = without_colours(picture);
    let picture = grey.as_ref().unwrap_or(picture);
    let Some(pixels) = pixels_of(picture) else {
        let kind = if is_small(picture) || is_drawn(picture) { best_kind(picture)? } else { quick_kind(picture) };
        return Ok((lossless(picture, kind)?, Compression::Lossless));
    };
    let (jpeg, settings) = jpeg_of(&pixels, quality).ok_or(PrepareError::Encoding)?;
    Ok(match lossless_below(picture, jpeg.bytes.len())? {
        Some(smaller) => (smaller, Compression::Lossless),
        None => (jpeg, Compression::Jpeg(settings)),
    })
}

/// The best JPEG of at most so many bytes; `None` where even the worst takes more.
pub(super) fn at_most(picture: &DynamicImage, length_bytes: usize) -> Option<(Encoded, Compression)> {
    let pixels = pixels_of(picture)?;
    let (mut fits, mut too_long) = (0_u8, 101_u8);
    let mut best = None;
    while too_long.saturating_sub(fits) > 1 {
        let quality = fits.midpoint(too_long);
        let (encoded, settings) = jpeg_of(&pixels, Quality::Fixed(quality))?;
        if encoded.bytes.len() <= length_bytes {
            fits = quality;
            best = Some((encoded, Compression::Jpeg(settings)));
        } else {
            too_long = quality;
        }
    }
    best
}

fn jpeg_of(pixels: &Pixels<'_>, quality: Quality) -> Option<(Encoded, JpegSettings)> {
    let (rounded, quality, sampling, measured) = match quality {
        Quality::Fixed(number) => {
            let number = number.clamp(1, 100);
            let sampling = Sampling::suiting(number);
            (Transformed::of(pixels, sampling)?.quantised(number), number, sampling, None)
        }
        Quality::Auto => {
            let least = auto::least(pixels)?;
            let measured = Measured::new(least.score, least.tiles, least.tile_pixels);
            (least.rounded, least.quality, least.sampling, Some(measured))
        }
    };
    let bytes = rounded.encode();
    let chroma = if pixels.colour == Colour::Grey { Chroma::Grey } else { sampling.into() };
    let settings = JpegSettings { quality, chroma, scans: scans_of(&bytes), measured };
    Some((Encoded { bytes, format: Format::Jpeg }, settings))
}

/// A lossless encoding that is smaller. Of large pictures only such are tried as look drawn, and first on tiles.
fn lossless_below(picture: &DynamicImage, bound_bytes: usize) -> Result<Option<Encoded>, PrepareError> {
    let kind = if is_small(picture) {
        if is_drawn(picture) { best_kind(picture)? } else { Lossless::WebP }
    } else if is_drawn(picture) {
        let kind = best_kind(picture)?;
        let (length_bytes, pixels) = on_tiles(picture, kind)?;
        let expected = length_bytes as f64 * pixels_in(picture) as f64 / pixels as f64;
        if expected > bound_bytes as f64 * TILES_ARE_LARGER {
            return Ok(None);
        }
        kind
    } else {
        return Ok(None);
    };
    if !kind.fits(picture) {
        return Ok(None);
    }
    Ok(Some(lossless(picture, kind)?).filter(|encoded| encoded.bytes.len() < bound_bytes))
}

/// The smallest on the tiles that stand for the picture.
fn best_kind(picture: &DynamicImage) -> Result<Lossless, PrepareError> {
    let mut best = None;
    for kind in Lossless::ALL.into_iter().filter(|kind| kind.fits(picture)) {
        let (length_bytes, _) = on_tiles(picture, kind)?;
        if best.is_none_or(|(least, _)| length_bytes < least) {
            best = Some((length_bytes, kind));
        }
    }
    Ok(best.map_or_else(|| quick_kind(picture), |(_, kind)| kind))
}

fn quick_kind(picture: &DynamicImage) -> Lossless {
    if Lossless::WebP.fits(picture) { Lossless::WebP } else { Lossless::PngFiltered }
}

/// How many bytes the tiles take, and how many pixels they have.
fn on_tiles(picture: &DynamicImage, kind: Lossless) -> Result<(usize, u64), PrepareError> {
    let (mut length_bytes, mut pixels) = (0_usize, 0_u64);
    for [left, top, width, height] in auto::rectangles(picture.width(), picture.height()) {
        let tile = picture.crop_imm(left, top, width, height);
        length_bytes = length_bytes.saturating_add(lossless(&tile, kind)?.bytes.len());
        pixels = pixels.saturating_add(pixels_in(&tile));
    }
    Ok((length_bytes, pixels.max(1)))
}

/// Whether much of a picture repeats the pixel before, as flat areas do and the noise of a camera does not. Screenshots
/// and line art are among these, with any number of colours; and a few photographs, which are then tried in vain.
fn is_drawn(picture: &DynamicImage) -> bool {
    let bytes_per_pixel = usize::from(picture.color().bytes_per_pixel());
    let row_bytes = usize::try_from(picture.width()).unwrap_or_default().saturating_mul(bytes_per_pixel);
    let (mut repeated, mut seen) = (0_usize, 0_usize);
    for row in picture.as_bytes().chunks_exact(row_bytes.max(1)).step_by(EVERY_ROW) {
        let pixels = row.chunks_exact(bytes_per_pixel);
        let next = pixels.clone().skip(1);
        repeated = repeated.saturating_add(pixels.zip(next).filter(|(one, next)| one == next).count());
        seen = seen.saturating_add(row.len().checked_div(bytes_per_pixel).unwrap_or_default());
    }
    repeated.saturating_mul(DRAWN_ONE_IN) >= seen
}

/// The same in grey, where no pixel has a colour.
fn without_colours(picture: &DynamicImage) -> Option<DynamicImage> {
    let DynamicImage::ImageRgb8(rgb) = picture else { return None };
    let (pixels, _) = rgb.as_raw().as_chunks::<3>();
    if pixels.iter().any(|[red, green, blue]| red != green || green != blue) {
        return None;
    }
    GrayImage::from_raw(rgb.width(), rgb.height(), pixels.iter().map(|[grey, ..]| *grey).collect()).map(Into::into)
}

fn pixels_of(picture: &DynamicImage) -> Option<Pixels<'_>> {
    let colour = match picture {
        DynamicImage::ImageLuma8(_) => Colour::Grey,
        DynamicImage::ImageRgb8(_) => Colour::Rgb,
        _ => return None,
    };
    let (width, height) = (u16::try_from(picture.width()).ok()?, u16::try_from(picture.height()).ok()?);
    Some(Pixels { samples: picture.as_bytes(), width, height, colour })
}

/// By the frame header (T.81, table B.1), which stands before the first scan.
fn scans_of(jpeg: &[u8]) -> Scans {
    let mut rest = jpeg.get(2..).unwrap_or_default();
    while let [0xff, marker, high, low, ..] = rest {
        match marker {
            0xc2 => return Scans::Progressive,
            0xda => break,
            _ => {
                rest = rest.get(usize::from(u16::from_be_bytes([*high, *low])).saturating_add(2)..).unwrap_or_default()
            }
        }
    }
    Scans::Sequential
}

fn is_small(picture: &DynamicImage) -> bool {
    pixels_in(picture) <= auto::WHOLE_PIXELS as u64
}

fn pixels_in(picture: &DynamicImage) -> u64 {
    u64::from(picture.width()).saturating_mul(u64::from(picture.height()))
}

/// One pixel in so many repeats the one before.
const DRAWN_ONE_IN: usize = 3;
const EVERY_ROW: usize = 4;
/// A tile pays for its own header and learns its own statistics.
const TILES_ARE_LARGER: f64 = 1.25;

//! Files of every format and oddity, each with the picture it shows.
//!
//! Where nothing here can write a kind of file, `files/` has small ones, made once from [`picture`] with libjpeg-turbo's
//! `cjpeg`, libwebp's `cwebp` and libjxl's `cjxl`.

mod bmp;
mod ciede2000;
mod gif;
mod jpeg;
mod jpeg_xl;
mod packed;
mod png;
mod profile;
mod tiff;
mod webp;

use image::{DynamicImage, Rgb, RgbImage, Rgba, RgbaImage};

use super::{super::format::Format, fixtures::marked};

pub(super) use ciede2000::mean_difference;
pub(super) use jpeg::encoded as jpeg_of;

/// A file and what it shows.
pub(super) struct Specimen {
    pub(super) name: String,
    pub(super) file: Vec<u8>,
    /// Upright, in sRGB.
    pub(super) shows: DynamicImage,
    pub(super) original: Original,
}

/// What `original` makes of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Original {
    SameData,
    Png,
    Refused,
}

impl Specimen {
    fn of(name: impl Into<String>, file: Vec<u8>, shows: impl Into<DynamicImage>) -> Self {
        let original = match Format::of(&file) {
            Some(Format::Jpeg | Format::Png | Format::WebP) => Original::SameData,
            Some(Format::Bmp | Format::Tiff) => Original::Png,
            _ => Original::Refused,
        };
        Self { name: name.into(), file, shows: shows.into(), original }
    }

    fn without_original(self) -> Self {
        Self { original: Original::Refused, ..self }
    }

    pub(super) fn format(&self) -> Format {
        Format::of(&self.file).unwrap()
    }

    /// The same with location, names, serials, a thumbnail, comments and bytes behind the end, and turned.
    pub(super) fn marked(&self, orientation: u8) -> Self {
        let mut shows = self.shows.clone();
        shows.apply_orientation(image::metadata::Orientation::from_exif(orientation).unwrap());
        let file = marked(&self.file, self.format(), orientation.into());
        Self { name: format!("{} turned {orientation}", self.name), file, shows, original: self.original }
    }
}

/// The profile of many a phone.
pub(super) fn display_p3() -> Vec<u8> {
    profile::DISPLAY_P3.icc()
}

/// Everything but the marks and the turns.
pub(super) fn all() -> Vec<Specimen> {
    [jpeg::all(), png::all(), webp::all(), gif::all(), bmp::all(), tiff::all(), jpeg_xl::all()]
        .into_iter()
        .flatten()
        .collect()
}

const SIZE: (u32, u32) = (83, 58);

fn picture() -> RgbImage {
    smooth(SIZE.0, SIZE.1)
}

/// Brightness changes quickly and colours slowly, so that colours sampled coarsely are still the same.
fn smooth(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| {
        let wave = (x * 3 + y * 2) % 24;
        let wave = wave.min(24 - wave);
        Rgb([40 + 150 * x / width, 62 + 90 * y / height, 200 - 120 * (x + y) / (width + height)]
            .map(|colour| (colour + wave) as u8))
    })
}

/// More and more opaque from left to right.
fn see_through() -> RgbaImage {
    let picture = picture();
    RgbaImage::from_fn(SIZE.0, SIZE.1, |x, y| {
        let Rgb([r, g, b]) = *picture.get_pixel(x, y);
        Rgba([r, g, b, (x * 255 / SIZE.0) as u8])
    })
}

/// Numbers of colours up to `count`, and the colours.
fn numbered(count: u32) -> (Vec<u8>, Vec<[u8; 3]>, RgbImage) {
    let palette: Vec<[u8; 3]> = (0..count)
        .map(|number| {
            let value = (number * 255 / (count - 1)) as u8;
            [value, 255 - value, (value / 2) ^ 0x15]
        })
        .collect();
    let numbers: Vec<u8> =
        picture().pixels().map(|Rgb([r, g, _])| ((u32::from(*r) + u32::from(*g)) * count / 511) as u8).collect();
    let shows = RgbImage::from_fn(SIZE.0, SIZE.1, |x, y| Rgb(palette[usize::from(numbers[(y * SIZE.0 + x) as usize])]));
    (numbers, palette, shows)
}

/// Numbers of less than a byte, the first in the highest bits, each row from a byte of its own.
fn packed_rows(numbers: &[u8], width: u32, bits: u32) -> Vec<Vec<u8>> {
    numbers
        .chunks(width as usize)
        .map(|row| {
            let mut bytes = vec![0_u8; (width * bits).div_ceil(8) as usize];
            for (x, number) in row.iter().enumerate() {
                let at = x as u32 * bits;
                bytes[(at / 8) as usize] |= number << (8 - bits - at % 8);
            }
            bytes
        })
        .collect()
}

//! What is sent: a file of noise, and a large photograph.

use std::{
    fs::File,
    io::{BufWriter, Write as _},
    path::Path,
};

use image::{RgbImage, imageops::FilterType};
use jpeg_encoder::{ColorType, Encoder};
use lightproof_core::prepare::sample_photo;
use lightproof_wire::hash::{Digest, Hasher};

use crate::error::BenchError;

/// Numbers that look random and are the same every time (SplitMix64).
pub(crate) struct Noise(pub(crate) u64);

impl Noise {
    /// The next number.
    pub(crate) const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// So many bytes.
    pub(crate) fn bytes(&mut self, count: usize) -> Vec<u8> {
        let mut bytes: Vec<u8> = (0..count.div_ceil(8)).flat_map(|_| self.next().to_le_bytes()).collect();
        bytes.truncate(count);
        bytes
    }
}

/// Writes a file that nothing can compress and no decoder takes for a picture; its SHA-256.
pub(crate) fn noise_file(path: &Path, mebibytes: u32) -> Result<Digest, BenchError> {
    let at = || BenchError::at(path.display().to_string());
    let mut file = BufWriter::new(File::create(path).map_err(at())?);
    let (mut noise, mut hasher) = (Noise(u64::from(mebibytes)), Hasher::bare());
    for _ in 0..mebibytes {
        let block: Vec<u8> = (0..1 << 17).flat_map(|_: u32| noise.next().to_le_bytes()).collect();
        hasher.update(&block);
        file.write_all(&block).map_err(at())?;
    }
    file.into_inner().map_err(|error| at()(error.into_error()))?.sync_all().map_err(at())?;
    Ok(hasher.finish())
}

/// A JPEG of 24 megapixels with the grain of a camera in it, about 10 MB.
pub(crate) fn large_photo() -> Result<Vec<u8>, BenchError> {
    let sample = image::load_from_memory(&sample_photo()).map_err(BenchError::wrong)?;
    let mut photo: RgbImage = sample.resize_exact(WIDTH, HEIGHT, FilterType::Triangle).into_rgb8();
    let mut noise = Noise(24);
    for pixel in photo.pixels_mut() {
        // Two sums of dice for each channel: most grains are small.
        let [a, b, c, d, e, f, ..] = noise.next().to_le_bytes();
        for (channel, (up, down)) in pixel.0.iter_mut().zip([(a, b), (c, d), (e, f)]) {
            *channel = channel.saturating_add(up / GRAIN).saturating_sub(down / GRAIN);
        }
    }
    let (Ok(width), Ok(height)) = (u16::try_from(WIDTH), u16::try_from(HEIGHT)) else {
        return Err(BenchError::Wrong("the photo is too large for a JPEG".to_owned()));
    };
    let mut jpeg = Vec::new();
    Encoder::new(&mut jpeg, 92).encode(photo.as_raw(), width, height, ColorType::Rgb).map_err(BenchError::wrong)?;
    Ok(jpeg)
}

const WIDTH: u32 = 6000;
const HEIGHT: u32 = 4000;
const GRAIN: u8 = 24;

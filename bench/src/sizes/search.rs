//! Bytes by score of one encoder on one picture, as far as the search has looked.

use std::collections::BTreeMap;

use image::{ImageFormat, RgbImage};
use ssimulacra2::{ColorPrimaries, Rgb, TransferCharacteristic, compute_frame_ssimulacra2};

use crate::error::BenchError;

use super::encoders::Encoder;

pub(super) struct Curve<'a> {
    pixels: &'a RgbImage,
    reference: Rgb,
    encoder: Encoder,
    /// Score and logarithm of the bytes, by quality.
    seen: BTreeMap<u8, (f64, f64)>,
}

impl<'a> Curve<'a> {
    pub(super) fn of(pixels: &'a RgbImage, encoder: Encoder) -> Result<Self, BenchError> {
        Ok(Self { pixels, reference: frame(pixels)?, encoder, seen: BTreeMap::new() })
    }

    /// The bytes at which the score would be the target.
    pub(super) fn bytes_at(&mut self, target: f64) -> Result<f64, BenchError> {
        let (mut low, mut high) = (1, 100);
        while high - low > 1 {
            let middle = u8::midpoint(low, high);
            if self.at(middle)?.0 < target {
                low = middle;
            } else {
                high = middle;
            }
        }
        let ((below, fewer), (above, more)) = (self.at(low)?, self.at(high)?);
        if !(below..=above).contains(&target) {
            return Err(BenchError::Wrong(format!("no quality reaches {target}: {below:.2} to {above:.2}")));
        }
        let share = if above > below { (target - below) / (above - below) } else { 0.0 };
        Ok((more - fewer).mul_add(share, fewer).exp())
    }

    fn at(&mut self, quality: u8) -> Result<(f64, f64), BenchError> {
        if let Some(seen) = self.seen.get(&quality) {
            return Ok(*seen);
        }
        let jpeg = self.encoder.encode(self.pixels, quality)?;
        let shown = image::load_from_memory_with_format(&jpeg, ImageFormat::Jpeg).map_err(BenchError::wrong)?;
        let score = compute_frame_ssimulacra2(self.reference.clone(), frame(&shown.into_rgb8())?);
        let seen = (score.map_err(BenchError::wrong)?, (jpeg.len() as f64).ln());
        self.seen.insert(quality, seen);
        Ok(seen)
    }
}

fn frame(pixels: &RgbImage) -> Result<Rgb, BenchError> {
    let samples = pixels.pixels().map(|pixel| pixel.0.map(|level| f32::from(level) / 255.0)).collect();
    let (width, height) = pixels.dimensions();
    Rgb::new(samples, width as usize, height as usize, TransferCharacteristic::SRGB, ColorPrimaries::BT709)
        .map_err(|error| BenchError::Wrong(format!("SSIMULACRA2: {error:?}")))
}

//! The encoders that are compared, behind one function.

use std::{
    io::Write as _,
    process::{Command, Stdio},
    thread,
};

use image::RgbImage;
use lightproof_core::prepare::jpeg::{Colour, Pixels, Sampling, Transformed};

use crate::error::BenchError;

#[derive(Clone, Copy)]
pub(super) enum Encoder {
    Ours,
    MozJpeg,
    Turbo,
    JpegEncoder,
}

impl Encoder {
    pub(super) const ALL: [Self; 4] = [Self::Ours, Self::MozJpeg, Self::Turbo, Self::JpegEncoder];

    /// A JPEG at a quality from 1 to 100.
    pub(super) fn encode(self, picture: &RgbImage, quality: u8) -> Result<Vec<u8>, BenchError> {
        match self {
            Self::Ours => ours(picture, quality),
            Self::MozJpeg => mozjpeg(picture, quality),
            Self::Turbo => turbo(picture, quality),
            Self::JpegEncoder => jpeg_encoder(picture, quality),
        }
    }
}

fn sides(picture: &RgbImage) -> Result<(u16, u16), BenchError> {
    let (width, height) = picture.dimensions();
    Ok((u16::try_from(width).map_err(BenchError::wrong)?, u16::try_from(height).map_err(BenchError::wrong)?))
}

fn ours(picture: &RgbImage, quality: u8) -> Result<Vec<u8>, BenchError> {
    let (width, height) = sides(picture)?;
    let pixels = Pixels { samples: picture.as_raw(), width, height, colour: Colour::Rgb };
    let transformed = Transformed::of(&pixels, Sampling::suiting(quality))
        .ok_or_else(|| BenchError::Wrong("a picture without pixels".to_owned()))?;
    Ok(transformed.quantised(quality).encode())
}

fn mozjpeg(picture: &RgbImage, quality: u8) -> Result<Vec<u8>, BenchError> {
    let (width, height) = sides(picture)?;
    let mut settings = mozjpeg::Compress::new(mozjpeg::ColorSpace::JCS_RGB);
    settings.set_size(width.into(), height.into());
    settings.set_quality(quality.into());
    let failed = |error| BenchError::Io { what: "mozjpeg".to_owned(), error };
    let mut started = settings.start_compress(Vec::new()).map_err(failed)?;
    started.write_scanlines(picture.as_raw()).map_err(failed)?;
    started.finish().map_err(failed)
}

fn turbo(picture: &RgbImage, quality: u8) -> Result<Vec<u8>, BenchError> {
    let mut command = Command::new("cjpeg");
    command.args(["-quality", &quality.to_string(), "-progressive", "-optimize"]);
    let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = piped.spawn().map_err(BenchError::at("cjpeg (libjpeg-turbo-progs)"))?;
    let head = format!("P6\n{} {}\n255\n", picture.width(), picture.height());
    let file = [head.as_bytes(), picture.as_raw()].concat();
    let stdin = child.stdin.take();
    // Beside the reading, or both would wait for each other.
    let writer = thread::spawn(move || stdin.map_or(Ok(()), |mut stdin| stdin.write_all(&file)));
    let output = child.wait_with_output().map_err(BenchError::at("cjpeg"))?;
    let is_written = writer.join().is_ok_and(|written| written.is_ok());
    if output.status.success() && is_written {
        Ok(output.stdout)
    } else {
        Err(BenchError::Wrong(format!("cjpeg failed ({})", output.status)))
    }
}

fn jpeg_encoder(picture: &RgbImage, quality: u8) -> Result<Vec<u8>, BenchError> {
    let (width, height) = sides(picture)?;
    let mut jpeg = Vec::new();
    let mut encoder = jpeg_encoder::Encoder::new(&mut jpeg, quality);
    encoder.set_chroma_subsampling_method(jpeg_encoder::ChromaSubsamplingMethod::Average);
    encoder.set_sampling_factor(jpeg_encoder::SamplingFactor::F_2_2);
    encoder.set_progressive(true);
    encoder.set_optimized_huffman_tables(true);
    encoder.encode(picture.as_raw(), width, height, jpeg_encoder::ColorType::Rgb).map_err(BenchError::wrong)?;
    Ok(jpeg)
}

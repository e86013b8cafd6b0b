//! `send` of one photo of 24 megapixels, against the bare work of its pixels and what its promises cost.

use std::{fs, io::Cursor, path::Path, time::Instant};

use fast_image_resize::{FilterType, ResizeAlg, ResizeOptions, Resizer};
use image::{DynamicImage, ImageDecoder as _, codecs::jpeg::JpegDecoder};
use jpeg_encoder::{ChromaSubsamplingMethod, ColorType, Encoder};
use lightproof_core::prepare::DEFAULT_MAX_EDGE_PX;

use crate::{
    certificate::Certificate,
    error::BenchError,
    material::large_photo,
    people::Pair,
    programs::Programs,
    report::{Line, Report, Unit},
    samples::Samples,
    unit_costs::{Echo, sync_seconds},
};

/// Seconds of one round.
#[derive(Default)]
struct Round {
    send: f64,
    decode: f64,
    resize: f64,
    encode: f64,
    round_trip: f64,
    sync: f64,
}

impl Round {
    fn limit(&self) -> f64 {
        1.5 * (self.decode + self.resize + self.encode) + 10.0 * self.round_trip + 16.0 * self.sync
    }
}

pub(crate) fn measure(
    programs: &Programs,
    certificate: &Certificate,
    folder: &Path,
    rounds: u32,
    report: &mut Report,
) -> Result<(), BenchError> {
    let photo = large_photo()?;
    let file = folder.join("photo.jpg");
    fs::write(&file, &photo).map_err(BenchError::at("photo.jpg"))?;
    let pair = Pair::new(programs, folder)?;
    let mut echo = Echo::open(certificate)?;
    round(&pair, &file, &photo, &mut echo)?;
    let mut taken = Vec::new();
    for _ in 0..rounds {
        taken.push(round(&pair, &file, &photo, &mut echo)?);
    }
    let of = |part: fn(&Round) -> f64| taken.iter().map(part).collect::<Samples>();
    report.lines.push(Line {
        what: "send of a 24-megapixel JPEG, quality 85",
        unit: Unit::Seconds,
        ours: of(|round| round.send),
        limit_is: "1.5 × (decode + resize + encode) + 10 round trips + 16 syncs",
        limit: of(Round::limit),
        goal: Some(1.0),
        parts: vec![
            ("decode", of(|round| round.decode)),
            ("resize", of(|round| round.resize)),
            ("encode", of(|round| round.encode)),
            ("one round trip over TLS", of(|round| round.round_trip)),
            ("one append and sync", of(|round| round.sync)),
        ],
    });
    Ok(())
}

fn round(pair: &Pair, file: &Path, photo: &[u8], echo: &mut Echo) -> Result<Round, BenchError> {
    let mut round = Round { round_trip: echo.seconds()?, sync: sync_seconds(pair.alice.home())?, ..Round::default() };
    bare(photo, &mut round)?;
    let path = file.display().to_string();
    round.send = pair.alice.run(&["send", "bob", &path, "--quality", "85"])?.seconds;
    Ok(round)
}

/// The pixels' way and nothing else, with the crates and settings of the client.
fn bare(photo: &[u8], round: &mut Round) -> Result<(), BenchError> {
    let start = Instant::now();
    let decoder = JpegDecoder::new(Cursor::new(photo)).map_err(BenchError::wrong)?;
    let (width, height) = decoder.dimensions();
    let picture = DynamicImage::from_decoder(decoder).map_err(BenchError::wrong)?;
    round.decode = start.elapsed().as_secs_f64();

    let start = Instant::now();
    let scaled = |edge: u32| edge.saturating_mul(DEFAULT_MAX_EDGE_PX).checked_div(width.max(height)).unwrap_or(1);
    let mut small = DynamicImage::new(scaled(width), scaled(height), picture.color());
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Lanczos3));
    Resizer::new().resize(&picture, &mut small, &options).map_err(BenchError::wrong)?;
    round.resize = start.elapsed().as_secs_f64();

    let start = Instant::now();
    let (Ok(width), Ok(height)) = (u16::try_from(small.width()), u16::try_from(small.height())) else {
        return Err(BenchError::Wrong("the photo is too large for a JPEG".to_owned()));
    };
    let mut jpeg = Vec::new();
    let mut encoder = Encoder::new(&mut jpeg, 85);
    encoder.set_chroma_subsampling_method(ChromaSubsamplingMethod::Average);
    encoder.encode(small.as_bytes(), width, height, ColorType::Rgb).map_err(BenchError::wrong)?;
    round.encode = start.elapsed().as_secs_f64();
    Ok(())
}

//! Preparing one photo of 24 megapixels, in this process, against the bare work of its pixels.

use std::{io::Cursor, time::Instant};

use fast_image_resize::{FilterType, ResizeAlg, ResizeOptions, Resizer};
use image::{DynamicImage, ImageDecoder as _, codecs::jpeg::JpegDecoder};
use lightproof_core::prepare::{
    DEFAULT_MAX_EDGE_PX, PrepareOptions, Quality,
    jpeg::{Colour, Pixels, Sampling, Transformed},
    prepare,
};

use crate::{
    error::BenchError,
    material::large_photo,
    report::{Goal, Line, Report, Unit},
    samples::Samples,
};

/// Of the JPEG that is sent.
pub(crate) const QUALITY: u8 = 85;

/// Seconds of the pixels' way and nothing else.
pub(crate) struct Bare {
    pub(crate) decode: f64,
    pub(crate) resize: f64,
    pub(crate) encode: f64,
}

/// Seconds of one round.
struct Round {
    fixed: f64,
    searched: f64,
    bare: Bare,
}

pub(crate) fn measure(rounds: u32, report: &mut Report) -> Result<(), BenchError> {
    let photo = large_photo()?;
    round(&photo)?;
    let taken: Vec<Round> = (0..rounds).map(|_| round(&photo)).collect::<Result<_, _>>()?;
    let of = |part: fn(&Round) -> f64| taken.iter().map(part).collect::<Samples>();
    report.lines.push(Line {
        what: "prepare of a 24-megapixel JPEG, quality 85",
        unit: Unit::Seconds,
        ours: of(|round| round.fixed),
        limit_is: "decode + resize + encode",
        limit: of(|round| round.bare.seconds()),
        goal: Some(Goal::AtMost(1.3)),
        parts: vec![
            ("decode", of(|round| round.bare.decode)),
            ("resize", of(|round| round.bare.resize)),
            ("encode", of(|round| round.bare.encode)),
        ],
    });
    report.lines.push(Line {
        what: "the same, quality auto",
        unit: Unit::Seconds,
        ours: of(|round| round.searched),
        limit_is: "prepare at quality 85",
        limit: of(|round| round.fixed),
        goal: Some(Goal::AtMost(4.0)),
        parts: Vec::new(),
    });
    Ok(())
}

fn round(photo: &[u8]) -> Result<Round, BenchError> {
    Ok(Round {
        bare: Bare::of(photo)?,
        fixed: prepare_seconds(photo, Quality::Fixed(QUALITY))?,
        searched: prepare_seconds(photo, Quality::Auto)?,
    })
}

fn prepare_seconds(photo: &[u8], quality: Quality) -> Result<f64, BenchError> {
    let options = PrepareOptions { quality, ..PrepareOptions::default() };
    let start = Instant::now();
    let prepared = prepare(Cursor::new(photo), "photo.jpg", &options, [0; 32]).map_err(BenchError::wrong)?;
    let seconds = start.elapsed().as_secs_f64();
    drop(prepared);
    Ok(seconds)
}

impl Bare {
    /// With the crates and settings of the client.
    pub(crate) fn of(photo: &[u8]) -> Result<Self, BenchError> {
        let start = Instant::now();
        let decoder = JpegDecoder::new(Cursor::new(photo)).map_err(BenchError::wrong)?;
        let (width, height) = decoder.dimensions();
        let picture = DynamicImage::from_decoder(decoder).map_err(BenchError::wrong)?;
        let decode = start.elapsed().as_secs_f64();

        let start = Instant::now();
        let scaled = |edge: u32| edge.saturating_mul(DEFAULT_MAX_EDGE_PX).checked_div(width.max(height)).unwrap_or(1);
        let mut small = DynamicImage::new(scaled(width), scaled(height), picture.color());
        let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Lanczos3));
        Resizer::new().resize(&picture, &mut small, &options).map_err(BenchError::wrong)?;
        let resize = start.elapsed().as_secs_f64();

        let start = Instant::now();
        let (Ok(width), Ok(height)) = (u16::try_from(small.width()), u16::try_from(small.height())) else {
            return Err(BenchError::Wrong("the photo is too large for a JPEG".to_owned()));
        };
        let pixels = Pixels { samples: small.as_bytes(), width, height, colour: Colour::Rgb };
        let transformed = Transformed::of(&pixels, Sampling::suiting(QUALITY));
        let jpeg = transformed.map(|transformed| transformed.quantised(QUALITY).encode());
        jpeg.ok_or_else(|| BenchError::Wrong("the photo has no pixels".to_owned()))?;
        Ok(Self { decode, resize, encode: start.elapsed().as_secs_f64() })
    }

    pub(crate) const fn seconds(&self) -> f64 {
        self.decode + self.resize + self.encode
    }
}

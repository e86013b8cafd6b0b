//! How many bytes our JPEG needs for equal looks, beside other people's encoders at their own settings.

mod encoders;
mod search;

use std::{fmt::Write as _, fs, path::PathBuf};

use image::{ImageDecoder as _, ImageReader, RgbImage, imageops::FilterType};

use crate::{error::BenchError, machine, material::large_photo, programs::workspace, report::table};

use encoders::Encoder;
use search::Curve;

/// What one picture takes at the targets, for each encoder in the order of [`Encoder::ALL`].
struct Row {
    picture: String,
    bytes: Vec<[f64; Encoder::ALL.len()]>,
}

/// Measures, prints, and writes the page if asked to; whether our encoder is as small as it should be.
pub(crate) fn measure(is_written: bool) -> Result<bool, BenchError> {
    let mut rows = Vec::new();
    for (picture, pixels) in pictures()? {
        let mut bytes = vec![[0.0; Encoder::ALL.len()]; TARGETS.len()];
        for (column, encoder) in Encoder::ALL.into_iter().enumerate() {
            let mut curve = Curve::of(&pixels, encoder)?;
            for (target, row) in TARGETS.into_iter().zip(&mut bytes) {
                let taken = curve.bytes_at(target)?;
                row.iter_mut().skip(column).take(1).for_each(|cell| *cell = taken);
            }
        }
        eprintln!("{picture}: done");
        rows.push(Row { picture, bytes });
    }
    let text = page(&rows);
    print!("{text}");
    if is_written {
        let path: PathBuf = workspace().join("docs/photos-sizes.md");
        fs::write(&path, text).map_err(BenchError::at(path.display().to_string()))?;
    }
    Ok((0..TARGETS.len()).all(|target| mean_ratio(&rows, target, MOZJPEG) <= GOAL))
}

/// The photographs of the tests, and two pictures made here: a clean one, and a cut of a large one with grain.
fn pictures() -> Result<Vec<(String, RgbImage)>, BenchError> {
    let folder = std::env::var_os("LIGHTPROOF_TEST_PHOTOS")
        .ok_or_else(|| BenchError::Wrong("LIGHTPROOF_TEST_PHOTOS names no folder with photographs".to_owned()))?;
    let mut files: Vec<PathBuf> = fs::read_dir(&folder)
        .and_then(|entries| entries.map(|entry| entry.map(|entry| entry.path())).collect())
        .map_err(BenchError::at(folder.display().to_string()))?;
    files.sort();
    let mut pictures = Vec::new();
    for file in files.iter().filter(|file| file.extension().is_some_and(|extension| extension != "md")) {
        let reader = ImageReader::open(file).and_then(ImageReader::with_guessed_format);
        let mut decoder =
            reader.map_err(BenchError::at(file.display().to_string()))?.into_decoder().map_err(BenchError::wrong)?;
        let orientation = decoder.orientation().map_err(BenchError::wrong)?;
        let mut picture = image::DynamicImage::from_decoder(decoder).map_err(BenchError::wrong)?;
        picture.apply_orientation(orientation);
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        pictures.push((name, picture.into_rgb8()));
    }
    let sample = lightproof_core::prepare::sample_photo();
    let sample = image::load_from_memory(&sample).map_err(BenchError::wrong)?;
    pictures.push(("made: evening".to_owned(), sample.resize(800, 600, FilterType::Lanczos3).into_rgb8()));
    let large = image::load_from_memory(&large_photo()?).map_err(BenchError::wrong)?;
    pictures.push(("made: evening, grain".to_owned(), large.crop_imm(2600, 2000, 768, 512).into_rgb8()));
    Ok(pictures)
}

fn ratio(row: &Row, target: usize, other: usize) -> f64 {
    let of = |column: usize| row.bytes.get(target).and_then(|bytes| bytes.get(column)).copied().unwrap_or(f64::NAN);
    of(OURS) / of(other)
}

fn mean_ratio(rows: &[Row], target: usize, other: usize) -> f64 {
    let sum: f64 = rows.iter().map(|row| ratio(row, target, other).ln()).sum();
    (sum / rows.len() as f64).exp()
}

fn page(rows: &[Row]) -> String {
    let mut text = PREFACE.to_owned();
    for (what, value) in machine::encoders() {
        let _ = writeln!(text, "- {what}: {value}");
    }
    let mut means = vec![
        ["SSIMULACRA2", "ours / mozjpeg", "ours / libjpeg-turbo", "ours / jpeg-encoder", "goal", ""].map(str::to_owned),
    ];
    for (number, target) in TARGETS.into_iter().enumerate() {
        let against = |other| format!("{:.3}", mean_ratio(rows, number, other));
        let is_met = mean_ratio(rows, number, MOZJPEG) <= GOAL;
        let verdict = if is_met { "met" } else { "MISSED" }.to_owned();
        let goal = format!("≤ {GOAL} × mozjpeg");
        means.push([format!("{target}"), against(MOZJPEG), against(TURBO), against(JPEG_ENCODER), goal, verdict]);
    }
    let _ = writeln!(text, "\nGeometric means over {} pictures:\n\n{}", rows.len(), table(&means));
    let headings = [
        "picture",
        "SSIMULACRA2",
        "ours",
        "mozjpeg",
        "libjpeg-turbo",
        "jpeg-encoder",
        "ours / mozjpeg",
        "ours / turbo",
    ];
    let mut lines = vec![headings.map(str::to_owned)];
    for row in rows {
        for ((number, target), bytes) in TARGETS.into_iter().enumerate().zip(&row.bytes) {
            let [ours, mozjpeg, turbo, jpeg_encoder] = bytes.map(|bytes| format!("{bytes:.0}"));
            let [to_mozjpeg, to_turbo] = [MOZJPEG, TURBO].map(|other| format!("{:.3}", ratio(row, number, other)));
            let picture = row.picture.clone();
            lines.push([picture, format!("{target}"), ours, mozjpeg, turbo, jpeg_encoder, to_mozjpeg, to_turbo]);
        }
    }
    let _ = writeln!(text, "Bytes:\n\n{}", table(&lines).trim_end());
    text
}

const TARGETS: [f64; 3] = [60.0, 70.0, 80.0];
/// The places in [`Encoder::ALL`].
const OURS: usize = 0;
const MOZJPEG: usize = 1;
const TURBO: usize = 2;
const JPEG_ENCODER: usize = 3;
/// How many times mozjpeg's bytes are few enough, in the mean.
const GOAL: f64 = 1.1;

const PREFACE: &str = "# Sizes of JPEGs at equal looks

Written by `cargo run --release -p lightproof-bench --features yardsticks -- sizes --write`; not edited by hand.

For each picture and each encoder: the bytes of the file whose SSIMULACRA2 (package `ssimulacra2`, against the pixels that
were encoded, decoded by `image`) is 60, 70, 80. The two neighbouring whole qualities around the target are found by
bisection, and the logarithm of the bytes is interpolated between them by score, so that steps of quality do not matter.
Ours as the client encodes at a fixed quality; mozjpeg with its defaults (trellis, progressive, 4:2:0); libjpeg-turbo by
`cjpeg -progressive -optimize` (4:2:0); jpeg-encoder progressive with optimised tables (4:2:0).

";

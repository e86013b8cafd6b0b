//! A photograph nobody took, for demonstrations and tests: evening over hills, with all that cameras leave in files.

mod exif_block;

use image::RgbImage;

use super::{
    format::Format,
    jpeg::{Colour, Pixels, Sampling, Transformed},
    strip::{Keep, Parts},
};

pub(super) use exif_block::{Entry, exif_block};

/// A JPEG with a position, serial numbers, an owner, a comment, an embedded thumbnail and trailing bytes.
#[must_use]
pub fn sample_photo() -> Vec<u8> {
    let thumbnail = jpeg(&render(160, 120), 70);
    let exif = exif_block(&CAMERA, &SHOT, &POSITION, &thumbnail);
    let picture = jpeg(&render(1600, 1200), 90);
    let Some(Ok(parts)) = Parts::of(&picture, Format::Jpeg) else { return picture };
    let mut photo = parts.rebuild(Keep { exif: Some(&exif), ..Keep::default() }).cut(&picture);
    photo.extend(TRAILING);
    photo
}

fn jpeg(picture: &RgbImage, quality: u8) -> Vec<u8> {
    let (Ok(width), Ok(height)) = (u16::try_from(picture.width()), u16::try_from(picture.height())) else {
        return Vec::new();
    };
    let pixels = Pixels { samples: picture.as_raw(), width, height, colour: Colour::Rgb };
    // The size is right by construction.
    let transformed = Transformed::of(&pixels, Sampling::suiting(quality));
    transformed.map(|transformed| transformed.quantised(quality).encode()).unwrap_or_default()
}

fn render(width: u32, height: u32) -> RgbImage {
    let scale = |at: u32, of: u32| f64::from(at) / f64::from(of);
    RgbImage::from_fn(width, height, |x, y| image::Rgb(colour_at(scale(x, width), scale(y, height))))
}

/// The colour at a point, both coordinates from 0 to 1.
fn colour_at(x: f64, y: f64) -> [u8; 3] {
    let dusk = mix([38.0, 62.0, 128.0], [250.0, 186.0, 122.0], (y / 0.62).min(1.0).powf(1.3));
    let to_sun = ((x - 0.68).hypot((y - 0.44) * 0.75) / 0.045).max(0.0);
    let lit = mix(dusk, [255.0, 244.0, 214.0], (1.0 / (1.0 + to_sun.powi(4))) + 0.35 / (1.0 + to_sun));
    let cloud = (wave(x * 2.6 + y * 7.0, 3.1) * wave(x * 5.3 - y * 9.0, 1.7) - 0.35).clamp(0.0, 0.4)
        * (1.0 - y / 0.6).clamp(0.0, 1.0);
    let mut colour = mix(lit, [255.0, 226.0, 204.0], cloud);
    for (nearness, top) in [(0.25, 0.56), (0.45, 0.63), (0.7, 0.72), (1.0, 0.84)] {
        let ridge =
            top - 0.05 * wave(x * (2.0 + 3.0 * nearness), nearness * 9.0) - 0.018 * wave(x * 13.0, nearness * 4.0);
        if y > ridge {
            let shade = mix([176.0, 150.0, 158.0], [24.0, 44.0, 38.0], nearness);
            let grass = 1.0 + 0.10 * nearness * (wave(x * 160.0 + y * 90.0, 0.4) - 0.5) + 0.25 * (y - ridge);
            colour = mix(shade, lit, 0.10 * (1.0 - nearness)).map(|channel| channel * grass);
        }
    }
    colour.map(byte)
}

/// A slow wave between 0 and 1.
fn wave(at: f64, phase: f64) -> f64 {
    0.5 + 0.25 * (at * 2.3 + phase).sin() + 0.25 * (at * 3.7 + phase * 1.9).cos()
}

fn mix(from: [f64; 3], to: [f64; 3], share: f64) -> [f64; 3] {
    let ([r0, g0, b0], [r1, g1, b1]) = (from, to);
    [r0 + (r1 - r0) * share, g0 + (g1 - g0) * share, b0 + (b1 - b0) * share]
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0..=255 first")]
fn byte(channel: f64) -> u8 {
    channel.clamp(0.0, 255.0) as u8
}

const CAMERA: [Entry<'_>; 6] = [
    Entry::text(0x010e, b"Evening over the hills\0"),
    Entry::text(0x010f, b"Example Optics\0"),
    Entry::text(0x0110, b"Pocket 7\0"),
    Entry::text(0x0131, b"Pocket firmware 2.1\0"),
    Entry::text(0x0132, b"2026:06:21 21:14:07\0"),
    Entry::text(0x013b, b"Alice Example\0"),
];

const SHOT: [Entry<'_>; 5] = [
    Entry::text(0x9003, b"2026:06:21 21:14:07\0"),
    Entry::text(0x9010, b"+02:00\0"),
    Entry::bytes(0x9286, b"ASCII\0\0\0only for the family"),
    Entry::text(0xa430, b"Alice Example\0"),
    Entry::text(0xa431, b"EXO-0042-7781\0"),
];

/// A field path beside the Konkordiaplatz: nobody's home.
const POSITION: [Entry<'_>; 4] = [
    Entry::text(0x0001, b"N\0"),
    Entry::rationals(0x0002, &[46, 1, 30, 1, 972, 100]),
    Entry::text(0x0003, b"E\0"),
    Entry::rationals(0x0004, &[8, 1, 2, 1, 4248, 100]),
];

const TRAILING: &[u8] = b"\0\0\0\x18ftypmp42 a moving picture that some cameras hide behind the still one";

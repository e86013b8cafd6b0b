//! `--quality auto`: small, hard to tell from the original by somebody else's measure, and never larger than the file.

use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use jpeg_encoder::{ColorType, SamplingFactor};
use lightproof_e2ee::manifest::{MediaType, Treatment};

use super::super::{
    Chroma, Compression, JpegSettings, PrepareOptions, Quality,
    auto::least,
    choice::smallest,
    jpeg::{Colour, Pixels},
};
use super::fixtures::{Layout, PHOTOGRAPHS, encoded, independent, jpeg, prepared, real, scene, sent, treated};

/// SSIMULACRA 2 by an independent implementation.
fn score(one: &DynamicImage, other: &DynamicImage) -> f64 {
    use ssimulacra2::{ColorPrimaries, Rgb, TransferCharacteristic, compute_frame_ssimulacra2};
    let frame = |picture: &DynamicImage| {
        let pixels = picture.to_rgb8().pixels().map(|pixel| pixel.0.map(|byte| f32::from(byte) / 255.0)).collect();
        let (width, height) = (picture.width() as usize, picture.height() as usize);
        Rgb::new(pixels, width, height, TransferCharacteristic::SRGB, ColorPrimaries::BT709).unwrap()
    };
    compute_frame_ssimulacra2(frame(one), frame(other)).unwrap()
}

fn compressed(picture: &DynamicImage, quality: Quality) -> (DynamicImage, Option<Compression>, usize) {
    let photo = prepared(&encoded(picture, ImageFormat::Bmp), &PrepareOptions { quality, ..PrepareOptions::default() })
        .unwrap();
    let compression = photo.compression();
    let bytes = sent(photo);
    (independent(&bytes), compression, bytes.len())
}

fn settings(compression: Option<Compression>) -> Option<JpegSettings> {
    if let Some(Compression::Jpeg(settings)) = compression { Some(settings) } else { None }
}

/// Waves of all sizes with a grain, as no encoder likes them.
fn rough(width: u32, height: u32) -> RgbImage {
    let mut state = width + height;
    RgbImage::from_fn(width, height, |x, y| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let (fx, fy) = (x as f32, y as f32);
        let wave =
            (fx / 31.0).sin() * 40.0 + (fy / 7.0 + fx / 90.0).cos() * 25.0 + (fx / 2.5).sin() * (fy / 3.1).cos() * 9.0;
        let grain = (state >> 28) as f32;
        Rgb([wave + 120.0, wave * 0.7 + 110.0, 140.0 - wave].map(|level| (level + grain) as u8))
    })
}

#[test]
fn what_is_sent_reaches_the_target_by_an_independent_measure_and_two_steps_less_do_not() {
    let mut pictures: Vec<(String, DynamicImage)> = vec![
        ("smooth".into(), scene(320, 240).into()),
        ("rough".into(), rough(320, 240).into()),
        ("grey".into(), DynamicImage::from(rough(200, 150)).grayscale()),
    ];
    for name in PHOTOGRAPHS {
        let file = real(name).map(|file| independent(&file).to_rgb8().into());
        pictures.extend(file.map(|picture| (name.to_owned(), picture)));
    }
    let mut reached = 0;
    for (name, picture) in &pictures {
        let (shown, compression, _) = compressed(picture, Quality::Auto);
        let auto = settings(compression).unwrap_or_else(|| panic!("{name} is no JPEG"));
        let found = score(picture, &shown);
        // Decoders differ by a level or two, and measures by a tenth.
        assert!(found > 79.5, "{name}: {found:.2} at quality {}", auto.quality);
        let ours = auto.measured.unwrap();
        assert!((ours.score() - found).abs() < 0.8, "{name}: {} by ours, {found:.2} by theirs", ours.score());
        if auto.chroma != Chroma::Full && auto.quality < 90 {
            let (shown, _, _) = compressed(picture, Quality::Fixed(auto.quality - 2));
            let less = score(picture, &shown);
            assert!(less < 80.3, "{name}: {less:.2} already two below {}", auto.quality);
        }
        reached += 1;
    }
    println!("evidence: P21 | {reached} pictures sent at the least quality that reaches the target | -");
}

#[test]
fn a_large_picture_reaches_the_target_as_a_whole_and_says_where_it_was_searched() {
    let picture = DynamicImage::from(rough(1700, 1250));
    let (shown, compression, _) = compressed(&picture, Quality::Auto);
    let measured = settings(compression).unwrap().measured.unwrap();
    assert!(measured.tiles > 1 && measured.tile_pixels >= 2_000_000);
    let found = score(&picture, &shown);
    assert!(
        found > 79.5 && (measured.score() - found).abs() < 0.8,
        "{found:.2} by theirs, {} by ours",
        measured.score()
    );
}

#[test]
fn a_number_overrides_the_search() {
    let picture = DynamicImage::from(rough(200, 150));
    for (number, expected) in [(33, 33), (100, 100), (0, 1)] {
        let chosen = settings(compressed(&picture, Quality::Fixed(number)).1).unwrap();
        assert_eq!((chosen.quality, chosen.measured), (expected, None));
    }
}

/// A window with text in many shades on a gradient: more than 256 colours, and none of it a photograph.
fn screenshot(width: u32, height: u32) -> RgbImage {
    let mut picture = RgbImage::from_fn(width, height, |x, y| match (x, y) {
        (_, 0..40) => Rgb([220, 223, 230]),
        (x, _) if x < width / 5 => Rgb([40, 44, (52 + y * 150 / height) as u8]),
        _ => Rgb([(235 + x * 20 / width) as u8, (230 + y * 24 / height) as u8, 252]),
    });
    let mut state = 99_u32;
    for line in (50..height.saturating_sub(14)).step_by(19) {
        for left in (width / 5 + 12..width * 4 / 5).step_by(8) {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let glyph = (state >> 16) % 40;
            for (x, y) in (0..7).flat_map(|x| (0..12).map(move |y| (x, y))) {
                let ink =
                    [255, 255, 128, 60, 0, 0, 0, 0, 0][((glyph * 7 + x * 13 + y * 29 + x * y * glyph) % 9) as usize];
                let pixel = picture.get_pixel_mut(left + x, line + y);
                pixel.0 = pixel.0.map(|level| (u32::from(level) * (255 - ink) / 255) as u8);
            }
        }
    }
    picture
}

#[test]
fn screenshots_stay_as_they_are_and_smaller_than_a_jpeg_of_the_same_looks() {
    // The larger one is told by its tiles.
    for (width, height) in [(640, 400), (1920, 1100)] {
        let picture = DynamicImage::from(screenshot(width, height));
        let (shown, compression, length_bytes) = compressed(&picture, Quality::Auto);
        assert_eq!(compression, Some(Compression::Lossless), "{width} x {height}");
        assert!(shown.to_rgb8() == picture.to_rgb8());
        let pixels =
            Pixels { samples: picture.as_bytes(), width: width as u16, height: height as u16, colour: Colour::Rgb };
        let jpeg = least(&pixels).unwrap().rounded.encode().len();
        assert!(length_bytes < jpeg, "{length_bytes} bytes, {jpeg} as a JPEG");
    }
}

#[test]
fn a_picture_whose_colours_are_all_grey_is_sent_as_grey() {
    let grey = DynamicImage::from(rough(200, 150)).grayscale().to_rgb8();
    let (encoded, compression) = smallest(&grey.clone().into(), Quality::Auto).unwrap();
    assert_eq!(settings(Some(compression)).unwrap().chroma, Chroma::Grey);
    assert!(!independent(&encoded.bytes).color().has_color());
}

#[test]
fn nothing_is_ever_larger_than_the_file_it_was_made_of() {
    let mut files: Vec<(String, Vec<u8>)> = Vec::new();
    for (name, picture) in [("smooth", scene(300, 200)), ("rough", rough(300, 200)), ("drawn", screenshot(300, 200))] {
        for quality in [1, 10, 40, 75] {
            let mut file = Vec::new();
            let encoder = jpeg_encoder::Encoder::new(&mut file, quality);
            encoder.encode(picture.as_raw(), 300, 200, ColorType::Rgb).unwrap();
            files.push((format!("{name} at {quality}"), file));
        }
        let size = picture.dimensions();
        for layout in [Layout::Progressive, Layout::NonInterleaved] {
            let file = jpeg(picture.as_raw(), size, ColorType::Rgb, layout, SamplingFactor::F_2_2);
            files.push((format!("{name} {layout:?}"), file));
        }
        files.push((format!("{name} PNG"), encoded(&picture.clone().into(), ImageFormat::Png)));
        files.push((format!("{name} WebP"), encoded(&picture.into(), ImageFormat::WebP)));
    }
    files.extend(PHOTOGRAPHS.iter().filter_map(|name| Some(((*name).to_owned(), real(name)?))));
    let mut compared = 0;
    for (name, file) in &files {
        for (quality, max_edge) in [(Quality::Auto, 4096), (Quality::Auto, 290), (Quality::Fixed(98), 295)] {
            let photo = prepared(file, &PrepareOptions { quality, max_edge, ..PrepareOptions::default() }).unwrap();
            let compression = photo.compression();
            let length_bytes = sent(photo).len();
            assert!(length_bytes <= file.len(), "{name}: {length_bytes} of {} bytes, {compression:?}", file.len());
            compared += 1;
        }
    }
    println!("evidence: P21 | {compared} times nothing sent was larger than its file | -");
}

#[test]
fn what_would_grow_by_shrinking_is_sent_in_its_own_size() {
    let mut file = Vec::new();
    jpeg_encoder::Encoder::new(&mut file, 4).encode(rough(300, 200).as_raw(), 300, 200, ColorType::Rgb).unwrap();
    let photo = prepared(&file, &PrepareOptions { max_edge: 290, ..PrepareOptions::default() }).unwrap();
    assert_eq!((photo.compression(), photo.dimensions()), (Some(Compression::Kept), Some((300, 200))));
    let bytes = sent(photo);
    assert_eq!(independent(&bytes), independent(&file));
}

#[test]
fn only_compressed_photos_say_how_they_were_made_small() {
    let file = encoded(&rough(120, 90).into(), ImageFormat::Png);
    for treatment in [Treatment::Original, Treatment::Exact] {
        let photo = prepared(&file, &treated(treatment)).unwrap();
        assert_eq!((photo.compression(), photo.media_type()), (None, MediaType::Png));
    }
}

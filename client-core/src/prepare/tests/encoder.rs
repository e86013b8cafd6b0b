//! Our JPEGs in other people's decoders: every size, sampling and quality shows what we say it shows.

use image::{DynamicImage, GrayImage, RgbImage};
use proptest::prelude::*;

use super::super::jpeg::{Colour, Pixels, Sampling, Transformed};
use super::fixtures::{by_djpeg, by_jpeg_decoder, independent, scene};

const SAMPLINGS: [Sampling; 3] = [Sampling::Full, Sampling::Half, Sampling::Quarter];

/// The file, and what its encoder says that it shows.
fn encoded(picture: &DynamicImage, sampling: Sampling, quality: u8) -> (Vec<u8>, DynamicImage) {
    let (width, height) = (picture.width(), picture.height());
    let colour = if picture.color().has_color() { Colour::Rgb } else { Colour::Grey };
    let pixels = Pixels { samples: picture.as_bytes(), width: width as u16, height: height as u16, colour };
    let quantised = Transformed::of(&pixels, sampling).unwrap().quantised(quality);
    let shown = quantised.reconstruct();
    let shown = match colour {
        Colour::Grey => GrayImage::from_raw(width, height, shown).unwrap().into(),
        Colour::Rgb => RgbImage::from_raw(width, height, shown).unwrap().into(),
    };
    (quantised.encode(), shown)
}

/// Decoders round their transforms and colours in steps of their own.
fn agrees(shown: &DynamicImage, decoded: &DynamicImage, what: &str) {
    assert_eq!((shown.width(), shown.height(), shown.color()), (decoded.width(), decoded.height(), decoded.color()));
    let differences = shown.as_bytes().iter().zip(decoded.as_bytes()).map(|(a, b)| a.abs_diff(*b));
    let most = differences.max().unwrap_or_default();
    assert!(most <= MOST_LEVELS, "{what}: {most} levels apart");
}

/// What zune-jpeg shows: it spreads thinned-out colours otherwise than anybody else at the right and the lower edge.
fn agrees_with_zune(shown: &DynamicImage, file: &[u8], sampling: Sampling, what: &str) {
    let (decoded, edge) = (independent(file), if sampling == Sampling::Full { 0 } else { 2 });
    let inner = |picture: &DynamicImage| {
        picture.crop_imm(0, 0, picture.width().saturating_sub(edge), picture.height().saturating_sub(edge))
    };
    // Of a picture this narrow all is edge.
    if edge == 0 || shown.width() > NARROW {
        agrees(&inner(shown), &inner(&decoded), &format!("zune-jpeg: {what}"));
    }
}

const MOST_LEVELS: u8 = 4;
/// Up to here libjpeg-turbo repeats thinned-out colours instead of interpolating them.
const NARROW: u32 = 4;

#[test]
fn every_small_size_in_every_sampling_shows_what_its_encoder_says() {
    let whole = DynamicImage::from(scene(66, 66));
    let mut count = 0_u32;
    for (width, height) in (1..=33).flat_map(|width| (1..=33).map(move |height| (width, height))) {
        let picture = whole.crop_imm(width / 2, height / 3, width, height);
        let quality = 40 + (width * height % 60) as u8;
        let colourful = SAMPLINGS.map(|sampling| (picture.clone(), sampling));
        for (picture, sampling) in colourful.into_iter().chain([(picture.grayscale(), Sampling::Full)]) {
            let (file, shown) = encoded(&picture, sampling, quality);
            let what = format!("{width} x {height}, {sampling:?}, q{quality}");
            agrees_with_zune(&shown, &file, sampling, &what);
            agrees(&shown, &by_jpeg_decoder(&file), &format!("jpeg-decoder: {what}"));
            count += 2;
            if (width * 33 + height) % 41 == 0 && (width > NARROW || sampling == Sampling::Full) {
                let Some(decoded) = by_djpeg(&file) else { continue };
                agrees(&shown, &decoded, &format!("djpeg: {what}"));
                count += 1;
            }
        }
    }
    println!("evidence: P19 | {count} decodings of our JPEGs, 1 x 1 to 33 x 33: within {MOST_LEVELS} levels | -");
}

#[test]
fn every_quality_shows_what_its_encoder_says() {
    let picture = DynamicImage::from(scene(120, 88));
    for quality in 1..=100 {
        let sampling = SAMPLINGS[usize::from(quality) % 3];
        let (file, shown) = encoded(&picture, sampling, quality);
        let what = format!("q{quality} {sampling:?}");
        agrees_with_zune(&shown, &file, sampling, &what);
        agrees(&shown, &by_jpeg_decoder(&file), &what);
    }
}

/// Loud noise, quiet noise, or nothing but black and white.
fn pictures() -> impl Strategy<Value = DynamicImage> {
    let levels: [fn(u8) -> u8; 3] = [|byte| byte, |byte| 100 + byte % 40, |byte| byte / 128 * 255];
    let kind = (1_u32..50, 1_u32..50, any::<bool>(), proptest::sample::select(levels.to_vec()));
    kind.prop_flat_map(|(width, height, is_grey, level)| {
        let samples = (width * height * if is_grey { 1 } else { 3 }) as usize;
        proptest::collection::vec(any::<u8>(), samples).prop_map(move |noise| {
            let samples = noise.iter().copied().map(level).collect();
            if is_grey {
                GrayImage::from_raw(width, height, samples).unwrap().into()
            } else {
                RgbImage::from_raw(width, height, samples).unwrap().into()
            }
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]
    #[test]
    fn any_picture_at_any_quality_shows_what_its_encoder_says(
        picture in pictures(), quality in 1_u8..=100, sampling in 0_usize..3,
    ) {
        let (file, shown) = encoded(&picture, SAMPLINGS[sampling], quality);
        // Not by jpeg-decoder, whose 16 bits overflow where black meets white everywhere.
        agrees_with_zune(&shown, &file, SAMPLINGS[sampling], "noise");
    }
}

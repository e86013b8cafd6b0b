//! What is sent shows what the file showed: upright, the right colours, in every decoder.

use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use jpeg_encoder::{ColorType, SamplingFactor};
use lightproof_e2ee::manifest::{MediaType, Treatment};

use super::super::{
    Fate, Limits, PrepareError, PrepareOptions, PreparedPhoto, Quality, decode_for_view,
    format::Format,
    sample::{Entry, exif_block},
};
use super::corpus::display_p3;
use super::fixtures::{
    Layout, PHOTOGRAPHS, by_djpeg, by_jpeg_decoder, encoded, independent, jpeg, marked, plain_jpeg, prepared, psnr,
    real, scene, sent, transparent, treated,
};

const FORMATS: [ImageFormat; 6] =
    [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP, ImageFormat::Bmp, ImageFormat::Gif, ImageFormat::Tiff];

#[test]
fn every_format_goes_in_and_shows_the_same_picture() {
    let picture = DynamicImage::from(scene(240, 160));
    for format in FORMATS {
        let file = encoded(&picture, format);
        let photo = prepared(&file, &treated(Treatment::Compressed)).unwrap();
        assert_eq!(photo.dimensions(), Some((240, 160)));
        let media_type = photo.media_type();
        let bytes = sent(photo);
        let similarity = psnr(&independent(&bytes), &independent(&file));
        assert!(similarity > 30.0, "{format:?}: {similarity:.1} dB");
        let seen = decode_for_view(&bytes, media_type, &Limits::default()).unwrap();
        assert_eq!((seen.width(), seen.height()), (240, 160));
    }
}

#[test]
fn original_keeps_every_pixel() {
    for format in FORMATS {
        let file = encoded(&DynamicImage::from(scene(150, 100)), format);
        match prepared(&file, &treated(Treatment::Original)) {
            Ok(photo) => assert!(independent(&sent(photo)) == independent(&file), "{format:?}"),
            Err(refusal) => assert_eq!((format, refusal), (ImageFormat::Gif, PrepareError::NoOriginal("GIF"))),
        }
    }
    let deep = DynamicImage::ImageRgb16(image::ImageBuffer::from_fn(40, 30, |x, y| {
        Rgb([x as u16 * 1501, y as u16 * 2003, (x * y) as u16 * 41])
    }));
    for format in [ImageFormat::Png, ImageFormat::Tiff] {
        let photo = prepared(&encoded(&deep, format), &treated(Treatment::Original)).unwrap();
        assert!(independent(&sent(photo)) == deep, "{format:?} with 16 bits");
    }
}

#[test]
fn original_keeps_the_picture_data_bit_for_bit() {
    for layout in [Layout::Interleaved, Layout::Progressive, Layout::NonInterleaved] {
        let picture = scene(120, 90);
        let clean = jpeg(picture.as_raw(), picture.dimensions(), ColorType::Rgb, layout, SamplingFactor::F_2_2);
        let bytes = sent(prepared(&marked(&clean, Format::Jpeg, 1), &treated(Treatment::Original)).unwrap());
        assert!(bytes == clean, "{layout:?}");
    }
    for format in [ImageFormat::Png, ImageFormat::WebP] {
        let clean = encoded(&transparent(60, 40).into(), format);
        let kind = if format == ImageFormat::Png { Format::Png } else { Format::WebP };
        let again = sent(
            prepared(
                &sent(prepared(&marked(&clean, kind, 1), &treated(Treatment::Original)).unwrap()),
                &treated(Treatment::Original),
            )
            .unwrap(),
        );
        assert!(independent(&again) == independent(&clean));
    }
}

#[test]
fn all_eight_orientations_come_out_upright() {
    let stored = plain_jpeg(&scene(150, 100));
    for orientation in 1..=8 {
        let file = marked(&stored, Format::Jpeg, orientation);
        let upright = independent(&file);
        for options in [
            treated(Treatment::Compressed),
            treated(Treatment::Original),
            PrepareOptions { max_edge: 90, ..PrepareOptions::default() },
        ] {
            let photo = prepared(&file, &options).unwrap();
            let (size, hash) = (photo.dimensions().unwrap(), photo.thumbhash().to_vec());
            let bytes = sent(photo);
            let seen = independent(&bytes);
            let shown = decode_for_view(&bytes, MediaType::Jpeg, &Limits::default()).unwrap();
            let shown = image::RgbaImage::from_raw(shown.width(), shown.height(), shown.rgba().to_vec()).unwrap();
            assert!(psnr(&shown.into(), &seen) > 40.0, "{orientation}: shown otherwise");
            assert_eq!((seen.width(), seen.height()), size);
            let expected = upright.resize_exact(size.0, size.1, image::imageops::FilterType::Lanczos3);
            assert!(psnr(&seen, &expected) > 28.0, "{orientation}: {:.1} dB", psnr(&seen, &expected));
            // The blur is upright too: it is what the upright picture gives.
            let (_, _, blur) = thumbhash::thumb_hash_to_rgba(&hash).unwrap();
            let (_, _, upright_blur) = thumbhash::thumb_hash_to_rgba(
                &super::super::preview::thumbhash(&expected, image::metadata::Orientation::NoTransforms).unwrap(),
            )
            .unwrap();
            let distance =
                blur.iter().zip(&upright_blur).map(|(a, b)| u64::from(a.abs_diff(*b))).sum::<u64>() / blur.len() as u64;
            assert!(distance < 8, "{orientation}: blur differs by {distance}");
        }
    }
}

#[test]
fn jpegs_of_every_layout_and_sampling_decode_alike() {
    let picture = scene(131, 97);
    for sampling in [
        SamplingFactor::F_1_1,
        SamplingFactor::F_2_1,
        SamplingFactor::F_1_2,
        SamplingFactor::F_2_2,
        SamplingFactor::F_4_1,
    ] {
        for layout in [Layout::Interleaved, Layout::Progressive, Layout::NonInterleaved] {
            let file = jpeg(picture.as_raw(), picture.dimensions(), ColorType::Rgb, layout, sampling);
            let bytes = sent(
                prepared(&file, &PrepareOptions { quality: Quality::Fixed(95), ..PrepareOptions::default() }).unwrap(),
            );
            let similarity = psnr(&independent(&bytes), &by_jpeg_decoder(&file));
            assert!(similarity > 28.0, "{sampling:?} {layout:?}: {similarity:.1} dB");
            let exactly = sent(prepared(&file, &treated(Treatment::Original)).unwrap());
            let seen = decode_for_view(&exactly, MediaType::Jpeg, &Limits::default()).unwrap();
            let seen = image::RgbaImage::from_raw(131, 97, seen.rgba().to_vec()).unwrap();
            // Decoders interpolate the thinned-out colours differently, so alike is not equal.
            assert!(psnr(&seen.into(), &by_jpeg_decoder(&file)) > 33.0, "{sampling:?} {layout:?}");
        }
    }
}

#[test]
fn every_jpeg_that_is_sent_decodes_alike_everywhere() {
    // Noise favours the sequential layout, a smooth scene the progressive one: both are covered.
    let mut state = 1_u32;
    let noise = RgbImage::from_fn(200, 150, |_, _| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        Rgb([(state >> 24) as u8, (state >> 16) as u8, (state >> 8) as u8])
    });
    for picture in [DynamicImage::from(scene(333, 222)), noise.into(), DynamicImage::from(scene(200, 100)).grayscale()]
    {
        for quality in [30, 85, 95] {
            let file = encoded(&picture, ImageFormat::Bmp);
            let photo =
                prepared(&file, &PrepareOptions { quality: Quality::Fixed(quality), ..PrepareOptions::default() })
                    .unwrap();
            if photo.media_type() == MediaType::Jpeg {
                let bytes = sent(photo);
                assert!(psnr(&independent(&bytes), &by_jpeg_decoder(&bytes)) > 38.0, "q{quality}");
                if let Some(reference) = by_djpeg(&bytes) {
                    assert!(psnr(&independent(&bytes), &reference) > 38.0, "q{quality}");
                }
            }
        }
    }
}

#[test]
fn inks_become_the_colours_they_print() {
    // Adobe's files store the inks inverted, and the encoder does so too.
    let colours: [([u8; 4], [u8; 3]); 4] = [
        ([0, 0, 0, 0], [255, 255, 255]),
        ([0, 255, 255, 0], [255, 0, 0]),
        ([255, 0, 0, 0], [0, 255, 255]),
        ([0, 0, 0, 255], [0, 0, 0]),
    ];
    for (ink, expected) in colours {
        let pixels = ink.repeat(64 * 48);
        for colour in [ColorType::Cmyk, ColorType::CmykAsYcck] {
            for layout in [Layout::Interleaved, Layout::Progressive, Layout::NonInterleaved] {
                let file = jpeg(&pixels, (64, 48), colour, layout, SamplingFactor::F_1_1);
                let photo = prepared(&file, &PrepareOptions { max_edge: 32, ..PrepareOptions::default() }).unwrap();
                let seen = independent(&sent(photo)).to_rgb8();
                let Rgb(middle) = *seen.get_pixel(16, 12);
                assert!(
                    middle.iter().zip(expected).all(|(a, b)| a.abs_diff(b) < 12),
                    "{ink:?} {colour:?} {layout:?}: {middle:?}"
                );
            }
        }
    }
}

#[test]
fn transparency_is_kept_and_an_opaque_alpha_is_not() {
    let picture = DynamicImage::from(transparent(200, 120));
    let photo = prepared(&encoded(&picture, ImageFormat::Png), &treated(Treatment::Compressed)).unwrap();
    assert!(matches!(photo.media_type(), MediaType::Png | MediaType::WebP));
    let seen = independent(&sent(photo)).to_rgba8();
    assert!(seen.pixels().zip(picture.to_rgba8().pixels()).all(|(a, b)| a == b));

    let mut noise = 1_u32;
    let opaque = image::RgbaImage::from_fn(300, 200, |x, _| {
        noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        image::Rgba([(noise >> 27) as u8 + (x / 2) as u8, (noise >> 26) as u8, 90, 255])
    });
    let photo = prepared(&encoded(&opaque.into(), ImageFormat::Png), &treated(Treatment::Compressed)).unwrap();
    assert_eq!(photo.media_type(), MediaType::Jpeg);
}

#[test]
fn drawings_stay_sharp_and_small() {
    let drawing =
        RgbImage::from_fn(
            400,
            300,
            |x, y| if (x / 7 + y / 5) % 9 == 0 { Rgb([0, 0, 0]) } else { Rgb([255, 255, 255]) },
        );
    let photo = prepared(&encoded(&drawing.clone().into(), ImageFormat::Bmp), &treated(Treatment::Compressed)).unwrap();
    assert!(matches!(photo.media_type(), MediaType::Png | MediaType::WebP));
    assert!(independent(&sent(photo)).to_rgb8() == drawing);
}

#[test]
fn the_longest_edge_is_bounded_and_the_shape_kept() {
    for (size, edge, expected) in [
        ((300, 200), 150, (150, 100)),
        ((200, 300), 100, (67, 100)),
        ((300, 2), 30, (30, 1)),
        ((64, 64), 4096, (64, 64)),
    ] {
        let file = encoded(&scene(size.0, size.1).into(), ImageFormat::Bmp);
        let photo = prepared(&file, &PrepareOptions { max_edge: edge, ..PrepareOptions::default() }).unwrap();
        assert_eq!(photo.dimensions(), Some(expected));
        let seen = independent(&sent(photo));
        assert_eq!((seen.width(), seen.height()), expected);
    }
}

#[test]
fn compressed_is_never_larger_than_the_cleaned_original() {
    let tiny = jpeg(scene(200, 150).as_raw(), (200, 150), ColorType::Rgb, Layout::Progressive, SamplingFactor::F_2_2);
    let once =
        sent(prepared(&tiny, &PrepareOptions { quality: Quality::Fixed(20), ..PrepareOptions::default() }).unwrap());
    let photo = prepared(&once, &PrepareOptions { quality: Quality::Fixed(98), ..PrepareOptions::default() }).unwrap();
    assert_eq!(photo.treatment(), Treatment::Compressed);
    assert!(sent(photo) == once, "a second pass would only grow it");
}

#[test]
fn a_colour_profile_stays_with_the_original_only() {
    for (name, profile) in [("Display P3", display_p3()), ("damaged", vec![7; 200])] {
        let mut file = Vec::new();
        let mut encoder = jpeg_encoder::Encoder::new(&mut file, 95);
        encoder.add_icc_profile(&profile).unwrap();
        encoder.encode(scene(300, 200).as_raw(), 300, 200, ColorType::Rgb).unwrap();
        let icc = |bytes: &[u8]| {
            let reader = image::ImageReader::new(std::io::Cursor::new(bytes)).with_guessed_format().unwrap();
            image::ImageDecoder::icc_profile(&mut reader.into_decoder().unwrap()).unwrap()
        };
        let original = prepared(&file, &treated(Treatment::Original)).unwrap();
        assert!(fate_of(&original, "ICC") == Some(Fate::Kept) && icc(&sent(original)) == Some(profile), "{name}");
        for options in [treated(Treatment::Compressed), PrepareOptions { max_edge: 100, ..PrepareOptions::default() }] {
            let photo = prepared(&file, &options).unwrap();
            assert_eq!(fate_of(&photo, "ICC"), Some(Fate::Removed), "{name}");
            assert_eq!(fate_of(&photo, "unusable").is_some(), name == "damaged");
            assert_eq!(icc(&sent(photo)), None, "{name}");
        }
    }
}

fn fate_of<R>(photo: &PreparedPhoto<R>, key: &str) -> Option<Fate> {
    photo.removed().iter().find(|entry| entry.key == key).map(|entry| entry.fate)
}

/// A grey TIFF of 4 x 2 pixels without compression, stored with an orientation.
fn tiff(extra: &[Entry<'_>], orientation: u16) -> Vec<u8> {
    let block = |offset: usize| {
        let fields = [
            Entry::short(0x0100, 4),
            Entry::short(0x0101, 2),
            Entry::short(0x0102, 8),
            Entry::short(0x0103, 1),
            Entry::short(0x0106, 1),
            Entry::short(0x0111, offset as u16),
            Entry::short(0x0112, orientation),
            Entry::short(0x0115, 1),
            Entry::short(0x0116, 2),
            Entry::short(0x0117, 8),
            Entry::text(0x013b, b"Alice Example\0"),
        ];
        exif_block(&[extra, &fields].concat(), &[], &[], &[])
    };
    [block(block(0).len()), vec![10, 20, 30, 40, 50, 60, 70, 80]].concat()
}

#[test]
fn a_tiff_becomes_an_upright_png_and_a_raw_file_is_refused() {
    let photo = prepared(&tiff(&[], 6), &treated(Treatment::Original)).unwrap();
    assert_eq!((photo.dimensions(), photo.media_type()), (Some((2, 4)), MediaType::Png));
    assert!(photo.removed().iter().any(|entry| entry.detail == "Alice Example"));
    assert_eq!(independent(&sent(photo)).to_luma8().as_raw(), &[50, 10, 60, 20, 70, 30, 80, 40]);
    let raw = prepared(&tiff(&[Entry::short(0x00fe, 1)], 1), &treated(Treatment::Compressed));
    assert_eq!(raw.err(), Some(PrepareError::UnsupportedFormat("camera raw")));
}

#[test]
fn the_real_photographs_keep_their_looks() {
    for name in PHOTOGRAPHS {
        let Some(file) = real(name) else { return };
        let upright = independent(&file);
        let exactly = sent(prepared(&file, &treated(Treatment::Original)).unwrap());
        assert!(independent(&exactly) == upright, "{name}: pixels differ");
        let photo = prepared(&file, &treated(Treatment::Compressed)).unwrap();
        let media_type = photo.media_type();
        let bytes = sent(photo);
        assert!(psnr(&independent(&bytes), &upright) > 30.0, "{name}: {:.1} dB", psnr(&independent(&bytes), &upright));
        if media_type == MediaType::Jpeg {
            assert!(psnr(&independent(&bytes), &by_jpeg_decoder(&bytes)) > 38.0, "{name}: decoders differ");
        }
    }
}

//! Files made to break what opens them: refused by their headers, in time, with an error that helps.

use image::{DynamicImage, ImageFormat};
use jpeg_encoder::{ColorType, SamplingFactor};
use lightproof_e2ee::manifest::{MediaType, Treatment};
use proptest::prelude::*;

use super::super::{
    Limits, PictureError, PrepareError, ViewError, decode_for_view, format::Format, metadata_of, sample_photo,
};
use super::fixtures::{Layout, encoded, jpeg, marked, plain_jpeg, prepared, scene, sent, treated};

fn refusal(file: &[u8], treatment: Treatment) -> Option<PrepareError> {
    prepared(file, &treated(treatment)).err()
}

/// A PNG whose header promises `width` x `height` pixels of one bit, and whose data is `data`.
fn png_of(width: u32, height: u32, data: &[u8]) -> Vec<u8> {
    let crc = |bytes: &[u8]| {
        !bytes.iter().fold(u32::MAX, |state, byte| {
            (0..8).fold(
                state ^ u32::from(*byte),
                |state, _| if state & 1 == 1 { (state >> 1) ^ 0xedb8_8320 } else { state >> 1 },
            )
        })
    };
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    let header = [width.to_be_bytes().as_slice(), &height.to_be_bytes(), &[1, 0, 0, 0, 0]].concat();
    for (kind, payload) in [(b"IHDR", header.as_slice()), (b"IDAT", data), (b"IEND", b"")] {
        file.extend((payload.len() as u32).to_be_bytes());
        file.extend(kind);
        file.extend(payload);
        file.extend(crc(&[kind, payload].concat()).to_be_bytes());
    }
    file
}

#[test]
fn bombs_are_refused_by_their_headers() {
    let wide = png_of(50_000, 50_000, &vec![0; 310_000]);
    let too_many = PrepareError::Picture(PictureError::TooManyPixels { width: 50_000, height: 50_000 });
    assert_eq!(refusal(&wide, Treatment::Compressed), Some(too_many));
    assert_eq!(refusal(&wide, Treatment::Original), Some(too_many));
    assert_eq!(too_many.to_string(), "the image is too large: 50000 x 50000 pixels");
    let photo = prepared(&wide, &treated(Treatment::Exact)).unwrap();
    assert_eq!(photo.dimensions(), None);
    assert_eq!(
        decode_for_view(&wide, MediaType::Png, &Limits::default()).unwrap_err(),
        ViewError::Picture(PictureError::TooManyPixels { width: 50_000, height: 50_000 })
    );

    let mut huge = plain_jpeg(&scene(64, 64));
    let frame = huge.windows(2).position(|two| two == [0xff, 0xc0]).unwrap();
    huge[frame + 5..frame + 9].copy_from_slice(&[0xff; 4]);
    assert!(matches!(
        refusal(&huge, Treatment::Compressed),
        Some(PrepareError::Picture(PictureError::TooManyPixels { .. }))
    ));

    let mut bmp = encoded(&scene(64, 64).into(), ImageFormat::Bmp);
    bmp[18..22].copy_from_slice(&60_000_u32.to_le_bytes());
    bmp[22..26].copy_from_slice(&60_000_u32.to_le_bytes());
    assert!(matches!(
        refusal(&bmp, Treatment::Compressed),
        Some(PrepareError::Picture(PictureError::TooManyPixels { .. }))
    ));

    let mut gif = encoded(&scene(64, 64).into(), ImageFormat::Gif);
    gif[6..10].copy_from_slice(&[0xff; 4]);
    assert!(matches!(
        refusal(&gif, Treatment::Compressed),
        Some(PrepareError::Picture(PictureError::TooManyPixels { .. }))
    ));

    assert_eq!(refusal(&png_of(0, 5, &[]), Treatment::Compressed), Some(PrepareError::Picture(PictureError::Damaged)));
    assert!(matches!(
        refusal(&png_of(40_000, 1, &[]), Treatment::Compressed),
        Some(PrepareError::Picture(PictureError::TooManyPixels { .. }))
    ));
}

#[test]
fn a_truncated_picture_is_refused_wherever_it_ends() {
    let picture = DynamicImage::from(scene(180, 120));
    let layouts = [Layout::Interleaved, Layout::Progressive, Layout::NonInterleaved];
    let mut files: Vec<(String, Vec<u8>)> = layouts
        .iter()
        .map(|layout| {
            (
                format!("{layout:?}"),
                jpeg(scene(180, 120).as_raw(), (180, 120), ColorType::Rgb, *layout, SamplingFactor::F_2_2),
            )
        })
        .collect();
    files.push(("marked".to_owned(), {
        let file = marked(&plain_jpeg(&scene(180, 120)), Format::Jpeg, 3);
        file[..file.len() - 33].to_vec()
    }));
    for format in [ImageFormat::Png, ImageFormat::WebP, ImageFormat::Bmp, ImageFormat::Gif, ImageFormat::Tiff] {
        files.push((format!("{format:?}"), encoded(&picture, format)));
    }
    for (name, file) in files {
        assert_eq!(refusal(&file, Treatment::Compressed), None, "{name}");
        // The last bytes of a GIF or TIFF may carry nothing of the picture.
        let last = if name == "Gif" || name == "Tiff" { file.len() * 9 / 10 } else { file.len() - 1 };
        for step in 0..60 {
            let cut = last * step / 60 + last / 60;
            for treatment in [Treatment::Compressed, Treatment::Original] {
                let refused = refusal(&file[..cut], treatment);
                let is_clear = matches!(
                    refused,
                    Some(
                        PrepareError::Picture(PictureError::Truncated | PictureError::Damaged)
                            | PrepareError::NotAnImage
                            | PrepareError::NoOriginal("GIF")
                    )
                );
                assert!(is_clear, "{name} cut at {cut} of {}: {refused:?}", file.len());
            }
            let photo = prepared(&file[..cut], &treated(Treatment::Exact)).unwrap();
            assert_eq!(sent(photo), &file[..cut]);
        }
    }
}

#[test]
fn what_is_not_an_image_is_named_and_exact_is_hinted() {
    for file in [
        b"".as_slice(),
        b"hello",
        b"%PDF-1.7",
        b"BM is how this letter begins, not a picture",
        b"RIFF\0\0\0\0WAVE",
        b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom",
    ] {
        let refused = refusal(file, Treatment::Compressed).unwrap();
        assert_eq!(refused, PrepareError::NotAnImage);
        assert!(refused.hint().unwrap().contains("--as exact"));
    }
    for (file, name) in [
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic".as_slice(), "HEIC"),
        (b"\0\0\0\x1cftypavif\0\0\0\0avifmif1", "AVIF"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0heic", "HEIC"),
    ] {
        assert_eq!(refusal(file, Treatment::Original), Some(PrepareError::UnsupportedFormat(name)));
        assert!(PrepareError::UnsupportedFormat(name).to_string().contains(name));
    }
}

#[test]
fn animations_are_sent_as_their_first_frame_or_refused() {
    let frames =
        [scene(60, 40), scene(60, 40)].map(|picture| image::Frame::new(DynamicImage::from(picture).into_rgba8()));
    let mut gif = Vec::new();
    image::codecs::gif::GifEncoder::new(&mut gif).encode_frames(frames).unwrap();
    let photo = prepared(&gif, &treated(Treatment::Compressed)).unwrap();
    assert!(photo.removed().iter().any(|entry| entry.key == "frames"));
    assert_eq!(photo.dimensions(), Some((60, 40)));

    let mut png = encoded(&scene(60, 40).into(), ImageFormat::Png);
    let mut control = b"\0\0\0\x08acTL\0\0\0\x02\0\0\0\0".to_vec();
    // CRC-32 of the chunk above.
    control.extend(0xf38d_9370_u32.to_be_bytes());
    png.splice(33..33, control);
    assert_eq!(refusal(&png, Treatment::Original), Some(PrepareError::Animated("PNG")));
    assert!(
        prepared(&png, &treated(Treatment::Compressed)).unwrap().removed().iter().any(|entry| entry.key == "frames")
    );
}

#[test]
fn a_photo_is_not_decoded_as_anything_but_what_it_claims() {
    let png = encoded(&scene(20, 20).into(), ImageFormat::Png);
    let gif = encoded(&scene(20, 20).into(), ImageFormat::Gif);
    assert_eq!(decode_for_view(&png, MediaType::Jpeg, &Limits::default()).unwrap_err(), ViewError::AnotherFormat);
    assert_eq!(decode_for_view(&gif, MediaType::Gif, &Limits::default()).unwrap_err(), ViewError::NotDrawn);
    let tight = Limits { pixels: 399, ..Limits::default() };
    assert_eq!(
        decode_for_view(&png, MediaType::Png, &tight).unwrap_err(),
        ViewError::Picture(PictureError::TooManyPixels { width: 20, height: 20 })
    );
    assert_eq!(decode_for_view(&png, MediaType::Png, &Limits::default()).unwrap().shrunk(10).width(), 10);
}

#[test]
fn a_strangers_text_is_made_harmless_in_the_report() {
    let mut file = plain_jpeg(&scene(20, 20));
    let text = "\u{1b}]0;title\u{7}\u{202e}gnp.exe\n".as_bytes();
    let mut comment = vec![0xff, 0xfe, 0, (text.len() + 2) as u8];
    comment.extend(text);
    file.splice(2..2, comment);
    let report = metadata_of(&file);
    assert!(report[0].detail.chars().all(|c| !c.is_control() && c != '\u{202e}'), "{report:?}");
}

fn sources() -> Vec<Vec<u8>> {
    let picture = DynamicImage::from(scene(40, 30));
    let mut files: Vec<Vec<u8>> =
        [ImageFormat::Png, ImageFormat::WebP, ImageFormat::Bmp, ImageFormat::Gif, ImageFormat::Tiff]
            .iter()
            .map(|format| encoded(&picture, *format))
            .collect();
    files.push(marked(&plain_jpeg(&scene(40, 30)), Format::Jpeg, 6));
    files.push(jpeg(scene(40, 30).as_raw(), (40, 30), ColorType::Rgb, Layout::Progressive, SamplingFactor::F_2_2));
    files.push(jpeg(scene(40, 30).as_raw(), (40, 30), ColorType::Rgb, Layout::NonInterleaved, SamplingFactor::F_2_2));
    files.push(marked(&files[0], Format::Png, 5));
    files.push(marked(&files[1], Format::WebP, 8));
    files
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_damaged_file_never_panics(flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12), which in any::<prop::sample::Index>()) {
        let files = sources();
        let mut file = which.get(&files).clone();
        for (at, value) in flips {
            let at = at.index(file.len());
            file[at] = value;
        }
        for treatment in [Treatment::Compressed, Treatment::Original, Treatment::Exact] {
            let _ = prepared(&file, &treated(treatment));
        }
        let _ = metadata_of(&file);
        for media_type in [MediaType::Jpeg, MediaType::Png, MediaType::WebP] {
            let _ = decode_for_view(&file, media_type, &Limits::default());
        }
    }
}

#[test]
fn the_sample_is_bounded() {
    assert!(sample_photo().len() < 1_000_000);
}

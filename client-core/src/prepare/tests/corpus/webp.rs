//! WebPs: lossless and lossy, transparent, with a profile, animated.

use image::{DynamicImage, ImageFormat, RgbaImage};

use super::{super::fixtures::encoded, SIZE, Specimen, picture, profile::DISPLAY_P3, see_through, smooth};

pub(super) fn all() -> Vec<Specimen> {
    let lossless = encoded(&picture().into(), ImageFormat::WebP);
    let transparent = encoded(&see_through().into(), ImageFormat::WebP);
    let of_p3 = encoded(&DISPLAY_P3.stored(&picture()).into(), ImageFormat::WebP);
    let with_profile =
        riff(&[(b"VP8X", extended(0x20, SIZE)), (b"ICCP", DISPLAY_P3.icc()), (b"VP8L", data_of(&of_p3))]);
    vec![
        Specimen::of("WebP lossless", lossless, picture()),
        Specimen::of("WebP lossless transparent", transparent, see_through()),
        Specimen::of("WebP lossy", include_bytes!("files/lossy.webp").to_vec(), picture()),
        Specimen::of("WebP lossy transparent", include_bytes!("files/lossy-alpha.webp").to_vec(), see_through()),
        Specimen::of("WebP in Display P3", with_profile, picture()),
        animated(),
    ]
}

/// The first frame lies within a larger canvas, which shows through around it.
fn animated() -> Specimen {
    let canvas = (SIZE.0 + 31, SIZE.1 + 20);
    let frames = [picture(), smooth(40, 30)].map(|frame| {
        let [w0, w1, w2, _] = (frame.width() - 1).to_le_bytes();
        let [h0, h1, h2, _] = (frame.height() - 1).to_le_bytes();
        let data = chunk(b"VP8L", &data_of(&encoded(&frame.into(), ImageFormat::WebP)));
        (b"ANMF", [[6, 0, 0, 4, 0, 0, w0, w1, w2, h0, h1, h2, 100, 0, 0, 0].as_slice(), &data].concat())
    });
    let [first, second] = frames;
    let file = riff(&[(b"VP8X", extended(0x12, canvas)), (b"ANIM", vec![255, 255, 255, 255, 0, 0]), first, second]);
    let mut shows = RgbaImage::new(canvas.0, canvas.1);
    image::imageops::overlay(&mut shows, &DynamicImage::from(picture()).into_rgba8(), 12, 8);
    Specimen::of("WebP animated", file, shows).without_original()
}

fn data_of(file: &[u8]) -> Vec<u8> {
    assert_eq!(&file[12..16], b"VP8L");
    file[20..].to_vec()
}

fn extended(flags: u8, (width, height): (u32, u32)) -> Vec<u8> {
    let [w0, w1, w2, _] = (width - 1).to_le_bytes();
    let [h0, h1, h2, _] = (height - 1).to_le_bytes();
    vec![flags, 0, 0, 0, w0, w1, w2, h0, h1, h2]
}

fn riff(chunks: &[(&[u8; 4], Vec<u8>)]) -> Vec<u8> {
    let body: Vec<u8> = chunks.iter().flat_map(|(name, payload)| chunk(name, payload)).collect();
    [b"RIFF".as_slice(), &(body.len() as u32 + 4).to_le_bytes(), b"WEBP", &body].concat()
}

fn chunk(name: &[u8; 4], payload: &[u8]) -> Vec<u8> {
    let mut chunk = [name.as_slice(), &(payload.len() as u32).to_le_bytes(), payload].concat();
    chunk.resize(chunk.len().next_multiple_of(2), 0);
    chunk
}

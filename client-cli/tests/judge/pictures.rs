//! Pictures: real ones where there are some, and a bomb.

use std::path::PathBuf;
use std::{env, fs};

use image::{DynamicImage, ImageFormat, RgbaImage};

use crate::world::World;
use crate::zeros::{png, zeros_in_zlib};

/// Puts a picture into the world: the real one of this name, or one that is drawn for the occasion.
pub(crate) fn picture(world: &World, name: &str) -> Vec<u8> {
    let real = env::var_os("LIGHTPROOF_TEST_PHOTOS").map(|folder| PathBuf::from(folder).join(name));
    let bytes = match real.filter(|path| path.exists()) {
        Some(path) => fs::read(path).unwrap(),
        None => {
            eprintln!("LIGHTPROOF_TEST_PHOTOS names no folder with {name}: another picture stands in for it");
            drawn(name)
        }
    };
    world.put(name, &bytes);
    bytes
}

fn drawn(name: &str) -> Vec<u8> {
    let format = ImageFormat::from_path(name).unwrap();
    if format == ImageFormat::Jpeg {
        return lightproof_core::prepare::sample_photo();
    }
    let picture = RgbaImage::from_fn(320, 200, |x, y| {
        let [x, y] = [x, y].map(|edge| u8::try_from(edge % 256).unwrap());
        image::Rgba([x, y, x ^ y, if name.contains("alpha") { x | 0x40 } else { 255 }])
    });
    let picture = DynamicImage::ImageRgba8(picture);
    let picture = if name.contains("alpha") { picture } else { picture.to_rgb8().into() };
    let mut bytes = std::io::Cursor::new(Vec::new());
    picture.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

pub(crate) fn pixels(bytes: &[u8]) -> RgbaImage {
    image::load_from_memory(bytes).unwrap().to_rgba8()
}

/// A PNG of 50,000 x 50,000 black pixels of one bit each: 312 MB in 303 kB, whole and valid.
pub(crate) fn bomb() -> Vec<u8> {
    let edge = 50_000_u32;
    let mut header = [edge.to_be_bytes(), edge.to_be_bytes()].concat();
    header.extend([1, 0, 0, 0, 0]);
    let length = (edge / 8 + 1) * edge;
    png(&[(b"IHDR", header), (b"IDAT", zeros_in_zlib(length)), (b"IEND", Vec::new())])
}

#[test]
fn the_bomb_is_a_png_that_other_decoders_take() {
    let bytes = bomb();
    assert!((290_000..330_000).contains(&bytes.len()), "{}", bytes.len());
    let reader = image::ImageReader::new(std::io::Cursor::new(bytes)).with_guessed_format().unwrap();
    assert_eq!(reader.into_dimensions().unwrap(), (50_000, 50_000));
}

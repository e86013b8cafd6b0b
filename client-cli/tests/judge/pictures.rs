//! Pictures: real ones where there are some, and a bomb.

use std::path::PathBuf;
use std::{env, fs};

use image::{DynamicImage, ImageFormat, RgbaImage};

use crate::world::World;

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
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    for (kind, data) in [(b"IHDR", header), (b"IDAT", zeros_in_zlib(length)), (b"IEND", Vec::new())] {
        png.extend(u32::try_from(data.len()).unwrap().to_be_bytes());
        let covered = [kind.as_slice(), &data].concat();
        png.extend(&covered);
        png.extend(crc32(&covered).to_be_bytes());
    }
    png
}

/// One block with a Huffman code in which "258 bytes more of the same" takes two bits.
fn zeros_in_zlib(length: u32) -> Vec<u8> {
    let mut bits = Bits::default();
    bits.number(1, 1);
    bits.number(2, 2);
    // 286 codes for literals and lengths, 1 for distances, 18 for the lengths of codes.
    bits.number(29, 5);
    bits.number(0, 5);
    bits.number(14, 4);
    for code_length in [0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 2] {
        bits.number(code_length, 3);
    }
    // Literal 0: two bits; end of block: two bits; length 258: one bit; distance 1: one bit.
    let unused = |bits: &mut Bits, count: u32| {
        bits.code("0");
        bits.number(count - 11, 7);
    };
    bits.code("11");
    unused(&mut bits, 138);
    unused(&mut bits, 117);
    bits.code("11");
    unused(&mut bits, 28);
    bits.code("10");
    bits.code("10");
    let (repeats, rest) = ((length - 1) / 258, (length - 1) % 258);
    bits.code("10");
    (0..repeats).for_each(|_| bits.code("00"));
    (0..rest).for_each(|_| bits.code("10"));
    bits.code("11");
    // Adler-32 of zeros: the sum stays 1, and the sum of sums counts.
    let adler = (length % 65_521) << 16 | 1;
    [&[0x78, 0xda], bits.bytes.as_slice(), &adler.to_be_bytes()].concat()
}

/// Bits as DEFLATE packs them: from the lowest of each byte.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    used: u8,
}

impl Bits {
    fn bit(&mut self, bit: u8) {
        if self.used == 0 {
            self.bytes.push(0);
        }
        *self.bytes.last_mut().unwrap() |= bit << self.used;
        self.used = (self.used + 1) % 8;
    }

    fn number(&mut self, number: u32, width: u32) {
        (0..width).for_each(|place| self.bit(u8::from(number >> place & 1 == 1)));
    }

    fn code(&mut self, code: &str) {
        code.bytes().for_each(|digit| self.bit(digit - b'0'));
    }
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes
        .iter()
        .fold(u32::MAX, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), |crc, _| crc >> 1 ^ (0xedb8_8320 * (crc & 1))))
}

#[test]
fn the_bomb_is_a_png_that_other_decoders_take() {
    let bytes = bomb();
    assert!((290_000..330_000).contains(&bytes.len()), "{}", bytes.len());
    let reader = image::ImageReader::new(std::io::Cursor::new(bytes)).with_guessed_format().unwrap();
    assert_eq!(reader.into_dimensions().unwrap(), (50_000, 50_000));
}

//! Sixels, read as DEC STD 070 says.

use image::{Rgba, RgbaImage};

/// The pixels of one device control string; what nothing was drawn on is transparent.
pub(super) fn read(body: &str) -> RgbaImage {
    let (parameters, data) = body.split_once('q').expect("a sixel string");
    assert_eq!(parameters.split(';').nth(1), Some("1"), "what is not drawn is to stay");
    let mut data = Reader(data.as_bytes());
    assert_eq!(data.next(), Some(b'"'), "raster attributes come first");
    let raster = data.numbers();
    let [1, 1, width, height] = raster[..] else { panic!("not square: {raster:?}") };
    let mut pixels = RgbaImage::new(width, height);
    let mut palette = vec![None; 256];
    let (mut x, mut y, mut colour) = (0, 0, Rgba([0; 4]));
    while let Some(byte) = data.next() {
        match byte {
            b'#' => match data.numbers()[..] {
                [index] => colour = palette[index as usize].expect("a colour that was defined"),
                [index, 2, red, green, blue] => {
                    let part = |percent: u32| u8::try_from((percent * 255 + 50) / 100).unwrap();
                    palette[index as usize] = Some(Rgba([part(red), part(green), part(blue), 255]));
                }
                ref other => panic!("what colour is {other:?}?"),
            },
            b'$' => x = 0,
            b'-' => (x, y) = (0, y + 6),
            b'!' => {
                let count = data.numbers()[0];
                draw(&mut pixels, (x, y), count, (data.next().unwrap(), colour));
                x += count;
            }
            b'?'..=b'~' => {
                draw(&mut pixels, (x, y), 1, (byte, colour));
                x += 1;
            }
            other => panic!("what is {other:#x}?"),
        }
        assert!(x <= width && y < height, "outside of the picture");
    }
    pixels
}

fn draw(pixels: &mut RgbaImage, (x, y): (u32, u32), count: u32, (sixel, colour): (u8, Rgba<u8>)) {
    for column in x..x + count {
        for row in (0..6).filter(|row| (sixel - b'?') >> row & 1 == 1) {
            pixels.put_pixel(column, y + row, colour);
        }
    }
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn next(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn numbers(&mut self) -> Vec<u32> {
        let end = self.0.iter().position(|byte| !matches!(byte, b'0'..=b'9' | b';')).unwrap_or(self.0.len());
        let (digits, rest) = self.0.split_at(end);
        self.0 = rest;
        std::str::from_utf8(digits).unwrap().split(';').map(|number| number.parse().unwrap()).collect()
    }
}

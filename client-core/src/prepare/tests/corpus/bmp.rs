//! BMPs: every depth, runs, masks, from the top and from the bottom.

use image::{DynamicImage, Rgb, RgbImage, Rgba};

use super::{SIZE, Specimen, numbered, packed_rows, picture, see_through};

/// The header's own fields, and rows from the top.
struct Bmp {
    header_bytes: u32,
    bits: u16,
    compression: u32,
    masks: Vec<u32>,
    palette: Vec<[u8; 3]>,
    is_top_down: bool,
    rows: Vec<Vec<u8>>,
}

const PLAIN: u32 = 0;
const RLE8: u32 = 1;
const RLE4: u32 = 2;
const BITFIELDS: u32 = 3;

pub(super) fn all() -> Vec<Specimen> {
    let mut all = Vec::new();
    for is_top_down in [false, true] {
        let from = if is_top_down { "from the top" } else { "from the bottom" };
        for bits in [1, 4, 8] {
            let (numbers, palette, shows) = numbered(1 << bits);
            let rows = packed_rows(&numbers, SIZE.0, bits);
            let bmp = Bmp { bits: bits as u16, palette, is_top_down, rows, ..Bmp::plain() };
            all.push(Specimen::of(format!("BMP of {bits} bits {from}"), bmp.file(), shows));
        }
        for (name, bmp, shows) in coloured() {
            all.push(Specimen::of(format!("BMP {name} {from}"), Bmp { is_top_down, ..bmp }.file(), shows));
        }
    }
    all.extend(in_runs());
    let (numbers, palette, shows) = numbered(256);
    let rows = packed_rows(&numbers, SIZE.0, 8);
    let of_os_2 = Bmp { header_bytes: 12, bits: 8, palette, rows, ..Bmp::plain() };
    all.push(Specimen::of("BMP of OS/2", of_os_2.file(), shows));
    all
}

fn coloured() -> Vec<(&'static str, Bmp, DynamicImage)> {
    let shallow = |[r, g, b]: [u8; 3], green_bits: u32| {
        let most = (1 << green_bits) - 1;
        let green = u32::from(g) * most / 255;
        let number = ((u32::from(r) * 31 / 255) << (5 + green_bits)) | (green << 5) | (u32::from(b) * 31 / 255);
        let spread = |value: u32, most: u32| ((value * 255 + most / 2) / most) as u8;
        let shown = [u32::from(r) * 31 / 255, u32::from(b) * 31 / 255].map(|value| spread(value, 31));
        (number as u16, Rgb([shown[0], spread(green, most), shown[1]]))
    };
    let sixteen = |green_bits| {
        let shows = RgbImage::from_fn(SIZE.0, SIZE.1, |x, y| shallow(picture_at(x, y), green_bits).1);
        (rows(|x, y| shallow(picture_at(x, y), green_bits).0.to_le_bytes().to_vec()), DynamicImage::from(shows))
    };
    let transparent = see_through();
    let with_alpha = rows(|x, y| {
        let Rgba([r, g, b, a]) = *transparent.get_pixel(x, y);
        vec![b, g, r, a]
    });
    let (five, shows_five) = sixteen(5);
    let (six, shows_six) = sixteen(6);
    let of = |bits, rows| Bmp { bits, rows, ..Bmp::plain() };
    let colours = |rest: &'static [u8]| {
        rows(move |x, y| {
            let [r, g, b] = picture_at(x, y);
            [&[b, g, r], rest].concat()
        })
    };
    let masks = vec![0x00ff_0000, 0xff00, 0xff, 0xff00_0000];
    vec![
        ("of 16 bits", of(16, five), shows_five),
        (
            "of 16 bits with masks",
            Bmp { compression: BITFIELDS, masks: vec![0xf800, 0x07e0, 0x1f], ..of(16, six) },
            shows_six,
        ),
        ("of 24 bits", of(24, colours(&[])), picture().into()),
        ("of 32 bits", of(32, colours(&[0])), picture().into()),
        (
            "of 32 bits with masks",
            Bmp { compression: BITFIELDS, masks: masks[..3].to_vec(), ..of(32, colours(&[0])) },
            picture().into(),
        ),
        (
            "of 32 bits with alpha",
            Bmp { header_bytes: 108, compression: BITFIELDS, masks, ..of(32, with_alpha) },
            transparent.into(),
        ),
    ]
}

fn in_runs() -> Vec<Specimen> {
    [(8, RLE8), (4, RLE4)]
        .map(|(bits, compression)| {
            let (numbers, palette, shows) = numbered(1 << bits);
            let rows = numbers.chunks(SIZE.0 as usize).map(|row| {
                let runs = row.chunk_by(|a, b| a == b).flat_map(|run| run.chunks(255));
                let mut out: Vec<u8> = runs
                    .flat_map(|run| [run.len() as u8, if bits == 8 { run[0] } else { run[0] << 4 | run[0] }])
                    .collect();
                out.extend([0, 0]);
                out
            });
            let bmp = Bmp { bits, compression, palette, rows: rows.collect(), ..Bmp::plain() };
            Specimen::of(format!("BMP in runs of {bits} bits"), bmp.file(), shows)
        })
        .into()
}

fn picture_at(x: u32, y: u32) -> [u8; 3] {
    thread_local!(static PICTURE: RgbImage = picture());
    PICTURE.with(|picture| picture.get_pixel(x, y).0)
}

fn rows(of: impl Fn(u32, u32) -> Vec<u8>) -> Vec<Vec<u8>> {
    (0..SIZE.1).map(|y| (0..SIZE.0).flat_map(|x| of(x, y)).collect()).collect()
}

impl Bmp {
    const fn plain() -> Self {
        Self {
            header_bytes: 40,
            bits: 0,
            compression: PLAIN,
            masks: Vec::new(),
            palette: Vec::new(),
            is_top_down: false,
            rows: Vec::new(),
        }
    }

    fn file(&self) -> Vec<u8> {
        let is_old = self.header_bytes == 12;
        let mut header = self.header_bytes.to_le_bytes().to_vec();
        if is_old {
            header.extend([SIZE.0 as u16, SIZE.1 as u16, 1, self.bits].into_iter().flat_map(u16::to_le_bytes));
        } else {
            let height = if self.is_top_down { -(SIZE.1 as i32) } else { SIZE.1 as i32 };
            header.extend([SIZE.0.to_le_bytes(), height.to_le_bytes()].concat());
            header.extend([1_u16.to_le_bytes(), self.bits.to_le_bytes()].concat());
            let rest = [self.compression, 0, 2835, 2835, self.palette.len() as u32, 0];
            header.extend(rest.into_iter().chain(self.masks.iter().copied()).flat_map(u32::to_le_bytes));
            header.resize(header.len().max(self.header_bytes as usize), 0);
        }
        for [r, g, b] in &self.palette {
            header.extend([*b, *g, *r]);
            if !is_old {
                header.push(0);
            }
        }
        let mut data = Vec::new();
        let order: Vec<&Vec<u8>> =
            if self.is_top_down { self.rows.iter().collect() } else { self.rows.iter().rev().collect() };
        for row in order {
            data.extend(row);
            if matches!(self.compression, PLAIN | BITFIELDS) {
                data.resize(data.len().next_multiple_of(4), 0);
            }
        }
        if matches!(self.compression, RLE8 | RLE4) {
            data.extend([0, 1]);
        }
        let start = 14 + header.len() as u32;
        let mut file = b"BM".to_vec();
        file.extend([start + data.len() as u32, 0, start].into_iter().flat_map(u32::to_le_bytes));
        file.extend(header);
        file.extend(data);
        file
    }
}

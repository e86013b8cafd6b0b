//! TIFFs: both byte orders, every kind of colours, packed and not, in strips, tiles and planes, of more pages, turned.

use image::{DynamicImage, GrayImage, Luma};

use super::{
    super::fixtures::MARK,
    SIZE, Specimen,
    jpeg::inks_of,
    numbered,
    packed::{deflate, lzw_of_tiff, pack_bits},
    packed_rows, picture,
    profile::{DISPLAY_P3, icc_of_odd_press},
    see_through,
};

const NONE: u16 = 1;
const LZW: u16 = 5;
const DEFLATE: u16 = 8;
const PACK_BITS: u16 = 32_773;

#[derive(Clone)]
struct Page {
    photometric: u16,
    bits: u16,
    samples: u16,
    compression: u16,
    orientation: u16,
    is_tiled: bool,
    is_planar: bool,
    has_predictor: bool,
    extra: Option<u16>,
    palette: Vec<[u8; 3]>,
    icc: Vec<u8>,
    /// Rows from the top, of samples beside each other, big-endian where they have 16 bits.
    rows: Vec<Vec<u8>>,
}

pub(super) fn all() -> Vec<Specimen> {
    let mut all = kinds();
    all.extend(packings());
    let rgb = Page::of(2, 8, 3, rows_of(&picture().into(), 3));
    let stored = DISPLAY_P3.stored(&picture());
    let of_p3 = Page { icc: DISPLAY_P3.icc(), ..Page::of(2, 8, 3, rows_of(&stored.into(), 3)) };
    all.push(Specimen::of("TIFF in Display P3", tiff(&[of_p3], false), picture()));
    let upside_down = Page { rows: rgb.rows.iter().rev().cloned().collect(), ..rgb.clone() };
    all.push(Specimen::of("TIFF of two pages", tiff(&[rgb.clone(), upside_down], true), picture()));
    for orientation in 1..=8 {
        let mut shows = DynamicImage::from(picture());
        shows.apply_orientation(image::metadata::Orientation::from_exif(orientation).unwrap());
        let page = Page { orientation: orientation.into(), ..rgb.clone() };
        all.push(Specimen::of(format!("TIFF turned {orientation}"), tiff(&[page], false), shows));
    }
    all
}

fn kinds() -> Vec<Specimen> {
    let grey = DynamicImage::from(picture()).into_luma8();
    let (ones, two_colours, in_two) = numbered(2);
    let black_and_white = GrayImage::from_fn(SIZE.0, SIZE.1, |x, y| Luma([255 * ones[(y * SIZE.0 + x) as usize]]));
    let (numbers, palette, in_numbers) = numbered(256);
    let grey_rows = rows_of(&grey.clone().into(), 1);
    let rgb_rows = rows_of(&picture().into(), 3);
    let inverted = grey_rows.iter().map(|row| row.iter().map(|value| !value).collect()).collect();
    let transparent = see_through();
    let multiplied = image::RgbaImage::from_fn(SIZE.0, SIZE.1, |x, y| {
        let [r, g, b, a] = transparent.get_pixel(x, y).0;
        let of = |value: u8| (u32::from(value) * u32::from(a) / 255) as u8;
        image::Rgba([of(r), of(g), of(b), a])
    });
    let inks = inks_of(&picture());
    let ink_rows: Vec<Vec<u8>> = inks.chunks(4 * SIZE.0 as usize).map(<[u8]>::to_vec).collect();
    let mut swapped = inks.clone();
    swapped.as_chunks_mut::<4>().0.iter_mut().for_each(|[cyan, _, yellow, _]| std::mem::swap(cyan, yellow));
    let swapped: Vec<Vec<u8>> = swapped.chunks(4 * SIZE.0 as usize).map(<[u8]>::to_vec).collect();
    let ink = |bits, rows: &[Vec<u8>]| Page::of(5, bits, 4, if bits == 16 { deepened(rows) } else { rows.to_vec() });
    let mut kinds: Vec<(&str, Page, DynamicImage)> = vec![
        ("black and white", Page::of(1, 1, 1, packed_rows(&ones, SIZE.0, 1)), black_and_white.into()),
        ("grey", Page::of(1, 8, 1, grey_rows.clone()), grey.clone().into()),
        ("grey from white on", Page::of(0, 8, 1, inverted), grey.clone().into()),
        ("grey of 16 bits", Page::of(1, 16, 1, deepened(&grey_rows)), grey.into()),
        ("RGB", Page::of(2, 8, 3, rgb_rows.clone()), picture().into()),
        ("RGB of 16 bits", Page::of(2, 16, 3, deepened(&rgb_rows)), picture().into()),
        ("RGB in planes", Page { is_planar: true, ..Page::of(2, 8, 3, rgb_rows) }, picture().into()),
        (
            "RGBA",
            Page { extra: Some(2), ..Page::of(2, 8, 4, rows_of(&transparent.clone().into(), 4)) },
            transparent.clone().into(),
        ),
        (
            "RGBA multiplied",
            Page { extra: Some(1), ..Page::of(2, 8, 4, rows_of(&multiplied.into(), 4)) },
            transparent.into(),
        ),
        (
            "of two colours",
            Page { palette: two_colours, ..Page::of(3, 1, 1, packed_rows(&ones, SIZE.0, 1)) },
            in_two.into(),
        ),
        ("of 256 colours", Page { palette, ..Page::of(3, 8, 1, packed_rows(&numbers, SIZE.0, 8)) }, in_numbers.into()),
    ];
    let with_profile = Page { icc: icc_of_odd_press(), ..ink(8, &swapped) };
    let printed =
        [("CMYK", ink(8, &ink_rows)), ("CMYK of 16 bits", ink(16, &ink_rows)), ("CMYK with a profile", with_profile)];
    let of_inks = printed.map(|(name, page)| (name, page, DynamicImage::from(picture())));
    kinds.extend(of_inks);
    let mut all = Vec::new();
    for is_big_endian in [false, true] {
        for (name, page, shows) in &kinds {
            let order = if is_big_endian { "big" } else { "little" };
            let file = tiff(std::slice::from_ref(page), is_big_endian);
            let specimen = Specimen::of(format!("TIFF {name} {order}-endian"), file, shows.clone());
            all.push(if page.photometric == 5 { specimen.without_original() } else { specimen });
        }
    }
    all
}

fn packings() -> Vec<Specimen> {
    let mut all = Vec::new();
    let rgb = Page::of(2, 8, 3, rows_of(&picture().into(), 3));
    for compression in [NONE, LZW, DEFLATE, PACK_BITS] {
        for is_tiled in [false, true] {
            for has_predictor in [false, true] {
                if has_predictor && matches!(compression, NONE | PACK_BITS) {
                    continue;
                }
                let page = Page { compression, is_tiled, has_predictor, ..rgb.clone() };
                let name = format!("TIFF packed {compression} tiled {is_tiled} predicted {has_predictor}");
                all.push(Specimen::of(name, tiff(&[page], is_tiled), picture()));
            }
        }
    }
    all
}

impl Page {
    fn of(photometric: u16, bits: u16, samples: u16, rows: Vec<Vec<u8>>) -> Self {
        Self {
            photometric,
            bits,
            samples,
            compression: NONE,
            orientation: 1,
            is_tiled: false,
            is_planar: false,
            has_predictor: false,
            extra: None,
            palette: Vec::new(),
            icc: Vec::new(),
            rows,
        }
    }

    /// Strips of eleven rows, tiles of 32 pixels squared, or planes.
    fn pieces(&self, is_big_endian: bool) -> Vec<Vec<u8>> {
        let in_order = |row: &Vec<u8>| {
            let mut row = row.clone();
            if self.bits == 16 && !is_big_endian {
                row.as_chunks_mut::<2>().0.iter_mut().for_each(|sample| sample.reverse());
            }
            row
        };
        let rows: Vec<Vec<u8>> = self.rows.iter().map(in_order).collect();
        let samples = usize::from(self.samples);
        let pieces: Vec<Vec<Vec<u8>>> = if self.is_tiled {
            let origins = (0..SIZE.1.div_ceil(32)).flat_map(|y| (0..SIZE.0.div_ceil(32)).map(move |x| (x, y)));
            let tile = |(left, top): (u32, u32)| {
                let row = |y: u32| {
                    let pixels = (left * 32..left * 32 + 32).flat_map(|x| {
                        let at = samples * x.min(SIZE.0 - 1) as usize;
                        rows[y.min(SIZE.1 - 1) as usize][at..at + samples].to_vec()
                    });
                    pixels.collect()
                };
                (top * 32..top * 32 + 32).map(row).collect()
            };
            origins.map(tile).collect()
        } else if self.is_planar {
            let plane =
                |number| rows.iter().map(move |row| row.iter().skip(number).step_by(samples).copied().collect());
            (0..samples).map(|number| plane(number).collect()).collect()
        } else {
            rows.chunks(11).map(<[Vec<u8>]>::to_vec).collect()
        };
        pieces.into_iter().map(|rows| self.packed(&rows)).collect()
    }

    fn packed(&self, rows: &[Vec<u8>]) -> Vec<u8> {
        let step = usize::from(self.samples);
        let differences = |row: &Vec<u8>| {
            let before = |at: usize| if at < step { 0 } else { row[at - step] };
            (0..row.len()).map(|at| row[at].wrapping_sub(before(at))).collect()
        };
        let rows: Vec<Vec<u8>> =
            if self.has_predictor { rows.iter().map(differences).collect() } else { rows.to_vec() };
        match self.compression {
            LZW => lzw_of_tiff(&rows.concat()),
            DEFLATE => deflate(&rows.concat()),
            PACK_BITS => rows.iter().flat_map(|row| pack_bits(row)).collect(),
            _ => rows.concat(),
        }
    }
}

/// Each page: its data, what its fields point to, and its directory.
fn tiff(pages: &[Page], is_big_endian: bool) -> Vec<u8> {
    let order = Order { is_big_endian };
    let mut file = if is_big_endian { b"MM\0*\0\0\0\0".to_vec() } else { b"II*\0\0\0\0\0".to_vec() };
    let mut link = 4;
    for page in pages {
        let mut places = Vec::new();
        for piece in page.pieces(is_big_endian) {
            places.push((file.len() as u32, piece.len() as u32));
            file.extend(piece);
        }
        let (offsets, lengths): (Vec<u32>, Vec<u32>) = places.into_iter().unzip();
        let fields = page.fields(&order, &offsets, &lengths);
        let mut directory = order.short(fields.len() as u16).to_vec();
        for Field { tag, kind, count, mut value } in fields {
            if value.len() > 4 {
                file.resize(file.len().next_multiple_of(2), 0);
                let place = order.long(file.len() as u32);
                file.extend(std::mem::replace(&mut value, place.to_vec()));
            }
            value.resize(4, 0);
            directory.extend([order.short(tag).as_slice(), &order.short(kind), &order.long(count), &value].concat());
        }
        file.resize(file.len().next_multiple_of(2), 0);
        let start = file.len() as u32;
        file[link..link + 4].copy_from_slice(&order.long(start));
        file.extend(directory);
        link = file.len();
        file.extend(order.long(0));
    }
    file
}

struct Field {
    tag: u16,
    kind: u16,
    count: u32,
    value: Vec<u8>,
}

struct Order {
    is_big_endian: bool,
}

impl Order {
    const fn short(&self, value: u16) -> [u8; 2] {
        if self.is_big_endian { value.to_be_bytes() } else { value.to_le_bytes() }
    }

    const fn long(&self, value: u32) -> [u8; 4] {
        if self.is_big_endian { value.to_be_bytes() } else { value.to_le_bytes() }
    }

    fn shorts(&self, tag: u16, values: &[u16]) -> Field {
        let value = values.iter().flat_map(|value| self.short(*value)).collect();
        Field { tag, kind: 3, count: values.len() as u32, value }
    }

    fn longs(&self, tag: u16, values: &[u32]) -> Field {
        let value = values.iter().flat_map(|value| self.long(*value)).collect();
        Field { tag, kind: 4, count: values.len() as u32, value }
    }
}

impl Page {
    fn fields(&self, order: &Order, offsets: &[u32], lengths: &[u32]) -> Vec<Field> {
        let artist = [MARK, b"\0"].concat();
        let mut fields = vec![
            order.longs(0x0100, &[SIZE.0]),
            order.longs(0x0101, &[SIZE.1]),
            order.shorts(0x0102, &vec![self.bits; self.samples.into()]),
            order.shorts(0x0103, &[self.compression]),
            order.shorts(0x0106, &[self.photometric]),
            order.shorts(0x0112, &[self.orientation]),
            order.shorts(0x0115, &[self.samples]),
            order.shorts(0x011c, &[if self.is_planar { 2 } else { 1 }]),
            Field { tag: 0x013b, kind: 2, count: artist.len() as u32, value: artist },
        ];
        if self.is_tiled {
            fields.extend([order.longs(0x0142, &[32]), order.longs(0x0143, &[32])]);
            fields.extend([order.longs(0x0144, offsets), order.longs(0x0145, lengths)]);
        } else {
            let rows = if self.is_planar { SIZE.1 } else { 11 };
            fields.extend([order.longs(0x0111, offsets), order.longs(0x0116, &[rows]), order.longs(0x0117, lengths)]);
        }
        if self.has_predictor {
            fields.push(order.shorts(0x013d, &[2]));
        }
        fields.extend(self.extra.map(|extra| order.shorts(0x0152, &[extra])));
        if !self.palette.is_empty() {
            let column = |channel: usize| self.palette.iter().map(move |colour| u16::from(colour[channel]) * 257);
            fields.push(order.shorts(0x0140, &(0..3).flat_map(column).collect::<Vec<_>>()));
        }
        if !self.icc.is_empty() {
            fields.push(Field { tag: 0x8773, kind: 7, count: self.icc.len() as u32, value: self.icc.clone() });
        }
        fields.sort_by_key(|field| field.tag);
        fields
    }
}

fn rows_of(picture: &DynamicImage, samples: usize) -> Vec<Vec<u8>> {
    picture.as_bytes().chunks(samples * SIZE.0 as usize).map(<[u8]>::to_vec).collect()
}

fn deepened(rows: &[Vec<u8>]) -> Vec<Vec<u8>> {
    rows.iter().map(|row| row.iter().flat_map(|value| [*value, *value]).collect()).collect()
}

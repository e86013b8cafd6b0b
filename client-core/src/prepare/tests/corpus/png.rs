//! PNGs of every colour type and depth, interlaced and not, and what their chunks say of colours and frames.

use image::{DynamicImage, GrayAlphaImage, Rgb, Rgba, RgbaImage};

use super::{
    SIZE, Specimen, numbered,
    packed::deflate,
    picture,
    profile::{ADOBE_RGB, DISPLAY_P3, LINEAR, Space},
    see_through,
};

/// The values of a pixel, one for each channel.
type Values<'a> = &'a dyn Fn(u32, u32) -> Vec<u32>;
type Chunk<'a> = (&'a [u8; 4], Vec<u8>);

/// Colour type, bits, and Adam7 or not.
#[derive(Clone, Copy)]
struct Kind {
    colour: u8,
    bits: u8,
    is_interlaced: bool,
}

pub(super) fn all() -> Vec<Specimen> {
    let mut all = Vec::new();
    for is_interlaced in [false, true] {
        all.extend(greys(is_interlaced));
        all.extend(palettes(is_interlaced));
        all.extend(colours(is_interlaced));
    }
    all.extend(described());
    all.extend(animated());
    all
}

fn greys(is_interlaced: bool) -> Vec<Specimen> {
    let mut all = Vec::new();
    let grey = DynamicImage::from(picture()).into_luma8();
    for bits in [1, 2, 4, 8, 16] {
        let most = (1_u32 << bits) - 1;
        let value = |x, y| u32::from(grey.get_pixel(x, y).0[0]) * most / 255;
        let shown = |x, y| (value(x, y) * 255 / most) as u8;
        let kind = Kind { colour: 0, bits, is_interlaced };
        let shows = image::GrayImage::from_fn(SIZE.0, SIZE.1, |x, y| image::Luma([shown(x, y)]));
        all.push(named(kind, "", png(kind, &[], &|x, y| vec![value(x, y)]), shows.into()));
        let hidden = value(40, 30);
        let shows = GrayAlphaImage::from_fn(SIZE.0, SIZE.1, |x, y| {
            image::LumaA([shown(x, y), if value(x, y) == hidden { 0 } else { 255 }])
        });
        let chunk = (b"tRNS", (hidden as u16).to_be_bytes().to_vec());
        all.push(named(
            kind,
            "with one value transparent",
            png(kind, &[chunk], &|x, y| vec![value(x, y)]),
            shows.into(),
        ));
    }
    for bits in [8, 16] {
        let kind = Kind { colour: 4, bits, is_interlaced };
        let shows = DynamicImage::from(see_through()).into_luma_alpha8();
        let file = png(kind, &[], &|x, y| shows.get_pixel(x, y).0.map(|value| deepened(value, bits)).to_vec());
        all.push(named(kind, "", file, shows.into()));
    }
    all
}

fn palettes(is_interlaced: bool) -> Vec<Specimen> {
    let mut all = Vec::new();
    for bits in [1, 2, 4, 8] {
        let (numbers, palette, shows) = numbered(1 << bits);
        let number = |x: u32, y: u32| numbers[(y * SIZE.0 + x) as usize];
        let kind = Kind { colour: 3, bits, is_interlaced };
        let chunk = (b"PLTE", palette.concat());
        let file = png(kind, std::slice::from_ref(&chunk), &|x, y| vec![number(x, y).into()]);
        all.push(named(kind, "", file, shows.clone().into()));
        let alpha = |x, y| if number(x, y) == 0 { 0 } else { 255 };
        let seen = RgbaImage::from_fn(SIZE.0, SIZE.1, |x, y| {
            let Rgb([r, g, b]) = *shows.get_pixel(x, y);
            Rgba([r, g, b, alpha(x, y)])
        });
        let file = png(kind, &[chunk, (b"tRNS", vec![0])], &|x, y| vec![number(x, y).into()]);
        all.push(named(kind, "with one colour transparent", file, seen.into()));
    }
    all
}

fn colours(is_interlaced: bool) -> Vec<Specimen> {
    let mut all = Vec::new();
    let picture = picture();
    for bits in [8, 16] {
        let deep = |values: &[u8]| values.iter().map(|value| deepened(*value, bits)).collect::<Vec<_>>();
        let kind = Kind { colour: 2, bits, is_interlaced };
        let value = |x, y| deep(&picture.get_pixel(x, y).0);
        all.push(named(kind, "", png(kind, &[], &value), picture.clone().into()));
        let hidden = *picture.get_pixel(3, 3);
        let chunk = hidden.0.iter().flat_map(|value| (deepened(*value, bits) as u16).to_be_bytes()).collect();
        let seen = RgbaImage::from_fn(SIZE.0, SIZE.1, |x, y| {
            let pixel @ Rgb([r, g, b]) = *picture.get_pixel(x, y);
            Rgba([r, g, b, if pixel == hidden { 0 } else { 255 }])
        });
        all.push(named(kind, "with one colour transparent", png(kind, &[(b"tRNS", chunk)], &value), seen.into()));
        let kind = Kind { colour: 6, ..kind };
        let shows = see_through();
        all.push(named(kind, "", png(kind, &[], &|x, y| deep(&shows.get_pixel(x, y).0)), shows.clone().into()));
    }
    all
}

/// Colours told by chunks, one weightier than the other.
fn described() -> Vec<Specimen> {
    let eight = Kind { colour: 2, bits: 8, is_interlaced: false };
    let of = |space: &Space, chunks: &[Chunk<'_>]| {
        let stored = space.stored(&picture());
        png(eight, chunks, &|x, y| stored.get_pixel(x, y).0.map(u32::from).to_vec())
    };
    let deep = |space: &Space, chunks: &[Chunk<'_>]| {
        let stored = space.stored_deep(&picture());
        let value = |x: u32, y: u32| stored[(y * SIZE.0 + x) as usize].map(u32::from).to_vec();
        png(Kind { bits: 16, ..eight }, chunks, &value)
    };
    let iccp = |icc: &[u8]| (b"iCCP", [b"of mine\0\0".as_slice(), &deflate(icc)].concat());
    let gamma = |value: u32| (b"gAMA", value.to_be_bytes().to_vec());
    let of_p3 = [31_270_u32, 32_900, 68_000, 32_000, 26_500, 69_000, 15_000, 6_000];
    let chromaticities = (b"cHRM", of_p3.iter().flat_map(|number| number.to_be_bytes()).collect::<Vec<_>>());
    let p3 = Space { gamma: Some(2.2), ..DISPLAY_P3 };
    let srgb = Space { gamma: None, ..LINEAR };
    let files = [
        ("iCCP of Display P3", of(&DISPLAY_P3, &[iccp(&DISPLAY_P3.icc())])),
        ("iCCP of Adobe RGB, 16 bits", deep(&ADOBE_RGB, &[iccp(&ADOBE_RGB.icc())])),
        ("gAMA of light itself, 16 bits", deep(&LINEAR, &[gamma(100_000)])),
        ("gAMA and cHRM of Display P3", of(&p3, &[gamma(45_455), chromaticities.clone()])),
        ("gAMA as sRGB has it", of(&srgb, &[gamma(45_455)])),
        ("sRGB before gAMA", of(&srgb, &[gamma(100_000), (b"sRGB", vec![0])])),
        ("iCCP before gAMA", of(&ADOBE_RGB, &[gamma(100_000), iccp(&ADOBE_RGB.icc())])),
        ("cICP of Display P3", of(&DISPLAY_P3, &[(b"cICP", vec![12, 13, 0, 1])])),
        ("cICP before iCCP", of(&DISPLAY_P3, &[(b"cICP", vec![12, 13, 0, 1]), iccp(&LINEAR.icc())])),
        ("cICP of sRGB", of(&srgb, &[(b"cICP", vec![1, 13, 0, 1])])),
        ("iCCP that cannot be unpacked", of(&srgb, &[(b"iCCP", b"of mine\0\0\x78\x01nothing".to_vec())])),
    ];
    let mut all: Vec<Specimen> =
        files.into_iter().map(|(name, file)| Specimen::of(format!("PNG with {name}"), file, picture())).collect();
    for (name, transfer, signal) in [("PQ", 16, of_light_pq as fn(f64) -> f64), ("HLG", 18, of_light_hlg)] {
        let lights = Space { gamma: Some(1.0), ..DISPLAY_P3 }.stored_deep(&picture());
        let value = |x: u32, y: u32| {
            let light = lights[(y * SIZE.0 + x) as usize].map(|light| f64::from(light) / 65_535.0);
            light.map(|light| (signal(light * 203.0) * 65_535.0).round() as u32).to_vec()
        };
        let file = png(Kind { bits: 16, ..eight }, &[(b"cICP", vec![12, transfer, 0, 1])], &value);
        all.push(Specimen::of(format!("PNG with cICP of {name}"), file, picture()));
    }
    all
}

/// SMPTE ST 2084, equation 5.1, and BT.2100, table 5, both the other way round than in the product.
fn of_light_pq(light: f64) -> f64 {
    let power = (light / 10_000.0).powf(0.159_301_757_812_5);
    ((0.835_937_5 + 18.851_562_5 * power) / (1.0 + 18.687_5 * power)).powf(78.843_75)
}

fn of_light_hlg(light: f64) -> f64 {
    let scene = (light / 1000.0).powf(1.0 / 1.2);
    if scene <= 1.0 / 12.0 {
        (3.0 * scene).sqrt()
    } else {
        0.178_832_77 * (12.0 * scene - 0.284_668_92).ln() + 0.559_910_73
    }
}

/// The default picture is what is shown, whether or not it is the first frame too.
fn animated() -> Vec<Specimen> {
    let kind = Kind { colour: 2, bits: 8, is_interlaced: false };
    let control = |sequence: u32| {
        let numbers = [sequence, SIZE.0, SIZE.1, 0, 0].into_iter().flat_map(u32::to_be_bytes);
        (b"fcTL", numbers.chain([0, 1, 0, 10, 0, 0]).collect::<Vec<_>>())
    };
    let count = |frames: u32| (b"acTL", [frames.to_be_bytes(), [0; 4]].concat());
    let picture = picture();
    let value = |x, y| picture.get_pixel(x, y).0.map(u32::from).to_vec();
    let upside_down = image::imageops::flip_vertical(&picture);
    let rows = rows_of(kind, SIZE, &|x, y| upside_down.get_pixel(x, y).0.map(u32::from).to_vec());
    let data = |sequence: u32| (b"fdAT", [&sequence.to_be_bytes(), deflate(&rows).as_slice()].concat());
    let first = png(kind, &[count(2), control(0)], &value);
    let apart = png(kind, &[count(1)], &value);
    vec![
        Specimen::of(
            "PNG animated from the default picture on",
            before_end(&first, &[control(1), data(2)]),
            picture.clone(),
        )
        .without_original(),
        Specimen::of("PNG animated beside the default picture", before_end(&apart, &[control(0), data(1)]), picture)
            .without_original(),
    ]
}

fn named(kind: Kind, what: &str, file: Vec<u8>, shows: DynamicImage) -> Specimen {
    let Kind { colour, bits, is_interlaced } = kind;
    let interlaced = if is_interlaced { "interlaced" } else { "" };
    Specimen::of(format!("PNG type {colour} of {bits} bits {what} {interlaced}"), file, shows)
}

fn deepened(value: u8, bits: u8) -> u32 {
    if bits == 16 { u32::from(value) * 257 } else { value.into() }
}

fn png(kind: Kind, chunks: &[Chunk<'_>], values: Values<'_>) -> Vec<u8> {
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    let size = [SIZE.0.to_be_bytes(), SIZE.1.to_be_bytes()].concat();
    let header = [size, vec![kind.bits, kind.colour, 0, 0, u8::from(kind.is_interlaced)]].concat();
    push(&mut file, b"IHDR", &header);
    chunks.iter().for_each(|(name, payload)| push(&mut file, name, payload));
    let data = deflate(&rows_of(kind, SIZE, values));
    data.chunks(5000).for_each(|piece| push(&mut file, b"IDAT", piece));
    push(&mut file, b"IEND", &[]);
    file
}

fn before_end(file: &[u8], chunks: &[Chunk<'_>]) -> Vec<u8> {
    let (start, end) = file.split_at(file.len() - 12);
    let mut file = start.to_vec();
    chunks.iter().for_each(|(name, payload)| push(&mut file, name, payload));
    file.extend(end);
    file
}

/// Unfiltered rows, of one pass or of the seven of Adam7 (section 8.2).
fn rows_of(kind: Kind, (width, height): (u32, u32), values: Values<'_>) -> Vec<u8> {
    let passes: &[[u32; 4]] = if kind.is_interlaced {
        &[[0, 0, 8, 8], [4, 0, 8, 8], [0, 4, 4, 8], [2, 0, 4, 4], [0, 2, 2, 4], [1, 0, 2, 2], [0, 1, 1, 2]]
    } else {
        &[[0, 0, 1, 1]]
    };
    let mut rows = Vec::new();
    for [left, top, across, down] in passes {
        for y in (*top..height).step_by(*down as usize) {
            rows.push(0);
            let (mut byte, mut count) = (0_u32, 0);
            for value in (*left..width).step_by(*across as usize).flat_map(|x| values(x, y)) {
                match kind.bits {
                    16 => rows.extend((value as u16).to_be_bytes()),
                    bits => {
                        byte = byte << bits | value;
                        count += bits;
                        if count == 8 {
                            rows.push(byte as u8);
                            (byte, count) = (0, 0);
                        }
                    }
                }
            }
            if count > 0 {
                rows.push((byte << (8 - count)) as u8);
            }
        }
    }
    rows
}

fn push(file: &mut Vec<u8>, name: &[u8; 4], payload: &[u8]) {
    let from = file.len() + 4;
    file.extend((payload.len() as u32).to_be_bytes());
    file.extend(name);
    file.extend(payload);
    let crc = !file[from..].iter().fold(u32::MAX, |state, byte| {
        (0..8).fold(state ^ u32::from(*byte), |state, _| (state >> 1) ^ if state & 1 == 1 { 0xedb8_8320 } else { 0 })
    });
    file.extend(crc.to_be_bytes());
}

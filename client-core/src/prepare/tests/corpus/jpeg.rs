//! JPEGs of every layout, sampling and kind of colours.

use image::{DynamicImage, RgbImage};
use jpeg_encoder::{ChromaSubsamplingMethod, ColorType, Encoder, SamplingFactor};

use super::{
    super::fixtures::Layout,
    SIZE, Specimen, picture,
    profile::{ADOBE_RGB, DISPLAY_P3, icc_of_grey, icc_of_odd_press},
    smooth,
};

const LAYOUTS: [Layout; 3] = [Layout::Interleaved, Layout::Progressive, Layout::NonInterleaved];
const SAMPLINGS: [SamplingFactor; 8] = [
    SamplingFactor::F_1_1,
    SamplingFactor::F_2_1,
    SamplingFactor::F_1_2,
    SamplingFactor::F_2_2,
    SamplingFactor::F_4_1,
    SamplingFactor::F_4_2,
    SamplingFactor::F_1_4,
    SamplingFactor::F_2_4,
];

pub(super) fn all() -> Vec<Specimen> {
    let mut all = sampled();
    all.extend(restarted());
    all.extend(by_markers());
    all.extend(in_inks());
    all.extend(with_profiles());
    for (name, file) in [
        ("JPEG restart after each block, progressive", include_bytes!("files/restart-progressive.jpg").as_slice()),
        ("JPEG restart after two rows", include_bytes!("files/restart-rows.jpg")),
        ("JPEG 3x1", include_bytes!("files/three-by-one.jpg")),
        ("JPEG with colours finer than brightness", include_bytes!("files/colours-finer.jpg")),
        ("JPEG 2x1 1x2 1x1", include_bytes!("files/mixed.jpg")),
        ("JPEG 2x2 2x1 1x2", include_bytes!("files/mixed2.jpg")),
    ] {
        all.push(Specimen::of(name, file.to_vec(), picture()));
    }
    all
}

/// Encodes samples as they are given.
pub(in super::super) fn encoded(
    samples: &[u8],
    (width, height): (u32, u32),
    colour: ColorType,
    set: impl FnOnce(&mut Encoder<&mut Vec<u8>>),
) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, 97);
    encoder.set_sampling_factor(SamplingFactor::F_1_1);
    encoder.set_chroma_subsampling_method(ChromaSubsamplingMethod::Average);
    set(&mut encoder);
    encoder.encode(samples, width as u16, height as u16, colour).unwrap();
    bytes
}

fn laid_out(encoder: &mut Encoder<&mut Vec<u8>>, layout: Layout, sampling: SamplingFactor) {
    encoder.set_sampling_factor(sampling);
    encoder.set_progressive(layout == Layout::Progressive);
    encoder.set_optimized_huffman_tables(layout != Layout::Interleaved);
}

fn sampled() -> Vec<Specimen> {
    let mut all = Vec::new();
    for layout in LAYOUTS {
        for sampling in SAMPLINGS {
            // The second is of whole blocks.
            for shows in [picture(), smooth(96, 64)] {
                let size = shows.dimensions();
                let file = encoded(shows.as_raw(), size, ColorType::Rgb, |encoder| laid_out(encoder, layout, sampling));
                all.push(Specimen::of(format!("JPEG {sampling:?} {layout:?} {size:?}"), file, shows));
            }
        }
        let grey = DynamicImage::from(picture()).into_luma8();
        let set = |encoder: &mut Encoder<&mut Vec<u8>>| laid_out(encoder, layout, SamplingFactor::F_1_1);
        all.push(Specimen::of(
            format!("JPEG grey {layout:?}"),
            encoded(grey.as_raw(), SIZE, ColorType::Luma, set),
            grey,
        ));
    }
    all
}

fn restarted() -> Vec<Specimen> {
    let mut all = Vec::new();
    for interval in [1, 7] {
        for sampling in [SamplingFactor::F_1_1, SamplingFactor::F_2_2] {
            let file = encoded(picture().as_raw(), SIZE, ColorType::Rgb, |encoder| {
                encoder.set_sampling_factor(sampling);
                encoder.set_restart_interval(interval);
            });
            all.push(Specimen::of(format!("JPEG restart {interval} {sampling:?}"), file, picture()));
        }
    }
    all
}

/// Which colours these are is told by markers, or by the names of the components.
fn by_markers() -> Vec<Specimen> {
    let of = |samples: &RgbImage, colour| encoded(samples.as_raw(), SIZE, colour, |_| {});
    let (as_they_are, converted) = (of(&picture(), ColorType::Ycbcr), of(&picture(), ColorType::Rgb));
    let both = [&converted[..20], &with_adobe(&converted, 0)[2..]].concat();
    vec![
        Specimen::of("JPEG RGB by Adobe's marker", with_adobe(&as_they_are, 0), picture()),
        Specimen::of("JPEG RGB by names", named(&without_jfif(&as_they_are), b"RGB"), picture()),
        Specimen::of("JPEG YCbCr by Adobe's marker", with_adobe(&converted, 1), picture()),
        Specimen::of("JPEG YCbCr by nothing", without_jfif(&converted), picture()),
        Specimen::of("JPEG YCbCr by JFIF against Adobe's marker", both, picture()),
    ]
}

fn in_inks() -> Vec<Specimen> {
    let inks = inks_of(&picture());
    let mut all = Vec::new();
    for colour in [ColorType::Cmyk, ColorType::CmykAsYcck] {
        for layout in LAYOUTS {
            let set = |encoder: &mut Encoder<&mut Vec<u8>>| laid_out(encoder, layout, SamplingFactor::F_1_1);
            all.push(Specimen::of(format!("JPEG {colour:?} {layout:?}"), encoded(&inks, SIZE, colour, set), picture()));
        }
        let mut swapped = inks.clone();
        swapped.as_chunks_mut::<4>().0.iter_mut().for_each(|[cyan, _, yellow, _]| std::mem::swap(cyan, yellow));
        let file = encoded(&swapped, SIZE, colour, |encoder| encoder.add_icc_profile(&icc_of_odd_press()).unwrap());
        all.push(Specimen::of(format!("JPEG {colour:?} with a profile"), file, picture()));
    }
    let sampled = encoded(&inks, SIZE, ColorType::CmykAsYcck, |encoder| {
        laid_out(encoder, Layout::Interleaved, SamplingFactor::F_2_2);
    });
    all.push(Specimen::of("JPEG YCCK 2x2", sampled, picture()));
    all
}

fn with_profiles() -> Vec<Specimen> {
    let of = |samples: &RgbImage, icc: &[u8]| {
        encoded(samples.as_raw(), SIZE, ColorType::Rgb, |encoder| encoder.add_icc_profile(icc).unwrap())
    };
    let grey = DynamicImage::from(picture()).into_luma8();
    let mut darker = grey.clone();
    for pixel in darker.pixels_mut() {
        let light = super::profile::linear(f64::from(pixel.0[0]) / 255.0);
        pixel.0[0] = (light.powf(1.0 / 1.8) * 255.0).round() as u8;
    }
    let of_grey = encoded(darker.as_raw(), SIZE, ColorType::Luma, |encoder| {
        encoder.add_icc_profile(&icc_of_grey(1.8)).unwrap();
    });
    let mut damaged = DISPLAY_P3.icc();
    damaged.truncate(150);
    vec![
        Specimen::of("JPEG in Display P3", of(&DISPLAY_P3.stored(&picture()), &DISPLAY_P3.icc()), picture()),
        Specimen::of("JPEG in Adobe RGB", of(&ADOBE_RGB.stored(&picture()), &ADOBE_RGB.icc()), picture()),
        Specimen::of("JPEG grey with a profile", of_grey, grey),
        Specimen::of("JPEG with a damaged profile", of(&picture(), &damaged), picture()),
        Specimen::of("JPEG with a profile for inks", of(&picture(), &icc_of_odd_press()), picture()),
        Specimen::of("JPEG with a profile for grey", of(&picture(), &icc_of_grey(1.0)), picture()),
    ]
}

/// As much black as there can be.
pub(super) fn inks_of(picture: &RgbImage) -> Vec<u8> {
    let inks = picture.pixels().flat_map(|pixel| {
        let most = u32::from(*pixel.0.iter().max().unwrap());
        let ink = |value: u8| 255 - (u32::from(value) * 255 + most / 2).checked_div(most).unwrap_or(255) as u8;
        let [r, g, b] = pixel.0;
        [ink(r), ink(g), ink(b), 255 - most as u8]
    });
    inks.collect()
}

fn without_jfif(file: &[u8]) -> Vec<u8> {
    assert_eq!(file[2..4], [0xff, 0xe0]);
    [&file[..2], &file[20..]].concat()
}

fn with_adobe(file: &[u8], transform: u8) -> Vec<u8> {
    let adobe = [b"\xff\xee\0\x0eAdobe\0\x64\0\0\0\0".as_slice(), &[transform]].concat();
    [&file[..2], &adobe, &without_jfif(file)[2..]].concat()
}

fn named(file: &[u8], names: &[u8; 3]) -> Vec<u8> {
    let mut file = file.to_vec();
    let frame = file.windows(2).position(|two| two == [0xff, 0xc0]).unwrap();
    let scan = file.windows(2).position(|two| two == [0xff, 0xda]).unwrap();
    for (number, name) in names.iter().enumerate() {
        file[frame + 10 + 3 * number] = *name;
        file[scan + 5 + 2 * number] = *name;
    }
    file
}

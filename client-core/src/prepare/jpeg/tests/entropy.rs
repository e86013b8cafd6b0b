//! Scans and codes: other ways to lay out the same coefficients show the same picture.

use super::super::{
    Colour, Quantised, Sampling,
    bits::{Sink, Writer, sized},
    huffman::Table,
    markers, progressive,
    progressive::Scan,
    sequential,
};
use super::{Noise, quantised, scene};

fn by_image(file: &[u8]) -> Vec<u8> {
    image::load_from_memory_with_format(file, image::ImageFormat::Jpeg).unwrap().into_bytes()
}

fn by_jpeg_decoder(file: &[u8]) -> Vec<u8> {
    jpeg_decoder::Decoder::new(file).decode().unwrap()
}

fn as_sequential(picture: &Quantised) -> Vec<u8> {
    let mut file = markers::head(picture, false);
    sequential::write(picture, &mut file);
    markers::end(&mut file);
    file
}

fn as_progressive(picture: &Quantised, scans: &[Scan]) -> Vec<u8> {
    let mut file = markers::head(picture, true);
    progressive::write(picture, scans, &mut file);
    markers::end(&mut file);
    file
}

/// Every component in the same way: so many bits later, and the first scans split there.
fn scans(picture: &Quantised, low: u8, split: Option<u8>) -> Vec<Scan> {
    let mut scans = vec![Scan::Dc];
    for component in 0..picture.planes.len() {
        match split {
            Some(at) => scans.extend([
                Scan::First { component, from: 1, to: at, low },
                Scan::First { component, from: at + 1, to: 63, low },
            ]),
            None => scans.push(Scan::First { component, from: 1, to: 63, low }),
        }
        scans.extend((0..low).rev().map(|low| Scan::Refinement { component, low }));
    }
    scans
}

/// Whether all layouts of a picture show the same in both decoders; how many there were.
fn all_layouts_agree(picture: &Quantised) -> u32 {
    let file = as_sequential(picture);
    let expected = (by_image(&file), by_jpeg_decoder(&file));
    let mut count = 1;
    for low in 0..=3 {
        for split in [None, Some(1), Some(2), Some(5), Some(31), Some(62)] {
            let file = as_progressive(picture, &scans(picture, low, split));
            assert!(by_image(&file) == expected.0 && by_jpeg_decoder(&file) == expected.1, "{low} {split:?}");
            count += 1;
        }
    }
    count
}

#[test]
fn every_layout_of_scans_shows_the_same_picture() {
    let mut count = 0;
    for (width, height) in [(1, 1), (8, 8), (17, 9), (100, 75)] {
        for (colour, sampling) in [
            (Colour::Grey, Sampling::Full),
            (Colour::Rgb, Sampling::Full),
            (Colour::Rgb, Sampling::Half),
            (Colour::Rgb, Sampling::Quarter),
        ] {
            for quality in [5, 60, 92, 100] {
                let samples = scene(width, height, colour);
                count += all_layouts_agree(&quantised(&samples, (width, height), colour, sampling, quality));
            }
        }
    }
    println!("evidence: P19 | {count} layouts of the same coefficients: two decoders show the same | -");
}

#[test]
fn the_largest_coefficients_have_codes() {
    let mut noise = Noise(3);
    let checks = |size: u32| -> Vec<u8> {
        (0..64 * 64).map(|at: u32| if (at % 64 / size + at / 64 / size).is_multiple_of(2) { 0 } else { 255 }).collect()
    };
    let loud: Vec<u8> = (0..64 * 64).map(|_| if noise.byte() < 128 { 0 } else { 255 }).collect();
    for samples in [checks(1), checks(2), checks(4), checks(8), checks(3), loud] {
        let picture = quantised(&samples, (64, 64), Colour::Grey, Sampling::Full, 100);
        all_layouts_agree(&picture);
        let shown = by_image(&as_sequential(&picture));
        assert!(samples.iter().zip(&shown).all(|(a, b)| a.abs_diff(*b) <= 3));
    }
}

#[test]
fn runs_of_empty_blocks_are_cut_where_they_grow_too_long() {
    // 33,124 blocks, with a detail in the middle and, in the second picture, none at all.
    let side = 1456_u16;
    let middle = usize::from(side) * 728 + 728;
    for detail in [255, 90] {
        let mut samples = vec![90; usize::from(side) * usize::from(side)];
        samples[middle] = detail;
        let picture = quantised(&samples, (side, side), Colour::Grey, Sampling::Full, 80);
        let plain = as_sequential(&picture);
        for low in [0, 2] {
            let file = as_progressive(&picture, &scans(&picture, low, Some(9)));
            assert!(by_jpeg_decoder(&file) == by_jpeg_decoder(&plain), "{detail} {low}");
            assert!(by_image(&file) == by_image(&plain), "{detail} {low}");
        }
    }
}

#[test]
fn the_script_that_is_chosen_is_not_larger_than_any_other() {
    for quality in [20, 75, 95] {
        let picture = quantised(&scene(300, 200, Colour::Rgb), (300, 200), Colour::Rgb, Sampling::Quarter, quality);
        let chosen = picture.encode().len();
        assert!(chosen <= as_sequential(&picture).len() + SLACK_BYTES);
        for low in 0..=2 {
            for split in [None, Some(2), Some(5), Some(8), Some(12), Some(18)] {
                assert!(chosen <= as_progressive(&picture, &scans(&picture, low, split)).len() + SLACK_BYTES);
            }
        }
    }
}

/// Bytes that are escaped are not counted when scripts are compared.
const SLACK_BYTES: usize = 60;

#[test]
fn a_small_picture_of_noise_is_sequential_and_interleaved() {
    let mut noise = Noise(9);
    let samples: Vec<u8> = (0..32 * 32 * 3).map(|_| noise.byte()).collect();
    let file = quantised(&samples, (32, 32), Colour::Rgb, Sampling::Full, 90).encode();
    let count = |marker: u8| file.windows(2).filter(|two| *two == [0xff, marker]).count();
    assert_eq!((count(0xc0), count(0xc2), count(0xda)), (1, 0, 1), "one frame, one scan of all components");
}

#[test]
fn no_code_is_longer_than_sixteen_bits_or_all_ones() {
    let mut noise = Noise(5);
    let steep: [u32; 256] = std::array::from_fn(|at| 1_u32 << (at % 31));
    let fibonacci: [u32; 256] =
        std::array::from_fn(|at| if at < 40 { (1.618_f64.powi(at as i32)) as u32 + 1 } else { 0 });
    let flat = [3; 256];
    let mut random = || std::array::from_fn(|_| u32::from(noise.byte()) << (noise.byte() % 12));
    let mut one = [0; 256];
    one[77] = 12;
    for counts in [steep, fibonacci, flat, one, [0; 256], random(), random(), random()] {
        let codes = Table::best_for(&counts).codes();
        let said: Vec<(u16, u32)> =
            (0..=255).filter(|symbol| counts[usize::from(*symbol)] > 0).map(|symbol| codes.of(symbol)).collect();
        for (number, (code, length)) in said.iter().enumerate() {
            assert!((1..=16).contains(length) && u32::from(*code) < (1 << length) - 1);
            for (other, longer) in &said[number + 1..] {
                let shorter = (*length).min(*longer);
                assert!(code >> (length - shorter) != other >> (longer - shorter), "one begins the other");
            }
        }
    }
}

#[test]
fn codes_are_as_short_as_their_counts_allow() {
    // Where no limit bites, Huffman's codes are within a bit of the entropy, and the free code costs little more.
    let counts: [u32; 256] = std::array::from_fn(|at| if at < 60 { 100_000 / (at as u32 + 1) } else { 0 });
    let total: f64 = counts.iter().map(|count| f64::from(*count)).sum();
    let entropy: f64 =
        counts.iter().filter(|count| **count > 0).map(|count| f64::from(*count)).map(|c| c * (total / c).log2()).sum();
    let bits = Table::best_for(&counts).codes().bits_for(&counts) as f64;
    assert!(bits >= entropy && bits < entropy * 1.02, "{bits} for {entropy}");
}

#[test]
fn bits_come_out_most_significant_first_and_ones_are_escaped() {
    let mut file = Vec::new();
    let mut writer = Writer::new(&mut file, [None; 4]);
    for (value, count) in [(0b1, 1), (0b111_1111, 7), (0b1010, 4), (0, 0), (0xffff, 16), (0b01, 2)] {
        writer.plain(value, count);
    }
    writer.end();
    assert_eq!(file, [0xff, 0, 0xaf, 0xff, 0, 0b1111_0111]);
    assert_eq!(
        [0, 1, -1, 5, -5, 1023, -1023].map(sized),
        [(0, 0), (1, 1), (0, 1), (5, 3), (2, 3), (1023, 10), (0, 10)]
    );
}

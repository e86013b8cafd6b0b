//! Blocks: their order, and the transform into them and back.

use super::super::{Colour, Pixels, Sampling, Transformed, blocks::ZIGZAG, fdct};
use super::{Noise, quantised, scene};

#[test]
fn the_zigzag_is_the_one_of_the_standard() {
    // T.81, figure A.6: the number of each place of a block.
    let numbers = [
        0, 1, 5, 6, 14, 15, 27, 28, 2, 4, 7, 13, 16, 26, 29, 42, 3, 8, 12, 17, 25, 30, 41, 43, 9, 11, 18, 24, 31, 40,
        44, 53, 10, 19, 23, 32, 39, 45, 52, 54, 20, 22, 33, 38, 46, 51, 55, 60, 21, 34, 37, 47, 50, 56, 59, 61, 35, 36,
        48, 49, 57, 58, 62, 63,
    ];
    for (place, number) in numbers.into_iter().enumerate() {
        assert_eq!(usize::from(ZIGZAG[number]), place);
    }
}

#[test]
fn the_transform_is_the_one_of_the_standard() {
    let mut noise = Noise(1);
    let samples: [[f32; 8]; 8] = std::array::from_fn(|_| std::array::from_fn(|_| f32::from(noise.byte()) - 128.0));
    let mut turned = samples;
    fdct::forward(&mut turned);
    for (u, v) in (0..8).flat_map(|u| (0..8).map(move |v| (u, v))) {
        // T.81, A.3.3.
        let scale = |at: usize| if at == 0 { 0.5_f64.sqrt() } else { 1.0 };
        let wave = |at: usize, of: usize| ((2 * at + 1) as f64 * of as f64 * std::f64::consts::PI / 16.0).cos();
        let sum: f64 = (0..8)
            .flat_map(|y| (0..8).map(move |x| (x, y)))
            .map(|(x, y)| f64::from(samples[y][x]) * wave(x, u) * wave(y, v))
            .sum();
        let expected = 0.25 * scale(u) * scale(v) * sum;
        assert!((f64::from(turned[u][v]) - expected).abs() < 1e-3, "{u} {v}: {} {expected}", turned[u][v]);
    }
    fdct::transpose(&mut turned);
    fdct::inverse(&mut turned);
    for (back, sample) in turned.as_flattened().iter().zip(samples.as_flattened()) {
        assert!((back - sample).abs() < 1e-3);
    }
}

#[test]
fn samples_that_are_not_as_many_as_the_sides_say_make_nothing() {
    for (width, height, length) in [(0, 4, 0), (4, 0, 0), (4, 4, 47), (4, 4, 49), (4, 4, 16)] {
        let pixels = Pixels { samples: &vec![0; length], width, height, colour: Colour::Rgb };
        assert!(Transformed::of(&pixels, Sampling::Quarter).is_none(), "{width} x {height} of {length}");
    }
}

#[test]
fn finer_steps_show_more_of_the_picture() {
    let (width, height) = (97, 61);
    for (colour, sampling) in
        [(Colour::Grey, Sampling::Full), (Colour::Rgb, Sampling::Full), (Colour::Rgb, Sampling::Half)]
    {
        let samples = scene(width, height, colour);
        let mut before = f64::INFINITY;
        for quality in [10, 30, 50, 70, 85, 95, 100] {
            let shown = quantised(&samples, (width, height), colour, sampling, quality).reconstruct();
            let square: f64 = samples.iter().zip(&shown).map(|(a, b)| f64::from(a.abs_diff(*b)).powi(2)).sum();
            let error = square / samples.len() as f64;
            assert!(error < before, "{colour:?} {sampling:?} {quality}: {error} after {before}");
            before = error;
        }
        // With steps of one and all colours only the rounding of samples is left.
        assert!(sampling != Sampling::Full || before < 1.0, "{colour:?}: {before}");
    }
}

//! The definition, written down as plainly as can be: whole maps, 64-bit floats, every norm.

use image::RgbImage;

use super::super::score::WEIGHTS;

type Planes = [Vec<f64>; 3];

/// The score of two pictures of one size, at least 8 pixels a side.
pub(super) fn score(one: &RgbImage, other: &RgbImage) -> f64 {
    let (mut width, mut height) = (one.width() as usize, one.height() as usize);
    let (mut one, mut other) = (linear(one), linear(other));
    let mut by_scale = Vec::new();
    for scale in 0..6 {
        if width.min(height) < 8 {
            break;
        }
        if scale > 0 {
            for light in [&mut one, &mut other] {
                *light = light.each_ref().map(|plane| halved(plane, width, height));
            }
            (width, height) = (width.div_ceil(2), height.div_ceil(2));
        }
        let (a, b) = (xyb(&one), xyb(&other));
        by_scale.push([0, 1, 2].map(|channel| norms(&a[channel], &b[channel], width, height)));
    }
    let mut weights = WEIGHTS.iter();
    let mut sum = 0.0;
    for channel in 0..3 {
        for scale in &by_scale {
            sum += scale[channel].iter().zip(weights.by_ref()).map(|(norm, weight)| norm * weight).sum::<f64>();
        }
    }
    sum *= 0.956_238_261_683_484_4;
    sum =
        6.248_496_625_763_138e-5 * sum.powi(3) - 0.020_884_521_182_843_837 * sum.powi(2) + 2.326_765_642_916_932 * sum;
    if sum > 0.0 { 100.0 - 10.0 * sum.powf(0.627_633_646_783_138_7) } else { 100.0 }
}

fn linear(picture: &RgbImage) -> Planes {
    [0, 1, 2].map(|channel| {
        let encoded = picture.pixels().map(|pixel| f64::from(pixel.0[channel]) / 255.0);
        encoded.map(|v| if v <= 0.04045 { v / 12.92 } else { ((v + 0.055) / 1.055).powf(2.4) }).collect()
    })
}

fn halved(plane: &[f64], width: usize, height: usize) -> Vec<f64> {
    let at = |x: usize, y: usize| plane[y.min(height - 1) * width + x.min(width - 1)];
    let mean = |x: usize, y: usize| (at(x, y) + at(x + 1, y) + at(x, y + 1) + at(x + 1, y + 1)) / 4.0;
    (0..height.div_ceil(2)).flat_map(|y| (0..width.div_ceil(2)).map(move |x| mean(2 * x, 2 * y))).collect()
}

fn xyb(light: &Planes) -> Planes {
    let bias = 0.003_793_073_4_f64;
    let cones = [[0.30, 0.622, 0.078], [0.23, 0.692, 0.078], [0.243_422_69, 0.204_767_45, 0.551_809_86]];
    let mut planes = [(); 3].map(|()| Vec::new());
    for ((r, g), b) in light[0].iter().zip(&light[1]).zip(&light[2]) {
        let [long, middle, short] =
            cones.map(|weight: [f64; 3]| (weight[0] * r + weight[1] * g + weight[2] * b + bias).cbrt() - bias.cbrt());
        let luma = (long + middle) / 2.0;
        planes[0].push((long - middle) / 2.0 * 14.0 + 0.42);
        planes[1].push(luma + 0.01);
        planes[2].push(short - luma + 0.55);
    }
    planes
}

/// A sum of cosines that ends where all of them are zero, five pixels away; `beta` as Charalampidis's (53) gives them.
fn blurred(plane: &[f64], width: usize, height: usize) -> Vec<f64> {
    let taps: Vec<f64> = (-4..=4_i32).map(|distance| TAPS[distance.unsigned_abs() as usize]).collect();
    let along = |plane: &[f64], next: usize, position: fn(usize, usize) -> usize, length: usize| -> Vec<f64> {
        (0..plane.len())
            .map(|index| {
                let here = position(index, width);
                let reached = |tap: usize| (here + tap).checked_sub(4).filter(|there| *there < length);
                let value = |tap: usize| reached(tap).map_or(0.0, |there| plane[index + there * next - here * next]);
                taps.iter().enumerate().map(|(tap, weight)| weight * value(tap)).sum()
            })
            .collect()
    };
    let across = along(plane, 1, |index, width| index % width, width);
    along(&across, width, |index, width| index / width, height)
}

fn norms(one: &[f64], other: &[f64], width: usize, height: usize) -> [f64; 6] {
    let product = |a: &[f64], b: &[f64]| -> Vec<f64> { a.iter().zip(b).map(|(a, b)| a * b).collect() };
    let blur = |plane: &[f64]| blurred(plane, width, height);
    let (mean_1, mean_2) = (blur(one), blur(other));
    let (square_1, square_2) = (blur(&product(one, one)), blur(&product(other, other)));
    let cross = blur(&product(one, other));
    let mut sums = [0.0; 6];
    for at in 0..one.len() {
        let (m1, m2) = (mean_1[at], mean_2[at]);
        let alike = (1.0 - (m1 - m2).powi(2)) * (2.0 * (cross[at] - m1 * m2) + 0.0009)
            / (square_1[at] - m1 * m1 + square_2[at] - m2 * m2 + 0.0009);
        let edges = (1.0 + (other[at] - m2).abs()) / (1.0 + (one[at] - m1).abs()) - 1.0;
        for (norm, error) in [(1.0 - alike).max(0.0), edges.max(0.0), (-edges).max(0.0)].into_iter().enumerate() {
            sums[norm] += error;
            sums[norm + 3] += error.powi(4);
        }
    }
    let mean = sums.map(|sum| sum / one.len() as f64);
    [mean[0], mean[1], mean[2], mean[3].powf(0.25), mean[4].powf(0.25), mean[5].powf(0.25)]
}

/// Computed from the paper's formulas in 64 bits.
const TAPS: [f64; 5] = [
    0.264_621_105_488_198_56,
    0.212_928_592_010_422_2,
    0.109_335_372_777_460_3,
    0.036_011_114_658_364_36,
    0.009_414_367_809_653_691,
];

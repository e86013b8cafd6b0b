//! Pixels to coefficients, a band of minimum coded units at a time, so that no whole plane of floats ever exists.

use super::{
    Colour, Pixels, Sampling,
    blocks::{Block, Plane, ZIGZAG},
    colour, fdct,
};

/// Coefficients are kept in sixteenths: fine enough to round well, and the largest, 1024, fits 16 bits.
pub(super) const STEPS: f32 = 16.0;

/// The components of a picture.
pub(super) fn planes(pixels: &Pixels<'_>, sampling: Sampling) -> Vec<Plane> {
    let (width, height) = (usize::from(pixels.width), usize::from(pixels.height));
    let (horizontal, vertical) = match (pixels.colour, sampling) {
        (Colour::Grey, _) | (Colour::Rgb, Sampling::Full) => (1, 1),
        (Colour::Rgb, Sampling::Half) => (2, 1),
        (Colour::Rgb, Sampling::Quarter) => (2, 2),
    };
    let (units_across, units_down) = (width.div_ceil(8 * horizontal), height.div_ceil(8 * vertical));
    let plane = |is_luma: bool| {
        let (own_h, own_v) = if is_luma { (horizontal, vertical) } else { (1, 1) };
        let (thin_h, thin_v) = (horizontal / own_h, vertical / own_v);
        Plane {
            blocks: Vec::with_capacity(units_across * own_h * units_down * own_v),
            masks: Vec::new(),
            across: units_across * own_h,
            shown_across: width.div_ceil(8 * thin_h),
            shown_down: height.div_ceil(8 * thin_v),
            horizontal: own_h,
            vertical: own_v,
        }
    };
    let mut planes = match pixels.colour {
        Colour::Grey => vec![plane(true)],
        Colour::Rgb => vec![plane(true), plane(false), plane(false)],
    };
    let mut band = Band::new(units_across * 8 * horizontal, 8 * vertical, planes.len());
    for unit in 0..units_down {
        band.fill(pixels, unit * 8 * vertical);
        band.thin(horizontal, vertical);
        for (plane, samples) in planes.iter_mut().zip(&band.planes) {
            for rows in samples.chunks_exact(band.stride * 8).take(plane.vertical) {
                plane.blocks.extend((0..plane.across).map(|block| coefficients(rows, band.stride, block * 8)));
            }
        }
    }
    planes
}

/// As many rows as a minimum coded unit is high, of every component.
struct Band {
    stride: usize,
    rows: usize,
    planes: Vec<Vec<f32>>,
}

impl Band {
    fn new(stride: usize, rows: usize, planes: usize) -> Self {
        Self { stride, rows, planes: vec![vec![0.0; stride * rows]; planes] }
    }

    /// Beyond the right and the lower edge the last pixel is repeated, which costs the fewest bits.
    fn fill(&mut self, pixels: &Pixels<'_>, top: usize) {
        let (width, height) = (usize::from(pixels.width), usize::from(pixels.height));
        let samples_per_row = pixels.samples.len() / height;
        for row in 0..self.rows {
            let from = (top + row).min(height - 1) * samples_per_row;
            let source = &pixels.samples[from..from + samples_per_row];
            let at = row * self.stride..(row + 1) * self.stride;
            match self.planes.as_mut_slice() {
                [luma, cb, cr] => {
                    colour::brightness(source, &mut luma[at.clone()]);
                    colour::differences(source, &mut cb[at.clone()], &mut cr[at.clone()]);
                }
                [luma, ..] => {
                    for (luma, grey) in luma[at.clone()].iter_mut().zip(source) {
                        *luma = f32::from(*grey) - 128.0;
                    }
                }
                [] => {}
            }
            for plane in &mut self.planes {
                let row = &mut plane[at.clone()];
                let last = row[width - 1];
                row[width..].fill(last);
            }
        }
    }

    /// Colour differences are thinned where they stand: rows of half length keep their stride.
    fn thin(&mut self, horizontal: usize, vertical: usize) {
        let stride = self.stride;
        for plane in self.planes.iter_mut().skip(1) {
            if horizontal == 2 {
                plane.chunks_exact_mut(stride).for_each(colour::halve_row);
            }
            if vertical == 2 {
                for row in 0..self.rows / 2 {
                    let (before, from) = plane.split_at_mut((2 * row + 1) * stride);
                    colour::mean_of_rows(&mut before[2 * row * stride..], &from[..stride]);
                    plane.copy_within(2 * row * stride..(2 * row + 1) * stride, row * stride);
                }
            }
        }
    }
}

fn coefficients(rows: &[f32], stride: usize, left: usize) -> Block {
    let mut square = [[0.0; 8]; 8];
    for (row, values) in square.iter_mut().enumerate() {
        values.copy_from_slice(&rows[row * stride + left..][..8]);
    }
    fdct::forward(&mut square);
    let mut turned = [0; 64];
    for (rounded, value) in turned.iter_mut().zip(square.as_flattened()) {
        // A float this large has no fraction: adding it rounds, and the low bits are the integer. Much faster than a cast.
        *rounded = (value * STEPS + INTEGERS_FROM).to_bits() as i16;
    }
    ZIGZAG.map(|place| turned[usize::from(place % 8 * 8 + place / 8)])
}

/// 1.5 * 2^23.
const INTEGERS_FROM: f32 = 12_582_912.0;

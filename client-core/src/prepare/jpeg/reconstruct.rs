//! What a decoder shows for rounded coefficients: the inverse transform, colours spread to all pixels, back to RGB.

use super::{
    Quantised,
    blocks::{Plane, ZIGZAG},
    colour,
    fdct::{self, Square},
    quantise::Table,
};

/// The samples, row by row.
pub(super) fn pixels(picture: &Quantised) -> Vec<u8> {
    let (width, height) = (usize::from(picture.width), usize::from(picture.height));
    let Some(luma) = picture.planes.first() else { return Vec::new() };
    let mut pixels = vec![0; width * height * picture.planes.len()];
    let rows = |(plane, table)| Rows::new(plane, luma, table, (width, height));
    let mut components: Vec<_> = picture.planes.iter().zip(&picture.tables).map(rows).collect();
    for (number, row) in pixels.chunks_exact_mut(width * picture.planes.len()).enumerate() {
        match components.as_mut_slice() {
            [luma, cb, cr] => {
                let (luma, cb, cr) = (luma.row(number), cb.row(number), cr.row(number));
                for (pixel, ((luma, cb), cr)) in row.as_chunks_mut::<3>().0.iter_mut().zip(luma.iter().zip(cb).zip(cr))
                {
                    *pixel = colour::rgb([*luma, *cb, *cr]);
                }
            }
            [grey, ..] => {
                for (level, value) in row.iter_mut().zip(grey.row(number)) {
                    *level = colour::level(*value);
                }
            }
            [] => {}
        }
    }
    pixels
}

/// One component, a row at a time.
struct Rows<'a> {
    plane: &'a Plane,
    table: &'a Table,
    horizontal: usize,
    vertical: usize,
    /// How many samples of a row, and which last row, are part of the picture.
    shown: usize,
    last: usize,
    /// Rows of samples by their number modulo 32: the rows of blocks above and below the present one stay.
    samples: Vec<f32>,
    decoded: usize,
    mixed: Vec<f32>,
    wide: Vec<f32>,
}

impl<'a> Rows<'a> {
    fn new(plane: &'a Plane, luma: &Plane, table: &'a Table, (width, height): (usize, usize)) -> Self {
        let (horizontal, vertical) = (luma.horizontal / plane.horizontal, luma.vertical / plane.vertical);
        let stride = plane.across * 8;
        let (shown, last) = (width.div_ceil(horizontal), height.div_ceil(vertical) - 1);
        let (samples, mixed, wide) = (vec![0.0; stride * KEPT_ROWS], vec![0.0; stride], vec![0.0; stride * horizontal]);
        Self { plane, table, horizontal, vertical, shown, last, samples, decoded: 0, mixed, wide }
    }

    /// The values of a row of pixels, and more beyond its end.
    fn row(&mut self, row: usize) -> &[f32] {
        let near = row / self.vertical;
        // The other row is the one above an even, and the one below an odd one: three parts near, one part far.
        let far = if row.is_multiple_of(2) { near.saturating_sub(1) } else { (near + 1).min(self.last) };
        let far = if self.vertical == 1 { near } else { far };
        while self.decoded * 8 <= near.max(far) {
            self.decode();
        }
        let stride = self.plane.across * 8;
        let samples = |row: usize| &self.samples[row % KEPT_ROWS * stride..][..stride];
        if self.horizontal == 1 {
            return samples(near);
        }
        for (mixed, (near, far)) in self.mixed.iter_mut().zip(samples(near).iter().zip(samples(far))) {
            *mixed = near * 0.75 + far * 0.25;
        }
        widen(&self.mixed[..self.shown], &mut self.wide);
        &self.wide
    }

    /// Decodes the next row of blocks.
    fn decode(&mut self) {
        let stride = self.plane.across * 8;
        for column in 0..self.plane.across {
            let square = self.square(self.decoded * self.plane.across + column);
            for (row, values) in square.iter().enumerate() {
                let at = (self.decoded * 8 + row) % KEPT_ROWS * stride + column * 8;
                // Decoders hold samples of 8 bits between the transform and the colours.
                let levels = values.map(|value| f32::from(colour::level(value)) - 128.0);
                self.samples[at..at + 8].copy_from_slice(&levels);
            }
        }
        self.decoded += 1;
    }

    /// The samples of a block.
    fn square(&self, number: usize) -> Square {
        let (block, mut left) = (&self.plane.blocks[number], self.plane.masks[number]);
        let mut square = [[0.0; 8]; 8];
        while left != 0 {
            let at = left.trailing_zeros() as usize;
            left &= left - 1;
            let place = usize::from(ZIGZAG[at]);
            square[place / 8][place % 8] = f32::from(block[at]) * f32::from(self.table[at]);
        }
        fdct::inverse(&mut square);
        square
    }
}

/// Doubles a row: three parts of the nearer value, one of the one beyond.
fn widen(row: &[f32], wide: &mut [f32]) {
    let (Some(first), Some(last)) = (row.first(), row.last()) else { return };
    let wide = &mut wide[..2 * row.len()];
    if let [start, .., end] = wide {
        (*start, *end) = (*first, *last);
    }
    for (pair, two) in wide[1..].as_chunks_mut::<2>().0.iter_mut().zip(row.windows(2)) {
        *pair = [two[0] * 0.75 + two[1] * 0.25, two[1] * 0.75 + two[0] * 0.25];
    }
}

const KEPT_ROWS: usize = 32;

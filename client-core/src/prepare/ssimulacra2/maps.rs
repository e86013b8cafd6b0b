//! The three maps of errors over one channel at one size, never held whole: a row at a time is summed up.

use std::ops::Range;

use super::{
    Cuts,
    blur::{REACH, Window},
};

/// One channel of a reference at one size.
pub(super) struct Plane {
    pixels: Vec<f32>,
    mean: Vec<f32>,
    variance: Vec<f32>,
    /// What is measured.
    rows: Range<usize>,
    columns: Range<usize>,
}

/// The errors of one channel at one size: sums of first and fourth powers, and over how many pixels.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sums {
    pixels: f64,
    /// Structure, edges that were not there, edges that are lost; the fourth powers in the same order.
    errors: [f64; 6],
}

impl Sums {
    pub(super) fn add(&mut self, other: &Self) {
        self.pixels += other.pixels;
        for (ours, theirs) in self.errors.iter_mut().zip(other.errors) {
            *ours += theirs;
        }
    }

    /// The mean of each map, then the fourth root of the mean of fourth powers of each.
    pub(super) fn norms(&self) -> [f64; 6] {
        if self.pixels == 0.0 {
            return [0.0; 6];
        }
        let [structure, added, lost, structure_4, added_4, lost_4] = self.errors.map(|sum| sum / self.pixels);
        let root = |mean: f64| mean.sqrt().sqrt();
        [structure, added, lost, root(structure_4), root(added_4), root(lost_4)]
    }
}

impl Plane {
    pub(super) fn of(pixels: Vec<f32>, width: usize, cuts: Cuts) -> Self {
        let (mut mean, mut variance) = (vec![0.0; pixels.len()], vec![0.0; pixels.len()]);
        let (mut of_pixels, mut of_squares) = (Window::new(width), Window::new(width));
        let mut out = mean.chunks_exact_mut(width).zip(variance.chunks_exact_mut(width));
        for (nth, row) in rows_and_beyond(&pixels, width).enumerate() {
            match row {
                Some(row) => {
                    of_pixels.push(row.iter().copied());
                    of_squares.push(row.iter().map(|value| value * value));
                }
                None => [&mut of_pixels, &mut of_squares].map(Window::push_nothing).into_iter().collect(),
            }
            if nth < REACH {
                continue;
            }
            if let Some((mean, variance)) = out.next() {
                of_pixels.blurred_into(mean);
                of_squares.blurred_into(variance);
                for (variance, mean) in variance.iter_mut().zip(mean) {
                    *variance -= *mean * *mean;
                }
            }
        }
        let height = pixels.len().checked_div(width).unwrap_or_default();
        let inner = |is_cut: [bool; 2], length: usize| {
            let [before, after] = is_cut.map(|is_cut| if is_cut { REACH } else { 0 });
            before..length.saturating_sub(after).max(before)
        };
        let (rows, columns) = (inner([cuts.top, cuts.bottom], height), inner([cuts.left, cuts.right], width));
        Self { pixels, mean, variance, rows, columns }
    }

    /// What differs in the same channel at the same size of another picture.
    pub(super) fn compare(&self, pixels: &[f32], width: usize) -> Sums {
        let mut windows = [(); 3].map(|()| Window::new(width));
        let mut rows = Rows::new(width);
        let measured = self.rows.len().saturating_mul(self.columns.len());
        let mut sums = Sums { pixels: measured as f64, ..Sums::default() };
        let beyond = rows_and_beyond(pixels, width).zip(rows_and_beyond(&self.pixels, width));
        let mut behind = self.rows(width).zip(pixels.chunks_exact(width));
        for (nth, (row, reference)) in beyond.enumerate() {
            let [of_pixels, of_squares, of_products] = &mut windows;
            if let (Some(row), Some(reference)) = (row, reference) {
                of_pixels.push(row.iter().copied());
                of_squares.push(row.iter().map(|value| value * value));
                of_products.push(row.iter().zip(reference).map(|(value, other)| value * other));
            } else {
                windows.iter_mut().for_each(Window::push_nothing);
            }
            if nth < REACH {
                continue;
            }
            if let Some((reference, row)) = behind.next()
                && self.rows.contains(&nth.saturating_sub(REACH))
            {
                rows.compare(&windows, &reference, row);
                rows.add_to(&mut sums, self.columns.clone());
            }
        }
        sums
    }

    fn rows(&self, width: usize) -> impl Iterator<Item = Row<'_>> {
        let planes = self.pixels.chunks_exact(width).zip(self.mean.chunks_exact(width));
        let rows = planes.zip(self.variance.chunks_exact(width));
        rows.map(|((pixels, mean), variance)| Row { pixels, mean, variance })
    }
}

/// Every row, then as many nothings as it takes to see the last row in the middle of the window.
fn rows_and_beyond(pixels: &[f32], width: usize) -> impl Iterator<Item = Option<&[f32]>> {
    pixels.chunks_exact(width).map(Some).chain(std::iter::repeat_n(None, REACH))
}

struct Row<'a> {
    pixels: &'a [f32],
    mean: &'a [f32],
    variance: &'a [f32],
}

/// Room for one row of everything.
struct Rows {
    mean: Vec<f32>,
    square: Vec<f32>,
    product: Vec<f32>,
    structure: Vec<f32>,
    edges: Vec<f32>,
}

impl Rows {
    fn new(width: usize) -> Self {
        let row = || vec![0.0; width];
        Self { mean: row(), square: row(), product: row(), structure: row(), edges: row() }
    }

    fn compare(&mut self, windows: &[Window; 3], reference: &Row<'_>, pixels: &[f32]) {
        for (window, out) in windows.iter().zip([&mut self.mean, &mut self.square, &mut self.product]) {
            window.blurred_into(out);
        }
        self.compare_structure(reference);
        self.compare_edges(reference, pixels);
    }

    fn add_to(&self, sums: &mut Sums, columns: Range<usize>) {
        let edges = self.edges.get(columns.clone()).unwrap_or_default();
        let [structure, structure_4] = power_sums(self.structure.get(columns).unwrap_or_default(), |error| error);
        let [added, added_4] = power_sums(edges, |error| error.max(0.0));
        let [lost, lost_4] = power_sums(edges, |error| (-error).max(0.0));
        for (sum, more) in sums.errors.iter_mut().zip([structure, added, lost, structure_4, added_4, lost_4]) {
            *sum += more;
        }
    }

    /// One minus SSIM, without SSIM's weighing of the means by their size: XYB is as the eye sees already.
    fn compare_structure(&mut self, reference: &Row<'_>) {
        let ours = self.mean.iter().zip(&self.square).zip(&self.product);
        let theirs = reference.mean.iter().zip(reference.variance);
        for ((error, ((mean, square), product)), (mean_of, variance_of)) in
            self.structure.iter_mut().zip(ours).zip(theirs)
        {
            let apart = mean_of - mean;
            let covariance = product - mean_of * mean;
            let variance = square - mean * mean;
            let alike = (1.0 - apart * apart) * (covariance + covariance + C2) / (variance_of + variance + C2);
            *error = (1.0 - alike).max(0.0);
        }
    }

    /// How far each pixel stands out from its surroundings, against the same in the reference: above zero where the
    /// reference was smooth, below where the other is.
    fn compare_edges(&mut self, reference: &Row<'_>, pixels: &[f32]) {
        let ours = pixels.iter().zip(&self.mean);
        let theirs = reference.pixels.iter().zip(reference.mean);
        for ((error, (pixel, mean)), (pixel_of, mean_of)) in self.edges.iter_mut().zip(ours).zip(theirs) {
            *error = (1.0 + (pixel - mean).abs()) / (1.0 + (pixel_of - mean_of).abs()) - 1.0;
        }
    }
}

/// The sums of the first and of the fourth powers. Several run side by side, so that the compiler can use what adds
/// several numbers at a time.
fn power_sums(row: &[f32], part: impl Fn(f32) -> f32) -> [f64; 2] {
    let (chunks, rest) = row.as_chunks::<LANES>();
    let (mut firsts, mut fourths) = ([0.0_f32; LANES], [0.0_f32; LANES]);
    for chunk in chunks {
        for ((value, first), fourth) in chunk.iter().zip(&mut firsts).zip(&mut fourths) {
            let error = part(*value);
            *first += error;
            *fourth += (error * error) * (error * error);
        }
    }
    for ((value, first), fourth) in rest.iter().zip(&mut firsts).zip(&mut fourths) {
        let error = part(*value);
        *first += error;
        *fourth += (error * error) * (error * error);
    }
    [firsts, fourths].map(|lanes| lanes.into_iter().map(f64::from).sum())
}

const LANES: usize = 8;
/// What keeps flat surroundings from dividing by nothing.
const C2: f32 = 0.0009;

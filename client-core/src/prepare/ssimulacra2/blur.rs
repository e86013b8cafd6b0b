//! A Gaussian of sigma 1.5, row by row as the rows come.

use std::collections::VecDeque;

/// The last nine rows, blurred along themselves and ready to be blurred across. Outside of the picture all is zero.
pub(super) struct Window {
    rows: VecDeque<Vec<f32>>,
    /// A row between zeros.
    padded: Vec<f32>,
}

impl Window {
    pub(super) fn new(width: usize) -> Self {
        let rows = std::iter::repeat_n(vec![0.0; width], REACH.saturating_mul(2).saturating_add(1)).collect();
        Self { rows, padded: vec![0.0; REACH.saturating_mul(2).saturating_add(width)] }
    }

    /// Moves on by one row.
    pub(super) fn push(&mut self, row: impl Iterator<Item = f32>) {
        for (place, value) in self.padded.iter_mut().skip(REACH).zip(row) {
            *place = value;
        }
        let Some(mut blurred) = self.rows.pop_front() else { return };
        let shifted = |by: usize| self.padded.get(by..).unwrap_or_default();
        start(&mut blurred, shifted(REACH));
        for (distance, tap) in TAPS {
            let before = shifted(REACH.saturating_sub(distance));
            add_pair(&mut blurred, before, shifted(REACH.saturating_add(distance)), tap);
        }
        self.rows.push_back(blurred);
    }

    /// Moves on beyond the last row.
    pub(super) fn push_nothing(&mut self) {
        if let Some(mut row) = self.rows.pop_front() {
            row.fill(0.0);
            self.rows.push_back(row);
        }
    }

    /// The row that was pushed [`REACH`] rows ago, blurred both ways.
    pub(super) fn blurred_into(&self, out: &mut [f32]) {
        let row = |at: usize| self.rows.get(at).map(Vec::as_slice).unwrap_or_default();
        start(out, row(REACH));
        for (distance, tap) in TAPS {
            add_pair(out, row(REACH.saturating_sub(distance)), row(REACH.saturating_add(distance)), tap);
        }
    }
}

fn start(out: &mut [f32], middle: &[f32]) {
    for (out, value) in out.iter_mut().zip(middle) {
        *out = value * MIDDLE_TAP;
    }
}

fn add_pair(out: &mut [f32], before: &[f32], after: &[f32], tap: f32) {
    for ((out, before), after) in out.iter_mut().zip(before).zip(after) {
        *out += (before + after) * tap;
    }
}

/// How many rows or columns on each side count.
pub(super) const REACH: usize = 4;
/// The reference defines the filter as a recursion (Charalampidis, "Recursive implementation of the Gaussian filter
/// using truncated cosine functions", IEEE Transactions on Signal Processing 64, 2016), whose answer to an impulse is
/// finite: a sum of three cosines over one window. For this sigma these are its nine values, and adding them up is both
/// faster and more exact than the recursion.
const MIDDLE_TAP: f32 = 0.264_621_1;
const TAPS: [(usize, f32); REACH] = [(1, 0.212_928_6), (2, 0.109_335_37), (3, 0.036_011_115), (4, 0.009_414_368)];

#[cfg(test)]
mod tests {
    use super::*;

    /// The paper's formulas, by their numbers there.
    #[test]
    fn the_taps_are_those_of_the_paper() {
        use std::f64::consts::FRAC_PI_2;
        let sigma = 1.5_f64;
        let radius = (3.2795 * sigma + 0.2546).round(); // (57)
        let omega = [1.0, 3.0, 5.0].map(|k| FRAC_PI_2 * k / radius); // Table I
        let [p1, p3, p5] = [1.0, -1.0, 1.0].map(f64::from); // signs of (37)
        let p = [p1, p3, p5];
        let p: [f64; 3] = std::array::from_fn(|k| p[k] / (0.5 * omega[k]).tan());
        let r: [f64; 3] = std::array::from_fn(|k| [1.0, -1.0, 1.0][k] * p[k] * p[k] / omega[k].sin()); // (44)
        let rho = omega.map(|omega| (-0.5 * sigma * sigma * omega * omega).exp() / radius); // (50)
        let d = |a: usize, b: usize| p[a] * r[b] - r[a] * p[b];
        let (zeta_15, zeta_35) = (d(1, 2) / d(0, 1), d(2, 0) / d(0, 1)); // (52)
        let right = [1.0, radius * radius - sigma * sigma, zeta_15 * rho[0] + zeta_35 * rho[1] + rho[2]]; // (55)
        let rows = [p, r, [zeta_15, zeta_35, 1.0]]; // (56)
        let determinant = |m: [[f64; 3]; 3]| {
            let minor = |a: usize, b: usize| m[1][a] * m[2][b] - m[1][b] * m[2][a];
            m[0][0] * minor(1, 2) - m[0][1] * minor(0, 2) + m[0][2] * minor(0, 1)
        };
        let beta: [f64; 3] = std::array::from_fn(|column| {
            let mut replaced = rows;
            for (row, value) in replaced.iter_mut().zip(right) {
                row[column] = value;
            }
            determinant(replaced) / determinant(rows) // (53), by Cramer's rule
        });
        let tap = |at: f64| (0..3).map(|k| beta[k] * (omega[k] * at).cos()).sum::<f64>();
        assert!((tap(0.0) - f64::from(MIDDLE_TAP)).abs() < 1e-8);
        for (distance, value) in TAPS {
            assert!((tap(distance as f64) - f64::from(value)).abs() < 1e-8, "{distance}");
        }
        assert!(tap(radius).abs() < 1e-12, "the window ends there");
    }
}

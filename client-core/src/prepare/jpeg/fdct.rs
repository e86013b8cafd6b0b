//! The discrete cosine transform of 8 x 8 samples and its inverse (T.81, A.3.3), a row of eight at a time.

/// Eight rows of eight values.
pub(super) type Square = [[f32; 8]; 8];

/// The transform, turned: row u of the result holds the horizontal frequency u.
pub(super) fn forward(square: &mut Square) {
    down(square);
    transpose(square);
    down(square);
}

/// The samples that a transform, not turned, comes from.
pub(super) fn inverse(square: &mut Square) {
    up(square);
    transpose(square);
    up(square);
    transpose(square);
}

/// Transforms eight columns at once, by the symmetry of the cosines: even frequencies are of sums, odd of differences.
fn down(square: &mut Square) {
    let [a, b, c, d, e, f, g, h] = *square;
    let mut result = [[0.0; 8]; 8];
    for lane in 0..8 {
        let (s0, s1, s2, s3) = (a[lane] + h[lane], b[lane] + g[lane], c[lane] + f[lane], d[lane] + e[lane]);
        let (t0, t1, t2, t3) = (a[lane] - h[lane], b[lane] - g[lane], c[lane] - f[lane], d[lane] - e[lane]);
        result[0][lane] = C4 * ((s0 + s3) + (s1 + s2));
        result[4][lane] = C4 * ((s0 + s3) - (s1 + s2));
        result[2][lane] = C2 * (s0 - s3) + C6 * (s1 - s2);
        result[6][lane] = C6 * (s0 - s3) - C2 * (s1 - s2);
        result[1][lane] = C1 * t0 + C3 * t1 + C5 * t2 + C7 * t3;
        result[3][lane] = C3 * t0 - C7 * t1 - C1 * t2 - C5 * t3;
        result[5][lane] = C5 * t0 - C1 * t1 + C7 * t2 + C3 * t3;
        result[7][lane] = C7 * t0 - C5 * t1 + C3 * t2 - C1 * t3;
    }
    *square = result;
}

fn up(square: &mut Square) {
    let [a, b, c, d, e, f, g, h] = *square;
    let mut result = [[0.0; 8]; 8];
    for lane in 0..8 {
        let (x1, x3, x5, x7) = (b[lane], d[lane], f[lane], h[lane]);
        let (sum, difference) = (C4 * (a[lane] + e[lane]), C4 * (a[lane] - e[lane]));
        let (wide, narrow) = (C2 * c[lane] + C6 * g[lane], C6 * c[lane] - C2 * g[lane]);
        let even = [sum + wide, difference + narrow, difference - narrow, sum - wide];
        let odd = [
            C1 * x1 + C3 * x3 + C5 * x5 + C7 * x7,
            C3 * x1 - C7 * x3 - C1 * x5 - C5 * x7,
            C5 * x1 - C1 * x3 + C7 * x5 + C3 * x7,
            C7 * x1 - C5 * x3 + C3 * x5 - C1 * x7,
        ];
        for row in 0..4 {
            result[row][lane] = even[row] + odd[row];
            result[7 - row][lane] = even[row] - odd[row];
        }
    }
    *square = result;
}

pub(super) fn transpose(square: &mut Square) {
    let from = *square;
    for (row, values) in square.iter_mut().enumerate() {
        *values = [
            from[0][row],
            from[1][row],
            from[2][row],
            from[3][row],
            from[4][row],
            from[5][row],
            from[6][row],
            from[7][row],
        ];
    }
}

/// `cos(n * pi / 16) / 2`, so that the transform keeps lengths.
const C1: f32 = 0.490_392_65;
const C2: f32 = 0.461_939_77;
const C3: f32 = 0.415_734_8;
const C4: f32 = 0.353_553_4;
const C5: f32 = 0.277_785_12;
const C6: f32 = 0.191_341_71;
const C7: f32 = 0.097_545_16;

//! ICC profiles (ICC.1:2022) written from published primaries, and pictures turned into their colours by the formula.

use image::{Rgb, RgbImage};

/// x and y of red, green and blue under D65, and the exponent; none for the curve of sRGB.
#[derive(Clone, Copy)]
pub(super) struct Space {
    pub(super) primaries: [[f64; 2]; 3],
    pub(super) gamma: Option<f64>,
}

pub(super) const DISPLAY_P3: Space = Space { primaries: [[0.68, 0.32], [0.265, 0.69], [0.15, 0.06]], gamma: None };
pub(super) const ADOBE_RGB: Space =
    Space { primaries: [[0.64, 0.33], [0.21, 0.71], [0.15, 0.06]], gamma: Some(563.0 / 256.0) };
pub(super) const LINEAR: Space = Space { primaries: [[0.64, 0.33], [0.30, 0.60], [0.15, 0.06]], gamma: Some(1.0) };
const SRGB: Space = Space { gamma: None, ..LINEAR };

type Matrix = [[f64; 3]; 3];

impl Space {
    /// The values of a colour in this space, of 0 to 1.
    pub(super) fn values(&self, colour: Rgb<u8>) -> [f64; 3] {
        let light = colour.0.map(|value| linear(f64::from(value) / 255.0));
        times(&inverse(&self.matrix()), times(&SRGB.matrix(), light)).map(|light| {
            let light = light.clamp(0.0, 1.0);
            self.gamma.map_or_else(|| curved(light), |gamma| light.powf(1.0 / gamma))
        })
    }

    /// A picture whose bytes show `picture` in this space.
    pub(super) fn stored(&self, picture: &RgbImage) -> RgbImage {
        let mut stored = picture.clone();
        for pixel in stored.pixels_mut() {
            pixel.0 = self.values(*pixel).map(|value| (value * 255.0).round() as u8);
        }
        stored
    }

    /// The same in numbers of 16 bits.
    pub(super) fn stored_deep(&self, picture: &RgbImage) -> Vec<[u16; 3]> {
        picture.pixels().map(|pixel| self.values(*pixel).map(|value| (value * 65_535.0).round() as u16)).collect()
    }

    pub(super) fn icc(&self) -> Vec<u8> {
        let adapted = product(&BRADFORD, &self.matrix());
        let colorant = |column: usize| xyz([adapted[0][column], adapted[1][column], adapted[2][column]]);
        let curve = self.curve();
        profile(
            b"RGB ",
            b"XYZ ",
            &[
                (b"wtpt", xyz(D50)),
                (b"rXYZ", colorant(0)),
                (b"gXYZ", colorant(1)),
                (b"bXYZ", colorant(2)),
                (b"rTRC", curve.clone()),
                (b"gTRC", curve.clone()),
                (b"bTRC", curve),
            ],
        )
    }

    fn curve(&self) -> Vec<u8> {
        let numbers: Vec<u16> = match self.gamma {
            Some(gamma) => vec![(gamma * 256.0).round() as u16],
            None => (0..1024).map(|entry| (linear(f64::from(entry) / 1023.0) * 65_535.0).round() as u16).collect(),
        };
        curve(&numbers)
    }

    fn matrix(&self) -> Matrix {
        let [red, green, blue] = self.primaries.map(|[x, y]| [x / y, 1.0, (1.0 - x - y) / y]);
        let columns = [[red[0], green[0], blue[0]], [red[1], green[1], blue[1]], [red[2], green[2], blue[2]]];
        let [x, y] = [0.3127, 0.3290];
        let amounts = times(&inverse(&columns), [x / y, 1.0, (1.0 - x - y) / y]);
        columns.map(|row| [row[0] * amounts[0], row[1] * amounts[1], row[2] * amounts[2]])
    }
}

/// Grey of a plain exponent.
pub(super) fn icc_of_grey(gamma: f64) -> Vec<u8> {
    profile(b"GRAY", b"XYZ ", &[(b"wtpt", xyz(D50)), (b"kTRC", curve(&[(gamma * 256.0).round() as u16]))])
}

/// A press that prints yellow for cyan and cyan for yellow, and mixes plainly: whoever ignores the profile shows it.
pub(super) fn icc_of_odd_press() -> Vec<u8> {
    const GRID: usize = 11;
    let mut table = b"mft2\0\0\0\0\x04\x03".to_vec();
    table.extend([GRID as u8, 0]);
    for number in [1_i32, 0, 0, 0, 1, 0, 0, 0, 1] {
        table.extend((number << 16).to_be_bytes());
    }
    let straight =
        |count: usize| [0_u16, 65_535].repeat(count).into_iter().flat_map(u16::to_be_bytes).collect::<Vec<u8>>();
    table.extend([0, 2, 0, 2]);
    table.extend(straight(4));
    let step = |number: usize| number as f64 / (GRID - 1) as f64;
    for entry in 0..GRID.pow(4) {
        let [yellow, magenta, cyan, black] =
            [entry / GRID.pow(3), entry / GRID.pow(2) % GRID, entry / GRID % GRID, entry % GRID].map(step);
        let light = [cyan, magenta, yellow].map(|ink| linear((1.0 - ink) * (1.0 - black)));
        let [x, y, z] = times(&product(&BRADFORD, &SRGB.matrix()), light);
        let f = |t: f64| if t > 216.0 / 24_389.0 { t.cbrt() } else { (24_389.0 / 27.0 * t + 16.0) / 116.0 };
        let (x, y, z) = (f(x / D50[0]), f(y), f(z / D50[2]));
        // ICC.1:2001, 6.5.9: 100 is 0xff00, and 0 of a and b 0x8000.
        for number in [(116.0 * y - 16.0) * 652.8, (500.0 * (x - y) + 128.0) * 256.0, (200.0 * (y - z) + 128.0) * 256.0]
        {
            table.extend((number.round().clamp(0.0, 65_535.0) as u16).to_be_bytes());
        }
    }
    table.extend(straight(3));
    profile(b"CMYK", b"Lab ", &[(b"wtpt", xyz(D50)), (b"A2B0", table)])
}

fn profile(space: &[u8; 4], connection: &[u8; 4], tags: &[(&[u8; 4], Vec<u8>)]) -> Vec<u8> {
    let mut file = vec![0; 128];
    file[8] = 2;
    file[9] = 0x40;
    file[12..16].copy_from_slice(if space == b"CMYK" { b"prtr" } else { b"mntr" });
    file[16..20].copy_from_slice(space);
    file[20..24].copy_from_slice(connection);
    file[36..40].copy_from_slice(b"acsp");
    file[68..80].copy_from_slice(&xyz(D50)[8..]);
    file.extend((tags.len() as u32).to_be_bytes());
    let mut offset = file.len() + 12 * tags.len();
    for (name, payload) in tags {
        file.extend(*name);
        file.extend((offset as u32).to_be_bytes());
        file.extend((payload.len() as u32).to_be_bytes());
        offset += payload.len().next_multiple_of(4);
    }
    for (_, payload) in tags {
        file.extend(payload);
        file.resize(file.len().next_multiple_of(4), 0);
    }
    let length = (file.len() as u32).to_be_bytes();
    file[..4].copy_from_slice(&length);
    file
}

fn xyz(values: [f64; 3]) -> Vec<u8> {
    let numbers = values.into_iter().flat_map(|value| ((value * 65_536.0).round() as i32).to_be_bytes());
    b"XYZ \0\0\0\0".iter().copied().chain(numbers).collect()
}

fn curve(numbers: &[u16]) -> Vec<u8> {
    let mut tag = b"curv\0\0\0\0".to_vec();
    tag.extend((numbers.len() as u32).to_be_bytes());
    tag.extend(numbers.iter().flat_map(|number| number.to_be_bytes()));
    tag
}

pub(super) fn linear(value: f64) -> f64 {
    if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
}

pub(super) fn curved(light: f64) -> f64 {
    if light <= 0.003_130_8 { 12.92 * light } else { 1.055 * light.powf(1.0 / 2.4) - 0.055 }
}

fn times(matrix: &Matrix, [x, y, z]: [f64; 3]) -> [f64; 3] {
    matrix.map(|row| row[0] * x + row[1] * y + row[2] * z)
}

fn product(a: &Matrix, b: &Matrix) -> Matrix {
    a.map(|row| [0, 1, 2].map(|column| (0..3).map(|k| row[k] * b[k][column]).sum()))
}

fn inverse(m: &Matrix) -> Matrix {
    let minor = |r: usize, c: usize| {
        let ([r1, r2], [c1, c2]) = ([(r + 1) % 3, (r + 2) % 3], [(c + 1) % 3, (c + 2) % 3]);
        m[r1][c1] * m[r2][c2] - m[r1][c2] * m[r2][c1]
    };
    let determinant: f64 = (0..3).map(|c| m[0][c] * minor(0, c)).sum();
    [0, 1, 2].map(|r| [0, 1, 2].map(|c| minor(c, r) / determinant))
}

const D50: [f64; 3] = [0.9642, 1.0, 0.8249];
/// From D65 to D50.
const BRADFORD: Matrix = [
    [1.047_811_2, 0.022_886_6, -0.050_127],
    [0.029_542_4, 0.990_484_4, -0.017_049_1],
    [-0.009_234_5, 0.015_043_6, 0.752_131_6],
];

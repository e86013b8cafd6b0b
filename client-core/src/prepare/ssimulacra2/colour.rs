//! From sRGB to light, and from light to XYB, the colours of JPEG XL (ISO/IEC 18181-1), moved to between 0 and 1.

use super::LEAST_EDGE_PX;

/// A channel of XYB: red against green, luma, blue against luma.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Channel {
    X,
    Y,
    B,
}

impl Channel {
    pub(super) const ALL: [Self; 3] = [Self::X, Self::Y, Self::B];

    pub(super) const fn of_mut<T>(self, [x, y, b]: &mut [T; 3]) -> &mut T {
        match self {
            Self::X => x,
            Self::Y => y,
            Self::B => b,
        }
    }
}

/// A picture as linear light: a plane each for red, green and blue.
pub(super) struct Light {
    pub(super) width: usize,
    pub(super) height: usize,
    red: Vec<f32>,
    green: Vec<f32>,
    blue: Vec<f32>,
}

impl Light {
    /// Of bytes in sRGB, three to a pixel; a side that is too short is extended.
    pub(super) fn of(rgb: &[u8], width: usize) -> Self {
        let linear: [f32; 256] = std::array::from_fn(|byte| linear_of(byte as f32 / 255.0));
        let (pixels, _) = rgb.as_chunks::<3>();
        let light_of = |byte: u8| linear.get(usize::from(byte)).copied().unwrap_or_default();
        let [mut red, mut green, mut blue] = [(); 3].map(|()| vec![0.0; pixels.len()]);
        let planes = red.iter_mut().zip(&mut green).zip(&mut blue);
        for ([r, g, b], ((red, green), blue)) in pixels.iter().zip(planes) {
            (*red, *green, *blue) = (light_of(*r), light_of(*g), light_of(*b));
        }
        let light = Self { width, height: pixels.len().checked_div(width).unwrap_or_default(), red, green, blue };
        if light.width.min(light.height) < LEAST_EDGE_PX { light.extended() } else { light }
    }

    fn extended(&self) -> Self {
        let width = self.width.max(LEAST_EDGE_PX);
        let height = self.height.max(LEAST_EDGE_PX);
        let plane = |plane: &[f32]| {
            let row = |row: &[f32]| {
                let last = row.last().copied().unwrap_or_default();
                row.iter().copied().chain(std::iter::repeat(last)).take(width).collect::<Vec<_>>()
            };
            let rows: Vec<_> = plane.chunks_exact(self.width.max(1)).map(row).collect();
            let last = rows.last().cloned().unwrap_or_else(|| vec![0.0; width]);
            rows.into_iter().chain(std::iter::repeat(last)).take(height).flatten().collect()
        };
        Self { width, height, red: plane(&self.red), green: plane(&self.green), blue: plane(&self.blue) }
    }

    /// Half the width and height, rounded up: each pixel the mean of four, repeated where there are fewer.
    pub(super) fn halved(&self) -> Self {
        let plane = |plane: &[f32]| halved(plane, self.width);
        Self {
            width: self.width.div_ceil(2),
            height: self.height.div_ceil(2),
            red: plane(&self.red),
            green: plane(&self.green),
            blue: plane(&self.blue),
        }
    }

    /// The channels that are wanted, in the order of [`Channel::ALL`].
    pub(super) fn channels(&self, is_wanted: impl Fn(&Channel) -> bool) -> Vec<(Channel, Vec<f32>)> {
        let wanted: Vec<_> = Channel::ALL.into_iter().filter(is_wanted).collect();
        if wanted.is_empty() {
            return Vec::new();
        }
        let (long, middle) = (self.absorbed(LONG), self.absorbed(MIDDLE));
        let channel = |channel| match channel {
            Channel::X => merged(&long, &middle, |long, middle| (long - middle) * 7.0 + 0.42),
            Channel::Y => merged(&long, &middle, |long, middle| (long + middle) * 0.5 + 0.01),
            Channel::B => {
                let luma = merged(&long, &middle, |long, middle| (long + middle) * 0.5);
                merged(&self.absorbed(SHORT), &luma, |short, luma| (short - luma) + 0.55)
            }
        };
        wanted.into_iter().map(|wanted| (wanted, channel(wanted))).collect()
    }

    /// What one kind of cones takes up, as the cube root that stands for the eye's response.
    fn absorbed(&self, [red, green, blue]: [f32; 3]) -> Vec<f32> {
        let none = cube_root(BIAS);
        let light = self.red.iter().zip(&self.green).zip(&self.blue);
        light.map(|((r, g), b)| cube_root((red * r + green * g + blue * b + BIAS).max(0.0)) - none).collect()
    }
}

fn merged(one: &[f32], other: &[f32], merge: impl Fn(f32, f32) -> f32) -> Vec<f32> {
    one.iter().zip(other).map(|(one, other)| merge(*one, *other)).collect()
}

fn halved(plane: &[f32], width: usize) -> Vec<f32> {
    let mut half = Vec::with_capacity(plane.len().div_ceil(2));
    for rows in plane.chunks(width.saturating_mul(2).max(1)) {
        let (top, bottom) = rows.split_at(width.min(rows.len()));
        let bottom = if bottom.is_empty() { top } else { bottom };
        let (pairs, last) = top.as_chunks::<2>();
        let (pairs_below, last_below) = bottom.as_chunks::<2>();
        half.extend(pairs.iter().zip(pairs_below).map(|([a, b], [c, d])| (a + b + c + d) * 0.25));
        half.extend(last.iter().zip(last_below).map(|(a, c)| (a + c) * 0.5));
    }
    half
}

/// IEC 61966-2-1.
fn linear_of(encoded: f32) -> f32 {
    if encoded <= 0.04045 { encoded / 12.92 } else { ((encoded + 0.055) / 1.055).powf(2.4) }
}

/// To the last digits, for what is not negative: a third of the exponent, then Halley's iteration twice. Unlike the
/// standard library's it is the same everywhere, and works on several numbers at a time.
fn cube_root(number: f32) -> f32 {
    let halley = |root: f32| {
        let cube = root * root * root;
        root * (cube + number + number) / (cube + cube + number)
    };
    halley(halley(f32::from_bits((number.to_bits() / 3).wrapping_add(THIRD_OF_EXPONENT))))
}

/// Two thirds of the exponent's bias, moved by what makes the first guess best.
const THIRD_OF_EXPONENT: u32 = 0x2a51_37a0;
/// Of red, green and blue light, what the three kinds of cones absorb.
const LONG: [f32; 3] = [0.30, 0.622, 0.078];
const MIDDLE: [f32; 3] = [0.23, 0.692, 0.078];
const SHORT: [f32; 3] = [0.243_422_69, 0.204_767_45, 0.551_809_86];
const BIAS: f32 = 0.003_793_073_4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cube_root_is_exact_to_six_digits() {
        for step in 0_u16..=10_000 {
            let number = 0.0037 + f32::from(step) / 9_000.0;
            assert!((cube_root(number) / number.cbrt() - 1.0).abs() < 4e-7, "{number}");
        }
    }
}

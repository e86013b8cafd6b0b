//! What is written is what decoders show, and costs no more than it must.

mod blocks;
mod entropy;
mod rounding;

use super::{Colour, Pixels, Quantised, Sampling, Transformed};

/// Noise that is the same every time.
struct Noise(u32);

impl Noise {
    fn byte(&mut self) -> u8 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (self.0 >> 24) as u8
    }
}

/// A picture of slopes and edges with some noise over it.
fn scene(width: u16, height: u16, colour: Colour) -> Vec<u8> {
    let mut noise = Noise(7);
    let channels = if colour == Colour::Grey { 1 } else { 3 };
    let places = (0..u32::from(height)).flat_map(|y| (0..u32::from(width)).map(move |x| (x, y)));
    let pixel = |(x, y): (u32, u32)| {
        let dark = u32::from((x / 19 + y / 23) % 3 == 0) * 70;
        [60 + x % 140 + y % 50, 220 - dark - (x + 2 * y) % 90, 40 + dark + (3 * x + y) % 110]
    };
    places
        .flat_map(|at| pixel(at).into_iter().take(channels))
        .map(|v| (v + u32::from(noise.byte() / 16)) as u8)
        .collect()
}

fn quantised(
    samples: &[u8],
    (width, height): (u16, u16),
    colour: Colour,
    sampling: Sampling,
    quality: u8,
) -> Quantised {
    Transformed::of(&Pixels { samples, width, height, colour }, sampling).unwrap().quantised(quality)
}

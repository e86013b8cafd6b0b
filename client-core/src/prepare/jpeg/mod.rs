//! A JPEG encoder of our own (ITU-T T.81, JFIF), in safe Rust.
//!
//! ```text
//!  pixels ─colour─▶ bands ─fdct─▶ Transformed ─trellis─▶ Quantised ─┬─scans, entropy─▶ file
//!                                  (kept, to try again)             └─reconstruct────▶ what a decoder will show
//! ```
//!
//! What makes files small, in the order of its weight: each coefficient is rounded to where the sum of error and bits is
//! least (`trellis`), the bits are laid out progressively in the scans that suit the picture (`script`), and every scan
//! has Huffman tables of its own (`huffman`). No colour profile is written: the pixels are
//! sRGB, which is what a JPEG without one is taken for.

#![expect(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::indexing_slicing,
    reason = "sides have 16 bits, coefficients 16, counts at most 3 * 2^32 / 64 blocks of 64, so sums fit their types; an \
              index is a place below 64, a byte into a table of 256, or a block's place in its plane"
)]

mod bits;
mod blocks;
mod colour;
mod fdct;
mod huffman;
mod markers;
mod progressive;
mod quantise;
mod reconstruct;
mod script;
mod sequential;
#[cfg(test)]
mod tests;
mod transform;
mod trellis;

use blocks::Plane;
use quantise::Table;

/// Pixels, row by row from the top, without gaps.
#[derive(Clone, Copy)]
pub struct Pixels<'a> {
    /// `width * height` samples of grey, or three times as many of red, green, blue.
    pub samples: &'a [u8],
    /// Columns.
    pub width: u16,
    /// Rows.
    pub height: u16,
    /// What a sample is.
    pub colour: Colour,
}

/// What the samples of a pixel are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    /// One sample.
    Grey,
    /// Three samples, sRGB.
    Rgb,
}

/// How finely the colour differences are kept; means nothing for grey.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sampling {
    /// 4:4:4, for each pixel.
    Full,
    /// 4:2:2, for each two pixels of a row.
    Half,
    /// 4:2:0, for each square of four pixels.
    Quarter,
}

impl Sampling {
    /// What is smaller at equal looks for most photographs, at a quality of the Independent JPEG Group.
    #[must_use]
    pub const fn suiting(quality: u8) -> Self {
        if quality < FULL_FROM { Self::Quarter } else { Self::Full }
    }
}

/// From here on, fine colour is worth its bits.
const FULL_FROM: u8 = 90;

/// A picture as unrounded coefficients: made once, encoded at as many qualities as one likes.
#[derive(Clone)]
pub struct Transformed {
    width: u16,
    height: u16,
    planes: Vec<Plane>,
}

/// A picture as rounded coefficients: all that a file says of it.
pub struct Quantised {
    width: u16,
    height: u16,
    planes: Vec<Plane>,
    tables: Vec<Table>,
}

impl Transformed {
    /// Takes two bytes per sample of memory. `None` where a side is 0 or the samples are not as many as the sides say.
    #[must_use]
    pub fn of(pixels: &Pixels<'_>, sampling: Sampling) -> Option<Self> {
        let channels = if pixels.colour == Colour::Grey { 1 } else { 3 };
        let (width, height) = (usize::from(pixels.width), usize::from(pixels.height));
        let is_whole = width > 0 && height > 0 && pixels.samples.len() == width * height * channels;
        let planes = is_whole.then(|| transform::planes(pixels, sampling))?;
        Some(Self { width: pixels.width, height: pixels.height, planes })
    }

    /// Rounds the coefficients, in place: clone first what is to be rounded again. Qualities are those of the
    /// Independent JPEG Group, 1 to 100; others count as the nearest of these.
    #[must_use]
    pub fn quantised(mut self, quality: u8) -> Quantised {
        let tables = quantise::tables(quality, self.planes.len());
        for (number, (plane, table)) in self.planes.iter_mut().zip(&tables).enumerate() {
            let weight = if number == 0 { trellis::LUMA_WEIGHT } else { trellis::CHROMA_WEIGHT };
            trellis::quantise(plane, table, weight);
        }
        Quantised { width: self.width, height: self.height, planes: self.planes, tables }
    }
}

impl Quantised {
    /// The file: progressive or sequential, whichever is smaller.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let scans = script::best(self);
        let mut file = markers::head(self, scans.is_some());
        match scans {
            Some(scans) => progressive::write(self, &scans, &mut file),
            None => sequential::write(self, &mut file),
        }
        markers::end(&mut file);
        file
    }

    /// What decoders show for the file, in as many samples per pixel as went in; they differ by a level or two.
    #[must_use]
    pub fn reconstruct(&self) -> Vec<u8> {
        reconstruct::pixels(self)
    }
}

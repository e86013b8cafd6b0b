//! How much a compressed picture differs from what it was made of, as people see it: SSIMULACRA 2.
//!
//! The measure of Jon Sneyers (Cloudinary, version 2.1 of April 2023, published with libjxl and described at
//! <https://github.com/cloudinary/ssimulacra2>): 100 is equal, 90 cannot be told apart, 80 is what is called visually
//! lossless side by side, 70 is high quality. Six sizes, each half the one before; at each size, and for each channel
//! of XYB, three maps of errors (structure, edges that were not there, edges that are lost), of each two norms; the
//! score is a weighted sum of these 108.
//!
//! A part cut out of a picture is measured only as far from the cut as what lies beyond does not matter, so that parts
//! of a picture together score what the whole does.
//!
//! The half that depends on the reference alone is computed once. Norms whose weight cannot move the score by a tenth
//! are not computed at all: of the full size, only the luma is.

mod blur;
mod colour;
mod maps;
mod score;
#[cfg(test)]
mod tests;

use colour::{Channel, Light};
use maps::{Plane, Sums};
use score::{SCALES, is_weighed, score_of};

/// A picture to compare others with.
pub(super) struct Reference {
    width: usize,
    height: usize,
    scales: Vec<Vec<(Channel, Plane)>>,
}

/// Errors of one picture, or of several parts of one that are to be judged together.
#[derive(Clone, Default)]
pub(super) struct Errors {
    scales: Vec<[Sums; 3]>,
}

/// On which sides a part was cut out of its picture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Cuts {
    pub(super) left: bool,
    pub(super) right: bool,
    pub(super) top: bool,
    pub(super) bottom: bool,
}

impl Reference {
    /// From red, green and blue in sRGB, a byte each. Sides below 8 pixels are extended by repeating the last pixel.
    ///
    /// A part that is cut begins and ends at multiples of 32 pixels, or with the picture.
    pub(super) fn of(rgb: &[u8], width: usize, cuts: Cuts) -> Self {
        let light = Light::of(rgb, width);
        let (width, height) = (light.width, light.height);
        let mut scales = Vec::new();
        let count = scales_of(width, height);
        each_scale(light, count, |scale, light| {
            let weighed = |channel: &Channel| is_weighed(*channel, scale, count);
            let planes = light.channels(weighed).into_iter();
            scales.push(planes.map(|(channel, pixels)| (channel, Plane::of(pixels, light.width, cuts))).collect());
        });
        Self { width, height, scales }
    }

    /// What differs in a picture of the same size; `None` if it has another.
    pub(super) fn compare(&self, rgb: &[u8], width: usize) -> Option<Errors> {
        let light = Light::of(rgb, width);
        if (light.width, light.height) != (self.width, self.height) {
            return None;
        }
        let mut errors = Errors::default();
        let mut planes = self.scales.iter();
        each_scale(light, self.scales.len(), |_, light| {
            let mut sums = [Sums::default(); 3];
            let references = planes.next().map(Vec::as_slice).unwrap_or_default();
            let pixels = light.channels(|channel| references.iter().any(|(other, _)| other == channel));
            for ((channel, reference), (_, pixels)) in references.iter().zip(pixels) {
                *channel.of_mut(&mut sums) = reference.compare(&pixels, light.width);
            }
            errors.scales.push(sums);
        });
        Some(errors)
    }
}

impl Errors {
    /// Takes in what differs elsewhere, as if both were parts of one picture.
    pub(super) fn add(&mut self, other: &Self) {
        if self.scales.len() < other.scales.len() {
            self.scales.resize(other.scales.len(), [Sums::default(); 3]);
        }
        for (ours, theirs) in self.scales.iter_mut().flatten().zip(other.scales.iter().flatten()) {
            ours.add(theirs);
        }
    }

    /// The score: 100 where nothing differs, below zero where little is left.
    pub(super) fn score(&self) -> f64 {
        score_of(&self.scales)
    }
}

/// How often a picture is halved before a side would begin below 8 pixels.
fn scales_of(width: usize, height: usize) -> usize {
    let shorter = width.min(height);
    let enough = |scale: &usize| {
        // The size from which this one is halved.
        let before = u32::try_from(scale.saturating_sub(1)).unwrap_or(u32::MAX);
        shorter.div_ceil(2_usize.saturating_pow(before)) >= LEAST_EDGE_PX
    };
    (0..SCALES).take_while(enough).count()
}

fn each_scale(mut light: Light, count: usize, mut visit: impl FnMut(usize, &Light)) {
    for scale in 0..count {
        if scale > 0 {
            light = light.halved();
        }
        visit(scale, &light);
    }
}

const LEAST_EDGE_PX: usize = 8;

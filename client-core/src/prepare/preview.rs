//! The thumbhash: some twenty bytes inside the manifest that show a blur of the photo before it is fetched (thumbhash).

use image::{DynamicImage, metadata::Orientation};

use super::{encode::resized, error::PictureError};

/// A thumbhash of a picture, turned upright after it was shrunk.
///
/// # Errors
/// [`PictureError::Unsupported`] for pixels that cannot be resized, which no decoder here returns.
pub(super) fn thumbhash(picture: &DynamicImage, orientation: Orientation) -> Result<Vec<u8>, PictureError> {
    let small = resized(picture, EDGE_PX)?;
    let mut small = DynamicImage::from(small.as_ref().unwrap_or(picture).to_rgba8());
    small.apply_orientation(orientation);
    let (Ok(width), Ok(height)) = (usize::try_from(small.width()), usize::try_from(small.height())) else {
        return Err(PictureError::Unsupported);
    };
    Ok(thumbhash::rgba_to_thumb_hash(width, height, small.as_bytes()))
}

/// A photo as it looks from far away.
#[derive(Clone, PartialEq, Eq)]
pub struct Blur {
    /// Pixels from left to right; at most 32.
    pub width: u32,
    /// Pixels from top to bottom; at most 32.
    pub height: u32,
    /// Red, green, blue and alpha, a byte each, row by row from the top.
    pub rgba: Vec<u8>,
}

impl core::fmt::Debug for Blur {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let Self { width, height, rgba: _ } = self;
        write!(f, "Blur({width} x {height})")
    }
}

/// The blur that a thumbhash holds; `None` where it holds none. Made for a peer's bytes: whatever they are, the work and
/// the result are small.
#[must_use]
pub fn blur_of(thumbhash: &[u8]) -> Option<Blur> {
    if thumbhash.len() > MAX_BYTES {
        return None;
    }
    let (width, height, rgba) = thumbhash::thumb_hash_to_rgba(thumbhash).ok()?;
    let is_small = |edge: &u32| (1..=BLUR_EDGE_PX).contains(edge);
    let width = u32::try_from(width).ok().filter(is_small)?;
    let height = u32::try_from(height).ok().filter(is_small)?;
    Some(Blur { width, height, rgba })
}

/// More is refused by the format and would not show.
const EDGE_PX: u32 = 100;
const BLUR_EDGE_PX: u32 = 32;
/// The longest that a manifest holds.
const MAX_BYTES: usize = lightproof_e2ee::manifest::THUMBHASH_BYTES;

#[cfg(test)]
mod tests {
    use image::RgbaImage;
    use rand_chacha::{
        ChaCha20Rng,
        rand_core::{Rng as _, SeedableRng as _},
    };

    use super::*;

    #[test]
    fn no_bytes_of_a_peer_make_a_large_blur_or_end_the_program() {
        let mut rng = ChaCha20Rng::from_seed([9; 32]);
        let (mut drawn, mut refused) = (0_u32, 0_u32);
        for length in 0..=40_usize {
            for case in 0..1_000_u32 {
                let mut bytes = vec![0; length];
                rng.fill_bytes(&mut bytes);
                // Half of them with few bits set, or few unset, so that every edge of the header is met.
                if case.is_multiple_of(2) {
                    let fill = if case.is_multiple_of(4) { 0x00 } else { 0xff };
                    bytes.iter_mut().filter(|byte| **byte & 3 != 0).for_each(|byte| *byte = fill);
                }
                match blur_of(&bytes) {
                    Some(Blur { width, height, rgba }) => {
                        assert!((1..=32).contains(&width) && (1..=32).contains(&height), "{bytes:?}");
                        assert_eq!(u32::try_from(rgba.len()), Ok(width * height * 4), "{bytes:?}");
                        assert!((5..=32).contains(&length));
                        drawn += 1;
                    }
                    None => refused += 1,
                }
            }
        }
        assert!(drawn > 3_000 && refused > 10_000, "{drawn} drawn, {refused} refused");
        println!("evidence: P16 | {drawn} thumbhashes of random bytes drawn within 32 x 32, {refused} refused | -");
    }

    #[test]
    fn a_blur_has_the_colours_of_its_picture() {
        let halves = RgbaImage::from_fn(90, 60, |x, _| {
            image::Rgba(if x < 45 { [230, 30, 30, 255] } else { [20, 40, 220, 255] })
        });
        let blur = blur_of(&thumbhash(&halves.into(), Orientation::NoTransforms).unwrap()).unwrap();
        assert!(blur.width > blur.height, "{} x {}", blur.width, blur.height);
        let blur = RgbaImage::from_raw(blur.width, blur.height, blur.rgba).unwrap();
        let (left, right) =
            (blur.get_pixel(3, blur.height() / 2).0, blur.get_pixel(blur.width() - 4, blur.height() / 2).0);
        assert!(left[0] > left[2].saturating_add(80) && right[2] > right[0].saturating_add(80), "{left:?} {right:?}");
    }

    #[test]
    fn a_header_without_a_shape_makes_no_blur() {
        // Landscape, and no terms of luminance from top to bottom: infinitely flat.
        assert_eq!(blur_of(&[0, 0, 0, 0, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]), None);
        assert_eq!(blur_of(&[]), None);
    }
}

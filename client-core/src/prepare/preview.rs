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

/// More is refused by the format and would not show.
const EDGE_PX: u32 = 100;

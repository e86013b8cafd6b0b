//! PNG (third edition), and what its chunks say of the colours.

use std::io::Cursor;

use image::codecs::png::PngDecoder;

use super::{
    super::{
        colour::{Colours, Gamma},
        error::PictureError,
    },
    Decoded, Limits, image_limits, read,
};

pub(super) fn decode(bytes: &[u8], limits: &Limits) -> Result<Decoded, PictureError> {
    let mut bounds = image_limits(limits);
    // In PNG this bound is for one row and for what is unpacked beside the picture: here, a colour profile.
    bounds.max_alloc = Some(CHUNKS_BYTES);
    let mut decoded = read(PngDecoder::with_limits(Cursor::new(bytes), bounds)?, limits)?;
    decoded.colours = colours(bytes, decoded.colours);
    Ok(decoded)
}

/// Section 4.3: `cICP` before `iCCP` before `sRGB` before `gAMA` and `cHRM`.
fn colours(bytes: &[u8], of_profile: Colours) -> Colours {
    let chunk = |kind: &[u8; 4]| chunks(bytes).find(|(found, _)| *found == kind).map(|(_, payload)| payload);
    if let Some(&[primaries, transfer, matrix, range]) = chunk(b"cICP") {
        return Colours::Cicp([primaries, transfer, matrix, range]);
    }
    if chunk(b"iCCP").is_some() {
        // A profile that could not even be unpacked is none, and that is to be told.
        return if of_profile == Colours::Srgb { Colours::Icc(Vec::new()) } else { of_profile };
    }
    if chunk(b"sRGB").is_some() {
        return Colours::Srgb;
    }
    let Some(gamma) = chunk(b"gAMA").and_then(<[u8]>::first_chunk).map(|value| u32::from_be_bytes(*value)) else {
        return Colours::Srgb;
    };
    let chromaticities = chunk(b"cHRM").and_then(<[u8]>::first_chunk::<32>).map(|values| {
        let mut numbers = values.as_chunks::<4>().0.iter().map(|value| u32::from_be_bytes(*value));
        [(); 8].map(|()| numbers.next().unwrap_or_default())
    });
    Gamma { gamma, chromaticities }.into_colours()
}

/// Kind and payload of each chunk before the picture data.
fn chunks(bytes: &[u8]) -> impl Iterator<Item = (&[u8; 4], &[u8])> {
    let mut rest = bytes.get(8..).unwrap_or_default();
    std::iter::from_fn(move || {
        let (length, after) = rest.split_first_chunk::<4>()?;
        let (kind, after) = after.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        let (payload, after) = after.split_at_checked(length)?;
        rest = after.get(4..)?;
        (kind != b"IDAT").then_some((kind, payload))
    })
}

const CHUNKS_BYTES: u64 = 16 << 20;

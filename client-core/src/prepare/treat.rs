//! The three treatments, each from a file to what is sent and what is known of it.

use std::io::{Read, Seek, SeekFrom};

use image::{DynamicImage, metadata::Orientation};
use lightproof_e2ee::manifest::{MediaType, Treatment};
use lightproof_wire::hash::Digest;

use super::{
    Facts, MAX_SOURCE_BYTES, PrepareError, PrepareOptions, Removed,
    choice::{at_most, smallest},
    cleaned::{Carry, Cleaned, Metadata, read_up_to, unreadable},
    colour::{Colours, Managed},
    compression::Compression,
    decode::Decoded,
    encode::{self, Encoded, plain, resized},
    error::PictureError,
    format::{self, Format},
    pieces::Pieces,
    preview::thumbhash,
    report::{Carrier, Fate, Found, compare_thumbnail},
    view::{found_in, is_on_its_side},
};

/// A photo in the form it is sent in.
pub(super) struct Made {
    pub(super) sent: Sent,
    pub(super) facts: Facts,
    pub(super) removed: Vec<Removed>,
    /// SHA-256 of the file; of one that is sent as it is, sealing takes it.
    pub(super) source_digest: Option<Digest>,
}

/// What is sent.
pub(super) enum Sent {
    /// A picture that was encoded again.
    Encoded(Vec<u8>),
    /// The picture data of the file in another container, and the SHA-256 of all of it.
    Rebuilt(Pieces, Digest),
    /// The file.
    Whole(u64),
}

impl Sent {
    /// How long it is.
    pub(super) fn length_bytes(&self) -> u64 {
        match self {
            Self::Encoded(bytes) => u64::try_from(bytes.len()).unwrap_or(u64::MAX),
            Self::Rebuilt(pieces, _) => pieces.length_bytes(),
            Self::Whole(length_bytes) => *length_bytes,
        }
    }
}

/// Does to a file what the options ask for.
///
/// # Errors
/// [`PrepareError`], the file's fault.
pub(super) fn treat<R: Read + Seek>(source: &mut R, options: &PrepareOptions) -> Result<Made, PrepareError> {
    let length_bytes = source.seek(SeekFrom::End(0)).map_err(unreadable)?;
    let format = Format::of(&read_up_to(source, format::HEAD_BYTES as u64)?);
    if options.treatment == Treatment::Exact {
        let (facts, found) = look_inside(source, format, length_bytes)?;
        let removed = with_fates(found, |_| true);
        return Ok(Made { sent: Sent::Whole(length_bytes), facts, removed, source_digest: None });
    }
    let format = format.ok_or(PrepareError::NotAnImage)?;
    if !format.is_decodable() {
        return Err(PrepareError::UnsupportedFormat(format.name()));
    }
    if length_bytes > MAX_SOURCE_BYTES {
        return Err(PrepareError::TooManyBytes);
    }
    let bytes = read_up_to(source, MAX_SOURCE_BYTES)?;
    let source_digest = Some(Digest::of(&bytes));
    let made = if options.treatment == Treatment::Original {
        original(source, bytes, format, options)?
    } else {
        compressed(source, bytes, format, options)?
    };
    Ok(Made { source_digest, ..made })
}

/// Small, upright, in sRGB, and without metadata because nothing but pixels is carried over.
fn compressed<R: Read + Seek>(
    file: &mut R,
    bytes: Vec<u8>,
    format: Format,
    options: &PrepareOptions,
) -> Result<Made, PrepareError> {
    let length = bytes.len();
    let mut source = Cleaned::of(&bytes, format, if options.keep_metadata { Carry::Blocks } else { Carry::Nothing })?;
    let decoded = source.decode(file, bytes)?;
    compare_thumbnail(&mut source.found, source.exif.as_deref(), &decoded.picture);
    let orientation = decoded.orientation;
    let (picture, managed) = decoded.in_srgb();
    if managed == Managed::Unusable {
        source.found.push(Found::unusable_profile());
    }
    let picture = plain(picture);
    let dimensions = upright_size(&picture, orientation);
    let mut picture = resized(&picture, options.max_edge.max(1))?.unwrap_or(picture);
    // After the resize, because turning makes a second copy.
    picture.apply_orientation(orientation);
    let (mut encoded, mut compression) = smallest(&picture, options.quality)?;
    // What is stored turned is worth the few bytes that the metadata took, to be really turned.
    let bound = if orientation == Orientation::NoTransforms { source.clean_bytes().unwrap_or(length) } else { length };
    if source.can_be_sent() && bound <= encoded.bytes.len() {
        // A lossy pass that saves nothing would only cost quality. But scans that others show wrongly are not passed on.
        if !source.is_non_interleaved {
            let facts = facts(&picture, source.format)?;
            let compression = Some(Compression::Kept);
            return source.into_made(file, Facts { dimensions: Some(dimensions), compression, ..facts });
        }
        if let Some(smaller) = at_most(&picture, bound) {
            (encoded, compression) = smaller;
        }
    }
    let facts = Facts { compression: Some(compression), ..facts(&picture, encoded.format)? };
    let Cleaned { found, mut exif, xmp, .. } = source;
    if let Some(block) = &mut exif {
        // The pixels are upright now, and the block must not turn them again.
        let _ = Orientation::remove_from_exif_chunk(block);
    }
    let carried = Metadata { exif, xmp }.filter(options.keep_metadata);
    let (bytes, kept) = carried.attach(encoded)?;
    let removed = with_fates(found, |carrier| kept.contains(&carrier));
    Ok(Made { sent: Sent::Encoded(bytes), facts, removed, source_digest: None })
}

/// The same picture data in a cleaned container; BMP and TIFF, whose containers are not cleaned, as a PNG with equal pixels.
fn original<R: Read + Seek>(
    file: &mut R,
    bytes: Vec<u8>,
    format: Format,
    options: &PrepareOptions,
) -> Result<Made, PrepareError> {
    if matches!(format, Format::Gif | Format::JpegXl) {
        return Err(PrepareError::NoOriginal(format.name()));
    }
    let mut source =
        Cleaned::of(&bytes, format, if options.keep_metadata { Carry::Everything } else { Carry::Nothing })?;
    if source.is_animated {
        return Err(PrepareError::Animated(format.name()));
    }
    let decoded = source.decode(file, bytes)?;
    compare_thumbnail(&mut source.found, source.exif.as_deref(), &decoded.picture);
    if source.can_be_sent() {
        return source.into_made(file, facts_before_turning(decoded, format)?);
    }
    let Decoded { mut picture, orientation, colours } = decoded;
    let icc = match colours {
        Colours::Inks(_) => return Err(PrepareError::NoOriginal("CMYK TIFF")),
        Colours::Icc(icc) => Some(icc),
        _ => None,
    };
    if matches!(picture, DynamicImage::ImageRgb32F(_) | DynamicImage::ImageRgba32F(_)) {
        return Err(PrepareError::NoOriginal("floating-point TIFF"));
    }
    picture.apply_orientation(orientation);
    let Encoded { bytes, format } = encode::png(&picture, icc.as_deref())?;
    let removed = with_fates(source.found, |carrier| carrier == Carrier::Icc);
    Ok(Made { sent: Sent::Encoded(bytes), facts: facts(&picture, format)?, removed, source_digest: None })
}

/// What `exact` can say of a file: all that is found stays inside.
fn look_inside<R: Read + Seek>(
    source: &mut R,
    format: Option<Format>,
    length_bytes: u64,
) -> Result<(Facts, Vec<Found>), PrepareError> {
    let unknown = Facts {
        media_type: format.map_or(MediaType::Other, Format::media_type),
        dimensions: None,
        thumbhash: Vec::new(),
        compression: None,
    };
    if format.is_some() && length_bytes > MAX_INSPECTED_BYTES {
        return Ok((unknown, vec![Found::not_inspected("the file is too large to look inside")]));
    }
    let Some(format) = format else { return Ok((unknown, found_in(&[], None))) };
    let bytes = read_up_to(source, MAX_INSPECTED_BYTES)?;
    let found = found_in(&bytes, Some(format));
    let facts = facts_of_file(source, bytes, format).unwrap_or(unknown);
    Ok((facts, found))
}

fn facts_of_file<R: Read + Seek>(file: &mut R, bytes: Vec<u8>, format: Format) -> Result<Facts, PrepareError> {
    Ok(facts_before_turning(Cleaned::of(&bytes, format, Carry::Nothing)?.decode(file, bytes)?, format)?)
}

/// The report, with what became of everything by where it was.
pub(super) fn with_fates(found: Vec<Found>, is_kept: impl Fn(Carrier) -> bool) -> Vec<Removed> {
    let fate = |found: &Found| if is_kept(found.carrier()) { Fate::Kept } else { Fate::Removed };
    found.into_iter().map(|found| (fate(&found), found)).map(|(fate, found)| found.into_removed(fate)).collect()
}

fn facts(upright: &DynamicImage, format: Format) -> Result<Facts, PictureError> {
    let dimensions = Some((upright.width(), upright.height()));
    let thumbhash = thumbhash(upright, Orientation::NoTransforms)?;
    Ok(Facts { media_type: format.media_type(), dimensions, thumbhash, compression: None })
}

/// Shrinks before it turns, so that a large picture is not copied.
fn facts_before_turning(decoded: Decoded, format: Format) -> Result<Facts, PictureError> {
    let orientation = decoded.orientation;
    let (picture, _) = decoded.in_srgb();
    let dimensions = Some(upright_size(&picture, orientation));
    let thumbhash = thumbhash(&picture, orientation)?;
    Ok(Facts { media_type: format.media_type(), dimensions, thumbhash, compression: None })
}

fn upright_size(picture: &DynamicImage, orientation: Orientation) -> (u32, u32) {
    let (width, height) = (picture.width(), picture.height());
    if is_on_its_side(orientation) { (height, width) } else { (width, height) }
}

/// Above this, `exact` streams a file without a look inside.
const MAX_INSPECTED_BYTES: u64 = 64 << 20;

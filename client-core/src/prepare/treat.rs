//! The three treatments, each from the bytes of a file to what is sent and what is known of it.

use std::io::{Read, Seek};

use image::{DynamicImage, metadata::Orientation};
use lightproof_e2ee::manifest::MediaType;

use super::{
    Facts, PrepareError, PrepareOptions, Removed,
    decode::{self, Decoded, Limits, check_size},
    encode::{self, Encoded, plain, resized},
    error::PictureError,
    format::Format,
    preview::thumbhash,
    read_up_to,
    report::{self, Carrier, Fate, Found},
    strip::{Keep, Parts, orientation_block},
    view::{found_in, orientation_of},
};

/// A photo in the form it is sent in.
pub(super) struct Made {
    pub(super) bytes: Vec<u8>,
    pub(super) facts: Facts,
    pub(super) removed: Vec<Removed>,
}

/// A file in its cleaned container, and what it would take to put its metadata back.
struct Cleaned {
    bytes: Vec<u8>,
    format: Format,
    is_animated: bool,
    is_non_interleaved: bool,
    found: Vec<Found>,
    exif: Option<Vec<u8>>,
    xmp: Option<Vec<u8>>,
}

/// Small, upright, and without metadata because nothing but pixels and the colour profile is carried over.
pub(super) fn compressed(bytes: Vec<u8>, format: Format, options: &PrepareOptions) -> Result<Made, PrepareError> {
    let length = bytes.len();
    let source = Cleaned::of(bytes, format)?;
    let Decoded { picture, orientation, icc } = source.decode()?;
    let picture = plain(picture);
    let (mut picture, was_resized) = match resized(&picture, options.max_edge.max(1))? {
        Some(small) => (small, true),
        None => (picture, false),
    };
    // After the resize, because turning makes a second copy.
    picture.apply_orientation(orientation);
    let icc = icc.filter(|icc| icc.len() <= MAX_PROFILE_BYTES);
    let encoded = encode::smallest(&picture, icc.as_deref(), options.quality.number())?;
    // A second lossy pass that saves nothing would only cost quality. But a picture that had to shrink stays shrunk, a
    // stored turn is worth the few bytes that the metadata took, and scans that others show wrongly are not passed on.
    let bound = if orientation == Orientation::NoTransforms { source.bytes.len() } else { length };
    let keeps_source =
        source.can_be_sent() && !source.is_non_interleaved && !was_resized && bound <= encoded.bytes.len();
    let facts = facts(&picture, if keeps_source { source.format } else { encoded.format })?;
    let Cleaned { bytes, found, mut exif, xmp, .. } = source;
    let encoded = if keeps_source { Encoded { bytes, format } } else { encoded };
    if let Some(block) = exif.as_mut().filter(|_| !keeps_source) {
        // The pixels are upright now, and the block must not turn them again.
        let _ = Orientation::remove_from_exif_chunk(block);
    }
    let carried = Metadata { exif, xmp }.filter(options.keep_metadata);
    let (bytes, kept) = carried.attach(encoded)?;
    Ok(Made { bytes, facts, removed: with_fates(found, |carrier| kept.contains(&carrier)) })
}

/// The same picture data in a cleaned container; BMP and TIFF, whose containers are not cleaned, as a PNG with equal pixels.
pub(super) fn original(bytes: Vec<u8>, format: Format, options: &PrepareOptions) -> Result<Made, PrepareError> {
    if format == Format::Gif {
        return Err(PrepareError::NoOriginal(format.name()));
    }
    // What stays with keep_metadata must be taken before the file is cleaned.
    let whole = match Parts::of(&bytes, format).filter(|_| options.keep_metadata) {
        Some(parts) => Some(kept_whole(&parts?)),
        None => None,
    };
    let source = Cleaned::of(bytes, format)?;
    if source.is_animated {
        return Err(PrepareError::Animated(format.name()));
    }
    let Decoded { mut picture, orientation, icc } = source.decode()?;
    if source.can_be_sent() {
        let facts = facts_before_turning(&picture, orientation, format)?;
        let removed = with_fates(source.found, |carrier| {
            carrier == Carrier::Icc || options.keep_metadata && carrier != Carrier::Trailing
        });
        return Ok(Made { bytes: whole.unwrap_or(source.bytes), facts, removed });
    }
    if matches!(picture, DynamicImage::ImageRgb32F(_) | DynamicImage::ImageRgba32F(_)) {
        return Err(PrepareError::NoOriginal("floating-point TIFF"));
    }
    picture.apply_orientation(orientation);
    let Encoded { bytes, format } = encode::png(&picture, icc.as_deref())?;
    Ok(Made {
        bytes,
        facts: facts(&picture, format)?,
        removed: with_fates(source.found, |carrier| carrier == Carrier::Icc),
    })
}

/// What `exact` can say of a file: all that is found stays inside.
pub(super) fn look_inside<R: Read + Seek>(
    source: &mut R,
    format: Option<Format>,
    length_bytes: u64,
) -> Result<(Facts, Vec<Found>), PrepareError> {
    let unknown = Facts {
        media_type: format.map_or(MediaType::Other, Format::media_type),
        dimensions: None,
        thumbhash: Vec::new(),
    };
    if format.is_some() && length_bytes > MAX_INSPECTED_BYTES {
        return Ok((unknown, vec![Found::not_inspected("the file is too large to look inside")]));
    }
    let Some(format) = format else { return Ok((unknown, found_in(&[], None))) };
    let bytes = read_up_to(source, MAX_INSPECTED_BYTES)?;
    let found = found_in(&bytes, Some(format));
    let facts = facts_of_file(bytes, format).unwrap_or(unknown);
    Ok((facts, found))
}

fn facts_of_file(bytes: Vec<u8>, format: Format) -> Result<Facts, PrepareError> {
    let Decoded { picture, orientation, .. } = Cleaned::of(bytes, format)?.decode()?;
    Ok(facts_before_turning(&picture, orientation, format)?)
}

impl Cleaned {
    fn of(bytes: Vec<u8>, format: Format) -> Result<Self, PrepareError> {
        if let Some(parts) = Parts::of(&bytes, format) {
            return Ok(Self::of_parts(&parts?, format)?);
        }
        if format == Format::Tiff && report::is_camera_raw(&bytes) {
            return Err(PrepareError::UnsupportedFormat("camera raw"));
        }
        let found = report::of_other(&bytes, format);
        Ok(Self { bytes, format, is_animated: false, is_non_interleaved: false, found, exif: None, xmp: None })
    }

    fn of_parts(parts: &Parts<'_>, format: Format) -> Result<Self, PictureError> {
        check_size(parts.size, &Limits::default())?;
        let orientation = match orientation_of(parts) {
            Orientation::NoTransforms => None,
            turned => Some(orientation_block(turned.to_exif())),
        };
        Ok(Self {
            bytes: parts.rebuild(Keep {
                icc: true,
                exif: orientation.as_ref().map(<[u8; 26]>::as_slice),
                ..Keep::default()
            }),
            format,
            is_animated: parts.is_animated,
            is_non_interleaved: parts.is_non_interleaved,
            found: report::of_parts(parts),
            exif: parts.exif.map(<[u8]>::to_vec),
            xmp: parts.xmp.map(<[u8]>::to_vec),
        })
    }

    fn decode(&self) -> Result<Decoded, PictureError> {
        decode::decode(&self.bytes, self.format, self.is_non_interleaved, &Limits::default())
    }

    /// Whether these bytes may leave the device: only formats that were rebuilt from an allow-list.
    const fn can_be_sent(&self) -> bool {
        matches!(self.format, Format::Jpeg | Format::Png | Format::WebP) && !self.is_animated
    }
}

/// Metadata that somebody asked to keep.
struct Metadata {
    exif: Option<Vec<u8>>,
    xmp: Option<Vec<u8>>,
}

impl Metadata {
    fn filter(self, is_kept: bool) -> Self {
        if is_kept { self } else { Self { exif: None, xmp: None } }
    }

    /// Puts it into an encoded picture, as far as its container has room; tells what the file now carries.
    fn attach(&self, encoded: Encoded) -> Result<(Vec<u8>, Vec<Carrier>), PrepareError> {
        let parts = Parts::of(&encoded.bytes, encoded.format).ok_or(PrepareError::Encoding)??;
        let exif = self.exif.as_deref().filter(|block| parts.has_room_for(block));
        let xmp = self.xmp.as_deref().filter(|block| parts.has_room_for(block));
        let kept =
            [(exif.is_some(), Carrier::Exif), (xmp.is_some(), Carrier::Xmp), (parts.icc.is_some(), Carrier::Icc)];
        let kept = kept.into_iter().filter_map(|(is_there, carrier)| is_there.then_some(carrier)).collect();
        let bytes = if exif.is_some() || xmp.is_some() {
            Some(parts.rebuild(Keep { icc: true, exif, xmp, leftovers: false }))
        } else {
            None
        };
        Ok((bytes.unwrap_or(encoded.bytes), kept))
    }
}

fn kept_whole(parts: &Parts<'_>) -> Vec<u8> {
    parts.rebuild(Keep { icc: true, leftovers: true, exif: parts.exif, xmp: parts.xmp })
}

fn with_fates(found: Vec<Found>, is_kept: impl Fn(Carrier) -> bool) -> Vec<Removed> {
    let fate = |found: &Found| if is_kept(found.carrier()) { Fate::Kept } else { Fate::Removed };
    found.into_iter().map(|found| (fate(&found), found)).map(|(fate, found)| found.into_removed(fate)).collect()
}

fn facts(upright: &DynamicImage, format: Format) -> Result<Facts, PictureError> {
    facts_before_turning(upright, Orientation::NoTransforms, format)
}

/// Shrinks before it turns, so that a large picture is not copied.
fn facts_before_turning(
    picture: &DynamicImage,
    orientation: Orientation,
    format: Format,
) -> Result<Facts, PictureError> {
    let is_on_its_side = matches!(
        orientation,
        Orientation::Rotate90 | Orientation::Rotate270 | Orientation::Rotate90FlipH | Orientation::Rotate270FlipH
    );
    let (width, height) = (picture.width(), picture.height());
    let dimensions = Some(if is_on_its_side { (height, width) } else { (width, height) });
    Ok(Facts { media_type: format.media_type(), dimensions, thumbhash: thumbhash(picture, orientation)? })
}

/// A colour profile above this is not one of a photograph.
const MAX_PROFILE_BYTES: usize = 1 << 20;
/// Above this, `exact` streams a file without a look inside.
const MAX_INSPECTED_BYTES: u64 = 64 << 20;

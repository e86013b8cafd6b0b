//! A file taken apart: the picture alone for whoever decodes it, and what of the file may be sent as it is.

use std::io::{self, Read, Seek, SeekFrom};

use image::metadata::Orientation;
use lightproof_wire::hash::{Digest, Hasher};

use super::{
    Facts, PrepareError,
    decode::{self, Decoded, Limits, check_size},
    encode::Encoded,
    error::PictureError,
    format::Format,
    pieces::Pieces,
    report::{self, Carrier, Found},
    strip::{Keep, Parts, orientation_block},
    treat::{Made, Sent, with_fates},
    view::orientation_of,
};

/// A file in its cleaned container, and what it would take to put its metadata back.
pub(super) struct Cleaned {
    /// The picture and nothing else; `None` for a container that is not rebuilt.
    clean: Option<Pieces>,
    /// The same with what is carried over, where the picture data is sent as it is.
    carried: Option<Pieces>,
    carry: Carry,
    pub(super) format: Format,
    pub(super) is_animated: bool,
    pub(super) is_non_interleaved: bool,
    pub(super) found: Vec<Found>,
    pub(super) exif: Option<Vec<u8>>,
    pub(super) xmp: Option<Vec<u8>>,
}

/// What of a file's metadata goes into its rebuilt container.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Carry {
    /// Which way is up, and the colour profile.
    Nothing,
    /// EXIF and XMP.
    Blocks,
    /// Whatever was in the container.
    Everything,
}

impl Cleaned {
    /// Takes a file apart.
    pub(super) fn of(bytes: &[u8], format: Format, carry: Carry) -> Result<Self, PrepareError> {
        if let Some(kind) = decode::unsupported_kind(bytes, format) {
            return Err(PrepareError::UnsupportedFormat(kind));
        }
        if let Some(parts) = Parts::of(bytes, format) {
            return Ok(Self::of_parts(&parts?, format, carry)?);
        }
        if format == Format::Tiff && report::is_camera_raw(bytes) {
            return Err(PrepareError::UnsupportedFormat("camera raw"));
        }
        Ok(Self {
            clean: None,
            carried: None,
            carry,
            format,
            is_animated: false,
            is_non_interleaved: false,
            found: report::of_other(bytes, format),
            exif: None,
            xmp: None,
        })
    }

    fn of_parts(parts: &Parts<'_>, format: Format, carry: Carry) -> Result<Self, PictureError> {
        check_size(parts.size, &Limits::default())?;
        let orientation = match orientation_of(parts) {
            Orientation::NoTransforms => None,
            turned => Some(orientation_block(turned.to_exif())),
        };
        let upright = Keep { icc: true, exif: orientation.as_ref().map(<[u8; 26]>::as_slice), ..Keep::default() };
        let everything = Keep { icc: true, leftovers: carry == Carry::Everything, exif: parts.exif, xmp: parts.xmp };
        Ok(Self {
            clean: Some(parts.rebuild(upright)),
            carried: (carry != Carry::Nothing).then(|| parts.rebuild(everything)),
            carry,
            format,
            is_animated: parts.is_animated,
            is_non_interleaved: parts.is_non_interleaved,
            found: report::of_parts(parts),
            exif: parts.exif.map(<[u8]>::to_vec),
            xmp: parts.xmp.map(<[u8]>::to_vec),
        })
    }

    /// How long the clean file is.
    pub(super) fn clean_bytes(&self) -> Option<usize> {
        self.clean.as_ref().and_then(|clean| usize::try_from(clean.length_bytes()).ok())
    }

    /// Decodes the picture; lets go of the whole file before it holds the clean one.
    pub(super) fn decode<R: Read + Seek>(&self, file: &mut R, whole: Vec<u8>) -> Result<Decoded, PrepareError> {
        let bytes = match &self.clean {
            Some(clean) => {
                drop(whole);
                clean.clone().read(file).map_err(unreadable)?
            }
            None => whole,
        };
        Ok(decode::decode(&bytes, self.format, self.is_non_interleaved, &Limits::default())?)
    }

    /// The picture data as it is, with what is carried over.
    pub(super) fn into_made<R: Read + Seek>(self, file: &mut R, facts: Facts) -> Result<Made, PrepareError> {
        let Self { clean, carried, carry, found, .. } = self;
        let pieces = carried.or(clean).ok_or(PrepareError::Encoding)?;
        let digest = digest_of(pieces.clone().of(file)).map_err(unreadable)?;
        let removed = with_fates(found, |carrier| match carrier {
            Carrier::Icc => true,
            Carrier::Exif | Carrier::Xmp => carry != Carry::Nothing,
            Carrier::Leftovers => carry == Carry::Everything,
            Carrier::Trailing => false,
        });
        Ok(Made { sent: Sent::Rebuilt(pieces, digest), facts, removed, source_digest: None })
    }

    /// Whether these bytes may leave the device: only formats that were rebuilt from an allow-list.
    pub(super) const fn can_be_sent(&self) -> bool {
        matches!(self.format, Format::Jpeg | Format::Png | Format::WebP) && !self.is_animated
    }
}

/// Metadata that somebody asked to keep.
pub(super) struct Metadata {
    pub(super) exif: Option<Vec<u8>>,
    pub(super) xmp: Option<Vec<u8>>,
}

impl Metadata {
    /// It, or nothing.
    pub(super) fn filter(self, is_kept: bool) -> Self {
        if is_kept { self } else { Self { exif: None, xmp: None } }
    }

    /// Puts it into an encoded picture, as far as its container has room; tells what the file now carries.
    pub(super) fn attach(&self, encoded: Encoded) -> Result<(Vec<u8>, Vec<Carrier>), PrepareError> {
        let parts = Parts::of(&encoded.bytes, encoded.format).ok_or(PrepareError::Encoding)??;
        let exif = self.exif.as_deref().filter(|block| parts.has_room_for(block));
        let xmp = self.xmp.as_deref().filter(|block| parts.has_room_for(block));
        let kept =
            [(exif.is_some(), Carrier::Exif), (xmp.is_some(), Carrier::Xmp), (parts.icc.is_some(), Carrier::Icc)];
        let kept = kept.into_iter().filter_map(|(is_there, carrier)| is_there.then_some(carrier)).collect();
        if exif.is_none() && xmp.is_none() {
            return Ok((encoded.bytes, kept));
        }
        let rebuilt = parts.rebuild(Keep { icc: true, exif, xmp, leftovers: false });
        Ok((rebuilt.cut(&encoded.bytes), kept))
    }
}

/// The first bytes of a source, wherever it stands.
pub(super) fn read_up_to<R: Read + Seek>(source: &mut R, limit_bytes: u64) -> Result<Vec<u8>, PrepareError> {
    let length_bytes = source.seek(SeekFrom::End(0)).map_err(unreadable)?.min(limit_bytes);
    source.rewind().map_err(unreadable)?;
    // Room for all of it at once: a vector that grows holds the file twice.
    let mut bytes = Vec::with_capacity(usize::try_from(length_bytes).unwrap_or_default());
    source.take(length_bytes).read_to_end(&mut bytes).map_err(unreadable)?;
    Ok(bytes)
}

fn digest_of(mut reader: impl Read) -> io::Result<Digest> {
    let (mut hasher, mut buffer) = (Hasher::bare(), vec![0; BUFFER_BYTES]);
    loop {
        match reader.read(&mut buffer)? {
            0 => return Ok(hasher.finish()),
            count => hasher.update(buffer.get(..count).unwrap_or_default()),
        }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the shape map_err asks for")]
pub(super) fn unreadable(error: io::Error) -> PrepareError {
    PrepareError::Read(error.kind())
}

const BUFFER_BYTES: usize = 256 << 10;

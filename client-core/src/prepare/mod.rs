//! From a file to what is sealed: upright, small or untouched as asked for, and nothing hidden left inside.
//!
//! ```text
//!  file ─sniff─▶ Format ─take apart─▶ Parts ─┬─report──────────────────────────▶ what was found, and its fate
//!                 (bytes, never the name)    ├─rebuild─▶ original: same picture data, nothing else
//!                                            └─decode ─▶ resize ─▶ orient ─▶ encode: compressed
//!  exact: the file itself, streamed; what is inside is only reported
//! ```
//!
//! What is removed is decided by allow-lists, so that what nobody has thought of is removed too; the report is
//! written from what is recognised. Limits hold before the first pixel is decoded.

mod decode;
mod encode;
mod error;
mod format;
mod name;
mod preview;
mod report;
mod sample;
mod strip;
#[cfg(test)]
mod tests;
mod treat;
mod view;

use std::io::{Read, Seek, SeekFrom};

use lightproof_e2ee::manifest::{MediaType, Treatment};
use lightproof_wire::{hash::Digest, label};
use rand_core::CryptoRng;

pub use decode::Limits;
pub use error::{PictureError, PrepareError, ViewError};
pub use report::{Fate, Removed, RemovedGroup};
pub use sample::sample_photo;
pub use view::{Picture, decode_for_view, metadata_of};

use format::Format;
use treat::{Made, compressed, look_inside, original};

/// How a photo is to be prepared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PrepareOptions {
    /// What is done to it.
    pub treatment: Treatment,
    /// How faithful `compressed` is.
    pub quality: Quality,
    /// The longest side after `compressed`, in pixels; at least 1.
    pub max_edge: u32,
    /// Leaves EXIF, XMP and, with `original`, comments where they are. Trailing bytes go all the same.
    pub keep_metadata: bool,
}

impl Default for PrepareOptions {
    fn default() -> Self {
        Self {
            treatment: Treatment::Compressed,
            quality: Quality::Auto,
            max_edge: DEFAULT_MAX_EDGE_PX,
            keep_metadata: false,
        }
    }
}

/// How faithful a compressed photo is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quality {
    /// As high as the eye asks for; at present always 85.
    Auto,
    /// The JPEG quality, 1 to 100; other numbers count as the nearest of these.
    Fixed(u8),
}

impl Quality {
    fn number(self) -> u8 {
        match self {
            Self::Auto => AUTO_QUALITY,
            Self::Fixed(number) => number.clamp(1, 100),
        }
    }
}

/// The longest side of a compressed photo unless asked otherwise, in pixels.
pub const DEFAULT_MAX_EDGE_PX: u32 = 4096;

/// The bytes to be sealed.
pub enum Content<R> {
    /// Prepared bytes.
    Bytes(Vec<u8>),
    /// The file itself, at its beginning.
    Source(R),
}

/// A photo ready to be sealed.
pub struct PreparedPhoto<R> {
    content: Content<R>,
    facts: Facts,
    length_bytes: u64,
    name: String,
    removed: Vec<Removed>,
    source_commitment: Option<Digest>,
    source_salt: [u8; 32],
    treatment: Treatment,
}

impl<R> std::fmt::Debug for PreparedPhoto<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PreparedPhoto({:?}, {:?}, {} bytes)", self.treatment, self.facts.media_type, self.length_bytes)
    }
}

/// What is known of a picture.
struct Facts {
    media_type: MediaType,
    dimensions: Option<(u32, u32)>,
    thumbhash: Vec<u8>,
}

impl<R> PreparedPhoto<R> {
    /// What was done to it.
    #[must_use]
    pub const fn treatment(&self) -> Treatment {
        self.treatment
    }

    /// What kind of file it is now.
    #[must_use]
    pub const fn media_type(&self) -> MediaType {
        self.facts.media_type
    }

    /// Upright width and height; `None` for a file that is no picture or cannot be decoded within the limits.
    #[must_use]
    pub const fn dimensions(&self) -> Option<(u32, u32)> {
        self.facts.dimensions
    }

    /// A blur of the picture in at most 32 bytes; empty where there are no dimensions.
    #[must_use]
    pub fn thumbhash(&self) -> &[u8] {
        &self.facts.thumbhash
    }

    /// The name to show: printable, at most 128 bytes, never a path.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How many bytes [`Self::into_content`] has.
    #[must_use]
    pub const fn length_bytes(&self) -> u64 {
        self.length_bytes
    }

    /// The salt of the source commitment. It stays with the sender.
    #[must_use]
    pub const fn source_salt(&self) -> [u8; 32] {
        self.source_salt
    }

    /// `H("source", salt || SHA-256(file))`; `None` for `exact`, where it is computed while the file is sealed.
    #[must_use]
    pub const fn source_commitment(&self) -> Option<Digest> {
        self.source_commitment
    }

    /// What was found beside the picture, with its fate: removed, or in what is sent.
    #[must_use]
    pub fn removed(&self) -> &[Removed] {
        &self.removed
    }

    /// The bytes to be sealed.
    #[must_use]
    pub fn into_content(self) -> Content<R> {
        self.content
    }
}

/// Prepares one photo. `exact` reads a picture of up to 64 MiB once, to report what is inside, and hands the source
/// back; everything else is read whole, up to 512 MiB.
///
/// # Errors
/// [`PrepareError`]; its `hint` says what a sender can do.
pub fn prepare<R: Read + Seek>(
    mut source: R,
    name: &str,
    options: &PrepareOptions,
    rng: &mut impl CryptoRng,
) -> Result<PreparedPhoto<R>, PrepareError> {
    let mut source_salt = [0; 32];
    rng.fill_bytes(&mut source_salt);
    let length_bytes = source.seek(SeekFrom::End(0)).map_err(unreadable)?;
    let format = Format::of(&read_up_to(&mut source, format::HEAD_BYTES as u64)?);
    if options.treatment == Treatment::Exact {
        let (facts, found) = look_inside(&mut source, format, length_bytes)?;
        source.rewind().map_err(unreadable)?;
        let removed = found.into_iter().map(|found| found.into_removed(Fate::Kept)).collect();
        let (name, treatment, source_commitment) = (name::display_name(name), Treatment::Exact, None);
        return Ok(PreparedPhoto {
            content: Content::Source(source),
            facts,
            length_bytes,
            name,
            removed,
            source_commitment,
            source_salt,
            treatment,
        });
    }
    let format = format.ok_or(PrepareError::NotAnImage)?;
    if !format.is_decodable() {
        return Err(PrepareError::UnsupportedFormat(format.name()));
    }
    if length_bytes > MAX_SOURCE_BYTES {
        return Err(PrepareError::TooManyBytes);
    }
    let bytes = read_up_to(&mut source, MAX_SOURCE_BYTES)?;
    drop(source);
    let source_commitment = Some(commit_to(&source_salt, &Digest::of(&bytes)));
    let Made { bytes, facts, removed } = if options.treatment == Treatment::Original {
        original(bytes, format, options)?
    } else {
        compressed(bytes, format, options)?
    };
    let name = name::display_name_as(name, facts.media_type);
    let length_bytes = u64::try_from(bytes.len()).map_err(|_| PrepareError::TooManyBytes)?;
    Ok(PreparedPhoto {
        content: Content::Bytes(bytes),
        facts,
        length_bytes,
        name,
        removed,
        source_commitment,
        source_salt,
        treatment: options.treatment,
    })
}

/// `H("source", salt || SHA-256(file))`: over the digest, so that a file sent as it is need be hashed only once.
pub(crate) fn commit_to(salt: &[u8; 32], file: &Digest) -> Digest {
    Digest::labelled(label::SOURCE, &[salt, file.as_bytes()])
}

/// The first bytes of a source, wherever it stands.
fn read_up_to<R: Read + Seek>(source: &mut R, limit_bytes: u64) -> Result<Vec<u8>, PrepareError> {
    let mut bytes = Vec::new();
    source.rewind().map_err(unreadable)?;
    source.take(limit_bytes).read_to_end(&mut bytes).map_err(unreadable)?;
    Ok(bytes)
}

#[expect(clippy::needless_pass_by_value, reason = "the shape map_err asks for")]
fn unreadable(error: std::io::Error) -> PrepareError {
    PrepareError::Read(error.kind())
}

/// Unless somebody asks for another: small, and hard to tell from the original.
const AUTO_QUALITY: u8 = 85;
/// A picture of 120 megapixels without compression fits.
const MAX_SOURCE_BYTES: u64 = 512 << 20;

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

pub mod apart;
mod auto;
mod choice;
mod cleaned;
mod colour;
mod compression;
mod decode;
mod encode;
mod error;
mod format;
pub mod jpeg;
mod name;
pub(crate) use name::display_name;
mod pieces;
mod preview;
mod report;
mod sample;
mod ssimulacra2;
mod strip;
#[cfg(test)]
mod tests;
mod treat;
mod view;

use std::io::{Read, Seek};

use lightproof_e2ee::{
    manifest::{MediaType, Treatment},
    proof::SourceOpening,
};
use lightproof_wire::hash::Digest;

pub use compression::{Chroma, Compression, JpegSettings, Measured, Scans};
pub use decode::Limits;
pub use error::{PictureError, PrepareError, Stopped, ViewError};
pub use pieces::Pieced;
pub use preview::{Blur, blur_of};
pub use report::{Fate, Removed, RemovedGroup};
pub use sample::sample_photo;
pub use view::{Picture, decode_for_view, metadata_of};

use apart::Asked;
use pieces::Pieces;
use treat::{Made, Sent, treat};

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
    /// The least at which a JPEG is hard to tell from what it is made of: SSIMULACRA 2 of 80.
    Auto,
    /// The JPEG quality, 1 to 100; other numbers count as the nearest of these.
    Fixed(u8),
}

/// The longest side of a compressed photo unless asked otherwise, in pixels.
pub const DEFAULT_MAX_EDGE_PX: u32 = 4096;

/// The bytes to be sealed.
pub enum Content<R> {
    /// Prepared bytes.
    Bytes(Vec<u8>),
    /// Too much to be held until its turn comes: it is prepared again.
    LetGo,
    /// The file itself, or picture data of it in a new container.
    Source(Pieced<R>),
}

/// A photo ready to be sealed.
pub struct PreparedPhoto<R> {
    content: Content<R>,
    digest: Option<Digest>,
    facts: Facts,
    held_bytes: u64,
    length_bytes: u64,
    name: String,
    removed: Vec<Removed>,
    source_digest: Option<Digest>,
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
    compression: Option<Compression>,
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

    /// How it was made small; `None` for `original` and `exact`.
    #[must_use]
    pub const fn compression(&self) -> Option<Compression> {
        self.facts.compression
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
    pub fn source_commitment(&self) -> Option<Digest> {
        self.source_digest.map(|digest| SourceOpening { salt: self.source_salt, digest }.commitment())
    }

    /// SHA-256 of the file; `None` for `exact`, where it is computed while the file is sealed.
    pub(crate) const fn source_digest(&self) -> Option<Digest> {
        self.source_digest
    }

    /// SHA-256 of what is to be sealed, where it is read from the source a second time then.
    pub(crate) const fn digest(&self) -> Option<Digest> {
        self.digest
    }

    /// What was found beside the picture, with its fate: removed, or in what is sent.
    #[must_use]
    pub fn removed(&self) -> &[Removed] {
        &self.removed
    }

    /// How much memory, of whatever process, is taken until it is sealed.
    pub(crate) const fn held_bytes(&self) -> u64 {
        self.held_bytes
    }

    /// What is known of it, without the bytes to be sealed.
    pub(crate) fn let_go(self) -> Self {
        Self { content: Content::LetGo, held_bytes: 0, ..self }
    }

    /// Whether there are bytes to be sealed.
    pub(crate) const fn is_held(&self) -> bool {
        !matches!(self.content, Content::LetGo)
    }

    /// The bytes to be sealed.
    #[must_use]
    pub fn into_content(self) -> Content<R> {
        self.content
    }
}

/// Prepares one photo, in this process: for whoever trusts the file, and for the process that decodes.
///
/// `exact` reads a picture of up to 64 MiB once, to report what is inside; everything else is read whole, up to
/// 512 MiB. Where picture data is sent as it is, the source is handed back, to be read again while it is sealed.
///
/// `source_salt` is fresh for each photo: the recipient gets the commitment that it salts.
///
/// # Errors
/// [`PrepareError`]; its `hint` says what a sender can do.
pub fn prepare<R: Read + Seek>(
    mut source: R,
    name: &str,
    options: &PrepareOptions,
    source_salt: [u8; 32],
) -> Result<PreparedPhoto<R>, PrepareError> {
    let made = treat(&mut source, options)?;
    Ok(PreparedPhoto::of(made, source, &Asked { name, options, source_salt }))
}

/// What is to be sealed, and how much of it there is.
struct Body<R> {
    content: Content<R>,
    digest: Option<Digest>,
    held_bytes: u64,
    length_bytes: u64,
}

impl<R: Read + Seek> PreparedPhoto<R> {
    fn of(made: Made, source: R, asked: &Asked<'_>) -> Self {
        let Made { sent, facts, removed, source_digest } = made;
        let length_bytes = sent.length_bytes();
        let (content, held_bytes, digest) = match sent {
            Sent::Encoded(bytes) => (Content::Bytes(bytes), length_bytes, None),
            Sent::Rebuilt(pieces, digest) => (Content::Source(pieces.of(source)), 0, Some(digest)),
            Sent::Whole(_) => (Content::Source(Pieces::whole(length_bytes).of(source)), 0, None),
        };
        let body = Body { content, digest, held_bytes, length_bytes };
        Self::assemble(body, (facts, removed), source_digest, asked)
    }

    fn assemble(
        body: Body<R>,
        (facts, removed): (Facts, Vec<Removed>),
        source_digest: Option<Digest>,
        asked: &Asked<'_>,
    ) -> Self {
        let Body { content, digest, held_bytes, length_bytes } = body;
        let &Asked { name, options: &PrepareOptions { treatment, .. }, source_salt } = asked;
        let name = match treatment {
            Treatment::Exact => display_name(name),
            _ => name::display_name_as(name, facts.media_type),
        };
        Self { content, digest, facts, held_bytes, length_bytes, name, removed, source_digest, source_salt, treatment }
    }
}

/// A picture of 120 megapixels without compression fits.
const MAX_SOURCE_BYTES: u64 = 512 << 20;

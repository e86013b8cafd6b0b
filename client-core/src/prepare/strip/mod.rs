//! Takes a JPEG, PNG or WebP file apart and builds it again from an allow-list: what is not known to be picture data
//! stays behind.
//!
//! Nothing is decoded here; the picture's own bytes pass through bit for bit.

mod gif;
mod jpeg;
mod png;
mod webp;

use std::{borrow::Cow, ops::Range};

use super::{error::PictureError, format::Format, pieces::Pieces};

pub(super) use gif::leftovers_of_gif;

/// A file taken apart: the picture, and whatever else was in it.
pub(super) struct Parts<'a> {
    pub(super) size: (u32, u32),
    /// A TIFF structure (Exif 2.32), without its `Exif\0\0` prefix.
    pub(super) exif: Option<&'a [u8]>,
    pub(super) xmp: Option<&'a [u8]>,
    /// The ICC profile as the container stores it; in PNG that is compressed.
    pub(super) icc: Option<Cow<'a, [u8]>>,
    /// Everything else that is not picture data, in the order of the file.
    pub(super) leftovers: Vec<Leftover<'a>>,
    pub(super) trailing: &'a [u8],
    pub(super) is_animated: bool,
    /// A sequential JPEG whose components come in scans of their own: see `decode`.
    pub(super) is_non_interleaved: bool,
    body: Body<'a>,
}

enum Body<'a> {
    Jpeg(jpeg::Body<'a>),
    Png(png::Body),
    WebP(webp::Body),
}

/// Something in a file that is not its picture.
#[derive(Clone)]
pub(super) struct Leftover<'a> {
    pub(super) kind: LeftoverKind,
    /// What it says.
    pub(super) payload: &'a [u8],
    /// Where the bytes stand that would carry it into the same kind of container.
    pub(super) whole: Range<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LeftoverKind {
    /// A comment without a name.
    Comment,
    /// PNG `tEXt`: keyword, zero, Latin-1.
    Text,
    /// PNG `zTXt` or `iTXt`: keyword, zero, perhaps compressed.
    LongText,
    /// PNG `tIME`.
    Time,
    /// A small picture of the picture.
    Thumbnail,
    /// Further frames or pictures.
    Frames,
    /// IPTC and Photoshop's resources.
    Photoshop,
    /// A JPEG application segment.
    Application(u8),
    /// A chunk of PNG or WebP.
    Chunk([u8; 4]),
}

/// What goes into a rebuilt container beside the picture.
#[derive(Clone, Copy, Default)]
pub(super) struct Keep<'a> {
    pub(super) icc: bool,
    pub(super) leftovers: bool,
    pub(super) exif: Option<&'a [u8]>,
    pub(super) xmp: Option<&'a [u8]>,
}

impl<'a> Parts<'a> {
    /// Takes `bytes` apart; `None` for a format that is never rebuilt.
    pub(super) fn of(bytes: &'a [u8], format: Format) -> Option<Result<Self, PictureError>> {
        match format {
            Format::Jpeg => Some(jpeg::parse(bytes)),
            Format::Png => Some(png::parse(bytes)),
            Format::WebP => Some(webp::parse(bytes)),
            _ => None,
        }
    }

    /// The same picture in a new container.
    pub(super) fn rebuild(&self, keep: Keep<'_>) -> Pieces {
        match &self.body {
            Body::Jpeg(body) => jpeg::rebuild(self, body, keep),
            Body::Png(body) => png::rebuild(self, body, keep),
            Body::WebP(body) => webp::rebuild(self, body, keep),
        }
    }

    /// Whether `block` fits where this container keeps its EXIF or XMP.
    pub(super) const fn has_room_for(&self, block: &[u8]) -> bool {
        match self.body {
            Body::Jpeg(_) => block.len() <= jpeg::MAX_BLOCK_BYTES,
            Body::Png(_) | Body::WebP(_) => true,
        }
    }
}

/// An EXIF block that says nothing but which way is up.
pub(super) fn orientation_block(orientation: u8) -> [u8; 26] {
    let mut block = *b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\0\0\0\0\0\0\0";
    block[19] = orientation;
    block
}

/// Splits `count` bytes off the front; a file that has fewer is truncated.
fn take<'a>(rest: &mut &'a [u8], count: usize) -> Result<&'a [u8], PictureError> {
    let (taken, left) = rest.split_at_checked(count).ok_or(PictureError::Truncated)?;
    *rest = left;
    Ok(taken)
}

fn take_array<'a, const N: usize>(rest: &mut &'a [u8]) -> Result<&'a [u8; N], PictureError> {
    let (taken, left) = rest.split_first_chunk().ok_or(PictureError::Truncated)?;
    *rest = left;
    Ok(taken)
}

/// Some writers copy JPEG's prefix into containers that do not want it.
fn without_prefix(exif: &[u8]) -> &[u8] {
    exif.strip_prefix(b"Exif\0\0").unwrap_or(exif)
}

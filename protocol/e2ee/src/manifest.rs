//! What a message says: a note, and the signed facts of each photo.
//!
//! A manifest whose facts contradict each other is refused whole, whoever signed it. Spec: `docs/spec/frames.md`.

use std::io::{Read, Write};

use lightproof_wire::{
    blob::BlobShape,
    capability::{Capability, right},
    codec::{Bytes, Deserialize, List, Serialize, Size, Text, TlsDeserialize, TlsSerialize, TlsSize},
    hash::Digest,
    limits::RELAY_LINK_BYTES,
};

use crate::blob::FileKey;

/// The longest note, in bytes of UTF-8.
pub const NOTE_BYTES: usize = 4_096;
/// The most photos in one message.
pub const PHOTOS: usize = 16;
/// The longest display name, in bytes of UTF-8.
pub const NAME_BYTES: usize = 128;
/// The longest thumbhash.
pub const THUMBHASH_BYTES: usize = 32;

/// What the sender did to a photo before sealing it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, TlsSerialize, TlsDeserialize, TlsSize)]
#[repr(u8)]
pub enum Treatment {
    /// Small and visually faithful; no metadata.
    Compressed = 1,
    /// The same picture data in a cleaned container.
    Original = 2,
    /// The very file, byte for byte.
    Exact = 3,
}

/// What kind of file a recipient will save.
#[derive(Clone, Copy, Debug, PartialEq, Eq, TlsSerialize, TlsDeserialize, TlsSize)]
#[repr(u8)]
pub enum MediaType {
    /// Any other file.
    Other = 0,
    /// JPEG.
    Jpeg = 1,
    /// PNG.
    Png = 2,
    /// WebP.
    WebP = 3,
    /// GIF.
    Gif = 4,
    /// BMP.
    Bmp = 5,
    /// TIFF.
    Tiff = 6,
    /// JPEG XL.
    JpegXl = 7,
}

/// The signed facts of one photo: what to fetch, how to open it, what must come out.
#[derive(Clone, Debug, PartialEq, Eq, TlsSerialize, TlsDeserialize, TlsSize)]
pub struct Photo {
    /// What the sender did to it.
    pub treatment: Treatment,
    /// What kind of file it is.
    pub media_type: MediaType,
    /// Pixels across, upright; 0 with `height` 0: unknown.
    pub width: u32,
    /// Pixels down, upright.
    pub height: u32,
    /// Bytes to be saved.
    pub length_bytes: u64,
    /// SHA-256 of the bytes to be saved.
    pub digest: Digest,
    /// `H("source", salt || SHA-256(file))` over the file the photo was made from; the sender keeps the salt.
    pub source_commitment: Digest,
    /// A tiny preview; empty where there is none.
    pub thumbhash: Bytes<THUMBHASH_BYTES>,
    /// What the sender calls it: no path, and never one for the recipient. Never print it raw.
    pub name: Text<NAME_BYTES>,
    /// This recipient's right to the blob.
    pub read: Capability<right::Read>,
    /// Opens the blob's chunks.
    pub file_key: FileKey,
    /// Size of each sealed chunk; follows from `length_bytes`.
    pub chunk_bytes: u32,
    /// Number of chunks with their padding; follows from `length_bytes`.
    pub chunk_count: u32,
}

/// A message as its sender signs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// The note. Never print it raw.
    pub note: Text<NOTE_BYTES>,
    /// Link of the relay that holds the blobs; empty without photos.
    pub blob_relay: Text<RELAY_LINK_BYTES>,
    /// The photos, in the sender's order.
    pub photos: List<Photo, PHOTOS>,
    /// The sender asks to hear when the message has been delivered.
    pub delivered_wanted: bool,
    /// The sender asks to hear when it has been viewed.
    pub viewed_wanted: bool,
    /// The sender asks that the photos go once they have been viewed.
    pub expire_after_view: bool,
}

/// Signed facts that cannot all be true. Always the signer's fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Contradiction {
    /// Chunk size or count are not those of the length.
    #[error("the chunks of a photo do not follow from its length")]
    Chunks,
    /// A photo has a width without a height, or a height without a width.
    #[error("a photo has half a size")]
    Dimensions,
    /// Photos without a relay, or a relay without photos.
    #[error("photos and the relay that holds them do not agree")]
    BlobRelay,
    /// A receipt or a retract that names no message.
    #[error("a list of messages is empty")]
    NoMessage,
    /// The place in the line does not exist, or does not fit what comes before it.
    #[error("a frame has an impossible place in its line")]
    Place,
    /// A sealed file that is for others than it says.
    #[error("a sealed file is not for whom it says")]
    Recipients,
    /// A display name holds a path separator or a control character.
    #[error("the name of a photo is not a name")]
    Name,
    /// Two photos claim one blob.
    #[error("two photos claim one blob")]
    SharedBlob,
}

impl Photo {
    /// Chunk size and padded count that follow from the length.
    ///
    /// # Errors
    /// [`Contradiction::Chunks`] where the photo claims others, or is longer than a blob can be.
    pub fn shape(&self) -> Result<BlobShape, Contradiction> {
        let shape = BlobShape::for_length(self.length_bytes).map_err(|_| Contradiction::Chunks)?;
        let claimed = (self.chunk_bytes, self.chunk_count);
        if claimed == (shape.class().sealed_bytes(), shape.count()) { Ok(shape) } else { Err(Contradiction::Chunks) }
    }

    /// Width and height in pixels, upright; `None` where the sender could not tell.
    #[must_use]
    pub fn dimensions(&self) -> Option<(u32, u32)> {
        (self.width != 0 && self.height != 0).then_some((self.width, self.height))
    }

    fn check(&self) -> Result<(), Contradiction> {
        self.shape()?;
        if (self.width == 0) != (self.height == 0) {
            return Err(Contradiction::Dimensions);
        }
        if is_display_name(&self.name) { Ok(()) } else { Err(Contradiction::Name) }
    }
}

/// Whether it is the name of one thing, and no way to it.
pub(crate) fn is_display_name(name: &Text<NAME_BYTES>) -> bool {
    !name.as_str().chars().any(|character| matches!(character, '/' | '\\') || character.is_control())
}

impl Manifest {
    /// Checks that the facts can all be true. A recipient checks every manifest; a sender should, before sealing a photo.
    ///
    /// # Errors
    /// The first [`Contradiction`].
    pub fn check(&self) -> Result<(), Contradiction> {
        let photos = self.photos.as_slice();
        if photos.is_empty() != self.blob_relay.as_str().is_empty() {
            return Err(Contradiction::BlobRelay);
        }
        photos.iter().try_for_each(Photo::check)?;
        let shared = |(i, photo): (usize, &Photo)| {
            photos
                .iter()
                .skip(i.saturating_add(1))
                .any(|other| other.read == photo.read || other.file_key == photo.file_key)
        };
        if photos.iter().enumerate().any(shared) { Err(Contradiction::SharedBlob) } else { Ok(()) }
    }

    fn wishes(&self) -> u8 {
        let bit = |wanted: bool, bit: u8| if wanted { bit } else { 0 };
        bit(self.delivered_wanted, DELIVERED) | bit(self.viewed_wanted, VIEWED) | bit(self.expire_after_view, EXPIRE)
    }
}

// The bits of the last byte of a manifest.
const DELIVERED: u8 = 1;
const VIEWED: u8 = 2;
const EXPIRE: u8 = 4;

impl Size for Manifest {
    fn tls_serialized_len(&self) -> usize {
        [self.note.tls_serialized_len(), self.blob_relay.tls_serialized_len(), self.photos.tls_serialized_len()]
            .into_iter()
            .fold(1, usize::saturating_add)
    }
}

impl Serialize for Manifest {
    fn tls_serialize<W: Write>(&self, writer: &mut W) -> Result<usize, tls_codec::Error> {
        self.note.tls_serialize(writer)?;
        self.blob_relay.tls_serialize(writer)?;
        self.photos.tls_serialize(writer)?;
        self.wishes().tls_serialize(writer)?;
        Ok(self.tls_serialized_len())
    }
}

impl Deserialize for Manifest {
    fn tls_deserialize<R: Read>(reader: &mut R) -> Result<Self, tls_codec::Error> {
        let note = Text::tls_deserialize(reader)?;
        let blob_relay = Text::tls_deserialize(reader)?;
        let photos = List::tls_deserialize(reader)?;
        let wishes = u8::tls_deserialize(reader)?;
        if wishes & !(DELIVERED | VIEWED | EXPIRE) != 0 {
            return Err(tls_codec::Error::InvalidInput);
        }
        let wanted = |bit: u8| wishes & bit != 0;
        Ok(Self {
            note,
            blob_relay,
            photos,
            delivered_wanted: wanted(DELIVERED),
            viewed_wanted: wanted(VIEWED),
            expire_after_view: wanted(EXPIRE),
        })
    }
}

//! A photo prepared elsewhere: what is written of it, and what of that is believed.

use std::io::{self, Read, Seek, SeekFrom, Write};

use lightproof_e2ee::manifest::{MediaType, THUMBHASH_BYTES, Treatment};
use lightproof_wire::{
    codec::{Bytes, List, TlsDeserialize, TlsSerialize, TlsSize},
    hash::Digest,
};

use super::{
    super::{
        Body, Compression, Content, Facts, PrepareError, PrepareOptions, PreparedPhoto,
        decode::{Limits, check_size},
        error::Stopped,
        format::{self, Format},
        pieces::{Piece, Pieces},
        report::{Found, MAX_ENTRIES, Removed},
        treat::{Made, Sent, treat, with_fates},
    },
    error::{Pixels, Refused},
    wire::{Entry, read_head, write_head},
};

/// More pieces than a photograph has; a file of more is copied instead.
const PIECES: usize = 1024;
/// More new bytes than a colour profile and an EXIF block take; a file of more is copied instead.
const NEW_BYTES: usize = 1 << 20;

/// What is asked of a photo, and what whoever asks adds to it.
#[derive(Clone, Copy)]
pub struct Asked<'a> {
    /// Its name: of it, the display name is made.
    pub name: &'a str,
    /// What was to be done to it.
    pub options: &'a PrepareOptions,
    /// Of the commitment to the source.
    pub source_salt: [u8; 32],
}

impl core::fmt::Debug for Asked<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let Self { name: _, options, source_salt: _ } = self;
        write!(f, "Asked({options:?})")
    }
}

#[derive(TlsSerialize, TlsDeserialize, TlsSize)]
#[repr(u8)]
enum Head {
    #[tls_codec(discriminant = 1)]
    Made(MadeHead),
    #[tls_codec(discriminant = 2)]
    Refused(Refused),
}

#[derive(TlsSerialize, TlsDeserialize, TlsSize)]
struct MadeHead {
    media_type: MediaType,
    size: Option<Pixels>,
    thumbhash: Bytes<THUMBHASH_BYTES>,
    compression: Option<Compression>,
    found: List<Entry, MAX_ENTRIES>,
    source_digest: Option<Digest>,
    sent: SentHead,
}

#[derive(TlsSerialize, TlsDeserialize, TlsSize)]
#[repr(u8)]
enum SentHead {
    /// So many bytes stand behind the head.
    #[tls_codec(discriminant = 1)]
    Follows(u64),
    #[tls_codec(discriminant = 2)]
    Rebuilt(List<PieceHead, PIECES>, Digest),
    #[tls_codec(discriminant = 3)]
    Whole(u64),
}

#[derive(TlsSerialize, TlsDeserialize, TlsSize)]
#[repr(u8)]
enum PieceHead {
    #[tls_codec(discriminant = 1)]
    New(Bytes<NEW_BYTES>),
    #[tls_codec(discriminant = 2)]
    Source(u64, u64),
}

/// Prepares what it is given, and writes what came of it.
pub(super) fn reply(
    options: &PrepareOptions,
    input: &mut (impl Read + Seek),
    output: &mut impl Write,
) -> io::Result<()> {
    let Made { sent, facts, removed, source_digest } = match treat(input, options) {
        Ok(made) => made,
        Err(error) => return write_head(output, &Head::Refused(error.into())),
    };
    let pieces_head = if let Sent::Rebuilt(pieces, digest) = &sent { rebuilt_head(pieces, *digest) } else { None };
    let length_bytes = sent.length_bytes();
    let head = MadeHead {
        media_type: facts.media_type,
        size: facts.dimensions.map(|(width, height)| Pixels { width, height }),
        thumbhash: Bytes::new(facts.thumbhash).unwrap_or_default(),
        compression: facts.compression,
        found: List::new(removed.iter().map(Entry::from).collect()).unwrap_or_default(),
        source_digest,
        sent: match (&sent, pieces_head) {
            (Sent::Whole(_), _) => SentHead::Whole(length_bytes),
            (Sent::Rebuilt(..), Some(head)) => head,
            _ => SentHead::Follows(length_bytes),
        },
    };
    let is_copied = matches!(head.sent, SentHead::Follows(_));
    write_head(output, &Head::Made(head))?;
    match sent {
        Sent::Encoded(bytes) => output.write_all(&bytes),
        Sent::Rebuilt(pieces, _) if is_copied => io::copy(&mut pieces.of(input), output).map(drop),
        Sent::Rebuilt(..) | Sent::Whole(_) => Ok(()),
    }
}

fn rebuilt_head(pieces: &Pieces, digest: Digest) -> Option<SentHead> {
    let head = |piece: &Piece| match piece {
        Piece::New(bytes) => Bytes::new(bytes.clone()).ok().map(PieceHead::New),
        Piece::Source(range) => Some(PieceHead::Source(range.start, range.end)),
    };
    let new_bytes: usize =
        pieces.as_slice().iter().map(|piece| if let Piece::New(bytes) = piece { bytes.len() } else { 0 }).sum();
    let heads: Option<Vec<PieceHead>> = pieces.as_slice().iter().map(head).collect();
    Some(SentHead::Rebuilt(List::new(heads.filter(|_| new_bytes <= NEW_BYTES)?).ok()?, digest))
}

impl<R: Read + Seek> PreparedPhoto<R> {
    /// Takes the reply of a process that prepared `source`. What it says is checked against what was asked and against
    /// the bytes themselves; a process that was taken over can send another picture, and nothing else.
    ///
    /// # Errors
    /// The refusal that it wrote, or [`Stopped::Broke`] for a reply that cannot be.
    pub fn from_reply(mut reply: R, mut source: R, asked: &Asked<'_>) -> Result<Self, PrepareError> {
        let reply_bytes = reply.seek(SeekFrom::End(0)).map_err(|_| Stopped::Broke)?;
        reply.rewind().map_err(|_| Stopped::Broke)?;
        let (head, head_bytes) = read_head(&mut reply)?;
        let head: MadeHead = match head {
            Head::Made(head) => head,
            Head::Refused(refused) => return Err(refused.into()),
        };
        let source_bytes = source.seek(SeekFrom::End(0)).map_err(|error| PrepareError::Read(error.kind()))?;
        let facts = head.facts(asked.options)?;
        let removed = head.found.iter().map(Removed::from).collect();
        let is_follower = matches!(head.sent, SentHead::Follows(_));
        let (pieces, digest) = match head.sent {
            SentHead::Follows(length) => (following(head_bytes, length, reply_bytes)?, None),
            SentHead::Rebuilt(pieces, digest) => (rebuilt(pieces, source_bytes)?, Some(digest)),
            SentHead::Whole(length) if length == source_bytes => (Pieces::whole(length), None),
            SentHead::Whole(_) => return Err(Stopped::Broke.into()),
        };
        if !is_follower && reply_bytes != head_bytes {
            return Err(Stopped::Broke.into());
        }
        let length_bytes = pieces.length_bytes();
        let mut from = if is_follower { reply } else { source };
        facts.check_kind(&mut from, &pieces, asked.options.treatment)?;
        let body = Body {
            content: Content::Source(pieces.of(from)),
            digest,
            held_bytes: if is_follower { length_bytes } else { 0 },
            length_bytes,
        };
        Ok(Self::assemble(body, (facts, removed), head.source_digest, asked))
    }

    /// A file that is sent as it is, where the process that was to look inside was stopped.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn unseen(mut source: R, asked: &Asked<'_>) -> Result<Self, PrepareError> {
        let failed = |error: io::Error| PrepareError::Read(error.kind());
        let length_bytes = source.seek(SeekFrom::End(0)).map_err(failed)?;
        let mut head = Vec::new();
        source.rewind().map_err(failed)?;
        source.by_ref().take(format::HEAD_BYTES as u64).read_to_end(&mut head).map_err(failed)?;
        let media_type = Format::of(&head).map_or(MediaType::Other, Format::media_type);
        let facts = Facts { media_type, dimensions: None, thumbhash: Vec::new(), compression: None };
        let removed = with_fates(vec![Found::not_inspected("the look inside was stopped")], |_| true);
        let content = Content::Source(Pieces::whole(length_bytes).of(source));
        let body = Body { content, digest: None, held_bytes: 0, length_bytes };
        Ok(Self::assemble(body, (facts, removed), None, asked))
    }
}

impl MadeHead {
    /// What is known of the picture, if it can be.
    fn facts(&self, options: &PrepareOptions) -> Result<Facts, Stopped> {
        let is_exact = options.treatment == Treatment::Exact;
        // Only what is sent as it is may be no picture, and has the digest that its sealing takes.
        let is_whole = matches!(self.sent, SentHead::Whole(_));
        if is_exact != is_whole || is_exact != self.source_digest.is_none() || !is_exact && self.size.is_none() {
            return Err(Stopped::Broke);
        }
        let dimensions = self.size.map(|Pixels { width, height }| (width, height));
        if let Some(size) = dimensions {
            check_size(size, &Limits::default()).map_err(|_| Stopped::Broke)?;
        }
        let is_compressed = options.treatment == Treatment::Compressed;
        let is_too_long = |(width, height): (u32, u32)| width.max(height) > options.max_edge.max(1);
        // What would grow by being made smaller is sent as it is.
        let is_shrunk = is_compressed && self.compression != Some(Compression::Kept);
        if dimensions.is_some() == self.thumbhash.as_slice().is_empty()
            || is_shrunk && dimensions.is_some_and(is_too_long)
            || is_compressed != self.compression.is_some_and(|compression| compression.is_possible())
        {
            return Err(Stopped::Broke);
        }
        let thumbhash = self.thumbhash.as_slice().to_vec();
        Ok(Facts { media_type: self.media_type, dimensions, thumbhash, compression: self.compression })
    }
}

impl Facts {
    /// Whether the bytes begin as their kind does, and the kind is one that the treatment makes.
    fn check_kind<R: Read + Seek>(&self, from: &mut R, pieces: &Pieces, treatment: Treatment) -> Result<(), Stopped> {
        let mut head = Vec::new();
        let mut file = pieces.clone().of(from).take(format::HEAD_BYTES as u64);
        file.read_to_end(&mut head).map_err(|_| Stopped::Broke)?;
        let kind = Format::of(&head).map_or(MediaType::Other, Format::media_type);
        let is_made = matches!(kind, MediaType::Jpeg | MediaType::Png | MediaType::WebP);
        let fits = kind == self.media_type && (is_made || treatment == Treatment::Exact);
        if fits { Ok(()) } else { Err(Stopped::Broke) }
    }
}

fn following(head_bytes: u64, length_bytes: u64, reply_bytes: u64) -> Result<Pieces, Stopped> {
    match head_bytes.checked_add(length_bytes) {
        Some(end) if end == reply_bytes => Ok(Pieces::from(vec![Piece::Source(head_bytes..end)])),
        _ => Err(Stopped::Broke),
    }
}

fn rebuilt(pieces: List<PieceHead, PIECES>, source_bytes: u64) -> Result<Pieces, Stopped> {
    let piece = |head| match head {
        PieceHead::New(bytes) => Ok(Piece::New(bytes.into_vec())),
        PieceHead::Source(start, end) if start <= end && end <= source_bytes => Ok(Piece::Source(start..end)),
        PieceHead::Source(..) => Err(Stopped::Broke),
    };
    Ok(Pieces::from(pieces.into_vec().into_iter().map(piece).collect::<Result<Vec<_>, _>>()?))
}

//! WebP (RFC 9649): a RIFF file; the extended form names in its first chunk which others there are.

use std::{borrow::Cow, ops::Range};

use super::{
    super::{error::PictureError, pieces::Pieces},
    Keep, Leftover, LeftoverKind, Parts, take, take_array, without_prefix,
};

/// The chunks that make the picture, each with its padding if it has one, in order.
pub(super) struct Body {
    has_alpha: bool,
    is_animated: bool,
    /// Whether the picture alone needs the extended form.
    is_extended: bool,
    pieces: Vec<Range<usize>>,
}

/// Takes a WebP apart.
pub(super) fn parse(bytes: &[u8]) -> Result<Parts<'_>, PictureError> {
    let mut all = bytes;
    let [b'R', b'I', b'F', b'F', length @ .., b'W', b'E', b'B', b'P'] = take_array::<12>(&mut all)? else {
        return Err(PictureError::Damaged);
    };
    let length = usize::try_from(u32::from_le_bytes(*length)).map_err(|_| PictureError::Damaged)?;
    let mut rest = take(&mut all, length.checked_sub(4).ok_or(PictureError::Damaged)?)?;
    let end = bytes.len().saturating_sub(all.len());
    let (mut exif, mut xmp, mut icc) = (None, None, None);
    let (mut leftovers, mut size, mut canvas) = (Vec::new(), None, None);
    let mut body = Body { has_alpha: false, is_animated: false, is_extended: false, pieces: Vec::new() };
    while !rest.is_empty() {
        let Chunk { kind, payload, whole } = chunk(end, &mut rest)?;
        match &kind {
            b"VP8X" => canvas = Some(extended_size(payload).ok_or(PictureError::Damaged)?),
            b"VP8 " => {
                size = Some(lossy_size(payload).ok_or(PictureError::Damaged)?);
                body.pieces.push(whole);
            }
            b"VP8L" => {
                let (width, height, has_alpha) = lossless_header(payload).ok_or(PictureError::Damaged)?;
                size = Some((width, height));
                body.has_alpha |= has_alpha;
                body.pieces.push(whole);
            }
            b"ALPH" => {
                (body.has_alpha, body.is_extended) = (true, true);
                body.pieces.push(whole);
            }
            b"ANIM" | b"ANMF" => {
                // A frame may be transparent; the flag is a hint and costs nothing.
                (body.is_animated, body.is_extended, body.has_alpha) = (true, true, true);
                body.pieces.push(whole);
            }
            b"ICCP" => icc = Some(payload),
            b"EXIF" if exif.is_none() => exif = Some(without_prefix(payload)),
            b"XMP " if xmp.is_none() => xmp = Some(payload),
            _ => leftovers.push(Leftover { kind: LeftoverKind::Chunk(kind), payload, whole }),
        }
    }
    Ok(Parts {
        size: canvas.or(size).ok_or(PictureError::Damaged)?,
        exif,
        xmp,
        icc: icc.map(Cow::Borrowed),
        leftovers,
        trailing: all,
        is_animated: body.is_animated,
        is_non_interleaved: false,
        body: super::Body::WebP(body),
    })
}

/// Builds a WebP again, in the simple form where that is enough.
pub(super) fn rebuild(parts: &Parts<'_>, body: &Body, keep: Keep<'_>) -> Pieces {
    let icc = parts.icc.as_deref().filter(|_| keep.icc);
    let flags = [
        (icc.is_some(), 0x20),
        (body.has_alpha, 0x10),
        (keep.exif.is_some(), 0x08),
        (keep.xmp.is_some(), 0x04),
        (body.is_animated, 0x02),
    ]
    .iter()
    .filter(|(is_set, _)| *is_set)
    .fold(0_u8, |flags, (_, flag)| flags | flag);
    let mut chunks = Pieces::default();
    if body.is_extended || icc.is_some() || keep.exif.is_some() || keep.xmp.is_some() {
        let [w0, w1, w2, _] = parts.size.0.saturating_sub(1).to_le_bytes();
        let [h0, h1, h2, _] = parts.size.1.saturating_sub(1).to_le_bytes();
        push_chunk(&mut chunks, *b"VP8X", &[flags, 0, 0, 0, w0, w1, w2, h0, h1, h2]);
    }
    if let Some(icc) = icc {
        push_chunk(&mut chunks, *b"ICCP", icc);
    }
    body.pieces.iter().for_each(|piece| push_padded(&mut chunks, piece));
    if let Some(exif) = keep.exif {
        push_chunk(&mut chunks, *b"EXIF", exif);
    }
    if let Some(xmp) = keep.xmp {
        push_chunk(&mut chunks, *b"XMP ", xmp);
    }
    if keep.leftovers {
        parts.leftovers.iter().for_each(|leftover| push_padded(&mut chunks, &leftover.whole));
    }
    let mut out = Pieces::default();
    out.push_new(b"RIFF");
    out.push_new(&u32::try_from(chunks.length_bytes().saturating_add(4)).unwrap_or(u32::MAX).to_le_bytes());
    out.push_new(b"WEBP");
    out.append(chunks);
    out
}

struct Chunk<'a> {
    kind: [u8; 4],
    payload: &'a [u8],
    whole: Range<usize>,
}

/// `end` is where `rest` ends in the file.
fn chunk<'a>(end: usize, rest: &mut &'a [u8]) -> Result<Chunk<'a>, PictureError> {
    let start = end.saturating_sub(rest.len());
    let kind = *take_array(rest)?;
    let length = usize::try_from(u32::from_le_bytes(*take_array(rest)?)).map_err(|_| PictureError::Damaged)?;
    let payload = take(rest, length)?;
    // Some writers leave out the padding of the last chunk.
    if length % 2 == 1 && !rest.is_empty() {
        take(rest, 1)?;
    }
    Ok(Chunk { kind, payload, whole: start..end.saturating_sub(rest.len()) })
}

/// The last chunk of a file may lack its padding; anything behind it needs it.
fn push_padded(out: &mut Pieces, chunk: &Range<usize>) {
    out.push_source(chunk);
    if chunk.len() % 2 == 1 {
        out.push_new(&[0]);
    }
}

fn push_chunk(out: &mut Pieces, kind: [u8; 4], payload: &[u8]) {
    let Ok(length) = u32::try_from(payload.len()) else { return };
    out.push_new(&kind);
    out.push_new(&length.to_le_bytes());
    out.push_new(payload);
    if length % 2 == 1 {
        out.push_new(&[0]);
    }
}

fn extended_size(payload: &[u8]) -> Option<(u32, u32)> {
    let [_, _, _, _, w0, w1, w2, h0, h1, h2, ..] = payload else { return None };
    let edge = |b0: &u8, b1: &u8, b2: &u8| u32::from_le_bytes([*b0, *b1, *b2, 0]).saturating_add(1);
    Some((edge(w0, w1, w2), edge(h0, h1, h2)))
}

/// RFC 6386, section 9.1: three bytes of tag, the start code, 14 bits of width and of height.
fn lossy_size(payload: &[u8]) -> Option<(u32, u32)> {
    let [_, _, _, 0x9d, 0x01, 0x2a, w0, w1, h0, h1, ..] = payload else { return None };
    let edge = |low: &u8, high: &u8| u32::from(u16::from_le_bytes([*low, *high]) & 0x3fff);
    Some((edge(w0, w1), edge(h0, h1)))
}

/// RFC 9649, section 3.4: a signature byte, 14 bits of width - 1 and of height - 1, one bit of alpha.
fn lossless_header(payload: &[u8]) -> Option<(u32, u32, bool)> {
    let [0x2f, b0, b1, b2, b3, ..] = payload else { return None };
    let bits = u32::from_le_bytes([*b0, *b1, *b2, *b3]);
    Some(((bits & 0x3fff).saturating_add(1), ((bits >> 14) & 0x3fff).saturating_add(1), (bits >> 28) & 1 == 1))
}

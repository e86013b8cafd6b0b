//! PNG (third edition): chunks of length, type, data and CRC.

use std::{borrow::Cow, ops::Range};

use super::{
    super::{error::PictureError, pieces::Pieces},
    Keep, Leftover, LeftoverKind, Parts, take, take_array, without_prefix,
};

/// The chunks that make the picture, in order.
pub(super) struct Body {
    header: Range<usize>,
    pieces: Vec<Range<usize>>,
}

/// Takes a PNG apart.
pub(super) fn parse(bytes: &[u8]) -> Result<Parts<'_>, PictureError> {
    let mut rest = bytes.strip_prefix(SIGNATURE).ok_or(PictureError::Damaged)?;
    let (mut exif, mut xmp, mut icc) = (None, None, None);
    let (mut leftovers, mut pieces, mut is_animated) = (Vec::new(), Vec::new(), false);
    let header = chunk(bytes.len(), &mut rest)?;
    let (b"IHDR", [w3, w2, w1, w0, h3, h2, h1, h0, _, _, _, _, _]) = (&header.kind, header.payload) else {
        return Err(PictureError::Damaged);
    };
    let size = (u32::from_be_bytes([*w3, *w2, *w1, *w0]), u32::from_be_bytes([*h3, *h2, *h1, *h0]));
    loop {
        let Chunk { kind, payload, whole } = chunk(bytes.len(), &mut rest)?;
        let leftover = match &kind {
            b"IEND" => break,
            b"PLTE" | b"IDAT" | b"tRNS" | b"cHRM" | b"gAMA" | b"sBIT" | b"sRGB" | b"cICP" => {
                pieces.push(whole);
                continue;
            }
            b"iCCP" if icc.is_none() => {
                icc = profile(payload);
                continue;
            }
            b"eXIf" if exif.is_none() => {
                exif = Some(without_prefix(payload));
                continue;
            }
            b"iTXt" if xmp.is_none() && payload.starts_with(XMP) => {
                xmp = payload.get(XMP.len()..);
                continue;
            }
            // What a viewer may do with them is cosmetic: density, background, histogram, suggested palettes.
            b"pHYs" | b"bKGD" | b"hIST" | b"sPLT" => continue,
            b"tEXt" => LeftoverKind::Text,
            b"zTXt" | b"iTXt" => LeftoverKind::LongText,
            b"tIME" => LeftoverKind::Time,
            b"acTL" => {
                is_animated = true;
                LeftoverKind::Frames
            }
            b"fcTL" | b"fdAT" => continue,
            // A critical chunk that is unknown changes the picture.
            [first, ..] if first.is_ascii_uppercase() => return Err(PictureError::Unsupported),
            _ => LeftoverKind::Chunk(kind),
        };
        leftovers.push(Leftover {
            kind: leftover,
            payload,
            whole: if leftover == LeftoverKind::Frames { 0..0 } else { whole },
        });
    }
    Ok(Parts {
        size,
        exif,
        xmp,
        icc: icc.map(Cow::Borrowed),
        leftovers,
        trailing: rest,
        is_animated,
        is_non_interleaved: false,
        body: super::Body::Png(Body { header: header.whole, pieces }),
    })
}

/// Builds a PNG again; what is kept stands right behind the header, before any palette or data.
pub(super) fn rebuild(parts: &Parts<'_>, body: &Body, keep: Keep<'_>) -> Pieces {
    let mut out = Pieces::default();
    out.push_new(SIGNATURE);
    out.push_source(&body.header);
    if let Some(icc) = parts.icc.as_deref().filter(|_| keep.icc) {
        push_chunk(&mut out, *b"iCCP", &[PROFILE_NAME, icc]);
    }
    if let Some(exif) = keep.exif {
        push_chunk(&mut out, *b"eXIf", &[exif]);
    }
    if let Some(xmp) = keep.xmp {
        push_chunk(&mut out, *b"iTXt", &[XMP, xmp]);
    }
    if keep.leftovers {
        parts.leftovers.iter().for_each(|leftover| out.push_source(&leftover.whole));
    }
    body.pieces.iter().for_each(|piece| out.push_source(piece));
    push_chunk(&mut out, *b"IEND", &[]);
    out
}

struct Chunk<'a> {
    kind: [u8; 4],
    payload: &'a [u8],
    whole: Range<usize>,
}

/// `length_bytes` is that of the file whose end `rest` is.
fn chunk<'a>(length_bytes: usize, rest: &mut &'a [u8]) -> Result<Chunk<'a>, PictureError> {
    let start = length_bytes.saturating_sub(rest.len());
    let length = usize::try_from(u32::from_be_bytes(*take_array(rest)?)).map_err(|_| PictureError::Damaged)?;
    let kind = *take_array(rest)?;
    let payload = take(rest, length)?;
    take_array::<4>(rest)?;
    Ok(Chunk { kind, payload, whole: start..length_bytes.saturating_sub(rest.len()) })
}

/// The profile behind its name, as it stands: method and compressed data. The name may say anything and is not kept.
fn profile(payload: &[u8]) -> Option<&[u8]> {
    let end = payload.iter().position(|byte| *byte == 0)?;
    payload.get(end.saturating_add(1)..).filter(|data| data.len() <= MAX_PROFILE_BYTES)
}

fn push_chunk(out: &mut Pieces, kind: [u8; 4], payload: &[&[u8]]) {
    let Ok(length) = u32::try_from(payload.iter().map(|part| part.len()).sum::<usize>()) else { return };
    out.push_new(&length.to_be_bytes());
    out.push_new(&kind);
    payload.iter().for_each(|part| out.push_new(part));
    let crc = payload.iter().fold(crc(u32::MAX, &kind), |state, part| crc(state, part));
    out.push_new(&(!crc).to_be_bytes());
}

/// CRC-32 of ISO 3309, bit by bit: only for the few small chunks that are written here.
fn crc(state: u32, bytes: &[u8]) -> u32 {
    bytes.iter().fold(state, |state, byte| {
        (0..8).fold(
            state ^ u32::from(*byte),
            |state, _| if state & 1 == 1 { (state >> 1) ^ 0xedb8_8320 } else { state >> 1 },
        )
    })
}

const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";
const PROFILE_NAME: &[u8] = b"ICC\0";
/// Keyword, uncompressed, no language, no translated keyword.
const XMP: &[u8] = b"XML:com.adobe.xmp\0\0\0\0\0";
/// A compressed profile above this is not a profile of a photograph.
const MAX_PROFILE_BYTES: usize = 1 << 20;

//! JPEG (ITU-T T.81): segments between markers, and entropy-coded data after each start of scan.

use std::{borrow::Cow, ops::Range};

use super::{
    super::{error::PictureError, pieces::Pieces},
    Keep, Leftover, LeftoverKind, Parts, take, take_array,
};

/// The picture's own segments, in order, scans with their data.
pub(super) struct Body<'a> {
    has_jfif: bool,
    adobe: Option<&'a [u8]>,
    pieces: Vec<Range<usize>>,
}

/// The longest EXIF or XMP that one segment holds, prefix and length taken off.
pub(super) const MAX_BLOCK_BYTES: usize = 65_535 - 2 - XMP.len();

/// Takes a JPEG apart.
pub(super) fn parse(bytes: &[u8]) -> Result<Parts<'_>, PictureError> {
    let mut reading = Reading::default();
    let mut rest = bytes.strip_prefix(&[0xff, SOI]).ok_or(PictureError::Damaged)?;
    loop {
        let marker = next_marker(&mut rest)?;
        match marker {
            EOI => break,
            SOI | TEM | RST0..=RST7 => {}
            _ => {
                let from = rest;
                let payload = segment(&mut rest)?;
                if marker == SOS {
                    let length = entropy_length(rest)?;
                    take(&mut rest, length)?;
                }
                // The two bytes of the marker stand right before `from`.
                let start = bytes.len().saturating_sub(from.len()).saturating_sub(2);
                let end = bytes.len().saturating_sub(rest.len());
                reading.segment(marker, payload, start..end)?;
            }
        }
    }
    reading.finish(rest)
}

/// Builds a JPEG again: JFIF's short form, what is kept, the Adobe marker (it says which colours these are), the picture.
pub(super) fn rebuild(parts: &Parts<'_>, body: &Body<'_>, keep: Keep<'_>) -> Pieces {
    let mut out = Pieces::default();
    out.push_new(&[0xff, SOI]);
    if body.has_jfif {
        push_segment(&mut out, APP0, &[JFIF, b"\x01\x02\0\0\x01\0\x01\0\0"]);
    }
    if let Some(exif) = keep.exif {
        push_segment(&mut out, APP1, &[EXIF, exif]);
    }
    if let Some(xmp) = keep.xmp {
        push_segment(&mut out, APP1, &[XMP, xmp]);
    }
    if let Some(icc) = parts.icc.as_deref().filter(|_| keep.icc) {
        push_icc(&mut out, icc);
    }
    if let Some(adobe) = body.adobe {
        push_segment(&mut out, APP14, &[adobe]);
    }
    if keep.leftovers {
        parts.leftovers.iter().for_each(|leftover| out.push_source(&leftover.whole));
    }
    body.pieces.iter().for_each(|piece| out.push_source(piece));
    out.push_new(&[0xff, EOI]);
    out
}

#[derive(Default)]
struct Reading<'a> {
    frame: Option<(u8, u32, u32)>,
    scan_count: u32,
    exif: Option<&'a [u8]>,
    xmp: Option<&'a [u8]>,
    icc: Vec<(u8, &'a [u8])>,
    leftovers: Vec<Leftover<'a>>,
    has_jfif: bool,
    adobe: Option<&'a [u8]>,
    pieces: Vec<Range<usize>>,
}

impl<'a> Reading<'a> {
    fn segment(&mut self, marker: u8, payload: &'a [u8], whole: Range<usize>) -> Result<(), PictureError> {
        match marker {
            APP0..=APP15 | COM | JPG0..=JPG13 => self.application(marker, payload, whole),
            DHT | DAC | DQT | DRI | DNL => self.pieces.push(whole),
            SOS => {
                self.scan_count = self.scan_count.saturating_add(1);
                self.pieces.push(whole);
            }
            SOF0..=SOF15 => {
                let &[_, h1, h0, w1, w0, ..] = payload else { return Err(PictureError::Damaged) };
                let frame = (marker, u32::from(u16::from_be_bytes([w1, w0])), u32::from(u16::from_be_bytes([h1, h0])));
                if self.frame.replace(frame).is_some() {
                    return Err(PictureError::Unsupported);
                }
                self.pieces.push(whole);
            }
            _ => return Err(PictureError::Unsupported),
        }
        Ok(())
    }

    fn application(&mut self, marker: u8, payload: &'a [u8], whole: Range<usize>) {
        let kind = match marker {
            APP0 if payload.starts_with(JFIF) => {
                self.has_jfif = true;
                match payload.get(14..) {
                    Some(thumbnail) if !thumbnail.is_empty() => LeftoverKind::Thumbnail,
                    _ => return,
                }
            }
            APP0 if payload.starts_with(b"JFXX\0") => LeftoverKind::Thumbnail,
            APP1 if self.exif.is_none() && payload.starts_with(EXIF) => {
                self.exif = payload.get(EXIF.len()..);
                return;
            }
            APP1 if self.xmp.is_none() && payload.starts_with(XMP) => {
                self.xmp = payload.get(XMP.len()..);
                return;
            }
            APP2 if payload.starts_with(ICC) => match payload.get(ICC.len()..) {
                Some([number, _, chunk @ ..]) => {
                    self.icc.push((*number, chunk));
                    return;
                }
                _ => LeftoverKind::Application(2),
            },
            APP2 if payload.starts_with(b"MPF\0") => LeftoverKind::Frames,
            APP13 if payload.starts_with(b"Photoshop") => LeftoverKind::Photoshop,
            APP14 if payload.starts_with(b"Adobe") && payload.len() >= ADOBE_BYTES => {
                self.adobe = payload.get(..ADOBE_BYTES);
                return;
            }
            COM => LeftoverKind::Comment,
            _ => LeftoverKind::Application(marker.wrapping_sub(APP0)),
        };
        // An index of pictures behind the end is worthless once they are gone.
        let whole = if kind == LeftoverKind::Frames { 0..0 } else { whole };
        self.leftovers.push(Leftover { kind, payload, whole });
    }

    fn finish(mut self, trailing: &'a [u8]) -> Result<Parts<'a>, PictureError> {
        let (sof, width, height) = self.frame.ok_or(PictureError::Damaged)?;
        if self.scan_count == 0 {
            return Err(PictureError::Damaged);
        }
        self.icc.sort_by_key(|(number, _)| *number);
        let profile: Vec<u8> = self.icc.iter().flat_map(|(_, chunk)| chunk.iter().copied()).collect();
        Ok(Parts {
            size: (width, height),
            exif: self.exif,
            xmp: self.xmp,
            icc: (!profile.is_empty()).then_some(Cow::Owned(profile)),
            leftovers: self.leftovers,
            trailing,
            is_animated: false,
            is_non_interleaved: matches!(sof, SOF0 | SOF1) && self.scan_count > 1,
            body: super::Body::Jpeg(Body { has_jfif: self.has_jfif, adobe: self.adobe, pieces: self.pieces }),
        })
    }
}

/// Moves past the next marker. Bytes between segments belong to nothing and are dropped, as libjpeg does.
fn next_marker(rest: &mut &[u8]) -> Result<u8, PictureError> {
    loop {
        let &[byte] = take_array(rest)?;
        if byte == 0xff {
            match rest.first() {
                Some(0xff) => {}
                Some(0) => return Err(PictureError::Damaged),
                _ => {
                    let &[marker] = take_array(rest)?;
                    return Ok(marker);
                }
            }
        }
    }
}

fn segment<'a>(rest: &mut &'a [u8]) -> Result<&'a [u8], PictureError> {
    let length = usize::from(u16::from_be_bytes(*take_array(rest)?));
    take(rest, length.checked_sub(2).ok_or(PictureError::Damaged)?)
}

/// Up to the next marker that is neither a stuffed zero nor a restart.
fn entropy_length(data: &[u8]) -> Result<usize, PictureError> {
    let mut at = 0;
    loop {
        let rest = data.get(at..).ok_or(PictureError::Truncated)?;
        at = at.saturating_add(rest.iter().position(|byte| *byte == 0xff).ok_or(PictureError::Truncated)?);
        match data.get(at.saturating_add(1)).ok_or(PictureError::Truncated)? {
            0 | RST0..=RST7 => at = at.saturating_add(2),
            0xff => at = at.saturating_add(1),
            _ => return Ok(at),
        }
    }
}

fn push_segment(out: &mut Pieces, marker: u8, payload: &[&[u8]]) {
    let length = payload.iter().map(|part| part.len()).sum::<usize>().saturating_add(2);
    // Callers keep payloads below 64 KiB; a longer one is left out rather than written wrongly.
    let Ok(length) = u16::try_from(length) else { return };
    out.push_new(&[0xff, marker]);
    out.push_new(&length.to_be_bytes());
    payload.iter().for_each(|part| out.push_new(part));
}

/// ICC.1:2022, annex B.4: numbered from 1, each with the count.
fn push_icc(out: &mut Pieces, icc: &[u8]) {
    let chunks = icc.chunks(ICC_CHUNK_BYTES);
    let Ok(count) = u8::try_from(chunks.len()) else { return };
    for (number, chunk) in (1..=count).zip(chunks) {
        push_segment(out, APP2, &[ICC, &[number, count], chunk]);
    }
}

const JFIF: &[u8] = b"JFIF\0";
const EXIF: &[u8] = b"Exif\0\0";
const XMP: &[u8] = b"http://ns.adobe.com/xap/1.0/\0";
const ICC: &[u8] = b"ICC_PROFILE\0";
const ICC_CHUNK_BYTES: usize = 65_000;
/// `Adobe`, a version, two flag words and the transform; what follows it is nobody's.
const ADOBE_BYTES: usize = 12;

const TEM: u8 = 0x01;
const SOF0: u8 = 0xc0;
const SOF1: u8 = 0xc1;
const DHT: u8 = 0xc4;
const DAC: u8 = 0xcc;
const SOF15: u8 = 0xcf;
const RST0: u8 = 0xd0;
const RST7: u8 = 0xd7;
const SOI: u8 = 0xd8;
const EOI: u8 = 0xd9;
const SOS: u8 = 0xda;
const DQT: u8 = 0xdb;
const DNL: u8 = 0xdc;
const DRI: u8 = 0xdd;
const APP0: u8 = 0xe0;
const APP1: u8 = 0xe1;
const APP2: u8 = 0xe2;
const APP13: u8 = 0xed;
const APP14: u8 = 0xee;
const APP15: u8 = 0xef;
const JPG0: u8 = 0xf0;
const JPG13: u8 = 0xfd;
const COM: u8 = 0xfe;

//! GIF89a: what a file says beside its frames. GIFs are never rebuilt; this finds what to report.

use super::{super::error::PictureError, Leftover, LeftoverKind, take, take_array};

/// What is in a GIF beside its first frame, and the bytes after its end.
///
/// # Errors
/// [`PictureError::Truncated`] where a block runs over the end of the file.
pub(in super::super) fn leftovers_of_gif(bytes: &[u8]) -> Result<(Vec<Leftover<'_>>, &[u8]), PictureError> {
    let mut rest = bytes;
    take(&mut rest, 6)?;
    let &[_, _, _, _, flags, _, _] = take_array(&mut rest)?;
    take(&mut rest, palette_bytes(flags))?;
    let (mut leftovers, mut frame_count) = (Vec::new(), 0_u32);
    // Many writers leave out the trailer: the end of the file after a whole block will do.
    while let Some((&introducer, after)) = rest.split_first() {
        rest = after;
        match introducer {
            TRAILER => break,
            IMAGE => {
                let &[_, _, _, _, _, _, _, _, flags] = take_array(&mut rest)?;
                take(&mut rest, palette_bytes(flags))?;
                let &[_code_size] = take_array(&mut rest)?;
                sub_blocks(&mut rest)?;
                frame_count = frame_count.saturating_add(1);
            }
            EXTENSION => {
                let &[label] = take_array(&mut rest)?;
                let payload = sub_blocks(&mut rest)?;
                let kind = match label {
                    COMMENT | PLAIN_TEXT => LeftoverKind::Comment,
                    APPLICATION if !payload.starts_with(b"\x0bNETSCAPE2.0") => LeftoverKind::Chunk(*b"app "),
                    _ => continue,
                };
                leftovers.push(Leftover { kind, payload, whole: 0..0 });
            }
            _ => return Err(PictureError::Damaged),
        }
    }
    match frame_count {
        0 => Err(PictureError::Truncated),
        1 => Ok((leftovers, rest)),
        _ => {
            leftovers.push(Leftover { kind: LeftoverKind::Frames, payload: &[], whole: 0..0 });
            Ok((leftovers, rest))
        }
    }
}

const fn palette_bytes(flags: u8) -> usize {
    if flags & 0x80 == 0 { 0 } else { 6 << (flags & 7) }
}

/// Length-prefixed pieces up to an empty one; returned with their length bytes, as they stand.
fn sub_blocks<'a>(rest: &mut &'a [u8]) -> Result<&'a [u8], PictureError> {
    let from = *rest;
    loop {
        let &[length] = take_array(rest)?;
        if length == 0 {
            let end = from.len().saturating_sub(rest.len()).saturating_sub(1);
            return Ok(from.get(..end).unwrap_or_default());
        }
        take(rest, usize::from(length))?;
    }
}

const IMAGE: u8 = b',';
const EXTENSION: u8 = b'!';
const TRAILER: u8 = b';';
const PLAIN_TEXT: u8 = 0x01;
const COMMENT: u8 = 0xfe;
const APPLICATION: u8 = 0xff;

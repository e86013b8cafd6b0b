//! JPEG XL's container (ISO 18181-2): boxes of metadata beside the codestream.

use super::{Carrier, Found, RemovedGroup, exif, human::bytes_of, xmp};

/// Reports the boxes of a file; a bare codestream has none.
pub(super) fn report(bytes: &[u8], found: &mut Vec<Found>) {
    if !bytes.starts_with(CONTAINER) {
        return;
    }
    let mut rest = bytes;
    while let Some((kind, payload, after)) = next_box(rest) {
        match kind {
            // Four bytes say where in the box the TIFF structure begins, counted from behind them.
            b"Exif" => {
                let block = payload
                    .split_first_chunk()
                    .and_then(|(skip, block)| block.get(usize::try_from(u32::from_be_bytes(*skip)).ok()?..));
                exif::report(block.unwrap_or(payload), Carrier::Leftovers, found);
            }
            b"xml " => xmp::report(payload, Carrier::Leftovers, found),
            // Compressed with Brotli: which box it was stands before the data.
            b"brob" => {
                let name = String::from_utf8_lossy(payload.get(..4).unwrap_or_default());
                let key = format!("compressed {name}");
                found.push(Found::new(Carrier::Leftovers, RemovedGroup::OtherMetadata, key, bytes_of(payload.len())));
            }
            b"JXL " | b"ftyp" | b"jxlc" | b"jxlp" | b"jxli" | b"jxll" | b"jbrd" => {}
            other => {
                let name = String::from_utf8_lossy(other);
                found.push(Found::new(Carrier::Leftovers, RemovedGroup::OtherMetadata, name, bytes_of(payload.len())));
            }
        }
        rest = after;
    }
}

/// A length with itself counted in, a type, the payload; 0 reaches to the end, 1 says that 64 bits follow.
fn next_box(bytes: &[u8]) -> Option<(&[u8; 4], &[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk()?;
    let (kind, rest) = rest.split_first_chunk()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
    let (payload, after) = match length {
        0 => (rest, [].as_slice()),
        1 => {
            let (length, rest) = rest.split_first_chunk()?;
            rest.split_at_checked(usize::try_from(u64::from_be_bytes(*length)).ok()?.checked_sub(16)?)?
        }
        _ => rest.split_at_checked(length.checked_sub(8)?)?,
    };
    Some((kind, payload, after))
}

const CONTAINER: &[u8] = b"\0\0\0\x0cJXL \r\n\x87\n";

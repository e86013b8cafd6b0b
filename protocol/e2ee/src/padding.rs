//! Padding to a fixed room: 0x80, then zeros. Only ever removed after the tag was checked, so it is no oracle.

use zeroize::Zeroizing;

use crate::{aead::TAG_BYTES, error::Undecryptable};

const MARK: u8 = 0x80;

/// `body || 0x80 || zeros`, `room_bytes` long, with space for a tag behind it so that sealing leaves no copy.
/// The caller has checked that the body and one byte fit.
#[must_use]
pub(crate) fn pad(body: &[u8], room_bytes: usize) -> Zeroizing<Vec<u8>> {
    let mut padded = Zeroizing::new(Vec::with_capacity(room_bytes.saturating_add(TAG_BYTES)));
    padded.extend_from_slice(body);
    padded.push(MARK);
    padded.resize(room_bytes, 0);
    padded
}

/// Cuts the padding off.
///
/// # Errors
/// [`Undecryptable`] if there is no mark; the sender's fault.
pub(crate) fn unpad(padded: &mut Vec<u8>) -> Result<(), Undecryptable> {
    let mark = padded.iter().rposition(|byte| *byte != 0).ok_or(Undecryptable)?;
    if padded.get(mark) != Some(&MARK) {
        return Err(Undecryptable);
    }
    padded.truncate(mark);
    Ok(())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn any_body_comes_back_and_nothing_else_is_padding() {
        for body in [&b""[..], b"a", &[0, 0], &[0x80, 0], &[0xff; 15]] {
            let mut padded = pad(body, 16);
            assert_eq!(padded.len(), 16);
            unpad(&mut padded).unwrap();
            assert_eq!(padded.as_slice(), body);
        }
        assert_eq!(unpad(&mut vec![0; 16]), Err(Undecryptable));
        assert_eq!(unpad(&mut vec![0x80, 0x81]), Err(Undecryptable));
        assert_eq!(unpad(&mut Vec::new()), Err(Undecryptable));
    }
}

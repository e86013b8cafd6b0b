//! Padding to a fixed room: 0x80, then zeros. Only ever removed after the tag was checked, so it is no oracle.

use subtle::{Choice, ConditionallySelectable as _, ConstantTimeEq as _};
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

/// Cuts the padding off. Eight bytes at a time, all are looked at in the same way: how long the body is does not show in
/// the time it takes.
///
/// # Errors
/// [`Undecryptable`] if there is no mark; the sender's fault.
pub(crate) fn unpad(padded: &mut Vec<u8>) -> Result<(), Undecryptable> {
    let words = padded.rchunks(8).map(|eight| eight.iter().fold(0, |word, byte| word << 8_u32 | u64::from(*byte)));
    let (mut last, mut behind, mut found) = (0_u64, 0_u64, Choice::from(0));
    for (place, word) in (0..).zip(words) {
        // From the end: the first word that is not zero stays.
        let is_it = !(word.ct_eq(&0) | found);
        last.conditional_assign(&word, is_it);
        behind.conditional_assign(&place, is_it);
        found |= is_it;
    }
    let zeros = last.trailing_zeros() / 8;
    if last.checked_shr(zeros.saturating_mul(8)).is_none_or(|end| end & 0xff != u64::from(MARK)) {
        return Err(Undecryptable);
    }
    let cut = behind.saturating_mul(8).saturating_add(u64::from(zeros)).saturating_add(1);
    let left = usize::try_from(cut).ok().and_then(|cut| padded.len().checked_sub(cut));
    padded.truncate(left.ok_or(Undecryptable)?);
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
        for length in 0..100_u8 {
            let body: Vec<u8> = (0..length).map(|at| if at % 2 == 0 { 0 } else { MARK }).collect();
            let mut padded = pad(&body, 100 + usize::from(length) % 9).to_vec();
            unpad(&mut padded).unwrap();
            assert_eq!(padded, body);
        }
        assert_eq!(unpad(&mut vec![0; 16]), Err(Undecryptable));
        assert_eq!(unpad(&mut vec![0x80, 0x81]), Err(Undecryptable));
        assert_eq!(unpad(&mut Vec::new()), Err(Undecryptable));
    }
}

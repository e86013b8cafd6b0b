//! The safety number: 60 digits of two fingerprints, for two people to compare over a line nobody can fake.
//!
//! `SHA-512(label || smaller || larger)`, the first 60 bytes as twelve big-endian 40-bit numbers mod 100,000. Sixty
//! digits are 199 bits: whoever wants to stand between two people must find keys whose digits all agree, and
//! twelve groups are what people will still read to each other. Spec: `docs/spec/addresses.md`.

use core::{fmt, str::FromStr};

use lightproof_wire::label::SAFETY_NUMBER;
use sha2::{Digest as _, Sha512};

use crate::identity::Fingerprint;

/// Groups of five digits.
pub const GROUPS: usize = 12;
const GROUP_DIGITS: usize = 5;
const GROUP_BYTES: usize = 5;
const MODULUS: u64 = 100_000;

/// The number two identities share; the same on both sides. Not a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SafetyNumber([u32; GROUPS]);

/// Not sixty digits. The fault of whoever typed or scanned it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a safety number is sixty digits")]
pub struct SafetyNumberMalformed;

impl SafetyNumber {
    /// Of two identities, in either order.
    #[must_use]
    pub fn between(one: &Fingerprint, other: &Fingerprint) -> Self {
        let (smaller, larger) = if one <= other { (one, other) } else { (other, one) };
        let hash =
            Sha512::new().chain_update(SAFETY_NUMBER).chain_update(smaller.as_bytes()).chain_update(larger.as_bytes());
        let bytes: [u8; 64] = hash.finalize().into();
        let mut groups = [0; GROUPS];
        for (group, bytes) in groups.iter_mut().zip(bytes.chunks_exact(GROUP_BYTES)) {
            let number = bytes.iter().fold(0_u64, |sum, byte| (sum << 8_u32) | u64::from(*byte));
            *group = u32::try_from(number % MODULUS).unwrap_or_default();
        }
        Self(groups)
    }

    /// The twelve groups, each below 100,000, to be shown with five digits.
    #[must_use]
    pub const fn groups(&self) -> &[u32; GROUPS] {
        &self.0
    }
}

impl fmt::Display for SafetyNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, group) in self.0.iter().enumerate() {
            let space = if i == 0 { "" } else { " " };
            write!(f, "{space}{group:05}")?;
        }
        Ok(())
    }
}

impl FromStr for SafetyNumber {
    type Err = SafetyNumberMalformed;

    /// Sixty digits; white space and `-` between them are forgiven.
    fn from_str(text: &str) -> Result<Self, SafetyNumberMalformed> {
        let digits = text.chars().filter(|c| !c.is_ascii_whitespace() && *c != '-');
        let mut groups = [0_u32; GROUPS];
        let mut count = 0_usize;
        for digit in digits {
            let digit = digit.to_digit(10).ok_or(SafetyNumberMalformed)?;
            let group = groups.get_mut(count / GROUP_DIGITS).ok_or(SafetyNumberMalformed)?;
            *group = group.saturating_mul(10).saturating_add(digit);
            count = count.saturating_add(1);
        }
        if count == GROUPS.saturating_mul(GROUP_DIGITS) { Ok(Self(groups)) } else { Err(SafetyNumberMalformed) }
    }
}

#[cfg(test)]
mod tests;

//! The contact card: what one gives to be reached, as `lightproof:` and base64url.
//!
//! Parsed and printed in this file alone. The checksum finds a slip of the clipboard, not an attacker: who can change
//! a card can change its checksum; the safety number is for that. Spec: `docs/spec/addresses.md`.

use base64ct::{Base64UrlUnpadded, Encoding as _};
use lightproof_wire::{
    capability::{Capability, right},
    codec::{self, DecodeError, Extensions, Text, TlsDeserialize, TlsSerialize, TlsSize},
    hash::Digest,
    label,
    limits::RELAY_LINK_BYTES,
    relay_link::RelayLink,
    suite::SuiteId,
};
use zeroize::Zeroizing;

use crate::identity::Fingerprint;

/// The version of the card format.
pub const VERSION: u8 = 1;
/// The longest name hint, in bytes of UTF-8.
pub const NAME_HINT_BYTES: usize = 64;
/// The longest card as text that is looked at; of this version none is longer than 500.
pub const CARD_TEXT_BYTES: usize = 4_096;

const SCHEME: &str = "lightproof:";
const CHECKSUM_BYTES: usize = 4;

/// What one gives to be reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContactCard {
    /// Whose card it is.
    pub fingerprint: Fingerprint,
    /// The right to ring their doorbell.
    pub doorbell: Capability<right::Drop>,
    /// The relay the doorbell is on.
    pub relay: RelayLink,
    /// What they call themselves. Never print it raw.
    pub name_hint: Text<NAME_HINT_BYTES>,
}

/// Why a text is not a card that can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CardError {
    /// Cut, mistyped or mixed up on its way.
    #[error("this contact card is damaged")]
    Damaged,
    /// Whole, and still not a card: whoever made it is at fault.
    #[error("this contact card cannot be read: {0}")]
    Malformed(DecodeError),
    /// It does not begin with `lightproof:`.
    #[error("this is not a contact card")]
    NotACard,
    /// Whole, and made by another version. Nobody's fault.
    #[error("this contact card was made by another version")]
    OtherVersion,
}

#[derive(TlsSerialize, TlsDeserialize, TlsSize)]
struct CarriedCard {
    suite: SuiteId,
    fingerprint: Fingerprint,
    doorbell: Capability<right::Drop>,
    relay: Text<RELAY_LINK_BYTES>,
    name_hint: Text<NAME_HINT_BYTES>,
    extensions: Extensions,
}

impl ContactCard {
    /// Reads a card; white space in and around it is forgiven, for mails break lines.
    ///
    /// # Errors
    /// [`CardError`], the fault of whoever made the text or carried it.
    pub fn parse(text: &str) -> Result<Self, CardError> {
        let encoded = text.trim_ascii().strip_prefix(SCHEME).ok_or(CardError::NotACard)?;
        if encoded.len() > CARD_TEXT_BYTES {
            return Err(CardError::Damaged);
        }
        let encoded: Zeroizing<String> = Zeroizing::new(encoded.chars().filter(|c| !c.is_ascii_whitespace()).collect());
        let bytes = Base64UrlUnpadded::decode_vec(&encoded).map(Zeroizing::new).map_err(|_| CardError::Damaged)?;
        let (card, checksum) = bytes.split_last_chunk::<CHECKSUM_BYTES>().ok_or(CardError::Damaged)?;
        if checksum_of(card) != *checksum {
            return Err(CardError::Damaged);
        }
        match card.split_first() {
            Some((&VERSION, fields)) => Self::decode(fields),
            Some(_) => Err(CardError::OtherVersion),
            None => Err(CardError::Damaged),
        }
    }

    /// The one way this card is written. Whoever has the text can ring the doorbell.
    #[must_use]
    pub fn print(&self) -> String {
        let carried = CarriedCard {
            suite: SuiteId,
            fingerprint: self.fingerprint,
            doorbell: self.doorbell.clone(),
            relay: self.relay.to_text(),
            name_hint: self.name_hint.clone(),
            extensions: Extensions::default(),
        };
        let mut bytes = Zeroizing::new(vec![VERSION]);
        codec::append(&mut bytes, &carried);
        let checksum = checksum_of(&bytes);
        bytes.extend_from_slice(&checksum);
        format!("{SCHEME}{}", Base64UrlUnpadded::encode_string(&bytes))
    }

    fn decode(fields: &[u8]) -> Result<Self, CardError> {
        if fields.first() != Some(&SuiteId::BYTE) {
            return Err(CardError::OtherVersion);
        }
        let card: CarriedCard = codec::decode(fields).map_err(CardError::Malformed)?;
        card.extensions.check_understood().map_err(|_| CardError::OtherVersion)?;
        Ok(Self {
            fingerprint: card.fingerprint,
            doorbell: card.doorbell,
            relay: RelayLink::from_text(&card.relay).map_err(CardError::Malformed)?,
            name_hint: card.name_hint,
        })
    }
}

fn checksum_of(card: &[u8]) -> [u8; CHECKSUM_BYTES] {
    let [a, b, c, d, ..] = *Digest::labelled(label::CARD, &[card]).as_bytes();
    [a, b, c, d]
}

#[cfg(test)]
mod tests;

//! The facts of a sealed file as bytes: padded and sealed behind the header, so that only those who can open it read them.

use lightproof_wire::codec::{self, Bytes, DecodeError, Deserialize as _, Extensions, List};
use lightproof_wire::time::Timestamp;
use zeroize::Zeroizing;

use super::{Facts, Header, Keys, SealedFileError};
use crate::{
    aead::{self, ONLY_NONCE, TAG_BYTES},
    error::Undecryptable,
    padding,
};

/// The longest sealed facts, without their length: 255 files with the longest names take less than 40 KiB.
pub const FACTS_MAX_BYTES: usize = 16 * STEP_BYTES + TAG_BYTES;

/// Facts are padded to a multiple of this: how long names are, and whether somebody signs, hardly shows.
const STEP_BYTES: usize = 4_096;

impl Facts {
    pub(super) fn encode(&self) -> Zeroizing<Vec<u8>> {
        let mut bytes = Zeroizing::new(Vec::new());
        codec::append(&mut bytes, &self.sealed_at);
        codec::append(&mut bytes, &self.signer);
        codec::append(&mut bytes, &self.recipients);
        codec::append(&mut bytes, &self.files);
        codec::append(&mut bytes, &Extensions::default());
        bytes
    }

    fn decode(bytes: &[u8]) -> Result<Self, SealedFileError> {
        let mut rest = bytes;
        let (facts, extensions) = Self::decode_fields(&mut rest).map_err(DecodeError::from)?;
        if !rest.is_empty() {
            return Err(DecodeError::Trailing.into());
        }
        extensions.check_understood().map_err(|_| SealedFileError::Newer)?;
        Ok(facts)
    }

    fn decode_fields(reader: &mut &[u8]) -> Result<(Self, Extensions), tls_codec::Error> {
        let facts = Self {
            sealed_at: Timestamp::tls_deserialize(reader)?,
            signer: Option::tls_deserialize(reader)?,
            recipients: List::tls_deserialize(reader)?,
            files: List::tls_deserialize(reader)?,
        };
        Ok((facts, Extensions::tls_deserialize(reader)?))
    }

    /// With its length before it, bound to the header.
    pub(super) fn seal(facts: &[u8], header: &Header, keys: &Keys) -> Result<Vec<u8>, DecodeError> {
        let room = facts.len().saturating_add(1).next_multiple_of(STEP_BYTES);
        let mut sealed = padding::pad(facts, room);
        aead::encrypt(&keys.facts, &ONLY_NONCE, &header.bytes(), &mut sealed);
        Ok(codec::encode(&Bytes::<FACTS_MAX_BYTES>::new(sealed.to_vec())?))
    }

    /// Opens them, and checks that they can all be true.
    pub(super) fn open(
        sealed: &[u8],
        header: &Header,
        keys: &Keys,
    ) -> Result<(Self, Zeroizing<Vec<u8>>), SealedFileError> {
        if sealed.len().checked_sub(TAG_BYTES).is_none_or(|room| room == 0 || room % STEP_BYTES != 0) {
            return Err(Undecryptable.into());
        }
        let mut bytes = Zeroizing::new(sealed.to_vec());
        aead::decrypt(&keys.facts, &ONLY_NONCE, &header.bytes(), &mut bytes)?;
        padding::unpad(&mut bytes)?;
        let facts = Self::decode(&bytes)?;
        facts.check(header)?;
        Ok((facts, bytes))
    }
}

//! Sealing files into one: the beginning, then the chunks, then the end with the signature.

use lightproof_wire::{
    codec::{DecodeError, List},
    hash::Digest,
    label,
    time::Timestamp,
};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use super::{Facts, FileFacts, Header, Keys, LockFor, joined, signed_bytes};
use crate::{
    aead::{self, ONLY_NONCE},
    blob::{SealMisuse, SealedBlob, Sealer},
    identity::{IdentityKey, IdentityKeyPair},
    manifest::Contradiction,
    secret::{Key, purpose},
    signature::SIGNATURE_BYTES,
};

/// A sealed file that has been begun.
pub struct Sealing {
    /// What stands before the chunks.
    pub beginning: Vec<u8>,
    /// What is said of the files.
    pub facts: Facts,
    /// Seals the chunks: all bytes of all files, one after the other.
    pub sealer: Sealer,
    /// What ends it.
    pub closing: Closing,
}

/// Ends a sealed file once its chunks are sealed.
pub struct Closing {
    key: Key<purpose::SealedFacts>,
    header: Digest,
    facts: Zeroizing<Vec<u8>>,
    signer: Option<IdentityKey>,
    file_count: usize,
}

/// Why nothing was sealed. The caller's fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SealFileError {
    /// What was to be said cannot be.
    #[error(transparent)]
    Contradiction(#[from] Contradiction),
    /// Digests of other files, another blob, or another identity than it began with.
    #[error("the end does not fit the beginning")]
    End,
    /// More files or recipients than one holds, or none.
    #[error("too many files, or too many recipients")]
    TooMany,
    /// Longer than one blob.
    #[error("the files are too long for one sealed file")]
    TooLong,
}

impl From<DecodeError> for SealFileError {
    fn from(_: DecodeError) -> Self {
        Self::TooMany
    }
}

impl From<SealMisuse> for SealFileError {
    fn from(error: SealMisuse) -> Self {
        if error == SealMisuse::TooLong { Self::TooLong } else { Self::End }
    }
}

/// Begins a sealed file under a fresh key.
///
/// # Errors
/// [`SealFileError`]; nothing was sealed.
pub fn begin(
    files: Vec<FileFacts>,
    to: &LockFor<'_>,
    signer: Option<&IdentityKey>,
    now: Timestamp,
    rng: &mut impl CryptoRng,
) -> Result<Sealing, SealFileError> {
    let recipients = match to {
        LockFor::Recipients([]) => return Err(SealFileError::TooMany),
        LockFor::Recipients(recipients) => recipients.iter().map(|(fingerprint, _)| *fingerprint).collect(),
        LockFor::Passphrase(..) => Vec::new(),
    };
    let (header, keys) = Header::lock(to, rng)?;
    let facts =
        Facts { sealed_at: now, signer: signer.cloned(), recipients: List::new(recipients)?, files: List::new(files)? };
    facts.check(&header)?;
    let encoded = facts.encode();
    let mut beginning = header.bytes();
    beginning.extend_from_slice(&Facts::seal(&encoded, &header, &keys)?);
    let sealer = Sealer::new(&keys.file, facts.length_bytes()?)?;
    let Keys { end, .. } = keys;
    let closing = Closing {
        key: end,
        header: header.digest(),
        facts: encoded,
        signer: facts.signer.clone(),
        file_count: facts.files.as_slice().len(),
    };
    Ok(Sealing { beginning, facts, sealer, closing })
}

impl Closing {
    /// The bytes behind the last chunk: the digests of the files and, if somebody signs, the signature.
    ///
    /// # Errors
    /// [`SealFileError::End`].
    pub fn finish(
        self,
        _all_chunks: SealedBlob,
        digests: &[Digest],
        identity: Option<&IdentityKeyPair>,
        rng: &mut impl CryptoRng,
    ) -> Result<Vec<u8>, SealFileError> {
        if digests.len() != self.file_count || identity.map(IdentityKeyPair::public) != self.signer.as_ref() {
            return Err(SealFileError::End);
        }
        let digests = joined(digests);
        let mut end = Zeroizing::new(Vec::with_capacity(Facts::end_bytes(self.file_count)));
        end.extend_from_slice(&digests);
        match identity {
            Some(identity) => {
                let signed = signed_bytes(&self.header, &self.facts, &digests);
                end.extend_from_slice(identity.sign(label::SIGN_SEALED_FILE, &signed, rng).as_bytes());
            }
            // As long as a signature: whether somebody signed is nobody's business.
            None => end.extend_from_slice(&[0; SIGNATURE_BYTES]),
        }
        aead::encrypt(&self.key, &ONLY_NONCE, &[], &mut end);
        Ok(core::mem::take(&mut *end))
    }
}

#[cfg(test)]
impl Closing {
    /// The end of one file, by somebody else than it began with.
    pub(super) fn for_test(begun: Self, signer: IdentityKey) -> Self {
        Self { signer: Some(signer), ..begun }
    }
}

impl core::fmt::Debug for Closing {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Closing(…)")
    }
}

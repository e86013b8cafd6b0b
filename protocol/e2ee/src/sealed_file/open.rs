//! Opening a sealed file: the facts, then the chunks, then the end, which says whether all of it is as it was sealed.

use lightproof_wire::{
    codec::{Bytes, DecodeError, Deserialize as _},
    hash::Digest,
    label,
};
use zeroize::Zeroizing;

use super::{FACTS_MAX_BYTES, Facts, Header, Keys, joined, signed_bytes};
use crate::{
    aead::{self, ONLY_NONCE},
    blob::{ChunkError, Opener},
    error::Undecryptable,
    identity::{Fingerprint, IdentityKey},
    manifest::Contradiction,
    secret::{Key, purpose},
    signature::{SIGNATURE_BYTES, Signature},
};

/// A file whose key we have.
pub struct Unlocked {
    pub(super) keys: Keys,
    /// Whose sealing key it was; nobody's, where it was a passphrase.
    pub(super) me: Option<Fingerprint>,
    pub(super) header: Digest,
}

/// A sealed file whose chunks and end are still to come: nothing it says is to be used.
pub struct Opening {
    facts: Facts,
    encoded: Zeroizing<Vec<u8>>,
    opener: Opener,
    end: Key<purpose::SealedFacts>,
    header: Digest,
}

/// All of a sealed file is as it was sealed, for us, by whoever it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedFile {
    facts: Facts,
    digests: Vec<Digest>,
}

/// Why a sealed file is not accepted. Nothing of it may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SealedFileError {
    /// What it says cannot all be true. Its sealer's fault.
    #[error("it contradicts itself: {0}")]
    Contradiction(#[from] Contradiction),
    /// A file in it is not the one that its sealer said. Its sealer's fault.
    #[error("a file in it is not the one that was sealed")]
    Digest,
    /// The signature does not hold: sealed by somebody else than it says.
    #[error("it was not sealed by whom it says")]
    Forged,
    /// It begins as a sealed file, and is damaged.
    #[error("it is damaged: {0}")]
    Malformed(#[from] DecodeError),
    /// Of a later version or another suite. Nobody's fault.
    #[error("it was sealed by a newer version")]
    Newer,
    /// Something else altogether.
    #[error("this is not a sealed file")]
    NotASealedFile,
    /// None of our keys opens it, or not this passphrase; or its header was changed.
    #[error("it was not sealed for us")]
    NotForUs,
    /// Sealed for somebody else, and locked for us by another than who signed it.
    #[error("it was sealed for somebody else")]
    OtherRecipient,
    /// Changed since it was sealed.
    #[error("it was changed since it was sealed")]
    Undecryptable,
}

impl From<Undecryptable> for SealedFileError {
    fn from(_: Undecryptable) -> Self {
        Self::Undecryptable
    }
}

impl From<ChunkError> for SealedFileError {
    fn from(error: ChunkError) -> Self {
        if error == ChunkError::Surplus { Self::Digest } else { Self::Undecryptable }
    }
}

impl Unlocked {
    /// The same key once more, for a second pass over the file.
    #[must_use]
    pub fn duplicate(&self) -> Self {
        Self { keys: self.keys.duplicate(), me: self.me, header: self.header }
    }

    /// Reads the facts, which stand behind the header with their length; and says how long they are with it.
    ///
    /// # Errors
    /// [`SealedFileError`].
    pub fn open(self, header: &Header, bytes: &[u8]) -> Result<(Opening, usize), SealedFileError> {
        let mut rest = bytes;
        let sealed = Bytes::<FACTS_MAX_BYTES>::tls_deserialize(&mut rest).map_err(DecodeError::from)?;
        if self.header != header.digest() {
            return Err(SealedFileError::Undecryptable);
        }
        let (facts, encoded) = Facts::open(sealed.as_slice(), header, &self.keys)?;
        // Who signed it, signed for whom: nobody passes on as ours what was sealed for them.
        if self.me.is_some_and(|me| !facts.recipients.iter().any(|recipient| *recipient == me)) {
            return Err(SealedFileError::OtherRecipient);
        }
        let opener = Opener::of_length(&self.keys.file, facts.length_bytes()?)?;
        let Keys { end, .. } = self.keys;
        let opening = Opening { facts, encoded, opener, end, header: self.header };
        Ok((opening, bytes.len().saturating_sub(rest.len())))
    }
}

impl Opening {
    /// What its sealer says of the files. Not verified yet: only to find room for them.
    #[must_use]
    pub const fn claimed(&self) -> &Facts {
        &self.facts
    }

    /// Opens its chunks.
    #[must_use]
    pub const fn opener(&self) -> &Opener {
        &self.opener
    }

    /// Bytes behind the last chunk.
    #[must_use]
    pub fn end_bytes(&self) -> usize {
        Facts::end_bytes(self.facts.files.as_slice().len())
    }

    /// Compares the files that came out of the chunks with what was sealed, and checks the signature.
    ///
    /// # Errors
    /// [`SealedFileError`].
    pub fn finish(self, sealed_end: &[u8], digests: &[Digest]) -> Result<VerifiedFile, SealedFileError> {
        if sealed_end.len() != self.end_bytes() {
            return Err(DecodeError::Truncated.into());
        }
        let mut end = Zeroizing::new(sealed_end.to_vec());
        aead::decrypt(&self.end, &ONLY_NONCE, &[], &mut end)?;
        let (said, signature) = end.split_last_chunk::<SIGNATURE_BYTES>().ok_or(Undecryptable)?;
        if said != joined(digests) {
            return Err(SealedFileError::Digest);
        }
        match &self.facts.signer {
            Some(signer) => self.check_signature(signer, said, signature)?,
            None if signature.iter().all(|byte| *byte == 0) => {}
            None => return Err(DecodeError::Invalid.into()),
        }
        Ok(VerifiedFile { facts: self.facts, digests: digests.to_vec() })
    }

    fn check_signature(
        &self,
        signer: &IdentityKey,
        digests: &[u8],
        signature: &[u8; SIGNATURE_BYTES],
    ) -> Result<(), SealedFileError> {
        let signed = signed_bytes(&self.header, &self.encoded, digests);
        let signature = Signature::from_bytes(signature);
        signer.verify(label::SIGN_SEALED_FILE, &signed, &signature).map_err(|_| SealedFileError::Forged)
    }
}

impl core::fmt::Debug for Opening {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Opening(…)")
    }
}

impl core::fmt::Debug for Unlocked {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Unlocked(…)")
    }
}

impl VerifiedFile {
    /// What was sealed, by whom and for whom.
    #[must_use]
    pub const fn facts(&self) -> &Facts {
        &self.facts
    }

    /// SHA-256 of each file.
    #[must_use]
    pub fn digests(&self) -> &[Digest] {
        &self.digests
    }
}

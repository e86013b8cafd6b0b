//! Sealed files: files with a signature in one file, for contacts or under a passphrase, without a relay.
//!
//! ```text
//! sealed file = header || sealed facts || chunks of a blob || sealed end
//! header      = "lightproof sealed" || version || suite || commitment || locks
//! facts       = when, who signs, for whom, the names and lengths of the files
//! end         = the SHA-256 of each file || signature
//!
//! commitment, facts key, end key, file key of the blob = HKDF(ikm = seal key, salt = suite, info = "sealed file")
//! lock        = the seal key, sealed for one sealing key or under one passphrase
//! ```
//!
//! Everything is written, and read, from the beginning to the end in one pass, a chunk at a time. What comes out may be
//! used once the end was verified, not before. Spec: `docs/spec/sealed-files.md`.

use lightproof_wire::{
    codec::{List, Text, TlsDeserialize, TlsSerialize, TlsSize},
    hash::Digest,
    label,
    suite::SuiteId,
    time::Timestamp,
};
use zeroize::Zeroizing;

use crate::{
    blob::FileKey,
    identity::{Fingerprint, IdentityKey},
    kdf::{self, Input},
    manifest::{Contradiction, NAME_BYTES, is_display_name},
    secret::{Key, purpose},
    signature::SIGNATURE_BYTES,
};

mod facts;
mod files;
mod lock;
mod open;
mod seal;

pub use facts::FACTS_MAX_BYTES;
pub use files::{Files, FilesError};
pub use lock::{HEADER_MAX_BYTES, Header, LOCKS, LockFor, PassphraseCost, PassphraseKey};
pub use open::{Opening, SealedFileError, Unlocked, VerifiedFile};
pub use seal::{Closing, SealFileError, Sealing, begin};

/// What every sealed file begins with.
pub const MAGIC: [u8; 17] = *b"lightproof sealed";
/// The version of the format.
pub const VERSION: u8 = 1;
/// The most files in one.
pub const FILES: usize = 255;

/// One of the files in it.
#[derive(Clone, Debug, PartialEq, Eq, TlsSerialize, TlsDeserialize, TlsSize)]
pub struct FileFacts {
    /// What the sender calls it: no path, and never one for the recipient. Never print it raw.
    pub name: Text<NAME_BYTES>,
    /// Its bytes.
    pub length_bytes: u64,
}

/// What is said of the files, before the first of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// By the sealer's clock. Only to be shown.
    pub sealed_at: Timestamp,
    /// Who signs; nobody, where anybody who can open it could have made it.
    pub signer: Option<IdentityKey>,
    /// Whom it is sealed for, in the order of the locks; nobody under a passphrase.
    pub recipients: List<Fingerprint, LOCKS>,
    /// At least one, in the sealer's order.
    pub files: List<FileFacts, FILES>,
}

impl Facts {
    /// Bytes of all files.
    ///
    /// # Errors
    /// [`Contradiction::Chunks`] for more than any blob holds.
    pub fn length_bytes(&self) -> Result<u64, Contradiction> {
        let add = |sum: u64, file: &FileFacts| sum.checked_add(file.length_bytes);
        self.files.iter().try_fold(0, add).ok_or(Contradiction::Chunks)
    }

    fn check(&self, header: &Header) -> Result<(), Contradiction> {
        self.length_bytes()?;
        if self.files.as_slice().is_empty() {
            return Err(Contradiction::Chunks);
        }
        if self.recipients.as_slice().len() != header.recipient_count() {
            return Err(Contradiction::Recipients);
        }
        if self.files.iter().all(|file| is_display_name(&file.name)) { Ok(()) } else { Err(Contradiction::Name) }
    }

    /// Bytes of the sealed end.
    const fn end_bytes(files: usize) -> usize {
        files.saturating_mul(32).saturating_add(SIGNATURE_BYTES).saturating_add(crate::aead::TAG_BYTES)
    }
}

/// All keys of one sealed file.
struct Keys {
    commitment: [u8; 32],
    facts: Key<purpose::SealedFacts>,
    end: Key<purpose::SealedFacts>,
    file: FileKey,
}

impl Keys {
    fn of(seal: &Key<purpose::Seal>) -> Self {
        let input = Input { ikm: &[seal.expose_secret()], salt: &[SuiteId::BYTE], rest: &[] };
        let [commitment, facts, end, file] = &*kdf::derive_many(label::SEALED_FILE, input);
        Self {
            commitment: *commitment,
            facts: Key::from_bytes(facts),
            end: Key::from_bytes(end),
            file: FileKey::from_bytes(file),
        }
    }

    fn duplicate(&self) -> Self {
        let Self { commitment, facts, end, file } = self;
        Self { commitment: *commitment, facts: facts.duplicate(), end: end.duplicate(), file: file.clone() }
    }
}

/// What is signed: everything before the facts by its digest, then the facts and the digests of the files as carried.
fn signed_bytes(header: &Digest, facts: &[u8], digests: &[u8]) -> Zeroizing<Vec<u8>> {
    Zeroizing::new([header.as_bytes(), facts, digests].concat())
}

fn joined(digests: &[Digest]) -> Vec<u8> {
    digests.iter().flat_map(|digest| *digest.as_bytes()).collect()
}

#[cfg(test)]
mod tests;

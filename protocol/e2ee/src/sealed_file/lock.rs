//! The header: a commitment to the one key that opens the file, and that key, locked for each who may open it.

use lightproof_wire::{
    codec::{self, DecodeError, Deserialize as _, List, TlsDeserialize, TlsSerialize, TlsSize},
    hash::Digest,
    label,
    suite::SuiteId,
};
use rand_core::CryptoRng;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::{Keys, MAGIC, SealedFileError, Unlocked, VERSION};
use crate::{
    aead::{self, ONLY_NONCE},
    identity::Fingerprint,
    kdf::{self, Input},
    kem::{CIPHERTEXT_BYTES, Ciphertext},
    sealing_key::{SealingKey, SealingSecret},
    secret::{Key, purpose},
};

/// The most people one file is sealed for.
pub const LOCKS: usize = 64;

/// The longest header.
pub const HEADER_MAX_BYTES: usize = MAGIC.len() + 1 + 1 + 32 + 1 + 1 + LOCKS * (CIPHERTEXT_BYTES + WRAPPED_BYTES);

const WRAPPED_BYTES: usize = 32 + aead::TAG_BYTES;

/// What stands before everything else, in clear.
#[derive(TlsSerialize, TlsDeserialize, TlsSize)]
pub struct Header {
    commitment: [u8; 32],
    locks: Locks,
}

#[derive(TlsSerialize, TlsDeserialize, TlsSize)]
#[repr(u8)]
enum Locks {
    #[tls_codec(discriminant = 1)]
    Recipients(List<RecipientLock, LOCKS>),
    #[tls_codec(discriminant = 2)]
    Passphrase(PassphraseLock),
}

/// Says nothing of whose it is.
#[derive(TlsSerialize, TlsDeserialize, TlsSize)]
struct RecipientLock {
    ciphertext: Ciphertext,
    wrapped: [u8; WRAPPED_BYTES],
}

#[derive(TlsSerialize, TlsDeserialize, TlsSize)]
struct PassphraseLock {
    cost: PassphraseCost,
    wrapped: [u8; WRAPPED_BYTES],
}

/// How a passphrase becomes a key: the parameters of Argon2id (RFC 9106).
#[derive(Clone, Copy, PartialEq, Eq, TlsSerialize, TlsDeserialize, TlsSize)]
pub struct PassphraseCost {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes over it.
    pub passes: u32,
    /// Lanes.
    pub lanes: u32,
    /// Fresh for every file.
    pub salt: [u8; 16],
}

/// What Argon2id made of a passphrase.
pub type PassphraseKey = Key<purpose::Passphrase>;

/// Whom a file is sealed for.
pub enum LockFor<'a> {
    /// Contacts, by their sealing keys: at least one, at most [`LOCKS`].
    Recipients(&'a [(Fingerprint, SealingKey)]),
    /// Whoever has a passphrase.
    Passphrase(PassphraseCost, &'a PassphraseKey),
}

impl Header {
    /// Reads a header, and says how long it is. At most [`HEADER_MAX_BYTES`] of `bytes` are looked at.
    ///
    /// # Errors
    /// [`SealedFileError`]: no sealed file, a later version, or damaged.
    pub fn read(bytes: &[u8]) -> Result<(Self, usize), SealedFileError> {
        let rest = bytes.strip_prefix(&MAGIC).ok_or(SealedFileError::NotASealedFile)?;
        let (versions, mut rest) = rest.split_first_chunk::<2>().ok_or(DecodeError::Truncated)?;
        if *versions != [VERSION, SuiteId::BYTE] {
            return Err(SealedFileError::Newer);
        }
        let header = Self::tls_deserialize(&mut rest).map_err(DecodeError::from)?;
        if matches!(&header.locks, Locks::Recipients(locks) if locks.as_slice().is_empty()) {
            return Err(DecodeError::Invalid.into());
        }
        Ok((header, bytes.len().saturating_sub(rest.len())))
    }

    /// What its passphrase becomes a key by; `None` where it is sealed for contacts.
    #[must_use]
    pub const fn passphrase_cost(&self) -> Option<PassphraseCost> {
        match &self.locks {
            Locks::Passphrase(lock) => Some(lock.cost),
            Locks::Recipients(_) => None,
        }
    }

    /// For how many people it is sealed: all that whoever cannot open it learns of them.
    #[must_use]
    pub fn recipient_count(&self) -> usize {
        match &self.locks {
            Locks::Passphrase(_) => 0,
            Locks::Recipients(locks) => locks.as_slice().len(),
        }
    }

    /// Unlocks it for the owner of these sealing keys.
    ///
    /// # Errors
    /// [`SealedFileError::NotForUs`] where none of them does.
    pub fn unlock(&self, me: &Fingerprint, secrets: &[SealingSecret]) -> Result<Unlocked, SealedFileError> {
        let Locks::Recipients(locks) = &self.locks else { return Err(SealedFileError::NotForUs) };
        for lock in locks.iter() {
            for secret in secrets {
                let Ok(shared) = secret.decapsulate(&lock.ciphertext) else { continue };
                let key = recipient_key(&shared, &secret.public(), &lock.ciphertext);
                if let Some(keys) = unwrap(&key, &lock.wrapped) {
                    return self.committed(keys, Some(*me));
                }
            }
        }
        Err(SealedFileError::NotForUs)
    }

    /// Unlocks it with what its passphrase became, by [`passphrase_cost`](Self::passphrase_cost).
    ///
    /// # Errors
    /// [`SealedFileError::NotForUs`] for any other.
    pub fn unlock_with(&self, passphrase: &PassphraseKey) -> Result<Unlocked, SealedFileError> {
        let Locks::Passphrase(lock) = &self.locks else { return Err(SealedFileError::NotForUs) };
        let keys = unwrap(&passphrase_key(passphrase, &lock.cost), &lock.wrapped).ok_or(SealedFileError::NotForUs)?;
        self.committed(keys, None)
    }

    /// The commitment is compared before anything is decrypted: no file opens under two keys.
    fn committed(&self, keys: Keys, me: Option<Fingerprint>) -> Result<Unlocked, SealedFileError> {
        if bool::from(keys.commitment.ct_eq(&self.commitment)) {
            Ok(Unlocked { keys, me, header: self.digest() })
        } else {
            Err(SealedFileError::Undecryptable)
        }
    }

    /// A fresh key, locked for those.
    pub(super) fn lock(to: &LockFor<'_>, rng: &mut impl CryptoRng) -> Result<(Self, Keys), DecodeError> {
        let seal = Key::generate(rng);
        let keys = Keys::of(&seal);
        let locks = match to {
            LockFor::Recipients(recipients) => {
                let locks = recipients.iter().map(|(_, key)| {
                    let (ciphertext, shared) = key.encapsulate(rng);
                    let wrapped = wrap(&recipient_key(&shared, key, &ciphertext), &seal);
                    RecipientLock { ciphertext, wrapped }
                });
                Locks::Recipients(List::new(locks.collect())?)
            }
            LockFor::Passphrase(cost, key) => {
                Locks::Passphrase(PassphraseLock { cost: *cost, wrapped: wrap(&passphrase_key(key, cost), &seal) })
            }
        };
        Ok((Self { commitment: keys.commitment, locks }, keys))
    }

    /// As it is carried.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut bytes = [MAGIC.as_slice(), &[VERSION, SuiteId::BYTE]].concat();
        codec::append(&mut bytes, self);
        bytes
    }

    /// There is one way to write a header: its bytes are the ones that were read.
    pub(super) fn digest(&self) -> Digest {
        Digest::of(&self.bytes())
    }
}

impl core::fmt::Debug for PassphraseCost {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{} KiB, {} passes, {} lanes", self.memory_kib, self.passes, self.lanes)
    }
}

impl core::fmt::Debug for Header {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Header(…)")
    }
}

fn recipient_key(shared: &Key<purpose::Shared>, to: &SealingKey, ciphertext: &Ciphertext) -> Key<purpose::Lock> {
    let salt = [to.as_bytes(), ciphertext.as_bytes()].concat();
    kdf::derive_key(label::SEALED_FILE_LOCK, Input { ikm: &[shared.expose_secret()], salt: &salt, rest: &[] })
}

fn passphrase_key(passphrase: &PassphraseKey, cost: &PassphraseCost) -> Key<purpose::Lock> {
    let salt = codec::encode(cost);
    kdf::derive_key(label::SEALED_FILE_LOCK, Input { ikm: &[passphrase.expose_secret()], salt: &salt, rest: &[] })
}

/// The lock's key is used for this alone.
fn wrap(lock: &Key<purpose::Lock>, seal: &Key<purpose::Seal>) -> [u8; WRAPPED_BYTES] {
    let mut wrapped = Zeroizing::new(Vec::with_capacity(WRAPPED_BYTES));
    wrapped.extend_from_slice(seal.expose_secret());
    aead::encrypt(lock, &ONLY_NONCE, &[], &mut wrapped);
    let mut bytes = [0; WRAPPED_BYTES];
    bytes.copy_from_slice(&wrapped);
    bytes
}

fn unwrap(lock: &Key<purpose::Lock>, wrapped: &[u8; WRAPPED_BYTES]) -> Option<Keys> {
    let mut seal = Zeroizing::new(wrapped.to_vec());
    aead::decrypt(lock, &ONLY_NONCE, &[], &mut seal).ok()?;
    let seal: &[u8; 32] = seal.as_slice().try_into().ok()?;
    Some(Keys::of(&Key::from_bytes(seal)))
}

/// The same key, locked by somebody who has it for somebody else.
#[cfg(test)]
pub(super) fn forward(seal: &Key<purpose::Seal>, to: &SealingKey, rng: &mut impl CryptoRng) -> Header {
    let (ciphertext, shared) = to.encapsulate(rng);
    let wrapped = wrap(&recipient_key(&shared, to, &ciphertext), seal);
    let locks = List::new(vec![RecipientLock { ciphertext, wrapped }]).unwrap_or_default();
    Header { commitment: Keys::of(seal).commitment, locks: Locks::Recipients(locks) }
}

//! From a passphrase to the vault's keys: Argon2id (RFC 9106) wraps a random master key. A backup's key is wrapped the same.
//!
//! The header is the one row in clear: `version u8 || lock || nonce24 || XChaCha20-Poly1305(wrap key, master key)`, AD =
//! all before the nonce. Its parameters stand beside the salt, so that they can grow without a new format.

use argon2::{Algorithm, Argon2, Params, Version};
use lightproof_e2ee::{
    aead,
    secret::{Key, purpose::Purpose},
};
use lightproof_wire::codec::{self, Bytes, TlsDeserialize, TlsSerialize, TlsSize};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use super::record::VaultKeys;

const HEADER_VERSION: u8 = 1;
/// 64 MiB, three passes, one lane: the second recommended option of RFC 9106.
pub(crate) const MEMORY_KIB: u32 = 65_536;
pub(crate) const PASSES: u32 = 3;
pub(crate) const LANES: u32 = 1;
/// A header, or a file, that asks for more than four times what we ask for only wants to stop the machine.
const MEMORY_KIB_MAX: u32 = 4 * MEMORY_KIB;
const PASSES_MAX: u32 = 4 * PASSES;
const LANES_MAX: u32 = 4 * LANES;

/// What opens a vault.
pub enum Passphrase {
    /// Words only the owner knows.
    Words(Zeroizing<String>),
    /// Nothing: whoever can read the files can read the vault.
    None,
}

impl core::fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Words(_) => "Passphrase(…)",
            Self::None => "no passphrase",
        })
    }
}

/// Why a vault did not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UnlockError {
    /// The header is not one, or asks for more memory than any version wrote.
    #[error("the vault's header is damaged")]
    Damaged,
    /// Not enough memory for Argon2id.
    #[error("not enough memory to check the passphrase (64 MiB are needed)")]
    Memory,
    /// The vault has a passphrase and none was given.
    #[error("this vault has a passphrase")]
    Missing,
    /// Written by a newer version of this program.
    #[error("the vault was written by a newer version of lightproof")]
    Newer,
    /// Not this vault's passphrase.
    #[error("wrong passphrase")]
    Wrong,
}

enum WrapKey {}

impl Purpose for WrapKey {
    const NAME: &'static str = "vault wrap";
}

#[derive(TlsSerialize, TlsDeserialize, TlsSize)]
#[repr(u8)]
enum Lock {
    #[tls_codec(discriminant = 0)]
    Open,
    #[tls_codec(discriminant = 1)]
    Argon2id { memory_kib: u32, passes: u32, lanes: u32, salt: [u8; 16] },
}

#[derive(TlsSerialize, TlsDeserialize, TlsSize)]
struct Header {
    version: u8,
    lock: Lock,
    nonce: [u8; 24],
    wrapped: Bytes<64>,
}

/// Whether a header asks for a passphrase.
///
/// # Errors
/// [`UnlockError::Damaged`] or [`UnlockError::Newer`].
pub fn wants_passphrase(header: &[u8]) -> Result<bool, UnlockError> {
    Ok(!matches!(parse(header)?.lock, Lock::Open))
}

/// Wraps the master key for a passphrase: the header of a vault.
///
/// # Errors
/// [`UnlockError::Memory`].
pub fn lock(keys: &VaultKeys, passphrase: &Passphrase, rng: &mut impl CryptoRng) -> Result<Vec<u8>, UnlockError> {
    wrap(&[], keys.expose_master(), passphrase, rng)
}

/// Opens a header.
///
/// # Errors
/// Any [`UnlockError`].
pub fn unlock(header: &[u8], passphrase: &Passphrase) -> Result<VaultKeys, UnlockError> {
    let master = unwrapped(&[], header, passphrase)?;
    let master: &[u8; 32] = master.as_slice().try_into().map_err(|_| UnlockError::Damaged)?;
    Ok(VaultKeys::from_bytes(master))
}

/// Wraps a secret of at most 48 bytes for a passphrase: a header. What it is `bound` to has to be there again to open it.
///
/// # Errors
/// [`UnlockError::Memory`].
pub(crate) fn wrap(
    bound: &[u8],
    secret: &[u8],
    passphrase: &Passphrase,
    rng: &mut impl CryptoRng,
) -> Result<Vec<u8>, UnlockError> {
    let mut salt = [0; 16];
    rng.fill_bytes(&mut salt);
    let lock = match passphrase {
        Passphrase::None => Lock::Open,
        Passphrase::Words(_) => Lock::Argon2id { memory_kib: MEMORY_KIB, passes: PASSES, lanes: LANES, salt },
    };
    let mut nonce = [0; 24];
    rng.fill_bytes(&mut nonce);
    let mut wrapped = secret.to_vec();
    aead::encrypt_random(&wrap_key(&lock, passphrase)?, &nonce, &additional_data(bound, &lock), &mut wrapped);
    let wrapped = Bytes::new(wrapped).map_err(|_| UnlockError::Damaged)?;
    Ok(codec::encode(&Header { version: HEADER_VERSION, lock, nonce, wrapped }))
}

/// What a header wraps.
///
/// # Errors
/// Any [`UnlockError`].
pub(crate) fn unwrapped(
    bound: &[u8],
    header: &[u8],
    passphrase: &Passphrase,
) -> Result<Zeroizing<Vec<u8>>, UnlockError> {
    let Header { lock, nonce, wrapped, .. } = parse(header)?;
    let mut secret = Zeroizing::new(wrapped.into_vec());
    aead::decrypt_random(&wrap_key(&lock, passphrase)?, &nonce, &additional_data(bound, &lock), &mut secret)
        .map_err(|_| UnlockError::Wrong)?;
    Ok(secret)
}

fn parse(header: &[u8]) -> Result<Header, UnlockError> {
    match header.first() {
        Some(&HEADER_VERSION) => codec::decode(header).map_err(|_| UnlockError::Damaged),
        Some(&other) if other > HEADER_VERSION => Err(UnlockError::Newer),
        _ => Err(UnlockError::Damaged),
    }
}

fn additional_data(bound: &[u8], lock: &Lock) -> Vec<u8> {
    let mut data = [bound, &[HEADER_VERSION]].concat();
    codec::append(&mut data, lock);
    data
}

fn wrap_key(lock: &Lock, passphrase: &Passphrase) -> Result<Key<WrapKey>, UnlockError> {
    let key = match (lock, passphrase) {
        // No passphrase: the wrap key is a constant, and the header says so to everybody who reads it.
        (Lock::Open, _) => Zeroizing::new([0; 32]),
        (Lock::Argon2id { .. }, Passphrase::None) => return Err(UnlockError::Missing),
        (Lock::Argon2id { memory_kib, passes, lanes, salt }, Passphrase::Words(words)) => {
            stretch(words.as_bytes(), (*memory_kib, *passes, *lanes), salt)?
        }
    };
    Ok(Key::from_bytes(&key))
}

/// What a passphrase becomes, with so much memory in KiB, so many passes and lanes: Argon2id.
///
/// # Errors
/// [`UnlockError::Damaged`] for parameters that Argon2id does not have, or far above ours; [`UnlockError::Memory`].
pub(crate) fn stretch(
    words: &[u8],
    (memory_kib, passes, lanes): (u32, u32, u32),
    salt: &[u8],
) -> Result<Zeroizing<[u8; 32]>, UnlockError> {
    if memory_kib > MEMORY_KIB_MAX || passes > PASSES_MAX || lanes > LANES_MAX {
        return Err(UnlockError::Damaged);
    }
    let mut key = Zeroizing::new([0; 32]);
    let params = Params::new(memory_kib, passes, lanes, Some(32)).map_err(|_| UnlockError::Damaged)?;
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(words, salt, key.as_mut())
        .map_err(|_| UnlockError::Memory)?;
    Ok(key)
}

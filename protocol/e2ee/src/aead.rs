//! Bare authenticated encryption: ChaCha20-Poly1305 (RFC 8439), and XChaCha20-Poly1305 where a nonce is random.
//!
//! Nothing here chooses a nonce: a caller either uses a key once, counts, or draws 24 random bytes.

use chacha20poly1305::{AeadInOut as _, ChaCha20Poly1305, KeyInit as _, XChaCha20Poly1305};

use crate::{
    error::Undecryptable,
    secret::{Key, purpose::Purpose},
};

/// Bytes of a Poly1305 tag, which follows the ciphertext.
pub const TAG_BYTES: usize = 16;
/// The nonce of a counter, or of a key used once.
pub type Nonce = [u8; 12];
/// A nonce long enough to be drawn at random under one key without end.
pub type RandomNonce = [u8; 24];
/// For keys that are used once.
pub const ONLY_NONCE: Nonce = [0; 12];

/// Encrypts `buffer` in place and appends the tag. Never twice with one key and nonce.
pub fn encrypt<P: Purpose>(key: &Key<P>, nonce: &Nonce, ad: &[u8], buffer: &mut Vec<u8>) {
    #[expect(clippy::expect_used, reason = "fails beyond 256 GiB; a chunk is at most 1 MiB")]
    ChaCha20Poly1305::new(key.expose_secret().into())
        .encrypt_in_place(nonce.into(), ad, buffer)
        .expect("a short message");
}

/// Checks the tag at the end of `buffer`, removes it and decrypts in place.
///
/// # Errors
/// [`Undecryptable`] for any other key, nonce, `ad` or bytes; `buffer` then holds nothing to be used.
pub fn decrypt<P: Purpose>(key: &Key<P>, nonce: &Nonce, ad: &[u8], buffer: &mut Vec<u8>) -> Result<(), Undecryptable> {
    ChaCha20Poly1305::new(key.expose_secret().into())
        .decrypt_in_place(nonce.into(), ad, buffer)
        .map_err(|_| Undecryptable)
}

/// [`encrypt`] under a random nonce.
pub fn encrypt_random<P: Purpose>(key: &Key<P>, nonce: &RandomNonce, ad: &[u8], buffer: &mut Vec<u8>) {
    #[expect(clippy::expect_used, reason = "fails beyond 256 GiB; nothing here is longer than an envelope")]
    XChaCha20Poly1305::new(key.expose_secret().into())
        .encrypt_in_place(nonce.into(), ad, buffer)
        .expect("a short message");
}

/// [`decrypt`] under a random nonce.
///
/// # Errors
/// [`Undecryptable`], as [`decrypt`].
pub fn decrypt_random<P: Purpose>(
    key: &Key<P>,
    nonce: &RandomNonce,
    ad: &[u8],
    buffer: &mut Vec<u8>,
) -> Result<(), Undecryptable> {
    XChaCha20Poly1305::new(key.expose_secret().into())
        .decrypt_in_place(nonce.into(), ad, buffer)
        .map_err(|_| Undecryptable)
}

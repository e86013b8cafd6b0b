//! X-Wing = X25519 + ML-KEM-768 (draft-connolly-cfrg-xwing-kem), refusing what contributes nothing.
//!
//! The draft accepts X25519 keys of low order, with which one half of the shared secret is known to everybody. We refuse
//! them on both sides: a key when it is checked, a ciphertext when it is opened. ML-KEM keys are checked as FIPS 203 asks.

use std::io::{Read, Write};

use lightproof_wire::codec::{Deserialize, Serialize, Size, TlsDeserialize, TlsSerialize, TlsSize};
use rand_core::CryptoRng;
use x_wing::{
    DecapsulationKeyRejectNonContrib, Decapsulator as _, Encapsulate as _, KeyExport as _, TryDecapsulate as _,
};
use x25519_dalek::{PublicKey, StaticSecret};
use zeroize::Zeroize as _;

use crate::{
    error::Undecryptable,
    secret::{Key, purpose},
};

/// A public key: ML-KEM-768 (1,184), then X25519.
pub(crate) const PUBLIC_KEY_BYTES: usize = 1_216;
/// A ciphertext: ML-KEM-768 (1,088), then X25519.
pub(crate) const CIPHERTEXT_BYTES: usize = 1_120;

const ML_KEM_PUBLIC_KEY_BYTES: usize = 1_184;

/// Exactly `N` bytes, boxed.
#[derive(Clone, PartialEq, Eq)]
struct Fixed<const N: usize>(Box<[u8; N]>);

impl<const N: usize> Size for Fixed<N> {
    fn tls_serialized_len(&self) -> usize {
        N
    }
}

impl<const N: usize> Serialize for Fixed<N> {
    fn tls_serialize<W: Write>(&self, writer: &mut W) -> Result<usize, tls_codec::Error> {
        writer.write_all(self.0.as_slice())?;
        Ok(N)
    }
}

impl<const N: usize> Deserialize for Fixed<N> {
    fn tls_deserialize<R: Read>(reader: &mut R) -> Result<Self, tls_codec::Error> {
        let mut bytes = Box::new([0; N]);
        reader.read_exact(bytes.as_mut_slice())?;
        Ok(Self(bytes))
    }
}

/// What an encapsulation sends.
#[derive(Clone, PartialEq, Eq, TlsSerialize, TlsDeserialize, TlsSize)]
pub(crate) struct Ciphertext(Fixed<CIPHERTEXT_BYTES>);

impl Ciphertext {
    /// Stands where a ciphertext would, and there is none.
    pub(crate) fn absent() -> Self {
        Self(Fixed(Box::new([0; CIPHERTEXT_BYTES])))
    }

    pub(crate) fn from_bytes(bytes: &[u8; CIPHERTEXT_BYTES]) -> Self {
        Self(Fixed(Box::new(*bytes)))
    }

    pub(crate) fn as_bytes(&self) -> &[u8; CIPHERTEXT_BYTES] {
        &self.0.0
    }
}

/// A public key as received: may be anything.
#[derive(Clone, PartialEq, Eq, TlsSerialize, TlsDeserialize, TlsSize)]
pub(crate) struct UncheckedKey(Fixed<PUBLIC_KEY_BYTES>);

impl UncheckedKey {
    pub(crate) fn from_bytes(bytes: &[u8; PUBLIC_KEY_BYTES]) -> Self {
        Self(Fixed(Box::new(*bytes)))
    }

    pub(crate) fn as_bytes(&self) -> &[u8; PUBLIC_KEY_BYTES] {
        &self.0.0
    }

    /// Refuses an ML-KEM half out of range and an X25519 half of low order.
    pub(crate) fn check(self) -> Result<EncapsulationKey, Undecryptable> {
        let x25519 = self.0.0.split_at(ML_KEM_PUBLIC_KEY_BYTES).1;
        let point = PublicKey::from(<[u8; 32]>::try_from(x25519).map_err(|_| Undecryptable)?);
        // Any scalar finds a low-order point: clamped scalars are multiples of the cofactor.
        if !StaticSecret::from([7; 32]).diffie_hellman(&point).was_contributory() {
            return Err(Undecryptable);
        }
        let key = x_wing::EncapsulationKey::try_from(self.0.0.as_slice()).map_err(|_| Undecryptable)?;
        Ok(EncapsulationKey { bytes: self, key: Box::new(key) })
    }
}

/// A checked public key.
#[derive(Clone)]
pub(crate) struct EncapsulationKey {
    bytes: UncheckedKey,
    key: Box<x_wing::EncapsulationKey>,
}

impl EncapsulationKey {
    pub(crate) fn as_bytes(&self) -> &[u8; PUBLIC_KEY_BYTES] {
        self.bytes.as_bytes()
    }

    pub(crate) fn into_bytes(self) -> UncheckedKey {
        self.bytes
    }

    /// A fresh secret, and the ciphertext that tells it to the key's owner.
    pub(crate) fn encapsulate(&self, rng: &mut impl CryptoRng) -> (Ciphertext, Key<purpose::Shared>) {
        let (ciphertext, mut shared) = self.key.encapsulate_with_rng(rng);
        let key = Key::from_bytes(shared.as_ref());
        shared.zeroize();
        (Ciphertext::from_bytes(ciphertext.as_ref()), key)
    }
}

impl Size for EncapsulationKey {
    fn tls_serialized_len(&self) -> usize {
        PUBLIC_KEY_BYTES
    }
}

impl Serialize for EncapsulationKey {
    fn tls_serialize<W: Write>(&self, writer: &mut W) -> Result<usize, tls_codec::Error> {
        self.bytes.tls_serialize(writer)
    }
}

impl Deserialize for EncapsulationKey {
    fn tls_deserialize<R: Read>(reader: &mut R) -> Result<Self, tls_codec::Error> {
        UncheckedKey::tls_deserialize(reader)?.check().map_err(|_| tls_codec::Error::InvalidInput)
    }
}

/// A key pair, kept as its 32-byte seed alone.
#[derive(TlsSerialize, TlsDeserialize, TlsSize)]
pub(crate) struct DecapsulationKey(Key<purpose::Kem>);

impl DecapsulationKey {
    pub(crate) fn generate(rng: &mut impl CryptoRng) -> Self {
        Self(Key::generate(rng))
    }

    /// The public half.
    pub(crate) fn public(&self) -> EncapsulationKey {
        let expanded = self.expand();
        let key = expanded.encapsulation_key();
        EncapsulationKey { bytes: UncheckedKey::from_bytes(key.to_bytes().as_ref()), key: Box::new(key.clone()) }
    }

    /// The secret a ciphertext tells. A forged ML-KEM half yields another secret, not an error (FIPS 203).
    pub(crate) fn decapsulate(&self, ciphertext: &Ciphertext) -> Result<Key<purpose::Shared>, Undecryptable> {
        let mut shared = self.expand().try_decapsulate(ciphertext.as_bytes().into()).map_err(|_| Undecryptable)?;
        let key = Key::from_bytes(shared.as_ref());
        shared.zeroize();
        Ok(key)
    }

    fn expand(&self) -> DecapsulationKeyRejectNonContrib {
        DecapsulationKeyRejectNonContrib::from(*self.0.expose_secret())
    }
}

#[cfg(test)]
mod published;

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::testing::rng;

    #[test]
    fn both_ends_agree_and_a_forged_ciphertext_gives_another_secret() {
        let key = DecapsulationKey::generate(&mut rng(1));
        let (ciphertext, shared) = key.public().encapsulate(&mut rng(2));
        assert_eq!(key.decapsulate(&ciphertext), Ok(shared));
        let mut forged = *ciphertext.as_bytes();
        forged[0] ^= 1;
        assert_ne!(key.decapsulate(&Ciphertext::from_bytes(&forged)), key.decapsulate(&ciphertext));
    }

    #[test]
    fn what_contributes_nothing_is_refused_on_both_sides() {
        let key = DecapsulationKey::generate(&mut rng(1));
        let mut low_order = [[0; 32], [0; 32], [0xff; 32]];
        low_order[1][0] = 1;
        low_order[2][0] = 0xec;
        low_order[2][31] = 0x7f;
        for point in low_order {
            let mut public = *key.public().as_bytes();
            public[ML_KEM_PUBLIC_KEY_BYTES..].copy_from_slice(&point);
            assert!(UncheckedKey::from_bytes(&public).check().is_err());
            let mut ciphertext = *key.public().encapsulate(&mut rng(2)).0.as_bytes();
            ciphertext[1_088..].copy_from_slice(&point);
            assert_eq!(key.decapsulate(&Ciphertext::from_bytes(&ciphertext)), Err(Undecryptable));
        }
        let mut out_of_range = *key.public().as_bytes();
        out_of_range[..3].fill(0xff);
        assert!(UncheckedKey::from_bytes(&out_of_range).check().is_err());
        UncheckedKey::from_bytes(key.public().as_bytes()).check().unwrap();
    }
}

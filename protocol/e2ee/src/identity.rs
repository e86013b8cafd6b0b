//! Who somebody is: a composite key pair, and the fingerprint that a card carries.
//!
//! `fingerprint = H("identity", suite || pk)`.

use core::fmt;
use std::io::{Read, Write};

use lightproof_wire::{
    codec::{Deserialize, Serialize, Size, TlsDeserialize, TlsSerialize, TlsSize},
    hash::Digest,
    label::{self, SignatureLabel},
    suite::SuiteId,
};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::{
    error::SignatureError,
    signature::{self, PUBLIC_KEY_BYTES, SEEDS_BYTES, Signature, SigningKey},
};

/// The 32-byte name of one identity. Public: a card carries it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, TlsSerialize, TlsDeserialize, TlsSize)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// One received or stored as bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Fingerprint {
    /// 16 groups of four hexadecimal digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, pair) in self.0.chunks(2).enumerate() {
            if i > 0 {
                f.write_str(" ")?;
            }
            for byte in pair {
                write!(f, "{byte:02x}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Fingerprint {
    /// Shows nothing: a log must not say who knows whom.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fingerprint(…)")
    }
}

/// The public half of an identity.
#[derive(Clone, PartialEq, Eq)]
pub struct IdentityKey {
    bytes: Box<[u8; PUBLIC_KEY_BYTES]>,
    fingerprint: Fingerprint,
}

impl IdentityKey {
    /// One received or stored as bytes.
    ///
    /// # Errors
    /// [`SignatureError`] if it can verify nothing, or too much; its owner's fault.
    pub fn from_bytes(bytes: &[u8; PUBLIC_KEY_BYTES]) -> Result<Self, SignatureError> {
        signature::check_public_key(bytes)?;
        Ok(Self::of(Box::new(*bytes)))
    }

    fn of(bytes: Box<[u8; PUBLIC_KEY_BYTES]>) -> Self {
        let digest = Digest::labelled(label::IDENTITY, &[&[SuiteId::BYTE], bytes.as_ref()]);
        Self { bytes, fingerprint: Fingerprint(*digest.as_bytes()) }
    }

    /// Its bytes: ML-DSA-65, then Ed25519.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; PUBLIC_KEY_BYTES] {
        &self.bytes
    }

    /// Its name.
    #[must_use]
    pub const fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// Checks that its owner signed `message`, for this purpose.
    ///
    /// # Errors
    /// [`SignatureError`], the fault of whoever sent the signature.
    pub fn verify(&self, purpose: SignatureLabel, message: &[u8], signature: &Signature) -> Result<(), SignatureError> {
        signature::verify(&self.bytes, purpose, message, signature)
    }
}

impl fmt::Debug for IdentityKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IdentityKey(…)")
    }
}

impl Size for IdentityKey {
    fn tls_serialized_len(&self) -> usize {
        PUBLIC_KEY_BYTES
    }
}

impl Serialize for IdentityKey {
    fn tls_serialize<W: Write>(&self, writer: &mut W) -> Result<usize, tls_codec::Error> {
        writer.write_all(self.bytes.as_ref())?;
        Ok(PUBLIC_KEY_BYTES)
    }
}

impl Deserialize for IdentityKey {
    fn tls_deserialize<R: Read>(reader: &mut R) -> Result<Self, tls_codec::Error> {
        let mut bytes = Box::new([0; PUBLIC_KEY_BYTES]);
        reader.read_exact(bytes.as_mut())?;
        signature::check_public_key(&bytes).map_err(|_| tls_codec::Error::InvalidInput)?;
        Ok(Self::of(bytes))
    }
}

/// One's own identity. The component keys are used nowhere else.
pub struct IdentityKeyPair {
    signing: SigningKey,
    public: IdentityKey,
}

impl IdentityKeyPair {
    /// A new identity.
    pub fn generate(rng: &mut impl CryptoRng) -> Self {
        let mut seeds = Zeroizing::new([0; SEEDS_BYTES]);
        rng.fill_bytes(seeds.as_mut());
        Self::from_seeds(&seeds)
    }

    /// From the two seeds, ML-DSA first. Expands the ML-DSA key: keep one per process.
    #[must_use]
    pub fn from_seeds(seeds: &[u8; SEEDS_BYTES]) -> Self {
        let signing = SigningKey::from_seeds(seeds);
        let public = IdentityKey::of(signing.public());
        Self { signing, public }
    }

    /// The two seeds, for the vault.
    #[must_use]
    pub fn seeds(&self) -> Zeroizing<[u8; SEEDS_BYTES]> {
        self.signing.seeds()
    }

    /// The public half.
    #[must_use]
    pub const fn public(&self) -> &IdentityKey {
        &self.public
    }

    /// Its name.
    #[must_use]
    pub const fn fingerprint(&self) -> Fingerprint {
        self.public.fingerprint
    }

    /// Signs `message` for one purpose. Two calls give two signatures.
    pub fn sign(&self, purpose: SignatureLabel, message: &[u8], rng: &mut impl CryptoRng) -> Signature {
        self.signing.sign(purpose, message, rng)
    }
}

impl fmt::Debug for IdentityKeyPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IdentityKeyPair(…)")
    }
}

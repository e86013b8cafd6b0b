//! The composite signature id-MLDSA65-Ed25519-SHA512 (draft-ietf-lamps-pq-composite-sigs): sign, and verify both halves.
//!
//! ```text
//! M'        = "CompositeAlgorithmSignatures2025" || LABEL || len(ctx) u8 || ctx || SHA-512(M)
//! signature = ML-DSA-65.Sign(M', ctx = LABEL) || Ed25519.Sign(M')        LABEL = "COMPSIG-MLDSA65-Ed25519-SHA512"
//! ```
//!
//! A forger has to break both. It is not strongly unforgeable: no id, hash or dedupe key may include a signature.

use ed25519_dalek::Signer as _;
use lightproof_wire::label::SignatureLabel;
use ml_dsa::MlDsa65;
use rand_core::CryptoRng;
use sha2::{Digest as _, Sha512};
use zeroize::{Zeroize as _, Zeroizing};

use crate::error::SignatureError;

const PREFIX: &[u8] = b"CompositeAlgorithmSignatures2025";
const LABEL: &[u8] = b"COMPSIG-MLDSA65-Ed25519-SHA512";
const ML_DSA_PUBLIC_KEY_BYTES: usize = 1_952;
const ML_DSA_SIGNATURE_BYTES: usize = 3_309;

/// Both public keys, ML-DSA first.
pub const PUBLIC_KEY_BYTES: usize = 1_984;
/// Both signatures, ML-DSA first.
pub const SIGNATURE_BYTES: usize = 3_373;
/// Both seeds, ML-DSA first.
pub const SEEDS_BYTES: usize = 64;

/// A composite signature, as carried.
#[derive(Clone, PartialEq, Eq)]
pub struct Signature(Box<[u8; SIGNATURE_BYTES]>);

impl Signature {
    /// One received as bytes.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; SIGNATURE_BYTES]) -> Self {
        Self(Box::new(*bytes))
    }

    /// Its bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; SIGNATURE_BYTES] {
        &self.0
    }
}

impl core::fmt::Debug for Signature {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Signature(…)")
    }
}

/// Both secret keys, ML-DSA expanded once: expanding costs more than signing.
pub(crate) struct SigningKey {
    ml_dsa: Box<ml_dsa::SigningKey<MlDsa65>>,
    ed25519: Box<ed25519_dalek::SigningKey>,
}

impl SigningKey {
    pub(crate) fn from_seeds(seeds: &[u8; SEEDS_BYTES]) -> Self {
        let (ml_dsa, ed25519) = halves(seeds);
        let mut seed = ml_dsa::Seed::from(ml_dsa);
        let key = Self {
            ml_dsa: Box::new(ml_dsa::SigningKey::from_seed(&seed)),
            ed25519: Box::new(ed25519_dalek::SigningKey::from_bytes(&Zeroizing::new(ed25519))),
        };
        seed.zeroize();
        key
    }

    pub(crate) fn seeds(&self) -> Zeroizing<[u8; SEEDS_BYTES]> {
        let mut seeds = Zeroizing::new([0; SEEDS_BYTES]);
        let (ml_dsa, ed25519) = seeds.split_at_mut(32);
        ml_dsa.copy_from_slice(self.ml_dsa.as_seed());
        ed25519.copy_from_slice(self.ed25519.as_bytes());
        seeds
    }

    pub(crate) fn public(&self) -> Box<[u8; PUBLIC_KEY_BYTES]> {
        let mut bytes = Box::new([0; PUBLIC_KEY_BYTES]);
        let (ml_dsa, ed25519) = bytes.split_at_mut(ML_DSA_PUBLIC_KEY_BYTES);
        ml_dsa.copy_from_slice(&self.ml_dsa.expanded_key().verifying_key().encode());
        ed25519.copy_from_slice(self.ed25519.verifying_key().as_bytes());
        bytes
    }

    /// Hedged: a bad random source cannot make it worse than deterministic.
    pub(crate) fn sign(&self, ctx: SignatureLabel, message: &[u8], rng: &mut impl CryptoRng) -> Signature {
        let prepared = prepare(ctx.as_bytes(), message);
        #[expect(
            clippy::expect_used,
            reason = "fails for a context over 255 bytes or a failing random source; this one cannot fail"
        )]
        let ml_dsa = self.ml_dsa.expanded_key().sign_randomized(&prepared, LABEL, rng).expect("a short context");
        self.join(&ml_dsa, &prepared)
    }

    fn join(&self, ml_dsa: &ml_dsa::Signature<MlDsa65>, prepared: &[u8]) -> Signature {
        let mut bytes = Box::new([0; SIGNATURE_BYTES]);
        let (first, second) = bytes.split_at_mut(ML_DSA_SIGNATURE_BYTES);
        first.copy_from_slice(&ml_dsa.encode());
        second.copy_from_slice(&self.ed25519.sign(prepared).to_bytes());
        Signature(bytes)
    }
}

/// Whether the Ed25519 half is a point on the curve, and not one of the few that many signatures fit.
/// Every string of the right length is an ML-DSA key.
pub(crate) fn check_public_key(bytes: &[u8; PUBLIC_KEY_BYTES]) -> Result<(), SignatureError> {
    let (_, ed25519) = split_public_key(bytes)?;
    if ed25519.is_weak() { Err(SignatureError) } else { Ok(()) }
}

/// Verifies both halves; always both, with one error for either.
pub(crate) fn verify(
    public: &[u8; PUBLIC_KEY_BYTES],
    ctx: SignatureLabel,
    message: &[u8],
    signature: &Signature,
) -> Result<(), SignatureError> {
    verify_ctx(public, ctx.as_bytes(), message, signature)
}

fn verify_ctx(
    public: &[u8; PUBLIC_KEY_BYTES],
    ctx: &[u8],
    message: &[u8],
    signature: &Signature,
) -> Result<(), SignatureError> {
    let (ml_dsa_key, ed25519_key) = split_public_key(public)?;
    let (first, second) = signature.0.split_at(ML_DSA_SIGNATURE_BYTES);
    let prepared = prepare(ctx, message);
    let ml_dsa_fine = ml_dsa::Signature::<MlDsa65>::try_from(first)
        .is_ok_and(|half| ml_dsa_key.verify_with_context(&prepared, LABEL, &half));
    let ed25519_fine = ed25519_dalek::Signature::from_slice(second)
        .is_ok_and(|half| ed25519_key.verify_strict(&prepared, &half).is_ok());
    if ml_dsa_fine & ed25519_fine { Ok(()) } else { Err(SignatureError) }
}

fn split_public_key(
    bytes: &[u8; PUBLIC_KEY_BYTES],
) -> Result<(ml_dsa::VerifyingKey<MlDsa65>, ed25519_dalek::VerifyingKey), SignatureError> {
    let (first, second) = bytes.split_at(ML_DSA_PUBLIC_KEY_BYTES);
    let encoded = ml_dsa::EncodedVerifyingKey::<MlDsa65>::try_from(first).map_err(|_| SignatureError)?;
    let point = second.try_into().map_err(|_| SignatureError)?;
    let ed25519 = ed25519_dalek::VerifyingKey::from_bytes(point).map_err(|_| SignatureError)?;
    Ok((ml_dsa::VerifyingKey::decode(&encoded), ed25519))
}

fn prepare(ctx: &[u8], message: &[u8]) -> Vec<u8> {
    // Only labels are contexts, and their table refuses names over 255 bytes when it compiles.
    let length = [u8::try_from(ctx.len()).unwrap_or(u8::MAX)];
    [PREFIX, LABEL, &length, ctx, &Sha512::digest(message)].concat()
}

fn halves(seeds: &[u8; SEEDS_BYTES]) -> ([u8; 32], [u8; 32]) {
    let mut halves = ([0; 32], [0; 32]);
    let (first, second) = seeds.split_at(32);
    halves.0.copy_from_slice(first);
    halves.1.copy_from_slice(second);
    halves
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use lightproof_wire::label;
    use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng as _};
    use sha2::Sha256;

    use super::*;

    /// From the vectors of the draft.
    const SEEDS: &str = "23a578205289555e65ddf567601cb4715fb593a7796a8f71d668c3bca876d93760e9741f5fb8a68b3c490b93e4aa0e5d82206ef3b8e2242e1bcf4729f2e146aa";

    fn key() -> SigningKey {
        SigningKey::from_seeds(&hex::decode(SEEDS).unwrap().try_into().unwrap())
    }

    #[test]
    fn the_vectors_of_the_draft_hold() {
        let public = key().public();
        assert_eq!(
            hex::encode(Sha256::digest(public.as_ref())),
            "10775911b6c3c2dbf3c98485be51c5cc2c1b9ca5d2047a7faedab1d6cd573c27"
        );
        let message = b"The quick brown fox jumps over the lazy dog.";
        let prepared = prepare(b"", message);
        let signature =
            key().join(&key().ml_dsa.expanded_key().sign_deterministic(&prepared, LABEL).unwrap(), &prepared);
        assert_eq!(
            hex::encode(Sha256::digest(signature.as_bytes())),
            "15e1344fb8180408e0dd32b1dd16f71e056ab5ae2591b85856de47bee104f8a3"
        );
        assert_eq!(verify_ctx(&public, b"", message, &signature), Ok(()));
    }

    #[test]
    fn both_halves_must_hold() {
        let (key, mut rng) = (key(), ChaCha20Rng::seed_from_u64(1));
        let public = key.public();
        let good = key.sign(label::SIGN_MESSAGE, b"m", &mut rng);
        assert_eq!(verify(&public, label::SIGN_MESSAGE, b"m", &good), Ok(()));
        assert_eq!(verify(&public, label::SIGN_MESSAGE, b"n", &good), Err(SignatureError));
        assert_eq!(verify(&public, label::SIGN_HELLO, b"m", &good), Err(SignatureError));
        for position in [0, 1_000, 3_308, 3_309, 3_350, 3_372] {
            let mut bytes = *good.as_bytes();
            *bytes.get_mut(position).unwrap() ^= 1;
            assert_eq!(
                verify(&public, label::SIGN_MESSAGE, b"m", &Signature::from_bytes(&bytes)),
                Err(SignatureError),
                "byte {position}"
            );
        }
    }

    #[test]
    fn a_key_that_fits_many_signatures_is_refused() {
        let mut public = *key().public();
        let (_, ed25519) = public.split_at_mut(ML_DSA_PUBLIC_KEY_BYTES);
        ed25519.fill(0);
        *ed25519.first_mut().unwrap() = 1;
        assert_eq!(check_public_key(&public), Err(SignatureError));
    }
}

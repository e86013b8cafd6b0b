//! The composite signature id-MLDSA65-Ed25519-SHA512 (draft-ietf-lamps-pq-composite-sigs), built a second time here, from
//! the draft alone: the known answer, and both halves of what an identity signs against second implementations.
//!
//! The second ML-DSA takes no context. So its verdict is asked for messages without one (`cross`), and how a context is
//! framed is computed here with SHAKE-256 as FIPS 204 says.

use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use ed25519_dalek::Signer as _;
use lightproof_core::{
    e2ee::{identity::IdentityKeyPair, signature::Signature},
    wire::label::{self, SignatureLabel},
};
use lightproof_tests::effort::seeds;
use ml_dsa::{MlDsa65, SigningKey, VerifyingKey};
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng as _, SeedableRng as _};
use sha2::{Digest as _, Sha256, Sha512};
use shake::{ExtendableOutput as _, Shake256, Update as _};

const LABEL: &[u8] = b"COMPSIG-MLDSA65-Ed25519-SHA512";
const PURPOSES: [SignatureLabel; 3] = [label::SIGN_PREKEY, label::SIGN_HELLO, label::SIGN_MESSAGE];
/// Of the draft's vectors: ML-DSA, then Ed25519.
const SEEDS: &str = "23a578205289555e65ddf567601cb4715fb593a7796a8f71d668c3bca876d93760e9741f5fb8a68b3c490b93e4aa0e5d82206ef3b8e2242e1bcf4729f2e146aa";

/// What both halves sign.
fn prepared(ctx: &[u8], message: &[u8]) -> Vec<u8> {
    let length = [u8::try_from(ctx.len()).unwrap()];
    [b"CompositeAlgorithmSignatures2025", LABEL, &length, ctx, &Sha512::digest(message)].concat()
}

/// A second signer.
fn sign(seeds: &[u8; 64], ctx: &[u8], message: &[u8]) -> [u8; 3_373] {
    let (first, second) = seeds.split_at(32);
    let prepared = prepared(ctx, message);
    let ml_dsa = SigningKey::<MlDsa65>::from_seed(&first.try_into().unwrap());
    let ed25519 = ed25519_dalek::SigningKey::from_bytes(second.try_into().unwrap());
    let halves = [
        ml_dsa.expanded_key().sign_deterministic(&prepared, LABEL).unwrap().encode().to_vec(),
        ed25519.sign(&prepared).to_bytes().to_vec(),
    ];
    halves.concat().try_into().unwrap()
}

/// A second verifier: Ed25519 by another package, and the framing of ML-DSA's message by hand.
fn verifies(public: &[u8; 1_984], ctx: &[u8], message: &[u8], signature: &[u8; 3_373]) -> (bool, bool) {
    let (first_key, second_key) = public.split_at(1_952);
    let (first, second) = signature.split_at(3_309);
    let prepared = prepared(ctx, message);
    let key = VerifyingKey::<MlDsa65>::decode(&first_key.try_into().unwrap());
    let hashed = |parts: &[&[u8]]| {
        let mut hasher = Shake256::default();
        parts.iter().for_each(|part| hasher.update(part));
        let mut hash = [0; 64];
        hasher.finalize_xof_into(&mut hash);
        hash
    };
    let framed = hashed(&[&hashed(&[first_key]), &[0, u8::try_from(LABEL.len()).unwrap()], LABEL, &prepared]);
    let ml_dsa = first.try_into().is_ok_and(|half| key.verify_mu(&framed.into(), &half));
    (ml_dsa, UnparsedPublicKey::new(&ED25519, second_key).verify(&prepared, second).is_ok())
}

#[test]
fn an_identity_has_the_key_and_the_signatures_of_the_draft() {
    let seeds = hex::decode(SEEDS).unwrap().try_into().unwrap();
    let identity = IdentityKeyPair::from_seeds(&seeds);
    let public = hex::encode(Sha256::digest(identity.public().as_bytes()));
    assert_eq!(public, "10775911b6c3c2dbf3c98485be51c5cc2c1b9ca5d2047a7faedab1d6cd573c27");
    let signature = sign(&seeds, b"", b"The quick brown fox jumps over the lazy dog.");
    let digest = hex::encode(Sha256::digest(signature));
    assert_eq!(digest, "15e1344fb8180408e0dd32b1dd16f71e056ab5ae2591b85856de47bee104f8a3");
    println!("evidence: P10 | 2 known answers of the composite signature | -");
}

#[test]
fn a_second_implementation_agrees_on_both_halves_of_every_signature() {
    let seeds = seeds(100);
    let mut compared = 0;
    for seed in seeds.clone() {
        let rng = &mut ChaCha20Rng::seed_from_u64(seed);
        let identity = IdentityKeyPair::generate(rng);
        let public = identity.public().as_bytes();
        let mut message = vec![0; rng.next_u32() as usize % 256];
        rng.fill_bytes(&mut message);
        for purpose in PURPOSES {
            let ctx = purpose.as_bytes();
            let ours = identity.sign(purpose, &message, rng);
            assert_eq!(verifies(public, ctx, &message, ours.as_bytes()), (true, true), "seed {seed}");
            let theirs = Signature::from_bytes(&sign(&identity.seeds(), ctx, &message));
            assert!(identity.public().verify(purpose, &message, &theirs).is_ok(), "seed {seed}");
            let other = PURPOSES.into_iter().find(|other| other.as_bytes() != ctx).unwrap();
            assert_eq!(verifies(public, other.as_bytes(), &message, ours.as_bytes()), (false, false), "seed {seed}");
            assert!(identity.public().verify(other, &message, &theirs).is_err(), "seed {seed}");
            compared += 4;
        }
    }
    println!(
        "evidence: P10 A38 | {compared} composite verdicts compared with a second implementation | seeds {seeds:?}"
    );
}

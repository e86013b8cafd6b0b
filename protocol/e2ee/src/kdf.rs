//! Every derivation of the protocol: HKDF-SHA-256 (RFC 5869) under a label, and HMAC-SHA-256 (RFC 2104) along a chain.
//!
//! `HKDF(ikm, salt, info)` with `info = len(label) u8 || label || rest`.

use hkdf::HkdfExtract;
use hmac::{Hmac, KeyInit as _, Mac as _};
use lightproof_wire::label::InfoLabel;
use sha2::Sha256;
use zeroize::{Zeroize as _, Zeroizing};

use crate::secret::{Key, purpose::Purpose};

/// What goes into HKDF beside the label. Parts follow each other, so all but the last of a field must have a fixed size.
#[derive(Clone, Copy, Default)]
pub struct Input<'a> {
    /// The secrets, in order.
    pub ikm: &'a [&'a [u8]],
    /// Public, or a secret that is refreshed (a root key).
    pub salt: &'a [u8],
    /// What follows the label in `info`.
    pub rest: &'a [u8],
}

/// `COUNT` times 32 bytes of HKDF under `label`, in order.
#[must_use]
pub fn derive_many<const COUNT: usize>(label: InfoLabel, input: Input<'_>) -> Zeroizing<[[u8; 32]; COUNT]> {
    const { assert!(COUNT <= 255, "HKDF-SHA-256 yields at most 255 blocks") };
    let mut okm = Zeroizing::new([[0; 32]; COUNT]);
    expand(label, input, okm.as_flattened_mut());
    okm
}

/// One key of HKDF under `label`.
#[must_use]
pub fn derive_key<P: Purpose>(label: InfoLabel, input: Input<'_>) -> Key<P> {
    let [key] = &*derive_many::<1>(label, input);
    Key::from_bytes(key)
}

/// `HMAC(key, byte)`: a step along a chain.
#[must_use]
pub fn step<P: Purpose, Q: Purpose>(key: &Key<P>, byte: u8) -> Key<Q> {
    #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
    let mut mac = Hmac::<Sha256>::new_from_slice(key.expose_secret()).expect("any length");
    mac.update(&[byte]);
    let out: Zeroizing<[u8; 32]> = Zeroizing::new(mac.finalize().into_bytes().into());
    Key::from_bytes(&out)
}

fn expand(label: InfoLabel, input: Input<'_>, okm: &mut [u8]) {
    let mut extract = HkdfExtract::<Sha256>::new(Some(input.salt));
    for secret in input.ikm {
        extract.input_ikm(secret);
    }
    let (mut prk, hkdf) = extract.finalize();
    prk.as_mut_slice().zeroize();
    let name = label.as_bytes();
    // The table of labels refuses names over 255 bytes when it compiles.
    let length = [u8::try_from(name.len()).unwrap_or(u8::MAX)];
    #[expect(clippy::expect_used, reason = "the only error is a longer output than the callers' assertion allows")]
    hkdf.expand_multi_info(&[&length, name, input.rest], okm).expect("at most 255 blocks");
}

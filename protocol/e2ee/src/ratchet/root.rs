//! The root key: each step mixes a fresh shared secret in and gives a chain.
//!
//! `root, chain, next_header = HKDF(ikm = ss, salt = root, info = "ratchet" || H("ratchet step", their_pk || ct || pk'))`

use lightproof_wire::{hash::Digest, label};

use super::Announcement;
use crate::{
    kdf,
    kem::PUBLIC_KEY_BYTES,
    secret::{Key, purpose},
};

/// What a step gives.
pub(crate) struct StepKeys {
    pub(crate) root: Key<purpose::Root>,
    pub(crate) chain: Key<purpose::Chain>,
    pub(crate) next_header: Key<purpose::Header>,
}

/// The step in which somebody answered `answered_pk` with `announcement`; both sides derive the same.
pub(crate) fn step(
    root: &Key<purpose::Root>,
    shared: &Key<purpose::Shared>,
    answered_pk: &[u8; PUBLIC_KEY_BYTES],
    announcement: &Announcement,
) -> StepKeys {
    let agreed = Digest::labelled(
        label::RATCHET_STEP,
        &[answered_pk, announcement.ciphertext().as_bytes(), announcement.key().as_bytes()],
    );
    let input = kdf::Input { ikm: &[shared.expose_secret()], salt: root.expose_secret(), rest: agreed.as_bytes() };
    let [root, chain, next_header] = &*kdf::derive_many(label::RATCHET, input);
    StepKeys { root: Key::from_bytes(root), chain: Key::from_bytes(chain), next_header: Key::from_bytes(next_header) }
}

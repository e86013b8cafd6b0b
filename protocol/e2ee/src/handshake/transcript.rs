//! What both sides must agree on: the keys (t0), the offer (t1), and what is derived from them.
//!
//! ```text
//! t0    = H("hello", suite || R.fingerprint || spk_id || spk || flag || opk_id || opk || ct1 || ct2)
//! offer = version || I.identity_pk || I.ratchet_pk || generation || reply || I.card || extensions
//! t1    = H("hello offer", t0 || offer)
//! ```

use lightproof_wire::{
    capability::{Capability, right},
    codec::{Extensions, Text, TlsDeserialize, TlsSerialize, TlsSize, encode},
    hash::{Digest, Hasher},
    label,
    limits::RELAY_LINK_BYTES,
    prekey::PrekeyId,
    suite::SuiteId,
};

use crate::{
    frame::Reply,
    identity::{Fingerprint, IdentityKey},
    kdf,
    kem::{Ciphertext, EncapsulationKey, PUBLIC_KEY_BYTES},
    ratchet::FirstKeys,
    secret::{Key, purpose},
    session::SessionId,
};

/// The version of an offer.
pub(super) const VERSION: u8 = 1;
/// How long a name may be that somebody gives themselves.
pub const NAME_HINT_BYTES: usize = 64;

/// What an initiator offers beside its keys.
#[derive(Clone, Debug, PartialEq, Eq, TlsSerialize, TlsDeserialize, TlsSize)]
pub struct Offer {
    /// 1 + the highest the initiator knows for this fingerprint.
    pub generation: u32,
    /// Where answers go: the private mailbox made for this contact.
    pub reply: Reply,
    /// What the responder needs to begin with the initiator one day.
    pub card: CardOffer,
    /// Room for later versions, and for what is announced.
    pub extensions: Extensions,
}

/// The initiator's contact card, less what the offer says anyway.
#[derive(Clone, Debug, PartialEq, Eq, TlsSerialize, TlsDeserialize, TlsSize)]
pub struct CardOffer {
    /// The right to ring at the initiator's doorbell.
    pub doorbell: Capability<right::Drop>,
    /// Link of the relay it lies on.
    pub relay: Text<RELAY_LINK_BYTES>,
    /// What the initiator calls themselves. A stranger's word: never printed raw, never believed.
    pub name_hint: Text<NAME_HINT_BYTES>,
}

/// The offer, as signed.
#[derive(TlsSerialize, TlsDeserialize, TlsSize)]
pub(super) struct FullOffer {
    pub(super) version: u8,
    pub(super) identity: IdentityKey,
    pub(super) ratchet_pk: EncapsulationKey,
    pub(super) offer: Offer,
}

/// Which keys a handshake is made with.
pub(super) struct Transcript<'a> {
    pub(super) responder: Fingerprint,
    pub(super) signed: (PrekeyId, &'a EncapsulationKey),
    pub(super) one_time: Option<(PrekeyId, &'a EncapsulationKey)>,
    pub(super) ciphertexts: [&'a Ciphertext; 2],
}

impl Transcript<'_> {
    /// Every field has a fixed size; an absent prekey is zeros.
    pub(super) fn t0(&self) -> Digest {
        let (signed_id, signed) = self.signed;
        let [ct1, ct2] = self.ciphertexts;
        let mut hasher = Hasher::labelled(label::HELLO_TRANSCRIPT);
        hasher.update(&[SuiteId::BYTE]);
        hasher.update(self.responder.as_bytes());
        hasher.update(&encode(&signed_id));
        hasher.update(signed.as_bytes());
        match self.one_time {
            Some((id, key)) => {
                hasher.update(&[1]);
                hasher.update(&encode(&id));
                hasher.update(key.as_bytes());
            }
            None => hasher.update(&[0; 1 + 4 + PUBLIC_KEY_BYTES]),
        }
        hasher.update(ct1.as_bytes());
        hasher.update(ct2.as_bytes());
        hasher.finish()
    }
}

/// The hash that is signed, and that all first keys depend on.
pub(super) fn t1(t0: &Digest, offer: &[u8]) -> Digest {
    Digest::labelled(label::HELLO_OFFER, &[t0.as_bytes(), offer])
}

/// What the encapsulations agreed on.
pub(super) struct Secrets {
    pub(super) signed: Key<purpose::Shared>,
    pub(super) one_time: Option<Key<purpose::Shared>>,
}

impl Secrets {
    pub(super) fn hello_key(&self, t0: &Digest) -> Key<purpose::Hello> {
        kdf::derive_key(label::HELLO_KEY, kdf::Input { ikm: &self.ikm(), salt: t0.as_bytes(), rest: &[] })
    }

    pub(super) fn first_keys(&self, t1: &Digest) -> (FirstKeys, SessionId) {
        let okm = kdf::derive_many(label::ROOT, kdf::Input { ikm: &self.ikm(), salt: t1.as_bytes(), rest: &[] });
        let [root, chain_i, header_i, next_header_i, next_header_r, session_id] = &*okm;
        let keys = FirstKeys {
            root: Key::from_bytes(root),
            chain_i: Key::from_bytes(chain_i),
            header_i: Key::from_bytes(header_i),
            next_header_i: Key::from_bytes(next_header_i),
            next_header_r: Key::from_bytes(next_header_r),
        };
        (keys, SessionId::from_bytes(*session_id))
    }

    fn ikm(&self) -> [&[u8]; 2] {
        [self.signed.expose_secret(), self.one_time.as_ref().map_or(&[], |key| key.expose_secret().as_slice())]
    }
}

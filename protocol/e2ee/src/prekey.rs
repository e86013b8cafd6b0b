//! Prekeys: X-Wing key pairs that others may begin with, signed by their owner and published sealed.
//!
//! ```text
//! signature = Sign(ctx "prekey", suite || kind u8 || id u32 || not_after u32 || fingerprint || pk)
//! sealed    = nonce24 || XChaCha20-Poly1305(key, nonce24, AD = kind || id || not_after, [identity pk] || pk || signature)
//! key       = HKDF(ikm = fingerprint, salt = H("cap drop", drop of the doorbell), info = "bundle key")
//! ```
//!
//! The identity stands in the signed prekey's box only. When secrets are destroyed is the vault's concern.

use core::marker::PhantomData;

use lightproof_wire::{
    capability::{CapabilityHash, right},
    codec::{Bytes, TlsDeserialize, TlsSerialize, TlsSize, encode},
    label,
    prekey::{PrekeyId, PrekeyKind, PublishedPrekey},
    suite::SuiteId,
    time::Day,
};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::{
    aead::{self, RandomNonce},
    error::{RecordError, Undecryptable},
    identity::{Fingerprint, IdentityKeyPair},
    kdf,
    kem::{DecapsulationKey, EncapsulationKey, PUBLIC_KEY_BYTES},
    record,
    secret::{Key, purpose},
};

/// The two kinds, as types: a one-time secret is destroyed after one use, a signed one is not.
pub mod kind {
    use super::PrekeyKind;

    /// One of the two kinds.
    pub trait Kind: 'static {
        /// As it stands on the wire.
        const KIND: PrekeyKind;
    }

    /// Serves many callers.
    pub enum Signed {}
    /// Serves one caller.
    pub enum OneTime {}

    impl Kind for Signed {
        const KIND: PrekeyKind = PrekeyKind::Signed;
    }

    impl Kind for OneTime {
        const KIND: PrekeyKind = PrekeyKind::OneTime;
    }
}

use kind::Kind;

/// The secret half of a signed prekey.
pub type SignedPrekeySecret = PrekeySecret<kind::Signed>;
/// The secret half of a one-time prekey.
pub type OneTimePrekeySecret = PrekeySecret<kind::OneTime>;

/// The secret half of a prekey of the kind `K`.
pub struct PrekeySecret<K> {
    id: PrekeyId,
    not_after: Day,
    key: DecapsulationKey,
    kind: PhantomData<fn() -> K>,
}

#[derive(TlsSerialize, TlsSize)]
struct SavedPrekey<'a> {
    kind: PrekeyKind,
    id: PrekeyId,
    not_after: Day,
    key: &'a DecapsulationKey,
}

#[derive(TlsDeserialize, TlsSize)]
struct LoadedPrekey {
    kind: PrekeyKind,
    id: PrekeyId,
    not_after: Day,
    key: DecapsulationKey,
}

impl<K: Kind> PrekeySecret<K> {
    /// A new one. Ids are unique among its owner's prekeys of one kind.
    pub fn generate(id: PrekeyId, not_after: Day, rng: &mut impl CryptoRng) -> Self {
        Self { id, not_after, key: DecapsulationKey::generate(rng), kind: PhantomData }
    }

    /// Its number.
    #[must_use]
    pub const fn id(&self) -> PrekeyId {
        self.id
    }

    /// The last day others may begin with it.
    #[must_use]
    pub const fn not_after(&self) -> Day {
        self.not_after
    }

    /// Signs and seals the public half for the holders of a card: those who know the fingerprint and the doorbell's drop.
    pub fn publish(
        &self,
        owner: &IdentityKeyPair,
        doorbell: &CapabilityHash<right::Drop>,
        rng: &mut impl CryptoRng,
    ) -> PublishedPrekey {
        let clear = Clear { kind: K::KIND, id: self.id, not_after: self.not_after };
        let public = self.key.public();
        let signature =
            owner.sign(label::SIGN_PREKEY, &clear.signed_bytes(&owner.fingerprint(), public.as_bytes()), rng);
        let identity = match K::KIND {
            PrekeyKind::Signed => owner.public().as_bytes().as_slice(),
            PrekeyKind::OneTime => &[],
        };
        let mut nonce: RandomNonce = [0; 24];
        rng.fill_bytes(&mut nonce);
        let mut boxed = [identity, public.as_bytes(), signature.as_bytes()].concat();
        aead::encrypt_random(&bundle_key(&owner.fingerprint(), doorbell), &nonce, &clear.bytes(), &mut boxed);
        // At most 24 + 1,984 + 1,216 + 3,373 + 16 bytes: within the wire's bound.
        let sealed = Bytes::new([nonce.as_slice(), &boxed].concat()).unwrap_or_default();
        PublishedPrekey { kind: clear.kind, id: clear.id, not_after: clear.not_after, sealed }
    }

    /// As the vault keeps it.
    #[must_use]
    pub fn to_record(&self) -> Zeroizing<Vec<u8>> {
        record::save(&SavedPrekey { kind: K::KIND, id: self.id, not_after: self.not_after, key: &self.key })
    }

    /// From the vault.
    ///
    /// # Errors
    /// [`RecordError`], also for a prekey of the other kind.
    pub fn from_record(record: &[u8]) -> Result<Self, RecordError> {
        let LoadedPrekey { kind, id, not_after, key } = record::load(record)?;
        if kind != K::KIND {
            return Err(RecordError::Damaged);
        }
        Ok(Self { id, not_after, key, kind: PhantomData })
    }

    pub(crate) const fn key(&self) -> &DecapsulationKey {
        &self.key
    }
}

impl<K: Kind> core::fmt::Debug for PrekeySecret<K> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let Self { id, not_after, key: _, kind: _ } = self;
        write!(f, "PrekeySecret({:?}, {id:?}, {not_after:?})", K::KIND)
    }
}

/// A verified prekey of somebody else.
pub(crate) struct Prekey {
    pub(crate) id: PrekeyId,
    pub(crate) key: EncapsulationKey,
}

/// What of a prekey its relay sees.
#[derive(Clone, Copy)]
pub(crate) struct Clear {
    pub(crate) kind: PrekeyKind,
    pub(crate) id: PrekeyId,
    pub(crate) not_after: Day,
}

impl Clear {
    pub(crate) fn of(published: &PublishedPrekey) -> Self {
        Self { kind: published.kind, id: published.id, not_after: published.not_after }
    }

    fn bytes(self) -> Vec<u8> {
        [encode(&self.kind), encode(&self.id), encode(&self.not_after)].concat()
    }

    /// What its owner signs.
    pub(crate) fn signed_bytes(self, owner: &Fingerprint, public: &[u8; PUBLIC_KEY_BYTES]) -> Vec<u8> {
        [&[SuiteId::BYTE], self.bytes().as_slice(), owner.as_bytes(), public].concat()
    }
}

/// Opens the box of a published prekey.
pub(crate) fn open_box(
    published: &PublishedPrekey,
    owner: &Fingerprint,
    doorbell: &CapabilityHash<right::Drop>,
) -> Result<Vec<u8>, Undecryptable> {
    let (nonce, boxed) = published.sealed.as_slice().split_first_chunk().ok_or(Undecryptable)?;
    let mut boxed = boxed.to_vec();
    aead::decrypt_random(&bundle_key(owner, doorbell), nonce, &Clear::of(published).bytes(), &mut boxed)?;
    Ok(boxed)
}

fn bundle_key(owner: &Fingerprint, doorbell: &CapabilityHash<right::Drop>) -> Key<purpose::Bundle> {
    kdf::derive_key(label::BUNDLE_KEY, kdf::Input { ikm: &[owner.as_bytes()], salt: doorbell.as_bytes(), rest: &[] })
}

//! What a caller takes from a relay to begin with somebody: an identity, a signed prekey and at most one one-time prekey.
//!
//! The relay can neither read nor replace it: the boxes open only with the card, and everything in them hangs on the
//! fingerprint that the card carries. What it can do is withhold the one-time prekey.

use lightproof_wire::{
    capability::{CapabilityHash, right},
    label, limits,
    prekey::{PrekeyBundle, PrekeyKind, PublishedPrekey},
    time::Day,
};

use crate::{
    error::BundleError,
    identity::{Fingerprint, IdentityKey},
    kem::{PUBLIC_KEY_BYTES, UncheckedKey},
    prekey::{self, Clear, Prekey},
    signature::{self, SIGNATURE_BYTES, Signature},
};

/// A bundle whose boxes opened, and about which nothing else is known.
pub struct UnverifiedBundle {
    identity: Box<[u8; signature::PUBLIC_KEY_BYTES]>,
    signed: UnverifiedPrekey,
    one_time: Option<UnverifiedPrekey>,
}

struct UnverifiedPrekey {
    clear: Clear,
    key: UncheckedKey,
    signature: Signature,
}

/// A bundle of the identity one asked for. Begins one handshake.
pub struct Bundle {
    identity: IdentityKey,
    signed: Prekey,
    one_time: Option<Prekey>,
}

impl UnverifiedBundle {
    /// Opens the boxes with what a card tells: whose they are and the hash of the doorbell's drop.
    ///
    /// # Errors
    /// [`BundleError::Malformed`] or [`BundleError::WrongKind`]; the relay's fault or the owner's.
    pub fn open(
        bundle: &PrekeyBundle,
        owner: &Fingerprint,
        doorbell: &CapabilityHash<right::Drop>,
    ) -> Result<Self, BundleError> {
        let kind_fits = bundle.signed.kind == PrekeyKind::Signed
            && bundle.one_time.as_ref().is_none_or(|one| one.kind == PrekeyKind::OneTime);
        if !kind_fits {
            return Err(BundleError::WrongKind);
        }
        let open = |published: &PublishedPrekey| {
            prekey::open_box(published, owner, doorbell).map_err(|_| BundleError::Malformed)
        };
        let signed = open(&bundle.signed)?;
        let (identity, rest) = signed.split_first_chunk().ok_or(BundleError::Malformed)?;
        let one_time = bundle.one_time.as_ref().map(|one| UnverifiedPrekey::parse(one, &open(one)?)).transpose()?;
        Ok(Self { identity: Box::new(*identity), signed: UnverifiedPrekey::parse(&bundle.signed, rest)?, one_time })
    }

    /// Checks that the bundle belongs to the fingerprint of the card, is signed throughout and not expired.
    ///
    /// # Errors
    /// [`BundleError`]; the relay's fault, or of an owner who published nothing for a month.
    pub fn verify(self, owner: &Fingerprint, today: Day) -> Result<Bundle, BundleError> {
        let identity = IdentityKey::from_bytes(&self.identity).map_err(|_| BundleError::Malformed)?;
        if identity.fingerprint() != *owner {
            return Err(BundleError::OtherIdentity);
        }
        let signed = self.signed.verify(&identity, today)?;
        let one_time = self.one_time.map(|one| one.verify(&identity, today)).transpose()?;
        Ok(Bundle { identity, signed, one_time })
    }
}

impl UnverifiedPrekey {
    fn parse(published: &PublishedPrekey, boxed: &[u8]) -> Result<Self, BundleError> {
        let (key, signature) = boxed.split_first_chunk::<PUBLIC_KEY_BYTES>().ok_or(BundleError::Malformed)?;
        let signature: &[u8; SIGNATURE_BYTES] = signature.try_into().map_err(|_| BundleError::Malformed)?;
        Ok(Self {
            clear: Clear::of(published),
            key: UncheckedKey::from_bytes(key),
            signature: Signature::from_bytes(signature),
        })
    }

    fn verify(self, identity: &IdentityKey, today: Day) -> Result<Prekey, BundleError> {
        let signed_bytes = self.clear.signed_bytes(&identity.fingerprint(), self.key.as_bytes());
        identity.verify(label::SIGN_PREKEY, &signed_bytes, &self.signature).map_err(|_| BundleError::Forged)?;
        if today > self.clear.not_after.plus(limits::PREKEY_GRACE_DAYS) {
            return Err(BundleError::Expired);
        }
        Ok(Prekey { id: self.clear.id, key: self.key.check().map_err(|_| BundleError::Malformed)? })
    }
}

impl Bundle {
    /// Whose it is.
    #[must_use]
    pub const fn identity(&self) -> &IdentityKey {
        &self.identity
    }

    /// Whether the first messages have forward secrecy at once; otherwise only from the first answer on.
    #[must_use]
    pub const fn has_one_time(&self) -> bool {
        self.one_time.is_some()
    }

    pub(crate) const fn signed(&self) -> &Prekey {
        &self.signed
    }

    pub(crate) const fn one_time(&self) -> Option<&Prekey> {
        self.one_time.as_ref()
    }
}

impl core::fmt::Debug for UnverifiedBundle {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("UnverifiedBundle(…)")
    }
}

impl core::fmt::Debug for Bundle {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Bundle(…)")
    }
}

//! A relay's signed promise: this envelope is stored, for this drop, until that day.
//!
//! Ed25519 (RFC 8032) over `H("deposit", envelope digest || drop hash || day || expires)`. The promise is
//! short-lived, so it is classical and cheap; a relay that denies a deposit can be shown its own signature.

use ed25519_dalek::{Signer as _, SigningKey, VerifyingKey};

use crate::{
    capability::{CapabilityHash, right},
    codec::{TlsDeserialize, TlsSerialize, TlsSize},
    hash::Digest,
    label,
    time::Day,
};

/// The Ed25519 key that checks a relay's receipts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, TlsSerialize, TlsDeserialize, TlsSize)]
pub struct ReceiptKey(pub [u8; 32]);

/// What a receipt promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq, TlsSerialize, TlsDeserialize, TlsSize)]
pub struct DepositPromise {
    /// SHA-256 of the envelope.
    pub envelope: Digest,
    /// Hash of the drop it lies behind.
    pub drop: CapabilityHash<right::Drop>,
    /// The day it came.
    pub day: Day,
    /// The day it goes if nobody fetches it.
    pub expires: Day,
}

/// A promise with the relay's signature.
#[derive(Clone, Debug, PartialEq, Eq, TlsSerialize, TlsDeserialize, TlsSize)]
pub struct DepositReceipt {
    /// What is promised.
    pub promise: DepositPromise,
    signature: [u8; 64],
}

/// A receipt that its key did not sign, or that promises something else: the relay's fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the relay's deposit receipt does not hold")]
pub struct ReceiptMisbehaved;

impl DepositPromise {
    /// Signs the promise. Only after the commit that keeps it.
    #[must_use]
    pub fn sign(self, key: &SigningKey) -> DepositReceipt {
        DepositReceipt { promise: self, signature: key.sign(self.digest().as_bytes()).to_bytes() }
    }

    fn digest(&self) -> Digest {
        let (day, expires) = (self.day.0.to_be_bytes(), self.expires.0.to_be_bytes());
        Digest::labelled(label::DEPOSIT, &[self.envelope.as_bytes(), self.drop.as_bytes(), &day, &expires])
    }
}

impl DepositReceipt {
    /// Checks that `key` promised to keep this very envelope for this very drop.
    ///
    /// # Errors
    /// [`ReceiptMisbehaved`], the relay's fault.
    pub fn verify(
        &self,
        key: &ReceiptKey,
        envelope: &Digest,
        drop: &CapabilityHash<right::Drop>,
    ) -> Result<(), ReceiptMisbehaved> {
        let names_it = self.promise.envelope == *envelope && self.promise.drop == *drop;
        let key = VerifyingKey::from_bytes(&key.0).map_err(|_| ReceiptMisbehaved)?;
        let signature = ed25519_dalek::Signature::from_bytes(&self.signature);
        let signed = key.verify_strict(self.promise.digest().as_bytes(), &signature).is_ok();
        if names_it && signed { Ok(()) } else { Err(ReceiptMisbehaved) }
    }
}

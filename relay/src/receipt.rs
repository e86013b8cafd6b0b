//! Deposit receipts: signed only for a promise whose commit is on disk, off the writer.

use ed25519_dalek::SigningKey;
use lightproof_wire::deposit_receipt::{DepositPromise, DepositReceipt, ReceiptKey};

use crate::store::Durable;

/// The key that signs receipts.
pub struct ReceiptSigner(SigningKey);

impl ReceiptSigner {
    /// With the key from the data folder.
    #[must_use]
    pub const fn new(key: SigningKey) -> Self {
        Self(key)
    }

    /// What clients check receipts with.
    #[must_use]
    pub fn public(&self) -> ReceiptKey {
        ReceiptKey(self.0.verifying_key().to_bytes())
    }

    /// Signs a promise that a power cut cannot take back.
    #[must_use]
    pub fn sign(&self, promise: Durable<DepositPromise>) -> DepositReceipt {
        promise.into_inner().sign(&self.0)
    }
}

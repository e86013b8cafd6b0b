//! What a recipient tells a sender end to end (delivered, viewed), and what a sender takes back.

use lightproof_wire::codec::{List, TlsDeserialize, TlsSerialize, TlsSize};

use crate::{frame::MessageId, manifest::Contradiction};

/// The most messages one receipt or retract names.
pub const NAMED_MESSAGES: usize = 64;

/// How far a message came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, TlsSerialize, TlsDeserialize, TlsSize)]
#[repr(u8)]
pub enum ReceiptKind {
    /// Its photos are fetched, verified and saved.
    Delivered = 1,
    /// A person has looked at it.
    Viewed = 2,
}

/// Tells how far messages came. Never answered by a receipt.
#[derive(Clone, Debug, PartialEq, Eq, TlsSerialize, TlsDeserialize, TlsSize)]
pub struct Receipt {
    /// How far.
    pub kind: ReceiptKind,
    /// Which messages; at least one.
    pub message_ids: List<MessageId, NAMED_MESSAGES>,
}

/// Withdraws messages of this sender.
#[derive(Clone, Debug, PartialEq, Eq, TlsSerialize, TlsDeserialize, TlsSize)]
pub struct Retract {
    /// Which messages; at least one.
    pub message_ids: List<MessageId, NAMED_MESSAGES>,
}

impl Receipt {
    pub(crate) fn check(&self) -> Result<(), Contradiction> {
        check_named(&self.message_ids)
    }
}

impl Retract {
    pub(crate) fn check(&self) -> Result<(), Contradiction> {
        check_named(&self.message_ids)
    }
}

fn check_named(message_ids: &List<MessageId, NAMED_MESSAGES>) -> Result<(), Contradiction> {
    if message_ids.as_slice().is_empty() { Err(Contradiction::NoMessage) } else { Ok(()) }
}

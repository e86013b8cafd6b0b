//! Published prekeys as a relay knows them: a kind, a number and a last day in clear, the rest sealed.

use crate::{
    codec::{Bytes, TlsDeserialize, TlsSerialize, TlsSize},
    limits::SEALED_PREKEY_BYTES,
    time::Day,
};

/// Signed prekeys serve many callers, one-time prekeys one each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, TlsSerialize, TlsDeserialize, TlsSize)]
#[repr(u8)]
pub enum PrekeyKind {
    /// Replaced weekly.
    Signed = 1,
    /// Given once.
    OneTime = 2,
}

/// The number of a prekey among its owner's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, TlsSerialize, TlsDeserialize, TlsSize)]
pub struct PrekeyId(pub u32);

/// A prekey as published at a doorbell.
#[derive(Clone, Debug, PartialEq, Eq, TlsSerialize, TlsDeserialize, TlsSize)]
pub struct PublishedPrekey {
    /// Signed or one-time.
    pub kind: PrekeyKind,
    /// Its number.
    pub id: PrekeyId,
    /// The last day it may be used; a relay serves none after it.
    pub not_after: Day,
    /// Sealed for holders of the owner's card.
    pub sealed: Bytes<SEALED_PREKEY_BYTES>,
}

/// What a caller takes: the signed prekey, and a one-time prekey while there are any.
#[derive(Clone, Debug, PartialEq, Eq, TlsSerialize, TlsDeserialize, TlsSize)]
pub struct PrekeyBundle {
    /// The signed prekey.
    pub signed: PublishedPrekey,
    /// A one-time prekey that nobody else was given.
    pub one_time: Option<PublishedPrekey>,
}

//! Published prekeys as a relay knows them: a kind, a number and a last day in clear, the rest sealed.

use crate::{
    codec::{Bytes, List, TlsDeserialize, TlsSerialize, TlsSize},
    limits::{ONE_TIME_PREKEYS, SEALED_PREKEY_BYTES},
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

/// The number of a prekey among its owner's, from 1 on.
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

/// The numbers of the one-time prekeys at a doorbell, filled up with zeros to a full stock: who listens on the network does not
/// learn from the length how many were taken.
#[derive(Clone, Debug, PartialEq, Eq, TlsSerialize, TlsDeserialize, TlsSize)]
pub struct Stock(List<PrekeyId, ONE_TIME_PREKEYS>);

impl Stock {
    /// Of these, at most a full stock.
    #[must_use]
    pub fn of(ids: impl IntoIterator<Item = PrekeyId>) -> Self {
        let filled = ids.into_iter().chain(core::iter::repeat(PrekeyId(0)));
        Self(List::new(filled.take(ONE_TIME_PREKEYS).collect()).unwrap_or_default())
    }

    /// The numbers.
    pub fn ids(&self) -> impl Iterator<Item = PrekeyId> + '_ {
        self.0.iter().copied().filter(|id| id.0 != 0)
    }
}

//! Tombstones: hashes of what is gone. They cannot be created again, and the command that made one still gets its Done.

use lightproof_wire::{
    codec::{TlsDeserialize, TlsSerialize, TlsSize},
    refusal::Refusal,
    time::Day,
};

use crate::{
    expire::{self, Perishable},
    store::{
        Rows, RowsMut, RuleError, StoreUnavailable, Table,
        row::{self, Row},
    },
};

/// Which right the hash stood for: hashes of different rights never meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, TlsSerialize, TlsDeserialize, TlsSize)]
#[repr(u8)]
pub enum Right {
    /// A mailbox's owner.
    Owner = 1,
    /// A mailbox's drop.
    Drop = 2,
    /// A blob's writer.
    Write = 3,
    /// One reader of a blob.
    Read = 4,
}

/// What ended it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, TlsSerialize, TlsDeserialize, TlsSize)]
#[repr(u8)]
pub enum Cause {
    /// Its day had come.
    Expired = 1,
    /// The reader let go, or every reader did.
    Released = 2,
    /// The owner ended the mailbox.
    Retired = 3,
    /// The sender took it back.
    Revoked = 4,
}

/// The key of a tombstone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, TlsSerialize, TlsDeserialize, TlsSize)]
pub struct TombstoneKey {
    /// Which right.
    pub right: Right,
    /// Its hash.
    pub hash: [u8; 32],
}

/// What is remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, TlsSerialize, TlsDeserialize, TlsSize)]
pub struct Tombstone {
    /// What ended it.
    pub cause: Cause,
    /// The `write` hash a reader belonged to; zero for the rest.
    pub parent: [u8; 32],
    /// The last day it is remembered.
    pub until: Day,
}

impl Row for Tombstone {
    const TABLE: Table = Table::Tombstones;
    type Key = TombstoneKey;
}

/// The tombstone of a hash.
///
/// # Errors
/// [`RuleError::Damaged`], [`RuleError::Unavailable`].
pub fn find(rows: &dyn Rows, right: Right, hash: &[u8; 32]) -> Result<Option<Tombstone>, RuleError> {
    row::load(rows, &TombstoneKey { right, hash: *hash })
}

/// Refuses a hash that has a tombstone.
///
/// # Errors
/// [`Refusal::Refused`].
pub fn check_none(rows: &dyn Rows, right: Right, hash: &[u8; 32]) -> Result<(), RuleError> {
    match find(rows, right, hash)? {
        Some(_) => Err(Refusal::Refused.into()),
        None => Ok(()),
    }
}

/// Sets one.
///
/// # Errors
/// [`StoreUnavailable`].
pub fn set(rows: &mut dyn RowsMut, key: TombstoneKey, tombstone: Tombstone) -> Result<(), StoreUnavailable> {
    row::save(rows, &key, &tombstone)?;
    expire::remember(rows, tombstone.until, &Perishable::Tombstone(key))
}

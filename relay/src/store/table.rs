//! The tables that rows lie in.

use lightproof_wire::{
    codec::{TlsDeserialize, TlsSerialize, TlsSize},
    limits::ENVELOPE_BYTES,
};

/// One kind of row each. The name is part of the format on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, TlsSerialize, TlsDeserialize, TlsSize)]
#[repr(u8)]
pub enum Table {
    /// Blobs by the hash of their `write`.
    Blobs = 1,
    /// What was deposited where, by the beginnings of the drop hash and of a digest of both.
    Deposits = 2,
    /// Owner hash by drop hash.
    Drops = 3,
    /// Envelopes by owner hash and sequence.
    Envelopes = 4,
    /// What may have to go, by day.
    Expiry = 5,
    /// Mailboxes by owner hash.
    Mailboxes = 6,
    /// Prekeys by owner hash, kind and id.
    Prekeys = 7,
    /// `write` hash by `read` hash.
    Readers = 8,
    /// Hashes that cannot be created again.
    Tombstones = 9,
    /// How much is reserved; one row.
    Totals = 10,
    /// Chunks of unfinished blobs that are known to be on disk.
    Uploads = 11,
    /// Access capabilities by hash.
    Access = 12,
    /// Which day it is; one row.
    Calendar = 13,
}

impl Table {
    /// All of them, in order.
    pub const ALL: [Self; 13] = [
        Self::Blobs,
        Self::Deposits,
        Self::Drops,
        Self::Envelopes,
        Self::Expiry,
        Self::Mailboxes,
        Self::Prekeys,
        Self::Readers,
        Self::Tombstones,
        Self::Totals,
        Self::Uploads,
        Self::Access,
        Self::Calendar,
    ];

    /// Bytes at the end of each of its rows that lie in a slot: what somebody sent, under a hash of its own.
    #[must_use]
    pub const fn bulk_bytes(self) -> usize {
        match self {
            Self::Envelopes => ENVELOPE_BYTES,
            _ => 0,
        }
    }

    /// Bytes of the hash over each of its rows. Deposits are remembered for as long as their promises last, so these rows
    /// are most of a busy relay's: 4 bytes find what rots.
    #[must_use]
    pub const fn hash_bytes(self) -> usize {
        match self {
            Self::Deposits => 4,
            _ => 32,
        }
    }

    /// Its place among [`ALL`](Self::ALL).
    pub(super) fn place(self) -> usize {
        usize::from(self as u8).saturating_sub(1)
    }

    /// Its name on disk.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Blobs => "blobs",
            Self::Deposits => "deposits",
            Self::Drops => "drops",
            Self::Envelopes => "envelopes",
            Self::Expiry => "expiry",
            Self::Mailboxes => "mailboxes",
            Self::Prekeys => "prekeys",
            Self::Readers => "readers",
            Self::Tombstones => "tombstones",
            Self::Totals => "totals",
            Self::Uploads => "uploads",
            Self::Access => "access",
            Self::Calendar => "calendar",
        }
    }
}

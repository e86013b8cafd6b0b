//! How much, how many, how long: an operator's choice, as the rules need it.

use lightproof_wire::{
    command::MailboxKind,
    limits::{CHUNK_BYTES, ENVELOPE_BYTES},
    reply::RelayLimits,
};

/// What the rules enforce.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Days an envelope is kept.
    pub envelope_days: u16,
    /// Days a blob may be kept.
    pub blob_days: u16,
    /// Days a mailbox lives after its last Watch.
    pub mailbox_days: u16,
    /// Days a retired hash is remembered.
    pub tombstone_days: u16,
    /// Days after which an upload nobody touched is removed.
    pub upload_idle_days: u16,
    /// Envelopes a private mailbox holds.
    pub mailbox_envelopes: u32,
    /// Envelopes a doorbell holds.
    pub doorbell_envelopes: u32,
    /// Sealed bytes of the largest blob.
    pub blob_bytes: u64,
    /// Sealed bytes of all blobs together.
    pub blob_space_bytes: u64,
    /// One-time prekeys given away per doorbell and day.
    pub one_time_prekeys_a_day: u16,
    /// What the disk has left. What is there already gets its usual answer without any.
    pub space: Space,
}

/// What the disk has left for what is new.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Space {
    /// Nothing.
    None,
    /// For everything but what strangers leave at doorbells.
    ForContacts,
    /// For everybody.
    ForEverybody,
}

/// What became of a command that makes something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Made {
    /// It was made before: nothing is counted.
    Before,
    /// It was made just now.
    Now,
}

impl Limits {
    /// Envelopes a mailbox of this kind holds.
    #[must_use]
    pub const fn envelopes(&self, kind: MailboxKind) -> u32 {
        match kind {
            MailboxKind::Doorbell => self.doorbell_envelopes,
            MailboxKind::Private => self.mailbox_envelopes,
        }
    }

    /// What the disk must have left for another envelope: strangers' mail stops before that of contacts.
    #[must_use]
    pub const fn space_for(&self, kind: MailboxKind) -> Space {
        match kind {
            MailboxKind::Doorbell => Space::ForEverybody,
            MailboxKind::Private => Space::ForContacts,
        }
    }

    /// What clients are told.
    #[must_use]
    pub fn announced(&self) -> RelayLimits {
        RelayLimits {
            envelope_bytes: u32::try_from(ENVELOPE_BYTES).unwrap_or(u32::MAX),
            chunk_bytes: u32::try_from(CHUNK_BYTES).unwrap_or(u32::MAX),
            blob_bytes: self.blob_bytes,
            envelope_days: self.envelope_days,
            blob_days: self.blob_days,
            mailbox_days: self.mailbox_days,
            mailbox_envelopes: self.mailbox_envelopes,
            doorbell_envelopes: self.doorbell_envelopes,
        }
    }
}

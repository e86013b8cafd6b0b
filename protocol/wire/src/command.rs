//! What a client asks of a relay: one variant per verb. Each is repeatable with the same result, `TakePrekeys` alone is not.

use crate::{
    blob::{BlobShape, SealedChunk},
    capability::{Capability, CapabilityHash, right},
    codec::{List, TlsDeserialize, TlsSerialize, TlsSize},
    envelope::Envelope,
    id::{ChunkIndex, MailboxHandle, Sequence},
    limits::{BLOB_READERS, ONE_TIME_PREKEYS},
    prekey::PublishedPrekey,
};

/// What may reach a mailbox: anybody with the card, or one contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, TlsSerialize, TlsDeserialize, TlsSize)]
#[repr(u8)]
pub enum MailboxKind {
    /// The one mailbox whose `drop` is in the contact card; holds prekeys.
    Doorbell = 1,
    /// One per contact.
    Private = 2,
}

/// Whose reading ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, TlsSerialize, TlsDeserialize, TlsSize)]
#[repr(u8)]
pub enum Readers {
    /// One reader's.
    #[tls_codec(discriminant = 1)]
    One(CapabilityHash<right::Read>),
    /// Everybody's; the blob goes.
    #[tls_codec(discriminant = 2)]
    All,
}

/// One command.
#[derive(Clone, Debug, PartialEq, Eq, TlsSerialize, TlsDeserialize, TlsSize)]
#[repr(u8)]
pub enum Command {
    /// Creates a mailbox. Reply: `Created`.
    #[tls_codec(discriminant = 1)]
    CreateMailbox {
        /// Hash of its `owner` capability.
        owner: CapabilityHash<right::Owner>,
        /// Hash of its `drop` capability.
        drop: CapabilityHash<right::Drop>,
        /// Doorbell or private.
        kind: MailboxKind,
        /// The right to create here, where the relay asks for one.
        access: Option<Capability<right::Access>>,
    },
    /// Asks for everything in a mailbox, now and from now on. Reply: `Watching`, then pushes.
    #[tls_codec(discriminant = 2)]
    Watch {
        /// Shows the right.
        owner: Capability<right::Owner>,
        /// The client's number for this mailbox on this connection.
        handle: MailboxHandle,
    },
    /// Saved: the relay may forget this one envelope. Reply: `Done`.
    #[tls_codec(discriminant = 3)]
    Ack {
        /// A watched mailbox.
        handle: MailboxHandle,
        /// This envelope and no other.
        sequence: Sequence,
    },
    /// Ends a mailbox for good. Reply: `Done`.
    #[tls_codec(discriminant = 4)]
    Retire {
        /// Shows the right.
        owner: Capability<right::Owner>,
    },
    /// Leaves an envelope. Reply: `Deposited`.
    #[tls_codec(discriminant = 5)]
    Deposit {
        /// Shows the right.
        drop: Capability<right::Drop>,
        /// What to leave.
        envelope: Envelope,
    },
    /// Publishes prekeys at a doorbell; a signed prekey replaces the one before. Reply: `Done`.
    #[tls_codec(discriminant = 6)]
    PublishPrekeys {
        /// Shows the right.
        owner: Capability<right::Owner>,
        /// The signed prekey from now on.
        signed: PublishedPrekey,
        /// One-time prekeys to add.
        one_time: List<PublishedPrekey, ONE_TIME_PREKEYS>,
    },
    /// Asks what is left of the prekeys. Reply: `Count`.
    #[tls_codec(discriminant = 7)]
    CountPrekeys {
        /// Shows the right.
        owner: Capability<right::Owner>,
    },
    /// Takes a bundle; its one-time prekey is then gone. Reply: `Bundle`.
    #[tls_codec(discriminant = 8)]
    TakePrekeys {
        /// Shows the right.
        drop: Capability<right::Drop>,
    },
    /// Begins a blob, or moves its last day. Reply: `Opened`.
    #[tls_codec(discriminant = 9)]
    OpenBlob {
        /// Hash of its `write` capability.
        write: CapabilityHash<right::Write>,
        /// Hash of one `read` capability per recipient.
        readers: List<CapabilityHash<right::Read>, BLOB_READERS>,
        /// Chunk size and count.
        shape: BlobShape,
        /// Days from today it is to be kept.
        keep_days: u16,
        /// The right to create here, where the relay asks for one.
        access: Option<Capability<right::Access>>,
    },
    /// Puts one chunk at its place; promises nothing durable. Reply: `Done`.
    #[tls_codec(discriminant = 10)]
    PutChunk {
        /// Shows the right.
        write: Capability<right::Write>,
        /// Its place.
        index: ChunkIndex,
        /// A full sealed chunk.
        chunk: SealedChunk,
    },
    /// Asks which chunks are there. Reply: `Blob`.
    #[tls_codec(discriminant = 11)]
    BlobStatus {
        /// Shows the right.
        write: Capability<right::Write>,
    },
    /// Makes a complete blob durable, readable and immutable. Reply: `Done`.
    #[tls_codec(discriminant = 12)]
    CommitBlob {
        /// Shows the right.
        write: Capability<right::Write>,
    },
    /// Takes a blob back from one reader or from all. Reply: `Done`.
    #[tls_codec(discriminant = 13)]
    RevokeBlob {
        /// Shows the right.
        write: Capability<right::Write>,
        /// Whose reading ends.
        readers: Readers,
    },
    /// Gets one chunk of a committed blob. Reply: `Chunk`.
    #[tls_codec(discriminant = 14)]
    GetChunk {
        /// Shows the right.
        read: Capability<right::Read>,
        /// Its place.
        index: ChunkIndex,
    },
    /// Verified and saved: this reader needs the blob no more. Reply: `Done`.
    #[tls_codec(discriminant = 15)]
    ReleaseBlob {
        /// Shows the right.
        read: Capability<right::Read>,
    },
    /// Is anybody there? Reply: `Pong`.
    #[tls_codec(discriminant = 16)]
    Ping,
}

//! What a relay answers, and what it says unasked.

use crate::{
    blob::{ChunkBitmap, SealedChunk},
    codec::{Extensions, List, Text, TlsDeserialize, TlsSerialize, TlsSize},
    deposit_receipt::{DepositReceipt, ReceiptKey},
    envelope::Envelope,
    id::{MailboxHandle, Sequence},
    limits::{NOTICE_BYTES, OPERATOR_BYTES},
    prekey::{PrekeyBundle, Stock},
    refusal::Refusal,
    time::Day,
};

/// The answer to one command.
#[derive(Clone, Debug, PartialEq, Eq, TlsSerialize, TlsDeserialize, TlsSize)]
#[repr(u8)]
pub enum Reply {
    /// To any command: no.
    #[tls_codec(discriminant = 0)]
    Refused(Refusal),
    /// To `CreateMailbox`: it exists.
    #[tls_codec(discriminant = 1)]
    Created,
    /// To `Watch`: pushes follow.
    #[tls_codec(discriminant = 2)]
    Watching {
        /// The highest place ever acked in this mailbox; 0 if none was.
        highest_acked: Sequence,
    },
    /// To a command that has nothing to tell: it holds.
    #[tls_codec(discriminant = 3)]
    Done,
    /// To `Deposit`: stored, and here is the proof.
    #[tls_codec(discriminant = 4)]
    Deposited(DepositReceipt),
    /// To `CountPrekeys`.
    #[tls_codec(discriminant = 5)]
    Count {
        /// Last day of the signed prekey, if one is there that may still be served.
        signed_not_after: Option<Day>,
        /// One-time prekeys that may still be served: whoever made them sees whether one was used before.
        one_time: Stock,
    },
    /// To `TakePrekeys`.
    #[tls_codec(discriminant = 6)]
    Bundle(PrekeyBundle),
    /// To `OpenBlob`: chunks may come.
    #[tls_codec(discriminant = 7)]
    Opened,
    /// To `BlobStatus`.
    #[tls_codec(discriminant = 8)]
    Blob(BlobState),
    /// To `GetChunk`.
    #[tls_codec(discriminant = 9)]
    Chunk(SealedChunk),
    /// To `Ping`.
    #[tls_codec(discriminant = 10)]
    Pong,
}

/// How far an upload is.
#[derive(Clone, Debug, PartialEq, Eq, TlsSerialize, TlsDeserialize, TlsSize)]
#[repr(u8)]
pub enum BlobState {
    /// Some chunks are there.
    #[tls_codec(discriminant = 1)]
    Uploading(ChunkBitmap),
    /// Complete, durable and readable.
    #[tls_codec(discriminant = 2)]
    Committed,
}

/// What a relay says unasked. Its id is 0.
#[derive(Clone, Debug, PartialEq, Eq, TlsSerialize, TlsDeserialize, TlsSize)]
#[repr(u8)]
pub enum Push {
    /// The first frame of every connection.
    #[tls_codec(discriminant = 1)]
    Welcome(Welcome),
    /// An envelope of a watched mailbox.
    #[tls_codec(discriminant = 2)]
    Delivery(Delivery),
    /// Everything stored in a watched mailbox has been pushed.
    #[tls_codec(discriminant = 3)]
    CaughtUp(MailboxHandle),
    /// Another connection watches this mailbox now; nothing more comes here.
    #[tls_codec(discriminant = 4)]
    Superseded(MailboxHandle),
}

/// An envelope of a watched mailbox.
#[derive(Clone, Debug, PartialEq, Eq, TlsSerialize, TlsDeserialize, TlsSize)]
pub struct Delivery {
    /// The client's number for the mailbox.
    pub handle: MailboxHandle,
    /// Its place, to be acked.
    pub sequence: Sequence,
    /// The envelope.
    pub envelope: Envelope,
    /// The day it was deposited.
    pub day: Day,
}

/// Who may create mailboxes and blobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, TlsSerialize, TlsDeserialize, TlsSize)]
#[repr(u8)]
pub enum Policy {
    /// Anybody.
    Open = 1,
    /// Holders of an `access` capability.
    Access = 2,
}

/// A relay's limits, its operator's choice within the protocol's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, TlsSerialize, TlsDeserialize, TlsSize)]
pub struct RelayLimits {
    /// Bytes of an envelope: 16,000.
    pub envelope_bytes: u32,
    /// Bytes of the largest chunk.
    pub chunk_bytes: u32,
    /// Sealed bytes of the largest blob.
    pub blob_bytes: u64,
    /// Days an envelope is kept.
    pub envelope_days: u16,
    /// Days a blob may be kept.
    pub blob_days: u16,
    /// Days a mailbox lives after its last Watch.
    pub mailbox_days: u16,
    /// Envelopes a private mailbox holds.
    pub mailbox_envelopes: u32,
    /// Envelopes a doorbell holds.
    pub doorbell_envelopes: u32,
}

/// What a relay says of itself to everybody who connects.
#[derive(Clone, Debug, PartialEq, Eq, TlsSerialize, TlsDeserialize, TlsSize)]
pub struct Welcome {
    /// Versions of this language it speaks.
    pub versions: List<u16, 8>,
    /// Checks its deposit receipts.
    pub receipt_key: ReceiptKey,
    /// Its limits.
    pub limits: RelayLimits,
    /// Who may create.
    pub policy: Policy,
    /// Today, by its clock.
    pub day: Day,
    /// What its operator wants users to know. Never print it raw.
    pub notice: Text<NOTICE_BYTES>,
    /// Who runs it. Never print it raw.
    pub operator: Text<OPERATOR_BYTES>,
    /// Room for later versions.
    pub extensions: Extensions,
}

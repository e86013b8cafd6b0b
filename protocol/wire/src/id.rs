//! Numbers that name things on one connection or in one mailbox, kept apart by type.

use crate::codec::{TlsDeserialize, TlsSerialize, TlsSize};

/// Pairs a reply with its command on one connection. 0 is for pushes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, TlsSerialize, TlsDeserialize, TlsSize)]
pub struct CommandId(pub u32);

impl CommandId {
    /// The id of every push.
    pub const PUSH: Self = Self(0);
}

/// A watched mailbox, numbered by the client, valid on one connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, TlsSerialize, TlsDeserialize, TlsSize)]
pub struct MailboxHandle(pub u32);

/// The place of an envelope in its mailbox; the first is 1, 0 is before the first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, TlsSerialize, TlsDeserialize, TlsSize)]
pub struct Sequence(pub u64);

/// The place of a chunk in its blob; the first is 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, TlsSerialize, TlsDeserialize, TlsSize)]
pub struct ChunkIndex(pub u32);

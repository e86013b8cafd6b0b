//! Why an operation of this package failed. Everything cryptographic that fails on input is one opaque `Undecryptable`.

use lightproof_wire::codec::DecodeError;

/// Bytes that this key does not open. Nothing says why: an answer would be an oracle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it cannot be decrypted")]
pub struct Undecryptable;

/// A signature, or a key to verify one, that does not hold. The fault of whoever sent it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a signature does not verify")]
pub struct SignatureError;

/// Why a bundle is not used. The relay's fault or its owner's; nothing was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BundleError {
    /// A prekey is past its last day, grace included.
    #[error("a prekey of the bundle has expired")]
    Expired,
    /// A prekey is not signed by the identity of the bundle.
    #[error("a prekey of the bundle is not signed by its owner")]
    Forged,
    /// A box does not open with this card, or does not hold what it should.
    #[error("the bundle cannot be opened with this card")]
    Malformed,
    /// The bundle belongs to another identity than the card.
    #[error("the bundle belongs to another identity than the card")]
    OtherIdentity,
    /// A signed prekey stands where a one-time prekey belongs, or the reverse.
    #[error("a prekey of the bundle is of the wrong kind")]
    WrongKind,
}

/// Why no handshake was begun. Nothing was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HandshakeError {
    /// The bundle is our own. The caller's misuse.
    #[error("a handshake with oneself is none")]
    OwnIdentity,
}

/// Why a body was not enclosed. The session is unchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EncloseError {
    /// The body does not fit one envelope. The caller's misuse.
    #[error("the body does not fit one envelope")]
    BodyTooLong,
    /// 2^32 messages without an answer; a new session is due.
    #[error("the sending chain is used up")]
    ChainExhausted,
    /// The session was superseded and only opens. The caller's misuse.
    #[error("a superseded session only opens")]
    Superseded,
}

/// Why an envelope was not opened. The session is unchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError<E = SignatureError> {
    /// This place of a chain was opened before, or its key has been forgotten since. Nothing was derived.
    #[error("the envelope was opened before")]
    AlreadyOpened,
    /// It decrypted, and what it says is not what an honest sender signs: an alarm. The peer's fault.
    #[error("what the envelope holds is not authentic")]
    Misbehaved(E),
    /// A kind of envelope, or something in it, that a later version must have made. Try again after an upgrade.
    #[error("the envelope was made by a newer version")]
    NewerVersion,
    /// No header key of this session opens it: it belongs to another session, or to none.
    #[error("the envelope does not belong to this session")]
    NotThisSession,
    /// More than 1,000 messages are missing before it; asks for a new Hello.
    #[error("too many messages are missing before this one")]
    TooManySkipped,
    /// Anything else cryptographic.
    #[error("the envelope cannot be decrypted")]
    Undecryptable,
}

impl<E> From<Undecryptable> for OpenError<E> {
    fn from(_: Undecryptable) -> Self {
        Self::Undecryptable
    }
}

/// Why a record at rest was not loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// Its bytes are not what was saved.
    #[error("the record is damaged")]
    Damaged,
    /// A later version saved it.
    #[error("the record was saved by a newer version")]
    NewerVersion,
}

impl From<DecodeError> for RecordError {
    fn from(_: DecodeError) -> Self {
        Self::Damaged
    }
}

//! The coded no of a relay: what it could not or would not do, and nothing that helps to guess.

use crate::codec::{TlsDeserialize, TlsSerialize, TlsSize};

/// Why a command was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, TlsSerialize, TlsDeserialize, TlsSize, thiserror::Error)]
#[repr(u8)]
#[non_exhaustive]
pub enum Refusal {
    /// The bytes were not a command; the connection closes.
    #[error("the relay could not read the command")]
    #[tls_codec(discriminant = 1)]
    Malformed,
    /// A command of another version.
    #[error("the relay does not know this command")]
    #[tls_codec(discriminant = 2)]
    Unsupported,
    /// Any failed authorisation: absent, wrong, expired and retired look the same.
    #[error("the relay refused")]
    #[tls_codec(discriminant = 3)]
    Refused,
    /// The mailbox or the operator's allowance is full.
    #[error("the relay has no room for this")]
    #[tls_codec(discriminant = 4)]
    QuotaFull,
    /// A blob or a list beyond the relay's limits.
    #[error("too large for this relay")]
    #[tls_codec(discriminant = 5)]
    TooLarge,
    /// Too often; worth another try after the time given.
    #[error("too many requests; the relay asks to wait {retry_after_ms} ms")]
    #[tls_codec(discriminant = 6)]
    TooMany {
        /// Milliseconds to wait.
        retry_after_ms: u32,
    },
    /// The relay cannot take more at the moment; worth another try soon.
    #[error("the relay is busy")]
    #[tls_codec(discriminant = 7)]
    Busy,
    /// Another connection watches this mailbox now.
    #[error("another connection watches this mailbox now")]
    #[tls_codec(discriminant = 8)]
    Superseded,
    /// The relay's own fault.
    #[error("the relay failed")]
    #[tls_codec(discriminant = 9)]
    Internal,
}

impl Refusal {
    /// How long to wait before the same command is worth repeating; `None` if it is not.
    #[must_use]
    pub const fn retry_after_ms(self) -> Option<u32> {
        match self {
            Self::TooMany { retry_after_ms } => Some(retry_after_ms),
            Self::Busy => Some(500),
            _ => None,
        }
    }
}

//! Why an operation of the client failed, and whose fault it was; a user interface makes sentences of it.

use lightproof_e2ee::{
    blob::SealMisuse,
    card::CardError,
    error::{BundleError, EncloseError, HandshakeError},
    frame::FrameTooLarge,
};
use lightproof_wire::{refusal::Refusal, relay_link::RelayLink};

use crate::{prepare::PrepareError, spool::SpoolError, transport::TransportError, vault::VaultError};

/// Why an operation failed. Holds no secret and nothing a peer wrote.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// Not a name: empty, or with a comma, a control character, or spaces around it.
    #[error("this is not a name a contact can have")]
    BadName,
    /// Prekeys that do not belong to the card, or are not signed: the relay's fault or its owner's.
    #[error("the relay handed out prekeys that are not this contact's: {0}")]
    Bundle(BundleError),
    /// The name belongs to a contact with another key.
    #[error("a contact of this name has another key")]
    ChangedIdentity,
    /// The card cannot be used.
    #[error(transparent)]
    Card(#[from] CardError),
    /// The relay's clock and ours differ by more than a day.
    #[error("the clock of this machine and the relay's differ by more than a day")]
    Clock,
    /// This contact is blocked.
    #[error("this contact is blocked")]
    ContactBlocked,
    /// No contact, message, request or outbox entry like this, or more than one.
    #[error("nothing here matches {0:?}")]
    Unknown(String),
    /// Something the vault holds cannot be.
    #[error("the vault is damaged")]
    Damaged,
    /// Nothing goes to this recipient of a message any more: cancelled for them, or they were blocked or removed.
    #[error("nothing of it goes to this recipient: it was cancelled for them, or they were blocked or removed")]
    LeftOut,
    /// No file can be sealed for them yet.
    #[error("this contact has not announced a sealing key yet")]
    NoSealingKey,
    /// Not possible any more, or not yet.
    #[error("{0}")]
    NotNow(&'static str),
    /// No note and no photo.
    #[error("a message needs a note or a photo")]
    NothingToSend,
    /// One's own card, one's own name.
    #[error("this is your own card")]
    OwnCard,
    /// A photo could not be prepared.
    #[error(transparent)]
    Prepare(#[from] PrepareError),
    /// The relay refused.
    #[error("{0}")]
    Refused(Refusal),
    /// The relay is not one that the user has allowed.
    #[error("the relay {} has not been allowed", .0.authority())]
    RelayNotAllowed(Box<RelayLink>),
    /// The relay broke the protocol: a reply to nothing, a receipt that does not hold, a frame that is none.
    #[error("the relay misbehaved: {0}")]
    RelayMisbehaved(&'static str),
    /// The file changed between two looks.
    #[error("the file changed while it was being sealed")]
    SourceChanged,
    /// The file cannot be opened any more.
    #[error("the file cannot be read any more")]
    SourceMissing,
    /// The spool failed.
    #[error(transparent)]
    Spool(#[from] SpoolError),
    /// A field is longer than a message can carry.
    #[error("{what} is too long: at most {max_bytes} bytes")]
    TooLong {
        /// Which.
        what: &'static str,
        /// How long it may be.
        max_bytes: usize,
    },
    /// More than the protocol allows in one message.
    #[error("too many {what}: at most {max}")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many there may be.
        max: usize,
    },
    /// The relay was not reached, or lost.
    #[error("{error} ({})", .relay.authority())]
    Transport {
        /// Which relay.
        relay: Box<RelayLink>,
        /// What happened.
        error: TransportError,
    },
    /// The vault failed.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// A photo did not verify.
    #[error("the photo is not what its sender sealed")]
    Verification,
}

/// What kind of failure it is, as exit codes tell them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// Anything else.
    Failed,
    /// Tampered with, forged, or not the one it should be.
    Verification,
    /// No relay; what was to be sent stays in the outbox.
    Unreachable,
}

impl ClientError {
    /// What kind of failure it is.
    #[must_use]
    pub const fn failure(&self) -> Failure {
        match self {
            Self::Bundle(_) | Self::ChangedIdentity | Self::Verification | Self::RelayMisbehaved(_) => {
                Failure::Verification
            }
            Self::Transport { error: TransportError::Certificate, .. } => Failure::Verification,
            Self::Transport { error: TransportError::Forbidden, .. } => Failure::Failed,
            Self::Transport { .. } | Self::Refused(Refusal::Busy | Refusal::TooMany { .. }) => Failure::Unreachable,
            _ => Failure::Failed,
        }
    }

    /// Whether the same step may work later by itself.
    #[must_use]
    pub const fn is_passing(&self) -> bool {
        matches!(self.failure(), Failure::Unreachable)
    }

    /// Of two that happened side by side, the one to tell: what did not verify first, then a disk in trouble, which no
    /// other try mends; else the earlier.
    #[must_use]
    pub(crate) fn or_graver(self, later: Self) -> Self {
        if later.gravity() > self.gravity() { later } else { self }
    }

    const fn gravity(&self) -> u8 {
        match self {
            _ if matches!(self.failure(), Failure::Verification) => 2,
            Self::Damaged | Self::Spool(_) | Self::Vault(_) => 1,
            _ => 0,
        }
    }

    /// Whether another process was faster, so that the step should run again.
    #[must_use]
    pub const fn is_conflict(&self) -> bool {
        matches!(self, Self::Vault(error) if error.is_conflict())
    }
}

/// Of two steps that were both tried, what stopped them: the graver of two reasons.
pub(crate) fn both(earlier: Result<(), ClientError>, later: Result<(), ClientError>) -> Result<(), ClientError> {
    match (earlier, later) {
        (Err(earlier), Err(later)) => Err(earlier.or_graver(later)),
        (earlier, later) => earlier.and(later),
    }
}

impl From<BundleError> for ClientError {
    fn from(error: BundleError) -> Self {
        Self::Bundle(error)
    }
}

impl From<EncloseError> for ClientError {
    fn from(error: EncloseError) -> Self {
        match error {
            EncloseError::BodyTooLong => Self::TooLong { what: "the message", max_bytes: 10_000 },
            _ => Self::NotNow("this session is used up; the next try begins a new one"),
        }
    }
}

impl From<HandshakeError> for ClientError {
    fn from(_: HandshakeError) -> Self {
        Self::OwnCard
    }
}

impl From<FrameTooLarge> for ClientError {
    fn from(_: FrameTooLarge) -> Self {
        Self::TooLong { what: "the message", max_bytes: 10_000 }
    }
}

impl From<SealMisuse> for ClientError {
    fn from(error: SealMisuse) -> Self {
        match error {
            SealMisuse::Length => Self::SourceChanged,
            _ => Self::TooLong { what: "the file", max_bytes: usize::MAX },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_did_not_verify_is_told_before_what_only_did_not_work() {
        let away = || ClientError::Refused(Refusal::Busy);
        let told = |earlier, later| both(Err(earlier), Err(later)).unwrap_err().to_string();
        let forged = ClientError::Verification.to_string();
        assert_eq!(told(away(), ClientError::Verification), forged);
        assert_eq!(told(ClientError::Verification, ClientError::Damaged), forged);
        assert_eq!(told(away(), ClientError::Spool(SpoolError::Full)), SpoolError::Full.to_string());
        assert_eq!(told(ClientError::Clock, away()), ClientError::Clock.to_string());
        assert_eq!(told(away(), ClientError::Clock), away().to_string());
        assert!(
            both(Ok(()), Err(away())).is_err() && both(Err(away()), Ok(())).is_err() && both(Ok(()), Ok(())).is_ok()
        );
    }
}

//! What a failed operation means to a person: what happened, what to do, and the exit code.

use lightproof_core::e2ee::card::CardError;
use lightproof_core::error::Failure as Kind;
use lightproof_core::spool::SpoolError;
use lightproof_core::transport::TransportError;
use lightproof_core::vault::VaultError;
use lightproof_core::vault::store::StoreError;
use lightproof_core::vault::unlock::UnlockError;
use lightproof_core::wire::refusal::Refusal;
use lightproof_core::{ClientError, wire::relay_link::RelayLink};

use crate::exit::{Exit, Failure};
use crate::sanitize::Sanitized;

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        Self::from(&error)
    }
}

impl From<&ClientError> for Failure {
    fn from(error: &ClientError) -> Self {
        let failure = Self::new(exit(error.failure()), error.to_string());
        match hint(error) {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}

impl From<VaultError> for Failure {
    fn from(error: VaultError) -> Self {
        Self::from(ClientError::Vault(error))
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::from(VaultError::Store(error))
    }
}

impl From<SpoolError> for Failure {
    fn from(error: SpoolError) -> Self {
        Self::from(ClientError::Spool(error))
    }
}

const fn exit(kind: Kind) -> Exit {
    match kind {
        Kind::Failed => Exit::Failed,
        Kind::Verification => Exit::Unverified,
        Kind::Unreachable => Exit::Unreachable,
    }
}

fn hint(error: &ClientError) -> Option<String> {
    let hint = match error {
        ClientError::BadName => {
            "give one with --name: visible, without comma, no `-` in front, not `me`, at most 64 bytes"
        }
        ClientError::Bundle(_) => "nothing was sent; ask this contact for a new card, over a way you trust",
        ClientError::Card(error) => card_hint(*error),
        ClientError::ChangedIdentity => {
            "it may be somebody else: compare safety numbers, or choose another name with --name"
        }
        ClientError::Clock => "set the clock of this machine; until then nobody new is contacted",
        ClientError::ContactBlocked => "to take them back, add their card again with `lightproof contact add`",
        ClientError::Damaged => "something else wrote to this home, or the disk failed",
        ClientError::LeftOut => "send it again if they are to have it all the same",
        ClientError::NoSealingKey => "exchange one message with this contact first",
        ClientError::NothingToSend => "name a photo, or write a note with -m",
        ClientError::Prepare(error) => return error.hint().map(str::to_owned),
        ClientError::Refused(refusal) => refusal_hint(*refusal)?,
        ClientError::RelayNotAllowed(relay) => return Some(allow_hint(relay)),
        ClientError::RelayMisbehaved(_) | ClientError::Verification => "nothing of it is shown; tell its sender",
        ClientError::SourceChanged => "send it again once nothing writes to it any more",
        ClientError::SourceMissing => "put the file back, or give up the send with `lightproof outbox cancel ID`",
        ClientError::Spool(SpoolError::Full) => "make room on the disk, then try again",
        ClientError::Spool(SpoolError::Missing) => {
            "its relay has let it go: its sender has it, or a backup that was made with photos"
        }
        ClientError::TooLong { .. } => "make it shorter, or send it as a file with --as exact",
        ClientError::TooMany { .. } => "send the rest in another message",
        ClientError::Transport { relay, error } => return transport_hint(relay, *error),
        ClientError::Vault(error) => vault_hint(*error)?,
        _ => return None,
    };
    Some(hint.to_owned())
}

const fn card_hint(error: CardError) -> &'static str {
    match error {
        CardError::NotACard => "a card is one line that begins with lightproof:",
        CardError::OtherVersion => "it needs a newer version of lightproof",
        _ => "copy it again, whole, or ask for it again",
    }
}

const fn refusal_hint(refusal: Refusal) -> Option<&'static str> {
    match refusal {
        Refusal::QuotaFull => Some("try again once there is room, or ask who runs the relay"),
        Refusal::TooLarge => Some("ask who runs the relay, or send it --as compressed"),
        Refusal::Busy | Refusal::TooMany { .. } => Some("it stays in the outbox; try again in a moment"),
        Refusal::Refused => Some("the card may have been replaced, or the relay asks for an access capability"),
        _ => None,
    }
}

/// The command that allows a relay, to be copied: the pin begins with what a shell takes for a remark.
pub(crate) fn allow_hint(relay: &RelayLink) -> String {
    let link = relay.to_string();
    format!("if you want this home to talk to it: lightproof relay allow {}", Sanitized::word(&link))
}

fn transport_hint(relay: &RelayLink, error: TransportError) -> Option<String> {
    match error {
        TransportError::Certificate => {
            let hint = "somebody may stand between; ask who runs the relay, and if its link has changed: lightproof relay allow LINK";
            Some(hint.to_owned())
        }
        TransportError::Forbidden => Some(allow_hint(relay)),
        TransportError::Misbehaved => Some("look whether the link of the relay is right".to_owned()),
        _ => None,
    }
}

const fn vault_hint(error: VaultError) -> Option<&'static str> {
    match error {
        VaultError::Exists => Some("name another folder with --home DIR"),
        VaultError::Missing => {
            Some("make one with `lightproof init --relay RELAY_LINK`, or name yours with --home DIR")
        }
        VaultError::Store(StoreError::Full) => Some("make room on the disk, then try again"),
        VaultError::Store(StoreError::Held | StoreError::Conflict) => Some("try again once it has ended"),
        VaultError::Unlock(UnlockError::Wrong) => Some("there is no way back into a home without its passphrase"),
        VaultError::Unlock(UnlockError::Missing) => Some("set LIGHTPROOF_PASSPHRASE or use --passphrase-file FILE"),
        VaultError::Unlock(UnlockError::Newer) => Some("install a newer version of lightproof"),
        _ => None,
    }
}

//! Whose key a key is, as far as a home knows.

use lightproof_core::ClientError;
use lightproof_core::e2ee::identity::Fingerprint;

use super::present::Names;
use crate::opened::Opened;

/// Whoever a home knows; nobody, without one.
#[derive(Default)]
pub(super) struct People {
    names: Option<(Names, Fingerprint)>,
}

/// Whose key it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    /// Ours.
    Me,
    /// A contact's, and safety numbers were compared.
    Verified(String),
    /// A contact's, as far as the card says.
    Unverified(String),
    /// Nobody we know.
    Unknown,
}

impl People {
    /// As they are now.
    ///
    /// # Errors
    /// The vault's.
    pub(super) async fn of(opened: &Opened) -> Result<Self, ClientError> {
        Ok(Self { names: Some((Names::of(opened).await?, opened.client.fingerprint())) })
    }

    /// The same, of a home that is not needed for anything else.
    ///
    /// # Errors
    /// The vault's.
    pub(super) async fn of_and_leave(opened: Opened) -> Result<Self, ClientError> {
        let people = Self::of(&opened).await?;
        opened.leave();
        Ok(people)
    }

    /// Whose this is.
    pub(super) fn owner(&self, key: &Fingerprint) -> Owner {
        let Some((names, me)) = &self.names else { return Owner::Unknown };
        match names.known(key) {
            _ if key == me => Owner::Me,
            Some(name) if names.is_verified(key) => Owner::Verified(name.to_owned()),
            Some(name) => Owner::Unverified(name.to_owned()),
            None => Owner::Unknown,
        }
    }
}

impl Owner {
    /// Our name for them.
    pub(super) fn name(&self) -> Option<&str> {
        match self {
            Self::Verified(name) | Self::Unverified(name) => Some(name),
            Self::Me => Some("me"),
            Self::Unknown => None,
        }
    }

    /// Whether we compared safety numbers; of a stranger there is nothing to say.
    pub(super) const fn trust(&self) -> Option<&'static str> {
        match self {
            Self::Verified(_) => Some("verified"),
            Self::Unverified(_) => Some("unverified"),
            Self::Me | Self::Unknown => None,
        }
    }
}

//! What can keep a relay from starting or running. The operator reads it; peers only ever see a `Refusal`.

use std::{io, net::SocketAddr, path::PathBuf};

use lightproof_wire::relay_link::RelayLinkMalformed;

use crate::store::StoreUnavailable;

/// Why a relay does not start or run on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RelayError {
    /// A certificate or its key cannot be used.
    #[error("the certificate cannot be used: {0}")]
    Certificate(String),
    /// A setting has a value that cannot be.
    #[error("the setting `{key}` cannot be used: {reason}")]
    ConfigMisuse {
        /// Which.
        key: &'static str,
        /// Why.
        reason: String,
    },
    /// The data folder cannot be used.
    #[error("the data folder {} cannot be used: {error}", folder.display())]
    Folder {
        /// Which.
        folder: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// A socket that was handed over cannot be used.
    #[error("a socket that was handed over cannot be used: {0}")]
    Inherited(io::Error),
    /// A restore into the data folder was cut off.
    #[error("a restore into the data folder {} was not finished", folder.display())]
    HalfRestored {
        /// Which.
        folder: PathBuf,
    },
    /// The relay link cannot be made.
    #[error("no relay link can be made: {0}")]
    Link(#[from] RelayLinkMalformed),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {error}")]
    Listen {
        /// Which.
        address: SocketAddr,
        /// Why.
        error: io::Error,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreUnavailable),
}

impl RelayError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Certificate(_) => "give a PEM chain with --cert and its PEM key with --key, or use --self-signed",
            Self::ConfigMisuse { .. } => "see `lightproof-relay config` for every setting with its default and unit",
            Self::Folder { .. } => "choose a folder this user owns with --data, and see `lightproof-relay check`",
            Self::Inherited(_) => "a socket unit of this service must have ListenStream= with an address and a port",
            Self::HalfRestored { .. } => "run `lightproof-relay restore` again with the same backup",
            Self::Link(_) => "give the address people reach with --public-url wss://host:port/",
            Self::Listen { .. } => "another program may use the port; choose another with --listen",
            Self::Store(_) => {
                "is another relay running on this data folder, or the disk full? see `lightproof-relay check`"
            }
        }
    }
}

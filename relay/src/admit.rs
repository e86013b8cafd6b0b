//! Shape and policy: what a command must pass before it is served.

use std::net::IpAddr;

use lightproof_wire::{
    capability::{Capability, right},
    command::Command,
    limits::BLOB_READERS,
    prekey::PrekeyKind,
    refusal::Refusal,
    reply::Policy,
};

use crate::access::AccessHash;

/// A command that passed. Only [`Admission::admit`] makes one.
#[must_use]
#[derive(Debug)]
pub struct Admitted(Command);

impl Admitted {
    /// The command, to be served.
    pub fn into_inner(self) -> Command {
        self.0
    }
}

/// What a relay asks of everybody.
#[derive(Clone, Copy, Debug)]
pub struct Admission {
    /// Who may create mailboxes and blobs here.
    pub policy: Policy,
}

impl Admission {
    /// Who is charged for what is created: whoever holds the capability shown, where the relay asks for one. Whether it
    /// is one of this relay's is for the rules to find, in the transaction that creates.
    ///
    /// # Errors
    /// [`Refusal::Refused`] if one is asked for and none was shown.
    pub fn charged(&self, shown: Option<&Capability<right::Access>>) -> Result<Option<AccessHash>, Refusal> {
        match self.policy {
            Policy::Open => Ok(None),
            Policy::Access => shown.map(|access| Some(access.hash())).ok_or(Refusal::Refused),
        }
    }

    /// Checks shape and policy.
    ///
    /// # Errors
    /// [`Refusal::Malformed`], [`Refusal::Refused`].
    pub fn admit(&self, command: Command) -> Result<Admitted, Refusal> {
        match &command {
            Command::CreateMailbox { access, .. } => {
                self.charged(access.as_ref())?;
            }
            Command::OpenBlob { readers, access, .. } => {
                let mut unique: Vec<_> = readers.iter().copied().collect();
                unique.sort_unstable();
                unique.dedup();
                if unique.is_empty() || unique.len() != readers.as_slice().len() || unique.len() > BLOB_READERS {
                    return Err(Refusal::Malformed);
                }
                self.charged(access.as_ref())?;
            }
            Command::PublishPrekeys { signed, one_time, .. } => {
                let mut ids: Vec<_> = one_time.iter().map(|prekey| prekey.id).collect();
                ids.sort_unstable();
                ids.dedup();
                let kinds =
                    signed.kind == PrekeyKind::Signed && one_time.iter().all(|it| it.kind == PrekeyKind::OneTime);
                if !kinds || ids.len() != one_time.as_slice().len() {
                    return Err(Refusal::Malformed);
                }
            }
            _ => {}
        }
        Ok(Admitted(command))
    }
}

impl Default for Admission {
    /// Anybody may.
    fn default() -> Self {
        Self { policy: Policy::Open }
    }
}

/// The network that one customer usually gets: an IPv4 address, a /64 of IPv6.
pub(crate) fn network(address: IpAddr) -> IpAddr {
    first_bits(address, 64)
}

/// What one customer can have at most: an IPv4 address, a /48 of IPv6.
pub(crate) fn site(address: IpAddr) -> IpAddr {
    first_bits(address, 48)
}

fn first_bits(address: IpAddr, bits: u32) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6((v6.to_bits() & !(u128::MAX >> bits)).into()),
        v4 => v4,
    }
}

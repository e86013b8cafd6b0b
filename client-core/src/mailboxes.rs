//! Our mailboxes: the doorbell that strangers may reach, and one private mailbox per contact.

use lightproof_e2ee::{frame::Reply, identity::Fingerprint};
use lightproof_wire::{
    capability::{Capability, right},
    codec::{Text, TlsDeserialize, TlsSerialize, TlsSize},
    command::MailboxKind,
    limits::RELAY_LINK_BYTES,
    relay_link::RelayLink,
    time::Day,
};
use rand_core::CryptoRng;

use crate::{
    relays::same_host,
    vault::{
        record::{Flag, Record},
        store::Table,
    },
};

/// One of our mailboxes.
#[derive(Clone, Debug, TlsSerialize, TlsDeserialize, TlsSize)]
pub struct Mailbox {
    /// Our right to it.
    pub owner: Capability<right::Owner>,
    /// What we hand out.
    pub drop: Capability<right::Drop>,
    /// Where it is.
    pub relay: Text<RELAY_LINK_BYTES>,
    /// Doorbell or private.
    pub kind: MailboxKind,
    /// Whose it is, if private.
    pub contact: Option<Fingerprint>,
    /// Whether the relay has it.
    pub created: Flag,
    /// The highest place saved as ready to ack.
    pub ready: u64,
    /// The highest place whose ack the relay confirmed.
    pub done: u64,
    /// When it is to be retired.
    pub retire_on: Option<Day>,
    /// Since when it is at a relay that was left: watched to the end, and named to nobody any more.
    pub left: Option<Day>,
}

impl Record for Mailbox {
    const TABLE: Table = Table::Mailboxes;

    fn id(&self) -> Vec<u8> {
        self.owner.hash().as_bytes().to_vec()
    }
}

impl Mailbox {
    /// A new one, not yet on its relay.
    pub fn generate(relay: Text<RELAY_LINK_BYTES>, contact: Option<Fingerprint>, rng: &mut impl CryptoRng) -> Self {
        Self {
            owner: Capability::generate(rng),
            drop: Capability::generate(rng),
            relay,
            kind: if contact.is_some() { MailboxKind::Private } else { MailboxKind::Doorbell },
            contact,
            created: Flag::No,
            ready: 0,
            done: 0,
            retire_on: None,
            left: None,
        }
    }

    /// Its name among ours.
    #[must_use]
    pub fn owner_hash(&self) -> [u8; 32] {
        *self.owner.hash().as_bytes()
    }

    /// Whether it is on its relay and stays there, or may still hold something.
    #[must_use]
    pub fn is_watched(&self, today: Day) -> bool {
        self.created.is_yes() && (self.left.is_some() || self.retire_on.is_none_or(|day| day > today))
    }

    /// Whether others are told of it, and it is not to be retired.
    #[must_use]
    pub const fn is_in_use(&self) -> bool {
        self.left.is_none() && self.retire_on.is_none()
    }

    /// Whether it is at this relay.
    #[must_use]
    pub fn is_at(&self, relay: &RelayLink) -> bool {
        RelayLink::from_text(&self.relay).is_ok_and(|at| same_host(&at, relay))
    }

    /// It goes, without another look.
    pub(crate) fn retire(&mut self, today: Day) {
        self.left = None;
        self.retire_on = Some(today);
    }

    /// What we tell somebody who is to write here.
    #[must_use]
    pub fn reply(&self) -> Reply {
        Reply { drop: self.drop.clone(), relay: self.relay.clone() }
    }
}

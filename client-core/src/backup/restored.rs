//! That a home was made from a backup, and when: from then on it is another incarnation of the one it was made from.

use lightproof_e2ee::identity::Fingerprint;
use lightproof_wire::{
    codec::{TlsDeserialize, TlsSerialize, TlsSize},
    limits::PREKEY_DAYS,
    time::{DAY_MS, Timestamp},
};
use rand_core::CryptoRng;

use crate::{
    client::Client,
    contact::Contact,
    error::ClientError,
    mailboxes::Mailbox,
    profile::Profile,
    spool::Spool,
    transport::Transport,
    vault::{
        record::{Flag, Record},
        store::{Store, Table},
    },
};

/// How many sessions may have begun with one contact since the backup was made, so that the first of a restored home is
/// above them all and sends at once. Far below a jump that is refused; where it was not enough, the contact answers by a
/// Hello of their own.
const GENERATIONS_SINCE: u32 = 64;

/// Days in which envelopes may still come that were sealed for what the restored home has lost: with a prekey that lay at
/// the doorbell before, or in a session of before.
const LOST_DAYS: u64 = 2 * PREKEY_DAYS as u64;

/// That a home was made from a backup.
#[derive(Clone, Copy, Debug, PartialEq, Eq, TlsSerialize, TlsDeserialize, TlsSize)]
pub(crate) struct Restored {
    /// When it was made from it.
    pub(crate) on: Timestamp,
    /// When the backup was made.
    pub(crate) backup_made: Timestamp,
}

impl Record for Restored {
    const TABLE: Table = Table::Profile;

    fn id(&self) -> Vec<u8> {
        Self::ID.to_vec()
    }
}

impl Restored {
    /// The id of the one record.
    pub(crate) const ID: &'static [u8] = b"restored";
}

/// The backup that a home was made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RestoredFrom {
    /// When the home was made from it.
    pub on: Timestamp,
    /// When the backup was made.
    pub backup_made: Timestamp,
}

impl Profile {
    /// As a home has it that was made from a backup.
    pub(super) fn restored(mut self, rng: &mut impl CryptoRng) -> Self {
        self.begin_anew(rng);
        self.was_old_copy = Flag::No;
        self
    }
}

impl Contact {
    /// As a backup has it: a session is of one home and no other.
    pub(super) fn without_sessions(mut self) -> Self {
        self.forget_sessions();
        self
    }

    /// As a home has it that was made from a backup: whoever we had a session with is called, and what they may not have
    /// is sealed again.
    pub(super) fn restored(mut self, now: Timestamp) -> Self {
        self.forget_sessions();
        if self.is_accepted() && self.generation > 0 {
            self.want_hello_today(now.day());
            self.reseal_due = Flag::Yes;
        }
        if self.generation > 0 {
            self.generation = self.generation.saturating_add(GENERATIONS_SINCE);
        }
        // They may have been told another since.
        self.mailbox_used = Flag::No;
        self
    }
}

impl<S: Store, P: Spool, T: Transport> Client<S, P, T> {
    /// The backup this home was made from, if it was.
    ///
    /// # Errors
    /// The vault's.
    pub async fn restored_from(&self) -> Result<Option<RestoredFrom>, ClientError> {
        let restored: Option<Restored> = self.vault.get(Restored::ID).await?;
        Ok(restored.map(|Restored { on, backup_made }| RestoredFrom { on, backup_made }))
    }

    /// Whether this home was made from a backup so lately that a Hello for a prekey of before may still come.
    pub(crate) async fn lost_prekeys(&self, now: Timestamp) -> Result<bool, ClientError> {
        let restored: Option<Restored> = self.vault.get(Restored::ID).await?;
        Ok(restored.is_some_and(|restored| now.since_ms(restored.on) < LOST_DAYS.saturating_mul(DAY_MS)))
    }

    /// Whether an envelope in this mailbox may belong to a session that went with the home a backup was made of: until its
    /// sender has answered in a session of this one.
    pub(crate) async fn lost_session(&self, mailbox: &[u8; 32], now: Timestamp) -> Result<bool, ClientError> {
        if !self.lost_prekeys(now).await? {
            return Ok(false);
        }
        let mailbox: Option<Mailbox> = self.vault.get(mailbox).await?;
        let owner: Option<Fingerprint> = mailbox.and_then(|mailbox| mailbox.contact);
        let mut contacts: Vec<Contact> = self.vault.scan().await?;
        contacts.retain(|contact| owner.is_none_or(|owner| contact.fingerprint == owner));
        Ok(contacts.iter().any(|contact| contact.is_accepted() && contact.generation > 0 && !contact.has_answered()))
    }
}

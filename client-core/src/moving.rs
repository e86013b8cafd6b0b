//! Moving: our mailboxes go to another relay, contacts are told, and the old ones are watched until nothing more can come.
//!
//! ```text
//! 1 SAVE doorbell-to-be ── CreateMailbox there ──▶ 2 SAVE the switch: doorbell, a mailbox per contact, who is to be told
//!     refused, not reached: 1 is undone              CreateMailbox, PublishPrekeys ─▶ 3 SAVE a frame per contact ─ deposit
//! an envelope arrives at a contact's new mailbox ──▶ their old one goes 30 days later, when empty; the old doorbell last
//! ```

use lightproof_e2ee::identity::Fingerprint;
use lightproof_wire::{
    capability::{Capability, right},
    command::MailboxKind,
    relay_link::RelayLink,
    time::{Day, Timestamp},
};
use rand_core::CryptoRng;

use crate::{
    client::{Client, Purpose, until_undisturbed},
    contact::Contact,
    error::{ClientError, both},
    mailboxes::Mailbox,
    profile::Profile,
    relays::{Relay, same_host},
    spool::Spool,
    transport::Transport,
    vault::{Turn, record::Flag, store::Store},
};

/// Days for which an old mailbox is kept after its contact has used the new one; and the old doorbell at least.
pub(crate) const KEPT_DAYS: u32 = 30;

/// A relay that was left, and is still watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Left {
    /// Which.
    pub relay: RelayLink,
    /// Since when our mailboxes are elsewhere.
    pub since: Day,
    /// Who has not written to the new address yet.
    pub awaited: Vec<Fingerprint>,
}

impl<S: Store, P: Spool, T: Transport> Client<S, P, T> {
    /// Moves all mailboxes to another relay. Given again after an interruption, it goes on.
    ///
    /// # Errors
    /// [`ClientError::NotNow`] where we are there already; [`ClientError::Transport`] or [`ClientError::Refused`] of the
    /// new relay before anything is moved. Once it is moved, whatever fails goes on by itself.
    pub async fn move_to(
        &self,
        relay: &RelayLink,
        access: Option<Capability<right::Access>>,
        now: Timestamp,
        rng: &mut impl CryptoRng,
    ) -> Result<(), ClientError> {
        let mailboxes: Vec<Mailbox> = self.vault.scan().await?;
        if !same_host(&self.own_relay().await?, relay) {
            let before: Option<Relay> = self.vault.get(relay.to_text().as_str().as_bytes()).await?;
            let doorbell = self.prepare_move(relay, access, &mailboxes, rng).await?;
            if let Err(error) = self.create_there(relay, now, rng).await {
                self.undo_move(relay, before, &doorbell, rng).await?;
                return Err(error);
            }
            self.switch(relay, &doorbell, now, rng).await?;
        } else if mailboxes.iter().all(|mailbox| mailbox.left.is_none()) {
            return Err(ClientError::NotNow("this is your relay already"));
        }
        self.register(now, rng).await?;
        self.tell_addresses(now, rng).await?;
        self.deposit_all(now, rng).await
    }

    /// The doorbell that is to be, saved before the relay hears of it; or the one of an earlier try.
    async fn prepare_move(
        &self,
        relay: &RelayLink,
        access: Option<Capability<right::Access>>,
        mailboxes: &[Mailbox],
        rng: &mut impl CryptoRng,
    ) -> Result<[u8; 32], ClientError> {
        let in_use = self.profile().await?.doorbell;
        let is_begun = |mailbox: &&Mailbox| {
            mailbox.kind == MailboxKind::Doorbell
                && mailbox.is_at(relay)
                && mailbox.is_in_use()
                && mailbox.owner_hash() != in_use
        };
        let begun = mailboxes.iter().find(is_begun);
        let doorbell = begun.cloned().unwrap_or_else(|| Mailbox::generate(relay.to_text(), None, rng));
        until_undisturbed(async || {
            let mut turn = self.vault.turn();
            let known: Option<Relay> = turn.get(relay.to_text().as_str().as_bytes()).await?;
            let known = known.unwrap_or_else(|| Relay::new(relay, false, true, None));
            turn.put(&Relay { typed: Flag::Yes, access: access.clone().or(known.access.clone()), ..known }, rng);
            turn.put(&doorbell, rng);
            Ok(turn.commit().await?)
        })
        .await?;
        Ok(doorbell.owner_hash())
    }

    async fn create_there(
        &self,
        relay: &RelayLink,
        now: Timestamp,
        rng: &mut impl CryptoRng,
    ) -> Result<(), ClientError> {
        let there = self.connection(relay, Purpose::Mailboxes, now, rng).await?;
        self.create_mailboxes(&there, rng).await
    }

    async fn undo_move(
        &self,
        relay: &RelayLink,
        before: Option<Relay>,
        doorbell: &[u8; 32],
        rng: &mut impl CryptoRng,
    ) -> Result<(), ClientError> {
        until_undisturbed(async || {
            let mut turn = self.vault.turn();
            let profile: Profile = turn.get(Profile::ID).await?.ok_or(ClientError::Damaged)?;
            // The same command, given twice: the other one went on with this doorbell.
            if profile.doorbell == *doorbell {
                return Ok(());
            }
            turn.delete_id::<Mailbox>(doorbell);
            match &before {
                Some(before) => turn.put(before, rng),
                None => turn.delete_id::<Relay>(relay.to_text().as_str().as_bytes()),
            }
            Ok(turn.commit().await?)
        })
        .await
    }

    /// One turn: from here on everything of ours is at the new relay, and what is at the old one is only watched.
    async fn switch(
        &self,
        relay: &RelayLink,
        doorbell: &[u8; 32],
        now: Timestamp,
        rng: &mut impl CryptoRng,
    ) -> Result<(), ClientError> {
        until_undisturbed(async || {
            let mut turn = self.vault.turn();
            let mut profile: Profile = turn.get(Profile::ID).await?.ok_or(ClientError::Damaged)?;
            for mut mailbox in turn.scan::<Mailbox>().await? {
                let is_new = mailbox.owner_hash() == *doorbell;
                if is_new {
                    profile.change_doorbell(&mailbox);
                } else if !mailbox.created.is_yes() {
                    turn.delete(&mailbox);
                } else if mailbox.is_in_use() {
                    mailbox.left = Some(now.day());
                    turn.put(&mailbox, rng);
                }
            }
            profile.relay = relay.to_text();
            for mut contact in turn.scan::<Contact>().await? {
                if contact.is_accepted() && contact.mailbox.is_some() {
                    let mailbox = Mailbox::generate(relay.to_text(), Some(contact.fingerprint), rng);
                    contact.mailbox = Some(mailbox.owner_hash());
                    contact.mailbox_used = Flag::No;
                    contact.addresses_due = Flag::Yes;
                    turn.put(&mailbox, rng);
                    turn.put(&contact, rng);
                }
            }
            let known: Option<Relay> = turn.get(relay.to_text().as_str().as_bytes()).await?;
            turn.put(&Relay { own: Flag::Yes, ..known.ok_or(ClientError::Damaged)? }, rng);
            turn.put(&profile, rng);
            Ok(turn.commit().await?)
        })
        .await
    }

    /// Tells contacts where we are now, each in a frame of its own where none has told them by the way.
    pub(crate) async fn tell_addresses(&self, now: Timestamp, rng: &mut impl CryptoRng) -> Result<(), ClientError> {
        let mut first = Ok(());
        let is_due =
            |contact: &Contact| contact.is_accepted() && contact.addresses_due.is_yes() && contact.sending().is_some();
        for contact in self.vault.scan::<Contact>().await?.into_iter().filter(is_due) {
            first = both(first, self.tell_address(&contact.fingerprint, now, rng).await);
        }
        first
    }

    async fn tell_address(
        &self,
        to: &Fingerprint,
        now: Timestamp,
        rng: &mut impl CryptoRng,
    ) -> Result<(), ClientError> {
        // A mailbox is on its relay before anybody is told of it.
        self.mailbox_for(to, now, rng).await?;
        until_undisturbed(async || {
            let mut turn = self.vault.turn();
            let contact: Option<Contact> = turn.get(to.as_bytes()).await?;
            if contact.is_some_and(|contact| contact.is_accepted() && contact.addresses_due.is_yes()) {
                self.enclose_addresses(turn, to, now, rng).await
            } else {
                Ok(())
            }
        })
        .await
    }

    /// After a completed fetch: the old doorbell goes with the last mailbox there, and a relay without mailboxes is no
    /// longer ours.
    pub(crate) async fn settle_moves(&self, now: Timestamp, rng: &mut impl CryptoRng) -> Result<(), ClientError> {
        let mailboxes: Vec<Mailbox> = self.vault.scan().await?;
        let is_last = |doorbell: &Mailbox| {
            let is_beside = |other: &&Mailbox| other.contact.is_some() && other.relay == doorbell.relay;
            !mailboxes.iter().filter(|other| other.left.is_some()).any(|other| is_beside(&other))
        };
        for doorbell in mailboxes.iter().filter(|mailbox| mailbox.contact.is_none() && mailbox.retire_on.is_none()) {
            if doorbell.left.is_some_and(|since| since.plus(KEPT_DAYS) <= now.day()) && is_last(doorbell) {
                let today = now.day();
                self.edit_mailbox(&doorbell.owner_hash(), rng, |doorbell| doorbell.retire_on = Some(today)).await?;
            }
        }
        let own = self.own_relay().await?;
        let is_empty = |relay: &RelayLink| !mailboxes.iter().any(|mailbox| mailbox.is_at(relay));
        for relay in self.vault.scan::<Relay>().await?.into_iter().filter(|relay| relay.own.is_yes()) {
            let link = RelayLink::from_text(&relay.link).map_err(|_| ClientError::Damaged)?;
            if !same_host(&link, &own) && is_empty(&link) {
                let mut turn = self.vault.turn();
                let same: Option<Relay> = turn.get(relay.link.as_str().as_bytes()).await?;
                if let Some(same) = same {
                    turn.put(&Relay { own: Flag::No, ..same }, rng);
                    turn.commit().await?;
                }
            }
        }
        Ok(())
    }

    /// Relays that were left and are still watched.
    ///
    /// # Errors
    /// The vault's.
    pub async fn left_relays(&self) -> Result<Vec<Left>, ClientError> {
        let mut all: Vec<Left> = Vec::new();
        for mailbox in self.vault.scan::<Mailbox>().await? {
            let Some(since) = mailbox.left else { continue };
            let relay = RelayLink::from_text(&mailbox.relay).map_err(|_| ClientError::Damaged)?;
            let awaited = mailbox.contact.filter(|_| mailbox.retire_on.is_none());
            match all.iter_mut().find(|left| left.relay == relay) {
                Some(left) => {
                    left.since = left.since.min(since);
                    // Left more than once, it has more than one mailbox for them.
                    left.awaited.extend(awaited.filter(|awaited| !left.awaited.contains(awaited)));
                }
                None => all.push(Left { relay, since, awaited: awaited.into_iter().collect() }),
            }
        }
        Ok(all)
    }
}

/// A contact has used the new mailbox: theirs at relays that were left go in a while.
pub(crate) async fn note_arrival<S: Store>(
    turn: &mut Turn<'_, S>,
    contact: &Fingerprint,
    now: Timestamp,
    rng: &mut impl CryptoRng,
) -> Result<(), ClientError> {
    for mut mailbox in turn.scan::<Mailbox>().await? {
        if mailbox.contact == Some(*contact) && mailbox.left.is_some() && mailbox.retire_on.is_none() {
            mailbox.retire_on = Some(now.day().plus(KEPT_DAYS));
            turn.put(&mailbox, rng);
        }
    }
    Ok(())
}

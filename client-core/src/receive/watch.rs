//! Watch our mailboxes: take what is pushed, and ack what is saved.

use core::cell::RefCell;
use std::collections::BTreeMap;

use lightproof_wire::{
    command::Command,
    id::{CommandId, MailboxHandle, Sequence},
    limits::WATCHED_MAILBOXES,
    refusal::Refusal,
    relay_link::RelayLink,
    reply::{Delivery, Push, Reply},
    time::Timestamp,
};
use rand_core::CryptoRng;

use super::open::Seen;
use crate::{
    client::{Client, Purpose, until_undisturbed},
    connection::{Connection, expect_reply},
    contact::Contact,
    error::ClientError,
    event::Notice,
    mailboxes::Mailbox,
    profile::Profile,
    relays::same_host,
    send::OutboxItem,
    spool::Spool,
    transport::Transport,
    untold::save_untold,
    vault::{record::Flag, store::Store},
};

/// A relay that pushes nothing for so long, and has not said that we are caught up, is taken for lost.
const PUSH_WITHIN_MS: u32 = 60_000;
/// Mailboxes whose windows may be full of pushes at a time: 8 MB.
const WATCHED_AT_ONCE: usize = 16;

/// The mailboxes watched on the open connection.
#[derive(Default)]
pub(crate) struct Watched(RefCell<BTreeMap<MailboxHandle, Watch>>);

struct Watch {
    relay: RelayLink,
    mailbox: [u8; 32],
    caught_up: bool,
    acks: Vec<(CommandId, Sequence)>,
}

impl Watched {
    /// Forgets everything: the connection is gone.
    pub(crate) fn clear(&self) {
        self.0.borrow_mut().clear();
    }

    /// Forgets what was watched at one relay: that connection is gone.
    pub(crate) fn clear_at(&self, relay: &RelayLink) {
        self.0.borrow_mut().retain(|_, watch| !same_host(&watch.relay, relay));
    }

    fn all_caught_up(&self, relay: &RelayLink) -> bool {
        self.0.borrow().values().filter(|watch| watch.relay == *relay).all(|watch| watch.caught_up)
    }

    fn count(&self, relay: &RelayLink) -> usize {
        self.0.borrow().values().filter(|watch| watch.relay == *relay).count()
    }

    /// The mailbox of a handle, for the relay that it was given to.
    fn mailbox(&self, handle: MailboxHandle, relay: &RelayLink) -> Option<[u8; 32]> {
        self.0.borrow().get(&handle).filter(|watch| watch.relay == *relay).map(|watch| watch.mailbox)
    }

    fn holds(&self, mailbox: &[u8; 32]) -> bool {
        self.0.borrow().values().any(|watch| watch.mailbox == *mailbox)
    }
}

impl<S: Store, P: Spool, T: Transport> Client<S, P, T> {
    /// Takes envelopes until every mailbox is caught up. Whether the fetch was complete: everything saved and acked.
    ///
    /// # Errors
    /// [`ClientError::Transport`], [`ClientError::RelayMisbehaved`], or the vault's.
    pub async fn take_all(&self, now: Timestamp, rng: &mut impl CryptoRng) -> Result<bool, ClientError> {
        let home = self.home(now, rng).await?;
        self.take_all_at(&home, now, rng).await
    }

    /// The same at the relays that were left: one that is away keeps nothing from the others.
    pub(crate) async fn take_left(&self, now: Timestamp, rng: &mut impl CryptoRng) -> Result<bool, ClientError> {
        let own = self.own_relay().await?;
        let mut first = Ok(true);
        for left in self.left_relays().await?.into_iter().filter(|left| !same_host(&left.relay, &own)) {
            let taken = match self.connection(&left.relay, Purpose::Mailboxes, now, rng).await {
                Ok(connection) => self.take_all_at(&connection, now, rng).await,
                Err(error) => Err(error),
            };
            first = first.and_then(|complete| taken.map(|taken| taken && complete));
        }
        first
    }

    async fn take_all_at(
        &self,
        home: &Connection<T::Pipe>,
        now: Timestamp,
        rng: &mut impl CryptoRng,
    ) -> Result<bool, ClientError> {
        let mut complete = true;
        // What was pushed since the last look.
        while let Some(push) = home.push(Some(0)).await? {
            self.take_push(home, push, now, rng).await?;
        }
        let mut due: Vec<Mailbox> = self.vault.scan().await?;
        due.retain(|mailbox| mailbox.is_watched(now.day()) && mailbox.is_at(home.relay()));
        for few in due.chunks(WATCHED_AT_ONCE) {
            self.watch(home, few, now, rng).await?;
            let taken = self.take_until_caught_up(home, now, rng).await;
            complete &= self.settle_acks(home, rng).await?;
            taken?;
        }
        Ok(complete && due.iter().all(|mailbox| self.watched.holds(&mailbox.owner_hash())))
    }

    /// Waits for pushes and takes what comes, until nothing has come for `within_ms`. Whether anything came.
    ///
    /// # Errors
    /// As [`take_all`](Self::take_all).
    pub async fn take_pushed(
        &self,
        within_ms: u32,
        now: Timestamp,
        rng: &mut impl CryptoRng,
    ) -> Result<bool, ClientError> {
        let home = self.home(now, rng).await?;
        let Some(push) = home.push(Some(within_ms)).await? else { return Ok(false) };
        self.take_push(&home, push, now, rng).await?;
        // What belongs together comes together.
        while let Some(push) = home.push(Some(0)).await? {
            self.take_push(&home, push, now, rng).await?;
        }
        self.settle_acks(&home, rng).await?;
        Ok(true)
    }

    async fn take_until_caught_up(
        &self,
        home: &Connection<T::Pipe>,
        now: Timestamp,
        rng: &mut impl CryptoRng,
    ) -> Result<(), ClientError> {
        while !self.watched.all_caught_up(home.relay()) {
            let push = home.push(Some(PUSH_WITHIN_MS)).await?.ok_or_else(|| home.fell_silent())?;
            self.take_push(home, push, now, rng).await?;
        }
        Ok(())
    }

    /// Watches those of a few mailboxes that are not watched on this connection yet: few, so that no more is pushed at a time
    /// than their windows hold.
    async fn watch(
        &self,
        home: &Connection<T::Pipe>,
        mailboxes: &[Mailbox],
        now: Timestamp,
        rng: &mut impl CryptoRng,
    ) -> Result<(), ClientError> {
        let mut asked = Vec::new();
        for mailbox in mailboxes {
            if self.watched.holds(&mailbox.owner_hash()) || self.watched.count(home.relay()) >= WATCHED_MAILBOXES {
                continue;
            }
            let handle = MailboxHandle(self.next_handle());
            let id = home.start(Command::Watch { owner: mailbox.owner.clone(), handle }).await?;
            asked.push((id, mailbox.owner_hash(), handle));
            let relay = home.relay().clone();
            let watch = Watch { relay, mailbox: mailbox.owner_hash(), caught_up: false, acks: Vec::new() };
            self.watched.0.borrow_mut().insert(handle, watch);
        }
        for (id, mailbox, handle) in asked {
            match home.finish(id).await {
                Ok(reply) => {
                    let highest = expect_reply!(reply, Reply::Watching { highest_acked } => highest_acked)?;
                    self.check_highest(home, &mailbox, highest, now, rng).await?;
                }
                Err(ClientError::Refused(Refusal::Refused)) => {
                    self.lost_mailbox(home, &mailbox, handle, now, rng).await?;
                }
                Err(error) => {
                    // Nothing will be pushed for it: not a mailbox to wait for.
                    self.watched.0.borrow_mut().remove(&handle);
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    fn next_handle(&self) -> u32 {
        let watched = self.watched.0.borrow();
        watched.keys().next_back().map_or(1, |last| last.0.saturating_add(1))
    }

    /// A relay that does not know a mailbox it had has lost state: it is made again. Where that is refused it expired, and
    /// another takes its place.
    async fn lost_mailbox(
        &self,
        home: &Connection<T::Pipe>,
        mailbox: &[u8; 32],
        handle: MailboxHandle,
        now: Timestamp,
        rng: &mut impl CryptoRng,
    ) -> Result<(), ClientError> {
        self.watched.0.borrow_mut().remove(&handle);
        self.note_lost_state(home, rng).await?;
        self.edit_mailbox(mailbox, rng, |mailbox| mailbox.created = Flag::No).await?;
        // One that is refused again, here or next time, is no reason to stop receiving from the others.
        match self.create_mailboxes(home, rng).await {
            Err(ClientError::Refused(_)) | Ok(()) => {}
            Err(error) => return Err(error),
        }
        if self.vault.get::<Mailbox>(mailbox).await?.is_some_and(|mailbox| !mailbox.created.is_yes()) {
            self.replace_mailbox(mailbox, now, rng).await?;
            match self.create_mailboxes(home, rng).await {
                Err(ClientError::Refused(_)) | Ok(()) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Compares what the relay says was acked with what the vault knows: one of the two may be an old copy.
    async fn check_highest(
        &self,
        home: &Connection<T::Pipe>,
        mailbox: &[u8; 32],
        highest: Sequence,
        now: Timestamp,
        rng: &mut impl CryptoRng,
    ) -> Result<(), ClientError> {
        let Some(known) = self.vault.get::<Mailbox>(mailbox).await? else { return Ok(()) };
        if highest.0 < known.done {
            self.note_lost_state(home, rng).await?;
            self.edit_mailbox(mailbox, rng, |mailbox| mailbox.done = highest.0).await?;
        }
        if highest.0 > known.ready {
            self.begin_new_line(now, rng).await?;
            self.edit_mailbox(mailbox, rng, |mailbox| {
                mailbox.ready = mailbox.ready.max(highest.0);
                mailbox.done = mailbox.done.max(highest.0);
            })
            .await?;
        }
        Ok(())
    }

    /// A relay that is an old copy gives away one-time prekeys that were used: a whole new stock pushes them out.
    async fn note_lost_state(&self, home: &Connection<T::Pipe>, rng: &mut impl CryptoRng) -> Result<(), ClientError> {
        self.tell(Notice::RelayLostState(home.relay().clone()));
        until_undisturbed(async || {
            let mut turn = self.vault.turn();
            let mut profile: Profile = turn.get(Profile::ID).await?.ok_or(ClientError::Damaged)?;
            profile.replace_prekeys = Flag::Yes;
            turn.put(&profile, rng);
            Ok(turn.commit().await?)
        })
        .await
    }

    /// This vault is an old copy: a new line, nothing more on old sessions, new Hellos.
    async fn begin_new_line(&self, now: Timestamp, rng: &mut impl CryptoRng) -> Result<(), ClientError> {
        self.tell(Notice::OldCopy);
        until_undisturbed(async || {
            let mut turn = self.vault.turn();
            let mut profile: Profile = turn.get(Profile::ID).await?.ok_or(ClientError::Damaged)?;
            profile.begin_anew(rng);
            profile.was_old_copy = Flag::Yes;
            // What was sealed in the old sessions never leaves: the bodies are sealed again in new ones.
            for item in turn.scan::<OutboxItem>().await? {
                turn.delete(&item);
            }
            let messages = turn.scan().await?;
            for mut contact in turn.scan::<Contact>().await? {
                if contact.sending().is_some() && contact.is_accepted() {
                    // Not taken back where several mailboxes say the same: then no session is left by the second time.
                    contact.want_hello_today(now.day());
                    save_untold(&mut turn, contact.leave_line(&messages), rng).await?;
                }
                contact.supersede_all(profile.not_fallen_back(now));
                turn.put(&contact, rng);
            }
            turn.put(&profile, rng);
            Ok(turn.commit().await?)
        })
        .await
    }

    async fn take_push(
        &self,
        home: &Connection<T::Pipe>,
        push: Push,
        now: Timestamp,
        rng: &mut impl CryptoRng,
    ) -> Result<(), ClientError> {
        match push {
            Push::Delivery(delivery) => self.take_delivery(home, delivery, now, rng).await,
            Push::CaughtUp(handle) => {
                let mut watched = self.watched.0.borrow_mut();
                if let Some(watch) = watched.get_mut(&handle).filter(|watch| watch.relay == *home.relay()) {
                    watch.caught_up = true;
                }
                Ok(())
            }
            Push::Superseded(handle) => {
                if self.watched.mailbox(handle, home.relay()).is_some() {
                    self.watched.0.borrow_mut().remove(&handle);
                    self.tell(Notice::Superseded);
                }
                Ok(())
            }
            Push::Welcome(_) => Err(ClientError::RelayMisbehaved("it welcomed us twice")),
        }
    }

    async fn take_delivery(
        &self,
        home: &Connection<T::Pipe>,
        delivery: Delivery,
        now: Timestamp,
        rng: &mut impl CryptoRng,
    ) -> Result<(), ClientError> {
        let Delivery { handle, sequence, envelope, .. } = delivery;
        let mailbox = self
            .watched
            .mailbox(handle, home.relay())
            .ok_or(ClientError::RelayMisbehaved("it pushed what nobody watches"))?;
        let digest = envelope.digest();
        if self.vault.get::<Seen>(digest.as_bytes()).await?.is_none() {
            self.take_envelope(&mailbox, &envelope, now, rng).await?;
        }
        self.mark_ready(&mailbox, sequence, rng).await?;
        let id = home.start(Command::Ack { handle, sequence }).await?;
        if let Some(watch) = self.watched.0.borrow_mut().get_mut(&handle) {
            watch.acks.push((id, sequence));
            watch.caught_up = false;
        }
        Ok(())
    }

    /// Takes the relay's word for every ack that is under way, and remembers how far it went. Whether all were confirmed.
    async fn settle_acks(&self, home: &Connection<T::Pipe>, rng: &mut impl CryptoRng) -> Result<bool, ClientError> {
        let due: Vec<_> = {
            let mut watched = self.watched.0.borrow_mut();
            watched
                .iter_mut()
                .filter(|(_, watch)| watch.relay == *home.relay())
                .map(|(handle, watch)| (*handle, watch.mailbox, core::mem::take(&mut watch.acks)))
                .collect()
        };
        let mut all = true;
        for (handle, mailbox, acks) in due {
            let mut highest = 0;
            for (id, sequence) in acks {
                let answer = match home.finish(id).await {
                    // A busy relay still counts it as not acked, and pushes no more once its window is full.
                    Err(ClientError::Refused(refusal)) if refusal.retry_after_ms().is_some() => {
                        home.call(Command::Ack { handle, sequence }).await
                    }
                    answer => answer,
                };
                match answer {
                    Ok(Reply::Done) => highest = highest.max(sequence.0),
                    // The mailbox was retired or taken over meanwhile.
                    Err(ClientError::Refused(_)) => all = false,
                    Ok(_) => return Err(ClientError::RelayMisbehaved("it answered another question")),
                    Err(error) => return Err(error),
                }
            }
            if highest > 0 {
                self.edit_mailbox(&mailbox, rng, |mailbox| mailbox.done = mailbox.done.max(highest)).await?;
            }
        }
        Ok(all)
    }

    /// Before an ack leaves: this place is saved as ready, so that an old copy of the vault can be told from this one.
    async fn mark_ready(
        &self,
        mailbox: &[u8; 32],
        sequence: Sequence,
        rng: &mut impl CryptoRng,
    ) -> Result<(), ClientError> {
        if self.vault.get::<Mailbox>(mailbox).await?.is_some_and(|known| known.ready >= sequence.0) {
            return Ok(());
        }
        self.edit_mailbox(mailbox, rng, |mailbox| mailbox.ready = mailbox.ready.max(sequence.0)).await
    }
}

//! Keeping house at our own relay: mailboxes that are still to be made or retired, and prekeys.

use std::rc::Rc;

use lightproof_e2ee::identity::Fingerprint;
use lightproof_wire::{command::Command, refusal::Refusal, relay_link::RelayLink, reply::Reply, time::Timestamp};
use rand_core::CryptoRng;

use crate::{
    client::{Client, Purpose, until_undisturbed},
    connection::{Connection, expect_reply},
    contact::Contact,
    error::{ClientError, both},
    mailboxes::Mailbox,
    profile::Profile,
    send::must_be_accepted,
    spool::Spool,
    transport::Transport,
    vault::{record::Flag, store::Store},
};

impl<S: Store, P: Spool, T: Transport> Client<S, P, T> {
    /// The conversation about our own mailboxes.
    pub(crate) async fn home(
        &self,
        now: Timestamp,
        rng: &mut impl CryptoRng,
    ) -> Result<Rc<Connection<T::Pipe>>, ClientError> {
        let relay = self.profile().await?.relay()?;
        self.connection(&relay, Purpose::Mailboxes, now, rng).await
    }

    /// Makes our mailboxes exist at our relay and prekeys lie at the doorbell; the first network step of a new home.
    ///
    /// # Errors
    /// [`ClientError::Transport`], [`ClientError::Refused`], or the vault's.
    pub async fn register(&self, now: Timestamp, rng: &mut impl CryptoRng) -> Result<(), ClientError> {
        let home = self.home(now, rng).await?;
        self.create_mailboxes(&home, rng).await?;
        if self.profile().await?.signed_prekey_made.is_none() {
            self.tend_prekeys(&home, now, rng).await?;
        }
        Ok(())
    }

    /// Creates the mailboxes that are to be at this relay and are not yet there. One that is refused does not stop the others.
    pub(crate) async fn create_mailboxes(
        &self,
        home: &Connection<T::Pipe>,
        rng: &mut impl CryptoRng,
    ) -> Result<(), ClientError> {
        let mailboxes: Vec<Mailbox> = self.vault.scan().await?;
        let access = self.access(home.relay()).await?;
        let mut first = Ok(());
        // One that is to be retired before it was made is not made any more.
        let is_due = |mailbox: &&Mailbox| {
            !mailbox.created.is_yes() && mailbox.retire_on.is_none() && mailbox.is_at(home.relay())
        };
        for mailbox in mailboxes.iter().filter(is_due) {
            let command = Command::CreateMailbox {
                owner: mailbox.owner.hash(),
                drop: mailbox.drop.hash(),
                kind: mailbox.kind,
                access: access.clone(),
            };
            match home.call(command).await {
                Err(error @ ClientError::Refused(_)) => first = first.and(Err(error)),
                reply => {
                    expect_reply!(reply?, Reply::Created => ())?;
                    self.edit_mailbox(&mailbox.owner_hash(), rng, |mailbox| mailbox.created = Flag::Yes).await?;
                }
            }
        }
        first
    }

    /// Retires mailboxes whose day has come.
    pub(crate) async fn retire_mailboxes(&self, now: Timestamp, rng: &mut impl CryptoRng) -> Result<(), ClientError> {
        let mailboxes: Vec<Mailbox> = self.vault.scan().await?;
        let mut first = Ok(());
        for mailbox in mailboxes.iter().filter(|mailbox| mailbox.retire_on.is_some_and(|day| day <= now.day())) {
            first = both(first, self.retire_mailbox(mailbox, now, rng).await);
        }
        first
    }

    async fn retire_mailbox(
        &self,
        mailbox: &Mailbox,
        now: Timestamp,
        rng: &mut impl CryptoRng,
    ) -> Result<(), ClientError> {
        if mailbox.created.is_yes() {
            let relay = RelayLink::from_text(&mailbox.relay).map_err(|_| ClientError::Damaged)?;
            let connection = self.connection(&relay, Purpose::Mailboxes, now, rng).await?;
            match connection.call(Command::Retire { owner: mailbox.owner.clone() }).await {
                // Gone already: expired there, or retired before a crash here.
                Ok(Reply::Done) | Err(ClientError::Refused(Refusal::Refused)) => {}
                other => expect_reply!(other?, Reply::Done => ())?,
            }
        }
        let mut turn = self.vault.turn();
        turn.delete(mailbox);
        Ok(turn.commit().await?)
    }

    /// Our private mailbox for a contact, on the relay before anybody is told of it.
    pub(crate) async fn mailbox_for(
        &self,
        contact: &Fingerprint,
        now: Timestamp,
        rng: &mut impl CryptoRng,
    ) -> Result<Mailbox, ClientError> {
        let id = until_undisturbed(async || {
            let mut turn = self.vault.turn();
            let mut record: Contact = turn.get(contact.as_bytes()).await?.ok_or_else(|| unknown(contact))?;
            must_be_accepted(&record)?;
            if let Some(id) = record.mailbox
                && turn.get::<Mailbox>(&id).await?.is_some()
            {
                return Ok(id);
            }
            let profile: Profile = turn.get(Profile::ID).await?.ok_or(ClientError::Damaged)?;
            let mailbox = Mailbox::generate(profile.relay, Some(*contact), rng);
            record.mailbox = Some(mailbox.owner_hash());
            record.mailbox_used = Flag::No;
            turn.put(&mailbox, rng);
            turn.put(&record, rng);
            turn.commit().await?;
            Ok(mailbox.owner_hash())
        })
        .await?;
        let mailbox: Mailbox = self.vault.get(&id).await?.ok_or(ClientError::Damaged)?;
        if !mailbox.created.is_yes() {
            let home = self.home(now, rng).await?;
            self.create_mailboxes(&home, rng).await?;
        }
        Ok(mailbox)
    }

    /// Replaces the doorbell: a new mailbox and a new card; contacts are told, the old card then reaches nothing.
    ///
    /// # Errors
    /// [`ClientError::NotNow`] where not everything that waits was taken; [`ClientError::Transport`] and others: what was
    /// begun goes on at the next step.
    pub async fn replace_doorbell(&self, now: Timestamp, rng: &mut impl CryptoRng) -> Result<(), ClientError> {
        // What lies at the old doorbells, those at relays that were left too, is taken first: it goes with them.
        self.register(now, rng).await?;
        self.check_clock().await?;
        if !(self.take_all(now, rng).await? && self.take_left(now, rng).await?) {
            return Err(ClientError::NotNow("something still waits at a relay: receive first"));
        }
        self.begin_doorbell(now, rng).await?;
        self.register(now, rng).await?;
        self.retire_mailboxes(now, rng).await
    }

    /// Another mailbox for one that expired at its relay: contacts are told with our next message to each.
    pub(crate) async fn replace_mailbox(
        &self,
        id: &[u8; 32],
        now: Timestamp,
        rng: &mut impl CryptoRng,
    ) -> Result<(), ClientError> {
        let Some(lost) = self.vault.get::<Mailbox>(id).await? else { return Ok(()) };
        if lost.left.is_some() {
            // Gone from a relay that was left: the one that took its place is there.
            let mut turn = self.vault.turn();
            turn.delete(&lost);
            return Ok(turn.commit().await?);
        }
        let Some(contact) = lost.contact else { return self.begin_doorbell(now, rng).await };
        until_undisturbed(async || {
            let mut turn = self.vault.turn();
            if let Some(mut record) = turn.get::<Contact>(contact.as_bytes()).await?
                && record.mailbox == Some(*id)
            {
                record.mailbox = None;
                record.mailbox_used = Flag::No;
                turn.put(&record, rng);
            }
            turn.delete(&lost);
            Ok(turn.commit().await?)
        })
        .await
    }

    /// From here on our card names another doorbell; the old one is retired as soon as its relay is reached.
    async fn begin_doorbell(&self, now: Timestamp, rng: &mut impl CryptoRng) -> Result<(), ClientError> {
        until_undisturbed(async || {
            let mut turn = self.vault.turn();
            let mut profile: Profile = turn.get(Profile::ID).await?.ok_or(ClientError::Damaged)?;
            let doorbell = Mailbox::generate(profile.relay.clone(), None, rng);
            // That of a relay that was left, too: the old card reaches nothing any more.
            for mut old in turn.scan::<Mailbox>().await?.into_iter().filter(|mailbox| mailbox.contact.is_none()) {
                old.retire(now.day());
                turn.put(&old, rng);
            }
            profile.change_doorbell(&doorbell);
            turn.put(&doorbell, rng);
            turn.put(&profile, rng);
            Ok(turn.commit().await?)
        })
        .await
    }

    pub(crate) async fn edit_mailbox(
        &self,
        id: &[u8; 32],
        rng: &mut impl CryptoRng,
        edit: impl Fn(&mut Mailbox),
    ) -> Result<(), ClientError> {
        until_undisturbed(async || {
            let mut turn = self.vault.turn();
            let Some(mut mailbox) = turn.get::<Mailbox>(id).await? else { return Ok(()) };
            edit(&mut mailbox);
            turn.put(&mailbox, rng);
            Ok(turn.commit().await?)
        })
        .await
    }

    /// Our relay's link.
    ///
    /// # Errors
    /// The vault's.
    pub async fn own_relay(&self) -> Result<RelayLink, ClientError> {
        self.profile().await?.relay()
    }
}

pub(crate) fn unknown(contact: &Fingerprint) -> ClientError {
    ClientError::Unknown(contact.to_string())
}

//! Begin a session: take a bundle, check it against the card, and save a Hello with the session it begins.

use lightproof_e2ee::{
    bundle::{Bundle, UnverifiedBundle},
    frame::Reply as Address,
    handshake::{CardOffer, Offer, initiate},
    identity::Fingerprint,
};
use lightproof_wire::{
    command::Command, limits::CLOCK_TOLERANCE_DAYS, relay_link::RelayLink, reply::Reply, time::Timestamp,
};
use rand_core::CryptoRng;

use super::outbox::{OutboxItem, What};
use crate::{
    client::{Client, Purpose, until_undisturbed},
    connection::expect_reply,
    contact::{Contact, SessionRef},
    error::ClientError,
    home::unknown,
    mailboxes::Mailbox,
    profile::Profile,
    relays::Relay,
    sessions::StoredSession,
    spool::Spool,
    transport::Transport,
    vault::{Turn, record::Flag, store::Store},
};

impl<S: Store, P: Spool, T: Transport> Client<S, P, T> {
    /// Makes sure that there is a session to send in.
    pub(crate) async fn ensure_session(
        &self,
        contact: &Fingerprint,
        now: Timestamp,
        rng: &mut impl CryptoRng,
    ) -> Result<(), ClientError> {
        let record: Contact = self.vault.get(contact.as_bytes()).await?.ok_or_else(|| unknown(contact))?;
        must_be_accepted(&record)?;
        let is_to_be_called = record.is_to_be_called(now);
        if record.sending().is_some() && !is_to_be_called {
            return Ok(());
        }
        match self.call(&record, now, rng).await {
            // What is at that doorbell are not their prekeys: each look would take another from whoever is there.
            Err(error @ ClientError::Bundle(_)) if is_to_be_called => {
                let put_off = async |_: &mut Turn<'_, S>, contact: &mut Contact| {
                    contact.called_on = now.day();
                    contact.want_hello(now.day());
                    Ok(())
                };
                self.edit_contact(contact, rng, put_off).await?;
                return Err(error);
            }
            called => called?,
        }
        self.reseal(&record, now, rng).await
    }

    async fn call(&self, contact: &Contact, now: Timestamp, rng: &mut impl CryptoRng) -> Result<(), ClientError> {
        self.check_clock().await?;
        let mailbox = self.mailbox_for(&contact.fingerprint, now, rng).await?;
        let doorbell =
            contact.doorbell.clone().ok_or(ClientError::NotNow("this contact has no doorbell we know of"))?;
        let bundle = self.take_bundle(&contact.fingerprint, &doorbell, now, rng).await?;
        until_undisturbed(async || {
            let mut turn = self.vault.turn();
            let mut record: Contact =
                turn.get(contact.fingerprint.as_bytes()).await?.ok_or_else(|| unknown(&contact.fingerprint))?;
            // Blocked or removed while the bundle was under way: no card of ours goes out.
            must_be_accepted(&record)?;
            if record.generation != contact.generation {
                // Another step, here or there, was faster: there is a newer session than the one we looked at.
                return Ok(());
            }
            let mut profile: Profile = turn.get(Profile::ID).await?.ok_or(ClientError::Damaged)?;
            let made = profile.not_fallen_back(now);
            let ours: Mailbox = turn.get(&profile.doorbell).await?.ok_or(ClientError::Damaged)?;
            let generation = record.generation.checked_add(1).ok_or(ClientError::Damaged)?;
            let card = CardOffer { doorbell: ours.drop, relay: ours.relay, name_hint: profile.name.clone() };
            let extensions = profile.sealing.newest(made, rng)?.announcement()?;
            let offer = Offer { generation, reply: mailbox.reply(), card, extensions };
            let staged = initiate(&self.identity, &bundle, offer, now, rng)?;
            let to = record.take_call_address().unwrap_or_else(|| doorbell.clone());
            staged
                .persist(async |session, hello| {
                    record.set_identity(bundle.identity());
                    let reference = SessionRef {
                        id: hello.session_id,
                        generation,
                        ours: Flag::Yes,
                        confirmed: Flag::No,
                        made,
                        superseded: None,
                    };
                    if let Some(gone) = record.add_sending(reference, made) {
                        turn.delete_id::<StoredSession>(gone.as_bytes());
                    }
                    if record.hello_due.take().is_some() {
                        record.called_on = now.day();
                    }
                    record.reseal_due = Flag::Yes;
                    let item = OutboxItem {
                        number: profile.take_number(),
                        contact: record.fingerprint,
                        to,
                        what: What::Hello,
                        outgoing: None,
                        envelope: hello.envelope.clone(),
                    };
                    turn.put(&StoredSession::new(hello.session_id, session), rng);
                    turn.put(&record, rng);
                    turn.put(&profile, rng);
                    turn.put(&item, rng);
                    Ok::<(), ClientError>(turn.commit().await?)
                })
                .await?;
            Ok(())
        })
        .await
    }

    /// Takes prekeys at a contact's doorbell, and checks that they are the contact's.
    async fn take_bundle(
        &self,
        contact: &Fingerprint,
        doorbell: &Address,
        now: Timestamp,
        rng: &mut impl CryptoRng,
    ) -> Result<Bundle, ClientError> {
        let relay = RelayLink::from_text(&doorbell.relay).map_err(|_| ClientError::Damaged)?;
        let connection = self.connection(&relay, Purpose::Others, now, rng).await?;
        // What our own relay said when it was last reached may be older than a jump of our clock.
        if connection.welcome().day.distance(now.day()) > CLOCK_TOLERANCE_DAYS {
            return Err(ClientError::Clock);
        }
        let reply = connection.call(Command::TakePrekeys { drop: doorbell.drop.clone() }).await?;
        let published = expect_reply!(reply, Reply::Bundle(bundle) => bundle)?;
        Ok(UnverifiedBundle::open(&published, contact, &doorbell.drop.hash())?.verify(contact, now.day())?)
    }

    /// Nobody new is contacted, and nothing destroyed, while our clock and our relay's differ by more than a day.
    pub(crate) async fn check_clock(&self) -> Result<(), ClientError> {
        let own = self.own_relay().await?;
        let relay: Option<Relay> = self.vault.get(own.to_text().as_str().as_bytes()).await?;
        if relay.is_some_and(|relay| relay.clock_is_doubtful()) { Err(ClientError::Clock) } else { Ok(()) }
    }
}

pub(crate) fn must_be_accepted(contact: &Contact) -> Result<(), ClientError> {
    if contact.is_accepted() { Ok(()) } else { Err(ClientError::ContactBlocked) }
}

//! Deposit: the saved bytes to the recipient's relay, in order, until it has promised to keep them.

use std::collections::BTreeSet;

use lightproof_e2ee::{frame::Reply as Address, identity::Fingerprint, session::SessionId};
use lightproof_wire::{
    blob::BlobShape,
    command::{Command, Readers},
    deposit_receipt::DepositReceipt,
    limits::{BLOB_MARGIN_DAYS, ENVELOPE_DAYS},
    refusal::Refusal,
    relay_link::RelayLink,
    reply::Reply,
    time::Timestamp,
};
use rand_core::CryptoRng;

use super::{
    outbox::{OutboxItem, What},
    outgoing::{Outgoing, OutgoingPhoto},
};
use crate::{
    client::{Client, Purpose, until_undisturbed},
    connection::expect_reply,
    contact::Contact,
    error::{ClientError, both},
    message::{Direction, Message, State},
    relays::Relay,
    spool::Spool,
    transport::{Transport, TransportError},
    untold::{Untold, save_untold},
    vault::store::Store,
};

impl<S: Store, P: Spool, T: Transport> Client<S, P, T> {
    /// Deposits everything in the outbox. What fails for one contact does not stop the others.
    pub(crate) async fn deposit_all(&self, now: Timestamp, rng: &mut impl CryptoRng) -> Result<(), ClientError> {
        let mut ended = BTreeSet::new();
        let mut deposited = self.deposit_waiting(Round::First(&mut ended), now, rng).await?;
        let mut begun = Ok(());
        for contact in &ended {
            begun = both(begun, self.begin_anew_with(contact, now, rng).await);
        }
        if !ended.is_empty() {
            // Everything once more: what stopped the first round counts only where it stops this one, too.
            deposited = self.deposit_waiting(Round::Last, now, rng).await?;
        }
        self.drop_left_out(now, rng).await?;
        self.sweep_outgoing().await?;
        both(both(deposited, begun), self.tell_untold(rng).await)
    }

    async fn deposit_waiting(
        &self,
        mut round: Round<'_>,
        now: Timestamp,
        rng: &mut impl CryptoRng,
    ) -> Result<Result<(), ClientError>, ClientError> {
        self.failures.borrow_mut().clear();
        let mut first = Ok(());
        let mut stopped: BTreeSet<Fingerprint> = BTreeSet::new();
        for item in self.outbox().await? {
            if stopped.contains(&item.contact) {
                continue;
            }
            match self.deposit(&item, now, rng).await {
                Ok(Found::AsBefore) => {}
                Ok(Found::Ended(_)) => {
                    if let Round::First(ended) = &mut round {
                        ended.insert(item.contact);
                        stopped.insert(item.contact);
                    }
                }
                Err(error) => {
                    stopped.insert(item.contact);
                    if let ClientError::Refused(refusal) = &error {
                        self.failures.borrow_mut().insert(item.contact, *refusal);
                    }
                    first = both(first, Err(error));
                }
            }
        }
        Ok(first)
    }

    /// Who ends a mailbox that we wrote to has ended the session with it, or has lost it: a new one may be asked for.
    async fn begin_anew_with(
        &self,
        contact: &Fingerprint,
        now: Timestamp,
        rng: &mut impl CryptoRng,
    ) -> Result<(), ClientError> {
        match self.ensure_session(contact, now, rng).await {
            // Blocked or removed meanwhile.
            Err(ClientError::ContactBlocked | ClientError::Unknown(_)) => Ok(()),
            begun => begun,
        }
    }

    async fn deposit(&self, item: &OutboxItem, now: Timestamp, rng: &mut impl CryptoRng) -> Result<Found, ClientError> {
        if let Some(id) = &item.outgoing {
            self.keep_blobs(id, item, now, rng).await?;
        }
        match self.deposit_at(item, &item.to, now, rng).await {
            Ok(receipt) => {
                self.save_deposited(item, receipt, &Found::AsBefore, now, rng).await?;
                Ok(Found::AsBefore)
            }
            Err(refused) if is_elsewhere(&refused) => {
                // That mailbox is gone, or its relay is not allowed. The same bytes go to the newest one that is there, and at
                // last to the doorbell.
                let contact: Option<Contact> = self.vault.get(item.contact.as_bytes()).await?;
                for address in contact.iter().flat_map(Contact::addresses).filter(|address| **address != item.to) {
                    match self.deposit_at(item, address, now, rng).await {
                        Err(error) if is_elsewhere(&error) => {}
                        receipt => {
                            let found = Found::at(address, item, contact.as_ref(), &refused);
                            self.save_deposited(item, receipt?, &found, now, rng).await?;
                            return Ok(found);
                        }
                    }
                }
                Err(refused)
            }
            Err(error) => Err(error),
        }
    }

    async fn deposit_at(
        &self,
        item: &OutboxItem,
        to: &Address,
        now: Timestamp,
        rng: &mut impl CryptoRng,
    ) -> Result<DepositReceipt, ClientError> {
        let relay = RelayLink::from_text(&to.relay).map_err(|_| ClientError::Damaged)?;
        let connection = self.connection(&relay, Purpose::Others, now, rng).await?;
        let command = Command::Deposit { drop: to.drop.clone(), envelope: item.envelope.clone() };
        let reply = connection.call(command).await?;
        let receipt = expect_reply!(reply, Reply::Deposited(receipt) => receipt)?;
        receipt
            .verify(&connection.welcome().receipt_key, &item.envelope.digest(), &to.drop.hash())
            .map_err(|_| ClientError::RelayMisbehaved("its deposit receipt does not hold"))?;
        Ok(receipt)
    }

    /// That it is deposited, and what that told: in one turn, for nothing tells it again.
    async fn save_deposited(
        &self,
        item: &OutboxItem,
        receipt: DepositReceipt,
        found: &Found,
        now: Timestamp,
        rng: &mut impl CryptoRng,
    ) -> Result<(), ClientError> {
        until_undisturbed(async || {
            let mut turn = self.vault.turn();
            turn.delete(item);
            if let What::Message(id) = item.what
                && let Some(mut message) =
                    turn.get::<Message>(&Message::record_id(&item.contact, Direction::Out, &id)).await?
            {
                message.receipt = Some(receipt.clone());
                if message.reached() == State::Outbox {
                    message.reach(State::Deposited);
                }
                turn.put(&message, rng);
            }
            let contact: Option<Contact> = turn.get(item.contact.as_bytes()).await?;
            // Another process may have found the same, and have begun a newer one: nobody is called twice for it.
            let contact = contact.filter(|contact| found.is_ended(contact) && contact.hello_due.is_none());
            if let Some(mut contact) = contact {
                contact.want_hello(now.day());
                turn.put(&contact, rng);
                save_untold(&mut turn, [Untold::MailboxEnded(item.contact)], rng).await?;
            }
            Ok(turn.commit().await?)
        })
        .await
    }

    /// A blob outlives the newest envelope that names it by a week. One that is gone already is not waited for: its
    /// recipient hears that the photo expired, and what follows goes on.
    async fn keep_blobs(
        &self,
        id: &[u8; 16],
        item: &OutboxItem,
        now: Timestamp,
        rng: &mut impl CryptoRng,
    ) -> Result<(), ClientError> {
        let Some(outgoing) = self.vault.get::<Outgoing>(id).await? else { return Ok(()) };
        let relay: Option<Relay> = self.vault.get(item.to.relay.as_str().as_bytes()).await?;
        let envelope_days = relay.and_then(|relay| relay.limits).map_or(ENVELOPE_DAYS, |limits| limits.envelope_days);
        let needed = now.day().plus(u32::from(envelope_days)).plus(u32::from(BLOB_MARGIN_DAYS));
        for (place, photo) in outgoing.photos.iter().enumerate() {
            let Some(facts) = photo.sealed.as_ref().filter(|_| photo.kept_until < needed) else { continue };
            let shape = BlobShape::for_length(facts.length_bytes).map_err(|_| ClientError::Damaged)?;
            let connection = self.blob_connection(&outgoing, now, rng).await?;
            match self.open_blob(&connection, photo, shape).await {
                Err(ClientError::Refused(Refusal::Refused)) => continue,
                opened => opened?,
            }
            let kept_until = now.day().plus(u32::from(connection.welcome().limits.blob_days));
            self.save_photo(&outgoing, place, OutgoingPhoto { kept_until, ..photo.clone() }, rng).await?;
        }
        Ok(())
    }

    /// Takes a blob back from its relay, if that is reached; otherwise the relay forgets it by itself in time.
    pub(super) async fn revoke(
        &self,
        outgoing: &Outgoing,
        photo: &OutgoingPhoto,
        now: Timestamp,
        rng: &mut impl CryptoRng,
    ) {
        if let Ok(connection) = self.blob_connection(outgoing, now, rng).await {
            let command = Command::RevokeBlob { write: photo.write.clone(), readers: Readers::All };
            // Nothing hangs on the answer: an upload that is never committed goes after three days.
            drop(connection.call(command).await);
        }
    }
}

/// One go through the outbox.
enum Round<'a> {
    /// Whoever has ended the mailbox we knew is noted, and what else waits for them waits until they were called anew.
    First(&'a mut BTreeSet<Fingerprint>),
    /// Nobody is called any more, and everything goes wherever it is taken: what opens nowhere there is sealed again once
    /// they are called on another day.
    Last,
}

/// What a deposit tells of the contact.
enum Found {
    /// They are where they were.
    AsBefore,
    /// Their mailbox for us is gone, though they have answered in this session, and only the doorbell is left.
    Ended(SessionId),
}

impl Found {
    /// Only a message is reason enough to ask again: a receipt is sent without anybody's doing.
    fn at(address: &Address, item: &OutboxItem, contact: Option<&Contact>, refused: &ClientError) -> Self {
        let is_message = matches!(item.what, What::Message(_));
        let is_gone = is_message && matches!(refused, ClientError::Refused(Refusal::Refused));
        let ended = contact
            .filter(|contact| is_gone && contact.doorbell.as_ref() == Some(address))
            .and_then(|contact| contact.sending().filter(|session| session.confirmed.is_yes()));
        ended.map_or(Self::AsBefore, |session| Self::Ended(session.id))
    }

    /// Whether the session that ended is still the one that sends.
    fn is_ended(&self, contact: &Contact) -> bool {
        matches!(self, Self::Ended(session) if contact.sending().is_some_and(|sending| sending.id == *session))
    }
}

/// Whether another address may do.
const fn is_elsewhere(error: &ClientError) -> bool {
    matches!(
        error,
        ClientError::Refused(Refusal::Refused)
            | ClientError::RelayNotAllowed(_)
            | ClientError::Transport { error: TransportError::Forbidden, .. }
    )
}

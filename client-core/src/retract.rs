//! Retract: take back a message of ours. Saved first, then its blobs are revoked, then the other side is asked to drop it.

use lightproof_e2ee::{frame::MessageId, identity::Fingerprint, receipt::Retract};
use lightproof_wire::{
    capability::{Capability, CapabilityHash, right},
    codec::{List, Text, TlsDeserialize, TlsSerialize, TlsSize},
    command::{Command, Readers},
    limits::RELAY_LINK_BYTES,
    refusal::Refusal,
    relay_link::RelayLink,
    reply::Reply,
    time::{Day, Timestamp},
};
use rand_core::CryptoRng;

use crate::{
    client::{Client, Purpose, until_undisturbed},
    connection::expect_reply,
    contact::Contact,
    error::{ClientError, both},
    message::{Direction, Message, Retraction, State},
    spool::Spool,
    transport::Transport,
    vault::{
        Turn,
        record::{Flag, Record},
        store::{Store, Table},
    },
};

/// Days for which a confirmation is awaited.
const CONFIRMED_WITHIN_DAYS: u32 = 60;

/// A message that is being taken back, until the other side has confirmed it.
#[derive(Clone, Debug, TlsSerialize, TlsDeserialize, TlsSize)]
pub(crate) struct Retracting {
    /// From whom.
    pub(crate) contact: Fingerprint,
    /// The name of the retract: a receipt for it is the confirmation.
    name: MessageId,
    message_id: MessageId,
    made: Day,
    blob_relay: Text<RELAY_LINK_BYTES>,
    rights: List<Right, 16>,
    revoked: Flag,
    enclosed: Flag,
    confirmed: Flag,
}

/// A message of ours that is being taken back, while a part of that waits for a relay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WaitingRetract {
    /// From whom.
    pub contact: Fingerprint,
    /// Which message; it may have been deleted here since.
    pub message_id: MessageId,
    /// How many photos it has.
    pub photos: usize,
}

/// Our right to one blob, and which of its readers loses theirs.
#[derive(Clone, Debug, TlsSerialize, TlsDeserialize, TlsSize)]
struct Right {
    write: Capability<right::Write>,
    reader: CapabilityHash<right::Read>,
}

impl Record for Retracting {
    const TABLE: Table = Table::Retracting;

    fn id(&self) -> Vec<u8> {
        Self::record_id(&self.contact, &self.name)
    }
}

impl Retracting {
    fn record_id(contact: &Fingerprint, name: &MessageId) -> Vec<u8> {
        [contact.as_bytes().as_slice(), &name.0].concat()
    }

    fn of(message: &Message, now: Timestamp, rng: &mut impl CryptoRng) -> Self {
        let right = |(photo, write): (&crate::message::StoredPhoto, &Capability<right::Write>)| Right {
            write: write.clone(),
            reader: photo.facts.read.hash(),
        };
        let rights = message.photos.iter().zip(message.writes.iter()).map(right).collect();
        Self {
            contact: message.contact,
            name: MessageId::generate(rng),
            message_id: message.message_id,
            made: now.day(),
            blob_relay: message.blob_relay.clone(),
            revoked: message.photos.as_slice().is_empty().into(),
            rights: List::new(rights).unwrap_or_default(),
            enclosed: Flag::No,
            confirmed: Flag::No,
        }
    }

    /// A message of ours that did not go out, and goes out no more: its blobs are to be revoked, and nobody is asked to drop it.
    pub(crate) fn give_up<S: Store>(
        mut message: Message,
        turn: &mut Turn<'_, S>,
        now: Timestamp,
        rng: &mut impl CryptoRng,
    ) {
        let told = Self { enclosed: Flag::Yes, confirmed: Flag::Yes, ..Self::of(&message, now, rng) };
        told.keep(turn, rng);
        message.retraction = Some(Retraction { reached: message.state, confirmed: Flag::Yes });
        message.state = State::Retracted;
        turn.put(&message, rng);
    }

    /// Whether its blobs are revoked, and the request to drop it is sealed.
    fn is_carried(&self) -> bool {
        self.revoked.is_yes() && self.enclosed.is_yes()
    }

    fn is_over(&self) -> bool {
        self.is_carried() && self.confirmed.is_yes()
    }

    /// A receipt named something that is no message: perhaps a retract, which is confirmed then.
    pub(crate) async fn confirm<S: Store>(
        turn: &mut Turn<'_, S>,
        contact: &Fingerprint,
        name: &MessageId,
        rng: &mut impl CryptoRng,
    ) -> Result<(), ClientError> {
        let Some(mut known) = turn.get::<Self>(&Self::record_id(contact, name)).await? else { return Ok(()) };
        known.confirmed = Flag::Yes;
        known.keep(turn, rng);
        let id = Message::record_id(contact, Direction::Out, &known.message_id);
        if let Some(mut message) = turn.get::<Message>(&id).await?
            && let Some(retraction) = &mut message.retraction
        {
            retraction.confirmed = Flag::Yes;
            turn.put(&message, rng);
        }
        Ok(())
    }

    fn keep<S: Store>(&self, turn: &mut Turn<'_, S>, rng: &mut impl CryptoRng) {
        if self.is_over() { turn.delete(self) } else { turn.put(self, rng) }
    }
}

impl<S: Store, P: Spool, T: Transport> Client<S, P, T> {
    /// Takes back a message of ours. From here on it goes on by itself, whatever is interrupted.
    ///
    /// # Errors
    /// [`ClientError::NotNow`] for a message of somebody else, or one taken back before; otherwise it is under way, and
    /// what is told is why a part of it waits.
    pub async fn retract(
        &self,
        message: &Message,
        now: Timestamp,
        rng: &mut impl CryptoRng,
    ) -> Result<(), ClientError> {
        until_undisturbed(async || {
            let mut turn = self.vault.turn();
            let stored: Option<Message> = turn.get(&message.id()).await?;
            let mut stored = stored.ok_or_else(|| ClientError::Unknown(message.name()))?;
            if stored.direction == Direction::In {
                return Err(ClientError::NotNow("only its sender can take a message back"));
            }
            if stored.retraction.is_some() {
                return Err(ClientError::NotNow("this message was taken back before"));
            }
            turn.put(&Retracting::of(&stored, now, rng), rng);
            stored.retraction = Some(Retraction { reached: stored.state, confirmed: Flag::No });
            stored.state = State::Retracted;
            turn.put(&stored, rng);
            Ok(turn.commit().await?)
        })
        .await?;
        let carried = self.carry_retracts(now, rng).await;
        both(carried, self.deposit_all(now, rng).await)
    }

    /// Messages that are being taken back: their photos may still be at the relay, or the request to drop them is not sealed, or
    /// stands behind the message itself in the outbox. Once it is sealed it is an envelope like any other.
    ///
    /// # Errors
    /// The vault's.
    pub async fn waiting_retracts(&self) -> Result<Vec<WaitingRetract>, ClientError> {
        let items = self.outbox().await?;
        let is_behind = |one: &Retracting| {
            items.iter().any(|item| item.contact == one.contact && item.what.is(Some(one.message_id)))
        };
        let mut waiting = self.vault.scan::<Retracting>().await?;
        waiting.retain(|one| !one.is_carried() || is_behind(one));
        let told = |one: Retracting| {
            let photos = one.rights.as_slice().len();
            WaitingRetract { contact: one.contact, message_id: one.message_id, photos }
        };
        Ok(waiting.into_iter().map(told).collect())
    }

    /// Goes on with everything that is being taken back. What fails for one does not stop the next.
    pub(crate) async fn carry_retracts(&self, now: Timestamp, rng: &mut impl CryptoRng) -> Result<(), ClientError> {
        let mut first = Ok(());
        for retracting in self.vault.scan::<Retracting>().await? {
            first = both(first, self.revoke_rights(&retracting, now, rng).await);
            first = both(first, self.tell_retract(&retracting, now, rng).await);
        }
        first
    }

    /// From here on the recipient finds no photo at the relay.
    async fn revoke_rights(
        &self,
        retracting: &Retracting,
        now: Timestamp,
        rng: &mut impl CryptoRng,
    ) -> Result<(), ClientError> {
        if retracting.revoked.is_yes() {
            return Ok(());
        }
        let relay = RelayLink::from_text(&retracting.blob_relay).map_err(|_| ClientError::Damaged)?;
        let connection = self.connection(&relay, Purpose::Others, now, rng).await?;
        for right in retracting.rights.iter() {
            let command = Command::RevokeBlob { write: right.write.clone(), readers: Readers::One(right.reader) };
            match connection.call(command).await {
                // Gone already: fetched and let go, or expired.
                Err(ClientError::Refused(Refusal::Refused)) => {}
                reply => expect_reply!(reply?, Reply::Done => ())?,
            }
        }
        self.edit_retracting(retracting, rng, |retracting| retracting.revoked = Flag::Yes).await
    }

    /// The retract goes the way of every frame: numbered, signed, sealed, saved, then deposited.
    async fn tell_retract(
        &self,
        retracting: &Retracting,
        now: Timestamp,
        rng: &mut impl CryptoRng,
    ) -> Result<(), ClientError> {
        if retracting.enclosed.is_yes() {
            return Ok(());
        }
        let to = retracting.contact;
        let contact: Option<Contact> = self.vault.get(to.as_bytes()).await?;
        if !contact.is_some_and(|contact| contact.is_accepted()) {
            // Nobody whom anything is sent to any more, and nobody to wait for.
            let over =
                |retracting: &mut Retracting| (retracting.enclosed, retracting.confirmed) = (Flag::Yes, Flag::Yes);
            return self.edit_retracting(retracting, rng, over).await;
        }
        self.ensure_session(&to, now, rng).await?;
        self.mailbox_for(&to, now, rng).await?;
        until_undisturbed(async || {
            let mut turn = self.vault.turn();
            let Some(mut current) = turn.get::<Retracting>(&retracting.id()).await? else { return Ok(()) };
            if current.enclosed.is_yes() {
                return Ok(());
            }
            current.enclosed = Flag::Yes;
            current.keep(&mut turn, rng);
            let message_ids = List::new(vec![current.message_id]).map_err(|_| ClientError::Damaged)?;
            self.enclose_retract(turn, &to, (current.name, Retract { message_ids }), now, rng).await
        })
        .await
    }

    async fn edit_retracting(
        &self,
        retracting: &Retracting,
        rng: &mut impl CryptoRng,
        edit: impl Fn(&mut Retracting),
    ) -> Result<(), ClientError> {
        until_undisturbed(async || {
            let mut turn = self.vault.turn();
            let Some(mut current) = turn.get::<Retracting>(&retracting.id()).await? else { return Ok(()) };
            edit(&mut current);
            current.keep(&mut turn, rng);
            Ok(turn.commit().await?)
        })
        .await
    }

    /// Waits no longer for confirmations that never came.
    pub(crate) async fn sweep_retracting(&self, now: Timestamp) -> Result<(), ClientError> {
        let is_old = |retracting: &Retracting| retracting.made.plus(CONFIRMED_WITHIN_DAYS) < now.day();
        for retracting in self.vault.scan::<Retracting>().await?.iter().filter(|one| one.is_carried() && is_old(one)) {
            let mut turn = self.vault.turn();
            turn.delete(retracting);
            turn.commit().await?;
        }
        Ok(())
    }
}

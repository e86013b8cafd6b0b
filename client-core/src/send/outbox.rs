//! The outbox: sealed envelopes under way, and sends that are not enclosed yet. What is in it goes out as it is.

use std::iter::repeat;

use lightproof_e2ee::{
    frame::{MessageId, Reply},
    identity::Fingerprint,
};
use lightproof_wire::{
    codec::{List, TlsDeserialize, TlsSerialize, TlsSize},
    envelope::Envelope,
    refusal::Refusal,
    time::Timestamp,
};
use rand_core::CryptoRng;

use super::{
    Sources,
    outgoing::{Outgoing, OutgoingPhoto},
};
use crate::{
    client::{Client, until_undisturbed},
    error::{ClientError, both},
    event::{Event, Stage},
    message::{Body, Direction, Message, State},
    prepare::PreparedPhoto,
    spool::{Spool, SpoolError},
    transport::Transport,
    vault::{
        record::Record,
        store::{Store, Table},
    },
};

/// What an envelope carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, TlsSerialize, TlsDeserialize, TlsSize)]
#[repr(u8)]
pub enum What {
    /// The beginning of a session.
    #[tls_codec(discriminant = 1)]
    Hello,
    /// A message.
    #[tls_codec(discriminant = 2)]
    Message(MessageId),
    /// A receipt or a retract: nothing that a user interface lists.
    #[tls_codec(discriminant = 3)]
    Other,
}

impl What {
    /// Whether it carries this message.
    #[must_use]
    pub fn is(self, message: Option<MessageId>) -> bool {
        matches!((self, message), (Self::Message(mine), Some(id)) if mine == id)
    }
}

/// A sealed envelope under way.
#[derive(Clone, Debug, TlsSerialize, TlsDeserialize, TlsSize)]
pub struct OutboxItem {
    /// Its place: envelopes for one contact go out in order.
    pub number: u64,
    /// For whom.
    pub contact: Fingerprint,
    /// Where to.
    pub to: Reply,
    /// What it carries.
    pub what: What,
    /// The send it belongs to, whose blobs must outlive it.
    pub outgoing: Option<[u8; 16]>,
    /// The saved bytes.
    pub envelope: Envelope,
}

impl Record for OutboxItem {
    const TABLE: Table = Table::Outbox;

    fn id(&self) -> Vec<u8> {
        self.number.to_be_bytes().to_vec()
    }
}

impl<S: Store, P: Spool, T: Transport> Client<S, P, T> {
    /// Goes on with everything that is under way: seals, uploads, encloses and deposits.
    ///
    /// # Errors
    /// The first thing that stopped something; everything else was tried all the same.
    pub async fn resume(
        &self,
        sources: &impl Sources,
        now: Timestamp,
        rng: &mut impl CryptoRng,
    ) -> Result<(), ClientError> {
        let mut first = Ok(());
        for outgoing in self.outgoing().await? {
            if outgoing.is_enclosed() {
                continue;
            }
            // Held by another command: that one carries it.
            if let Some(_hold) = self.spool.hold(outgoing.hold_name()).await? {
                first = both(first, self.carry(outgoing, Vec::new(), sources, now, rng).await);
            }
        }
        first = both(first, self.carry_retracts(now, rng).await);
        both(first, self.deposit_all(now, rng).await)
    }

    /// Brings one send as far as envelopes in the outbox. `prepared` are its photos, or none after an interruption.
    pub(super) async fn carry<F: Sources>(
        &self,
        outgoing: Outgoing,
        prepared: Vec<PreparedPhoto<F::File>>,
        sources: &F,
        now: Timestamp,
        rng: &mut impl CryptoRng,
    ) -> Result<(), ClientError> {
        let outgoing = self.seal_all(outgoing, prepared, sources, now, rng).await?;
        let lengths: Vec<u64> = outgoing.photos.iter().map(OutgoingPhoto::length_bytes).collect();
        for (place, photo) in outgoing.photos.iter().enumerate() {
            self.progress(Event::photo(Stage::Uploading, &lengths, place));
            let uploaded = self.upload_sealed(&outgoing, photo, now, rng).await;
            // Gone from the spool; or from the relay, which never makes the same blob twice.
            let is_gone = |error: &ClientError| {
                matches!(error, ClientError::Spool(SpoolError::Missing) | ClientError::Refused(Refusal::Refused))
            };
            match uploaded {
                Ok(()) => {}
                // An envelope names it: that recipient hears that it expired, and so do the others.
                Err(ClientError::Refused(Refusal::Refused)) if outgoing.is_begun() => {}
                Err(error) if is_gone(&error) => {
                    self.forget_sealing(&outgoing, place, rng).await?;
                    return Err(error);
                }
                Err(error) => return Err(error),
            }
        }
        let mut first = Ok(());
        for (place, recipient) in outgoing.recipients.iter().enumerate() {
            if recipient.is_settled() {
                continue;
            }
            let enclosed = match self.ensure_session(&recipient.contact, now, rng).await {
                Ok(()) => self.enclose_message(&outgoing, place, now, rng).await,
                Err(error) => Err(error),
            };
            first = first.and(enclosed);
        }
        first
    }

    /// Seals every photo that is not sealed yet.
    async fn seal_all<F: Sources>(
        &self,
        mut outgoing: Outgoing,
        prepared: Vec<PreparedPhoto<F::File>>,
        sources: &F,
        now: Timestamp,
        rng: &mut impl CryptoRng,
    ) -> Result<Outgoing, ClientError> {
        // By place, and each for the sealing it was prepared for.
        let mut prepared: Vec<_> = prepared.into_iter().map(Some).collect();
        let begun = outgoing.clone();
        let ready = prepared.iter().map(|photo| photo.as_ref().map(PreparedPhoto::length_bytes)).chain(repeat(None));
        let lengths: Vec<u64> =
            begun.photos.iter().zip(ready).map(|(photo, ready)| ready.unwrap_or(photo.length_bytes())).collect();
        for place in 0..begun.photos.as_slice().len() {
            let of = |outgoing: &Outgoing| outgoing.photos.as_slice().get(place).cloned().ok_or(ClientError::Damaged);
            let photo = of(&outgoing)?;
            if photo.sealed.is_some() {
                continue;
            }
            let ready = prepared
                .get_mut(place)
                .and_then(Option::take)
                .filter(|ready| ready.is_held() && of(&begun).is_ok_and(|was| was.spool == photo.spool));
            let (photo, prepared) = match ready {
                Some(prepared) => (photo, prepared),
                None => {
                    let prepared = self.prepare_again(&photo, sources, rng).await?;
                    // Some chunks may have been sealed, and even uploaded, before the interruption: never again under that key.
                    let fresh = photo.afresh(rng);
                    outgoing = self.save_photo(&outgoing, place, fresh.clone(), rng).await?;
                    (fresh, prepared)
                }
            };
            self.progress(Event::photo(Stage::Uploading, &lengths, place));
            let connection = self.blob_connection(&outgoing, now, rng).await.ok();
            let facts = self.seal(&photo, prepared, connection.as_deref()).await?;
            let kept_days = connection.map_or(0, |connection| connection.welcome().limits.blob_days);
            let kept_until = now.day().plus(u32::from(kept_days));
            let sealed = OutgoingPhoto { sealed: Some(facts), kept_until, ..photo };
            outgoing = self.save_photo(&outgoing, place, sealed, rng).await?;
        }
        Ok(outgoing)
    }

    async fn prepare_again<F: Sources>(
        &self,
        photo: &OutgoingPhoto,
        sources: &F,
        rng: &mut impl CryptoRng,
    ) -> Result<PreparedPhoto<F::File>, ClientError> {
        self.progress(Event::Progress {
            stage: Stage::Preparing,
            done_bytes: 0,
            total_bytes: photo.source.length_bytes,
        });
        let mut source_salt = [0; 32];
        rng.fill_bytes(&mut source_salt);
        sources.prepare(&photo.source, &photo.options(), source_salt).await
    }

    /// The sealed chunks are gone: the next try seals under a new key, as a new blob. Not once an envelope names this one.
    async fn forget_sealing(
        &self,
        outgoing: &Outgoing,
        place: usize,
        rng: &mut impl CryptoRng,
    ) -> Result<(), ClientError> {
        until_undisturbed(async || {
            let mut turn = self.vault.turn();
            let Some(mut current) = turn.get::<Outgoing>(&outgoing.id).await? else { return Ok(()) };
            if current.is_begun() {
                return Ok(());
            }
            let mut photos = current.photos.into_vec();
            let slot = photos.get_mut(place).ok_or(ClientError::Damaged)?;
            if outgoing.photos.as_slice().get(place).is_none_or(|lost| lost.spool != slot.spool) {
                return Ok(());
            }
            *slot = slot.afresh(rng);
            current.photos = List::new(photos).unwrap_or_default();
            turn.put(&current, rng);
            Ok(turn.commit().await?)
        })
        .await
    }

    pub(super) async fn save_photo(
        &self,
        outgoing: &Outgoing,
        place: usize,
        photo: OutgoingPhoto,
        rng: &mut impl CryptoRng,
    ) -> Result<Outgoing, ClientError> {
        until_undisturbed(async || {
            let mut turn = self.vault.turn();
            let mut current: Outgoing =
                turn.get(&outgoing.id).await?.ok_or(ClientError::NotNow("this send was cancelled"))?;
            let mut photos = current.photos.into_vec();
            let slot = photos.get_mut(place).ok_or(ClientError::Damaged)?;
            // Another process sealed it meanwhile: its bytes are the ones that count.
            if slot.sealed.is_none() || photo.sealed.is_some() && slot.spool == photo.spool {
                *slot = photo.clone();
            }
            current.photos = List::new(photos).unwrap_or_default();
            turn.put(&current, rng);
            turn.commit().await?;
            Ok(current)
        })
        .await
    }

    /// Sends under way, the oldest first.
    ///
    /// # Errors
    /// The vault's.
    pub async fn outgoing(&self) -> Result<Vec<Outgoing>, ClientError> {
        let mut outgoing: Vec<Outgoing> = self.vault.scan().await?;
        outgoing.sort_by_key(|outgoing| outgoing.number);
        Ok(outgoing)
    }

    /// Sealed envelopes under way, in the order they go out.
    ///
    /// # Errors
    /// The vault's.
    pub async fn outbox(&self) -> Result<Vec<OutboxItem>, ClientError> {
        let mut items: Vec<OutboxItem> = self.vault.scan().await?;
        items.sort_by_key(|item| item.number);
        Ok(items)
    }

    /// Drops sends of which nothing goes out any more: everybody was blocked or removed before anything was enclosed for them.
    pub(super) async fn drop_left_out(&self, now: Timestamp, rng: &mut impl CryptoRng) -> Result<(), ClientError> {
        for outgoing in self.outgoing().await?.iter().filter(|one| one.is_enclosed() && !one.is_begun()) {
            self.cancel(&outgoing.id, now, rng).await?;
        }
        Ok(())
    }

    /// Forgets sends that are deposited and told. The right to keep their blobs stays while a body may be sealed again.
    pub(crate) async fn sweep_outgoing(&self) -> Result<(), ClientError> {
        let items = self.outbox().await?;
        let finished = |outgoing: &Outgoing| {
            outgoing.is_enclosed()
                && outgoing.is_begun()
                && !items.iter().any(|item| item.outgoing == Some(outgoing.id))
        };
        let outgoing = self.outgoing().await?;
        if !outgoing.iter().any(finished) {
            return Ok(());
        }
        // Only blobs are kept alive for a body that may have to be sealed again.
        let has_photos = |outgoing: &Outgoing| !outgoing.photos.as_slice().is_empty();
        let bodies: Vec<Body> = match outgoing.iter().any(|outgoing| finished(outgoing) && has_photos(outgoing)) {
            true => self.vault.scan().await?,
            false => Vec::new(),
        };
        for outgoing in outgoing.iter().filter(|outgoing| finished(outgoing)) {
            for photo in outgoing.photos.iter() {
                self.spool.remove(photo.spool).await?;
            }
            let is_needed = has_photos(outgoing) && bodies.iter().any(|body| body.outgoing == Some(outgoing.id));
            if outgoing.told.is_yes() && !is_needed {
                let mut turn = self.vault.turn();
                turn.delete(outgoing);
                turn.commit().await?;
            }
        }
        Ok(())
    }

    /// Marks messages as expired that a relay no longer keeps and of which no receipt came.
    pub(crate) async fn sweep_expired(&self, now: Timestamp, rng: &mut impl CryptoRng) -> Result<(), ClientError> {
        let is_expired = |message: &Message| {
            let last = message.receipt.as_ref().map(|receipt| receipt.promise.expires);
            message.direction == Direction::Out
                && message.state == State::Deposited
                && last.is_some_and(|day| day < now.day())
        };
        for message in self.vault.scan::<Message>().await?.into_iter().filter(is_expired) {
            until_undisturbed(async || {
                let mut turn = self.vault.turn();
                let current: Option<Message> = turn.get(&message.id()).await?;
                let Some(current) = current.filter(is_expired) else { return Ok(()) };
                turn.put(&Message { state: State::Expired, ..current }, rng);
                Ok(turn.commit().await?)
            })
            .await?;
        }
        Ok(())
    }

    /// Why nothing has been deposited for a contact, where that is known without asking a relay.
    pub(super) async fn why_waiting(&self, contact: &Fingerprint) -> Result<Option<ClientError>, ClientError> {
        let failures = self.failures.borrow();
        Ok(failures.get(contact).copied().map(ClientError::Refused))
    }
}

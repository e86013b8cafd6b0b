//! Enclose: number a frame in our line, sign it, seal it in the session, and save all of that in one transaction.

use lightproof_e2ee::{
    frame::{self, Content, DoorbellChange, Frame, MessageId, SignedBody},
    identity::Fingerprint,
    manifest::{Manifest, Photo},
    receipt::{Receipt, ReceiptKind, Retract},
    session,
};
use lightproof_wire::{
    blob::BlobShape,
    codec::{Extensions, List, Text},
    time::Timestamp,
};
use rand_core::CryptoRng;

use super::{
    outbox::{OutboxItem, What},
    outgoing::{Outgoing, OutgoingPhoto},
};
use crate::{
    client::{Client, until_undisturbed},
    contact::Contact,
    error::ClientError,
    home::unknown,
    mailboxes::Mailbox,
    message::{Body, Direction, Message, PhotoState, Signed, State, StoredPhoto},
    profile::Profile,
    sealing::OurSealingKey,
    sessions::StoredSession,
    spool::Spool,
    transport::Transport,
    vault::{
        Turn,
        record::{Flag, Secret},
        store::Store,
    },
};

/// What is read before something is enclosed for one contact.
struct Desk {
    profile: Profile,
    contact: Contact,
    mailbox: Option<Mailbox>,
    sealing: OurSealingKey,
}

impl<S: Store, P: Spool, T: Transport> Client<S, P, T> {
    /// Encloses the message for the `place`-th recipient of a send, once.
    pub(super) async fn enclose_message(
        &self,
        outgoing: &Outgoing,
        place: usize,
        now: Timestamp,
        rng: &mut impl CryptoRng,
    ) -> Result<(), ClientError> {
        let to = outgoing.recipients.as_slice().get(place).ok_or(ClientError::Damaged)?.contact;
        // The contact is told where to answer: that mailbox must exist.
        self.mailbox_for(&to, now, rng).await?;
        until_undisturbed(async || {
            let mut turn = self.vault.turn();
            let cancelled = ClientError::NotNow("this send was cancelled");
            let mut outgoing: Outgoing = turn.get(&outgoing.id).await?.ok_or(cancelled)?;
            let mut recipients = outgoing.recipients.clone().into_vec();
            let recipient = recipients.get_mut(place).ok_or(ClientError::Damaged)?;
            if recipient.is_settled() {
                return Ok(());
            }
            let desk = self.desk(&mut turn, &to, now, rng).await?;
            let message_id = MessageId::generate(rng);
            let manifest = manifest(&outgoing, place)?;
            let message = out_message(&outgoing, &desk, &manifest, message_id, now)?;
            recipient.message_id = Some(message_id);
            outgoing.recipients = List::new(recipients).unwrap_or_default();
            turn.put(&message, rng);
            turn.put(&outgoing, rng);
            let frame = desk.frame(Content::Manifest(manifest), message_id, self.identity.fingerprint(), now)?;
            let enclosing = Enclosing { frame, what: What::Message(message_id), outgoing: Some(outgoing.id) };
            self.enclose(turn, desk, enclosing, now, rng).await
        })
        .await
    }

    /// Encloses a receipt.
    pub(crate) async fn enclose_receipt(
        &self,
        mut turn: Turn<'_, S>,
        contact: &Contact,
        receipt: (ReceiptKind, Vec<MessageId>),
        now: Timestamp,
        rng: &mut impl CryptoRng,
    ) -> Result<(), ClientError> {
        let (kind, message_ids) = receipt;
        let mut desk = self.desk(&mut turn, &contact.fingerprint, now, rng).await?;
        desk.contact.receipt_sent = now;
        let message_ids = List::new(message_ids).map_err(|_| ClientError::Damaged)?;
        let content = Content::Receipt(Receipt { kind, message_ids });
        let frame = desk.frame(content, MessageId::generate(rng), self.identity.fingerprint(), now)?;
        self.enclose(turn, desk, Enclosing { frame, what: What::Other, outgoing: None }, now, rng).await
    }

    /// Encloses a retract under the name that its receipt will give back.
    pub(crate) async fn enclose_retract(
        &self,
        mut turn: Turn<'_, S>,
        contact: &Fingerprint,
        retract: (MessageId, Retract),
        now: Timestamp,
        rng: &mut impl CryptoRng,
    ) -> Result<(), ClientError> {
        let (name, retract) = retract;
        let desk = self.desk(&mut turn, contact, now, rng).await?;
        let frame = desk.frame(Content::Retract(retract), name, self.identity.fingerprint(), now)?;
        self.enclose(turn, desk, Enclosing { frame, what: What::Other, outgoing: None }, now, rng).await
    }

    /// Encloses a receipt for nothing: a frame that only tells our addresses.
    pub(crate) async fn enclose_addresses(
        &self,
        mut turn: Turn<'_, S>,
        contact: &Fingerprint,
        now: Timestamp,
        rng: &mut impl CryptoRng,
    ) -> Result<(), ClientError> {
        let desk = self.desk(&mut turn, contact, now, rng).await?;
        let message_ids = List::new(vec![MessageId::generate(rng)]).map_err(|_| ClientError::Damaged)?;
        let content = Content::Receipt(Receipt { kind: ReceiptKind::Delivered, message_ids });
        let frame = desk.frame(content, MessageId::generate(rng), self.identity.fingerprint(), now)?;
        self.enclose(turn, desk, Enclosing { frame, what: What::Other, outgoing: None }, now, rng).await
    }

    /// Seals the bodies that a contact's ack does not cover again, unchanged, in the session that sends now.
    pub(crate) async fn reseal(
        &self,
        contact: &Contact,
        now: Timestamp,
        rng: &mut impl CryptoRng,
    ) -> Result<(), ClientError> {
        until_undisturbed(async || {
            let mut turn = self.vault.turn();
            let mut record: Contact =
                turn.get(contact.fingerprint.as_bytes()).await?.ok_or_else(|| unknown(&contact.fingerprint))?;
            let Some(current) = record.sending().filter(|_| record.reseal_due.is_yes()) else { return Ok(()) };
            let mut profile: Profile = turn.get(Profile::ID).await?.ok_or(ClientError::Damaged)?;
            let waiting: Vec<OutboxItem> = turn.scan().await?;
            let mut bodies: Vec<Body> = self.vault.scan().await?;
            bodies.retain(|body| body.contact == record.fingerprint);
            bodies.sort_by_key(|body| (body.line != record.ours.line, body.index));
            let mut stored: StoredSession = turn.get(current.id.as_bytes()).await?.ok_or(ClientError::Damaged)?;
            let is_other = |item: &&OutboxItem| item.contact == record.fingerprint && item.what == What::Other;
            // Each is among the bodies, and would overtake them.
            waiting.iter().filter(is_other).for_each(|other| turn.delete(other));
            for body in &bodies {
                // Sealed in an older session and not yet deposited: this envelope takes its place.
                let same = |item: &&OutboxItem| item.contact == record.fingerprint && item.what.is(body.message_id);
                let replaced = waiting.iter().find(same);
                let to = record.address().cloned().ok_or(ClientError::Damaged)?;
                let staged = session::enclose(stored.load()?, body.bytes.expose(), now, rng)?;
                let enclosed = staged.persist_now(|session, _| {
                    stored = StoredSession::new(current.id, session);
                    Ok::<(), ClientError>(())
                })?;
                if let Some(old) = replaced {
                    turn.delete(old);
                }
                let item = OutboxItem {
                    number: profile.take_number(),
                    contact: record.fingerprint,
                    to,
                    what: body.message_id.map_or(What::Other, What::Message),
                    outgoing: body.outgoing,
                    envelope: enclosed.envelope,
                };
                turn.put(&item, rng);
            }
            record.reseal_due = Flag::No;
            turn.put(&stored, rng);
            turn.put(&profile, rng);
            turn.put(&record, rng);
            Ok(turn.commit().await?)
        })
        .await
    }

    async fn desk(
        &self,
        turn: &mut Turn<'_, S>,
        to: &Fingerprint,
        now: Timestamp,
        rng: &mut impl CryptoRng,
    ) -> Result<Desk, ClientError> {
        let mut profile: Profile = turn.get(Profile::ID).await?.ok_or(ClientError::Damaged)?;
        let mut contact: Contact = turn.get(to.as_bytes()).await?.ok_or_else(|| unknown(to))?;
        if !contact.is_accepted() {
            return Err(ClientError::ContactBlocked);
        }
        contact.continue_line(profile.line, rng);
        let mailbox = match &contact.mailbox {
            Some(id) => turn.get(id).await?,
            None => None,
        };
        let sealing = profile.sealing.newest(profile.not_fallen_back(now), rng)?;
        Ok(Desk { profile, contact, mailbox, sealing })
    }

    /// One turn: session, line, body, outbox. Only what it saved is ever deposited.
    async fn enclose(
        &self,
        mut turn: Turn<'_, S>,
        mut desk: Desk,
        enclosing: Enclosing,
        now: Timestamp,
        rng: &mut impl CryptoRng,
    ) -> Result<(), ClientError> {
        let frame = &enclosing.frame;
        let body = frame::sign(frame, &self.identity, rng)?;
        let current = desk.contact.sending().ok_or(ClientError::NotNow("there is no session with this contact yet"))?;
        let stored: StoredSession = turn.get(current.id.as_bytes()).await?.ok_or(ClientError::Damaged)?;
        let staged = session::enclose(stored.load()?, body.as_bytes(), now, rng)?;
        desk.advance(frame, &body);
        let saved = Body {
            contact: desk.contact.fingerprint,
            line: frame.line,
            index: frame.index,
            message_id: enclosing.message_id(),
            outgoing: enclosing.outgoing,
            bytes: Secret::new(body.as_bytes()),
        };
        if let Some(message_id) = enclosing.message_id() {
            turn.put(&Signed::new(&desk.contact.fingerprint, Direction::Out, message_id, &body), rng);
        }
        let to = desk.contact.address().cloned().ok_or(ClientError::Damaged)?;
        staged
            .persist(async |session: &[u8], enclosed| {
                let item = OutboxItem {
                    number: desk.profile.take_number(),
                    contact: desk.contact.fingerprint,
                    to,
                    what: enclosing.what,
                    outgoing: enclosing.outgoing,
                    envelope: enclosed.envelope.clone(),
                };
                turn.put(&StoredSession::new(current.id, session), rng);
                turn.put(&saved, rng);
                turn.put(&item, rng);
                turn.put(&desk.profile, rng);
                turn.put(&desk.contact, rng);
                Ok::<(), ClientError>(turn.commit().await?)
            })
            .await?;
        Ok(())
    }
}

/// A frame, and what its envelope is for.
struct Enclosing {
    frame: Frame,
    what: What,
    outgoing: Option<[u8; 16]>,
}

impl Enclosing {
    const fn message_id(&self) -> Option<MessageId> {
        match self.what {
            What::Message(id) => Some(id),
            _ => None,
        }
    }
}

impl Desk {
    fn frame(
        &self,
        content: Content,
        message_id: MessageId,
        sender: Fingerprint,
        now: Timestamp,
    ) -> Result<Frame, ClientError> {
        let untold = self.contact.told_doorbell < self.profile.doorbell_changes;
        let frame = Frame {
            sender,
            recipient: self.contact.fingerprint,
            message_id,
            line: self.contact.ours.line,
            index: self.contact.ours.index.saturating_add(1),
            previous: self.contact.ours.previous,
            sent_at: now,
            ack: self.contact.ack(),
            reply: self.mailbox.as_ref().filter(|_| !self.contact.mailbox_used.is_yes()).map(Mailbox::reply),
            card: self.doorbell().filter(|_| untold),
            content,
            extensions: Extensions::default(),
        };
        if self.contact.has_our_sealing_key(&self.sealing) {
            return Ok(frame);
        }
        // The largest manifests leave no room for it; a smaller frame announces it later.
        let announcing = Frame { extensions: self.sealing.announcement()?, ..frame.clone() };
        Ok(if announcing.check_fits().is_ok() { announcing } else { frame })
    }

    fn doorbell(&self) -> Option<DoorbellChange> {
        self.profile
            .new_doorbell
            .as_ref()
            .map(|new| DoorbellChange { drop: new.drop.clone(), relay: new.relay.clone() })
    }

    fn advance(&mut self, frame: &Frame, body: &SignedBody) {
        self.contact.ours.index = frame.index;
        self.contact.ours.previous = body.frame_digest();
        self.contact.told_doorbell = self.profile.doorbell_changes;
        self.contact.addresses_due = Flag::No;
        if frame.extensions != Extensions::default() {
            self.contact.note_announced(&self.sealing, frame.index);
        }
    }
}

fn manifest(outgoing: &Outgoing, place: usize) -> Result<Manifest, ClientError> {
    let photo = |photo: &OutgoingPhoto| {
        let facts = photo.sealed.as_ref().ok_or(ClientError::Damaged)?;
        let shape = BlobShape::for_length(facts.length_bytes).map_err(|_| ClientError::Damaged)?;
        Ok(Photo {
            treatment: photo.treatment,
            media_type: facts.media_type,
            width: facts.width,
            height: facts.height,
            length_bytes: facts.length_bytes,
            digest: facts.digest,
            source_commitment: facts.source.commitment(),
            thumbhash: facts.thumbhash.clone(),
            name: facts.name.clone(),
            read: photo.readers.as_slice().get(place).cloned().ok_or(ClientError::Damaged)?,
            file_key: photo.file_key.clone(),
            chunk_bytes: shape.class().sealed_bytes(),
            chunk_count: shape.count(),
        })
    };
    let photos: Vec<Photo> = outgoing.photos.iter().map(photo).collect::<Result<_, ClientError>>()?;
    Ok(Manifest {
        note: outgoing.note.clone(),
        blob_relay: if photos.is_empty() { Text::default() } else { outgoing.relay.clone() },
        photos: List::new(photos).map_err(|_| ClientError::Damaged)?,
        delivered_wanted: true,
        viewed_wanted: true,
        expire_after_view: outgoing.view_once.is_yes(),
    })
}

fn out_message(
    outgoing: &Outgoing,
    desk: &Desk,
    manifest: &Manifest,
    message_id: MessageId,
    now: Timestamp,
) -> Result<Message, ClientError> {
    let stored = |(facts, photo): (&Photo, &OutgoingPhoto)| StoredPhoto {
        facts: facts.clone(),
        spool: photo.spool,
        state: PhotoState::Verified,
        tries: 0,
    };
    let photos = manifest.photos.iter().zip(outgoing.photos.iter()).map(stored).collect();
    let sources = outgoing.photos.iter().filter_map(|photo| photo.sealed.as_ref());
    let sources = sources.map(|facts| facts.source.clone()).collect();
    Ok(Message {
        contact: desk.contact.fingerprint,
        direction: Direction::Out,
        message_id,
        number: outgoing.number,
        line: desk.contact.ours.line,
        index: desk.contact.ours.index.saturating_add(1),
        sent_at: now,
        saved_at: now,
        state: State::Outbox,
        read: Flag::Yes,
        note: outgoing.note.clone(),
        blob_relay: manifest.blob_relay.clone(),
        photos: List::new(photos).map_err(|_| ClientError::Damaged)?,
        delivered_wanted: Flag::Yes,
        viewed_wanted: Flag::Yes,
        told: Flag::No,
        receipt: None,
        sources: List::new(sources).map_err(|_| ClientError::Damaged)?,
        writes: List::new(outgoing.photos.iter().map(|photo| photo.write.clone()).collect()).unwrap_or_default(),
        view_once: outgoing.view_once,
        retraction: None,
    })
}

//! Take what a verified frame says: a message, a receipt, a retract; and the addresses it names.

use lightproof_e2ee::{
    frame::{self, Content, Frame, VerifiedFrame},
    manifest::{Manifest, Photo},
    receipt::{Receipt, ReceiptKind},
};
use lightproof_wire::{
    codec::{Bytes, List, Text},
    relay_link::RelayLink,
    time::Timestamp,
};
use rand_core::CryptoRng;

use crate::{
    client::Client,
    contact::{Contact, Place, PrivateDrop},
    error::ClientError,
    event::Notice,
    message::{Direction, Message, PhotoState, Signed, State, StoredPhoto},
    profile::Profile,
    retract::Retracting,
    spool::{Spool, SpoolName},
    transport::Transport,
    vault::{Turn, record::Flag, store::Store},
};

/// What came of a frame beside what was saved.
#[derive(Default)]
pub(super) struct Taken {
    /// It does not agree with what was said before.
    pub(super) contradicts: bool,
    /// What a person should hear of it.
    pub(super) notices: Vec<Notice>,
    /// Sealed photos whose keys are gone.
    pub(super) dropped: Vec<SpoolName>,
}

impl<S: Store, P: Spool, T: Transport> Client<S, P, T> {
    /// Saves what a frame says.
    pub(super) async fn take_content(
        &self,
        turn: &mut Turn<'_, S>,
        contact: &mut Contact,
        verified: &VerifiedFrame,
        now: Timestamp,
        rng: &mut impl CryptoRng,
    ) -> Result<Taken, ClientError> {
        match &verified.frame().content {
            Content::Manifest(manifest) => self.take_manifest(turn, contact, (verified, manifest), now, rng).await,
            Content::Receipt(receipt) => self.take_receipt(turn, contact, receipt, rng).await,
            Content::Retract(retract) => {
                self.take_retract(turn, contact, (verified.frame().message_id, retract), now, rng).await
            }
        }
    }

    async fn take_manifest(
        &self,
        turn: &mut Turn<'_, S>,
        contact: &Contact,
        content: (&VerifiedFrame, &Manifest),
        now: Timestamp,
        rng: &mut impl CryptoRng,
    ) -> Result<Taken, ClientError> {
        let (verified, manifest) = content;
        let frame = verified.frame();
        let id = Message::record_id(&contact.fingerprint, Direction::In, &frame.message_id);
        if turn.get::<Message>(&id).await?.is_some() {
            // A second body under one message id, at another place of the line.
            return Ok(Taken { contradicts: true, ..Taken::default() });
        }
        let mut profile: Profile = turn.get(Profile::ID).await?.ok_or(ClientError::Damaged)?;
        let mut message = Message {
            contact: contact.fingerprint,
            direction: Direction::In,
            message_id: frame.message_id,
            number: profile.take_number(),
            line: frame.line,
            index: frame.index,
            sent_at: frame.sent_at,
            saved_at: now,
            state: State::Waiting,
            read: Flag::No,
            note: manifest.note.clone(),
            blob_relay: manifest.blob_relay.clone(),
            photos: List::new(manifest.photos.iter().map(|photo| waiting(photo, rng)).collect()).unwrap_or_default(),
            delivered_wanted: manifest.delivered_wanted.into(),
            viewed_wanted: manifest.viewed_wanted.into(),
            told: Flag::No,
            receipt: None,
            sources: List::default(),
            writes: List::default(),
            view_once: manifest.expire_after_view.into(),
            retraction: None,
        };
        message.state = message.state_of_photos();
        if message.view_once.is_yes() {
            hide(&mut message);
        }
        if self.was_retracted(turn, &message).await? {
            // Nothing of it was fetched: no photo lies in the spool.
            drop(message.empty(State::Retracted, turn));
        } else {
            turn.put(&Signed::new(&contact.fingerprint, Direction::In, frame.message_id, verified.body()), rng);
            if message.state == State::Verified && manifest.delivered_wanted {
                self.owe_receipt(turn, contact, (ReceiptKind::Delivered, frame.message_id), now, rng).await?;
            }
        }
        turn.put(&message, rng);
        turn.put(&profile, rng);
        Ok(Taken::default())
    }

    async fn take_receipt(
        &self,
        turn: &mut Turn<'_, S>,
        contact: &Contact,
        receipt: &Receipt,
        rng: &mut impl CryptoRng,
    ) -> Result<Taken, ClientError> {
        let state = match receipt.kind {
            ReceiptKind::Delivered => State::Delivered,
            ReceiptKind::Viewed => State::Viewed,
        };
        for id in receipt.message_ids.iter() {
            let record = Message::record_id(&contact.fingerprint, Direction::Out, id);
            match turn.get::<Message>(&record).await? {
                Some(mut message) if message.reached() < state => {
                    message.reach(state);
                    turn.put(&message, rng);
                }
                Some(_) => {}
                None => Retracting::confirm(turn, &contact.fingerprint, id, rng).await?,
            }
        }
        Ok(Taken::default())
    }
}

/// Of a message for one look, what can be shown is only in what was signed.
fn hide(message: &mut Message) {
    message.note = Text::default();
    let mut photos = core::mem::take(&mut message.photos).into_vec();
    for photo in &mut photos {
        photo.facts.thumbhash = Bytes::default();
        photo.facts.name = Text::default();
    }
    message.photos = List::new(photos).unwrap_or_default();
}

fn waiting(photo: &Photo, rng: &mut impl CryptoRng) -> StoredPhoto {
    StoredPhoto { facts: photo.clone(), spool: SpoolName::generate(rng), state: PhotoState::Waiting, tries: 0 }
}

/// Of private mailboxes, sealing keys and doorbells, that of the newest frame counts, in whatever order they come. The relay
/// they are at now, if that is another than before.
pub(super) fn note_addresses(contact: &mut Contact, frame: &Frame) -> Option<RelayLink> {
    let mut moved = None;
    let named = contact.private.as_ref().map_or(Place::HELLO, |known| known.named);
    if let Some(reply) = &frame.reply
        && contact.is_before(named, frame)
    {
        if let Some(known) = contact.private.take().filter(|known| known.reply.relay != reply.relay) {
            contact.earlier = Some(known.reply);
            moved = RelayLink::from_text(&reply.relay).ok();
        }
        contact.private = Some(PrivateDrop { reply: reply.clone(), named: Place::of(frame) });
    }
    contact.note_sealing_key_of(frame);
    if let Some(change) = &frame.card
        && contact.doorbell_told.is_none_or(|told| contact.is_before(told, frame))
    {
        contact.doorbell = Some(frame::Reply { drop: change.drop.clone(), relay: change.relay.clone() });
        contact.doorbell_told = Some(Place::of(frame));
    }
    moved
}

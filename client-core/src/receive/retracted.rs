//! A message is taken back by its sender: what nobody has looked at yet goes, keys first; what was looked at stays.

use lightproof_e2ee::{
    frame::MessageId,
    identity::Fingerprint,
    receipt::{ReceiptKind, Retract},
};
use lightproof_wire::{
    codec::{List, TlsDeserialize, TlsSerialize, TlsSize},
    time::{Day, Timestamp},
};
use rand_core::CryptoRng;

use super::content::Taken;
use crate::{
    client::Client,
    contact::Contact,
    error::ClientError,
    event::Notice,
    message::{Direction, Message, PhotoState, Retraction, State},
    spool::Spool,
    transport::Transport,
    vault::{
        Turn,
        record::{Flag, Record},
        store::{Store, Table},
    },
};

/// A message that was taken back before it came: when it comes, nothing of it is kept.
#[derive(Clone, Debug, TlsSerialize, TlsDeserialize, TlsSize)]
pub(crate) struct Retracted {
    /// Who took it back: a name counts for messages of this contact alone.
    pub(crate) contact: Fingerprint,
    message_id: MessageId,
    /// When we heard of it.
    pub(super) day: Day,
}

impl Record for Retracted {
    const TABLE: Table = Table::Retracted;

    fn id(&self) -> Vec<u8> {
        [self.contact.as_bytes().as_slice(), &self.message_id.0].concat()
    }
}

impl<S: Store, P: Spool, T: Transport> Client<S, P, T> {
    /// Drops what the sender takes back, and owes them a receipt for having done so.
    pub(super) async fn take_retract(
        &self,
        turn: &mut Turn<'_, S>,
        contact: &Contact,
        retract: (MessageId, &Retract),
        now: Timestamp,
        rng: &mut impl CryptoRng,
    ) -> Result<Taken, ClientError> {
        let (name, retract) = retract;
        let mut taken = Taken::default();
        for id in retract.message_ids.iter() {
            let record = Message::record_id(&contact.fingerprint, Direction::In, id);
            match turn.get::<Message>(&record).await? {
                None => {
                    let early = Retracted { contact: contact.fingerprint, message_id: *id, day: now.day() };
                    turn.put(&early, rng);
                }
                Some(message) if message.retraction.is_some() || message.state >= State::Viewed => {}
                Some(mut message) if message.read.is_yes() => {
                    stay(&mut message);
                    turn.put(&message, rng);
                    taken.notices.push(Notice::Retracted(contact.fingerprint));
                }
                Some(mut message) => {
                    taken.dropped.extend(message.empty(State::Retracted, turn));
                    message.told = Flag::No;
                    turn.put(&message, rng);
                }
            }
        }
        self.owe_receipt(turn, contact, (ReceiptKind::Delivered, name), now, rng).await?;
        Ok(taken)
    }

    /// Whether a message that comes now was taken back before; that is then over.
    pub(super) async fn was_retracted(&self, turn: &mut Turn<'_, S>, message: &Message) -> Result<bool, ClientError> {
        let id = [message.contact.as_bytes().as_slice(), &message.message_id.0].concat();
        let early: Option<Retracted> = turn.get(&id).await?;
        early.iter().for_each(|early| turn.delete(early));
        Ok(early.is_some())
    }
}

/// A person has seen it: it is theirs now, without the photos that never came.
fn stay(message: &mut Message) {
    let mut photos = core::mem::take(&mut message.photos).into_vec();
    for photo in photos.iter_mut().filter(|photo| photo.state == PhotoState::Waiting) {
        photo.state = PhotoState::Expired;
    }
    message.photos = List::new(photos).unwrap_or_default();
    message.state = message.state_of_photos();
    message.retraction = Some(Retraction { reached: message.state, confirmed: Flag::No });
}

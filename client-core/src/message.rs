//! Messages at rest: what was sent and received, with the state of each and of each photo.

use lightproof_e2ee::{
    frame::{LineId, MessageId, SignedBody},
    identity::Fingerprint,
    manifest::{NOTE_BYTES, PHOTOS, Photo},
    proof::SourceOpening,
};
use lightproof_wire::{
    capability::{Capability, right},
    codec::{Bytes, List, Text, TlsDeserialize, TlsSerialize, TlsSize},
    deposit_receipt::DepositReceipt,
    limits::RELAY_LINK_BYTES,
    time::Timestamp,
};

use crate::{
    spool::SpoolName,
    vault::{
        Turn,
        record::{Flag, Record, Secret},
        store::{Store, Table},
    },
};

/// Which way a message went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, TlsSerialize, TlsDeserialize, TlsSize)]
#[repr(u8)]
pub enum Direction {
    /// To us.
    In = 1,
    /// From us.
    Out = 2,
}

/// How far a message came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, TlsSerialize, TlsDeserialize, TlsSize)]
#[repr(u8)]
pub enum State {
    /// In: its photos are not all here yet. The note may be shown, it is signed.
    Waiting = 1,
    /// In: everything is here and unchanged since its sender sealed it.
    Verified = 2,
    /// In: a photo is not what its sender sealed.
    Failed = 3,
    /// In: a photo was gone before it was fetched. Out: nobody fetched it in time.
    Expired = 4,
    /// Out: sealed and on its way.
    Outbox = 5,
    /// Out: the relay has it on disk.
    Deposited = 6,
    /// Out: the recipient has it, photos verified.
    Delivered = 7,
    /// Out: the recipient has looked at it. In: it was for one look, and is gone.
    Viewed = 8,
    /// Taken back by its sender. In: nothing of it is kept.
    Retracted = 9,
}

/// A message that was taken back, beyond its state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, TlsSerialize, TlsDeserialize, TlsSize)]
pub struct Retraction {
    /// Out: how far it had come, or comes all the same.
    pub reached: State,
    /// Out: nothing is to be confirmed any more: the other side dropped what it could, or it was given up before it went out.
    pub confirmed: Flag,
}

/// How far one received photo came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, TlsSerialize, TlsDeserialize, TlsSize)]
#[repr(u8)]
pub enum PhotoState {
    /// Not fetched yet.
    Waiting = 1,
    /// Sealed chunks are here; every tag, the length and the digest hold. The relay may still have to be told.
    Verified = 2,
    /// The same, and the relay knows that we need it no more.
    Released = 3,
    /// Not what its sender sealed.
    Failed = 4,
    /// Gone from the relay before it was fetched.
    Expired = 5,
    /// Verified once and let go at its relay, and left out of the backup that this home comes from.
    LeftOut = 6,
}

/// A photo of a message.
#[derive(Clone, Debug, TlsSerialize, TlsDeserialize, TlsSize)]
pub struct StoredPhoto {
    /// What its sender signed.
    pub facts: Photo,
    /// Where its sealed chunks lie.
    pub spool: SpoolName,
    /// How far it came.
    pub state: PhotoState,
    /// Failed tries to fetch it.
    pub tries: u8,
}

/// One message with one contact.
#[derive(Clone, Debug, TlsSerialize, TlsDeserialize, TlsSize)]
pub struct Message {
    /// Who with.
    pub contact: Fingerprint,
    /// Which way.
    pub direction: Direction,
    /// Its signed name.
    pub message_id: MessageId,
    /// Its place among all messages of this vault.
    pub number: u64,
    /// The line it stands in.
    pub line: LineId,
    /// Its place there.
    pub index: u64,
    /// By its sender's clock.
    pub sent_at: Timestamp,
    /// When it was saved here.
    pub saved_at: Timestamp,
    /// How far it came.
    pub state: State,
    /// Whether the user has seen it.
    pub read: Flag,
    /// The note. Never print it raw.
    pub note: Text<NOTE_BYTES>,
    /// Where its blobs are.
    pub blob_relay: Text<RELAY_LINK_BYTES>,
    /// The photos.
    pub photos: List<StoredPhoto, PHOTOS>,
    /// In: the sender asked to hear of delivery. Out: we asked.
    pub delivered_wanted: Flag,
    /// The same for viewing; of what came in, until they are told.
    pub viewed_wanted: Flag,
    /// Whether a user interface has told the user how it ended.
    pub told: Flag,
    /// Out: the relay's signed promise.
    pub receipt: Option<DepositReceipt>,
    /// Out: what opens the source commitments, which we may do later as proof.
    pub sources: List<SourceOpening, PHOTOS>,
    /// Out: our right to each blob, to take it back.
    pub writes: List<Capability<right::Write>, PHOTOS>,
    /// Shown once and then destroyed. In: note, names and blurs are only in what was signed until then.
    pub view_once: Flag,
    /// Its sender took it back. In: after it was looked at, so that it stayed.
    pub retraction: Option<Retraction>,
}

impl Message {
    /// The id of a record.
    #[must_use]
    pub fn record_id(contact: &Fingerprint, direction: Direction, id: &MessageId) -> Vec<u8> {
        [contact.as_bytes().as_slice(), &[direction as u8], &id.0].concat()
    }

    /// As users name it: the first eight hexadecimal digits of its id are enough until they are not.
    #[must_use]
    pub fn name(&self) -> String {
        self.message_id.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Deletes it with all that is kept of it in the vault; its sealed photos lie in the spool.
    pub(crate) fn delete<S: Store>(&self, turn: &mut Turn<'_, S>) {
        turn.delete(self);
        turn.delete_id::<Signed>(&self.id());
    }

    /// Empties a received message, so that only the fact that it came is left; where its sealed photos lie.
    pub(crate) fn empty<S: Store>(&mut self, state: State, turn: &mut Turn<'_, S>) -> Vec<SpoolName> {
        turn.delete_id::<Signed>(&self.id());
        self.state = state;
        self.read = Flag::Yes;
        self.note = Text::default();
        self.blob_relay = Text::default();
        core::mem::take(&mut self.photos).iter().map(|photo| photo.spool).collect()
    }

    /// Out: how far it came, whether or not it was taken back since.
    #[must_use]
    pub fn reached(&self) -> State {
        self.retraction.map_or(self.state, |retraction| retraction.reached)
    }

    /// Out: notes that it came so far.
    pub(crate) fn reach(&mut self, state: State) {
        let is_given_up = self.is_given_up();
        match &mut self.retraction {
            Some(retraction) => {
                retraction.reached = state;
                if is_given_up {
                    // It was faster, and nobody has dropped anything.
                    retraction.confirmed = Flag::No;
                }
            }
            None => self.state = state,
        }
    }

    /// Out: whether it was still to go out when its recipient was blocked or removed, and goes out no more.
    #[must_use]
    pub fn is_given_up(&self) -> bool {
        self.direction == Direction::Out
            && self.retraction == Some(Retraction { reached: State::Outbox, confirmed: Flag::Yes })
    }

    /// Whether it is to be shown once, and was not yet.
    #[must_use]
    pub fn is_for_one_look(&self) -> bool {
        self.direction == Direction::In && self.view_once.is_yes() && self.state <= State::Expired
    }

    /// In: whether it came whole, and its sender wants to hear of that.
    pub(crate) fn is_to_be_confirmed(&self) -> bool {
        matches!(self.state, State::Verified | State::Viewed) && self.delivered_wanted.is_yes()
    }

    /// Whether its sender is to hear that somebody looks at it now: who saw the note before the photos came, has not.
    pub(crate) fn owes_viewed(&self) -> bool {
        self.direction == Direction::In && self.state == State::Verified && self.viewed_wanted.is_yes()
    }

    /// The state that follows from the photos, for a received message.
    #[must_use]
    pub fn state_of_photos(&self) -> State {
        let any = |state| self.photos.iter().any(|photo| photo.state == state);
        if any(PhotoState::Failed) {
            State::Failed
        } else if any(PhotoState::Expired) {
            State::Expired
        } else if any(PhotoState::Waiting) {
            State::Waiting
        } else {
            State::Verified
        }
    }
}

impl Record for Message {
    const TABLE: Table = Table::Messages;

    fn id(&self) -> Vec<u8> {
        Self::record_id(&self.contact, self.direction, &self.message_id)
    }
}

/// A message as its sender signed it, as long as the message is kept: so that it can be shown to others.
#[derive(Clone, Debug, TlsSerialize, TlsDeserialize, TlsSize)]
pub struct Signed {
    /// [`Message::record_id`] of the message.
    message: Bytes<64>,
    /// Frame and signature.
    bytes: Secret,
}

impl Record for Signed {
    const TABLE: Table = Table::Signed;

    fn id(&self) -> Vec<u8> {
        self.message.as_slice().to_vec()
    }
}

impl Signed {
    /// Of one message.
    #[must_use]
    pub fn new(contact: &Fingerprint, direction: Direction, id: MessageId, body: &SignedBody) -> Self {
        let message = Bytes::new(Message::record_id(contact, direction, &id)).unwrap_or_default();
        Self { message, bytes: Secret::new(body.as_bytes()) }
    }

    /// Frame and signature.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        self.bytes.expose()
    }
}

/// A signed body of ours until the peer's ack covers it: a new session seals the same bytes again.
#[derive(Clone, Debug, TlsSerialize, TlsDeserialize, TlsSize)]
pub struct Body {
    /// For whom.
    pub contact: Fingerprint,
    /// Our line.
    pub line: LineId,
    /// Its place there.
    pub index: u64,
    /// The message it belongs to, if it is one.
    pub message_id: Option<MessageId>,
    /// The send whose blobs it names.
    pub outgoing: Option<[u8; 16]>,
    /// Frame and signature.
    pub bytes: Secret,
}

impl Record for Body {
    const TABLE: Table = Table::Bodies;

    fn id(&self) -> Vec<u8> {
        Self::record_id(&self.contact, self.line, self.index)
    }
}

impl Body {
    /// The id of a record.
    #[must_use]
    pub fn record_id(contact: &Fingerprint, line: LineId, index: u64) -> Vec<u8> {
        [contact.as_bytes().as_slice(), &line.0, &index.to_be_bytes()].concat()
    }
}

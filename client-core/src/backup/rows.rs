//! Which rows of a vault mean something in another home, and what becomes of each on its way.
//!
//! | table | |
//! |---|---|
//! | profile, mailboxes, relays, receipts, frames, seen, signed, bodies, retracts | as they are |
//! | contacts | without their sessions |
//! | messages | a photo that stays behind and that its relay still has is fetched again; none that is still to be looked at once |
//! | drafts | those of which an envelope is sealed: they keep blobs alive; the others could be sent twice |
//! | sessions, prekeys, hellos, outbox, aside, attempts | not at all: what they seal, or can open, is of one home |

use std::collections::BTreeSet;

use lightproof_wire::{codec::List, time::Timestamp};
use rand_core::CryptoRng;

use super::{RestoreError, format};
use crate::{
    contact::Contact,
    error::ClientError,
    lines::FrameRecord,
    mailboxes::Mailbox,
    message::{Body, Direction, Message, PhotoState, Signed, State, StoredPhoto},
    profile::Profile,
    receive::{DueReceipt, Retracted, Seen},
    relays::Relay,
    retract::Retracting,
    send::Outgoing,
    spool::SpoolName,
    vault::{
        Snapshot, Turn,
        record::{Record, from_value},
        store::{Store, Table},
    },
};

/// The tables that are read.
pub(super) const TABLES: [Table; 13] = [
    Table::Profile,
    Table::Contacts,
    Table::Mailboxes,
    Table::Messages,
    Table::Signed,
    Table::Bodies,
    Table::Drafts,
    Table::Relays,
    Table::Frames,
    Table::Receipts,
    Table::Seen,
    Table::Retracting,
    Table::Retracted,
];

/// Rows as a backup carries them.
#[derive(Default)]
pub(super) struct Rows {
    pub(super) bytes: Vec<u8>,
    pub(super) count: u32,
    pub(super) contacts: u32,
    pub(super) messages: u32,
    /// Sends that are not sealed for everybody: what is not sealed of them stays behind.
    pub(super) sends_left_out: u32,
}

impl Rows {
    /// All that a snapshot has for another home; `here` are the photos that go with it.
    ///
    /// # Errors
    /// A damaged record.
    pub(super) fn of(snapshot: &Snapshot<'_>, here: &BTreeSet<SpoolName>) -> Result<Self, ClientError> {
        let mut rows = Self::default();
        // First: a reader knows at once that this is a home.
        rows.put(&snapshot.one::<Profile>(Profile::ID)?.ok_or(ClientError::Damaged)?);
        for contact in snapshot.all::<Contact>() {
            rows.put(&contact?.without_sessions());
            rows.contacts = rows.contacts.saturating_add(1);
        }
        let mut left_out = BTreeSet::new();
        for message in snapshot.all::<Message>() {
            let message = message?;
            if is_for_one_look(&message) {
                left_out.insert(message.id());
                continue;
            }
            rows.put(&without_photos_but(message, here));
            rows.messages = rows.messages.saturating_add(1);
        }
        for send in snapshot.all::<Outgoing>() {
            let mut send = send?;
            // Nobody else is written to, or the home it was begun in would write to them too.
            if send.leave_out_the_rest() {
                rows.sends_left_out = rows.sends_left_out.saturating_add(1);
            }
            if send.is_begun() {
                rows.put(&send);
            }
        }
        rows.put_all::<Mailbox>(snapshot)?;
        for signed in snapshot.all::<Signed>() {
            let signed = signed?;
            if !left_out.contains(&signed.id()) {
                rows.put(&signed);
            }
        }
        rows.put_all::<Body>(snapshot)?;
        rows.put_all::<Relay>(snapshot)?;
        rows.put_all::<FrameRecord>(snapshot)?;
        rows.put_all::<DueReceipt>(snapshot)?;
        rows.put_all::<Seen>(snapshot)?;
        rows.put_all::<Retracting>(snapshot)?;
        rows.put_all::<Retracted>(snapshot)?;
        Ok(rows)
    }

    fn put_all<T: Record>(&mut self, snapshot: &Snapshot<'_>) -> Result<(), ClientError> {
        for record in snapshot.all::<T>() {
            self.put(&record?);
        }
        Ok(())
    }

    fn put<T: Record>(&mut self, record: &T) {
        format::append_row(&mut self.bytes, record);
        self.count = self.count.saturating_add(1);
    }
}

/// Whether a message is still to be looked at once: in two homes it could be looked at twice.
pub(super) fn is_for_one_look(message: &Message) -> bool {
    message.direction == Direction::In
        && message.view_once.is_yes()
        && !matches!(message.state, State::Viewed | State::Retracted)
}

/// The received photos whose sealed chunks should be in the spool.
pub(super) fn kept_photos(message: &Message) -> impl Iterator<Item = &StoredPhoto> {
    let is_kept = |photo: &&StoredPhoto| matches!(photo.state, PhotoState::Verified | PhotoState::Released);
    let is_in_it = message.direction == Direction::In && !is_for_one_look(message);
    message.photos.iter().filter(move |_| is_in_it).filter(is_kept)
}

fn without_photos_but(mut message: Message, here: &BTreeSet<SpoolName>) -> Message {
    if message.direction == Direction::Out {
        return message;
    }
    let mut photos = message.photos.into_vec();
    let mut waits = false;
    for photo in photos.iter_mut().filter(|photo| !here.contains(&photo.spool)) {
        match photo.state {
            PhotoState::Verified => {
                photo.state = PhotoState::Waiting;
                waits = true;
            }
            // Let go at its relay, it is gone; that its message was verified stays true.
            PhotoState::Released => photo.state = PhotoState::LeftOut,
            _ => {}
        }
    }
    message.photos = List::new(photos).unwrap_or_default();
    if waits {
        message.state = message.state_of_photos();
    }
    message
}

/// Puts one row into the vault of a new home.
///
/// # Errors
/// [`RestoreError`].
pub(super) fn restore<S: Store>(
    turn: &mut Turn<'_, S>,
    (table, value): (u8, &[u8]),
    now: Timestamp,
    rng: &mut impl CryptoRng,
) -> Result<Table, RestoreError> {
    let table = TABLES.into_iter().find(|known| *known as u8 == table).ok_or(RestoreError::Newer)?;
    match table {
        Table::Profile => turn.put(&from_value::<Profile>(value)?.restored(rng), rng),
        Table::Contacts => turn.put(&from_value::<Contact>(value)?.restored(now), rng),
        Table::Mailboxes => turn.put(&from_value::<Mailbox>(value)?, rng),
        Table::Messages => turn.put(&from_value::<Message>(value)?, rng),
        Table::Signed => turn.put(&from_value::<Signed>(value)?, rng),
        Table::Bodies => turn.put(&from_value::<Body>(value)?, rng),
        Table::Drafts => turn.put(&from_value::<Outgoing>(value)?, rng),
        Table::Relays => turn.put(&from_value::<Relay>(value)?, rng),
        Table::Frames => turn.put(&from_value::<FrameRecord>(value)?, rng),
        Table::Receipts => turn.put(&from_value::<DueReceipt>(value)?, rng),
        Table::Seen => turn.put(&from_value::<Seen>(value)?, rng),
        Table::Retracting => turn.put(&from_value::<Retracting>(value)?, rng),
        Table::Retracted => turn.put(&from_value::<Retracted>(value)?, rng),
        _ => return Err(RestoreError::Damaged),
    }
    Ok(table)
}

//! Which rows of a vault mean something in another home, and what becomes of each on its way.
//!
//! | table | |
//! |---|---|
//! | profile, mailboxes, relays, receipts, frames, seen, signed, bodies | as they are |
//! | contacts | without their sessions |
//! | messages | a photo that stays behind and that its relay still has is fetched again |
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
    message::{Body, Direction, Message, PhotoState, Signed, StoredPhoto},
    profile::Profile,
    receive::{DueReceipt, Seen},
    relays::Relay,
    send::Outgoing,
    spool::SpoolName,
    vault::{
        Snapshot, Turn,
        record::{Record, from_value},
        store::{Store, Table},
    },
};

/// The tables that are read.
pub(super) const TABLES: [Table; 11] = [
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
];

/// Rows as a backup carries them.
#[derive(Default)]
pub(super) struct Rows {
    pub(super) bytes: Vec<u8>,
    pub(super) count: u32,
    pub(super) contacts: u32,
    pub(super) messages: u32,
    /// Sends of which no envelope is sealed: they stay behind.
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
        for message in snapshot.all::<Message>() {
            rows.put(&without_photos_but(message?, here));
            rows.messages = rows.messages.saturating_add(1);
        }
        for send in snapshot.all::<Outgoing>() {
            match begun(send?) {
                Some(send) => rows.put(&send),
                None => rows.sends_left_out = rows.sends_left_out.saturating_add(1),
            }
        }
        rows.put_all::<Mailbox>(snapshot)?;
        rows.put_all::<Signed>(snapshot)?;
        rows.put_all::<Body>(snapshot)?;
        rows.put_all::<Relay>(snapshot)?;
        rows.put_all::<FrameRecord>(snapshot)?;
        rows.put_all::<DueReceipt>(snapshot)?;
        rows.put_all::<Seen>(snapshot)?;
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

/// The received photos whose sealed chunks should be in the spool.
pub(super) fn kept_photos(message: &Message) -> impl Iterator<Item = &StoredPhoto> {
    let is_kept = |photo: &&StoredPhoto| matches!(photo.state, PhotoState::Verified | PhotoState::Released);
    message.photos.iter().filter(|_| message.direction == Direction::In).filter(is_kept)
}

fn without_photos_but(mut message: Message, here: &BTreeSet<SpoolName>) -> Message {
    if message.direction == Direction::Out {
        return message;
    }
    let mut photos = message.photos.into_vec();
    for photo in photos.iter_mut().filter(|photo| !here.contains(&photo.spool)) {
        // Let go at its relay, it is gone; that it was verified stays true.
        if photo.state == PhotoState::Verified {
            photo.state = PhotoState::Waiting;
        }
    }
    message.photos = List::new(photos).unwrap_or_default();
    message.state = message.state_of_photos();
    message
}

/// A send as far as it is sealed: nobody else is written to, or the home it was begun in would write to them too.
fn begun(mut send: Outgoing) -> Option<Outgoing> {
    if !send.is_begun() {
        return None;
    }
    let recipients = send.recipients.clone();
    for recipient in recipients.iter() {
        send.leave_out(&recipient.contact);
    }
    Some(send)
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
        _ => return Err(RestoreError::Damaged),
    }
    Ok(table)
}

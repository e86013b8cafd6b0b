//! What senders, relays and recipients say they did, in one log that only grows, and a checker that decides from the log
//! alone whether everything acknowledged was delivered: once, intact, in order, or expired by the published rule.
//!
//! Nothing here knows how a relay or a client works; a test includes it as a module where it cannot depend on this
//! package.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

mod blobs;
mod mailboxes;
mod messages;

/// The digest of anything.
pub type Hash = [u8; 32];

/// One thing that somebody did or saw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// It is this day now.
    Day(u32),

    /// A depositor sends an envelope, for the first time or again.
    Attempted(u64, Hash),
    /// A depositor holds a receipt: the mailbox keeps the envelope until that day.
    Deposited(u64, Hash, u32),
    /// A recipient begins to watch; the relay says what was acked at most.
    Watching(u64, u64),
    /// The relay pushed an envelope of a watched mailbox, with its place there.
    Delivered(u64, u64, Hash),
    /// A recipient asks the relay to forget a place.
    AckAsked(u64, u64),
    /// The relay said that it has forgotten it.
    Acked(u64, u64),
    /// A recipient has waited long enough: what it watches holds nothing more.
    Quiet(u64),

    /// A doorbell gave this one-time prekey.
    Given(u64, u32),
    /// A relay said that a blob is committed, with this content.
    Committed(u64, Hash),
    /// A reader got a committed blob, with this content; or was refused.
    Read(u64, u64, Option<Hash>),
    /// A reader lets a blob go.
    Released(u64, u64),

    /// Somebody writes a message of a line, with its place there.
    Written(u64, u64, Hash),
    /// Its sender was told that it is deposited.
    Sent(u64, Hash),
    /// The recipient's disk has it.
    Saved(u64, Hash),
    /// A person saw it.
    Shown(u64, Hash),
    /// Its sender was told that it was delivered.
    Confirmed(u64, Hash),
    /// Everything under way on a line has had its time.
    Settled(u64),
}

/// What must never be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Violation {
    /// Acknowledged, not expired, and not there.
    Lost(Hash),
    /// Nobody sent it there.
    Invented(Hash),
    /// It came twice.
    Twice(Hash),
    /// It came before what was acknowledged before it.
    OutOfOrder(Hash),
    /// One place for two.
    PlaceReused(u64),
    /// It came again though its ack was answered.
    BackAfterAck(u64),
    /// The relay knows of fewer acks than it answered, or of more than were asked.
    WrongCursor(u64),
    /// One prekey for two.
    GivenTwice(u32),
    /// A blob is not what was committed.
    Changed(Hash),
    /// It was shown or confirmed and is on no disk.
    NotSaved(Hash),
}

/// The log. A clone is the same log.
#[derive(Clone, Default)]
pub struct History(Arc<Mutex<Vec<Event>>>);

impl History {
    /// Appends.
    pub fn note(&self, event: Event) {
        self.log().push(event);
    }

    /// How much was noted.
    #[must_use]
    pub fn count(&self) -> usize {
        self.log().len()
    }

    /// Everything that must not have been.
    #[must_use]
    pub fn check(&self) -> Vec<Violation> {
        let log = self.log();
        let mut found = mailboxes::check(&log);
        found.extend(blobs::check(&log));
        found.extend(messages::check(&log));
        found
    }

    /// Whether a mailbox still owes its watcher anything that was acknowledged.
    #[must_use]
    pub fn is_owed(&self, mailbox: u64) -> bool {
        mailboxes::owes(&self.log(), mailbox)
    }

    fn log(&self) -> MutexGuard<'_, Vec<Event>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "the last of {} events:", self.count())?;
        let log = self.log();
        log.iter().rev().take(60).rev().try_for_each(|event| writeln!(f, "  {event:?}"))
    }
}

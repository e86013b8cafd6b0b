//! What a user interface is told while an operation runs.

use lightproof_e2ee::identity::Fingerprint;
use lightproof_wire::relay_link::RelayLink;

/// Something happened that a person may want to see.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A long step comes to the next photo: what [`Progress`](Self::Progress) follows is about it alone.
    Photo {
        /// Which step.
        stage: Stage,
        /// Counted from 1.
        number: usize,
        /// Photos in all.
        count: usize,
        /// Bytes of the photos before it.
        before_bytes: u64,
        /// Bytes of all of them; where `before_bytes` is as much, the step is done.
        total_bytes: u64,
    },
    /// A long step goes on.
    Progress {
        /// Which.
        stage: Stage,
        /// Bytes done.
        done_bytes: u64,
        /// Bytes in all.
        total_bytes: u64,
    },
    /// Something to be shown.
    Notice(Notice),
}

impl Event {
    /// A step comes to the photo at `place`, counted from 0, of photos of these lengths.
    pub(crate) fn photo(stage: Stage, lengths_bytes: &[u64], place: usize) -> Self {
        let sum = |lengths: &[u64]| lengths.iter().fold(0_u64, |sum, length| sum.saturating_add(*length));
        let count = lengths_bytes.len();
        Self::Photo {
            stage,
            number: place.saturating_add(1).min(count),
            count,
            before_bytes: sum(lengths_bytes.get(..place).unwrap_or(lengths_bytes)),
            total_bytes: sum(lengths_bytes),
        }
    }
}

/// A step that can take long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Photos are decoded and encoded.
    Preparing,
    /// Chunks are sealed and, where the relay is reached, uploaded.
    Uploading,
    /// Chunks are fetched and verified.
    Fetching,
    /// A backup is written.
    BackingUp,
    /// A backup is read.
    Restoring,
}

/// Something to be shown, and whether it is an alarm.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Notice {
    /// An envelope opened, and what it holds is not authentic: signed by somebody else, or for somebody else.
    Forged(Option<Fingerprint>),
    /// This contact signed what cannot stand beside what they signed before: one of two copies of their home, or they lie.
    Contradicts(Fingerprint),
    /// Messages of this contact are missing before one that came.
    Missing {
        /// Whose.
        contact: Fingerprint,
        /// How many.
        count: u64,
    },
    /// This contact writes from a restored or second copy.
    NewLine(Fingerprint),
    /// A new session with an accepted contact began.
    NewSession(Fingerprint),
    /// The mailbox that this contact had named is gone, as its relay says: a new session is asked for.
    MailboxEnded(Fingerprint),
    /// An envelope was made by a newer version; it is kept for after an upgrade.
    NewerVersion,
    /// This home is an older copy: another has taken envelopes since. A new line was begun.
    OldCopy,
    /// Another copy of this home wrote to this contact, too, and of what this one sent so many messages may not have arrived:
    /// the contact has taken what the other copy sent in their places.
    Doubtful {
        /// To whom.
        contact: Fingerprint,
        /// How many.
        count: u64,
    },
    /// The relay's key for deposit receipts is not the one it had.
    ReceiptKeyChanged(RelayLink),
    /// The relay knows of fewer acks than it confirmed: it lost state.
    RelayLostState(RelayLink),
    /// The relay of a photo, a reply or a card is not one the user has allowed.
    RelayNotAllowed(RelayLink),
    /// This contact is at another relay now, which the user has not allowed.
    Moved {
        /// Who.
        contact: Fingerprint,
        /// Where to.
        relay: RelayLink,
    },
    /// This contact took back a message that was looked at before, and stays.
    Retracted(Fingerprint),
    /// Another copy of this home watches the same mailboxes.
    Superseded,
    /// The relay's clock and ours differ by more than a day.
    Clock(RelayLink),
    /// An envelope could not be opened; it was set aside and stops nothing.
    Unopened,
}

impl Notice {
    /// Whether it means that something was tampered with, forged, or is not what it should be.
    #[must_use]
    pub const fn is_alarm(&self) -> bool {
        matches!(self, Self::Forged(_) | Self::Contradicts(_) | Self::Unopened)
    }
}

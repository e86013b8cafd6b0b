//! People: those we know, those who asked, those we blocked; and which sessions and lines belong to them.

use lightproof_e2ee::{
    frame::{Frame, LineId, NO_FRAME, Reply},
    identity::{Fingerprint, IdentityKey},
    session::SessionId,
};
use lightproof_wire::{
    codec::{Bytes, List, Text, TlsDeserialize, TlsSerialize, TlsSize},
    hash::Digest,
    limits::RELAY_LINK_BYTES,
    time::{Day, Timestamp},
};

use rand_core::CryptoRng;

use crate::{
    error::ClientError,
    sealing::{Announced, TheirSealingKey},
    vault::{
        record::{Flag, Record},
        store::Table,
    },
};

/// The longest name of a contact in bytes, as long as a name hint.
pub const NAME_BYTES: usize = 64;
/// The most people who may wait for an answer at a time; the oldest goes.
pub const REQUESTS: usize = 32;

/// Where somebody stands with us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, TlsSerialize, TlsDeserialize, TlsSize)]
#[repr(u8)]
pub enum Standing {
    /// Added or accepted by the user.
    Accepted = 1,
    /// Wrote for the first time; nothing is sent to them, nothing of theirs is fetched.
    Requested = 2,
    /// Never shown, never answered.
    Blocked = 3,
    /// Was a contact; a stranger from now on, whose lines are remembered.
    Removed = 4,
}

/// Whether the user has compared safety numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, TlsSerialize, TlsDeserialize, TlsSize)]
#[repr(u8)]
pub enum Trust {
    /// Not yet.
    Unverified = 1,
    /// Compared and marked.
    Verified = 2,
}

/// One person.
#[derive(Clone, Debug, TlsSerialize, TlsDeserialize, TlsSize)]
pub struct Contact {
    /// Who.
    pub fingerprint: Fingerprint,
    /// What we call them; for a request, empty.
    pub name: Text<NAME_BYTES>,
    /// What they say they are called. Never print it raw.
    pub hint: Text<NAME_BYTES>,
    /// Where they stand.
    pub standing: Standing,
    /// Whether safety numbers were compared.
    pub trust: Trust,
    /// The number a request is answered by.
    pub number: u64,
    /// When they were added or first wrote.
    pub since: Timestamp,
    /// Their whole identity key, once a bundle or a Hello brought it.
    pub identity: Option<Bytes<2048>>,
    /// Their doorbell.
    pub doorbell: Option<Reply>,
    /// Where a frame of theirs last told another doorbell.
    pub doorbell_told: Option<Place>,
    /// Their private mailbox for us, and the place in their line that named it.
    pub private: Option<PrivateDrop>,
    /// Owner hash of our private mailbox for them.
    pub mailbox: Option<[u8; 32]>,
    /// Whether they have used it: then it need not be named again.
    pub mailbox_used: Flag,
    /// Our line towards them.
    pub ours: OurLine,
    /// Their lines.
    pub theirs: List<TheirLine, 64>,
    /// How many frames of theirs were missing when the user was last told.
    pub missing_told: u64,
    /// Sessions, in the order they came.
    pub sessions: List<SessionRef, 255>,
    /// The highest generation known; a new session of ours takes the next.
    pub generation: u32,
    /// When a receipt was last sent to them.
    pub receipt_sent: Timestamp,
    /// The last day a Hello that was due was given, or failed for what is at their doorbell.
    pub called_on: Day,
    /// The day a new Hello of ours is due: they cannot read us, or we not them.
    pub hello_due: Option<Day>,
    /// A new session began: bodies that their ack does not cover are to be sealed again in it.
    pub reseal_due: Flag,
    /// Which change of our doorbell they have been told of.
    pub told_doorbell: u32,
    /// Whether receipts go to them.
    pub receipts: Flag,
    /// Our addresses have changed, and no frame has told them yet.
    pub addresses_due: Flag,
    /// Their private mailbox before they moved to another relay: for as long as the new one is not allowed.
    pub earlier: Option<Reply>,
    /// What files are sealed for them with.
    pub sealing: Option<TheirSealingKey>,
    /// Since when they may know our sealing key.
    pub announced: Announced,
}

/// Where they want our envelopes.
#[derive(Clone, Debug, TlsSerialize, TlsDeserialize, TlsSize)]
pub struct PrivateDrop {
    /// The right to deposit, and the relay.
    pub reply: Reply,
    /// Where they named it: the newest wins.
    pub named: Place,
}

/// A place in their lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, TlsSerialize, TlsDeserialize, TlsSize)]
pub struct Place {
    /// Which line.
    pub line: LineId,
    /// Where in it.
    pub index: u64,
}

impl Place {
    /// In a Hello: before every line.
    pub(crate) const HELLO: Self = Self { line: LineId::NONE, index: 0 };

    /// Of a frame.
    pub(crate) const fn of(frame: &Frame) -> Self {
        Self { line: frame.line, index: frame.index }
    }
}

/// Our line towards one contact.
#[derive(Clone, Debug, TlsSerialize, TlsDeserialize, TlsSize)]
pub struct OurLine {
    /// The vault's line when this one was begun: in another incarnation of the vault another begins.
    pub vault: LineId,
    /// Which. Of this contact alone: somebody removed and added again is told another.
    pub line: LineId,
    /// The place of the last frame; 0 before the first.
    pub index: u64,
    /// Its digest.
    pub previous: Digest,
    /// The highest place their ack covers.
    pub acked: u64,
}

impl OurLine {
    /// Before the first frame: the next one begins a line.
    pub(crate) const NONE: Self =
        Self { vault: LineId::NONE, line: LineId::NONE, index: 0, previous: NO_FRAME, acked: 0 };
}

/// One line of theirs.
#[derive(Clone, Debug, TlsSerialize, TlsDeserialize, TlsSize)]
pub struct TheirLine {
    /// Which.
    pub line: LineId,
    /// The highest place received without a gap; `u64::MAX` once two frames were signed for one place.
    pub contiguous: u64,
    /// The highest place received.
    pub highest: u64,
    /// How many places were received.
    pub received: u64,
    /// When it was first seen, and after all that were seen before it.
    pub since: Timestamp,
}

/// A session of theirs and ours; the ratchet itself is a record of its own.
#[derive(Clone, Copy, Debug, TlsSerialize, TlsDeserialize, TlsSize)]
pub struct SessionRef {
    /// Its id.
    pub id: SessionId,
    /// Which of several is the newer.
    pub generation: u32,
    /// Whether our own Hello began it.
    pub ours: Flag,
    /// Whether an envelope of theirs was opened in it.
    pub confirmed: Flag,
    /// When it was made.
    pub made: Timestamp,
    /// Since when it only opens.
    pub superseded: Option<Timestamp>,
}

impl Record for Contact {
    const TABLE: Table = Table::Contacts;

    fn id(&self) -> Vec<u8> {
        self.fingerprint.as_bytes().to_vec()
    }
}

impl Contact {
    /// Somebody of whom only the fingerprint is known.
    #[must_use]
    pub fn new(fingerprint: Fingerprint, standing: Standing, number: u64, now: Timestamp) -> Self {
        Self {
            fingerprint,
            name: Text::default(),
            hint: Text::default(),
            standing,
            trust: Trust::Unverified,
            number,
            since: now,
            identity: None,
            doorbell: None,
            doorbell_told: None,
            private: None,
            mailbox: None,
            mailbox_used: Flag::No,
            ours: OurLine::NONE,
            theirs: List::default(),
            missing_told: 0,
            sessions: List::default(),
            generation: 0,
            receipt_sent: Timestamp(0),
            called_on: Day(0),
            hello_due: None,
            reseal_due: Flag::No,
            told_doorbell: 0,
            receipts: Flag::Yes,
            addresses_due: Flag::No,
            earlier: None,
            sealing: None,
            announced: Announced::default(),
        }
    }

    /// Their identity key, once known.
    ///
    /// # Errors
    /// [`ClientError::Damaged`].
    pub fn identity(&self) -> Result<Option<IdentityKey>, ClientError> {
        let parse = |bytes: &Bytes<2048>| {
            let bytes = bytes.as_slice().try_into().map_err(|_| ClientError::Damaged)?;
            IdentityKey::from_bytes(bytes).map_err(|_| ClientError::Damaged)
        };
        self.identity.as_ref().map(parse).transpose()
    }

    /// Remembers their identity key.
    pub fn set_identity(&mut self, key: &IdentityKey) {
        self.identity = Bytes::new(key.as_bytes().to_vec()).ok();
    }

    /// Where to leave an envelope for them: their private mailbox, else the doorbell.
    #[must_use]
    pub fn address(&self) -> Option<&Reply> {
        self.addresses().next()
    }

    /// The relay they moved to, if that was another than the one before.
    #[must_use]
    pub fn moved_to(&self) -> Option<&Text<RELAY_LINK_BYTES>> {
        self.earlier.as_ref().and(self.private.as_ref()).map(|private| &private.reply.relay)
    }

    /// Every address of theirs we know, the newest first.
    pub(crate) fn addresses(&self) -> impl Iterator<Item = &Reply> {
        self.private.iter().map(|private| &private.reply).chain(&self.earlier).chain(&self.doorbell)
    }

    /// Where a Hello goes. A mailbox that a frame named is forgotten: whoever is called anew may be an old copy that does not
    /// know of it. Once called they name theirs again.
    pub(crate) fn take_call_address(&mut self) -> Option<Reply> {
        if self.private.as_ref().is_some_and(|known| known.named != Place::HELLO) {
            (self.private, self.earlier) = (None, None);
        }
        self.address().cloned()
    }

    /// Ends what was between us. Both lines and the generation stay: no place of a line is ever used twice.
    pub(crate) fn part(&mut self, standing: Standing) {
        self.standing = standing;
        self.trust = Trust::Unverified;
        (self.private, self.earlier, self.mailbox) = (None, None, None);
        self.mailbox_used = Flag::No;
        self.forget_sessions();
        self.ours.acked = self.ours.index;
        self.addresses_due = Flag::No;
        (self.sealing, self.announced) = (None, Announced::default());
    }

    /// Whether what they send may be fetched, shown and answered.
    #[must_use]
    pub fn is_accepted(&self) -> bool {
        self.standing == Standing::Accepted
    }

    /// Continues our line, or begins it anew if the vault has begun a new one.
    pub fn continue_line(&mut self, vault: LineId, rng: &mut impl CryptoRng) {
        if self.ours.vault != vault {
            self.ours = OurLine { vault, line: LineId::generate(rng), index: 0, previous: NO_FRAME, acked: 0 };
        }
    }
}

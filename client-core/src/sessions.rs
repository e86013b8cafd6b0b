//! Which session sends and which only opens: generations, glare, and a peer that has lost its state.
//!
//! ```text
//! a Hello of theirs, against our current session
//!   higher generation                           ──▶ Newest      it sends from now on; the others only open
//!   equal, our own Hello unconfirmed (glare)    ──▶ the smaller session id sends
//!   anything else: they have lost state         ──▶ LostState   readable; answered by a Hello of ours, at most one a day
//! ```

use lightproof_e2ee::session::{Session, SessionId};
use lightproof_wire::{
    codec::{List, TlsDeserialize, TlsSerialize, TlsSize},
    time::{DAY_MS, Day, Timestamp},
};

use crate::{
    contact::{Contact, SessionRef},
    error::ClientError,
    vault::{
        record::{Flag, Record, Secret},
        store::Table,
    },
};

/// A jump of generations beyond this is refused: nobody loses that many sessions.
pub(crate) const GENERATION_JUMP: u32 = 1_000;
/// Days a superseded session still opens.
pub(crate) const SUPERSEDED_DAYS: u32 = 60;
/// Days after which a session in which nothing was opened is begun anew.
pub(crate) const UNANSWERED_DAYS: u64 = 7;

/// A ratchet at rest.
#[derive(Clone, Debug, PartialEq, Eq, TlsSerialize, TlsDeserialize, TlsSize)]
pub(crate) struct StoredSession {
    id: SessionId,
    record: Secret,
}

impl Record for StoredSession {
    const TABLE: Table = Table::Sessions;

    fn id(&self) -> Vec<u8> {
        self.id.as_bytes().to_vec()
    }
}

impl StoredSession {
    /// As a step gave it.
    #[must_use]
    pub(crate) fn new(id: SessionId, record: &[u8]) -> Self {
        Self { id, record: Secret::new(record) }
    }

    /// A copy to step.
    ///
    /// # Errors
    /// [`ClientError::Damaged`].
    pub(crate) fn load(&self) -> Result<Session, ClientError> {
        Session::from_record(self.record.expose()).map_err(|_| ClientError::Damaged)
    }
}

/// Sessions kept of one contact: 60 days of one Hello a day, and some more.
const SESSIONS_MAX: usize = 128;
/// Sessions kept of somebody who is not accepted: each Hello costs them as much as us.
const SESSIONS_MAX_STRANGER: usize = 8;

/// What a Hello of theirs means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The new session sends from now on.
    Newest,
    /// Both called at once, and theirs sends.
    GlareTheirs,
    /// Both called at once, and ours sends.
    GlareOurs,
    /// They have lost their state.
    LostState,
    /// A generation nobody can have reached.
    Refused,
}

impl Contact {
    /// The session that sends: the highest generation that was not superseded.
    #[must_use]
    pub fn sending(&self) -> Option<SessionRef> {
        self.sessions
            .iter()
            .filter(|session| session.superseded.is_none())
            .max_by_key(|session| session.generation)
            .copied()
    }

    /// Judges a Hello of theirs.
    #[must_use]
    pub(crate) fn judge(&self, generation: u32, id: &SessionId) -> Verdict {
        if generation > self.generation.saturating_add(GENERATION_JUMP) {
            return Verdict::Refused;
        }
        match self.sending() {
            None => Verdict::Newest,
            Some(current) if generation > current.generation => Verdict::Newest,
            Some(current)
                if generation == current.generation && current.ours.is_yes() && !current.confirmed.is_yes() =>
            {
                if id < &current.id { Verdict::GlareTheirs } else { Verdict::GlareOurs }
            }
            Some(_) => Verdict::LostState,
        }
    }

    /// Adds a session that sends from now on; the others only open. The one that had to go for it, if any: its record
    /// must go in the same turn.
    #[must_use]
    pub fn add_sending(&mut self, session: SessionRef, now: Timestamp) -> Option<SessionId> {
        self.supersede_all(now);
        self.push_session(session)
    }

    /// Adds a session that only opens. As [`add_sending`](Self::add_sending).
    #[must_use]
    pub fn add_readable(&mut self, session: SessionRef, now: Timestamp) -> Option<SessionId> {
        self.push_session(SessionRef { superseded: Some(now), ..session })
    }

    /// All sessions only open from now on: this vault is an old copy, or the next step begins a new one.
    pub fn supersede_all(&mut self, now: Timestamp) {
        self.edit_sessions(|session| {
            session.superseded.get_or_insert(now);
        });
    }

    /// No session is left of this one home; a new one takes a higher generation all the same.
    pub(crate) fn forget_sessions(&mut self) {
        self.sessions = List::default();
        self.hello_due = None;
        self.reseal_due = Flag::No;
    }

    /// A Hello of ours is due, where they may have one: today, or tomorrow if today's was given.
    pub(crate) fn want_hello(&mut self, today: Day) {
        let due = today.max(self.called_on.plus(1));
        self.hello_due = self.is_accepted().then_some(due);
    }

    /// The same, today in any case: no session that sends is left.
    pub(crate) fn want_hello_today(&mut self, today: Day) {
        self.hello_due = Some(today);
    }

    /// Whether they are to be called, though there may be a session: a Hello is due, or nothing was opened in that session for
    /// too long. Not where it was put off until tomorrow.
    pub(crate) fn is_to_be_called(&self, now: Timestamp) -> bool {
        match self.hello_due {
            Some(due) if due <= now.day() => true,
            Some(due) if due == now.day().plus(1) => false,
            // One that a clock had put off which was ahead puts off nothing else.
            _ => self.is_unanswered(now),
        }
    }

    /// Whether an envelope of theirs was opened in any session.
    #[must_use]
    pub(crate) fn has_answered(&self) -> bool {
        self.sessions.iter().any(|session| session.confirmed.is_yes())
    }

    /// Notes that an envelope of theirs was opened in a session.
    pub fn confirm_session(&mut self, id: &SessionId) {
        self.edit_sessions(|session| {
            if session.id == *id {
                session.confirmed = Flag::Yes;
            }
        });
    }

    /// Whether they write in a session of ours that theirs replaced when both called at once: only somebody who has lost
    /// theirs does.
    #[must_use]
    pub(crate) fn has_lost_theirs(&self, used: &SessionId) -> bool {
        let used = self.sessions.iter().find(|session| session.id == *used && session.ours.is_yes());
        used.zip(self.sending())
            .is_some_and(|(used, current)| !current.ours.is_yes() && current.generation == used.generation)
    }

    /// Whether a Hello of theirs came after this session and is above it: what comes in it was sealed before that.
    #[must_use]
    pub(crate) fn have_left(&self, used: &SessionId) -> bool {
        let mut sessions = self.sessions.iter();
        let used = sessions.find(|session| session.id == *used);
        used.is_some_and(|used| sessions.any(|later| !later.ours.is_yes() && later.generation > used.generation))
    }

    /// Takes out the sessions that were superseded long ago, and those of which there are too many.
    pub fn take_stale_sessions(&mut self, now: Timestamp) -> Vec<SessionId> {
        let is_stale = |session: &SessionRef| {
            session
                .superseded
                .is_some_and(|since| now.since_ms(since) > u64::from(SUPERSEDED_DAYS).saturating_mul(DAY_MS))
        };
        let (stale, kept): (Vec<_>, Vec<_>) = self.sessions.iter().copied().partition(is_stale);
        self.sessions = List::new(kept).unwrap_or_default();
        stale.into_iter().map(|session| session.id).collect()
    }

    /// Whether a session of ours was never answered for so long that it should be begun anew.
    #[must_use]
    pub fn is_unanswered(&self, now: Timestamp) -> bool {
        self.sending().is_some_and(|session| {
            !session.confirmed.is_yes() && now.since_ms(session.made) > UNANSWERED_DAYS.saturating_mul(DAY_MS)
        })
    }

    fn push_session(&mut self, session: SessionRef) -> Option<SessionId> {
        self.generation = self.generation.max(session.generation);
        let mut sessions = core::mem::take(&mut self.sessions).into_vec();
        let most = if self.is_accepted() { SESSIONS_MAX } else { SESSIONS_MAX_STRANGER };
        // The oldest that only opens goes, and never the one that sends while there is another.
        let oldest = sessions.iter().position(|session| session.superseded.is_some()).unwrap_or(0);
        let gone = (sessions.len() >= most).then(|| sessions.remove(oldest).id);
        sessions.push(session);
        self.sessions = List::new(sessions).unwrap_or_default();
        gone
    }

    fn edit_sessions(&mut self, edit: impl FnMut(&mut SessionRef)) {
        let mut sessions = core::mem::take(&mut self.sessions).into_vec();
        sessions.iter_mut().for_each(edit);
        self.sessions = List::new(sessions).unwrap_or_default();
    }
}

#[cfg(test)]
mod tests;

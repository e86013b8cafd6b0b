//! A session: seal one body, open one envelope, on a copy until everything about it is verified.
//!
//! It lives in the vault, not in memory: load a copy, step it, save it, let it go. Which session sends is the caller's
//! decision: the highest generation; of two equal ones whose Hellos crossed, the smaller id.

use lightproof_wire::{
    codec::{TlsDeserialize, TlsSerialize, TlsSize},
    envelope::Envelope,
    time::Timestamp,
};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::{
    envelope::{self, BODY_MAX_BYTES, Context, MessageParts},
    error::{EncloseError, OpenError, RecordError},
    identity::Fingerprint,
    ratchet::{Ratchet, Refused},
    record,
    staged::Staged,
};

/// Days a superseded session is kept, only to open what was already on its way.
pub const SUPERSEDED_DAYS: u32 = 60;

/// Names a session; both sides derive it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, TlsSerialize, TlsDeserialize, TlsSize)]
pub struct SessionId([u8; 32]);

impl SessionId {
    /// One stored as bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl core::fmt::Debug for SessionId {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("SessionId(…)")
    }
}

/// Which side of the handshake this vault was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, TlsSerialize, TlsDeserialize, TlsSize)]
#[repr(u8)]
pub enum Role {
    /// Sent the Hello.
    Initiator = 1,
    /// Opened it.
    Responder = 2,
}

/// From which side to which.
#[derive(Clone, Copy)]
pub(crate) enum Direction {
    FromInitiator,
    FromResponder,
}

impl Direction {
    pub(crate) const fn byte(self) -> u8 {
        match self {
            Self::FromInitiator => 0,
            Self::FromResponder => 1,
        }
    }
}

/// One side of a session. A copy: the session itself is the record in the vault.
#[derive(TlsSerialize, TlsDeserialize, TlsSize)]
pub struct Session {
    id: SessionId,
    role: Role,
    generation: u32,
    peer: Fingerprint,
    unanswered_since: Option<Timestamp>,
    superseded_at: Option<Timestamp>,
    ratchet: Ratchet,
}

/// What both sides know of a session from its Hello.
pub(crate) struct Agreed {
    pub(crate) id: SessionId,
    pub(crate) generation: u32,
    pub(crate) peer: Fingerprint,
    pub(crate) ratchet: Ratchet,
}

/// An envelope to be deposited once the session is saved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enclosed {
    /// 16,000 bytes; deposited again as they are, never sealed again.
    pub envelope: Envelope,
}

impl Session {
    pub(crate) fn initiated(agreed: Agreed, now: Timestamp) -> Self {
        Self::new(Role::Initiator, agreed, Some(now))
    }

    /// The Hello is an envelope of the peer: confirmed from the start.
    pub(crate) fn answered(agreed: Agreed) -> Self {
        Self::new(Role::Responder, agreed, None)
    }

    fn new(role: Role, agreed: Agreed, unanswered_since: Option<Timestamp>) -> Self {
        let Agreed { id, generation, peer, ratchet } = agreed;
        Self { id, role, generation, peer, unanswered_since, superseded_at: None, ratchet }
    }

    /// From the vault.
    ///
    /// # Errors
    /// [`RecordError`]: saved by a newer version, or damaged.
    pub fn from_record(record: &[u8]) -> Result<Self, RecordError> {
        record::load(record)
    }

    /// As the vault keeps it. Needed only after [`supersede`](Self::supersede): steps give their own record.
    #[must_use]
    pub fn to_record(&self) -> Zeroizing<Vec<u8>> {
        record::save(self)
    }

    /// Its name.
    #[must_use]
    pub const fn id(&self) -> SessionId {
        self.id
    }

    /// Which side of the handshake this vault was.
    #[must_use]
    pub const fn role(&self) -> Role {
        self.role
    }

    /// Which of several sessions with this peer is the newer.
    #[must_use]
    pub const fn generation(&self) -> u32 {
        self.generation
    }

    /// Whom it is with.
    #[must_use]
    pub const fn peer(&self) -> Fingerprint {
        self.peer
    }

    /// Whether an envelope of the peer has been opened in it; for a responder the Hello is one.
    #[must_use]
    pub const fn confirmed(&self) -> bool {
        self.unanswered_since.is_none()
    }

    /// When our Hello was made, while nothing has been opened.
    #[must_use]
    pub const fn unanswered_since(&self) -> Option<Timestamp> {
        self.unanswered_since
    }

    /// When a newer session took its place.
    #[must_use]
    pub const fn superseded_at(&self) -> Option<Timestamp> {
        self.superseded_at
    }

    /// From now on it only opens. Saved with the session that takes its place.
    #[must_use]
    pub fn supersede(self, now: Timestamp) -> Self {
        Self { superseded_at: self.superseded_at.or(Some(now)), ..self }
    }

    /// Whether it was superseded so long ago that it is to be destroyed.
    #[must_use]
    pub fn expired(&self, now: Timestamp) -> bool {
        self.superseded_at.is_some_and(|then| now > then.plus_days(SUPERSEDED_DAYS))
    }

    const fn sends(&self) -> Context {
        let direction = match self.role {
            Role::Initiator => Direction::FromInitiator,
            Role::Responder => Direction::FromResponder,
        };
        Context { session: self.id, direction }
    }

    const fn receives(&self) -> Context {
        let direction = match self.role {
            Role::Initiator => Direction::FromResponder,
            Role::Responder => Direction::FromInitiator,
        };
        Context { session: self.id, direction }
    }
}

impl core::fmt::Debug for Session {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let Self { id: _, role, generation, peer: _, unanswered_since: _, superseded_at: _, ratchet: _ } = self;
        write!(f, "Session({role:?}, generation {generation}, …)")
    }
}

/// Seals one signed body for the peer.
///
/// # Errors
/// [`EncloseError`]; the session in the vault is unchanged.
pub fn enclose(
    mut session: Session,
    body: &[u8],
    now: Timestamp,
    rng: &mut impl CryptoRng,
) -> Result<Staged<Enclosed>, EncloseError> {
    if session.superseded_at.is_some() {
        return Err(EncloseError::Superseded);
    }
    if body.len() > BODY_MAX_BYTES {
        return Err(EncloseError::BodyTooLong);
    }
    let context = session.sends();
    session.ratchet.forget_stale(now.day());
    let (ratchet, keys) = session.ratchet.send(rng)?;
    let envelope = envelope::seal_message(context, &keys, body, rng);
    Ok(Staged::new(record::save(&Session { ratchet, ..session }), Enclosed { envelope }))
}

/// Opens one envelope of the peer. `check` verifies the body: signature, sender, recipient.
///
/// Nothing is staged before tag *and* `check` hold. A body that decrypts and fails its check is an alarm.
///
/// # Errors
/// [`OpenError`]; the session in the vault is unchanged.
pub fn open<T, E>(
    mut session: Session,
    envelope: &Envelope,
    now: Timestamp,
    check: impl FnOnce(&[u8]) -> Result<T, E>,
) -> Result<Staged<T>, OpenError<E>> {
    let parts = MessageParts::parse(envelope)?;
    let context = session.receives();
    session.ratchet.forget_stale(now.day());
    let (place, header) =
        session.ratchet.locate(|key| parts.open_header(context, key)).ok_or(OpenError::NotThisSession)?;
    let (ratchet, key) = session.ratchet.receive(place, header, now.day())?;
    let body = parts.open_body(context, &key)?;
    let value = check(&body).map_err(OpenError::Misbehaved)?;
    let next = Session { ratchet, unanswered_since: None, ..session };
    Ok(Staged::new(record::save(&next), value))
}

impl<E> From<Refused> for OpenError<E> {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::AlreadyOpened => Self::AlreadyOpened,
            Refused::TooManySkipped => Self::TooManySkipped,
            Refused::Undecryptable => Self::Undecryptable,
        }
    }
}

#[cfg(test)]
mod tests;

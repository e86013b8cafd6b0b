//! The Double Ratchet with header encryption, its DH step replaced by X-Wing.
//!
//! A continuous key agreement from a KEM (Alwen, Coretti, Dodis, EUROCRYPT 2019): one side announces a public key, the
//! other encapsulates to it and announces its own. A full round trip after a theft heals.
//!
//! ```text
//!            send step: Encap(their_pk), new our_sk
//!   Ours ───────────────────────────────────────────▶ Theirs        R begins here ▲      ▲ I begins there
//!  (a send step is due)                              (our_sk awaits a ciphertext)
//!        ◀───────────────────────────────────────────
//!            receive step: Decap(our_sk), new their_pk
//! ```
//!
//! A send step follows a receive step only, so each announced key receives exactly one ciphertext. Messages of a chain
//! repeat its ciphertext and key, so that any of them may arrive first. Steps change the ratchet they are called on even
//! when they fail: callers work on a copy.

mod chain;
mod header;
mod root;
mod skipped;

use core::mem;

use lightproof_wire::{
    codec::{TlsDeserialize, TlsSerialize, TlsSize},
    time::Day,
};
use rand_core::CryptoRng;

pub(crate) use self::header::{Announcement, Header, SEALED_HEADER_BYTES};
use self::{
    chain::{ReceivingChain, SendingChain},
    root::StepKeys,
    skipped::OldChains,
};
use crate::{
    error::{EncloseError, Undecryptable},
    kem::{DecapsulationKey, EncapsulationKey},
    secret::{Key, purpose},
};

/// Messages one envelope may skip: more asks for a new Hello.
pub const SKIPPED_PER_ENVELOPE: u32 = 1_000;
/// Message keys of skipped messages one session keeps; the oldest goes.
pub const SKIPPED_STORED: usize = 2_000;
/// Earlier chains whose header keys one session keeps; the oldest goes.
pub const OLD_HEADER_KEYS: usize = 8;
/// Days a key of a skipped message is kept.
pub const SKIPPED_DAYS: u32 = 30;

/// The first keys of a session, in the order of their derivation.
pub(crate) struct FirstKeys {
    pub(crate) root: Key<purpose::Root>,
    pub(crate) chain_i: Key<purpose::Chain>,
    pub(crate) header_i: Key<purpose::Header>,
    pub(crate) next_header_i: Key<purpose::Header>,
    pub(crate) next_header_r: Key<purpose::Header>,
}

/// One side's ratchet.
#[derive(TlsSerialize, TlsDeserialize, TlsSize)]
pub(crate) struct Ratchet {
    root: Key<purpose::Root>,
    turn: Turn,
    next_header_s: Key<purpose::Header>,
    receiving: Option<ReceivingChain>,
    next_header_r: Key<purpose::Header>,
    old: OldChains,
}

/// Whose step is next.
#[derive(TlsSerialize, TlsDeserialize, TlsSize)]
#[repr(u8)]
enum Turn {
    /// A send step is due. The old sending chain is gone; its length is told in the next one.
    #[tls_codec(discriminant = 1)]
    Ours { their_pk: EncapsulationKey, sent: u32 },
    /// We announced a key; messages go along the chain until somebody answers it.
    #[tls_codec(discriminant = 2)]
    Theirs { our_sk: DecapsulationKey, sending: SendingChain },
}

/// What seals one message.
pub(crate) struct ToSeal {
    pub(crate) header_key: Key<purpose::Header>,
    pub(crate) header: Header,
    pub(crate) message_key: Key<purpose::Message>,
}

/// Which header key opened a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// The one of an earlier chain, by its position.
    Old(usize),
    /// The one of the receiving chain.
    Current,
    /// The one of the chain that a receive step begins.
    Next,
}

/// Why an authentic header gives no message key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    AlreadyOpened,
    TooManySkipped,
    Undecryptable,
}

impl From<Undecryptable> for Refused {
    fn from(_: Undecryptable) -> Self {
        Self::Undecryptable
    }
}

impl Ratchet {
    /// I's, after its Hello: the Hello was its first send step.
    pub(crate) fn initiator(keys: FirstKeys, our_sk: DecapsulationKey) -> Self {
        let sending = SendingChain::new(keys.chain_i, keys.header_i, Announcement::first(our_sk.public()), 0);
        Self {
            root: keys.root,
            turn: Turn::Theirs { our_sk, sending },
            next_header_s: keys.next_header_i,
            receiving: None,
            next_header_r: keys.next_header_r,
            old: OldChains::default(),
        }
    }

    /// R's, after I's Hello: it may answer at once.
    pub(crate) fn responder(keys: FirstKeys, their_pk: EncapsulationKey) -> Self {
        Self {
            root: keys.root,
            turn: Turn::Ours { their_pk, sent: 0 },
            next_header_s: keys.next_header_r,
            receiving: Some(ReceivingChain::new(keys.chain_i, keys.header_i)),
            next_header_r: keys.next_header_i,
            old: OldChains::default(),
        }
    }

    /// The keys of the next message, after a send step if one is due.
    pub(crate) fn send(mut self, rng: &mut impl CryptoRng) -> Result<(Self, ToSeal), EncloseError> {
        let (our_sk, sending) = match self.turn {
            Turn::Theirs { our_sk, sending } => (our_sk, sending),
            Turn::Ours { their_pk, sent } => {
                let (ct, shared) = their_pk.encapsulate(rng);
                let our_sk = DecapsulationKey::generate(rng);
                let announcement = Announcement::new(ct, our_sk.public());
                let StepKeys { root, chain, next_header } =
                    root::step(&self.root, &shared, their_pk.as_bytes(), &announcement);
                self.root = root;
                let header = mem::replace(&mut self.next_header_s, next_header);
                (our_sk, SendingChain::new(chain, header, announcement, sent))
            }
        };
        let (sending, to_seal) = sending.advance()?;
        Ok((Self { turn: Turn::Theirs { our_sk, sending }, ..self }, to_seal))
    }

    /// Tries every header key: earlier chains with stored keys, the receiving chain, the next one.
    pub(crate) fn locate(&self, open: impl Fn(&Key<purpose::Header>) -> Option<Header>) -> Option<(Place, Header)> {
        let old = self.old.headers().enumerate().map(|(i, key)| (Place::Old(i), key));
        let current = self.receiving.iter().map(|chain| (Place::Current, chain.header()));
        old.chain(current)
            .chain([(Place::Next, &self.next_header_r)])
            .find_map(|(place, key)| Some((place, open(key)?)))
    }

    /// The key of the message with this header, after a receive step if the header begins a chain.
    pub(crate) fn receive(
        self,
        place: Place,
        header: Header,
        today: Day,
    ) -> Result<(Self, Key<purpose::Message>), Refused> {
        let mut next = match place {
            Place::Next => self.receive_step(&header, today)?,
            Place::Current | Place::Old(_) => self,
        };
        let key = match (place, &mut next.receiving) {
            (Place::Old(i), _) => next.old.take(i, header.n).ok_or(Refused::AlreadyOpened)?,
            (Place::Current | Place::Next, Some(chain)) => chain.message_key(header.n, today)?,
            (Place::Current | Place::Next, None) => return Err(Refused::Undecryptable),
        };
        next.bound();
        Ok((next, key))
    }

    fn receive_step(mut self, header: &Header, today: Day) -> Result<Self, Refused> {
        let Turn::Theirs { our_sk, sending } = self.turn else {
            // They answered a key we have not announced.
            return Err(Refused::Undecryptable);
        };
        let received = self.receiving.as_ref().map_or(0, ReceivingChain::n);
        let left = header.pn.checked_sub(received).ok_or(Refused::Undecryptable)?;
        if left.saturating_add(header.n) > SKIPPED_PER_ENVELOPE {
            return Err(Refused::TooManySkipped);
        }
        match self.receiving {
            Some(chain) => self.old.push(chain.finish(header.pn, today)),
            None if left > 0 => return Err(Refused::Undecryptable),
            None => {}
        }
        let our_pk = our_sk.public();
        let shared = our_sk.decapsulate(header.announcement.ciphertext())?;
        let their_pk = header.announcement.key().clone().check()?;
        let StepKeys { root, chain, next_header } =
            root::step(&self.root, &shared, our_pk.as_bytes(), &header.announcement);
        let receiving = Some(ReceivingChain::new(chain, self.next_header_r));
        let turn = Turn::Ours { their_pk, sent: sending.n() };
        Ok(Self { root, turn, receiving, next_header_r: next_header, ..self })
    }

    /// Forgets keys of messages that were skipped more than 30 days ago.
    pub(crate) fn forget_stale(&mut self, today: Day) {
        let before = today.minus(SKIPPED_DAYS);
        self.old.forget_before(before);
        if let Some(chain) = &mut self.receiving {
            chain.skipped_mut().forget_before(before);
        }
    }

    fn bound(&mut self) {
        let current = self.receiving.as_ref().map_or(0, |chain| chain.skipped().count());
        let excess = self.old.count().saturating_add(current).saturating_sub(SKIPPED_STORED);
        let excess = self.old.forget_oldest(excess);
        if let Some(chain) = &mut self.receiving {
            chain.skipped_mut().forget_oldest(excess);
        }
    }
}

#[cfg(test)]
mod tests;

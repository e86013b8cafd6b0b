//! `Client`: one home, its vault, its spool, and the way to relays.
//!
//! The verbs of the line are in [`send`](crate::send) and [`receive`](crate::receive); this file only holds what they
//! share: who we are, which conversations are open, and what a user interface is told.

use core::cell::{Cell, RefCell};
use std::{collections::BTreeMap, rc::Rc};

use lightproof_e2ee::{
    card::ContactCard,
    frame::LineId,
    identity::{Fingerprint, IdentityKeyPair},
};
use lightproof_wire::{
    capability::{Capability, right},
    codec::Text,
    refusal::Refusal,
    relay_link::RelayLink,
    time::Timestamp,
};
use rand_core::CryptoRng;

use crate::{
    connection::Connection,
    error::ClientError,
    event::{Event, Notice},
    mailboxes::Mailbox,
    profile::Profile,
    receive::Watched,
    relays::Relay,
    spool::Spool,
    transport::{NamedBy, Transport, TransportError},
    vault::{Vault, store::Store, unlock::Passphrase},
};

/// A step that other processes keep overtaking is given up after this many tries; in practice the second succeeds.
const CONFLICT_TRIES: u32 = 64;

/// What a connection is for: a relay must not learn from one connection who deposits and who watches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Purpose {
    /// Our own mailboxes: create, watch, ack, retire, publish prekeys.
    Mailboxes,
    /// Everything for and from others: deposit, take prekeys, upload, download.
    Others,
}

type Connections<P> = RefCell<BTreeMap<(RelayLink, Purpose), Rc<Connection<P>>>>;
/// By relay: the moment of the last operation in which it was silent.
type Silent = RefCell<BTreeMap<RelayLink, Timestamp>>;

/// One home.
pub struct Client<S, P, T: Transport> {
    pub(crate) vault: Vault<S>,
    pub(crate) spool: P,
    pub(crate) transport: T,
    pub(crate) identity: IdentityKeyPair,
    connections: Connections<T::Pipe>,
    silent: Silent,
    events: Box<dyn Fn(Event)>,
    /// Why the last deposit for a contact was refused.
    pub(crate) failures: RefCell<BTreeMap<Fingerprint, Refusal>>,
    /// The mailboxes watched on the open connection.
    pub(crate) watched: Watched,
    /// A session began since what was set aside was last tried; and once for each start of a program that may be newer.
    pub(crate) sessions_changed: Cell<bool>,
}

/// What a new home is made from.
pub struct NewHome {
    /// What the card says we are called; empty for nothing.
    pub name: String,
    /// The relay, typed by the user.
    pub relay: RelayLink,
    /// The right to create there, where it asks for one.
    pub access: Option<Capability<right::Access>>,
}

impl<S: Store, P: Spool, T: Transport> Client<S, P, T> {
    /// Makes a home: identity, vault, a doorbell that is not yet on its relay. Nothing is sent.
    ///
    /// # Errors
    /// [`ClientError::Vault`] where there is a home already, [`ClientError::TooLong`] for the name.
    pub async fn create(
        edges: (S, P, T),
        home: NewHome,
        passphrase: &Passphrase,
        rng: &mut impl CryptoRng,
    ) -> Result<Self, ClientError> {
        let (store, spool, transport) = edges;
        let name = Text::new(home.name).map_err(|_| ClientError::TooLong { what: "the name", max_bytes: 64 })?;
        let identity = IdentityKeyPair::generate(rng);
        let doorbell = Mailbox::generate(home.relay.to_text(), None, rng);
        let profile = Profile::new(&identity, LineId::generate(rng), name, &home.relay, doorbell.owner_hash());
        let vault = Vault::create(store, passphrase, rng, |turn, rng| {
            turn.put(&profile, rng);
            turn.put(&doorbell, rng);
            turn.put(&Relay::new(&home.relay, true, true, home.access), rng);
        })
        .await?;
        Ok(Self::assemble(vault, spool, transport, identity))
    }

    /// Opens a home.
    ///
    /// # Errors
    /// [`ClientError::Vault`]: no home here, wrong passphrase, damaged, held.
    pub async fn open(edges: (S, P, T), passphrase: &Passphrase) -> Result<Self, ClientError> {
        let (store, spool, transport) = edges;
        let vault = Vault::open(store, passphrase).await?;
        let profile: Profile = vault.get(Profile::ID).await?.ok_or(ClientError::Damaged)?;
        let identity = profile.identity()?;
        Ok(Self::assemble(vault, spool, transport, identity))
    }

    /// A second client of the same open home, with connections of its own: what one waits for does not hold up the other.
    /// The two stand to each other like two processes on one home.
    #[must_use]
    pub fn beside(&self, edges: (S, P, T)) -> Self {
        let (store, spool, transport) = edges;
        let identity = IdentityKeyPair::from_seeds(&self.identity.seeds());
        Self::assemble(self.vault.beside(store), spool, transport, identity)
    }

    fn assemble(vault: Vault<S>, spool: P, transport: T, identity: IdentityKeyPair) -> Self {
        let (connections, failures, watched) = (RefCell::default(), RefCell::default(), Watched::default());
        let sessions_changed = Cell::new(true);
        Self {
            vault,
            spool,
            transport,
            identity,
            connections,
            silent: RefCell::default(),
            events: Box::new(|_| {}),
            failures,
            watched,
            sessions_changed,
        }
    }

    /// Tells a user interface what happens while operations run.
    #[must_use]
    pub fn with_events(self, events: impl Fn(Event) + 'static) -> Self {
        Self { events: Box::new(events), ..self }
    }

    /// Our contact card.
    ///
    /// # Errors
    /// The vault's.
    pub async fn card(&self) -> Result<ContactCard, ClientError> {
        let profile = self.profile().await?;
        let doorbell: Mailbox = self.vault.get(&profile.doorbell).await?.ok_or(ClientError::Damaged)?;
        let relay = RelayLink::from_text(&doorbell.relay).map_err(|_| ClientError::Damaged)?;
        Ok(ContactCard {
            fingerprint: self.identity.fingerprint(),
            doorbell: doorbell.drop,
            relay,
            name_hint: profile.name,
        })
    }

    /// Replaces the passphrase.
    ///
    /// # Errors
    /// The vault's.
    pub async fn change_passphrase(&self, to: &Passphrase, rng: &mut impl CryptoRng) -> Result<(), ClientError> {
        Ok(self.vault.change_passphrase(to, rng).await?)
    }

    /// The record about ourselves.
    ///
    /// # Errors
    /// The vault's.
    pub async fn profile(&self) -> Result<Profile, ClientError> {
        self.vault.get(Profile::ID).await?.ok_or(ClientError::Damaged)
    }

    /// The open conversation with a relay for this purpose, or a new one. A host we know is reached by the link we know,
    /// with its pins, whatever link a peer wrote.
    pub(crate) async fn connection(
        &self,
        link: &RelayLink,
        purpose: Purpose,
        now: Timestamp,
        rng: &mut impl CryptoRng,
    ) -> Result<Rc<Connection<T::Pipe>>, ClientError> {
        let (link, named_by) = self.may_contact(link).await?;
        let key = (link.clone(), purpose);
        if let Some(open) = self.connections.borrow().get(&key).filter(|open| !open.is_broken()) {
            return Ok(Rc::clone(open));
        }
        if purpose == Purpose::Mailboxes {
            self.watched.clear_at(&link);
        }
        let connection = Rc::new(self.reach(&link, named_by, now).await?);
        self.note_welcome(&link, connection.welcome(), now, rng).await?;
        self.connections.borrow_mut().insert(key, Rc::clone(&connection));
        Ok(connection)
    }

    /// A new conversation. An operation is given one moment as `now`: a relay that was silent at that moment is not tried again
    /// for each photo and each contact, and costs its deadline once. One that refuses at once costs nothing.
    async fn reach(
        &self,
        link: &RelayLink,
        named_by: NamedBy,
        now: Timestamp,
    ) -> Result<Connection<T::Pipe>, ClientError> {
        let failed = |error: TransportError| ClientError::Transport { relay: Box::new(link.clone()), error };
        if self.silent.borrow().get(link) == Some(&now) {
            return Err(failed(TransportError::Deadline));
        }
        let opened = match self.transport.connect(link, named_by).await {
            Ok(pipe) => Connection::open(pipe, link.clone()).await,
            Err(error) => Err(failed(error)),
        };
        if let Err(ClientError::Transport { error: TransportError::Deadline, .. }) = &opened {
            self.silent.borrow_mut().insert(link.clone(), now);
        }
        opened
    }

    /// Closes every conversation, so that the next step begins with fresh ones.
    pub fn hang_up(&self) {
        self.connections.borrow_mut().clear();
        self.silent.borrow_mut().clear();
        self.watched.clear();
    }

    pub(crate) fn tell(&self, notice: Notice) {
        (self.events)(Event::Notice(notice));
    }

    pub(crate) fn progress(&self, event: Event) {
        (self.events)(event);
    }
}

/// Runs a step until no other process overtakes it. A step reads, decides and commits in one turn; overtaken, it wrote
/// nothing, and what it staged was dropped unseen.
pub(crate) async fn until_undisturbed<V>(
    mut step: impl AsyncFnMut() -> Result<V, ClientError>,
) -> Result<V, ClientError> {
    for _ in 1..CONFLICT_TRIES {
        match step().await {
            Err(error) if error.is_conflict() => {}
            done => return done,
        }
    }
    step().await
}

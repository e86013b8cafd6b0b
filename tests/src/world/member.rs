//! Somebody who lives in a world: the shipped client on a disk in memory, with a clock, a seed and a network.

use std::{cell::RefCell, rc::Rc};

use lightproof_core::{
    Client, ClientError, NewHome,
    backup::Photos,
    e2ee::manifest::Treatment,
    event::{Event, Notice},
    message::{Direction, Message},
    people::CardRelay,
    prepare::PrepareOptions,
    receive::Received,
    send::{Draft, Looks, PhotoSource, SendOutcome},
    vault::{memory::MemoryStore, unlock::Passphrase},
};
use lightproof_wire::relay_link::RelayLink;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;

use super::{clock::WorldClock, network::Network, transport::WorldTransport};
use crate::{
    backup,
    disk::{TestSpool, TestStore},
    life::Life,
    person::{Files, whole_photo},
    tape::Tape,
};

/// The shipped client in a world.
pub type WorldClient = Client<TestStore, TestSpool, WorldTransport>;

/// One person.
pub struct Member {
    /// Which of all.
    pub number: usize,
    /// The client that runs.
    pub client: WorldClient,
    /// What the disk holds.
    pub store: MemoryStore,
    /// The files this person has.
    pub files: Files,
    /// How long the process lives.
    pub life: Life,
    /// Notices told so far.
    pub notices: Rc<RefCell<Vec<Notice>>>,
    /// Randomness.
    pub rng: ChaCha20Rng,
    /// Their clock.
    pub clock: WorldClock,
    spool: TestSpool,
    network: Network,
}

/// Names, by number.
pub const NAMES: [&str; 4] = ["alice", "bob", "carol", "dave"];

impl Member {
    /// A new home, registered at its relay.
    pub async fn settle(number: usize, relay: &RelayLink, network: &Network, clock: &WorldClock) -> Self {
        let mut member = Self::begin(number, relay, network, clock).await;
        member.client.register(clock.now(), &mut member.rng).await.unwrap();
        member.client.hang_up();
        member
    }

    /// A new home that its relay has not heard of.
    pub async fn begin(number: usize, relay: &RelayLink, network: &Network, clock: &WorldClock) -> Self {
        let mut rng = ChaCha20Rng::seed_from_u64(number as u64);
        let (store, life) = (MemoryStore::default(), Life::default());
        let spool = TestSpool::new(life.clone());
        let home = NewHome { name: NAMES[number].to_owned(), relay: relay.clone(), access: None };
        let edges = edges(&store, &spool, &life, network, number);
        let client = Client::create(edges, home, &Passphrase::None, &mut rng).await.unwrap();
        let (files, notices) = (Files::default(), Rc::default());
        let client = listen(client, &notices);
        let (network, clock) = (network.clone(), clock.another());
        Self { number, client, store, spool, files, life, notices, rng, clock, network }
    }

    /// Opens a home that is there, with randomness of its own.
    pub async fn open(number: usize, store: MemoryStore, seed: u64, network: &Network, clock: WorldClock) -> Self {
        let (life, notices) = (Life::default(), Rc::default());
        let spool = TestSpool::new(life.clone());
        let edges = edges(&store, &spool, &life, network, number);
        let client = Client::open(edges, &Passphrase::None).await.unwrap();
        let client = listen(client, &notices);
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        rng.set_stream(number as u64 + 1);
        Self {
            number,
            client,
            store,
            spool,
            files: Files::default(),
            life,
            notices,
            rng,
            clock,
            network: network.clone(),
        }
    }

    /// Their name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        NAMES[self.number]
    }

    /// The process ends without a word and is started again on the same disk.
    pub async fn restart(&mut self) {
        self.life.go_on();
        let edges = edges(&self.store, &self.spool, &self.life, &self.network, self.number);
        self.client = listen(Client::open(edges, &Passphrase::None).await.unwrap(), &self.notices);
    }

    /// The disk is replaced by an older copy of itself.
    pub async fn go_back_to(&mut self, copy: &MemoryStore) {
        self.store = copy.copy();
        self.restart().await;
    }

    /// A backup of this home, photos and all.
    pub async fn backup(&mut self) -> Vec<u8> {
        let (now, rng) = (self.clock.now(), &mut self.rng);
        backup::written(&self.client, Photos::Enclosed, now, rng).await.unwrap().bytes
    }

    /// The machine is lost; a backup is restored on another.
    pub async fn restore(&mut self, bytes: &[u8]) {
        self.life.go_on();
        self.store = MemoryStore::default();
        self.spool = TestSpool::new(self.life.clone());
        let (rows, spool, _) = edges(&self.store, &self.spool, &self.life, &self.network, self.number);
        backup::read(bytes, (rows, &spool), self.clock.now(), &mut self.rng).await.unwrap();
        self.restart().await;
    }

    /// Adds another person by card.
    pub async fn add(&mut self, other: &Self) {
        let card = other.client.card().await.unwrap();
        let now = self.clock.now();
        self.client.add_contact(&card, Some(other.name()), CardRelay::Typed, now, &mut self.rng).await.unwrap();
    }

    /// Sends a note, with files as they are.
    ///
    /// # Errors
    /// The client's.
    pub async fn send(&mut self, to: &[usize], note: &str, files: &[&str]) -> Result<SendOutcome, ClientError> {
        let mut recipients = Vec::new();
        for number in to {
            recipients.push(self.client.contact(NAMES[*number]).await?.fingerprint);
        }
        let options = PrepareOptions { treatment: Treatment::Exact, ..PrepareOptions::default() };
        let photos = files.iter().map(|name| PhotoSource { source: self.files.source(name), options }).collect();
        let draft = Draft { to: recipients, note: note.to_owned(), photos, looks: Looks::Any };
        let outcome = self.client.send(draft, &self.files, self.clock.now(), &mut self.rng).await;
        self.client.hang_up();
        outcome
    }

    /// The same, told to the user.
    ///
    /// # Errors
    /// The client's.
    pub async fn note(&mut self, to: usize, note: &str) -> Result<SendOutcome, ClientError> {
        let outcome = self.send(&[to], note, &[]).await?;
        self.client.told(&outcome.id, &mut self.rng).await?;
        Ok(outcome)
    }

    /// One look at the relay.
    ///
    /// # Errors
    /// The client's.
    pub async fn receive(&mut self) -> Result<Received, ClientError> {
        let received = self.client.receive(&self.files, self.clock.now(), &mut self.rng).await;
        self.client.hang_up();
        received
    }

    /// Messages of one direction, in order.
    pub async fn messages(&self, direction: Direction) -> Vec<Message> {
        let mut messages = self.client.messages().await.unwrap();
        messages.retain(|message| message.direction == direction);
        messages
    }

    /// The notes of received messages, in order.
    pub async fn notes(&self) -> Vec<String> {
        let inbox = self.messages(Direction::In).await;
        inbox.iter().map(|message| message.note.as_str().to_owned()).collect()
    }

    /// The bytes of a verified photo.
    ///
    /// # Errors
    /// The client's.
    pub async fn photo(&self, message: &Message, place: usize) -> Result<Vec<u8>, ClientError> {
        whole_photo(&self.client, message, place).await
    }

    /// Notices since the last call.
    pub fn heard(&self) -> Vec<Notice> {
        self.notices.take()
    }
}

fn edges(
    store: &MemoryStore,
    spool: &TestSpool,
    life: &Life,
    network: &Network,
    person: usize,
) -> (TestStore, TestSpool, WorldTransport) {
    let rows = TestStore::new(store.clone(), life.clone(), Tape::default());
    (rows, spool.clone(), WorldTransport::new(network.clone(), person, life.clone()))
}

fn listen(client: WorldClient, notices: &Rc<RefCell<Vec<Notice>>>) -> WorldClient {
    let notices = Rc::clone(notices);
    client.with_events(move |event| {
        if let Event::Notice(notice) = event {
            notices.borrow_mut().push(notice);
        }
    })
}

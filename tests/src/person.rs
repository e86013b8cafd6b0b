//! A person with a home in memory, who can be stopped at any moment and started again.

use std::{cell::RefCell, collections::BTreeMap, io::Cursor, rc::Rc};

use lightproof_core::{
    Client, ClientError, NewHome,
    backup::Photos,
    contact::Contact,
    e2ee::manifest::Treatment,
    event::{Event, Notice},
    message::{Direction, Message},
    names::NewName,
    people::CardRelay,
    prepare::{PrepareOptions, PreparedPhoto, prepare},
    receive::Received,
    send::{Draft, Looks, PhotoSource, SendOutcome, Source, Sources},
    spool::Spool as _,
    transport::Transport,
    vault::{memory::MemoryStore, unlock::Passphrase},
};
use lightproof_wire::{codec::Text, relay_link::RelayLink};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;

use crate::{
    backup::{self, Written},
    disk::{TestSpool, TestStore},
    life::Life,
    relay::TestClock,
    tape::Tape,
    transport::PlainTransport,
    trouble::Trouble,
};

/// The shipped client on edges of tests.
pub type TestClient = Client<TestStore, TestSpool, PlainTransport>;

/// Files by name.
#[derive(Clone, Default)]
pub struct Files(Rc<RefCell<BTreeMap<String, Vec<u8>>>>);

impl Files {
    /// Puts a file.
    pub fn put(&self, name: &str, bytes: &[u8]) {
        self.0.borrow_mut().insert(name.to_owned(), bytes.to_vec());
    }

    /// As a send names it.
    #[must_use]
    pub fn source(&self, name: &str) -> Source {
        let length_bytes = self.0.borrow().get(name).map_or(0, |bytes| bytes.len() as u64);
        Source { path: Text::new(name).unwrap(), length_bytes, modified_ms: 1 }
    }
}

impl Sources for Files {
    type File = Cursor<Vec<u8>>;

    async fn prepare(
        &self,
        source: &Source,
        options: &PrepareOptions,
        source_salt: [u8; 32],
    ) -> Result<PreparedPhoto<Self::File>, ClientError> {
        let bytes = self.0.borrow().get(source.path.as_str()).cloned().ok_or(ClientError::SourceMissing)?;
        if bytes.len() as u64 != source.length_bytes {
            return Err(ClientError::SourceChanged);
        }
        Ok(prepare(Cursor::new(bytes), source.path.as_str(), options, source_salt)?)
    }
}

/// One person.
pub struct Person {
    /// The client that runs.
    pub client: TestClient,
    /// What the disk holds.
    pub store: MemoryStore,
    /// Sealed chunks.
    pub spool: TestSpool,
    /// The files this person has.
    pub files: Files,
    /// How long the process lives.
    pub life: Life,
    /// What is wrong with the disk.
    pub trouble: Trouble,
    /// Frames that went by.
    pub tape: Tape,
    /// Notices told so far.
    pub notices: Rc<RefCell<Vec<Notice>>>,
    /// Randomness.
    pub rng: ChaCha20Rng,
    clock: TestClock,
}

impl Person {
    /// A new home at a relay, registered there.
    pub async fn new(name: &str, relay: &RelayLink, clock: &TestClock, seed: u64) -> Self {
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        let (store, life, tape) = (MemoryStore::default(), Life::default(), Tape::default());
        let trouble = Trouble::default();
        let spool = TestSpool::new(life.clone()).with(trouble.clone());
        let home = NewHome { name: name.to_owned(), relay: relay.clone(), access: None };
        let client = Client::create(edges(&store, &spool, &life, (&tape, &trouble)), home, &Passphrase::None, &mut rng)
            .await
            .unwrap();
        let notices = Rc::default();
        let client = listen(client, &notices);
        client.register(clock.now(), &mut rng).await.unwrap();
        client.hang_up();
        Self { client, store, spool, files: Files::default(), life, trouble, tape, notices, rng, clock: clock.clone() }
    }

    /// The process ends without a word and is started again on the same disk.
    pub async fn restart(&mut self) {
        self.life.go_on();
        self.client = self.second_process().await;
    }

    /// Another process on the same home.
    pub async fn second_process(&self) -> TestClient {
        let edges = edges(&self.store, &self.spool, &self.life, (&self.tape, &self.trouble));
        listen(Client::open(edges, &Passphrase::None).await.unwrap(), &self.notices)
    }

    /// The disk is replaced by an older copy of itself.
    pub async fn go_back_to(&mut self, copy: &MemoryStore) {
        self.store = copy.copy();
        self.restart().await;
    }

    /// A backup of this home.
    pub async fn backup(&mut self, photos: Photos) -> Written {
        backup::written(&self.client, photos, self.clock.now(), &mut self.rng).await.unwrap()
    }

    /// The home of a backup of theirs, on a machine of its own; this one runs on.
    pub async fn restored(&self, backup: &Written, seed: u64) -> Self {
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        let (store, life, tape) = (MemoryStore::default(), Life::default(), Tape::default());
        let trouble = Trouble::default();
        let spool = TestSpool::new(life.clone()).with(trouble.clone());
        let (rows, ..) = edges(&store, &spool, &life, (&tape, &trouble));
        backup::read(&backup.bytes, (rows, &spool), self.clock.now(), &mut rng).await.unwrap();
        let edges = edges(&store, &spool, &life, (&tape, &trouble));
        let notices = Rc::default();
        let client = listen(Client::open(edges, &Passphrase::None).await.unwrap(), &notices);
        let clock = self.clock.clone();
        Self { client, store, spool, files: Files::default(), life, trouble, tape, notices, rng, clock }
    }

    /// Adds another person by card.
    pub async fn add(&mut self, other: &Self, name: &str) -> Contact {
        let card = other.client.card().await.unwrap();
        let now = self.clock.now();
        self.client.add_contact(&card, Some(name), CardRelay::Typed, now, &mut self.rng).await.unwrap()
    }

    /// Sends a note with files, and is told how it ended.
    pub async fn send(
        &mut self,
        to: &[&str],
        note: &str,
        files: &[&str],
        options: PrepareOptions,
    ) -> Result<SendOutcome, ClientError> {
        let outcome = self.send_untold(to, note, files, options).await?;
        self.client.told(&outcome.id, &mut self.rng).await?;
        Ok(outcome)
    }

    /// Sends, and is interrupted before the result is shown.
    pub async fn send_untold(
        &mut self,
        to: &[&str],
        note: &str,
        files: &[&str],
        options: PrepareOptions,
    ) -> Result<SendOutcome, ClientError> {
        let draft = self.draft(to, note, files, options).await?;
        let outcome = self.client.send(draft, &self.files, self.clock.now(), &mut self.rng).await;
        self.client.hang_up();
        outcome
    }

    /// What a send asks for.
    pub async fn draft(
        &self,
        to: &[&str],
        note: &str,
        files: &[&str],
        options: PrepareOptions,
    ) -> Result<Draft, ClientError> {
        let mut recipients = Vec::new();
        for name in to {
            recipients.push(self.client.contact(name).await?.fingerprint);
        }
        let photos = files.iter().map(|name| PhotoSource { source: self.files.source(name), options }).collect();
        Ok(Draft { to: recipients, note: note.to_owned(), photos, looks: Looks::Any })
    }

    /// Sends a note.
    pub async fn note(&mut self, to: &str, note: &str) -> SendOutcome {
        self.send(&[to], note, &[], PrepareOptions::default()).await.unwrap()
    }

    /// One look at the relay.
    pub async fn receive(&mut self) -> Result<Received, ClientError> {
        let received = self.client.receive(&self.files, self.clock.now(), &mut self.rng).await;
        self.client.hang_up();
        received
    }

    /// Accepts everybody who waits.
    pub async fn accept_all(&mut self) {
        for request in self.client.requests().await.unwrap() {
            self.client.accept(&request.fingerprint, NewName::Hinted, &mut self.rng).await.unwrap();
        }
    }

    /// A send, with a process that may end before its user is told; `None` if it did.
    pub async fn try_send(&mut self, to: &str, note: &str, files: &[&str]) -> Option<Result<SendOutcome, ClientError>> {
        let life = self.life.clone();
        let options = PrepareOptions { treatment: Treatment::Exact, ..PrepareOptions::default() };
        life.spend(self.send_untold(&[to], note, files, options)).await
    }

    /// The user has seen how a send ended.
    pub async fn told(&mut self, outcome: &SendOutcome) {
        self.client.told(&outcome.id, &mut self.rng).await.unwrap();
    }

    /// A look at the relay, with a process that may end on the way; `None` if it did.
    pub async fn try_receive(&mut self) -> Option<Result<Received, ClientError>> {
        let life = self.life.clone();
        life.spend(self.receive()).await
    }

    /// Received messages, in order.
    pub async fn inbox(&self) -> Vec<Message> {
        let mut messages = self.client.messages().await.unwrap();
        messages.retain(|message| message.direction == Direction::In);
        messages
    }

    /// The notes of received messages, in order.
    pub async fn notes(&self) -> Vec<String> {
        self.inbox().await.iter().map(|message| message.note.as_str().to_owned()).collect()
    }

    /// The bytes of a verified photo.
    pub async fn photo(&self, message: &Message, place: usize) -> Result<Vec<u8>, ClientError> {
        whole_photo(&self.client, message, place).await
    }

    /// Whether anything of a message's photos lies in the spool.
    pub async fn holds_chunks_of(&self, message: &Message) -> bool {
        let there = self.spool.list().await.unwrap();
        message.photos.iter().any(|photo| there.contains(&photo.spool))
    }

    /// Notices since the last call.
    pub fn heard(&self) -> Vec<Notice> {
        self.notices.take()
    }
}

/// The bytes of a photo that was fetched, verified again.
pub(crate) async fn whole_photo<T: Transport>(
    client: &Client<TestStore, TestSpool, T>,
    message: &Message,
    place: usize,
) -> Result<Vec<u8>, ClientError> {
    let mut chunks = client.open_photo(message, place)?;
    let mut bytes = Vec::new();
    while let Some(chunk) = chunks.next().await? {
        bytes.extend(chunk);
    }
    chunks.finish()?;
    Ok(bytes)
}

fn edges(
    store: &MemoryStore,
    spool: &TestSpool,
    life: &Life,
    (tape, trouble): (&Tape, &Trouble),
) -> (TestStore, TestSpool, PlainTransport) {
    let rows = TestStore::new(store.clone(), life.clone(), tape.clone()).with(trouble.clone());
    (rows, spool.clone(), PlainTransport::new(life.clone(), tape.clone()))
}

fn listen(client: TestClient, notices: &Rc<RefCell<Vec<Notice>>>) -> TestClient {
    let notices = Rc::clone(notices);
    client.with_events(move |event| {
        if let Event::Notice(notice) = event {
            notices.borrow_mut().push(notice);
        }
    })
}

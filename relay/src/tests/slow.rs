//! Peers that read slowly or not at all: what they cost, and that nobody waits for them.
//!
//! Over streams in memory, because those hold as little as a test wants. It reads the clock: what is tested is that
//! nobody waits for a peer's deadline.

use std::{
    collections::BTreeMap,
    io,
    net::Ipv4Addr,
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use ed25519_dalek::SigningKey;
use futures_util::{SinkExt as _, StreamExt as _};
use lightproof_wire::{
    blob::{BlobShape, ChunkClass, SealedChunk},
    capability::{Capability, right},
    codec::List,
    command::{Command, MailboxKind},
    frame::{CommandFrame, RelayFrame},
    id::{ChunkIndex, CommandId, MailboxHandle},
    limits::DELIVERY_WINDOW,
    reply::{Push, Reply},
    time::Timestamp,
};
use tokio::{
    io::DuplexStream,
    task::JoinHandle,
    time::{sleep, timeout},
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{Message, protocol::Role},
};
use tokio_util::sync::CancellationToken;

use super::envelope;
use crate::{
    Relay,
    config::Config,
    drive::{Pace, drive},
    receipt::ReceiptSigner,
    serve::Service,
    store::{
        Chunks, FileId, SyncError,
        memory::{MemoryChunks, MemoryStore},
    },
    threads::BLOCKING_THREADS,
};

const CHUNK: usize = 65_536;
/// The relay's own task.
const SWEEP: usize = 1;
/// Far below the deadline of a peer that takes nothing, far above what anything here takes.
const PATIENCE: Duration = Duration::from_secs(30);

async fn relay(chunks_in_memory: usize) -> Arc<Service> {
    relay_over(Arc::new(MemoryChunks::default()), chunks_in_memory).await
}

async fn relay_over(chunks: Arc<dyn Chunks>, chunks_in_memory: usize) -> Arc<Service> {
    let config = Config::local("/nowhere".into(), (Ipv4Addr::LOCALHOST, 0).into()).unwrap();
    let config = Config { chunks_in_memory, ..config };
    let around = (Arc::new(MemoryStore::default()) as _, chunks, clock());
    let receipts = ReceiptSigner::new(SigningKey::from_bytes(&[1; 32]));
    Relay::serve_streams(&config, receipts, around, &CancellationToken::new()).await.unwrap()
}

fn clock() -> crate::serve::Clock {
    Arc::new(|| Timestamp(1_800_000_000_000))
}

struct Client {
    socket: WebSocketStream<DuplexStream>,
    next: u32,
}

impl Client {
    async fn connect(service: &Arc<Service>) -> Self {
        Self::connect_and_served(service).await.0
    }

    /// Also what ends when the relay has done with the connection.
    async fn connect_and_served(service: &Arc<Service>) -> (Self, JoinHandle<()>) {
        let (ours, theirs) = tokio::io::duplex(1_024);
        let pace = Pace { commands_per_second: 1_000, command_burst: 1_000 };
        let served = tokio::spawn(drive(theirs, Arc::clone(service), None, pace, CancellationToken::new()));
        (Self { socket: WebSocketStream::from_raw_socket(ours, Role::Client, None).await, next: 0 }, served)
    }

    async fn send(&mut self, command: Command) {
        self.next += 1;
        let frame = CommandFrame { id: CommandId(self.next), command };
        self.socket.send(Message::Binary(frame.encode().into())).await.unwrap();
    }

    async fn receive(&mut self) -> RelayFrame {
        loop {
            let message = timeout(PATIENCE, self.socket.next()).await.expect("something in time");
            if let Message::Binary(bytes) = message.unwrap().unwrap() {
                return RelayFrame::decode(&bytes).unwrap();
            }
        }
    }

    async fn ask(&mut self, command: Command) -> Reply {
        self.send(command).await;
        loop {
            if let RelayFrame::Reply(_, reply) = self.receive().await {
                return reply;
            }
        }
    }

    async fn upload(&mut self, byte: u8) {
        assert_eq!(self.ask(open(byte)).await, Reply::Opened);
        assert_eq!(self.ask(put(byte)).await, Reply::Done);
        assert_eq!(self.ask(Command::CommitBlob { write: write(byte) }).await, Reply::Done);
    }
}

fn write(byte: u8) -> Capability<right::Write> {
    Capability::from_bytes([byte; 32])
}

fn open(byte: u8) -> Command {
    let shape = BlobShape::new(ChunkClass::Small, 1).unwrap();
    let readers = List::new(vec![read(byte).hash()]).unwrap();
    Command::OpenBlob { write: write(byte).hash(), readers, shape, keep_days: 1, access: None }
}

fn put(byte: u8) -> Command {
    let chunk = SealedChunk::new(vec![byte; CHUNK]).unwrap();
    Command::PutChunk { write: write(byte), index: ChunkIndex(0), chunk }
}

fn read(byte: u8) -> Capability<right::Read> {
    Capability::from_bytes([byte; 32])
}

fn get(byte: u8) -> Command {
    Command::GetChunk { read: read(byte), index: ChunkIndex(0) }
}

/// Waits until it is so.
async fn until(what: impl Fn() -> bool) {
    let waiting = async {
        while !what() {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, waiting).await.expect("in time");
}

/// All places for chunks in memory were theirs who asked for chunks and took none, for minutes, and uploads waited too.
#[tokio::test(flavor = "multi_thread")]
async fn slow_readers_of_chunks_hold_up_nobody_and_take_one_place_each() {
    const PLACES: usize = 4;
    const READERS: usize = 12;
    let service = relay(PLACES).await;
    let mut honest = Client::connect(&service).await;
    honest.upload(1).await;
    let read_count = || usize::try_from(service.metrics.chunk_bytes_out.get()).unwrap() / CHUNK;
    let mut slow = Vec::new();
    for _ in 0..READERS {
        let mut client = Client::connect(&service).await;
        assert!(matches!(client.receive().await, RelayFrame::Push(Push::Welcome(_))));
        for _ in 0..4 {
            client.send(get(1)).await;
        }
        slow.push(client);
    }
    until(|| read_count() >= PLACES).await;
    for _ in 0..2 {
        assert!(matches!(honest.ask(get(1)).await, Reply::Chunk(_)));
    }
    honest.upload(2).await;
    until(|| read_count() >= READERS + 2).await;
    assert!(read_count() <= PLACES + READERS + 2, "{} chunks were read", read_count());
    for client in &mut slow {
        for _ in 0..4 {
            assert!(matches!(client.receive().await, RelayFrame::Reply(_, Reply::Chunk(_))));
        }
    }
}

/// Hints of many mailboxes that came while a reader took nothing were all followed at once, a window of each.
#[tokio::test(flavor = "multi_thread")]
async fn a_slow_reader_of_many_mailboxes_costs_one_window_and_misses_nothing() {
    const MAILBOXES: u8 = 8;
    let service = relay(4).await;
    let (mut sender, mut reader) = (Client::connect(&service).await, Client::connect(&service).await);
    for byte in 0..MAILBOXES {
        let (owner, drop) = (Capability::from_bytes([byte; 32]), Capability::from_bytes([byte ^ 0x80; 32]));
        let kind = MailboxKind::Private;
        let create = Command::CreateMailbox {
            owner: Capability::hash(&owner),
            drop: Capability::hash(&drop),
            kind,
            access: None,
        };
        assert_eq!(sender.ask(create).await, Reply::Created);
        let watching = reader.ask(Command::Watch { owner, handle: MailboxHandle(byte.into()) }).await;
        assert!(matches!(watching, Reply::Watching { .. }));
    }
    for byte in 0..MAILBOXES {
        for number in 0..DELIVERY_WINDOW {
            let envelope = envelope(u8::try_from(number).unwrap());
            let deposit = Command::Deposit { drop: Capability::from_bytes([byte ^ 0x80; 32]), envelope };
            assert!(matches!(sender.ask(deposit).await, Reply::Deposited(_)));
        }
    }
    let loaded_count = || usize::try_from(service.metrics.deliveries.get()).unwrap();
    let mut came = BTreeMap::<MailboxHandle, Vec<u64>>::new();
    let all = DELIVERY_WINDOW * usize::from(MAILBOXES);
    for count in 0..all {
        let delivery = loop {
            match reader.receive().await {
                RelayFrame::Push(Push::Delivery(delivery)) => break delivery,
                RelayFrame::Push(_) => {}
                RelayFrame::Reply(_, reply) => panic!("{reply:?}"),
            }
        };
        came.entry(delivery.handle).or_default().push(delivery.sequence.0);
        // Time for what should not happen.
        sleep(Duration::from_millis(2)).await;
        // One window under way, and one read while the first envelopes of it leave.
        assert!(loaded_count() <= count + 1 + 2 * DELIVERY_WINDOW, "{} after {count}", loaded_count());
    }
    assert_eq!(came.len(), usize::from(MAILBOXES));
    assert!(came.values().all(|sequences| sequences.iter().copied().eq(1..=32)), "{came:?}");
}

/// A disk that writes and reads nothing until it is told to.
#[derive(Default)]
struct Stuck {
    goes_on: Mutex<bool>,
    told: Condvar,
    begun_count: AtomicUsize,
    inner: MemoryChunks,
}

impl Stuck {
    fn goes_on(&self) {
        *self.goes_on.lock().unwrap() = true;
        self.told.notify_all();
    }

    fn stops(&self) {
        *self.goes_on.lock().unwrap() = false;
    }

    fn stall(&self) {
        self.begun_count.fetch_add(1, Ordering::SeqCst);
        let stands = self.goes_on.lock().unwrap();
        // Not for ever: a test that fails ends.
        drop(self.told.wait_timeout_while(stands, 2 * PATIENCE, |goes_on| !*goes_on).unwrap());
    }
}

impl Chunks for Stuck {
    fn write_at(&self, file: FileId, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.stall();
        self.inner.write_at(file, offset, bytes)
    }

    fn read_at(&self, file: FileId, offset: u64, length: usize) -> io::Result<Vec<u8>> {
        self.stall();
        self.inner.read_at(file, offset, length)
    }

    fn sync(&self, file: FileId) -> Result<(), SyncError> {
        self.inner.sync(file)
    }

    fn remove(&self, file: FileId) -> io::Result<()> {
        self.inner.remove(file)
    }

    fn list(&self) -> io::Result<Vec<FileId>> {
        self.inner.list()
    }

    fn free_bytes(&self) -> io::Result<u64> {
        self.inner.free_bytes()
    }
}

/// Chunks that a slow disk has not taken stayed in memory when their connections ended, as many as anybody sent.
#[tokio::test(flavor = "multi_thread")]
async fn chunks_that_wait_for_a_slow_disk_are_as_many_as_may_be_whoever_has_left() {
    const PLACES: usize = 4;
    const CONNECTIONS: u8 = 12;
    let disk = Arc::new(Stuck::default());
    let service = relay_over(Arc::clone(&disk) as _, PLACES).await;
    for byte in 1..=CONNECTIONS {
        let (mut client, served) = Client::connect_and_served(&service).await;
        assert_eq!(client.ask(open(byte)).await, Reply::Opened);
        client.send(put(byte)).await;
        // It is answered when what was sent before it has arrived.
        assert_eq!(client.ask(Command::Ping).await, Reply::Pong);
        until(|| disk.begun_count.load(Ordering::SeqCst) >= PLACES.min(byte.into())).await;
        drop(client);
        timeout(PATIENCE, served).await.expect("in time").unwrap();
    }
    assert_eq!(disk.begun_count.load(Ordering::SeqCst), PLACES);
    assert_eq!(service.tasks.len() - SWEEP, PLACES);
    disk.goes_on();
    let mut honest = Client::connect(&service).await;
    honest.upload(100).await;
}

/// Somebody's mailbox is made, written to and read: whose page is read waits for a thread.
async fn rows_are_looked_at(service: &Arc<Service>, byte: u8) {
    let mut honest = Client::connect(service).await;
    let (owner, drop) = (Capability::from_bytes([byte; 32]), Capability::from_bytes([byte ^ 0x80; 32]));
    let (kind, access) = (MailboxKind::Private, None);
    let (hash, dropped) = (Capability::hash(&owner), Capability::hash(&drop));
    assert_eq!(honest.ask(Command::CreateMailbox { owner: hash, drop: dropped, kind, access }).await, Reply::Created);
    assert!(matches!(honest.ask(Command::Deposit { drop, envelope: envelope(1) }).await, Reply::Deposited(_)));
    let watching = honest.ask(Command::Watch { owner, handle: MailboxHandle(1) }).await;
    assert!(matches!(watching, Reply::Watching { .. }), "{watching:?}");
    assert!(matches!(honest.receive().await, RelayFrame::Push(Push::Delivery(_))));
}

/// Chunks of one uploader had all threads for as long as the disk took: nobody's rows were looked at, and systemd ended a
/// relay that gave no sign of life.
#[test]
fn a_disk_that_takes_and_gives_no_chunks_keeps_nobody_from_the_rows() {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.enable_all().max_blocking_threads(BLOCKING_THREADS).build().unwrap();
    runtime.block_on(async {
        let disk = Arc::new(Stuck::default());
        let service = relay_over(Arc::clone(&disk) as _, 256).await;
        let begun_count = || disk.begun_count.load(Ordering::SeqCst);
        let mut clients = Vec::new();
        for byte in (1..).take(3 * BLOCKING_THREADS) {
            let mut client = Client::connect(&service).await;
            assert_eq!(client.ask(open(byte)).await, Reply::Opened);
            client.send(put(byte)).await;
            clients.push((client, byte));
        }
        until(|| service.tasks.len() - SWEEP == clients.len()).await;
        rows_are_looked_at(&service, 101).await;
        disk.goes_on();
        for (client, byte) in &mut clients {
            assert!(matches!(client.receive().await, RelayFrame::Reply(_, Reply::Done)));
            assert_eq!(client.ask(Command::CommitBlob { write: write(*byte) }).await, Reply::Done);
        }
        disk.stops();
        let before = begun_count();
        for (client, byte) in &mut clients {
            client.send(get(*byte)).await;
        }
        until(|| begun_count() >= before + BLOCKING_THREADS / 2).await;
        rows_are_looked_at(&service, 102).await;
        disk.goes_on();
        for (client, _) in &mut clients {
            assert!(matches!(client.receive().await, RelayFrame::Reply(_, Reply::Chunk(_))));
        }
    });
}

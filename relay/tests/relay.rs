//! A whole relay over loopback TLS, restarts included. Sockets and real time, because that is what is tested.
#![expect(clippy::unwrap_used, reason = "tests")]

mod client;

use std::{net::SocketAddr, path::Path, time::Duration};

use client::{Client, Mailbox, envelope, mailbox, tls};
use futures_util::SinkExt as _;
use lightproof_relay::{
    Relay, RunningRelay,
    config::{Config, Settings},
};
use lightproof_wire::{
    blob::{BlobShape, ChunkBitmap, ChunkClass, SealedChunk},
    capability::{Capability, right},
    codec::{Bytes, List},
    command::{Command, MailboxKind, Readers},
    id::{ChunkIndex, MailboxHandle},
    limits::{DELIVERY_WINDOW, WIRE_FRAME_BYTES},
    prekey::{PrekeyId, PrekeyKind, PublishedPrekey, Stock},
    refusal::Refusal,
    reply::{BlobState, Push, Reply},
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_tungstenite::tungstenite::Message;

const ANY: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);
const REFUSED: Reply = Reply::Refused(Refusal::Refused);

async fn start(folder: &Path, listen: SocketAddr) -> RunningRelay {
    Relay::start(Config::local(folder.to_owned(), listen).unwrap()).await.unwrap()
}

async fn start_with(folder: &Path, settings: &str) -> RunningRelay {
    let mut table: toml::Table = settings.parse().unwrap();
    table.insert("listen".to_owned(), ANY.to_string().into());
    table.insert("data".to_owned(), folder.to_str().unwrap().into());
    Relay::start(Settings::from_table(table).unwrap().check().unwrap()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_deposited_is_delivered_in_order_acked_and_survives_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let relay = start(folder.path(), ANY).await;
    let (link, address, bob) = (relay.link().clone(), relay.address(), mailbox(1));
    let mut owner = Client::connect(&link).await;
    assert_eq!(owner.create(&bob, MailboxKind::Private).await, Reply::Created);
    assert_eq!(owner.create(&bob, MailboxKind::Private).await, Reply::Created);
    let mut sender = Client::connect(&link).await;
    let Reply::Deposited(receipt) = sender.deposit(&bob, 1).await else { panic!("not deposited") };
    receipt.verify(&sender.welcome.receipt_key, &envelope(1).digest(), &bob.drop.hash()).unwrap();
    assert_eq!(sender.deposit(&bob, 1).await, Reply::Deposited(receipt.clone()), "repeated");
    sender.deposit(&bob, 2).await;
    let receipt_key = sender.welcome.receipt_key;
    relay.shutdown().await;

    let relay = start(folder.path(), address).await;
    assert_eq!(relay.link(), &link, "same port, same pin");
    let mut owner = Client::connect(&link).await;
    assert_eq!(owner.welcome.receipt_key, receipt_key);
    assert!(matches!(owner.watch(&bob, 7).await, Reply::Watching { highest_acked } if highest_acked.0 == 0));
    for byte in 1..=2 {
        let delivery = owner.delivery().await;
        assert_eq!((delivery.sequence.0, delivery.envelope), (u64::from(byte), envelope(byte)));
    }
    assert_eq!(owner.push().await, Push::CaughtUp(MailboxHandle(7)));
    assert_eq!(owner.ack(7, 1).await, Reply::Done);
    assert_eq!(owner.ack(7, 1).await, Reply::Done);
    assert_eq!(owner.ack(8, 1).await, REFUSED, "no such handle");
    let mut sender = Client::connect(&link).await;
    assert_eq!(sender.deposit(&bob, 1).await, Reply::Deposited(receipt), "the hash outlives the ack");
    sender.deposit(&bob, 3).await;
    assert_eq!(owner.delivery().await.envelope, envelope(3), "live");
    assert_eq!(owner.push().await, Push::CaughtUp(MailboxHandle(7)));
    let mut again = Client::connect(&link).await;
    assert!(matches!(again.watch(&bob, 1).await, Reply::Watching { highest_acked } if highest_acked.0 == 1));
    assert_eq!(again.delivery().await.sequence.0, 2);
    assert_eq!(owner.push().await, Push::Superseded(MailboxHandle(7)));
    assert_eq!(owner.ack(7, 2).await, Reply::Refused(Refusal::Superseded));
    relay.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hundreds_of_deposits_reach_a_watcher_once_each_through_its_window() {
    let folder = tempfile::tempdir().unwrap();
    let relay = start(folder.path(), ANY).await;
    let (link, bob) = (relay.link().clone(), mailbox(1));
    let mut owner = Client::connect(&link).await;
    owner.create(&bob, MailboxKind::Private).await;
    owner.watch(&bob, 1).await;
    assert_eq!(owner.push().await, Push::CaughtUp(MailboxHandle(1)));
    let mut sender = Client::connect(&link).await;
    for byte in 0..200_u8 {
        sender.send(Command::Deposit { drop: bob.drop.clone(), envelope: envelope(byte) }).await;
    }
    let mut seen = std::collections::BTreeSet::new();
    while seen.len() < 200 {
        let Push::Delivery(delivery) = owner.push().await else { continue };
        assert!(seen.insert(delivery.envelope.as_bytes()[0]), "each once");
        // The reply may come after further deliveries; a full window moves only by acks.
        if seen.len() % DELIVERY_WINDOW != 5 {
            owner.send(Command::Ack { handle: MailboxHandle(1), sequence: delivery.sequence }).await;
            continue;
        }
        assert_eq!(owner.ack(1, delivery.sequence.0).await, Reply::Done);
    }
    relay.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn quotas_tombstones_and_strangers_get_a_no() {
    let folder = tempfile::tempdir().unwrap();
    let relay = start_with(folder.path(), "mailbox_envelopes = 2\ndoorbell_envelopes = 1").await;
    let (bell, bob, nobody) = (mailbox(1), mailbox(2), mailbox(3));
    let mut client = Client::connect(relay.link()).await;
    assert_eq!(client.welcome.limits.mailbox_envelopes, 2);
    client.create(&bell, MailboxKind::Doorbell).await;
    client.create(&bob, MailboxKind::Private).await;
    for (mailbox, room) in [(&bell, 1), (&bob, 2)] {
        for byte in 0..room {
            assert!(matches!(client.deposit(mailbox, byte).await, Reply::Deposited(_)));
        }
        assert_eq!(client.deposit(mailbox, 99).await, Reply::Refused(Refusal::QuotaFull));
    }
    assert_eq!(client.deposit(&nobody, 1).await, REFUSED);
    assert_eq!(client.watch(&nobody, 1).await, REFUSED);
    let swapped = Mailbox { owner: Capability::from_bytes(*bob.drop.expose_secret()), drop: mailbox(4).drop };
    assert_eq!(client.watch(&swapped, 1).await, REFUSED, "a drop is no owner");
    let retire = || Command::Retire { owner: mailbox(2).owner };
    assert_eq!(client.ask(retire()).await, Reply::Done);
    assert_eq!(client.ask(retire()).await, Reply::Done);
    assert_eq!(client.deposit(&bob, 0).await, REFUSED);
    assert_eq!(client.create(&bob, MailboxKind::Private).await, REFUSED);
    relay.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn prekeys_are_given_once_and_survive_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let relay = start(folder.path(), ANY).await;
    let bell = mailbox(1);
    let mut client = Client::connect(relay.link()).await;
    client.create(&bell, MailboxKind::Doorbell).await;
    let today = client.welcome.day;
    let prekey = |kind, id| PublishedPrekey {
        kind,
        id: PrekeyId(id),
        not_after: today.plus(30),
        sealed: Bytes::new(vec![7; 6_600]).unwrap(),
    };
    let one_time = (1..=50).map(|id| prekey(PrekeyKind::OneTime, id)).collect();
    let publish = Command::PublishPrekeys {
        owner: mailbox(1).owner,
        signed: prekey(PrekeyKind::Signed, 1),
        one_time: List::new(one_time).unwrap(),
    };
    assert_eq!(client.ask(publish.clone()).await, Reply::Done);
    assert_eq!(client.ask(publish).await, Reply::Done);
    let count = || Command::CountPrekeys { owner: mailbox(1).owner };
    let left = |from| {
        let one_time = Stock::of((from..=50).map(PrekeyId));
        Reply::Count { signed_not_after: Some(today.plus(30)), one_time }
    };
    assert_eq!(client.ask(count()).await, left(1));
    let take = || Command::TakePrekeys { drop: mailbox(1).drop };
    let mut ids = std::collections::BTreeSet::new();
    for _ in 0..10 {
        let Reply::Bundle(bundle) = client.ask(take()).await else { panic!("no bundle") };
        assert!(ids.insert(bundle.one_time.unwrap().id));
    }
    let Reply::Bundle(bundle) = client.ask(take()).await else { panic!("no bundle") };
    assert_eq!(bundle.one_time, None, "enough for one address today");
    let address = relay.address();
    relay.shutdown().await;
    let relay = start(folder.path(), address).await;
    let mut client = Client::connect(relay.link()).await;
    assert_eq!(client.ask(count()).await, left(11));
    let Reply::Bundle(bundle) = client.ask(take()).await else { panic!("no bundle") };
    assert!(ids.insert(bundle.one_time.unwrap().id), "none is given twice");
    relay.shutdown().await;
}

fn write() -> Capability<right::Write> {
    Capability::from_bytes([8; 32])
}

fn read(byte: u8) -> Capability<right::Read> {
    Capability::from_bytes([byte; 32])
}

fn open(count: u32) -> Command {
    let readers = List::new(vec![read(1).hash(), read(2).hash()]).unwrap();
    let shape = BlobShape::new(ChunkClass::Medium, count).unwrap();
    Command::OpenBlob { write: write().hash(), readers, shape, keep_days: 45, access: None }
}

fn put(index: u32) -> Command {
    let bytes = vec![u8::try_from(index).unwrap(); 262_144];
    Command::PutChunk { write: write(), index: ChunkIndex(index), chunk: SealedChunk::new(bytes).unwrap() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blob_resumes_after_a_restart_and_goes_with_its_last_reader() {
    let folder = tempfile::tempdir().unwrap();
    let relay = start(folder.path(), ANY).await;
    let address = relay.address();
    let mut client = Client::connect(relay.link()).await;
    assert_eq!(client.ask(put(0)).await, REFUSED, "not opened");
    assert_eq!(client.ask(open(5)).await, Reply::Opened);
    for index in [4, 0, 2, 0] {
        assert_eq!(client.ask(put(index)).await, Reply::Done);
    }
    assert_eq!(client.ask(Command::CommitBlob { write: write() }).await, REFUSED, "incomplete");
    relay.shutdown().await;
    let relay = start(folder.path(), address).await;
    let mut client = Client::connect(relay.link()).await;
    let status = || Command::BlobStatus { write: write() };
    let mut there = ChunkBitmap::empty(5);
    [0, 2, 4].into_iter().for_each(|index| there.insert(ChunkIndex(index)));
    assert_eq!(client.ask(status()).await, Reply::Blob(BlobState::Uploading(there)));
    for index in [1, 3] {
        assert_eq!(client.ask(put(index)).await, Reply::Done);
    }
    let get = |byte, index| Command::GetChunk { read: read(byte), index: ChunkIndex(index) };
    assert_eq!(client.ask(get(1, 0)).await, REFUSED, "not committed");
    for _ in 0..2 {
        assert_eq!(client.ask(Command::CommitBlob { write: write() }).await, Reply::Done);
    }
    assert_eq!(client.ask(status()).await, Reply::Blob(BlobState::Committed));
    assert_eq!(client.ask(put(0)).await, REFUSED, "immutable");
    for index in 0..5 {
        let Reply::Chunk(chunk) = client.ask(get(2, index)).await else { panic!("no chunk") };
        assert_eq!(chunk.as_slice(), vec![u8::try_from(index).unwrap(); 262_144]);
    }
    assert_eq!(client.ask(get(3, 0)).await, REFUSED);
    let release = |byte| Command::ReleaseBlob { read: read(byte) };
    assert_eq!(client.ask(release(2)).await, Reply::Done);
    assert_eq!(client.ask(get(2, 0)).await, REFUSED);
    let revoke = Command::RevokeBlob { write: write(), readers: Readers::All };
    assert_eq!(client.ask(revoke.clone()).await, Reply::Done);
    assert_eq!(client.ask(revoke).await, Reply::Done);
    assert_eq!(client.ask(get(1, 0)).await, REFUSED);
    assert_eq!(client.ask(open(5)).await, REFUSED, "a tombstone");
    let files = std::fs::read_dir(folder.path().join("blobs")).unwrap();
    let left: usize = files.map(|part| std::fs::read_dir(part.unwrap().path()).unwrap().count()).sum();
    assert_eq!(left, 0, "no file is left");
    relay.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_breaks_the_rules_is_closed_and_others_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let relay = start(folder.path(), ANY).await;
    let mut bystander = Client::connect(relay.link()).await;
    let oversize = vec![1; WIRE_FRAME_BYTES + 1];
    let bad = [
        Message::Text("hello".into()),
        Message::Binary(vec![0, 0, 0, 1, 5].into()),
        Message::Binary(vec![].into()),
        Message::Binary(oversize.into()),
    ];
    for message in bad {
        let mut client = Client::connect(relay.link()).await;
        // The relay may close before an oversize message has left.
        let _ = client.socket.send(message).await;
        assert!(client.is_closed().await);
        assert_eq!(bystander.ask(Command::Ping).await, Reply::Pong);
    }
    relay.shutdown().await;
    assert!(bystander.is_closed().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn health_pages_and_refused_upgrades() {
    let folder = tempfile::tempdir().unwrap();
    let relay = start(folder.path(), ANY).await;
    let ask = async |request: &str| {
        let mut stream = tls(relay.link()).await;
        stream.write_all(format!("{request}\r\nHost: relay\r\nConnection: close\r\n\r\n").as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        String::from_utf8_lossy(&answer).into_owned()
    };
    assert!(ask("GET /healthz HTTP/1.1").await.ends_with("alive\n"));
    assert!(ask("GET /readyz HTTP/1.1").await.ends_with("ready\n"));
    assert!(ask("GET /v1 HTTP/1.1").await.starts_with("HTTP/1.1 426"));
    assert!(ask("GET /else HTTP/1.1").await.starts_with("HTTP/1.1 404"));
    let upgrade = "GET /v1 HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                   Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nOrigin: https://elsewhere.example";
    assert!(ask(upgrade).await.starts_with("HTTP/1.1 403"));
    relay.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_a_proxy_it_speaks_plain_http_and_its_link_has_no_pin() {
    let folder = tempfile::tempdir().unwrap();
    let relay = start_with(folder.path(), "behind_proxy = true\npublic_url = \"wss://relay.example.org/\"").await;
    assert_eq!(relay.link().to_string(), "wss://relay.example.org/");
    let stream = tokio::net::TcpStream::connect(relay.address()).await.unwrap();
    let (mut socket, _) = tokio_tungstenite::client_async("ws://relay.example.org/v1", stream).await.unwrap();
    let welcome = futures_util::StreamExt::next(&mut socket).await.unwrap().unwrap();
    assert!(matches!(
        lightproof_wire::frame::RelayFrame::decode(&welcome.into_data()),
        Ok(lightproof_wire::frame::RelayFrame::Push(Push::Welcome(_)))
    ));
    drop(socket);
    relay.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handshake_that_never_ends_is_cut() {
    let folder = tempfile::tempdir().unwrap();
    let relay = start(folder.path(), ANY).await;
    let mut silent = tokio::net::TcpStream::connect(relay.address()).await.unwrap();
    let mut half = tls(relay.link()).await;
    half.write_all(b"GET /v1 HT").await.unwrap();
    let cut = async |stream: &mut (dyn tokio::io::AsyncRead + Unpin + Send)| {
        let mut rest = Vec::new();
        tokio::time::timeout(Duration::from_secs(15), stream.read_to_end(&mut rest)).await.expect("cut in time")
    };
    let _ = tokio::join!(cut(&mut silent), cut(&mut half));
    relay.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_relays_live_in_one_process_and_one_folder_has_one_relay() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (first, second) = (start(one.path(), ANY).await, start(two.path(), ANY).await);
    assert_ne!(first.link().pins(), second.link().pins());
    let third = Relay::start(Config::local(one.path().to_owned(), ANY).unwrap()).await;
    assert!(third.is_err());
    first.shutdown().await;
    assert_eq!(Client::connect(second.link()).await.ask(Command::Ping).await, Reply::Pong);
    second.shutdown().await;
}

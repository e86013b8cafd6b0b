//! SIGTERM in the middle of everything: it ends in time, and what was acknowledged is there.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    time::{Duration, Instant},
};

use lightproof_wire::{
    blob::{BlobShape, ChunkClass, SealedChunk},
    capability::{Capability, right},
    codec::List,
    command::{Command, MailboxKind},
    id::ChunkIndex,
    limits::CHUNK_BYTES,
    relay_link::RelayLink,
    reply::Reply,
};
use tokio::{io::AsyncWriteExt as _, task::JoinSet};

use crate::{
    client::{Client, envelope, mailbox, tls},
    effort,
    material::{ANY, PATIENCE, Program, relay, start},
};

const IDLE: usize = 100;
const SENDERS: u8 = 4;

fn serve(folder: &std::path::Path, listen: &str) -> (Program, RelayLink) {
    let program = Program::start(&mut relay(&["serve", "--data", folder.to_str().unwrap(), "--listen", listen]));
    let link = program.says("wss://").trim().parse().unwrap();
    program.says("ready");
    (program, link)
}

/// Deposits until the connection ends; which were acknowledged.
async fn deposits(link: RelayLink, numbers: Arc<AtomicU8>) -> BTreeSet<u8> {
    let mut acknowledged = BTreeSet::new();
    let mut client = Client::connect(&link).await;
    loop {
        let number = numbers.fetch_add(1, Ordering::Relaxed);
        let deposit = Command::Deposit { drop: mailbox(1).drop, envelope: envelope(number) };
        match client.try_ask(deposit).await {
            Some(Reply::Deposited(_)) => acknowledged.insert(number),
            Some(other) => panic!("{other:?}"),
            None => return acknowledged,
        };
        assert!(acknowledged.len() < 60, "numbers are few");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_that_is_told_to_stop_ends_in_time_and_keeps_what_it_acknowledged() {
    let (mut slowest, mut kept) = (Duration::ZERO, 0);
    let rounds = effort::times(4);
    for round in 0..rounds {
        let folder = tempfile::tempdir().unwrap();
        let (program, link) = serve(folder.path(), &ANY.to_string());
        let mut idle = Vec::new();
        for _ in 0..IDLE {
            idle.push(Client::connect(&link).await);
        }
        assert_eq!(idle[0].create(&mailbox(1), MailboxKind::Private).await, Reply::Created);
        let numbers = Arc::new(AtomicU8::new(0));
        let mut senders = JoinSet::new();
        for _ in 0..SENDERS {
            senders.spawn(deposits(link.clone(), Arc::clone(&numbers)));
        }
        tokio::time::sleep(Duration::from_millis(60 + 7 * (round % 10))).await;
        let began = Instant::now();
        program.signal("-TERM");
        assert!(program.says_within("stopped", PATIENCE).is_some());
        slowest = slowest.max(began.elapsed());
        let acknowledged: BTreeSet<u8> = senders.join_all().await.into_iter().flatten().collect();
        drop((idle, program));

        let (_program, link) = serve(folder.path(), &link.authority());
        let mut owner = Client::connect(&link).await;
        assert!(matches!(owner.watch(&mailbox(1), 7).await, Reply::Watching { .. }));
        let mut missing = acknowledged.clone();
        while !missing.is_empty() {
            let delivery = owner.delivery().await;
            missing.remove(&delivery.envelope.as_bytes()[0]);
            assert_eq!(owner.ack(7, delivery.sequence.0).await, Reply::Done);
        }
        assert!(!acknowledged.is_empty());
        kept += acknowledged.len();
    }
    println!(
        "evidence: P13 | {rounds} stops under load with {IDLE} idle connections: 0 of {kept} acknowledged lost, slowest end {slowest:?} | one run"
    );
    assert!(slowest < Duration::from_secs(6), "{slowest:?}");
}

/// Asks for more chunks than sockets hold, and takes none.
pub(crate) async fn stalled(link: &RelayLink) -> Client {
    const ASKED: usize = 24;
    let (write, read) =
        (Capability::<right::Write>::from_bytes([1; 32]), Capability::<right::Read>::from_bytes([2; 32]));
    let mut client = Client::connect(link).await;
    let (shape, readers) = (BlobShape::new(ChunkClass::Large, 1).unwrap(), List::new(vec![read.hash()]).unwrap());
    let open = Command::OpenBlob { write: write.hash(), readers, shape, keep_days: 1, access: None };
    assert_eq!(client.ask(open).await, Reply::Opened);
    let (index, chunk) = (ChunkIndex(0), SealedChunk::new(vec![1; CHUNK_BYTES]).unwrap());
    assert_eq!(client.ask(Command::PutChunk { write: write.clone(), index, chunk }).await, Reply::Done);
    assert_eq!(client.ask(Command::CommitBlob { write }).await, Reply::Done);
    for _ in 0..ASKED {
        client.send(Command::GetChunk { read: read.clone(), index }).await;
    }
    client
}

/// One peer that takes nothing held up every stop until the relay gave up waiting, twice; so did half a request.
#[tokio::test(flavor = "multi_thread")]
async fn peers_that_stall_hold_up_no_stop() {
    let folder = tempfile::tempdir().unwrap();
    let relay = start(folder.path(), "").await;
    let stalled = stalled(relay.link()).await;
    let mut half = tls(relay.link()).await;
    half.write_all(b"GET / HTTP/1.1\r\nHost").await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let began = Instant::now();
    relay.shutdown().await;
    let took = began.elapsed();
    drop((stalled, half));
    println!("a stop with peers that stall took {took:?}");
    assert!(took > Duration::from_secs(1), "they did not stall: {took:?}");
    assert!(took < Duration::from_secs(7), "{took:?}");
    // The store was closed: the same folder opens at once.
    start(folder.path(), "").await.shutdown().await;
}

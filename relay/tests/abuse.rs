//! Who may use a relay, and how much: over loopback TLS, from several addresses of this machine.
#![expect(clippy::unwrap_used, reason = "tests")]

mod client;

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use client::{Client, Mailbox, mailbox};
use futures_util::{SinkExt as _, StreamExt as _};
use lightproof_relay::{
    Relay, RunningRelay,
    access::{self, Amount, Terms},
    config::Settings,
    store::{commit, disk::DiskStore, look},
};
use lightproof_wire::{
    blob::{BlobShape, ChunkClass, SealedChunk},
    capability::{Capability, right},
    codec::{Bytes, List, Text},
    command::{Command, MailboxKind},
    envelope::Envelope,
    frame::{CommandFrame, RelayFrame},
    id::{ChunkIndex, CommandId},
    limits::ENVELOPE_BYTES,
    prekey::{PrekeyId, PrekeyKind, PublishedPrekey},
    refusal::Refusal,
    relay_link::RelayLink,
    reply::{Push, Reply},
    time::{Day, Timestamp},
};
use tokio_tungstenite::tungstenite::Message;

const REFUSED: Reply = Reply::Refused(Refusal::Refused);
const HERE: [u8; 4] = [127, 0, 0, 1];
const THERE: [u8; 4] = [127, 0, 0, 2];

async fn start(folder: &Path, settings: &str) -> RunningRelay {
    let mut table: toml::Table = settings.parse().unwrap();
    table.insert("listen".to_owned(), "127.0.0.1:0".into());
    table.insert("data".to_owned(), folder.to_str().unwrap().into());
    Relay::start(Settings::from_table(table).unwrap().check().unwrap()).await.unwrap()
}

fn today() -> Day {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    Timestamp(u64::try_from(since.as_millis()).unwrap()).day()
}

/// The rows of a relay that does not run.
fn rows(folder: &Path) -> DiskStore {
    let limits = lightproof_relay::store::disk::DiskLimits { cache_bytes: 1 << 20, queue_length: 16 };
    DiskStore::open(&folder.join("rows.redb"), limits).unwrap()
}

async fn issue(folder: &Path, byte: u8, last_day: Option<Day>) -> Capability<right::Access> {
    let capability = Capability::<right::Access>::from_bytes([byte; 32]);
    let (hash, quota) = (capability.hash(), Amount { mailboxes: 2, blob_bytes: 3 * 65_536 });
    let terms = Terms { note: Text::default(), last_day, quota };
    let issued = commit(&rows(folder), move |rows| access::issue(rows, hash, terms, today())).await;
    issued.unwrap().into_inner();
    capability
}

fn create(mailbox: &Mailbox, access: Option<&Capability<right::Access>>) -> Command {
    let (owner, drop) = (mailbox.owner.hash(), mailbox.drop.hash());
    Command::CreateMailbox { owner, drop, kind: MailboxKind::Doorbell, access: access.cloned() }
}

fn open(byte: u8, chunk_count: u32, access: Option<&Capability<right::Access>>) -> Command {
    Command::OpenBlob {
        write: Capability::<right::Write>::from_bytes([byte; 32]).hash(),
        readers: List::new(vec![Capability::<right::Read>::from_bytes([byte; 32]).hash()]).unwrap(),
        shape: BlobShape::new(ChunkClass::Small, chunk_count).unwrap(),
        keep_days: 5,
        access: access.cloned(),
    }
}

fn prekey(kind: PrekeyKind, id: u32) -> PublishedPrekey {
    let (not_after, sealed) = (today().plus(9), Bytes::new(vec![1; 6_500]).unwrap());
    PublishedPrekey { kind, id: PrekeyId(id), not_after, sealed }
}

fn publish(mailbox: &Mailbox, count: u32) -> Command {
    Command::PublishPrekeys {
        owner: mailbox.owner.clone(),
        signed: prekey(PrekeyKind::Signed, 0),
        one_time: List::new((1..=count).map(|id| prekey(PrekeyKind::OneTime, id)).collect()).unwrap(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_holders_of_access_create_where_the_relay_asks_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let granted = issue(folder.path(), 5, None).await;
    let over = issue(folder.path(), 6, Some(today().minus(1))).await;
    let unknown = Capability::from_bytes([7; 32]);
    let relay = start(folder.path(), "policy = \"access\"").await;
    let mut client = Client::connect(relay.link()).await;
    for wrong in [None, Some(&over), Some(&unknown)] {
        assert_eq!(client.ask(create(&mailbox(1), wrong)).await, REFUSED);
        assert_eq!(client.ask(open(1, 1, wrong)).await, REFUSED);
    }
    let full = Reply::Refused(Refusal::QuotaFull);
    for byte in [1, 1, 2, 2] {
        assert_eq!(client.ask(create(&mailbox(byte), Some(&granted))).await, Reply::Created);
    }
    assert_eq!(client.ask(create(&mailbox(3), Some(&granted))).await, full);
    assert_eq!(client.ask(open(1, 2, Some(&granted))).await, Reply::Opened);
    assert_eq!(client.ask(open(2, 2, Some(&granted))).await, full);
    assert_eq!(client.ask(open(2, 1, Some(&granted))).await, Reply::Opened);
    relay.shutdown().await;
    let listed = look(&rows(folder.path()), |rows| access::list(rows)).unwrap().readable;
    let used: Vec<_> = listed.iter().map(|row| (row.used.mailboxes, row.used.blob_bytes)).collect();
    assert_eq!(used, [(2, 3 * 65_536), (0, 0)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn depositing_calling_and_downloading_need_no_access() {
    let folder = tempfile::tempdir().unwrap();
    let granted = issue(folder.path(), 5, None).await;
    let relay = start(folder.path(), "policy = \"access\"").await;
    let (bob, write, read) = (mailbox(1), Capability::from_bytes([1; 32]), Capability::from_bytes([1; 32]));
    let mut holder = Client::connect(relay.link()).await;
    assert_eq!(holder.ask(create(&bob, Some(&granted))).await, Reply::Created);
    assert_eq!(holder.ask(publish(&bob, 1)).await, Reply::Done);
    assert_eq!(holder.ask(open(1, 1, Some(&granted))).await, Reply::Opened);
    let chunk = SealedChunk::new(vec![9; 65_536]).unwrap();
    let put = Command::PutChunk { write: Capability::clone(&write), index: ChunkIndex(0), chunk: chunk.clone() };
    assert_eq!(holder.ask(put).await, Reply::Done);
    assert_eq!(holder.ask(Command::CommitBlob { write }).await, Reply::Done);
    let mut other = Client::connect_from(THERE, relay.link()).await;
    assert!(matches!(other.ask(Command::TakePrekeys { drop: bob.drop.clone() }).await, Reply::Bundle(_)));
    assert!(matches!(other.deposit(&bob, 1).await, Reply::Deposited(_)));
    let get = Command::GetChunk { read: Capability::clone(&read), index: ChunkIndex(0) };
    assert_eq!(other.ask(get).await, Reply::Chunk(chunk));
    assert_eq!(other.ask(Command::ReleaseBlob { read }).await, Reply::Done);
    assert_eq!(holder.ask(open(2, 3, Some(&granted))).await, Reply::Opened, "released: given back");
    relay.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_address_asks_too_much_costs_no_other_address_anything() {
    let folder = tempfile::tempdir().unwrap();
    let settings =
        "commands_per_second_and_address = 5\nmailboxes_a_day_and_address = 3\nblob_mib_a_day_and_address = 1";
    let relay = start(folder.path(), settings).await;
    let mut ours = [Client::connect_from(HERE, relay.link()).await, Client::connect_from(HERE, relay.link()).await];
    let mut theirs = Client::connect_from(THERE, relay.link()).await;
    for byte in [1, 2, 3, 3] {
        assert_eq!(ours[0].ask(create(&mailbox(byte), None)).await, Reply::Created);
    }
    let tomorrow = |reply| match reply {
        Reply::Refused(Refusal::TooMany { retry_after_ms }) => retry_after_ms > 1_000,
        _ => false,
    };
    assert!(tomorrow(ours[1].ask(create(&mailbox(4), None)).await), "over every connection");
    assert_eq!(theirs.ask(create(&mailbox(4), None)).await, Reply::Created);
    for (byte, chunk_count) in [(1, 12), (1, 12), (2, 4), (1, 12)] {
        assert_eq!(ours[0].ask(open(byte, chunk_count, None)).await, Reply::Opened, "none is counted twice");
    }
    assert!(tomorrow(ours[0].ask(open(3, 1, None)).await));
    let mut held_back = 0;
    for _ in 0..40 {
        let reply = ours[1].ask(Command::CountPrekeys { owner: mailbox(1).owner }).await;
        held_back += u32::from(matches!(reply, Reply::Refused(Refusal::TooMany { retry_after_ms: 200 })));
    }
    assert!(held_back > 20, "{held_back} of 40");
    assert!(matches!(theirs.ask(Command::CountPrekeys { owner: mailbox(1).owner }).await, Reply::Count { .. }));
    relay.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_asks_too_much_is_given_prekeys_all_the_same_but_none_that_is_used_once() {
    let folder = tempfile::tempdir().unwrap();
    let relay =
        start(folder.path(), "one_time_prekeys_a_day_and_address = 2\ncommands_per_second_and_address = 10").await;
    let bob = mailbox(1);
    let mut owner = Client::connect_from(HERE, relay.link()).await;
    assert_eq!(owner.create(&bob, MailboxKind::Doorbell).await, Reply::Created);
    assert_eq!(owner.ask(publish(&bob, 30)).await, Reply::Done);
    let mut taken = Vec::new();
    for from in [[127, 0, 0, 3], [127, 0, 0, 4]] {
        let mut greedy = Client::connect_from(from, relay.link()).await;
        let mut with = 0;
        for _ in 0..100 {
            let Reply::Bundle(bundle) = greedy.ask(Command::TakePrekeys { drop: bob.drop.clone() }).await else {
                unreachable!("a bundle is never refused")
            };
            with += u32::from(bundle.one_time.is_some());
        }
        taken.push(with);
    }
    assert_eq!(taken, [2, 2], "each address has its own");
    relay.shutdown().await;
}

/// Counts of a day are kept for 65,536 pairs of address and doorbell: made-up doorbells filled them in half a minute, and
/// until midnight all new callers had ten one-time prekeys together.
#[tokio::test(flavor = "multi_thread")]
async fn asking_where_there_is_no_doorbell_is_not_counted() {
    let folder = tempfile::tempdir().unwrap();
    let relay = start(folder.path(), "one_time_prekeys_a_day_and_address = 1").await;
    let bob = mailbox(1);
    let mut client = Client::connect_from(HERE, relay.link()).await;
    let take = || Command::TakePrekeys { drop: mailbox(1).drop };
    assert_eq!(client.ask(take()).await, REFUSED, "nothing is there yet");
    assert_eq!(client.create(&bob, MailboxKind::Doorbell).await, Reply::Created);
    assert_eq!(client.ask(take()).await, REFUSED, "nor published");
    assert_eq!(client.ask(publish(&bob, 2)).await, Reply::Done);
    for has_one in [true, false] {
        let Reply::Bundle(bundle) = client.ask(take()).await else { unreachable!("a bundle is never refused") };
        assert_eq!(bundle.one_time.is_some(), has_one);
    }
    relay.shutdown().await;
}

/// Rings a doorbell with ever new envelopes, sixteen under way, until told to stop; how many were taken and refused.
async fn flood(from: [u8; 4], link: RelayLink, door: Capability<right::Drop>, stop: Arc<AtomicU64>) -> (u64, u64) {
    let mut socket = Client::connect_from(from, &link).await.socket;
    let (mut sent, mut taken, mut refused) = (0_u32, 0, 0);
    while stop.load(Ordering::Relaxed) == 0 {
        for _ in 0..16 {
            sent += 1;
            let mut bytes = [0; ENVELOPE_BYTES];
            bytes[..4].copy_from_slice(&from);
            bytes[4..8].copy_from_slice(&sent.to_be_bytes());
            let command = Command::Deposit { drop: door.clone(), envelope: Envelope::from_bytes(&bytes).unwrap() };
            let frame = CommandFrame { id: CommandId(sent), command }.encode();
            socket.feed(Message::Binary(frame.into())).await.unwrap();
        }
        socket.flush().await.unwrap();
        for _ in 0..16 {
            let Some(Ok(Message::Binary(bytes))) = socket.next().await else { unreachable!("the relay closed") };
            match RelayFrame::decode(&bytes).unwrap() {
                RelayFrame::Reply(_, Reply::Deposited(_)) => taken += 1,
                RelayFrame::Reply(_, Reply::Refused(_)) => refused += 1,
                other => unreachable!("{other:?}"),
            }
        }
    }
    (taken, refused)
}

/// Reads and acks whatever comes, so that a mailbox never fills.
async fn empty(mailbox: Mailbox, link: RelayLink) {
    let mut owner = Client::connect_from(HERE, &link).await;
    owner.watch(&mailbox, 1).await;
    while let Some(push) = owner.try_push(Duration::from_secs(60)).await {
        if let Some(Push::Delivery(delivery)) = push {
            owner.ack(1, delivery.sequence.0).await;
        }
    }
}

/// A contact writes so many messages, one after the other; the longest any of them took.
async fn write(link: RelayLink, to: Mailbox, count: u32) -> Duration {
    let mut contact = Client::connect_from(HERE, &link).await;
    let mut longest = Duration::ZERO;
    for number in 0..count {
        let began = Instant::now();
        let reply = contact.ask(Command::Deposit { drop: to.drop.clone(), envelope: numbered(number) }).await;
        assert!(matches!(reply, Reply::Deposited(_)), "message {number}: {reply:?}");
        longest = longest.max(began.elapsed());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    longest
}

/// An envelope that no other number has.
fn numbered(number: u32) -> Envelope {
    let mut bytes = [0; ENVELOPE_BYTES];
    bytes[..4].copy_from_slice(&number.to_be_bytes());
    Envelope::from_bytes(&bytes).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_at_a_doorbell_costs_no_message_of_a_contact() {
    const FLOODERS: u8 = 24;
    let effort = std::env::var("LIGHTPROOF_TEST_EFFORT").map_or(1, |effort| effort.parse::<u32>().unwrap());
    let messages = 150 * effort;
    let folder = tempfile::tempdir().unwrap();
    let relay = start(folder.path(), "write_queue = 64").await;
    let (door, private) = (mailbox(1), mailbox(2));
    let mut owner = Client::connect_from(HERE, relay.link()).await;
    assert_eq!(owner.create(&door, MailboxKind::Doorbell).await, Reply::Created);
    assert_eq!(owner.create(&private, MailboxKind::Private).await, Reply::Created);
    owner.watch(&private, 1).await;
    assert!(matches!(owner.push().await, Push::CaughtUp(_)));
    let emptier = tokio::spawn(empty(mailbox(1), relay.link().clone()));
    let (stop, began) = (Arc::new(AtomicU64::new(0)), Instant::now());
    let flooders: Vec<_> = (0..FLOODERS)
        .map(|last| {
            let nobodys = Capability::from_bytes([last | 0x40; 32]);
            // Every fourth rings where there is no doorbell.
            let drop = if last % 4 == 3 { nobodys } else { door.drop.clone() };
            let (link, stop) = (relay.link().clone(), Arc::clone(&stop));
            tokio::spawn(flood([127, 0, 1, last + 1], link, drop, stop))
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(300)).await;
    let contact = tokio::spawn(write(relay.link().clone(), mailbox(2), messages));
    for number in 0..messages {
        let delivery = loop {
            match owner.push().await {
                Push::Delivery(delivery) => break delivery,
                Push::CaughtUp(_) => {}
                other => unreachable!("{other:?}"),
            }
        };
        assert_eq!(delivery.envelope, numbered(number), "whole and in order");
        assert_eq!(owner.ack(1, delivery.sequence.0).await, Reply::Done);
    }
    let longest = contact.await.unwrap();
    stop.store(1, Ordering::Relaxed);
    let (mut taken, mut refused) = (0, 0);
    for flooder in flooders {
        let (more_taken, more_refused) = flooder.await.unwrap();
        taken += more_taken;
        refused += more_refused;
    }
    assert!(refused > 1_000, "a flood of {refused} is none");
    emptier.abort();
    let most = 128 + 128 * (began.elapsed().as_secs() + 1) / 60;
    assert!(taken <= most, "{taken}, and a doorbell takes 128 in a minute");
    println!(
        "evidence: A4 | {messages} messages of a contact during {} Hellos from {FLOODERS} addresses ({taken} taken), \
         all delivered, the slowest acknowledged after {} ms | -",
        taken + refused,
        longest.as_millis(),
    );
    relay.shutdown().await;
}

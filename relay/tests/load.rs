//! Fast senders, slow readers and claims that nobody keeps, over real sockets: each costs the others nothing.
//! The flood meets a store that holds its steps back, so that nothing depends on time; memory is the process's own.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod client;
#[expect(unreachable_pub, dead_code, clippy::expect_used, reason = "the effort of the whole workspace's tests")]
#[path = "../../tests/src/effort.rs"]
mod effort;
mod process;

use std::{
    fs,
    sync::{Arc, Mutex},
    time::Duration,
};

use client::{Client, envelope, mailbox};
use lightproof_relay::{
    Relay, RunningRelay,
    config::Config,
    store::{
        Overloaded, Rows, RuleError, Step, Store,
        memory::{MemoryChunks, MemoryStore},
    },
};
use lightproof_wire::{
    command::{Command, MailboxKind},
    id::MailboxHandle,
    limits::{DELIVERY_WINDOW, WIRE_FRAME_BYTES},
    reply::{Push, Reply},
    time::Timestamp,
};
use process::{Running, program};
use tokio::io::AsyncWriteExt as _;
use tokio_util::sync::CancellationToken;

/// Commands that one connection may have under way.
const IN_FLIGHT: usize = 32;

/// A store that holds its steps back when it is told to.
#[derive(Default)]
struct Held {
    rows: MemoryStore,
    steps: Mutex<Option<Vec<Step>>>,
}

impl Held {
    fn hold(&self) {
        *self.steps.lock().unwrap() = Some(Vec::new());
    }

    fn count(&self) -> usize {
        self.steps.lock().unwrap().as_ref().map_or(0, Vec::len)
    }

    fn release(&self) {
        for step in self.steps.lock().unwrap().take().unwrap() {
            self.rows.submit(step).unwrap();
        }
    }
}

impl Store for Held {
    fn read(&self, look: &mut dyn FnMut(&dyn Rows) -> Result<(), RuleError>) -> Result<(), RuleError> {
        self.rows.read(look)
    }

    fn submit(&self, step: Step) -> Result<(), Overloaded> {
        match self.steps.lock().unwrap().as_mut() {
            Some(steps) => steps.push(step),
            None => self.rows.submit(step)?,
        }
        Ok(())
    }

    fn failed(&self) -> &CancellationToken {
        self.rows.failed()
    }
}

async fn start(folder: &std::path::Path, store: Arc<dyn Store>) -> RunningRelay {
    let config = Config::local(folder.to_owned(), ([127, 0, 0, 1], 0).into()).unwrap();
    let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_millis();
    let clock = Arc::new(move || Timestamp(u64::try_from(now).unwrap()));
    Relay::start_with(config, store, Arc::<MemoryChunks>::default(), clock).await.unwrap()
}

/// Waits until something is so.
async fn until(what: &str, so: impl Fn() -> bool) {
    for _ in 0..8_000 {
        if so() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("never: {what}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_on_one_connection_goes_before_nobody_by_more_than_its_share() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(Held::default());
    let relay = start(folder.path(), Arc::clone(&store) as Arc<dyn Store>).await;
    let (flooded, quiet) = (mailbox(1), mailbox(2));
    let mut honest = Client::connect(relay.link()).await;
    for mailbox in [&flooded, &quiet] {
        assert_eq!(honest.create(mailbox, MailboxKind::Private).await, Reply::Created);
    }
    let mut flood = Client::connect(relay.link()).await;
    store.hold();
    let flooding = tokio::spawn(async move {
        for byte in 0..200 {
            flood.send(Command::Deposit { drop: flooded.drop.clone(), envelope: envelope(byte) }).await;
        }
        flood
    });
    until("the flood has its share under way", || store.count() >= IN_FLIGHT).await;
    let id = honest.send(Command::Deposit { drop: quiet.drop.clone(), envelope: envelope(9) }).await;
    until("the honest one waits behind it", || store.count() > IN_FLIGHT).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    // One more may be a step of the relay's own.
    assert!(store.count() <= IN_FLIGHT + 2, "{} steps wait", store.count());
    println!("evidence: P13 | {} of 200 commands of a flood went before an honest one | one run", store.count() - 1);
    store.release();
    assert!(matches!(honest.reply(id).await, Reply::Deposited(_)));
    // Whoever leaves takes back what is under way.
    let _flood = flooding.await.unwrap();
    until("all of the flood is stored too", || relay.metrics().deposits.get() == 201).await;
    relay.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_does_not_read_is_given_one_window_and_later_the_rest() {
    let folder = tempfile::tempdir().unwrap();
    let relay = start(folder.path(), Arc::<MemoryStore>::default()).await;
    let bob = mailbox(1);
    let mut slow = Client::connect(relay.link()).await;
    slow.create(&bob, MailboxKind::Private).await;
    assert!(matches!(slow.watch(&bob, 1).await, Reply::Watching { .. }));
    let mut sender = Client::connect(relay.link()).await;
    for byte in 0..200 {
        assert!(matches!(sender.deposit(&bob, byte).await, Reply::Deposited(_)));
    }
    let given = relay.metrics().deliveries.get();
    assert!(given <= DELIVERY_WINDOW as u64, "{given} envelopes were read for somebody who takes none");
    let mut seen = 0;
    while seen < 200 {
        let Push::Delivery(delivery) = slow.push().await else { continue };
        seen += 1;
        assert_eq!((delivery.handle, delivery.sequence.0), (MailboxHandle(1), seen));
        slow.send(Command::Ack { handle: delivery.handle, sequence: delivery.sequence }).await;
    }
    assert_eq!(relay.metrics().deliveries.get(), 200, "each was read once");
    relay.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sockets_that_claim_the_largest_frame_and_stop_cost_little_memory() {
    const MOST_KIB_EACH: u64 = 64 * 1_024 / 5_000;
    // The whole run is what the limit speaks of; a tenth of it has the same share.
    let count = usize::try_from(500 * effort::times(1).min(10)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut process = program(&["serve", "--data", folder.path().to_str().unwrap(), "--listen", "127.0.0.1:0"]);
    for limit in ["CONNECTIONS", "CONNECTIONS_PER_ADDRESS", "HANDSHAKES"] {
        process.env(format!("LIGHTPROOF_RELAY_{limit}"), "10000");
    }
    let relay = Running::of(process.stderr(std::process::Stdio::null()));
    let resident_kib = || {
        let status = fs::read_to_string(format!("/proc/{}/status", relay.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().strip_suffix(" kB").unwrap().parse::<u64>().unwrap()
    };
    let mut clients = Vec::new();
    for _ in 0..count {
        clients.push(Client::connect(&relay.link).await);
    }
    let before = resident_kib();
    let claim = [&[0x82, 0xff][..], &(WIRE_FRAME_BYTES as u64).to_be_bytes(), &[1, 2, 3, 4], &[0; 100]].concat();
    for client in &mut clients {
        let stream = client.socket.get_mut();
        stream.write_all(&claim).await.unwrap();
        stream.flush().await.unwrap();
    }
    // Whoever is asked after them is answered after them.
    let mut last = Client::connect(&relay.link).await;
    assert_eq!(last.ask(Command::Ping).await, Reply::Pong);
    tokio::time::sleep(Duration::from_millis(300)).await;
    let risen = resident_kib().saturating_sub(before);
    let most = MOST_KIB_EACH * u64::try_from(count).unwrap();
    println!(
        "evidence: P16 | {count} sockets claimed a frame of 1 MiB and stopped: {risen} KiB more resident | one run"
    );
    assert!(risen <= most, "{risen} KiB more for {count} claims");
}

//! SIGKILL under load: four depositors and two recipients go on as if nothing were, and a history decides what was kept.
//!
//! It starts processes, opens sockets and reads the clock, because that is what it is about.
#![expect(clippy::unwrap_used, reason = "tests")]

mod client;
#[expect(unreachable_pub, dead_code, clippy::expect_used, reason = "the effort of the whole workspace's tests")]
#[path = "../../tests/src/effort.rs"]
mod effort;
#[expect(unreachable_pub, dead_code, reason = "the history of the whole workspace's tests")]
#[path = "../../tests/src/history/mod.rs"]
mod history;

use std::{
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, ChildStdout, Command as Process, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use client::{Client, Mailbox, mailbox};
use history::{Event, Hash, History};
use lightproof_wire::{
    command::{Command, MailboxKind},
    envelope::Envelope,
    limits::ENVELOPE_BYTES,
    relay_link::RelayLink,
    reply::{Push, Reply},
    time::Timestamp,
};
use tokio::{task::JoinSet, time::sleep};

const MAILBOXES: u8 = 2;
const DEPOSITORS: u64 = 4;
const KILLS: u64 = 15;
/// What a start may take before the next kill, at most, in ms.
const LIFE_MS: u64 = 120;
const PAUSE: Duration = Duration::from_millis(5);

struct Running {
    child: Child,
    link: RelayLink,
    /// The rest of what it says has to go somewhere.
    _stdout: BufReader<ChildStdout>,
}

fn start(folder: &Path, listen: &str) -> Running {
    let mut child = Process::new(env!("CARGO_BIN_EXE_lightproof-relay"))
        .args(["serve", "--data", folder.to_str().unwrap(), "--listen", listen])
        .env_clear()
        .env("LIGHTPROOF_RELAY_MAILBOX_ENVELOPES", "1000000")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    stdout.read_line(&mut line).unwrap();
    Running { child, link: line.trim().parse().unwrap(), _stdout: stdout }
}

fn kill(mut running: Running) {
    running.child.kill().unwrap();
    running.child.wait().unwrap();
}

/// What everybody shares.
#[derive(Clone)]
struct Load {
    link: RelayLink,
    history: History,
    number: Arc<AtomicU64>,
    /// Depositors take on nothing more.
    is_over: Arc<AtomicBool>,
}

fn envelope(number: u64) -> (Envelope, Hash) {
    let mut bytes = [0; ENVELOPE_BYTES];
    bytes[..8].copy_from_slice(&number.to_be_bytes());
    let envelope = Envelope::from_bytes(&bytes).unwrap();
    let digest = *envelope.digest().as_bytes();
    (envelope, digest)
}

impl Load {
    /// Deposits one envelope after the other; one without an answer again, until there is one.
    async fn deposit(self, to: u8) {
        let mut client = None;
        while !self.is_over.load(Ordering::Relaxed) {
            let (envelope, hash) = envelope(self.number.fetch_add(1, Ordering::Relaxed));
            let drop = mailbox(to).drop;
            self.history.note(Event::Attempted(to.into(), hash));
            let receipt = loop {
                let deposit = Command::Deposit { drop: drop.clone(), envelope: envelope.clone() };
                match self.ask(&mut client, deposit).await {
                    Some(Reply::Deposited(receipt)) => break receipt,
                    _ => sleep(PAUSE).await,
                }
            };
            let key = client.as_ref().map(|client| client.welcome.receipt_key).unwrap();
            receipt.verify(&key, &envelope.digest(), &drop.hash()).unwrap();
            self.history.note(Event::Deposited(to.into(), hash, receipt.promise.expires.0));
        }
    }

    /// Asks over the connection there is, or over a new one; `None` if it broke.
    async fn ask(&self, client: &mut Option<Client>, command: Command) -> Option<Reply> {
        if client.is_none() {
            *client = Client::try_connect(&self.link).await;
        }
        let reply = client.as_mut()?.try_ask(command).await;
        if reply.is_none() {
            *client = None;
        }
        reply
    }

    /// Takes and acks what comes, over as many connections as that takes, until nothing is owed any more.
    async fn receive(self, of: u8) {
        while self.watch(of).await.is_none() {
            sleep(PAUSE).await;
        }
    }

    async fn watch(&self, of: u8) -> Option<()> {
        let name = u64::from(of);
        let Mailbox { owner, .. } = mailbox(of);
        let mut client = Client::try_connect(&self.link).await?;
        let watch = Command::Watch { owner, handle: lightproof_wire::id::MailboxHandle(1) };
        let Reply::Watching { highest_acked } = client.try_ask(watch).await? else { return None };
        self.history.note(Event::Watching(name, highest_acked.0));
        let mut caught_up = false;
        while !(caught_up && self.is_over.load(Ordering::Relaxed) && !self.history.is_owed(name)) {
            match client.try_push(Duration::from_millis(200)).await? {
                Some(Push::Delivery(delivery)) => {
                    let place = delivery.sequence;
                    self.history.note(Event::Delivered(name, place.0, *delivery.envelope.digest().as_bytes()));
                    self.history.note(Event::AckAsked(name, place.0));
                    let ack = || Command::Ack { handle: delivery.handle, sequence: place };
                    // Whoever acks what waited faster than the relay allows is told to wait.
                    while client.try_ask(ack()).await? != Reply::Done {
                        sleep(PAUSE).await;
                    }
                    self.history.note(Event::Acked(name, place.0));
                }
                Some(Push::CaughtUp(_)) => caught_up = true,
                Some(_) | None => {}
            }
        }
        self.history.note(Event::Quiet(name));
        Some(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_that_is_killed_again_and_again_under_load_keeps_every_promise() {
    let folder = tempfile::tempdir().unwrap();
    let mut running = start(folder.path(), "127.0.0.1:0");
    let link = running.link.clone();
    let mut first = Client::connect(&link).await;
    for name in 0..MAILBOXES {
        assert_eq!(first.create(&mailbox(name), MailboxKind::Private).await, Reply::Created);
    }
    let history = History::default();
    history.note(Event::Day(now().day().0));
    let load = Load { link: link.clone(), history, number: Arc::default(), is_over: Arc::default() };
    let (mut depositors, mut recipients) = (JoinSet::new(), JoinSet::new());
    for number in 0..DEPOSITORS {
        depositors.spawn(load.clone().deposit(u8::try_from(number).unwrap() % MAILBOXES));
    }
    for name in 0..MAILBOXES {
        recipients.spawn(load.clone().receive(name));
    }
    let kills = effort::times(KILLS);
    for kill_number in 0..kills {
        sleep(Duration::from_millis((kill_number * 37 + 11) % LIFE_MS)).await;
        kill(running);
        running = start(folder.path(), &link.authority());
    }
    sleep(Duration::from_millis(LIFE_MS)).await;
    load.is_over.store(true, Ordering::Relaxed);
    while depositors.join_next().await.transpose().unwrap().is_some() {}
    while recipients.join_next().await.transpose().unwrap().is_some() {}
    kill(running);
    let history = load.history;
    assert_eq!(history.check(), [], "{history:?}");
    let deposits = load.number.load(Ordering::Relaxed);
    assert!(deposits > kills, "{deposits} deposits are no load");
    println!("evidence: P13 F1 | {kills} kills of a relay under load | -");
    println!("evidence: P13 F1 | {deposits} deposits while a relay was killed, each delivered once and in order | -");
}

fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    Timestamp(u64::try_from(since.as_millis()).unwrap())
}

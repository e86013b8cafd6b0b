//! A relay whose disk is nearly full refuses what is new, keeps what is there, and needs no restart when there is room.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use lightproof_relay::{
    Relay,
    config::{Config, Tls},
    store::{
        Chunks, FileId, SyncError,
        memory::{MemoryChunks, MemoryStore},
    },
};
use lightproof_tests::{
    relay::{TestClock, unhurried},
    wire::Wire,
};
use lightproof_wire::{
    capability::{Capability, right},
    command::{Command, MailboxKind},
    envelope::Envelope,
    id::{MailboxHandle, Sequence},
    limits::ENVELOPE_BYTES,
    refusal::Refusal,
    reply::{Push, Reply},
};

const RESERVE: u64 = 1 << 20;

#[derive(Clone, Default)]
struct Filling(Arc<MemoryChunks>, Arc<AtomicU64>);

impl Chunks for Filling {
    fn write_at(&self, file: FileId, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.0.write_at(file, offset, bytes)
    }

    fn read_at(&self, file: FileId, offset: u64, length: usize) -> io::Result<Vec<u8>> {
        self.0.read_at(file, offset, length)
    }

    fn sync(&self, file: FileId) -> Result<(), SyncError> {
        self.0.sync(file)
    }

    fn remove(&self, file: FileId) -> io::Result<()> {
        self.0.remove(file)
    }

    fn list(&self) -> io::Result<Vec<FileId>> {
        self.0.list()
    }

    fn free_bytes(&self) -> io::Result<u64> {
        Ok(self.1.load(Ordering::SeqCst))
    }
}

fn secret<R: right::Right>(number: u8) -> Capability<R> {
    Capability::from_bytes([number; 32])
}

fn deposit(byte: u8) -> Command {
    Command::Deposit { drop: secret(1), envelope: Envelope::from_bytes(&[byte; ENVELOPE_BYTES]).unwrap() }
}

/// The relay looks at its disk as its tick comes round.
async fn a_tick() {
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(31)).await;
    tokio::time::resume();
}

/// Asks until the answer is this: the look runs beside everything else.
async fn comes_to(wire: &mut Wire, command: Command, wanted: impl Fn(&Reply) -> bool) {
    for _ in 0..500 {
        if wire.ask(command.clone()).await.is_some_and(|reply| wanted(&reply)) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{command:?} did not come to what was expected");
}

#[tokio::test]
async fn a_full_relay_refuses_what_is_new_keeps_the_rest_and_goes_on_by_itself() {
    let (folder, chunks, clock) = (tempfile::tempdir().unwrap(), Filling::default(), TestClock::default());
    chunks.1.store(RESERVE, Ordering::SeqCst);
    let mut config = Config::local(folder.path().to_owned(), ([127, 0, 0, 1], 0).into()).unwrap();
    (config.tls, config.free_space_bytes) = (Tls::BehindProxy, RESERVE);
    let store = Arc::new(MemoryStore::default());
    let relay =
        Relay::start_with(config, store, Arc::new(chunks.clone()), Arc::new(move || clock.now())).await.unwrap();
    let mut wire = Wire::to(relay.link()).await.unwrap();
    let create = |number: u8| {
        let (owner, drop) = (secret(number).hash(), secret(number).hash());
        Command::CreateMailbox { owner, drop, kind: MailboxKind::Private, access: None }
    };
    assert_eq!(wire.ask(create(1)).await, Some(Reply::Created));
    let Some(Reply::Deposited(receipt)) = wire.ask(deposit(1)).await else { panic!("no receipt") };

    chunks.1.store(RESERVE - 1, Ordering::SeqCst);
    a_tick().await;
    let full = Reply::Refused(Refusal::QuotaFull);
    let mut number = 10;
    while wire.ask(create(number)).await != Some(full.clone()) {
        number += 1;
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(wire.ask(deposit(2)).await, Some(full));
    let Some(Reply::Deposited(again)) = wire.ask(deposit(1)).await else { panic!("a promise is forgotten") };
    assert_eq!(again.promise, receipt.promise);
    assert!(matches!(
        wire.ask(Command::Watch { owner: secret(1), handle: MailboxHandle(1) }).await,
        Some(Reply::Watching { .. })
    ));
    let Some(Push::Delivery(delivery)) = wire.push(20_000).await else { panic!("nothing is delivered") };
    assert_eq!(delivery.envelope.as_bytes(), &[1; ENVELOPE_BYTES]);
    let ack = Command::Ack { handle: MailboxHandle(1), sequence: Sequence(1) };
    assert_eq!(wire.ask(ack).await, Some(Reply::Done));

    chunks.1.store(RESERVE, Ordering::SeqCst);
    a_tick().await;
    comes_to(&mut wire, deposit(2), |reply| matches!(reply, Reply::Deposited(_))).await;
    println!("evidence: P13 F6 | 1 relay that was full and went on without a restart | -");
}

#[tokio::test]
async fn on_a_disk_that_fills_up_the_mail_of_strangers_stops_before_that_of_contacts() {
    let (folder, chunks, clock) = (tempfile::tempdir().unwrap(), Filling::default(), TestClock::default());
    chunks.1.store(2 * RESERVE, Ordering::SeqCst);
    let mut config = Config::local(folder.path().to_owned(), ([127, 0, 0, 1], 0).into()).unwrap();
    (config.tls, config.free_space_bytes, config.rates) = (Tls::BehindProxy, RESERVE, unhurried());
    config.limits.doorbell_envelopes = u32::MAX;
    let store = Arc::new(MemoryStore::default());
    let relay =
        Relay::start_with(config, store, Arc::new(chunks.clone()), Arc::new(move || clock.now())).await.unwrap();
    let mut wire = Wire::to(relay.link()).await.unwrap();
    let (doorbell, private) = (secret::<right::Drop>(1), secret::<right::Drop>(2));
    for (number, kind) in [(1, MailboxKind::Doorbell), (2, MailboxKind::Private)] {
        let (owner, drop) = (secret(number).hash(), secret(number).hash());
        let made = wire.ask(Command::CreateMailbox { owner, drop, kind, access: None }).await;
        assert_eq!(made, Some(Reply::Created));
    }
    let at = |drop: &Capability<right::Drop>, number: u32| {
        let bytes: [u8; ENVELOPE_BYTES] = std::array::from_fn(|at| number.to_be_bytes()[at % 4]);
        Command::Deposit { drop: drop.clone(), envelope: Envelope::from_bytes(&bytes).unwrap() }
    };
    let is_taken = |reply: &Reply| matches!(reply, Reply::Deposited(_));
    assert!(wire.ask(at(&doorbell, 1)).await.is_some_and(|reply| is_taken(&reply)));

    chunks.1.store(2 * RESERVE - 1, Ordering::SeqCst);
    let full = |reply: &Reply| *reply == Reply::Refused(Refusal::QuotaFull);
    let mut number = 2;
    while !wire.ask(at(&doorbell, number)).await.is_some_and(|reply| full(&reply)) {
        assert!(number < 1_000, "strangers' mail never stops");
        number += 1;
        a_tick().await;
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    for number in 0..20 {
        assert!(wire.ask(at(&private, number)).await.is_some_and(|reply| is_taken(&reply)), "a contact's");
    }
    assert!(wire.ask(at(&doorbell, 2_000)).await.is_some_and(|reply| full(&reply)));
}

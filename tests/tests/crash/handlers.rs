//! A handler of the relay panics: its connection ends, and nobody else notices.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use lightproof_relay::{
    Relay,
    config::{Config, Tls},
    store::{
        Overloaded, Rows, RuleError, Step, Store,
        memory::{MemoryChunks, MemoryStore},
    },
};
use lightproof_tests::{relay::TestClock, wire::Wire};
use lightproof_wire::{
    blob::{BlobShape, ChunkClass, SealedChunk},
    capability::{Capability, right},
    codec::{Bytes, List},
    command::{Command, MailboxKind, Readers},
    envelope::Envelope,
    id::{ChunkIndex, MailboxHandle, Sequence},
    limits::ENVELOPE_BYTES,
    prekey::{PrekeyId, PrekeyKind, PublishedPrekey},
    refusal::Refusal,
    reply::Reply,
    time::Day,
};
use tokio_util::sync::CancellationToken;

/// Panics wherever it is asked, once it is armed.
#[derive(Clone, Default)]
struct Mine(Arc<AtomicBool>);

impl Mine {
    fn steps_on(&self) {
        assert!(!self.0.load(Ordering::SeqCst), "planted");
    }

    fn is_armed(&self, armed: bool) {
        self.0.store(armed, Ordering::SeqCst);
    }
}

struct Mined(MemoryStore, Mine);

impl Store for Mined {
    fn read(&self, look: &mut dyn FnMut(&dyn Rows) -> Result<(), RuleError>) -> Result<(), RuleError> {
        self.1.steps_on();
        self.0.read(look)
    }

    fn submit(&self, step: Step) -> Result<(), Overloaded> {
        self.1.steps_on();
        self.0.submit(step)
    }

    fn failed(&self) -> &CancellationToken {
        self.0.failed()
    }
}

fn secret<R: right::Right>(number: u8) -> Capability<R> {
    Capability::from_bytes([number; 32])
}

fn prekey(kind: PrekeyKind, id: u32) -> PublishedPrekey {
    let sealed = Bytes::new(vec![1; 10]).unwrap();
    PublishedPrekey { kind, id: PrekeyId(id), not_after: Day(30_000), sealed }
}

/// Whether a reply is the usual one.
type IsRight = fn(&Reply) -> bool;

/// Every command that reaches a handler, in an order in which each finds what it needs.
fn commands() -> Vec<(Command, IsRight)> {
    let shape = BlobShape::new(ChunkClass::Small, 1).unwrap();
    let chunk = SealedChunk::new(vec![3; usize::try_from(ChunkClass::Small.sealed_bytes()).unwrap()]).unwrap();
    let done: IsRight = |reply| *reply == Reply::Done;
    let (owner, drop) = (secret(1).hash(), secret(1).hash());
    let readers = List::new(vec![secret(5).hash(), secret(6).hash()]).unwrap();
    let one_time = List::new(vec![prekey(PrekeyKind::OneTime, 1)]).unwrap();
    let signed = prekey(PrekeyKind::Signed, 0);
    let envelope = Envelope::from_bytes(&[9; ENVELOPE_BYTES]).unwrap();
    let doorbell = MailboxKind::Doorbell;
    vec![
        (Command::CreateMailbox { owner, drop, kind: doorbell, access: None }, |reply| *reply == Reply::Created),
        (Command::PublishPrekeys { owner: secret(1), signed, one_time }, done),
        (
            Command::CountPrekeys { owner: secret(1) },
            |reply| matches!(reply, Reply::Count { one_time, .. } if one_time.ids().eq([PrekeyId(1)])),
        ),
        (Command::TakePrekeys { drop: secret(1) }, |reply| matches!(reply, Reply::Bundle(it) if it.one_time.is_some())),
        (Command::Deposit { drop: secret(1), envelope }, |reply| matches!(reply, Reply::Deposited(_))),
        (Command::Watch { owner: secret(1), handle: MailboxHandle(1) }, |reply| {
            matches!(reply, Reply::Watching { .. })
        }),
        (Command::OpenBlob { write: secret(2).hash(), readers, shape, keep_days: 3, access: None }, |reply| {
            *reply == Reply::Opened
        }),
        (Command::PutChunk { write: secret(2), index: ChunkIndex(0), chunk }, done),
        (Command::BlobStatus { write: secret(2) }, |reply| matches!(reply, Reply::Blob(_))),
        (Command::CommitBlob { write: secret(2) }, done),
        (Command::GetChunk { read: secret(5), index: ChunkIndex(0) }, |reply| matches!(reply, Reply::Chunk(_))),
        (Command::ReleaseBlob { read: secret(5) }, done),
        (Command::RevokeBlob { write: secret(2), readers: Readers::All }, done),
        (Command::Retire { owner: secret(1) }, done),
    ]
}

#[tokio::test]
async fn a_handler_that_panics_ends_its_connection_and_nobody_elses() {
    let (folder, mine, clock) = (tempfile::tempdir().unwrap(), Mine::default(), TestClock::default());
    let mut config = Config::local(folder.path().to_owned(), ([127, 0, 0, 1], 0).into()).unwrap();
    config.tls = Tls::BehindProxy;
    let store = Arc::new(Mined(MemoryStore::default(), mine.clone()));
    let chunks = Arc::new(MemoryChunks::default());
    let relay = Relay::start_with(config, store, chunks, Arc::new(move || clock.now())).await.unwrap();
    let mut other = Wire::to(relay.link()).await.unwrap();
    let (owner, drop) = (secret(7).hash(), secret(7).hash());
    let create = Command::CreateMailbox { owner, drop, kind: MailboxKind::Private, access: None };
    assert_eq!(other.ask(create.clone()).await, Some(Reply::Created));
    let mut panics = 0;
    for (command, is_right) in commands() {
        let about = format!("{command:?}").chars().take(30).collect::<String>();
        let mut wire = Wire::to(relay.link()).await.unwrap();
        mine.is_armed(true);
        let answer = wire.ask(command.clone()).await;
        mine.is_armed(false);
        assert!(matches!(answer, None | Some(Reply::Refused(Refusal::Internal))), "{about}: {answer:?}");
        panics += 1;
        assert_eq!(other.ask(create.clone()).await, Some(Reply::Created), "{about}: another connection suffered");
        let mut again = Wire::to(relay.link()).await.unwrap();
        let answer = again.ask(command).await.unwrap();
        assert!(is_right(&answer), "{about}: {answer:?}");
        if about.starts_with("Watch") {
            let ack = Command::Ack { handle: MailboxHandle(1), sequence: Sequence(1) };
            mine.is_armed(true);
            assert!(matches!(again.ask(ack).await, None | Some(Reply::Refused(Refusal::Internal))));
            mine.is_armed(false);
            panics += 1;
        }
    }
    println!("evidence: P16 F14 | {panics} panics, one in each handler of the relay | -");
}

//! A disk that takes its time: the relay is alive, says that it is not ready, and nobody is promised anything.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering},
};

use lightproof_relay::{
    Relay,
    config::Config,
    store::{Chunks, Overloaded, Rows, RuleError, Step, Store, files::Files, memory::MemoryStore},
};
use lightproof_wire::{command::MailboxKind, reply::Reply, time::Timestamp};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_util::sync::CancellationToken;

use crate::{
    client::{Client, mailbox, tls},
    material::ANY,
};

/// A store whose writer does nothing while it is stalled.
struct Stalling {
    store: MemoryStore,
    is_stalled: AtomicBool,
    held: Mutex<Vec<Step>>,
}

impl Store for Stalling {
    fn read(&self, look: &mut dyn FnMut(&dyn Rows) -> Result<(), RuleError>) -> Result<(), RuleError> {
        self.store.read(look)
    }

    fn submit(&self, step: Step) -> Result<(), Overloaded> {
        if self.is_stalled.load(Ordering::SeqCst) {
            self.held.lock().unwrap().push(step);
            return Ok(());
        }
        self.store.submit(step)
    }

    fn failed(&self) -> &CancellationToken {
        self.store.failed()
    }
}

impl Stalling {
    fn goes_on(&self) {
        self.is_stalled.store(false, Ordering::SeqCst);
        for step in self.held.lock().unwrap().drain(..) {
            self.store.submit(step).unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_whose_disk_stalls_is_alive_but_not_ready_and_promises_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let stalling =
        Stalling { store: MemoryStore::default(), is_stalled: AtomicBool::new(false), held: Mutex::default() };
    let store = Arc::new(stalling);
    let chunks: Arc<dyn Chunks> = Arc::new(Files::open(&folder.path().join("blobs")).unwrap());
    let config = Config::local(folder.path().join("data"), ANY).unwrap();
    let clock = Arc::new(|| Timestamp(1_800_000_000_000));
    let relay = Relay::start_with(config, Arc::clone(&store) as _, chunks, clock).await.unwrap();
    let ask = async |page: &str| {
        let mut stream = tls(relay.link()).await;
        let request = format!("GET {page} HTTP/1.1\r\nHost: relay\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        let _end = stream.read_to_string(&mut answer).await;
        answer
    };
    let mut client = Client::connect(relay.link()).await;
    assert!(ask("/readyz").await.ends_with("\r\nready\n"));
    store.is_stalled.store(true, Ordering::SeqCst);
    let asked = client.send(lightproof_wire::command::Command::CreateMailbox {
        owner: mailbox(1).owner.hash(),
        drop: mailbox(1).drop.hash(),
        kind: MailboxKind::Private,
        access: None,
    });
    let asked = asked.await;
    // What was seen two seconds ago counts no more.
    tokio::time::sleep(std::time::Duration::from_millis(2_100)).await;
    let (first, second, alive) = tokio::join!(ask("/readyz"), ask("/readyz"), ask("/healthz"));
    assert!(first.starts_with("HTTP/1.1 503") && second.starts_with("HTTP/1.1 503") && alive.ends_with("alive\n"));
    assert_eq!(store.held.lock().unwrap().len(), 2, "one for the client, one for both who asked");
    assert_eq!(client.try_push(std::time::Duration::from_millis(50)).await, Some(None), "no answer");
    store.goes_on();
    assert_eq!(client.reply(asked).await, Reply::Created);
    tokio::time::sleep(std::time::Duration::from_millis(2_100)).await;
    assert!(ask("/readyz").await.ends_with("\r\nready\n"), "by itself");
    relay.shutdown().await;
}

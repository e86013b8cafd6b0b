//! That a relay says it is ready only after a commit came to the disk, and that asking cannot be used to load the disk.
//!
//! The clock is tokio's, and moves when nothing else does: nothing here waits.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use lightproof_wire::time::Timestamp;
use tokio::time::{Duration, advance, sleep};
use tokio_util::sync::CancellationToken;

use crate::{
    Relay,
    config::Config,
    ready::Ready,
    receipt::ReceiptSigner,
    serve::{Clock, Service},
    store::{
        Overloaded, RawRow, Rows, RowsMut, RuleError, Step, Store, StoreUnavailable, Table,
        files::Files,
        memory::{MemoryChunks, MemoryStore},
    },
};

/// Its disk takes writes, or fails with the next one. What changes nothing never comes to the disk, as with redb.
#[derive(Default)]
struct Disk {
    rows: MemoryStore,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    is_broken: AtomicBool,
    written: AtomicUsize,
}

struct Written<'a>(&'a mut dyn RowsMut, &'a State);

impl Store for Disk {
    fn read(&self, look: &mut dyn FnMut(&dyn Rows) -> Result<(), RuleError>) -> Result<(), RuleError> {
        self.rows.read(look)
    }

    fn submit(&self, step: Step) -> Result<(), Overloaded> {
        let state = Arc::clone(&self.state);
        self.rows.submit(Box::new(move |rows| step(&mut Written(rows, &state))))
    }

    fn failed(&self) -> &CancellationToken {
        self.rows.failed()
    }
}

impl Rows for Written<'_> {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreUnavailable> {
        self.0.get(table, key)
    }

    fn range(&self, table: Table, from: &[u8], before: &[u8], limit: usize) -> Result<Vec<RawRow>, StoreUnavailable> {
        self.0.range(table, from, before, limit)
    }
}

impl RowsMut for Written<'_> {
    fn put(&mut self, table: Table, key: &[u8], value: &[u8]) -> Result<(), StoreUnavailable> {
        if self.1.is_broken.load(Ordering::SeqCst) {
            return Err(StoreUnavailable::because("the disk is broken"));
        }
        self.1.written.fetch_add(1, Ordering::SeqCst);
        self.0.put(table, key, value)
    }

    fn remove(&mut self, table: Table, key: &[u8]) -> Result<bool, StoreUnavailable> {
        self.0.remove(table, key)
    }
}

/// That wants so much of the disk to stay free.
async fn relay(free_space_bytes: u64) -> (Arc<Service>, Arc<State>) {
    let disk = Disk::default();
    let state = Arc::clone(&disk.state);
    let config = Config::local("/nowhere".into(), (std::net::Ipv4Addr::LOCALHOST, 0).into()).unwrap();
    let config = Config { free_space_bytes, ..config };
    let clock: Clock = Arc::new(|| Timestamp(1_800_000_000_000));
    let around = (Arc::new(disk) as _, Arc::new(MemoryChunks::default()) as _, clock);
    let receipts = ReceiptSigner::new(ed25519_dalek::SigningKey::from_bytes(&[1; 32]));
    let service = Relay::serve_streams(&config, receipts, around, &CancellationToken::new()).await.unwrap();
    // The first sweep writes too: this ends when nothing else has anything to do.
    sleep(Duration::from_secs(1)).await;
    state.written.store(0, Ordering::SeqCst);
    (service, state)
}

#[tokio::test(start_paused = true)]
async fn whoever_asks_shares_one_commit_and_the_next_comes_two_seconds_later() {
    let (service, state) = relay(0).await;
    let ready = Ready::default();
    for _ in 0..100 {
        let (first, second) = tokio::join!(ready.commits(&service), ready.commits(&service));
        assert!(first && second);
    }
    assert_eq!(state.written.load(Ordering::SeqCst), 1);
    advance(Duration::from_secs(2)).await;
    assert!(ready.commits(&service).await);
    assert_eq!(state.written.load(Ordering::SeqCst), 2);
}

#[tokio::test(start_paused = true)]
async fn whoever_asks_and_goes_has_nothing_more_written() {
    let (service, state) = relay(0).await;
    let ready = Ready::default();
    for _ in 0..100 {
        let mut asking = Box::pin(ready.commits(&service));
        // Far enough that the step is under way.
        let _gone = futures_util::poll!(&mut asking);
    }
    assert!(ready.commits(&service).await);
    assert_eq!(state.written.load(Ordering::SeqCst), 1);
}

/// Nobody deposits anything: a commit without a row in it said that all was well.
#[tokio::test(start_paused = true)]
async fn a_disk_that_failed_shows_on_a_relay_that_does_nothing() {
    let (service, state) = relay(0).await;
    let ready = Ready::default();
    assert!(ready.commits(&service).await);
    state.is_broken.store(true, Ordering::SeqCst);
    advance(Duration::from_secs(2)).await;
    assert!(!ready.commits(&service).await);
    assert!(service.store.failed().is_cancelled(), "and nothing is acknowledged any more");
}

#[tokio::test(start_paused = true)]
async fn a_question_takes_nothing_of_what_is_kept_free() {
    let (service, state) = relay(u64::MAX).await;
    let folder = tempfile::tempdir().unwrap();
    service.room.look(&Files::open(folder.path()).unwrap());
    assert!(!service.room.is_there());
    assert!(Ready::default().commits(&service).await, "it serves");
    assert_eq!(state.written.load(Ordering::SeqCst), 0);
}

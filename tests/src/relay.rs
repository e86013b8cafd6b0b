//! A real relay on loopback, in its own folder, that can be stopped and started again at the same address.

use std::{
    fs,
    net::SocketAddr,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use lightproof_relay::{
    Relay, RunningRelay,
    bucket::Allowance,
    config::{Config, Tls},
    rates::RateLimits,
    store::{disk::DiskStore, files::Files},
};
use lightproof_wire::{relay_link::RelayLink, time::Timestamp};
use tempfile::TempDir;

/// So much that no test meets a limit: all come from one address, and their clock may stand still.
#[must_use]
pub fn unhurried() -> RateLimits {
    let plenty = Allowance::per_minute(u32::MAX);
    RateLimits {
        address: plenty,
        in_all: plenty,
        doorbell: plenty,
        mailbox: plenty,
        mailboxes_a_day: u32::MAX,
        blob_bytes_a_day: u64::MAX,
        one_time_prekeys_a_day: u32::MAX,
        strangers_writes: 1_024,
    }
}

/// A clock that tests set.
#[derive(Clone)]
pub struct TestClock(Arc<AtomicU64>);

impl Default for TestClock {
    fn default() -> Self {
        // 2026-11-21, noon.
        Self(Arc::new(AtomicU64::new(1_795_262_400_000)))
    }
}

impl TestClock {
    /// Now.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }

    /// Later.
    pub fn advance_ms(&self, more_ms: u64) {
        self.0.fetch_add(more_ms, Ordering::SeqCst);
    }

    /// Days earlier.
    pub fn go_back_days(&self, days: u64) {
        self.0.fetch_sub(days * 86_400_000, Ordering::SeqCst);
    }

    /// Days later.
    pub fn advance_days(&self, days: u64) {
        self.advance_ms(days * 86_400_000);
    }
}

/// One relay.
pub struct TestRelay {
    folder: TempDir,
    address: SocketAddr,
    clock: TestClock,
    running: Option<RunningRelay>,
    change: fn(&mut Config),
}

impl TestRelay {
    /// Starts a relay with default limits.
    pub async fn start(clock: &TestClock) -> Self {
        Self::start_with(clock, |_| {}).await
    }

    /// Starts a relay with other settings.
    pub async fn start_with(clock: &TestClock, change: fn(&mut Config)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut relay =
            Self { folder, address: ([127, 0, 0, 1], 0).into(), clock: clock.clone(), running: None, change };
        relay.resume().await;
        relay
    }

    /// Starts again on the same folder and address.
    pub async fn resume(&mut self) {
        let mut config = Config::local(self.folder.path().to_owned(), self.address).unwrap();
        config.tls = Tls::BehindProxy;
        config.pace.commands_per_second = 100_000;
        config.pace.command_burst = 100_000;
        config.rates = unhurried();
        (self.change)(&mut config);
        let store = Arc::new(DiskStore::open(&self.rows(), config.disk).unwrap());
        let chunks = Arc::new(Files::open(&self.folder.path().join("blobs")).unwrap());
        let clock = self.clock.clone();
        let running = Relay::start_with(config, store, chunks, Arc::new(move || clock.now())).await.unwrap();
        self.address = running.address();
        self.running = Some(running);
    }

    /// Stops; clients find nobody.
    pub async fn stop(&mut self) {
        if let Some(running) = self.running.take() {
            running.shutdown().await;
        }
    }

    /// Stops and starts again.
    pub async fn restart(&mut self) {
        self.stop().await;
        self.resume().await;
    }

    /// A copy of its rows, and of what lies beside them.
    pub async fn copy_of_rows(&mut self) -> [Vec<u8>; 2] {
        self.stop().await;
        let rows = self.files_of_rows().map(|file| fs::read(file).unwrap());
        self.resume().await;
        rows
    }

    /// Its rows become an older copy of themselves.
    pub async fn go_back_to(&mut self, rows: &[Vec<u8>; 2]) {
        self.stop().await;
        for (file, content) in self.files_of_rows().iter().zip(rows) {
            fs::write(file, content).unwrap();
        }
        self.resume().await;
    }

    fn rows(&self) -> PathBuf {
        self.folder.path().join("rows.redb")
    }

    fn files_of_rows(&self) -> [PathBuf; 2] {
        [self.rows(), self.rows().with_extension("bulk")]
    }

    /// Days go by, and the relay removes what is over: its sweep runs as it starts. More than a few at once it doubts
    /// for two.
    pub async fn let_days_pass(&mut self, days: u64) {
        const DOUBTED: u64 = 2;
        self.clock.advance_days(days.saturating_sub(DOUBTED));
        self.restart().await;
        self.clock.advance_days(days.min(DOUBTED));
        self.restart().await;
        tokio::time::sleep(std::time::Duration::from_millis(400)).await;
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its data folder.
    #[must_use]
    pub fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// Its link.
    #[must_use]
    pub fn link(&self) -> RelayLink {
        link_to(self.address)
    }
}

/// A link to an address on loopback.
#[must_use]
pub fn link_to(address: SocketAddr) -> RelayLink {
    RelayLink::new(&address.ip().to_string(), address.port(), Vec::new()).unwrap()
}

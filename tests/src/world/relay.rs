//! A relay of the world: the shipped one on memory stores, without a listener, that can end, come back, and be an old copy.

use std::{cell::RefCell, rc::Rc, sync::Arc};

use ed25519_dalek::SigningKey;
use lightproof_relay::{
    Relay,
    config::Config,
    drive::drive,
    receipt::ReceiptSigner,
    serve::Service,
    store::{
        Chunks as _,
        memory::{MemoryChunks, MemoryStore},
    },
};
use lightproof_wire::relay_link::RelayLink;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{cable::End, clock::WorldClock, lie::Liar};
use crate::relay::unhurried;

/// What a relay keeps. A clone is the same disk.
#[derive(Clone, Default)]
pub struct RelayDisk {
    rows: Arc<MemoryStore>,
    chunks: Arc<MemoryChunks>,
}

impl RelayDisk {
    /// An independent copy.
    #[must_use]
    pub fn copy(&self) -> Self {
        Self { rows: Arc::new(self.rows.copy()), chunks: Arc::new(self.chunks.copy()) }
    }
}

struct Running {
    service: Arc<Service>,
    stop: CancellationToken,
    connections: Vec<JoinHandle<()>>,
}

/// One relay.
pub struct WorldRelay {
    link: RelayLink,
    /// Its clock.
    pub clock: WorldClock,
    /// Whether it lies, and how.
    pub liar: Liar,
    number: u8,
    disk: RefCell<RelayDisk>,
    running: RefCell<Option<Running>>,
}

impl WorldRelay {
    /// A relay on a disk, not running yet.
    #[must_use]
    pub fn new(number: u8, disk: RelayDisk, clock: WorldClock) -> Rc<Self> {
        Rc::new(Self {
            link: RelayLink::new(&format!("relay-{number}.example.org"), 7443, Vec::new()).unwrap(),
            clock,
            liar: Liar::default(),
            number,
            disk: RefCell::new(disk),
            running: RefCell::default(),
        })
    }

    /// Its link.
    #[must_use]
    pub fn link(&self) -> &RelayLink {
        &self.link
    }

    /// Whether it takes connections.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.running.borrow().is_some()
    }

    /// Starts on its disk.
    pub async fn start(&self) {
        let disk = self.disk.borrow().clone();
        let clock = self.clock.clone();
        let receipts = ReceiptSigner::new(SigningKey::from_bytes(&[self.number + 1; 32]));
        let edges = (disk.rows as _, disk.chunks as _, Arc::new(move || clock.now()) as _);
        let stop = CancellationToken::new();
        let service = Relay::serve_streams(&config(), receipts, edges, &stop).await.unwrap();
        self.running.replace(Some(Running { service, stop, connections: Vec::new() }));
    }

    /// Ends in the middle of everything; what was committed stays.
    pub fn kill(&self) {
        if let Some(Running { stop, connections, .. }) = self.running.take() {
            connections.iter().for_each(JoinHandle::abort);
            stop.cancel();
        }
    }

    /// Ends and starts again on the same disk.
    pub async fn restart(&self) {
        self.kill();
        self.start().await;
    }

    /// How many sealed photos lie on its disk.
    #[must_use]
    pub fn blob_count(&self) -> usize {
        self.disk.borrow().chunks.list().unwrap().len()
    }

    /// A copy of its disk as it is now.
    #[must_use]
    pub fn copy_of_disk(&self) -> RelayDisk {
        self.disk.borrow().copy()
    }

    /// Its disk is replaced by an older copy, and it starts on that.
    pub async fn go_back_to(&self, disk: RelayDisk) {
        self.kill();
        self.disk.replace(disk);
        self.start().await;
    }

    /// Serves one connection.
    pub(super) fn accept(self: &Rc<Self>, end: End) {
        let mut running = self.running.borrow_mut();
        let Some(running) = running.as_mut() else { return };
        let (service, stop) = (Arc::clone(&running.service), running.stop.clone());
        running.connections.retain(|connection| !connection.is_finished());
        let pace = config().pace;
        let connection = if self.liar.is_hired() {
            let serve = move |stream| drive(stream, service, None, pace, stop);
            tokio::task::spawn_local(self.liar.clone().carry(end, serve))
        } else {
            tokio::task::spawn_local(drive(end, service, None, pace, stop))
        };
        running.connections.push(connection);
    }
}

fn config() -> Config {
    let mut config = Config::local("nowhere".into(), ([127, 0, 0, 1], 0).into()).unwrap();
    config.pace.commands_per_second = 100_000;
    config.pace.command_burst = 100_000;
    config.rates = unhurried();
    config
}

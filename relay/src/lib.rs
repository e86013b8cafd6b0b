//! A blind relay: it keeps sealed envelopes and blobs for people who are offline, and knows hashes instead of people.
//!
//! ```text
//! listener ─ TLS ─ /v1 ─▶ frames ─▶ peer (decode, rate, admit) ─▶ serve ─▶ rules over rows ─▶ one commit ─▶ reply
//!                                     ▲                                            │
//!                                     └────────── deliveries, caught up ◀── wake ──┘
//! ```
//!
//! ```no_run
//! # async fn example() -> Result<(), lightproof_relay::error::RelayError> {
//! use lightproof_relay::{Relay, config::Config};
//!
//! let relay = Relay::start(Config::local("data".into(), ([127, 0, 0, 1], 0).into())?).await?;
//! println!("{}", relay.link());
//! relay.shutdown().await;
//! # Ok(())
//! # }
//! ```

pub mod access;
pub mod acme;
pub mod address;
pub mod admit;
pub mod backup;
pub mod blob;
pub mod bucket;
pub mod calendar;
pub mod chunk_memory;
pub mod config;
pub mod control;
mod create;
pub mod deliver;
mod deposit;
pub mod descriptors;
pub mod drive;
pub mod dump;
pub mod error;
pub mod expire;
pub mod folder;
mod front;
mod handshakes;
mod http;
pub mod limits;
mod listen;
pub mod mailbox;
pub mod metrics;
mod page;
pub mod peer;
pub mod prekeys;
pub mod proxy;
pub mod rates;
mod ready;
pub mod receipt;
pub mod reload;
pub mod room;
pub mod scrub;
mod seats;
pub mod serve;
mod shown;
mod shutdown;
pub mod socket;
pub mod store;
mod sweep;
pub mod systemd;
pub mod threads;
pub mod tls;
pub mod tombstone;
pub mod totals;
mod transfer;
pub mod upload;
pub mod websocket;

#[cfg(test)]
mod tests;

pub use front::certificate;

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use lightproof_wire::{relay_link::RelayLink, time::Timestamp};
use tokio_util::{
    sync::{CancellationToken, DropGuard},
    task::TaskTracker,
};

use crate::{
    calendar::Calendar,
    chunk_memory::ChunkMemory,
    config::Config,
    deliver::Watches,
    error::RelayError,
    folder::Folder,
    front::{Front, Sockets},
    metrics::Metrics,
    rates::Rates,
    receipt::ReceiptSigner,
    room::Room,
    serve::{Clock, Service},
    store::{Chunks, Store, StoreUnavailable, disk::DiskStore, files::Files},
    systemd::Listeners,
    threads::ChunkThreads,
    upload::Uploads,
};

/// Starts relays.
#[derive(Debug)]
pub enum Relay {}

/// A relay that runs. Dropped, it stops at once; [`shutdown`](Self::shutdown) lets it finish what it has begun.
pub struct RunningRelay {
    address: SocketAddr,
    link: RelayLink,
    metrics_address: Option<SocketAddr>,
    front: Arc<Front>,
    service: Arc<Service>,
    stop: CancellationToken,
    _stop_on_drop: DropGuard,
}

impl Relay {
    /// Starts a relay on its data folder.
    ///
    /// # Errors
    /// [`RelayError`]: the operator's fault or the disk's.
    pub async fn start(config: Config) -> Result<RunningRelay, RelayError> {
        Self::start_on(config, Listeners::default()).await
    }

    /// The same, on sockets that somebody else opened.
    ///
    /// # Errors
    /// [`RelayError`].
    pub async fn start_on(config: Config, listeners: Listeners) -> Result<RunningRelay, RelayError> {
        let folder = open_folder(&config)?;
        let unusable = |error| RelayError::Folder { folder: config.data.clone(), error };
        let store = DiskStore::open(&folder.rows(), config.disk)?;
        let chunks = Files::open(&folder.blobs()).map_err(unusable)?;
        let data = config.data.clone();
        let relay = Self::start_all(config, listeners, (Arc::new(store), Arc::new(chunks), system_clock())).await?;
        // The store is open, so this process is the only one that may have a socket here.
        let unusable = |error| RelayError::Folder { folder: data, error };
        control::serve(folder, relay.link.clone(), &relay.service, relay.stop.clone()).map_err(unusable)?;
        Ok(relay)
    }

    /// Starts a relay on any store and clock. Its keys are in the data folder all the same.
    ///
    /// # Errors
    /// [`RelayError`].
    pub async fn start_with(
        config: Config,
        store: Arc<dyn Store>,
        chunks: Arc<dyn Chunks>,
        clock: Clock,
    ) -> Result<RunningRelay, RelayError> {
        Self::start_all(config, Listeners::default(), (store, chunks, clock)).await
    }

    async fn start_all(
        config: Config,
        listeners: Listeners,
        around: (Arc<dyn Store>, Arc<dyn Chunks>, Clock),
    ) -> Result<RunningRelay, RelayError> {
        let folder = open_folder(&config)?;
        let unusable = |error| RelayError::Folder { folder: config.data.clone(), error };
        let receipts = ReceiptSigner::new(folder.receipt_key().map_err(unusable)?);
        let certificate = certificate(&config, &folder)?;
        let sockets = Sockets::open(&config, listeners).await?;
        let (address, metrics_address) = (sockets.address, sockets.metrics_address);
        let link = address::link(&config, address, certificate.as_ref())?;
        let stop = CancellationToken::new();
        let service = Self::serve_streams(&config, receipts, around, &stop).await?;
        let front = Arc::new(Front::new(&config, Arc::clone(&service), certificate, stop.clone())?);
        front.start(config, folder, sockets);
        let _stop_on_drop = stop.clone().drop_guard();
        Ok(RunningRelay { address, link, metrics_address, front, service, stop, _stop_on_drop })
    }

    /// A relay without listener and folder, with its tick until `stop`: whoever has streams has them served by
    /// [`drive`](drive::drive).
    ///
    /// # Errors
    /// [`RelayError`]: the disk's.
    pub async fn serve_streams(
        config: &Config,
        receipts: ReceiptSigner,
        (store, chunks, clock): (Arc<dyn Store>, Arc<dyn Chunks>, Clock),
        stop: &CancellationToken,
    ) -> Result<Arc<Service>, RelayError> {
        let metrics = Metrics { writes: store.writes(), ..Metrics::default() };
        let service = Arc::new(Service {
            store,
            chunks,
            clock,
            calendar: Calendar::default(),
            limits: config.limits,
            admission: config.admission,
            receipts,
            notice: config.notice.clone(),
            operator: config.operator.clone(),
            watches: Watches::default(),
            uploads: Uploads::default(),
            chunk_memory: ChunkMemory::new(config.chunks_in_memory),
            chunk_threads: ChunkThreads::default(),
            metrics,
            rates: Rates::new(&config.rates),
            room: Arc::new(Room::new(config.free_space_bytes)),
            tasks: TaskTracker::new(),
            failed: CancellationToken::new(),
        });
        sweep::tidy(&service).await.map_err(StoreUnavailable::because)?;
        service.tasks.spawn(sweep::run(Arc::clone(&service), stop.clone()));
        Ok(service)
    }
}

impl RunningRelay {
    /// The address it listens on.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// What people paste to reach it.
    #[must_use]
    pub const fn link(&self) -> &RelayLink {
        &self.link
    }

    /// Where its metrics are read, if anywhere.
    #[must_use]
    pub const fn metrics_address(&self) -> Option<SocketAddr> {
        self.metrics_address
    }

    /// Counts without identities.
    #[must_use]
    pub fn metrics(&self) -> &Metrics {
        &self.service.metrics
    }

    /// Whether rows can be read, nothing has failed and no shutdown has begun.
    pub async fn is_well(&self) -> bool {
        self.front.is_well().await
    }

    /// Looks at the files of the certificate now, not only in a few seconds.
    pub fn reload(&self) {
        self.front.asked_to_reload.notify_one();
    }

    /// Returns when the disk has failed: the relay acknowledges nothing any more and must be stopped.
    pub async fn failed(&self) {
        tokio::select! {
            () = self.service.store.failed().cancelled() => {}
            () = self.service.failed.cancelled() => {}
        }
    }

    /// Takes nothing new, answers what is under way (at most 5 s), syncs unfinished uploads, closes the store. After
    /// it the same folder and port can be used again.
    pub async fn shutdown(self) {
        let Self { front, service, stop, .. } = self;
        stop.cancel();
        drop(front);
        shutdown::drain(service).await;
    }
}

/// Opens the data folder.
///
/// # Errors
/// [`RelayError::Folder`].
pub fn open_folder(config: &Config) -> Result<Folder, RelayError> {
    let folder = Folder::open(&config.data);
    let folder = folder.map_err(|error| RelayError::Folder { folder: config.data.clone(), error })?;
    if folder.is_half_restored() {
        return Err(RelayError::HalfRestored { folder: config.data.clone() });
    }
    Ok(folder)
}

fn system_clock() -> Clock {
    Arc::new(|| {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    })
}

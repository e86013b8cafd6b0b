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

pub mod address;
pub mod admit;
pub mod blob;
pub mod config;
pub mod deliver;
pub mod descriptors;
pub mod drive;
pub mod dump;
pub mod error;
pub mod expire;
pub mod folder;
mod http;
pub mod limits;
pub mod mailbox;
pub mod metrics;
pub mod peer;
pub mod prekeys;
pub mod receipt;
pub mod room;
pub mod serve;
mod shutdown;
pub mod socket;
pub mod store;
mod sweep;
pub mod tls;
pub mod tombstone;
pub mod upload;

#[cfg(test)]
mod tests;

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::{SystemTime, UNIX_EPOCH},
};

use lightproof_wire::{relay_link::RelayLink, time::Timestamp};
use tokio::{net::TcpListener, sync::Semaphore};
use tokio_util::{
    sync::{CancellationToken, DropGuard},
    task::TaskTracker,
};

use crate::{
    admit::Takers,
    config::{Config, Tls},
    deliver::Watches,
    error::RelayError,
    folder::Folder,
    http::{Addresses, Front},
    metrics::Metrics,
    receipt::ReceiptSigner,
    room::Room,
    serve::{Clock, Service},
    store::{Chunks, Store, StoreUnavailable, disk::DiskStore, files::Files},
    tls::Certificate,
    upload::Uploads,
};

/// Starts relays.
#[derive(Debug)]
pub enum Relay {}

/// A relay that runs. Dropped, it stops at once; [`shutdown`](Self::shutdown) lets it finish what it has begun.
pub struct RunningRelay {
    address: SocketAddr,
    link: RelayLink,
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
        let folder = open_folder(&config)?;
        let unusable = |error| RelayError::Folder { folder: config.data.clone(), error };
        let store = DiskStore::open(&folder.rows(), config.disk)?;
        let chunks = Files::open(&folder.blobs()).map_err(unusable)?;
        Self::start_with(config, Arc::new(store), Arc::new(chunks), system_clock()).await
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
        let folder = open_folder(&config)?;
        let unusable = |error| RelayError::Folder { folder: config.data.clone(), error };
        let receipts = ReceiptSigner::new(folder.receipt_key().map_err(unusable)?);
        let certificate = certificate(&config, &folder)?;
        let failed = |error| RelayError::Listen { address: config.listen, error };
        let listener = TcpListener::bind(config.listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let link = address::link(&config, address, certificate.as_ref())?;
        let tls = certificate.map(Certificate::server_config).transpose()?;
        let stop = CancellationToken::new();
        let service = Self::serve_streams(&config, receipts, (store, chunks, clock), &stop).await?;
        let front = Arc::new(Front {
            service: Arc::clone(&service),
            tls,
            origins: config.origins,
            pace: config.pace,
            connections: Arc::new(Semaphore::new(descriptors::connections(config.connections))),
            connections_per_address: config.connections_per_address,
            addresses: Arc::new(Addresses::default()),
            stop: stop.clone(),
        });
        service.tasks.spawn(http::listen(listener, front));
        Ok(RunningRelay { address, link, service, _stop_on_drop: stop.clone().drop_guard(), stop })
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
        let service = Arc::new(Service {
            store,
            chunks,
            clock,
            limits: config.limits,
            admission: config.admission.clone(),
            receipts,
            notice: config.notice.clone(),
            operator: config.operator.clone(),
            watches: Watches::default(),
            uploads: Uploads::default(),
            chunk_permits: Arc::new(Semaphore::new(config.chunks_in_memory)),
            metrics: Metrics::default(),
            takers: Mutex::new(Takers::new(config.one_time_prekeys_a_day_and_address)),
            room: Room::new(config.free_space_bytes),
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

    /// Counts without identities.
    #[must_use]
    pub fn metrics(&self) -> &Metrics {
        &self.service.metrics
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
        let Self { service, stop, .. } = self;
        stop.cancel();
        shutdown::drain(service).await;
    }
}

/// The certificate a relay ends TLS with; none behind a proxy.
///
/// # Errors
/// [`RelayError::Certificate`].
pub fn certificate(config: &Config, folder: &Folder) -> Result<Option<Certificate>, RelayError> {
    match &config.tls {
        Tls::BehindProxy => Ok(None),
        Tls::Files { cert, key } => Certificate::from_files(cert, key).map(Some),
        Tls::SelfSigned => Certificate::kept_in(folder).map(Some),
    }
}

/// Opens the data folder.
///
/// # Errors
/// [`RelayError::Folder`].
pub fn open_folder(config: &Config) -> Result<Folder, RelayError> {
    Folder::open(&config.data).map_err(|error| RelayError::Folder { folder: config.data.clone(), error })
}

fn system_clock() -> Clock {
    Arc::new(|| {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    })
}

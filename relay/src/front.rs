//! What stands before the WebSocket, put together: sockets, what they present, who is let in, and what keeps it so.

use std::{
    net::SocketAddr,
    sync::{Arc, Once},
    time::Duration,
};

use rustls::ServerConfig;
use tokio::{net::TcpListener, sync::Notify, time::timeout};
use tokio_util::sync::CancellationToken;

use crate::{
    acme,
    config::{Config, Tls},
    descriptors,
    drive::Pace,
    error::RelayError,
    folder::Folder,
    handshakes::Handshakes,
    listen,
    proxy::Proxies,
    ready::Ready,
    reload,
    seats::Seats,
    serve::Service,
    store::{self, Rows, Table},
    systemd::Listeners,
    tls::{Certificate, Presented},
};

/// A store that answers no look in this time is not well.
const LOOK_DEADLINE: Duration = Duration::from_secs(5);

/// What every connection is served with.
pub(crate) struct Front {
    pub(crate) service: Arc<Service>,
    pub(crate) tls: Option<Arc<ServerConfig>>,
    pub(crate) presented: Arc<Presented>,
    pub(crate) proxies: Proxies,
    pub(crate) origins: Vec<String>,
    pub(crate) pace: Pace,
    pub(crate) handshakes: Arc<Handshakes>,
    pub(crate) seats: Arc<Seats>,
    pub(crate) asked_to_reload: Arc<Notify>,
    warned: Once,
    ready: Ready,
    pub(crate) stop: CancellationToken,
}

impl Front {
    pub(crate) fn new(
        config: &Config,
        service: Arc<Service>,
        certificate: Option<Certificate>,
        stop: CancellationToken,
    ) -> Result<Self, RelayError> {
        let presented = Arc::new(Presented::default());
        if let Some(certificate) = certificate {
            presented.present(certificate)?;
        }
        let ends_tls = config.tls != Tls::BehindProxy;
        let tls = ends_tls.then(|| Arc::clone(&presented).server_config()).transpose()?;
        let (connections, handshakes) = descriptors::shared_out(config.connections, config.handshakes);
        Ok(Self {
            tls,
            presented,
            proxies: config.proxies.clone(),
            origins: config.origins.clone(),
            pace: config.pace,
            handshakes: Handshakes::new(handshakes, service.metrics.clone()),
            seats: Seats::new(connections, config.connections_per_address, service.metrics.clone()),
            asked_to_reload: Arc::default(),
            warned: Once::new(),
            ready: Ready::default(),
            service,
            stop,
        })
    }

    /// Listens, and keeps what is presented up to date, until the relay stops.
    pub(crate) fn start(self: &Arc<Self>, config: Config, folder: Folder, sockets: Sockets) {
        let tasks = &self.service.tasks;
        for listener in sockets.relay {
            tasks.spawn(listen::listen(listener, Arc::clone(self)));
        }
        if let Some(listener) = sockets.metrics {
            tasks.spawn(listen::listen_for_metrics(listener, Arc::clone(self)));
        }
        let (presented, stop) = (Arc::clone(&self.presented), self.stop.clone());
        let clock = Arc::clone(&self.service.clock);
        match config.tls {
            Tls::Acme(settings) => {
                tasks.spawn(acme::Renewal { settings, folder, presented, clock }.run(stop));
            }
            Tls::Files(files) => {
                tasks.spawn(reload::run(files, presented, Arc::clone(&self.asked_to_reload), clock, stop));
            }
            Tls::BehindProxy | Tls::SelfSigned => {}
        }
    }

    pub(crate) fn warn_of_unknown_clients(&self) {
        self.warned.call_once(|| {
            tracing::warn!(
                "the proxy sets no X-Forwarded-For: limits per address count all its clients as one or not at all"
            );
        });
    }

    /// Whether it is well, has a certificate where it needs one, and commits come to the disk.
    pub(crate) async fn is_ready(&self) -> bool {
        let has_certificate = self.tls.is_none() || self.presented.has_certificate();
        has_certificate && self.is_well().await && self.ready.commits(&self.service).await
    }

    /// Whether rows can be read, nothing has failed and no shutdown has begun.
    pub(crate) async fn is_well(&self) -> bool {
        let service = Arc::clone(&self.service);
        let look = move || store::look(service.store.as_ref(), |rows: &dyn Rows| Ok(rows.get(Table::Totals, &[0])?));
        let looked = timeout(LOOK_DEADLINE, tokio::task::spawn_blocking(look)).await;
        let is_stopping = self.stop.is_cancelled() || self.service.failed.is_cancelled();
        matches!(looked, Ok(Ok(Ok(_)))) && !is_stopping && !self.service.store.failed().is_cancelled()
    }
}

/// Where a relay listens.
pub(crate) struct Sockets {
    relay: Vec<TcpListener>,
    metrics: Option<TcpListener>,
    /// The first of those for people.
    pub(crate) address: SocketAddr,
    pub(crate) metrics_address: Option<SocketAddr>,
}

impl Sockets {
    /// Takes those that were given, and opens what is missing.
    pub(crate) async fn open(config: &Config, given: Listeners) -> Result<Self, RelayError> {
        let taken = |listener| TcpListener::from_std(listener).map_err(RelayError::Inherited);
        let mut relay = given.relay.into_iter().map(taken).collect::<Result<Vec<_>, _>>()?;
        let mut metrics = given.metrics.map(taken).transpose()?;
        if relay.is_empty() {
            relay.push(bind(config.listen).await?);
        }
        if let (None, Some(address)) = (&metrics, config.metrics) {
            metrics = Some(bind(address).await?);
        }
        let address = match relay.first() {
            Some(first) => first.local_addr().map_err(RelayError::Inherited)?,
            None => config.listen,
        };
        let metrics_address =
            metrics.as_ref().map(TcpListener::local_addr).transpose().map_err(RelayError::Inherited)?;
        Ok(Self { relay, metrics, address, metrics_address })
    }
}

async fn bind(address: SocketAddr) -> Result<TcpListener, RelayError> {
    TcpListener::bind(address).await.map_err(|error| RelayError::Listen { address, error })
}

/// The certificate a relay begins with; none behind a proxy, or before an authority gave the first.
///
/// # Errors
/// [`RelayError::Certificate`].
pub fn certificate(config: &Config, folder: &Folder) -> Result<Option<Certificate>, RelayError> {
    match &config.tls {
        Tls::Acme(_) => acme::kept(folder),
        Tls::BehindProxy => Ok(None),
        Tls::Files(files) => files.read().map(Some),
        Tls::SelfSigned => Certificate::kept_in(folder).map(Some),
    }
}

//! What stands before the WebSocket: the listener, TLS, `/healthz`, `/readyz`, and the upgrade of `/v1`.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{
    Extension, Router,
    extract::{Request, State},
    http::StatusCode,
    response::{IntoResponse as _, Response},
    routing::get,
};
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use rustls::ServerConfig;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use crate::{
    admit::network,
    drive::{self, Pace},
    serve::Service,
    socket,
    store::{self, Rows, Table},
};

/// From the first byte to the end of the request's headers, each.
const HANDSHAKE_DEADLINE: Duration = Duration::from_secs(10);
const HEADER_BYTES: usize = 16 * 1_024;

/// What every connection is served with.
pub(crate) struct Front {
    pub(crate) service: Arc<Service>,
    pub(crate) tls: Option<Arc<ServerConfig>>,
    pub(crate) origins: Vec<String>,
    pub(crate) pace: Pace,
    pub(crate) connections: Arc<Semaphore>,
    pub(crate) connections_per_address: usize,
    pub(crate) addresses: Arc<Addresses>,
    pub(crate) stop: CancellationToken,
}

/// Accepts until `stop`.
pub(crate) async fn listen(listener: TcpListener, front: Arc<Front>) {
    let router = router(Arc::clone(&front));
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = front.stop.cancelled() => return,
        };
        let Ok((stream, from)) = accepted else {
            // Out of descriptors, most likely: the ones in use must come back first.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let Some(caller) = Caller::admit(&front, from.ip()) else { continue };
        let (front, router) = (Arc::clone(&front), router.clone().layer(Extension(caller)));
        front.service.metrics.connections.increment();
        let tasks = front.service.tasks.clone();
        tasks.spawn(async move { secure(stream, router, &front).await });
    }
}

async fn secure(stream: TcpStream, router: Router, front: &Front) {
    let _ = stream.set_nodelay(true);
    let Some(tls) = &front.tls else { return converse(stream, router, &front.stop).await };
    let handshake = TlsAcceptor::from(Arc::clone(tls)).accept(stream);
    let handshake = tokio::select! {
        done = timeout(HANDSHAKE_DEADLINE, handshake) => done,
        () = front.stop.cancelled() => return,
    };
    if let Ok(Ok(stream)) = handshake {
        converse(stream, router, &front.stop).await;
    }
}

async fn converse(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    router: Router,
    stop: &CancellationToken,
) {
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HANDSHAKE_DEADLINE)
        .max_buf_size(HEADER_BYTES)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router))
        .with_upgrades();
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        _ = connection.as_mut() => return,
        () = stop.cancelled() => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}

fn router(front: Arc<Front>) -> Router {
    Router::new()
        .route("/healthz", get(async || "alive\n"))
        .route("/readyz", get(ready))
        .route("/v1", get(upgrade))
        .with_state(front)
}

/// Ready while rows can be read, nothing has failed and no shutdown has begun.
async fn ready(State(front): State<Arc<Front>>) -> Response {
    let service = Arc::clone(&front.service);
    let look = move || store::look(service.store.as_ref(), |rows: &dyn Rows| Ok(rows.get(Table::Totals, &[0])?));
    let readable = tokio::task::spawn_blocking(look).await.is_ok_and(|looked| looked.is_ok());
    let stopping = front.stop.is_cancelled() || front.service.failed.is_cancelled();
    if readable && !stopping && !front.service.store.failed().is_cancelled() {
        "ready\n".into_response()
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "not ready\n").into_response()
    }
}

async fn upgrade(
    State(front): State<Arc<Front>>,
    Extension(caller): Extension<Arc<Caller>>,
    mut request: Request,
) -> Response {
    let headers = match socket::accept_upgrade(request.headers(), &front.origins) {
        Ok(headers) => headers,
        Err(status) => return status.into_response(),
    };
    let address = if front.tls.is_some() { Some(caller.address) } else { forwarded_for(&request) };
    let upgrading = hyper::upgrade::on(&mut request);
    let tasks = front.service.tasks.clone();
    tasks.spawn(async move {
        // Held as long as the connection lives, so that it counts.
        let _caller = caller;
        if let Ok(upgraded) = upgrading.await {
            let service = Arc::clone(&front.service);
            drive::drive(TokioIo::new(upgraded), service, address, front.pace, front.stop.clone()).await;
        }
    });
    (StatusCode::SWITCHING_PROTOCOLS, headers).into_response()
}

/// The address a proxy saw: the last it added, for what stands before that the client may have written.
fn forwarded_for(request: &Request) -> Option<IpAddr> {
    let last = request.headers().get_all("x-forwarded-for").iter().next_back()?;
    last.to_str().ok()?.rsplit(',').next()?.trim().parse().ok()
}

/// A connection that counts, for as long as this lives.
pub(crate) struct Caller {
    address: IpAddr,
    addresses: Arc<Addresses>,
    counted: bool,
    _permit: OwnedSemaphorePermit,
}

impl Caller {
    fn admit(front: &Front, address: IpAddr) -> Option<Arc<Self>> {
        let permit = Arc::clone(&front.connections).try_acquire_owned().ok()?;
        // Behind a proxy every connection comes from the proxy.
        let counted = front.tls.is_some();
        if counted && !front.addresses.add(address, front.connections_per_address) {
            return None;
        }
        let addresses = Arc::clone(&front.addresses);
        Some(Arc::new(Self { address, addresses, counted, _permit: permit }))
    }
}

impl Drop for Caller {
    fn drop(&mut self) {
        if self.counted {
            self.addresses.remove(self.address);
        }
    }
}

/// Connections per address, while there are any.
#[derive(Default)]
pub(crate) struct Addresses(Mutex<HashMap<IpAddr, usize>>);

impl Addresses {
    fn add(&self, address: IpAddr, limit: usize) -> bool {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(network(address)).or_insert(0);
        let fits = *count < limit;
        if fits {
            *count = count.saturating_add(1);
        }
        fits
    }

    fn remove(&self, address: IpAddr) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&network(address)) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                counts.remove(&network(address));
            }
        }
    }
}

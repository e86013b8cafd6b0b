//! What stands before the WebSocket: `/healthz`, `/readyz`, the page at `/`, `/metrics`, and the upgrade of `/v1`.

use std::{sync::Arc, time::Duration};

use axum::{
    Extension, Router,
    extract::{Request, State},
    http::{StatusCode, Version, header},
    response::{Html, IntoResponse as _, Response},
    routing::get,
};
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::timeout,
};
use tokio_util::sync::CancellationToken;

use crate::{drive, front::Front, listen::Caller, page, seats::NoSeat, shutdown, socket};

/// From the first byte to the end of the request's headers, each.
pub(crate) const HANDSHAKE_DEADLINE: Duration = Duration::from_secs(10);
const HEADER_BYTES: usize = 16 * 1_024;
/// OpenMetrics 1.0, as prometheus-client writes it.
const METRICS_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// The page has no script, no picture and no link that loads by itself.
const PAGE_POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/// Serves HTTP on a stream until it is upgraded or ends.
pub(crate) async fn converse(
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
    // A request that is not whole would be waited for.
    tokio::select! {
        _ = connection => {}
        () = shutdown::is_late(stop) => {}
    }
}

/// What everybody may ask.
pub(crate) fn router(front: Arc<Front>) -> Router {
    Router::new()
        .route("/", get(about))
        .route("/healthz", get(async || "alive\n"))
        .route("/readyz", get(ready))
        .route("/v1", get(upgrade))
        .with_state(front)
}

/// What whoever watches the relay may ask.
pub(crate) fn metrics_router(front: Arc<Front>) -> Router {
    Router::new()
        .route("/metrics", get(metrics))
        .route("/healthz", get(async || "alive\n"))
        .route("/readyz", get(ready))
        .with_state(front)
}

async fn metrics(State(front): State<Arc<Front>>) -> Response {
    match front.service.metrics.text() {
        Ok(text) => ([(header::CONTENT_TYPE, METRICS_TYPE)], text).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

async fn about(State(front): State<Arc<Front>>) -> Response {
    let headers = [(header::CONTENT_SECURITY_POLICY, PAGE_POLICY), (header::CACHE_CONTROL, "no-store")];
    (headers, Html(page::page(&front.service))).into_response()
}

async fn ready(State(front): State<Arc<Front>>) -> Response {
    if front.is_ready().await {
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
    // Nothing is upgraded there, and the connection would live on without its seat.
    if request.version() < Version::HTTP_11 {
        return StatusCode::UPGRADE_REQUIRED.into_response();
    }
    let headers = match socket::accept_upgrade(request.headers(), &front.origins) {
        Ok(headers) => headers,
        Err(status) => return status.into_response(),
    };
    let address = front.proxies.client(caller.peer, request.headers());
    if address.is_none() {
        front.warn_of_unknown_clients();
    }
    let seat = match front.seats.take(address, &front.stop).await {
        Ok(seat) => seat,
        Err(NoSeat::ForThisAddress) => return StatusCode::TOO_MANY_REQUESTS.into_response(),
        Err(NoSeat::ForAnybody) => return StatusCode::SERVICE_UNAVAILABLE.into_response(),
    };
    let upgrading = hyper::upgrade::on(&mut request);
    let tasks = front.service.tasks.clone();
    tasks.spawn(async move {
        let stop = seat.give_way();
        // Held as long as the connection lives, so that it counts.
        let held = (caller, seat);
        let upgraded = tokio::select! {
            upgraded = timeout(HANDSHAKE_DEADLINE, upgrading) => upgraded,
            () = stop.cancelled() => return,
        };
        if let Ok(Ok(upgraded)) = upgraded {
            // Not before: whoever takes no `101` gives back the seat and keeps the socket, which can then be cut.
            held.0.is_established();
            let service = Arc::clone(&front.service);
            drive::drive(TokioIo::new(upgraded), service, address, front.pace, stop).await;
        }
    });
    (StatusCode::SWITCHING_PROTOCOLS, headers).into_response()
}

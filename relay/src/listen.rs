//! The listener: accepts, shakes hands within a deadline, and hands over to HTTP.

use std::{
    io,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{Extension, Router};
use rustix::io::Errno;
use rustls::{ServerConfig, server::Acceptor};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    time::{sleep, timeout},
};
use tokio_rustls::{LazyConfigAcceptor, server::TlsStream};

use crate::{
    front::Front,
    handshakes::Handshake,
    http::{self, HANDSHAKE_DEADLINE},
    metrics::{Counted, Group, Metrics},
    tls::ACME_PROTOCOL,
};

/// Descriptors in use must come back first.
const OUT_OF_DESCRIPTORS: Duration = Duration::from_millis(50);
/// Not only for the next connection: files need descriptors too.
const SHED_AT_ONCE: usize = 16;
/// Until one of those who were heard of a moment ago is through.
const NO_ROOM: Duration = Duration::from_millis(5);

/// Whoever watches needs one or two; the rest wait.
const METRICS_CONNECTIONS: usize = 32;

/// The other end of a connection.
pub(crate) struct Caller {
    pub(crate) peer: IpAddr,
    handshake: Mutex<Option<Handshake>>,
    _open: Counted,
}

impl Caller {
    pub(crate) fn new(peer: IpAddr, handshake: Handshake, metrics: &Metrics) -> Self {
        metrics.connections.inc();
        let open = Counted::more(&metrics.connections_open);
        Self { peer, handshake: Mutex::new(Some(handshake)), _open: open }
    }

    /// The connection is established: it counts among the others no more.
    pub(crate) fn is_established(&self) {
        self.handshake.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    fn spoke(&self) {
        if let Some(handshake) = self.handshake.lock().unwrap_or_else(PoisonError::into_inner).as_ref() {
            handshake.spoke();
        }
    }
}

/// Accepts until the relay stops.
pub(crate) async fn listen(listener: TcpListener, front: Arc<Front>) {
    let router = http::router(Arc::clone(&front));
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = front.stop.cancelled() => return,
        };
        match accepted {
            Ok((stream, from)) => greet(stream, from.ip(), &front, &router).await,
            Err(error) => go_without(&error, &front).await,
        }
    }
}

/// Serves `/metrics` and the health of the relay to whoever may reach that address, without TLS.
pub(crate) async fn listen_for_metrics(listener: TcpListener, front: Arc<Front>) {
    let router = http::metrics_router(Arc::clone(&front));
    let places = Arc::new(Semaphore::new(METRICS_CONNECTIONS));
    let next = async || {
        let place = Arc::clone(&places).acquire_owned().await.map_err(io::Error::other)?;
        Ok::<_, io::Error>((listener.accept().await?.0, place))
    };
    loop {
        let accepted = tokio::select! {
            accepted = next() => accepted,
            () = front.stop.cancelled() => return,
        };
        let Ok((stream, place)) = accepted else {
            sleep(OUT_OF_DESCRIPTORS).await;
            continue;
        };
        let (front, router) = (Arc::clone(&front), router.clone());
        front.service.tasks.clone().spawn(async move {
            http::converse(stream, router, &front.stop).await;
            drop(place);
        });
    }
}

/// Without descriptors for another connection, those that are none yet give up theirs.
async fn go_without(error: &io::Error, front: &Front) {
    let out_of_descriptors = [Errno::MFILE, Errno::NFILE].map(Errno::raw_os_error);
    let is_that = error.raw_os_error().is_some_and(|code| out_of_descriptors.contains(&code));
    let gives_way = is_that && front.handshakes.shed(SHED_AT_ONCE);
    sleep(if gives_way { NO_ROOM } else { OUT_OF_DESCRIPTORS }).await;
}

async fn greet(stream: TcpStream, peer: IpAddr, front: &Arc<Front>, router: &Router) {
    // Whom a proxy speaks for is known only once it has spoken.
    let known = (!front.proxies.trust(peer)).then_some(peer);
    if front.seats.are_taken(known) {
        front.service.metrics.seats_refused.inc();
        return;
    }
    let handshake = loop {
        match front.handshakes.begin(peer) {
            Some(handshake) => break handshake,
            None if front.stop.is_cancelled() => return,
            None => sleep(NO_ROOM).await,
        }
    };
    let cut = handshake.cut();
    let caller = Arc::new(Caller::new(peer, handshake, &front.service.metrics));
    let (front, router) = (Arc::clone(front), router.clone().layer(Extension(Arc::clone(&caller))));
    front.service.tasks.clone().spawn(async move {
        tokio::select! {
            () = secure(stream, &caller, router, &front) => {}
            () = cut.cancelled() => {}
        }
    });
}

async fn secure(stream: TcpStream, caller: &Caller, router: Router, front: &Front) {
    let _ = stream.set_nodelay(true);
    let Some(tls) = &front.tls else { return http::converse(stream, router, &front.stop).await };
    let handshake = tokio::select! {
        done = timeout(HANDSHAKE_DEADLINE, shake_hands(stream, caller, Arc::clone(tls))) => done,
        () = front.stop.cancelled() => return,
    };
    let Ok(Ok(stream)) = handshake else { return };
    let session = stream.get_ref().1;
    // An authority has seen what it wanted to.
    if session.alpn_protocol() == Some(ACME_PROTOCOL) {
        return;
    }
    let group = session.negotiated_key_exchange_group();
    let group = group.and_then(|group| group.name().as_str()).unwrap_or("other");
    front.service.metrics.handshakes.get_or_create(&Group { group }).inc();
    http::converse(stream, router, &front.stop).await;
}

async fn shake_hands(stream: TcpStream, caller: &Caller, tls: Arc<ServerConfig>) -> io::Result<TlsStream<TcpStream>> {
    let hello = LazyConfigAcceptor::new(Acceptor::default(), stream).await?;
    caller.spoke();
    hello.into_stream(tls).await
}

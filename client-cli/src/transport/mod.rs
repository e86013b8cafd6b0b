//! WebSocket over TLS 1.3 over TCP: how this client reaches relays.
//!
//! Two tasks for each pipe move frames through short queues, so that sealing, disk and network overlap and memory stays
//! small. There are no redirects, and nothing is decided here but what `tls.rs` and `address.rs` say.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::select_ok;
use futures_util::{SinkExt, Stream, StreamExt};
use lightproof_core::transport::{NamedBy, Pipe, RelayLink, Transport, TransportError, WIRE_FRAME_BYTES};
use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use tokio::net::{TcpStream, lookup_host};
use tokio::sync::{Mutex, mpsc};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};
use tokio_util::sync::{CancellationToken, DropGuard};

mod address;
mod tls;

/// Reaches relays from this machine.
#[derive(Clone, Debug)]
pub(crate) struct WebSocketTransport {
    web: Arc<ClientConfig>,
}

impl WebSocketTransport {
    /// Opens nothing yet.
    ///
    /// # Errors
    /// Where the TLS library refuses TLS 1.3, which it does not.
    pub(crate) fn new() -> Result<Self, rustls::Error> {
        Ok(Self { web: Arc::new(tls::web()?) })
    }

    async fn dial(
        &self,
        link: &RelayLink,
        named_by: NamedBy,
    ) -> Result<WebSocketStream<TlsStream<TcpStream>>, TransportError> {
        let tcp = connect_first(&resolve(link, named_by).await?).await?;
        // A frame is written at once; waiting for more to send only delays its reply.
        tcp.set_nodelay(true).map_err(|_| TransportError::Unreachable)?;
        let config = if link.pins().is_empty() {
            Arc::clone(&self.web)
        } else {
            Arc::new(tls::pinned(link).map_err(|_| TransportError::Unreachable)?)
        };
        let name = ServerName::try_from(link.host().to_owned()).map_err(|_| TransportError::Unreachable)?;
        let tls = TlsConnector::from(config).connect(name, tcp).await.map_err(|error| tls::reason(&error))?;
        let address = format!("wss://{}/v1", link.authority());
        client_async_with_config(address, tls, Some(limits())).await.map(|(stream, _)| stream).map_err(refused)
    }
}

impl Transport for WebSocketTransport {
    type Pipe = WebSocketPipe;

    async fn connect(&self, link: &RelayLink, named_by: NamedBy) -> Result<WebSocketPipe, TransportError> {
        let dialled = timeout(CONNECT_DEADLINE, self.dial(link, named_by)).await;
        Ok(WebSocketPipe::over(dialled.map_err(|_| TransportError::Deadline)??))
    }
}

/// One WebSocket; dropping it closes it.
pub(crate) struct WebSocketPipe {
    outgoing: mpsc::Sender<Vec<u8>>,
    incoming: Mutex<mpsc::Receiver<Vec<u8>>>,
}

impl WebSocketPipe {
    fn over(stream: WebSocketStream<TlsStream<TcpStream>>) -> Self {
        let (sink, stream) = stream.split();
        let (outgoing, to_send) = mpsc::channel(QUEUE_FRAMES);
        let (received, incoming) = mpsc::channel(QUEUE_FRAMES);
        // Whichever task ends first ends the other. The writer ends once the pipe is dropped and the queue is empty.
        let ended = CancellationToken::new();
        tokio::spawn(read_frames(stream, received, ended.clone().drop_guard(), ended.clone()));
        tokio::spawn(write_frames(sink, to_send, ended.clone().drop_guard(), ended));
        Self { outgoing, incoming: Mutex::new(incoming) }
    }
}

impl Pipe for WebSocketPipe {
    async fn send(&self, frame: Vec<u8>) -> Result<(), TransportError> {
        self.outgoing.send(frame).await.map_err(|_| TransportError::Closed)
    }

    async fn receive(&self, within_ms: Option<u32>) -> Result<Vec<u8>, TransportError> {
        let next = async { self.incoming.lock().await.recv().await };
        let frame = match within_ms {
            Some(ms) => timeout(Duration::from_millis(ms.into()), next).await.map_err(|_| TransportError::Deadline)?,
            None => next.await,
        };
        frame.ok_or(TransportError::Closed)
    }
}

async fn write_frames(
    mut sink: impl SinkExt<Message, Error = tungstenite::Error> + Unpin,
    mut to_send: mpsc::Receiver<Vec<u8>>,
    _end_the_reader: DropGuard,
    ended: CancellationToken,
) {
    loop {
        let message = tokio::select! {
            () = ended.cancelled() => return,
            frame = to_send.recv() => frame.map_or(Message::Close(None), Message::binary),
            () = sleep(PING_INTERVAL) => Message::Ping(Default::default()),
        };
        let is_last = matches!(message, Message::Close(_));
        let sent = tokio::select! {
            () = ended.cancelled() => return,
            sent = timeout(WRITE_DEADLINE, sink.send(message)) => sent,
        };
        if is_last || !matches!(sent, Ok(Ok(()))) {
            return;
        }
    }
}

async fn read_frames(
    mut stream: impl Stream<Item = Result<Message, tungstenite::Error>> + Unpin,
    received: mpsc::Sender<Vec<u8>>,
    _end_the_writer: DropGuard,
    ended: CancellationToken,
) {
    loop {
        let message = tokio::select! {
            () = ended.cancelled() => return,
            message = timeout(SILENCE_DEADLINE, stream.next()) => message,
        };
        let frame = match message {
            Ok(Some(Ok(Message::Binary(frame)))) => frame,
            Ok(Some(Ok(Message::Ping(_) | Message::Pong(_)))) => continue,
            // An end, an error, silence, or a kind of frame that no relay sends.
            _ => return,
        };
        if received.send(frame.into()).await.is_err() {
            return;
        }
    }
}

async fn resolve(link: &RelayLink, named_by: NamedBy) -> Result<Vec<SocketAddr>, TransportError> {
    let found = lookup_host((link.host(), link.port())).await.map_err(|_| TransportError::Unreachable)?;
    let mut allowed = Vec::new();
    let mut forbidden = false;
    for address in found.take(MAX_ADDRESSES) {
        // Connecting to the very addresses that were checked: a second look-up could answer otherwise.
        if named_by == NamedBy::User || address::is_public(address.ip()) {
            allowed.push(address);
        } else {
            forbidden = true;
        }
    }
    match allowed.is_empty() {
        false => Ok(allowed),
        true if forbidden => Err(TransportError::Forbidden),
        true => Err(TransportError::Unreachable),
    }
}

/// The first that answers; each gets a head start over the next, as in RFC 8305.
async fn connect_first(addresses: &[SocketAddr]) -> Result<TcpStream, TransportError> {
    let attempts = (0_u32..).zip(addresses).map(|(turn, address)| {
        Box::pin(async move {
            sleep(HEAD_START.saturating_mul(turn)).await;
            TcpStream::connect(address).await
        })
    });
    select_ok(attempts).await.map(|(tcp, _)| tcp).map_err(|_| TransportError::Unreachable)
}

fn refused(error: tungstenite::Error) -> TransportError {
    match error {
        // A proxy whose relay is down, or a relay that is full, may be there later.
        tungstenite::Error::Http(response)
            if response.status().is_server_error() || response.status().as_u16() == 429 =>
        {
            TransportError::Unreachable
        }
        tungstenite::Error::Io(error) => tls::reason(&error),
        _ => TransportError::Misbehaved,
    }
}

fn limits() -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER_BYTES)
        .write_buffer_size(WRITE_BUFFER_BYTES)
        .max_write_buffer_size(WRITE_BUFFER_BYTES + WIRE_FRAME_BYTES + MAX_HEADER_BYTES)
        .max_message_size(Some(WIRE_FRAME_BYTES))
        .max_frame_size(Some(WIRE_FRAME_BYTES))
}

/// For name, TCP, TLS and WebSocket together.
const CONNECT_DEADLINE: Duration = Duration::from_secs(10);
const HEAD_START: Duration = Duration::from_millis(250);
/// Proxies close what is silent for a minute.
const PING_INTERVAL: Duration = Duration::from_secs(20);
/// For one frame of 1 MiB: 70 kbit/s.
const WRITE_DEADLINE: Duration = Duration::from_secs(120);
/// A relay answers each ping, but not before it has read the frame in front of it.
const SILENCE_DEADLINE: Duration = Duration::from_secs(180);
/// Frames of 1 MiB waiting in each direction.
const QUEUE_FRAMES: usize = 4;
const MAX_ADDRESSES: usize = 8;
const READ_BUFFER_BYTES: usize = 128 << 10;
const WRITE_BUFFER_BYTES: usize = 16 << 10;
/// Of a WebSocket frame, its mask included.
const MAX_HEADER_BYTES: usize = 14;

#[cfg(test)]
mod tests;

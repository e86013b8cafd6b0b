//! WebSocket ↔ wire frames over any stream: bounded buffers, deadlines on every write, binary messages only.

use std::time::Duration;

use http::{HeaderMap, HeaderValue, StatusCode, header};
use lightproof_wire::limits::WIRE_FRAME_BYTES;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::timeout,
};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use crate::websocket::{Kind, Message, WebSocket, WebSocketError};

/// A peer that has not taken one frame in this long is gone: the largest then needs 70 kbit/s.
const WRITE_DEADLINE: Duration = Duration::from_secs(120);
/// How long a goodbye may take.
pub(crate) const GOODBYE: Duration = Duration::from_secs(1);
/// Data of a kind that is not taken here, RFC 6455 section 7.4.1.
const UNSUPPORTED: u16 = 1_003;

/// The connection ended or must end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SocketEnded {
    /// The other side closed, or the line broke.
    #[error("the connection ended")]
    Closed,
    /// The other side broke the rules of WebSocket or of our limits.
    #[error("the other side broke the rules of the connection")]
    Misbehaved,
    /// The other side takes no bytes.
    #[error("the other side takes no bytes")]
    Stalled,
}

/// What came.
#[derive(Clone, PartialEq, Eq)]
pub enum Received {
    /// A wire frame.
    Frame(Vec<u8>),
    /// A sign of life.
    Alive,
}

/// Wire frames over one upgraded stream.
pub struct Frames<S> {
    socket: WebSocket<S>,
    /// What the other side did wrong, as it is told.
    wrong: Option<u16>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Frames<S> {
    /// The relay's end.
    pub const fn server(stream: S) -> Self {
        Self { socket: WebSocket::server(stream, WIRE_FRAME_BYTES), wrong: None }
    }

    /// The next message. May be cancelled.
    ///
    /// # Errors
    /// [`SocketEnded`].
    pub async fn receive(&mut self) -> Result<Received, SocketEnded> {
        match self.socket.receive().await {
            Ok(Message::Binary(bytes)) => Ok(Received::Frame(bytes)),
            Ok(Message::Alive) => Ok(Received::Alive),
            Ok(Message::Text(_)) => self.misbehaved(UNSUPPORTED),
            Err(WebSocketError::Misbehaved(code)) => self.misbehaved(code),
            Ok(Message::Close) | Err(WebSocketError::Ended(_)) => Err(SocketEnded::Closed),
        }
    }

    const fn misbehaved(&mut self, code: u16) -> Result<Received, SocketEnded> {
        self.wrong = Some(code);
        Err(SocketEnded::Misbehaved)
    }

    /// Queues a wire frame, sending what does not fit the buffer. Must not be cancelled.
    ///
    /// # Errors
    /// [`SocketEnded`].
    pub async fn send(&mut self, frame: &[u8]) -> Result<(), SocketEnded> {
        written(timeout(WRITE_DEADLINE, self.socket.send(Kind::Binary, frame)).await)
    }

    /// Sends everything queued. Must not be cancelled.
    ///
    /// # Errors
    /// [`SocketEnded`].
    pub async fn flush(&mut self) -> Result<(), SocketEnded> {
        written(timeout(WRITE_DEADLINE, self.socket.flush()).await)
    }

    /// Asks for a sign of life.
    ///
    /// # Errors
    /// [`SocketEnded`].
    pub async fn ping(&mut self) -> Result<(), SocketEnded> {
        written(timeout(WRITE_DEADLINE, self.socket.ping()).await)
    }

    /// Says goodbye and waits a moment for the answer, so that what was sent before is not cut off.
    pub async fn close(mut self) {
        let _ = timeout(GOODBYE, async {
            self.socket.close(self.wrong).await.ok()?;
            while self.socket.receive().await.is_ok_and(|message| message != Message::Close) {}
            self.socket.shutdown().await.ok()
        })
        .await;
    }

    /// Answers a goodbye.
    pub async fn part(mut self) {
        let _ = timeout(GOODBYE, async {
            self.socket.flush().await.ok()?;
            self.socket.shutdown().await.ok()
        })
        .await;
    }
}

fn written<T, E>(outcome: Result<Result<T, E>, tokio::time::error::Elapsed>) -> Result<(), SocketEnded> {
    match outcome {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(_)) => Err(SocketEnded::Closed),
        Err(_) => Err(SocketEnded::Stalled),
    }
}

/// Checks the request of a WebSocket handshake; the headers of the `101` that answers it.
///
/// # Errors
/// The status that refuses it.
pub fn accept_upgrade(request: &HeaderMap, origins: &[String]) -> Result<HeaderMap, StatusCode> {
    let has = |name, token: &str| {
        let mut values = request.get_all(name).iter().filter_map(|value: &HeaderValue| value.to_str().ok());
        values.any(|value| value.split(',').any(|part| part.trim().eq_ignore_ascii_case(token)))
    };
    if !has(header::CONNECTION, "upgrade") || !has(header::UPGRADE, "websocket") {
        return Err(StatusCode::UPGRADE_REQUIRED);
    }
    let key = request.get(header::SEC_WEBSOCKET_KEY).ok_or(StatusCode::BAD_REQUEST)?;
    if !has(header::SEC_WEBSOCKET_VERSION, "13") {
        return Err(StatusCode::BAD_REQUEST);
    }
    // Programs send no Origin. A browser always does, and only pages the operator named may connect.
    let foreign = |origin: &HeaderValue| !origins.iter().any(|allowed| allowed.as_bytes() == origin.as_bytes());
    if request.get_all(header::ORIGIN).iter().any(foreign) {
        return Err(StatusCode::FORBIDDEN);
    }
    let accept = derive_accept_key(key.as_bytes());
    let accept = HeaderValue::try_from(accept).map_err(|_| StatusCode::BAD_REQUEST)?;
    Ok(HeaderMap::from_iter([
        (header::CONNECTION, HeaderValue::from_static("upgrade")),
        (header::UPGRADE, HeaderValue::from_static("websocket")),
        (header::SEC_WEBSOCKET_ACCEPT, accept),
    ]))
}

//! WebSocket ↔ wire frames over any stream: bounded buffers, deadlines on every write, binary messages only.

use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use lightproof_wire::limits::WIRE_FRAME_BYTES;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::timeout,
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Message,
        handshake::derive_accept_key,
        protocol::{Role, WebSocketConfig},
    },
};

const READ_BUFFER_BYTES: usize = 8 * 1_024;
const WRITE_BUFFER_BYTES: usize = 16 * 1_024;
/// A peer that has not taken one frame in this long is gone: the largest then needs 70 kbit/s.
const WRITE_DEADLINE: Duration = Duration::from_secs(120);

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
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Received {
    /// A wire frame.
    Frame(Bytes),
    /// A sign of life.
    Alive,
}

/// Wire frames over one upgraded stream.
pub struct Frames<S> {
    socket: WebSocketStream<S>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Frames<S> {
    /// The relay's end.
    pub async fn server(stream: S) -> Self {
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER_BYTES)
            .write_buffer_size(WRITE_BUFFER_BYTES)
            .max_write_buffer_size(WRITE_BUFFER_BYTES.saturating_add(WIRE_FRAME_BYTES).saturating_add(1_024))
            .max_message_size(Some(WIRE_FRAME_BYTES))
            .max_frame_size(Some(WIRE_FRAME_BYTES));
        Self { socket: WebSocketStream::from_raw_socket(stream, Role::Server, Some(config)).await }
    }

    /// The next message. May be cancelled.
    ///
    /// # Errors
    /// [`SocketEnded`].
    pub async fn receive(&mut self) -> Result<Received, SocketEnded> {
        match self.socket.next().await {
            Some(Ok(Message::Binary(bytes))) => Ok(Received::Frame(bytes)),
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => Ok(Received::Alive),
            Some(Ok(Message::Text(_) | Message::Frame(_))) => Err(SocketEnded::Misbehaved),
            Some(Ok(Message::Close(_))) | None => Err(SocketEnded::Closed),
            Some(Err(error)) => Err(match error {
                tokio_tungstenite::tungstenite::Error::Io(_)
                | tokio_tungstenite::tungstenite::Error::ConnectionClosed
                | tokio_tungstenite::tungstenite::Error::AlreadyClosed => SocketEnded::Closed,
                _ => SocketEnded::Misbehaved,
            }),
        }
    }

    /// Queues a wire frame, sending what does not fit the buffer. Must not be cancelled.
    ///
    /// # Errors
    /// [`SocketEnded`].
    pub async fn send(&mut self, frame: Vec<u8>) -> Result<(), SocketEnded> {
        written(timeout(WRITE_DEADLINE, self.socket.feed(Message::Binary(frame.into()))).await)
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
        written(timeout(WRITE_DEADLINE, self.socket.send(Message::Ping(Bytes::new()))).await)
    }

    /// Says goodbye and waits a moment for the answer, so that what was sent before is not cut off.
    pub async fn close(mut self) {
        const GOODBYE: Duration = Duration::from_secs(1);
        let _ = timeout(GOODBYE, async {
            self.socket.close(None).await.ok()?;
            while let Some(Ok(_)) = self.socket.next().await {}
            Some(())
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

//! A server that says everything back, built from what the relay's own connections are: the same answer to the upgrade,
//! the same codec. It has text too, which a relay refuses, and room for larger messages.

use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll, ready},
};

use hyper::{Request, Response, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use lightproof_relay::{
    socket::accept_upgrade,
    websocket::{Kind, Message, WebSocket, WebSocketError},
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The largest message of the tool.
const MESSAGE_BYTES: usize = 16 << 20;

/// Bytes that came and bytes that went.
#[derive(Default)]
pub(super) struct Seen {
    pub(super) came: Vec<u8>,
    pub(super) went: Vec<u8>,
}

/// Answers the upgrade, then says everything back until the end.
pub(super) async fn serve(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, seen: Arc<Mutex<Seen>>) {
    let (upgraded, mut upgrades) = tokio::sync::mpsc::channel(1);
    let answer = service_fn(move |mut request: Request<Incoming>| {
        let upgraded = upgraded.clone();
        async move {
            let headers = accept_upgrade(request.headers(), &[]).unwrap();
            upgraded.send(hyper::upgrade::on(&mut request)).await.unwrap();
            let mut response = Response::new(String::new());
            (*response.status_mut(), *response.headers_mut()) = (http::StatusCode::SWITCHING_PROTOCOLS, headers);
            Ok::<_, http::Error>(response)
        }
    });
    let _upgraded = http1::Builder::new().serve_connection(TokioIo::new(stream), answer).with_upgrades().await;
    let Some(upgrade) = upgrades.recv().await else { return };
    if let Ok(stream) = upgrade.await {
        echo(Watched { stream: TokioIo::new(stream), seen }).await;
    }
}

/// Says everything back until the end.
pub(super) async fn echo(stream: impl AsyncRead + AsyncWrite + Unpin) {
    let mut socket = WebSocket::server(stream, MESSAGE_BYTES);
    let code = loop {
        let (kind, payload) = match socket.receive().await {
            Ok(Message::Text(text)) => (Kind::Text, text.into_bytes()),
            Ok(Message::Binary(bytes)) => (Kind::Binary, bytes),
            Ok(Message::Alive) => continue,
            Ok(Message::Close) | Err(WebSocketError::Ended(_)) => break None,
            Err(WebSocketError::Misbehaved(code)) => break Some(code),
        };
        if socket.send(kind, &payload).await.is_err() || socket.flush().await.is_err() {
            return;
        }
    };
    let _said = if code.is_some() { socket.close(code).await } else { socket.flush().await };
    let _ended = socket.shutdown().await;
}

/// A stream whose bytes are kept.
struct Watched<S> {
    stream: S,
    seen: Arc<Mutex<Seen>>,
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        self.seen.lock().unwrap().came.extend(&buffer.filled()[before..]);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let count = ready!(Pin::new(&mut self.stream).poll_write(context, bytes))?;
        self.seen.lock().unwrap().went.extend(&bytes[..count]);
        Poll::Ready(Ok(count))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

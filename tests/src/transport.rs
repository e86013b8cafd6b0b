//! A transport over plain WebSockets on loopback, which records what goes by.

use std::time::Duration;

use futures_util::{
    SinkExt as _, StreamExt as _,
    stream::{SplitSink, SplitStream},
};
use lightproof_core::transport::{NamedBy, Pipe, Transport, TransportError};
use lightproof_wire::relay_link::RelayLink;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    sync::Mutex,
    time::timeout,
};
use tokio_tungstenite::{WebSocketStream, client_async, tungstenite::Message};

use crate::{life::Life, tape::Tape};

/// Dials relays on loopback.
#[derive(Clone, Default)]
pub struct PlainTransport {
    life: Life,
    tape: Tape,
}

impl PlainTransport {
    /// The network, as the process `life` sees it.
    #[must_use]
    pub const fn new(life: Life, tape: Tape) -> Self {
        Self { life, tape }
    }
}

/// One connection.
pub struct PlainPipe {
    sink: Mutex<SplitSink<WebSocketStream<TcpStream>, Message>>,
    stream: Mutex<SplitStream<WebSocketStream<TcpStream>>>,
    life: Life,
    tape: Tape,
    number: u64,
}

impl Transport for PlainTransport {
    type Pipe = PlainPipe;

    async fn connect(&self, link: &RelayLink, _: NamedBy) -> Result<PlainPipe, TransportError> {
        self.life.step().await;
        let stream = TcpStream::connect(link.authority()).await.map_err(|_| TransportError::Unreachable)?;
        stream.set_nodelay(true).map_err(|_| TransportError::Unreachable)?;
        let url = format!("ws://{}/v1", link.authority());
        let agreed =
            timeout(self.life.patience(), client_async(url, stream)).await.map_err(|_| TransportError::Deadline)?;
        let (socket, _) = agreed.map_err(|_| TransportError::Unreachable)?;
        let (sink, stream) = socket.split();
        Ok(PlainPipe {
            sink: Mutex::new(sink),
            stream: Mutex::new(stream),
            life: self.life.clone(),
            tape: self.tape.clone(),
            number: self.tape.next_pipe(),
        })
    }
}

impl Pipe for PlainPipe {
    async fn send(&self, frame: Vec<u8>) -> Result<(), TransportError> {
        self.life.step().await;
        self.tape.note(self.number, true, &frame);
        self.sink.lock().await.send(Message::Binary(frame.into())).await.map_err(|_| TransportError::Closed)
    }

    async fn receive(&self, within_ms: Option<u32>) -> Result<Vec<u8>, TransportError> {
        self.life.step().await;
        let frame = binary_frame(&self.stream, within_ms).await?;
        self.tape.note(self.number, false, &frame);
        Ok(frame)
    }
}

/// The next frame that carries anything, within so many milliseconds.
pub(crate) async fn binary_frame<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &Mutex<SplitStream<WebSocketStream<S>>>,
    within_ms: Option<u32>,
) -> Result<Vec<u8>, TransportError> {
    let next = async {
        let mut stream = stream.lock().await;
        loop {
            match stream.next().await {
                Some(Ok(Message::Binary(bytes))) => return Ok(bytes.to_vec()),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                // An end, an error, or a kind of frame that no relay sends.
                _ => return Err(TransportError::Closed),
            }
        }
    };
    match within_ms {
        None => next.await,
        Some(ms) => timeout(Duration::from_millis(ms.into()), next).await.unwrap_or(Err(TransportError::Deadline)),
    }
}

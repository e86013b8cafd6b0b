//! What a client of the world has for a network: WebSockets over cables, with the deadlines of the shipped transport.

use std::time::Duration;

use futures_util::{
    SinkExt as _, StreamExt as _,
    stream::{SplitSink, SplitStream},
};
use lightproof_core::transport::{NamedBy, Pipe, Transport, TransportError};
use lightproof_wire::{limits::WIRE_FRAME_BYTES, relay_link::RelayLink};
use tokio::{sync::Mutex, time::timeout};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Message,
        protocol::{Role, WebSocketConfig},
    },
};

use super::{cable::End, network::Network};
use crate::{life::Life, transport::binary_frame};

/// For one frame, as the shipped transport has it.
const WRITE_DEADLINE: Duration = Duration::from_secs(120);

/// Reaches relays of the world.
#[derive(Clone)]
pub struct WorldTransport {
    network: Network,
    person: usize,
    life: Life,
}

impl WorldTransport {
    /// The network, as one process of somebody sees it.
    #[must_use]
    pub const fn new(network: Network, person: usize, life: Life) -> Self {
        Self { network, person, life }
    }
}

/// One connection.
pub struct WorldPipe {
    sink: Mutex<SplitSink<WebSocketStream<End>, Message>>,
    stream: Mutex<SplitStream<WebSocketStream<End>>>,
    life: Life,
}

impl Transport for WorldTransport {
    type Pipe = WorldPipe;

    async fn connect(&self, link: &RelayLink, named_by: NamedBy) -> Result<WorldPipe, TransportError> {
        self.life.step().await;
        let end = self.network.connect(self.person, link, named_by).await?;
        let (sink, stream) = web_socket(end, Role::Client).await.split();
        Ok(WorldPipe { sink: Mutex::new(sink), stream: Mutex::new(stream), life: self.life.clone() })
    }
}

impl Pipe for WorldPipe {
    async fn send(&self, frame: Vec<u8>) -> Result<(), TransportError> {
        self.life.step().await;
        let sent = async { self.sink.lock().await.send(Message::Binary(frame.into())).await };
        timeout(WRITE_DEADLINE, sent)
            .await
            .map_or(Err(TransportError::Closed), |sent| sent.map_err(|_| TransportError::Closed))
    }

    async fn receive(&self, within_ms: Option<u32>) -> Result<Vec<u8>, TransportError> {
        self.life.step().await;
        binary_frame(&self.stream, within_ms).await
    }
}

/// A WebSocket that has been agreed on, with the limits both programs ship with.
pub(super) async fn web_socket(end: End, role: Role) -> WebSocketStream<End> {
    let limits =
        WebSocketConfig::default().max_message_size(Some(WIRE_FRAME_BYTES)).max_frame_size(Some(WIRE_FRAME_BYTES));
    WebSocketStream::from_raw_socket(end, role, Some(limits)).await
}

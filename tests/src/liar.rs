//! A relay in the middle that lies: every frame of a real relay passes through a script before the client sees it.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use futures_util::{SinkExt as _, StreamExt as _};
use lightproof_wire::{
    frame::RelayFrame,
    relay_link::RelayLink,
    reply::{Delivery, Push},
};
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};
use tokio_tungstenite::{accept_async, client_async, tungstenite::Message};

use crate::relay::link_to;

/// What becomes of one frame of the relay.
pub type Lie = Box<dyn FnMut(RelayFrame) -> Vec<RelayFrame> + Send>;

/// The liar.
pub struct Liar {
    address: SocketAddr,
    lie: Arc<Mutex<Lie>>,
    task: JoinHandle<()>,
}

impl Liar {
    /// Stands before a real relay, honest at first.
    pub async fn before(relay: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let honest: Lie = Box::new(|frame| vec![frame]);
        let lie = Arc::new(Mutex::new(honest));
        let script = Arc::clone(&lie);
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(carry(client, relay, Arc::clone(&script)));
            }
        });
        Self { address, lie, task }
    }

    /// From now on every frame of the relay passes through this.
    pub fn tell(&self, lie: impl FnMut(RelayFrame) -> Vec<RelayFrame> + Send + 'static) {
        *self.lie.lock().unwrap() = Box::new(lie);
    }

    /// Honest again.
    pub fn be_honest(&self) {
        self.tell(|frame| vec![frame]);
    }

    /// From now on, once, of two envelopes the second comes first.
    pub fn swap(&self) {
        let mut kept: Option<Delivery> = None;
        let mut is_done = false;
        self.tell(move |frame| match frame {
            RelayFrame::Push(Push::Delivery(first)) if kept.is_none() && !is_done => {
                kept = Some(first);
                Vec::new()
            }
            RelayFrame::Push(Push::Delivery(second)) if !is_done => {
                is_done = true;
                let pushed = |delivery| RelayFrame::Push(Push::Delivery(delivery));
                [second].into_iter().chain(kept.take()).map(pushed).collect()
            }
            frame => vec![frame],
        });
    }

    /// The link clients know it by.
    #[must_use]
    pub fn link(&self) -> RelayLink {
        link_to(self.address)
    }
}

impl Drop for Liar {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn carry(client: TcpStream, relay: SocketAddr, lie: Arc<Mutex<Lie>>) {
    let Ok(client) = accept_async(client).await else { return };
    let Ok(stream) = TcpStream::connect(relay).await else { return };
    let Ok((relay, _)) = client_async(format!("ws://{relay}/v1"), stream).await else { return };
    let (mut to_client, mut from_client) = client.split();
    let (mut to_relay, mut from_relay) = relay.split();
    let up = async {
        while let Some(Ok(message)) = from_client.next().await {
            if to_relay.send(message).await.is_err() {
                break;
            }
        }
    };
    let down = async {
        while let Some(Ok(message)) = from_relay.next().await {
            let Message::Binary(bytes) = message else { continue };
            let frame = RelayFrame::decode(&bytes).expect("a real relay speaks the language");
            let told = (lie.lock().unwrap())(frame);
            for frame in told {
                if to_client.send(Message::Binary(frame.encode().into())).await.is_err() {
                    return;
                }
            }
        }
    };
    tokio::select! { () = up => {}, () = down => {} }
}

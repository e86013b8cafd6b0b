//! A relay that lies to real clients. It ends their TLS, as whoever runs a relay can, and every frame of the honest relay
//! behind it passes through a script.

use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};

use futures_util::{SinkExt as _, StreamExt as _};
use lightproof_core::wire::frame::RelayFrame;
use lightproof_core::wire::relay_link::RelayLink;
use lightproof_relay::tls::Certificate;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio_rustls::TlsAcceptor;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{accept_async, client_async};

type Lie = Arc<Mutex<Box<dyn FnMut(RelayFrame) -> RelayFrame + Send>>>;

pub(crate) struct Liar {
    link: String,
    lie: Lie,
    _runtime: Runtime,
}

impl Liar {
    /// Stands before a relay that leaves TLS to a proxy, honest at first.
    pub(crate) fn before(relay: &str) -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let certificate = Certificate::generate().unwrap();
        let pins = vec![certificate.pin().unwrap()];
        let acceptor = TlsAcceptor::from(certificate.server_config().unwrap());
        let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))).unwrap();
        let port = listener.local_addr().unwrap().port();
        let link = RelayLink::new(&Ipv4Addr::LOCALHOST.to_string(), port, pins).unwrap().to_string();
        let lie: Lie = Arc::new(Mutex::new(Box::new(|frame| frame)));
        let (script, relay) = (Arc::clone(&lie), relay.to_owned());
        runtime.spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(carry(client, acceptor.clone(), relay.clone(), Arc::clone(&script)));
            }
        });
        Self { link, lie, _runtime: runtime }
    }

    pub(crate) fn link(&self) -> &str {
        &self.link
    }

    /// From now on every frame of the relay passes through this.
    pub(crate) fn tell(&self, lie: impl FnMut(RelayFrame) -> RelayFrame + Send + 'static) {
        *self.lie.lock().unwrap() = Box::new(lie);
    }

    pub(crate) fn be_honest(&self) {
        self.tell(|frame| frame);
    }
}

async fn carry(client: TcpStream, acceptor: TlsAcceptor, relay: String, lie: Lie) {
    let Ok(client) = acceptor.accept(client).await else { return };
    let Ok(client) = accept_async(client).await else { return };
    let stream = TcpStream::connect(&relay).await.unwrap();
    let (relay, _) = client_async(format!("ws://{relay}/v1"), stream).await.unwrap();
    let (mut to_client, from_client) = client.split();
    let (to_relay, mut from_relay) = relay.split();
    let up = from_client.forward(to_relay);
    let down = async {
        while let Some(Ok(message)) = from_relay.next().await {
            let Message::Binary(bytes) = message else { continue };
            let frame = RelayFrame::decode(&bytes).unwrap();
            let told = lie.lock().unwrap()(frame).encode();
            if to_client.send(Message::Binary(told.into())).await.is_err() {
                break;
            }
        }
    };
    tokio::select! { _ = up => {}, () = down => {} }
}

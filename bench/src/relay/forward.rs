//! Bare forwarding: a program that hands each message of one TLS WebSocket to another, and keeps nothing.

use std::{
    env,
    io::{BufRead as _, BufReader, Write as _},
    net::SocketAddr,
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
    sync::Arc,
};

use futures_util::{SinkExt as _, StreamExt as _};
use lightproof_wire::limits::WIRE_FRAME_BYTES;
use rustls::{ServerConfig, crypto::aws_lc_rs::default_provider, version::TLS13};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::mpsc,
};
use tokio_rustls::TlsAcceptor;
use tokio_tungstenite::tungstenite::{Message, protocol::WebSocketConfig};

use super::wire::{Target, connector};
use crate::{certificate::Certificate, error::BenchError};

/// What this program is called with to be the forwarder.
pub(crate) const FORWARD: &str = "forward";

/// A forwarder that runs; dropping it ends it.
pub(crate) struct Forwarder {
    child: Child,
    _stdout: BufReader<ChildStdout>,
    pub(crate) target: Target,
}

impl Forwarder {
    pub(crate) fn start(certificate: &Certificate, folder: &Path) -> Result<Self, BenchError> {
        certificate.save(folder)?;
        let here = env::current_exe().map_err(BenchError::at("this program"))?;
        let mut command = Command::new(here);
        command.arg(FORWARD).current_dir(folder).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn().map_err(BenchError::at(FORWARD))?;
        let stdout = child.stdout.take().ok_or_else(|| BenchError::Wrong("no output".to_owned()))?;
        let (mut stdout, mut line) = (BufReader::new(stdout), String::new());
        stdout.read_line(&mut line).map_err(BenchError::at(FORWARD))?;
        let address: SocketAddr = line.trim().parse().map_err(BenchError::wrong)?;
        Ok(Self { child, _stdout: stdout, target: Target { address, tls: connector(certificate)? } })
    }
}

impl Drop for Forwarder {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Forwards until it is killed: connections are paired in the order they come, the first of each pair sends.
pub(crate) fn serve() -> Result<(), BenchError> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(BenchError::at(FORWARD))?;
    runtime.block_on(async {
        let acceptor = acceptor()?;
        let listener = TcpListener::bind("127.0.0.1:0").await.map_err(BenchError::at(FORWARD))?;
        println!("{}", listener.local_addr().map_err(BenchError::at(FORWARD))?);
        std::io::stdout().flush().map_err(BenchError::at(FORWARD))?;
        loop {
            let (queue, messages) = mpsc::channel(8);
            let (sender, _) = listener.accept().await.map_err(BenchError::at(FORWARD))?;
            tokio::spawn(take(sender, acceptor.clone(), queue));
            let (receiver, _) = listener.accept().await.map_err(BenchError::at(FORWARD))?;
            tokio::spawn(give(receiver, acceptor.clone(), messages));
        }
    })
}

fn acceptor() -> Result<TlsAcceptor, BenchError> {
    let certificate = CertificateDer::from_pem_file("certificate.pem").map_err(BenchError::wrong)?;
    let key = PrivateKeyDer::from_pem_file("key.pem").map_err(BenchError::wrong)?;
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_protocol_versions(&[&TLS13])
        .and_then(|config| config.with_no_client_auth().with_single_cert(vec![certificate], key))
        .map_err(BenchError::wrong)?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

type Socket = tokio_tungstenite::WebSocketStream<tokio_rustls::server::TlsStream<TcpStream>>;

async fn accept(tcp: TcpStream, acceptor: TlsAcceptor) -> Option<Socket> {
    tcp.set_nodelay(true).ok()?;
    let stream = acceptor.accept(tcp).await.ok()?;
    let config = WebSocketConfig::default().max_message_size(Some(WIRE_FRAME_BYTES));
    tokio_tungstenite::accept_async_with_config(stream, Some(config)).await.ok()
}

/// Takes messages and says that each was taken.
async fn take(tcp: TcpStream, acceptor: TlsAcceptor, queue: mpsc::Sender<Message>) -> Option<()> {
    let mut socket = accept(tcp, acceptor).await?;
    while let Some(Ok(message)) = socket.next().await {
        queue.send(message).await.ok()?;
        socket.send(Message::Binary(vec![1].into())).await.ok()?;
    }
    Some(())
}

async fn give(tcp: TcpStream, acceptor: TlsAcceptor, mut messages: mpsc::Receiver<Message>) -> Option<()> {
    let mut socket = accept(tcp, acceptor).await?;
    while let Some(message) = messages.recv().await {
        socket.send(message).await.ok()?;
    }
    Some(())
}

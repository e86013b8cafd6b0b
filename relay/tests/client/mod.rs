//! A small client that speaks to a relay as anybody would: TLS with a pin, WebSocket, one command at a time.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::allow_attributes,
    dead_code,
    reason = "tests; each uses a part"
)]

use std::{sync::Arc, time::Duration};

use futures_util::{SinkExt as _, StreamExt as _};
use lightproof_wire::{
    capability::{Capability, right},
    command::{Command, MailboxKind},
    envelope::Envelope,
    frame::{CommandFrame, RelayFrame},
    hash::Digest,
    id::{CommandId, MailboxHandle, Sequence},
    limits::ENVELOPE_BYTES,
    relay_link::RelayLink,
    reply::{Delivery, Push, Reply, Welcome},
};
use rustls::{
    ClientConfig, DigitallySignedStruct, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, aws_lc_rs, verify_tls13_signature},
};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use tokio::{
    net::{TcpSocket, TcpStream},
    time::timeout,
};
use tokio_rustls::{TlsConnector, client::TlsStream};
use tokio_tungstenite::{
    WebSocketStream, client_async_with_config,
    tungstenite::{Message, protocol::WebSocketConfig},
};

const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Client {
    pub(crate) socket: WebSocketStream<TlsStream<TcpStream>>,
    pub(crate) welcome: Welcome,
    next: u32,
    pushes: std::collections::VecDeque<Push>,
}

#[derive(Debug)]
struct Pinned(Digest, Arc<CryptoProvider>);

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let (_, parsed) = x509_parser::parse_x509_certificate(certificate).unwrap();
        assert_eq!(Digest::of(parsed.tbs_certificate.subject_pki.raw), self.0, "the pin holds");
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Err(rustls::Error::General("not TLS 1.3".to_owned()))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.1.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.1.signature_verification_algorithms.supported_schemes()
    }
}

pub(crate) async fn tls(link: &RelayLink) -> TlsStream<TcpStream> {
    try_tls(link).await.unwrap()
}

async fn try_tls(link: &RelayLink) -> std::io::Result<TlsStream<TcpStream>> {
    tls_over(TcpStream::connect(link.authority()).await?, link).await
}

async fn tls_over(stream: TcpStream, link: &RelayLink) -> std::io::Result<TlsStream<TcpStream>> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Pinned(link.pins()[0], provider)))
        .with_no_client_auth();
    let name = ServerName::try_from(link.host().to_owned()).unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, stream).await
}

impl Client {
    pub(crate) async fn connect(link: &RelayLink) -> Self {
        Self::try_connect(link).await.unwrap()
    }

    /// `None` where nobody answers, or no longer.
    pub(crate) async fn try_connect(link: &RelayLink) -> Option<Self> {
        Self::over(try_tls(link).await.ok()?, &link.authority()).await
    }

    /// From another address of this machine than the usual one.
    pub(crate) async fn connect_from(from: [u8; 4], link: &RelayLink) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind((from, 0).into()).unwrap();
        let stream = socket.connect(link.authority().parse().unwrap()).await.unwrap();
        Self::over(tls_over(stream, link).await.unwrap(), &link.authority()).await.unwrap()
    }

    /// The same over a stream that is there already.
    pub(crate) async fn over(stream: TlsStream<TcpStream>, authority: &str) -> Option<Self> {
        let url = format!("wss://{authority}/v1");
        let config = WebSocketConfig::default().max_message_size(None).max_frame_size(None);
        let (mut stream, _) = client_async_with_config(url, stream, Some(config)).await.ok()?;
        let RelayFrame::Push(Push::Welcome(welcome)) = next(&mut stream).await? else { panic!("no welcome") };
        Some(Self { socket: stream, welcome, next: 1, pushes: std::collections::VecDeque::new() })
    }

    pub(crate) async fn send(&mut self, command: Command) -> CommandId {
        self.try_send(command).await.unwrap()
    }

    async fn try_send(&mut self, command: Command) -> Option<CommandId> {
        let id = CommandId(self.next);
        self.next += 1;
        self.socket.send(Message::Binary(CommandFrame { id, command }.encode().into())).await.ok()?;
        Some(id)
    }

    /// The reply to one command; pushes in between are kept.
    pub(crate) async fn ask(&mut self, command: Command) -> Reply {
        let id = self.send(command).await;
        self.reply(id).await
    }

    pub(crate) async fn reply(&mut self, id: CommandId) -> Reply {
        self.try_reply(id).await.expect("an open connection")
    }

    /// The same; `None` if the connection ended.
    pub(crate) async fn try_ask(&mut self, command: Command) -> Option<Reply> {
        let id = self.try_send(command).await?;
        self.try_reply(id).await
    }

    async fn try_reply(&mut self, id: CommandId) -> Option<Reply> {
        loop {
            match next(&mut self.socket).await? {
                RelayFrame::Reply(of, reply) if of == id => return Some(reply),
                RelayFrame::Reply(..) => {}
                RelayFrame::Push(push) => self.pushes.push_back(push),
            }
        }
    }

    /// A push, or none within some time; `None` outside if the connection ended.
    pub(crate) async fn try_push(&mut self, within: Duration) -> Option<Option<Push>> {
        if let Some(push) = self.pushes.pop_front() {
            return Some(Some(push));
        }
        match timeout(within, next(&mut self.socket)).await {
            Ok(Some(RelayFrame::Push(push))) => Some(Some(push)),
            Ok(Some(RelayFrame::Reply(..))) | Err(_) => Some(None),
            Ok(None) => None,
        }
    }

    pub(crate) async fn push(&mut self) -> Push {
        if let Some(push) = self.pushes.pop_front() {
            return push;
        }
        loop {
            if let RelayFrame::Push(push) = next(&mut self.socket).await.expect("an open connection") {
                return push;
            }
        }
    }

    pub(crate) async fn delivery(&mut self) -> Delivery {
        match self.push().await {
            Push::Delivery(delivery) => delivery,
            other => panic!("{other:?} is no delivery"),
        }
    }

    pub(crate) async fn create(&mut self, mailbox: &Mailbox, kind: MailboxKind) -> Reply {
        let (owner, drop) = (mailbox.owner.hash(), mailbox.drop.hash());
        self.ask(Command::CreateMailbox { owner, drop, kind, access: None }).await
    }

    pub(crate) async fn deposit(&mut self, mailbox: &Mailbox, byte: u8) -> Reply {
        self.ask(Command::Deposit { drop: mailbox.drop.clone(), envelope: envelope(byte) }).await
    }

    pub(crate) async fn watch(&mut self, mailbox: &Mailbox, handle: u32) -> Reply {
        self.ask(Command::Watch { owner: mailbox.owner.clone(), handle: MailboxHandle(handle) }).await
    }

    pub(crate) async fn ack(&mut self, handle: u32, sequence: u64) -> Reply {
        self.ask(Command::Ack { handle: MailboxHandle(handle), sequence: Sequence(sequence) }).await
    }

    /// Whether the relay closes the connection (after what it still says).
    pub(crate) async fn is_closed(&mut self) -> bool {
        while next(&mut self.socket).await.is_some() {}
        true
    }
}

async fn next(socket: &mut WebSocketStream<TlsStream<TcpStream>>) -> Option<RelayFrame> {
    loop {
        match timeout(PATIENCE, socket.next()).await.expect("an answer in time") {
            Some(Ok(Message::Binary(bytes))) => return Some(RelayFrame::decode(&bytes).unwrap()),
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
            _ => return None,
        }
    }
}

pub(crate) struct Mailbox {
    pub(crate) owner: Capability<right::Owner>,
    pub(crate) drop: Capability<right::Drop>,
}

pub(crate) fn mailbox(byte: u8) -> Mailbox {
    Mailbox { owner: Capability::from_bytes([byte; 32]), drop: Capability::from_bytes([byte ^ 0x80; 32]) }
}

pub(crate) fn envelope(byte: u8) -> Envelope {
    Envelope::from_bytes(&[byte; ENVELOPE_BYTES]).unwrap()
}

//! A connection of the load maker: TLS, WebSocket, wire frames. It checks little, so that it costs little beside what it measures.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};

use lightproof_wire::{
    capability::{Capability, right},
    command::{Command, MailboxKind},
    frame::{CommandFrame, RelayFrame},
    id::{CommandId, MailboxHandle, Sequence},
    limits::ENVELOPE_BYTES,
    reply::{Push, Reply},
};
use rustls::{ClientConfig, RootCertStore, client::Resumption, crypto::aws_lc_rs::default_provider, version::TLS13};
use rustls_pki_types::ServerName;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _, ReadHalf, WriteHalf},
    net::{TcpSocket, TcpStream},
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use crate::{certificate::Certificate, error::BenchError};

/// Whom to connect to, and how.
#[derive(Clone)]
pub(crate) struct Target {
    pub(crate) address: SocketAddr,
    pub(crate) tls: TlsConnector,
}

/// TLS to a program that holds this certificate: a full handshake each time, as of people who come once a day.
pub(crate) fn connector(certificate: &Certificate) -> Result<TlsConnector, BenchError> {
    let mut roots = RootCertStore::empty();
    roots.add(certificate.der()).map_err(BenchError::wrong)?;
    let mut config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_protocol_versions(&[&TLS13])
        .map_err(BenchError::wrong)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.resumption = Resumption::disabled();
    Ok(TlsConnector::from(Arc::new(config)))
}

/// The other end's name in our certificate.
pub(crate) fn server_name() -> Result<ServerName<'static>, BenchError> {
    ServerName::try_from("localhost").map_err(BenchError::wrong)
}

/// The address that the caller of some number comes from: no address has many callers.
pub(crate) fn source(number: usize) -> Ipv4Addr {
    let part = |value: usize| u8::try_from(value % 250).unwrap_or(0).saturating_add(1);
    Ipv4Addr::new(127, part(number / 62_500), part(number / 250), part(number))
}

/// TCP from a source of its own.
pub(crate) async fn dial(address: SocketAddr, number: usize) -> std::io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind((source(number), 0).into())?;
    let stream = socket.connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// What comes.
pub(crate) struct Reader(ReadHalf<TlsStream<TcpStream>>);

/// What goes.
pub(crate) struct Writer(WriteHalf<TlsStream<TcpStream>>);

/// Both ways, one command at a time.
pub(crate) struct Connection {
    pub(crate) reader: Reader,
    pub(crate) writer: Writer,
    next: u32,
}

/// A right to deposit and a right to watch.
#[derive(Clone)]
pub(crate) struct Mailbox {
    pub(crate) owner: Capability<right::Owner>,
    pub(crate) drop: Capability<right::Drop>,
}

impl Mailbox {
    /// Always the same one under a number.
    pub(crate) fn numbered(number: u64) -> Self {
        let bytes = |half: u8| {
            let mut bytes = [half; 32];
            // Spread over the whole key, as random ones are.
            let mut noise = crate::material::Noise(number);
            for part in bytes.chunks_exact_mut(8).take(3) {
                part.copy_from_slice(&noise.next().to_be_bytes());
            }
            bytes
        };
        Self { owner: Capability::from_bytes(bytes(1)), drop: Capability::from_bytes(bytes(2)) }
    }
}

impl Connection {
    /// Connects, shakes hands, upgrades and takes the Welcome.
    pub(crate) async fn open(target: &Target, number: usize) -> Result<Self, BenchError> {
        Self::try_open(target, number).await.map_err(BenchError::at("a connection to the relay"))
    }

    /// The same, where a failure is a result.
    pub(crate) async fn try_open(target: &Target, number: usize) -> std::io::Result<Self> {
        let mut connection = Self::upgraded(target, number).await?;
        connection.frame().await?;
        Ok(connection)
    }

    /// One that nobody greets.
    pub(crate) async fn upgraded(target: &Target, number: usize) -> std::io::Result<Self> {
        let tcp = dial(target.address, number).await?;
        let name = server_name().map_err(std::io::Error::other)?;
        let mut stream = target.tls.connect(name, tcp).await?;
        upgrade(&mut stream).await?;
        let (reader, writer) = tokio::io::split(stream);
        Ok(Self { reader: Reader(reader), writer: Writer(writer), next: 0 })
    }

    /// The next wire frame; pings are answered.
    pub(crate) async fn frame(&mut self) -> std::io::Result<RelayFrame> {
        loop {
            match self.reader.message().await? {
                Some(frame) => return Ok(frame),
                None => self.writer.raw(&PONG).await?,
            }
        }
    }

    /// Sends a command and waits for its reply.
    pub(crate) async fn ask(&mut self, command: Command) -> Result<Reply, BenchError> {
        let at = || BenchError::at("a command");
        self.next = self.next.wrapping_add(1).max(1);
        let id = CommandId(self.next);
        self.writer.raw(&masked(&CommandFrame { id, command }.encode())).await.map_err(at())?;
        loop {
            match self.frame().await.map_err(at())? {
                RelayFrame::Reply(of, reply) if of == id => return Ok(reply),
                RelayFrame::Reply(..) | RelayFrame::Push(_) => {}
            }
        }
    }

    /// Makes a mailbox.
    pub(crate) async fn create(&mut self, mailbox: &Mailbox) -> Result<(), BenchError> {
        let (owner, drop) = (mailbox.owner.hash(), mailbox.drop.hash());
        let create = Command::CreateMailbox { owner, drop, kind: MailboxKind::Private, access: None };
        expect(&self.ask(create).await?, &Reply::Created)
    }

    /// Watches a mailbox of which nothing waits.
    pub(crate) async fn watch(&mut self, mailbox: &Mailbox) -> Result<(), BenchError> {
        self.watch_whatever_waits(mailbox).await?;
        match self.frame().await.map_err(BenchError::at("a watch"))? {
            RelayFrame::Push(Push::CaughtUp(_)) => Ok(()),
            other => Err(BenchError::Wrong(format!("something waited: {other:?}"))),
        }
    }

    /// Watches a mailbox; what waits there comes later.
    pub(crate) async fn watch_whatever_waits(&mut self, mailbox: &Mailbox) -> Result<(), BenchError> {
        let watch = Command::Watch { owner: mailbox.owner.clone(), handle: HANDLE };
        match self.ask(watch).await? {
            Reply::Watching { .. } => Ok(()),
            other => Err(BenchError::Wrong(format!("not watching: {other:?}"))),
        }
    }

    /// Deposits once and waits for the receipt.
    pub(crate) async fn deposit(&mut self, frame: &mut DepositFrame) -> Result<(), BenchError> {
        self.next = self.next.wrapping_add(1).max(1);
        let id = self.next;
        self.writer.raw(frame.next(id)).await.map_err(BenchError::at("a deposit"))?;
        loop {
            match self.frame().await.map_err(BenchError::at("a deposit"))? {
                RelayFrame::Reply(of, Reply::Deposited(_)) if of.0 == id => return Ok(()),
                RelayFrame::Reply(_, other) => return Err(BenchError::Wrong(format!("not deposited: {other:?}"))),
                RelayFrame::Push(_) => {}
            }
        }
    }
}

/// The handle of every watch: each connection has one.
pub(crate) const HANDLE: MailboxHandle = MailboxHandle(1);

/// An ack, ready to be sent.
pub(crate) fn ack(id: u32, sequence: Sequence) -> Vec<u8> {
    masked(&CommandFrame { id: CommandId(id), command: Command::Ack { handle: HANDLE, sequence } }.encode())
}

/// Whether a relay said what it has to say.
pub(crate) fn expect(reply: &Reply, wanted: &Reply) -> Result<(), BenchError> {
    if reply == wanted { Ok(()) } else { Err(BenchError::Wrong(format!("{reply:?} instead of {wanted:?}"))) }
}

impl Reader {
    /// Any message.
    pub(crate) async fn any(&mut self) -> std::io::Result<Vec<u8>> {
        Ok(read_message(&mut self.0).await?.1)
    }

    /// A wire frame; nothing where a ping came.
    pub(crate) async fn message(&mut self) -> std::io::Result<Option<RelayFrame>> {
        let (opcode, payload) = read_message(&mut self.0).await?;
        match opcode {
            BINARY => RelayFrame::decode(&payload).map(Some).map_err(std::io::Error::other),
            PING => Ok(None),
            _ => Err(std::io::ErrorKind::ConnectionAborted.into()),
        }
    }
}

impl Writer {
    /// Sends bytes as they are.
    pub(crate) async fn raw(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.0.write_all(bytes).await?;
        self.0.flush().await
    }
}

/// Asks for the upgrade and reads the answer's head.
pub(crate) async fn upgrade(stream: &mut TlsStream<TcpStream>) -> std::io::Result<()> {
    const REQUEST: &[u8] = b"GET /v1 HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
        Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    stream.write_all(REQUEST).await?;
    stream.flush().await?;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    if head.starts_with(b"HTTP/1.1 101") { Ok(()) } else { Err(std::io::Error::other("no upgrade")) }
}

/// One unmasked message that was not cut in pieces.
pub(crate) async fn read_message(stream: &mut (impl AsyncRead + Unpin)) -> std::io::Result<(u8, Vec<u8>)> {
    let mut head = [0; 2];
    stream.read_exact(&mut head).await?;
    let [first, length] = head;
    let length = match length {
        126 => u64::from(stream.read_u16().await?),
        127 => stream.read_u64().await?,
        short => u64::from(short),
    };
    let mut payload = vec![0; usize::try_from(length).map_err(std::io::Error::other)?];
    stream.read_exact(&mut payload).await?;
    Ok((first, payload))
}

/// A whole binary message, and a whole ping.
pub(crate) const BINARY: u8 = 0x82;
const PING: u8 = 0x89;
const MASK: [u8; 4] = [0x5a, 0xc3, 0x96, 0x3c];
const PONG: [u8; 6] = [0x8a, 0x80, 0x5a, 0xc3, 0x96, 0x3c];

/// A client's binary message.
pub(crate) fn masked(payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![BINARY];
    match u16::try_from(payload.len()) {
        Ok(short @ 0..=125) => bytes.push(0x80 | short.to_be_bytes()[1]),
        Ok(long) => {
            bytes.push(0x80 | 126);
            bytes.extend(long.to_be_bytes());
        }
        Err(_) => {
            bytes.push(0x80 | 127);
            bytes.extend((payload.len() as u64).to_be_bytes());
        }
    }
    bytes.extend(MASK);
    bytes.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    bytes
}

/// A deposit whose envelope differs each time by its first sixteen bytes: masked once, changed in place.
pub(crate) struct DepositFrame {
    bytes: Vec<u8>,
    sender: u64,
    pub(crate) count: u64,
}

impl DepositFrame {
    /// Envelopes of noise at one drop.
    pub(crate) fn new(drop: &Capability<right::Drop>, sender: u64) -> Self {
        let mut noise = crate::material::Noise(sender);
        // Id, tag and drop, as the wire frame has them.
        let mut payload = vec![0, 0, 0, 1, 5];
        payload.extend(drop.expose_secret());
        while payload.len() < ENVELOPE_AT + ENVELOPE_BYTES {
            payload.extend(noise.next().to_le_bytes());
        }
        payload.truncate(ENVELOPE_AT + ENVELOPE_BYTES);
        Self { bytes: masked(&payload), sender, count: 0 }
    }

    /// The next one.
    pub(crate) fn next(&mut self, id: u32) -> &[u8] {
        self.count = self.count.wrapping_add(1);
        let (sender, count) = (self.sender.to_be_bytes(), self.count.to_be_bytes());
        for (at, new) in [(0, &id.to_be_bytes()[..]), (ENVELOPE_AT, &sender), (ENVELOPE_AT + 8, &count)] {
            let place = self.bytes.iter_mut().skip(HEAD_BYTES + at);
            for ((byte, new), mask) in place.zip(new).zip(MASK.iter().cycle().skip(at % MASK.len())) {
                *byte = new ^ mask;
            }
        }
        &self.bytes
    }
}

/// Two bytes, a length of two, the mask.
const HEAD_BYTES: usize = 8;
const ENVELOPE_AT: usize = 37;

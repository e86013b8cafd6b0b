//! NATS JetStream with file storage, over TLS: what people would otherwise take. It acknowledges before it syncs.

use std::{
    fs,
    net::{SocketAddr, TcpListener},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use lightproof_wire::limits::ENVELOPE_BYTES;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::TcpStream,
};
use tokio_rustls::client::TlsStream;

use super::wire::{Target, connector, server_name};
use crate::{certificate::Certificate, error::BenchError, material::Noise, programs::is_installed};

/// A `nats-server` that runs; dropping it ends it.
pub(crate) struct Nats {
    child: Child,
    pub(crate) target: Target,
}

impl Nats {
    /// What to install, if it is missing.
    pub(crate) fn missing() -> Option<&'static str> {
        (!is_installed("nats-server")).then_some("nats-server is not installed; on Debian: apt-get install nats-server")
    }

    /// Starts one with a stream in a folder of its own.
    pub(crate) async fn start(certificate: &Certificate, folder: &Path) -> Result<Self, BenchError> {
        let folder = folder.join("nats");
        fs::create_dir_all(&folder).map_err(BenchError::at("nats"))?;
        certificate.save(&folder)?;
        let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let address: SocketAddr = free.map_err(BenchError::at("a free port"))?;
        let settings = format!(
            "listen: \"{address}\"\njetstream {{ store_dir: \"store\" }}\n\
             tls {{ cert_file: \"certificate.pem\", key_file: \"key.pem\" }}\n"
        );
        fs::write(folder.join("nats.conf"), settings).map_err(BenchError::at("nats.conf"))?;
        let mut command = Command::new("nats-server");
        command.args(["-c", "nats.conf"]).current_dir(&folder);
        let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = quiet.spawn().map_err(BenchError::at("nats-server"))?;
        let nats = Self { child, target: Target { address, tls: connector(certificate)? } };
        let until = Instant::now() + Duration::from_secs(5);
        let mut publisher = loop {
            match Publisher::open(&nats.target, 0).await {
                Ok(publisher) => break publisher,
                Err(error) if Instant::now() > until => return Err(error),
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        };
        let stream =
            br#"{"name":"envelopes","subjects":["drop.>"],"storage":"file","retention":"limits","num_replicas":1}"#;
        publisher.request("$JS.API.STREAM.CREATE.envelopes", stream).await?;
        Ok(nats)
    }
}

impl Drop for Nats {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Publishes one message at a time and waits for its acknowledgement.
pub(crate) struct Publisher {
    stream: BufReader<TlsStream<TcpStream>>,
    payload: Vec<u8>,
    number: usize,
    count: u64,
}

impl Publisher {
    /// The one of some number, with answers of its own.
    pub(crate) async fn open(target: &Target, number: usize) -> Result<Self, BenchError> {
        Self::try_open(target, number).await.map_err(BenchError::at("nats-server"))
    }

    async fn try_open(target: &Target, number: usize) -> std::io::Result<Self> {
        let mut tcp = TcpStream::connect(target.address).await?;
        tcp.set_nodelay(true)?;
        // It introduces itself in the clear and then expects TLS.
        while tcp.read_u8().await? != b'\n' {}
        let name = server_name().map_err(std::io::Error::other)?;
        let stream = BufReader::new(target.tls.connect(name, tcp).await?);
        let mut publisher = Self { stream, payload: Noise(5).bytes(ENVELOPE_BYTES), number, count: 0 };
        let hello = format!(
            "CONNECT {{\"verbose\":false,\"pedantic\":false,\"tls_required\":true,\"name\":\"bench\",\
             \"lang\":\"rust\",\"version\":\"0\",\"protocol\":1}}\r\nSUB answers.{number} 1\r\nPING\r\n"
        );
        publisher.stream.write_all(hello.as_bytes()).await?;
        publisher.stream.flush().await?;
        while publisher.line().await? != "PONG" {}
        Ok(publisher)
    }

    /// One message to the stream.
    pub(crate) async fn publish(&mut self) -> Result<(), BenchError> {
        self.count = self.count.wrapping_add(1);
        for (byte, new) in self.payload.iter_mut().zip(self.count.to_be_bytes()) {
            *byte = new;
        }
        let payload = std::mem::take(&mut self.payload);
        let answer = self.request_on(&format!("drop.{}", self.number), &payload).await;
        self.payload = payload;
        let answer = answer.map_err(BenchError::at("nats-server"))?;
        if answer.contains("\"seq\"") { Ok(()) } else { Err(BenchError::Wrong(format!("not stored: {answer}"))) }
    }

    async fn request(&mut self, subject: &str, payload: &[u8]) -> Result<(), BenchError> {
        let answer = self.request_on(subject, payload).await.map_err(BenchError::at("nats-server"))?;
        if answer.contains("error") { Err(BenchError::Wrong(answer)) } else { Ok(()) }
    }

    async fn request_on(&mut self, subject: &str, payload: &[u8]) -> std::io::Result<String> {
        let head = format!("PUB {subject} answers.{} {}\r\n", self.number, payload.len());
        let message = [head.as_bytes(), payload, b"\r\n"].concat();
        self.stream.write_all(&message).await?;
        self.stream.flush().await?;
        loop {
            let line = self.line().await?;
            let mut words = line.split(' ');
            match (words.next(), words.next_back()) {
                (Some("MSG"), Some(length)) => {
                    let mut answer = vec![0; length.parse().map_err(std::io::Error::other)?];
                    self.stream.read_exact(&mut answer).await?;
                    self.line().await?;
                    return Ok(String::from_utf8_lossy(&answer).into_owned());
                }
                (Some("PING"), _) => {
                    self.stream.write_all(b"PONG\r\n").await?;
                    self.stream.flush().await?;
                }
                (Some("-ERR"), _) => return Err(std::io::Error::other(line)),
                _ => {}
            }
        }
    }

    async fn line(&mut self) -> std::io::Result<String> {
        let mut line = String::new();
        if self.stream.read_line(&mut line).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        Ok(line.trim_end().to_owned())
    }
}

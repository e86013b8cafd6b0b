//! What one round trip and one sync cost on this machine: the currency of the limits.

use std::{
    fs::File,
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::Path,
    sync::Arc,
    thread,
    time::Instant,
};

use rustls::{
    ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection, StreamOwned,
    crypto::aws_lc_rs::default_provider, version::TLS13,
};
use rustls_pki_types::ServerName;

use crate::{certificate::Certificate, error::BenchError, samples::Samples};

/// A TLS 1.3 connection over loopback to a thread that says everything back.
pub(crate) struct Echo(StreamOwned<ClientConnection, TcpStream>);

impl Echo {
    pub(crate) fn open(certificate: &Certificate) -> Result<Self, BenchError> {
        let listener = TcpListener::bind("127.0.0.1:0").map_err(BenchError::at("an echo"))?;
        let address = listener.local_addr().map_err(BenchError::at("an echo"))?;
        let provider = Arc::new(default_provider());
        let server = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&[&TLS13])
            .and_then(|server| {
                server.with_no_client_auth().with_single_cert(vec![certificate.der()], certificate.key())
            })
            .map_err(BenchError::wrong)?;
        // It ends with the connection; nothing waits for it.
        thread::spawn(move || {
            let (tcp, _) = listener.accept().ok()?;
            tcp.set_nodelay(true).ok()?;
            let mut stream = StreamOwned::new(ServerConnection::new(Arc::new(server)).ok()?, tcp);
            let mut message = [0; MESSAGE_BYTES];
            while stream.read_exact(&mut message).is_ok() {
                stream.write_all(&message).ok()?;
            }
            Some(())
        });
        let mut roots = RootCertStore::empty();
        roots.add(certificate.der()).map_err(BenchError::wrong)?;
        let client = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&TLS13])
            .map_err(BenchError::wrong)?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = ServerName::try_from("localhost").map_err(BenchError::wrong)?;
        let connection = ClientConnection::new(Arc::new(client), name).map_err(BenchError::wrong)?;
        let tcp = TcpStream::connect(address).map_err(BenchError::at("an echo"))?;
        tcp.set_nodelay(true).map_err(BenchError::at("an echo"))?;
        let mut echo = Self(StreamOwned::new(connection, tcp));
        // The handshake happens here.
        echo.round_trip()?;
        Ok(echo)
    }

    /// The median of several, in seconds.
    pub(crate) fn seconds(&mut self) -> Result<f64, BenchError> {
        let trips: Result<Samples, BenchError> = (0..TRIPS).map(|_| self.round_trip()).collect();
        Ok(trips?.median())
    }

    fn round_trip(&mut self) -> Result<f64, BenchError> {
        let mut message = [7; MESSAGE_BYTES];
        let start = Instant::now();
        self.0.write_all(&message).map_err(BenchError::at("an echo"))?;
        self.0.read_exact(&mut message).map_err(BenchError::at("an echo"))?;
        Ok(start.elapsed().as_secs_f64())
    }
}

/// Seconds to append a page to a file in a folder and sync it: the median of several.
pub(crate) fn sync_seconds(folder: &Path) -> Result<f64, BenchError> {
    let path = folder.join("synced");
    let at = || BenchError::at(path.display().to_string());
    let mut file = File::create(&path).map_err(at())?;
    let mut samples = Samples::default();
    for _ in 0..SYNCS {
        let start = Instant::now();
        file.write_all(&[7; 4096]).and_then(|()| file.sync_data()).map_err(at())?;
        samples.push(start.elapsed().as_secs_f64());
    }
    std::fs::remove_file(&path).map_err(at())?;
    Ok(samples.median())
}

/// As large as a command without a chunk.
const MESSAGE_BYTES: usize = 128;
const TRIPS: usize = 200;
const SYNCS: usize = 24;

//! What these tests share: an authority that signs, a client that chooses how it shakes hands, programs that end.

use std::{
    cell::RefCell,
    io::{BufRead as _, BufReader},
    net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, mpsc},
    time::{Duration, Instant},
};

use lightproof_relay::{Relay, RunningRelay, config::Settings};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::{
    ClientConfig, RootCertStore,
    client::Resumption,
    crypto::{SupportedKxGroup, aws_lc_rs},
};
use rustls_pki_types::{CertificateDer, ServerName, pem::PemObject as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::{TlsConnector, client::TlsStream};

pub(crate) const ANY: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
/// The name in certificates.
pub(crate) const NAME: &str = "relay.example.org";
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A relay in this process with these settings.
pub(crate) async fn start(folder: &Path, settings: &str) -> RunningRelay {
    let mut table: toml::Table = settings.parse().unwrap();
    table.entry("listen").or_insert(ANY.to_string().into());
    table.insert("data".to_owned(), folder.to_str().unwrap().into());
    Relay::start(Settings::from_table(table).unwrap().check().unwrap()).await.unwrap()
}

/// Whoever signs.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pub(crate) pem: String,
}

/// A certificate with its key, in PEM.
pub(crate) struct Issued {
    pub(crate) chain: String,
    pub(crate) key: String,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut parameters = CertificateParams::default();
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let pem = parameters.self_signed(&key).unwrap().pem();
        Self { issuer: Issuer::new(parameters, key), pem }
    }

    pub(crate) fn sign(&self, names: &[&str]) -> Issued {
        self.sign_with(CertificateParams::new(names.iter().map(ToString::to_string).collect::<Vec<_>>()).unwrap())
    }

    pub(crate) fn sign_with(&self, parameters: CertificateParams) -> Issued {
        let key = KeyPair::generate().unwrap();
        Issued { chain: parameters.signed_by(&key, &self.issuer).unwrap().pem(), key: key.serialize_pem() }
    }
}

/// Who connects, and how.
pub(crate) struct Dialler {
    pub(crate) config: ClientConfig,
    pub(crate) from: IpAddr,
}

impl Dialler {
    /// Believes this authority.
    pub(crate) fn trusting(root: &str) -> Self {
        Self::with_groups(root, aws_lc_rs::default_provider().kx_groups)
    }

    /// The same, agreeing on keys in these ways only.
    pub(crate) fn with_groups(root: &str, groups: Vec<&'static dyn SupportedKxGroup>) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(root.as_bytes()).unwrap()).unwrap();
        let provider = rustls::crypto::CryptoProvider { kx_groups: groups, ..aws_lc_rs::default_provider() };
        let mut config = ClientConfig::builder_with_provider(Arc::new(provider))
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        // A resumed session shows the certificate it began with.
        config.resumption = Resumption::disabled();
        Self { config, from: Ipv4Addr::LOCALHOST.into() }
    }

    pub(crate) async fn dial(&self, to: SocketAddr) -> std::io::Result<TlsStream<TcpStream>> {
        let socket = TcpSocket::new_v4()?;
        socket.bind(SocketAddr::new(self.from, 0))?;
        let stream = socket.connect(to).await?;
        let name = ServerName::try_from(NAME).unwrap();
        TlsConnector::from(Arc::new(self.config.clone())).connect(name, stream).await
    }
}

/// The certificate that the other end showed.
pub(crate) fn shown(stream: &TlsStream<TcpStream>) -> CertificateDer<'static> {
    stream.get_ref().1.peer_certificates().unwrap()[0].clone().into_owned()
}

/// The first certificate in PEM.
pub(crate) fn first(pem: &str) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()
}

/// A program that ends with the test, and what it says.
pub(crate) struct Program {
    pub(crate) child: Child,
    said: mpsc::Receiver<String>,
    /// What was said while something else was waited for: its two outputs have no order.
    unheard: RefCell<Vec<String>>,
}

impl Program {
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (sender, said) = mpsc::channel();
        let errors = sender.clone();
        let (output, error) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        std::thread::spawn(move || {
            BufReader::new(output).lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
        });
        std::thread::spawn(move || {
            BufReader::new(error).lines().map_while(Result::ok).try_for_each(|line| errors.send(line))
        });
        Self { child, said, unheard: RefCell::default() }
    }

    /// A line that holds this text, on either output, and that nobody asked for before.
    pub(crate) fn says(&self, text: &str) -> String {
        self.says_within(text, PATIENCE).unwrap_or_else(|| {
            let said = self.unheard.borrow().join("\n");
            panic!("it never said {text:?}, but:\n{said}")
        })
    }

    pub(crate) fn says_within(&self, text: &str, patience: Duration) -> Option<String> {
        let mut unheard = self.unheard.borrow_mut();
        if let Some(at) = unheard.iter().position(|line| line.contains(text)) {
            return Some(unheard.remove(at));
        }
        let until = Instant::now() + patience;
        while let Ok(line) = self.said.recv_timeout(until.saturating_duration_since(Instant::now())) {
            if line.contains(text) {
                return Some(line);
            }
            unheard.push(line);
        }
        None
    }

    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([name, &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _status = self.child.wait();
    }
}

/// The relay as a program.
pub(crate) fn relay(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lightproof-relay"));
    command.args(arguments).env_clear();
    command
}

/// Where a program is; says so where it is not.
pub(crate) fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let administrators = ["/usr/sbin", "/sbin"].map(PathBuf::from);
    let found =
        std::env::split_paths(&path).chain(administrators).map(|folder| folder.join(name)).find(|path| path.is_file());
    if found.is_none() {
        println!("skipped: no {name}");
    }
    found
}

/// A port of this machine that nobody listens on.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind(ANY).unwrap().local_addr().unwrap().port()
}

/// Waits until somebody listens there.
pub(crate) async fn until_somebody_listens(at: SocketAddr) {
    let until = Instant::now() + PATIENCE;
    while TcpStream::connect(at).await.is_err() {
        assert!(Instant::now() < until, "nobody listens");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

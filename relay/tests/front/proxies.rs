//! Behind nginx, HAProxy and Caddy, set up as `docs/operate.md` says.

use std::{
    fs,
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
    process::Command as Process,
};

use lightproof_relay::RunningRelay;
use lightproof_wire::{
    blob::{BlobShape, ChunkClass, SealedChunk},
    capability::{Capability, right},
    codec::List,
    command::{Command, MailboxKind},
    id::{ChunkIndex, MailboxHandle},
    reply::{Push, Reply},
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::{
    client::{Client, envelope, mailbox},
    material::{Authority, Dialler, NAME, PATIENCE, Program, find, free_port, start, until_somebody_listens},
};

/// What stands in `docs/operate.md` for this program.
fn documented(language: &str) -> String {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/operate.md")).unwrap();
    let (_, rest) = page.split_once(&format!("```{language}\n")).unwrap();
    rest.split_once("```").unwrap().0.to_owned()
}

/// The same with other values; each of the old ones has to be there.
fn filled(mut text: String, values: &[(&str, &str)]) -> String {
    for (old, new) in values {
        assert!(text.contains(old), "{old} is not in the snippet");
        text = text.replace(old, new);
    }
    text
}

/// A relay behind a proxy that is about to be set up.
struct Behind {
    folder: tempfile::TempDir,
    authority: Authority,
    relay: RunningRelay,
    /// Where the proxy listens.
    front: SocketAddr,
    /// Where the relay does.
    back: String,
}

impl Behind {
    async fn new() -> Self {
        let (folder, authority) = (tempfile::tempdir().unwrap(), Authority::new());
        let issued = authority.sign(&[NAME]);
        fs::write(folder.path().join("chain.pem"), &issued.chain).unwrap();
        fs::write(folder.path().join("key.pem"), &issued.key).unwrap();
        fs::write(folder.path().join("both.pem"), issued.chain + &issued.key).unwrap();
        // Only this one of the addresses of this machine, so that the others can be clients.
        let settings = "behind_proxy = true\nconnections_per_address = 2\ntrusted_proxies = [\"127.0.0.1\"]";
        let relay = start(&folder.path().join("data"), settings).await;
        let back = relay.address().to_string();
        Self { folder, authority, relay, front: SocketAddr::from(([127, 0, 0, 1], free_port())), back }
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    /// Writes the proxy's settings.
    fn write(&self, text: &str) -> PathBuf {
        let path = self.folder.path().join("proxy.conf");
        fs::write(&path, text).unwrap();
        path
    }

    fn from(&self, last: u8) -> Dialler {
        Dialler { from: IpAddr::from([127, 0, 0, last]), ..Dialler::trusting(&self.authority.pem) }
    }

    async fn client(&self, last: u8) -> Option<Client> {
        Client::over(self.from(last).dial(self.front).await.unwrap(), NAME).await
    }

    /// The status an upgrade gets that says whom it is for.
    async fn status(&self, last: u8, forwarded_for: &str) -> String {
        let mut stream = self.from(last).dial(self.front).await.unwrap();
        let request = format!(
            "GET /v1 HTTP/1.1\r\nHost: {NAME}\r\nConnection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nX-Forwarded-For: {forwarded_for}\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = vec![0; 12];
        stream.read_exact(&mut answer).await.unwrap();
        String::from_utf8(answer).unwrap()
    }

    /// Everything a client does goes through, and limits per address see the client's.
    async fn check(self, _proxy: Program) {
        until_somebody_listens(self.front).await;
        let mut first = self.client(2).await.unwrap();
        carries_everything(&mut first).await;
        let second = self.client(2).await.unwrap();
        assert!(self.client(2).await.is_none(), "an address has two seats");
        for claimed in ["203.0.113.9", "127.0.0.1", "203.0.113.9, 127.0.0.1", "garbage"] {
            assert_eq!(self.status(2, claimed).await, "HTTP/1.1 429", "{claimed}");
        }
        let mut other = self.client(3).await.expect("another address has its own");
        assert_eq!(other.ask(Command::Ping).await, Reply::Pong);
        drop((first, second, other));
        self.relay.shutdown().await;
    }
}

async fn carries_everything(client: &mut Client) {
    let bob = mailbox(1);
    assert_eq!(client.create(&bob, MailboxKind::Private).await, Reply::Created);
    assert!(matches!(client.watch(&bob, 7).await, Reply::Watching { .. }));
    assert_eq!(client.push().await, Push::CaughtUp(MailboxHandle(7)));
    assert!(matches!(client.deposit(&bob, 9).await, Reply::Deposited(_)));
    assert_eq!(tokio::time::timeout(PATIENCE, client.delivery()).await.unwrap().envelope, envelope(9));
    let (write, read) =
        (Capability::<right::Write>::from_bytes([1; 32]), Capability::<right::Read>::from_bytes([2; 32]));
    let open = Command::OpenBlob {
        write: write.hash(),
        readers: List::new(vec![read.hash()]).unwrap(),
        shape: BlobShape::new(ChunkClass::Large, 4).unwrap(),
        keep_days: 1,
        access: None,
    };
    assert_eq!(client.ask(open).await, Reply::Opened);
    for index in (0..4).map(ChunkIndex) {
        let chunk = SealedChunk::new(vec![7; 1 << 20]).unwrap();
        assert_eq!(client.ask(Command::PutChunk { write: write.clone(), index, chunk }).await, Reply::Done);
    }
    assert_eq!(client.ask(Command::CommitBlob { write }).await, Reply::Done);
    for index in (0..4).map(ChunkIndex) {
        let Reply::Chunk(chunk) = client.ask(Command::GetChunk { read: read.clone(), index }).await else {
            panic!("no chunk")
        };
        assert_eq!(chunk.as_slice().len(), 1 << 20);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_nginx_everything_goes_through_and_limits_see_the_client() {
    let Some(nginx) = find("nginx") else { return };
    let behind = Behind::new().await;
    let server = filled(
        documented("nginx"),
        &[
            ("listen 443 ssl", &format!("listen {} ssl", behind.front)),
            ("/etc/letsencrypt/live/relay.example.org/fullchain.pem", &behind.path("chain.pem")),
            ("/etc/letsencrypt/live/relay.example.org/privkey.pem", &behind.path("key.pem")),
            ("127.0.0.1:7443", &behind.back),
        ],
    );
    let scratch: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|name| format!("{name}_temp_path {};\n", behind.path(name)))
        .concat();
    let settings = behind.write(&format!(
        "daemon off;\nmaster_process off;\npid {};\nevents {{}}\nhttp {{\n{scratch}{server}}}\n",
        behind.path("pid")
    ));
    let mut command = Process::new(nginx);
    command.args(["-e", "stderr", "-p"]).arg(behind.folder.path()).arg("-c").arg(settings);
    let proxy = Program::start(&mut command);
    behind.check(proxy).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_haproxy_everything_goes_through_and_limits_see_the_client() {
    let Some(haproxy) = find("haproxy") else { return };
    let behind = Behind::new().await;
    let settings = behind.write(&filled(
        documented("haproxy"),
        &[
            ("bind :443", &format!("bind {}", behind.front)),
            ("/etc/haproxy/relay.pem", &behind.path("both.pem")),
            ("127.0.0.1:7443", &behind.back),
        ],
    ));
    let proxy = Program::start(Process::new(haproxy).arg("-db").arg("-f").arg(settings));
    behind.check(proxy).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_caddy_everything_goes_through_and_limits_see_the_client() {
    let Some(caddy) = find("caddy") else { return };
    let behind = Behind::new().await;
    let certificate = format!("    bind 127.0.0.1\n    tls {} {}\n", behind.path("chain.pem"), behind.path("key.pem"));
    let site = filled(
        documented("caddyfile"),
        &[
            ("relay.example.org {\n", &format!("https://relay.example.org:{} {{\n{certificate}", behind.front.port())),
            ("127.0.0.1:7443", &behind.back),
        ],
    );
    let settings = behind.write(&format!("{{\n    admin off\n    auto_https off\n}}\n{site}"));
    let mut command = Process::new(caddy);
    command.args(["run", "--adapter", "caddyfile", "--config"]).arg(settings);
    let home = behind.folder.path().to_owned();
    let proxy = Program::start(command.env("HOME", &home).env("XDG_DATA_HOME", &home).env("XDG_CONFIG_HOME", &home));
    behind.check(proxy).await;
}

//! A certificate from an authority that speaks ACME, played by Debian's `pebble`: ordered, kept, renewed, and what
//! happens while the authority is away.

use std::{
    fs,
    net::{SocketAddr, TcpStream as Blocking},
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::Command as Process,
    time::Duration,
};

use lightproof_wire::{command::Command, reply::Reply};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::{
    client::Client,
    material::{Authority, Dialler, NAME, Program, find, free_port, relay, shown, until_somebody_listens},
};

/// Seconds that a certificate is good for: after two thirds of it another one is ordered.
const LIFE_SECONDS: u64 = 9;

/// The authority, and who answers its questions for names.
struct Acme {
    pebble: Program,
    names: Program,
    api: u16,
    management: u16,
    names_management: u16,
    /// Who signed the certificate of its API.
    root: Authority,
}

impl Acme {
    /// One that looks for names at this port of this machine.
    fn start(folder: &Path, checked_port: u16) -> Option<Self> {
        let (pebble, names) = (find("pebble")?, find("pebble-challtestsrv")?);
        let [dns, names_management, api, management] = [(); 4].map(|()| free_port());
        let root = Authority::new();
        let issued = root.sign(&["localhost", NAME]);
        fs::write(folder.join("root.pem"), &root.pem).unwrap();
        fs::write(folder.join("api.pem"), &issued.chain).unwrap();
        fs::write(folder.join("api.key"), &issued.key).unwrap();
        let settings = serde_json::json!({"pebble": {
            "listenAddress": format!("127.0.0.1:{api}"),
            "managementListenAddress": format!("127.0.0.1:{management}"),
            "certificate": folder.join("api.pem"),
            "privateKey": folder.join("api.key"),
            "httpPort": 1,
            "tlsPort": checked_port,
            "ocspResponderURL": "",
            "externalAccountBindingRequired": false,
            "certificateValidityPeriod": LIFE_SECONDS,
        }});
        fs::write(folder.join("pebble.json"), settings.to_string()).unwrap();
        let at = |port| format!("127.0.0.1:{port}");
        let names = Program::start(Process::new(names).args([
            "-dns01",
            &at(dns),
            "-management",
            &at(names_management),
            "-http01",
            "",
            "-https01",
            "",
            "-tlsalpn01",
            "",
            "-defaultIPv6",
            "",
        ]));
        let mut command = Process::new(pebble);
        command.args(["-dnsserver", &at(dns), "-config"]).arg(folder.join("pebble.json"));
        // Checks begin at once and are never spared. Of its nonces it would refuse one in twenty, drawn by itself: three
        // in a row end an order, and then this test would wait for the next.
        command.envs([("PEBBLE_VA_NOSLEEP", "1"), ("PEBBLE_AUTHZREUSE", "0"), ("PEBBLE_WFE_NONCEREJECT", "0")]);
        Some(Self { pebble: Program::start(&mut command), names, api, management, names_management, root })
    }

    fn settings(&self, folder: &Path, domain: &str) -> String {
        format!(
            "acme_domains = [\"{domain}\"]\nacme_contact = \"mailto:operator@example.org\"\n\
             acme_directory = \"https://localhost:{}/dir\"\nacme_root = \"{}/root.pem\"\n",
            self.api,
            folder.display()
        )
    }

    /// Who signs its certificates: another one with each start.
    async fn signer(&self) -> String {
        let address = SocketAddr::from(([127, 0, 0, 1], self.management));
        until_somebody_listens(address).await;
        let mut stream = Dialler::trusting(&self.root.pem).dial(address).await.unwrap();
        let request = "GET /roots/0 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        let _end = stream.read_to_end(&mut answer).await;
        let answer = String::from_utf8(answer).unwrap();
        answer[answer.find("-----BEGIN").unwrap()..].to_owned()
    }

    /// From now on the name leads to an address where nobody is.
    fn send_elsewhere(&self, name: &str) {
        use std::io::{Read as _, Write as _};
        let body = serde_json::json!({"host": name, "addresses": ["127.0.0.9"]}).to_string();
        let mut stream = Blocking::connect(("127.0.0.1", self.names_management)).unwrap();
        write!(stream, "POST /add-a HTTP/1.0\r\nContent-Length: {}\r\n\r\n{body}", body.len()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.0 200"), "{answer}");
    }
}

fn serve(folder: &Path, settings: &str, data: &str, port: u16) -> Program {
    let file = folder.join(format!("{data}.toml"));
    fs::write(&file, settings).unwrap();
    let listen = format!("127.0.0.1:{port}");
    let data = folder.join(data);
    Program::start(&mut relay(&[
        "serve",
        "--config",
        file.to_str().unwrap(),
        "--data",
        data.to_str().unwrap(),
        "--listen",
        &listen,
    ]))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_is_ordered_kept_and_renewed_and_stays_while_the_authority_is_away() {
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let Some(mut authority) = Acme::start(folder.path(), port) else { return };
    let signer = authority.signer().await;
    let settings = authority.settings(folder.path(), NAME);
    let program = serve(folder.path(), &settings, "data", port);
    assert_eq!(program.says("wss://").trim(), format!("wss://{NAME}:{port}/"), "a name, and no pin");
    program.says("is presented from now on");
    let (address, dialler) = (SocketAddr::from(([127, 0, 0, 1], port)), Dialler::trusting(&signer));
    let stream = dialler.dial(address).await.unwrap();
    let first = shown(&stream);
    let mut living = Client::over(stream, NAME).await.unwrap();
    for name in ["acme.pem", "acme.account"] {
        let mode = fs::metadata(folder.path().join("data").join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }

    program.says("is presented from now on");
    let second = shown(&dialler.dial(address).await.unwrap());
    assert_ne!(first, second, "renewed");
    assert_eq!(living.ask(Command::Ping).await, Reply::Pong, "the old connection lives on");

    authority.pebble.child.kill().unwrap();
    let said = program.says("gave no certificate");
    assert!(said.contains("again_in=30s"), "{said}");
    assert_eq!(shown(&dialler.dial(address).await.unwrap()), second, "the old one is presented");
    assert_eq!(program.says_within("gave no certificate", Duration::from_secs(2)), None, "no rush");
    drop(program);

    let program = serve(folder.path(), &settings, "data", port);
    program.says("ready");
    let kept = fs::read_to_string(folder.path().join("data/acme.pem")).unwrap();
    assert_eq!(second, crate::material::first(&kept), "a restart begins with what was kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_leads_elsewhere_gets_no_certificate_and_the_reason_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let (port, elsewhere) = (free_port(), "elsewhere.example.org");
    let Some(authority) = Acme::start(folder.path(), port) else { return };
    authority.signer().await;
    until_somebody_listens(SocketAddr::from(([127, 0, 0, 1], authority.names_management))).await;
    authority.send_elsewhere(elsewhere);
    let settings = authority.settings(folder.path(), elsewhere) + "metrics = \"127.0.0.1:0\"";
    let program = serve(folder.path(), &settings, "data", port);
    let said = program.says("gave no certificate");
    assert!(said.contains("Failed to connect to 127.0.0.9"), "{said}");
    let dialler = Dialler::trusting(&authority.root.pem);
    assert!(dialler.dial(SocketAddr::from(([127, 0, 0, 1], port))).await.is_err(), "there is nothing to present");
    program.signal("-TERM");
    program.says("stopped");
    drop(authority.names);
}

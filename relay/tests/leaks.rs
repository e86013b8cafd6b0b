//! What a relay leaves behind for others to read: its log in every form an operator may set, its counts, and no core dump.
#![expect(clippy::unwrap_used, reason = "tests")]

mod client;

use std::{
    fmt::Write as _,
    fs::{self, File},
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    os::unix::process::ExitStatusExt as _,
    path::Path,
    process::{Child, ChildStdout, Command as Process, Stdio},
};

use assert_cmd::cargo::CommandCargoExt as _;
use client::{Client, Mailbox};
use futures_util::SinkExt as _;
use lightproof_wire::{
    blob::{BlobShape, ChunkClass, SealedChunk},
    capability::{Capability, right},
    codec::List,
    command::{Command, MailboxKind},
    envelope::Envelope,
    hash::Digest,
    id::ChunkIndex,
    limits::ENVELOPE_BYTES,
    relay_link::RelayLink,
    reply::{Push, Reply},
};
use rustix::process::{Pid, Signal, kill_process};
use tokio_tungstenite::tungstenite::Message;

const LOG: &str = "log";

/// A relay that works where its log is and where a core dump would lie.
fn serve(folder: &Path, [level, format]: [&str; 2], metrics: &str) -> (Child, RelayLink, BufReader<ChildStdout>) {
    let mut told = Process::cargo_bin("lightproof-relay").unwrap();
    let data = folder.join("data");
    told.args(["serve", "--data", data.to_str().unwrap(), "--listen", "127.0.0.1:0"]);
    // A shell that allows core dumps of any size.
    let mut child = Process::new("sh")
        .args(["-c", "ulimit -c unlimited 2>/dev/null; exec \"$0\" \"$@\""])
        .arg(told.get_program())
        .args(told.get_args())
        .env_clear()
        .env("LIGHTPROOF_RELAY_LOG", level)
        .env("LIGHTPROOF_RELAY_LOG_FORMAT", format)
        .env("LIGHTPROOF_RELAY_METRICS", metrics)
        .current_dir(folder)
        .stdout(Stdio::piped())
        // A pipe nobody reads would stop it.
        .stderr(File::create(folder.join(LOG)).unwrap())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    output.read_line(&mut line).unwrap();
    (child, line.trim().parse().unwrap(), output)
}

/// 32 bytes like no others.
fn noise(n: u8) -> [u8; 32] {
    *Digest::of(&[n]).as_bytes()
}

/// The ways in which bytes get into a log.
fn printed(bytes: &[u8]) -> Vec<Vec<u8>> {
    let (mut hex, mut escaped) = (String::new(), String::new());
    for byte in bytes {
        write!(hex, "{byte:02x}").unwrap();
        write!(escaped, "{}", std::ascii::escape_default(*byte)).unwrap();
    }
    let list = format!("{bytes:?}");
    let list = list.trim_matches(['[', ']']).to_owned();
    [hex.to_uppercase(), hex, escaped, list].into_iter().map(String::into_bytes).chain([bytes.to_vec()]).collect()
}

/// Everything a client does, and what goes wrong; the secrets and names in it.
async fn visit(link: &RelayLink) -> Vec<[u8; 32]> {
    let mailbox = Mailbox { owner: Capability::from_bytes(noise(1)), drop: Capability::from_bytes(noise(2)) };
    let write = Capability::<right::Write>::from_bytes(noise(3));
    let read = Capability::<right::Read>::from_bytes(noise(4));
    let stranger = Mailbox { owner: Capability::from_bytes(noise(5)), drop: Capability::from_bytes(noise(6)) };
    let envelope = Envelope::from_bytes(&noise(7).repeat(ENVELOPE_BYTES / 32)).unwrap();
    let mut client = Client::connect(link).await;
    client.create(&mailbox, MailboxKind::Private).await;
    client.watch(&mailbox, 1).await;
    assert!(matches!(client.ask(Command::Deposit { drop: mailbox.drop.clone(), envelope }).await, Reply::Deposited(_)));
    let delivery = loop {
        if let Push::Delivery(delivery) = client.push().await {
            break delivery;
        }
    };
    client.ack(1, delivery.sequence.0).await;
    let open = Command::OpenBlob {
        write: write.hash(),
        readers: List::new(vec![read.hash()]).unwrap(),
        shape: BlobShape::new(ChunkClass::ALL[0], 1).unwrap(),
        keep_days: 1,
        access: None,
    };
    assert_eq!(client.ask(open).await, Reply::Opened);
    let chunk = SealedChunk::new(noise(8).repeat(ChunkClass::ALL[0].sealed_bytes() as usize / 32)).unwrap();
    client.ask(Command::PutChunk { write: write.clone(), index: ChunkIndex(0), chunk }).await;
    client.ask(Command::CommitBlob { write }).await;
    assert!(matches!(client.ask(Command::GetChunk { read, index: ChunkIndex(0) }).await, Reply::Chunk(_)));
    // A stranger, and a frame that is none.
    assert!(matches!(client.watch(&stranger, 2).await, Reply::Refused(_)));
    client.deposit(&stranger, 9).await;
    let mut broken = noise(9);
    // A deposit that ends too early: a command that nobody knows would be answered, and the connection stay.
    broken[4] = 5;
    client.socket.send(Message::Binary(broken.to_vec().into())).await.unwrap();
    assert!(client.is_closed().await);
    let hashes = [*mailbox.owner.hash().as_bytes(), *mailbox.drop.hash().as_bytes()];
    (1..=8).map(noise).chain([broken]).chain(hashes).collect()
}

/// A port of this machine that nobody listens on.
fn free_address() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

/// What whoever watches the relay is told.
fn told(metrics: &str) -> Vec<u8> {
    let mut stream = TcpStream::connect(metrics).unwrap();
    stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: relay\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    answer
}

/// None of the secrets stands there, in no form; how many forms were looked for.
fn holds_none(secrets: &[[u8; 32]], text: &[u8]) -> usize {
    let mut looked_for = 0;
    for secret in secrets {
        // A log may cut a long value short: its beginning is enough.
        for form in printed(&secret[..12]) {
            let found = text.windows(form.len()).any(|window| window == form);
            assert!(!found, "{:?} in {}", String::from_utf8_lossy(&form), String::from_utf8_lossy(text));
            looked_for += 1;
        }
    }
    looked_for
}

#[tokio::test(flavor = "multi_thread")]
async fn no_log_at_any_level_holds_a_right_or_anything_sealed() {
    let mut looked_for = 0;
    for form in [["info", "text"], ["debug", "text"], ["trace", "text"], ["info", "json"], ["trace", "json"]] {
        let (folder, metrics) = (tempfile::tempdir().unwrap(), free_address());
        let (mut child, link, _output) = serve(folder.path(), form, &metrics);
        let secrets = visit(&link).await;
        let counts = told(&metrics);
        kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
        assert!(child.wait().unwrap().success());
        let log = fs::read(folder.path().join(LOG)).unwrap();
        let lines = String::from_utf8(log.clone()).unwrap();
        assert!(lines.contains("stopped"), "{form:?}: {} bytes", log.len());
        let is_object = |line: &str| serde_json::from_str::<serde_json::Value>(line).is_ok_and(|it| it.is_object());
        assert!(lines.lines().all(|line| is_object(line) == (form[1] == "json")), "{form:?}: {lines}");
        assert!(String::from_utf8_lossy(&counts).contains("lightproof_relay_deposits_total 1"));
        looked_for += holds_none(&secrets, &log) + holds_none(&secrets, &counts);
    }
    println!("evidence: P18 A39 | {looked_for} printed forms of secrets looked for in a relay's logs and metrics | -");
}

#[test]
fn a_relay_that_is_aborted_leaves_no_core_dump() {
    let folder = tempfile::tempdir().unwrap();
    let (mut child, _, _output) = serve(folder.path(), ["info", "text"], &free_address());
    let limits = fs::read_to_string(format!("/proc/{}/limits", child.id())).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().filter(|word| *word == "0").count(), 2, "{core}");
    kill_process(Pid::from_child(&child), Signal::ABORT).unwrap();
    let status = child.wait().unwrap();
    assert!(status.signal() == Some(6) && !status.core_dumped(), "{status}");
    println!("evidence: P18 | 1 relay aborted, no core dump | -");
}

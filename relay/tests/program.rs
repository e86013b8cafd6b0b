//! The program as an operator runs it: exact output, exit codes, SIGTERM, SIGKILL.
#![expect(clippy::unwrap_used, reason = "tests")]

mod client;

use std::{
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command as Process, Output, Stdio},
};

use assert_cmd::cargo::CommandCargoExt as _;
use client::{Client, envelope, mailbox};
use lightproof_wire::{
    blob::{BlobShape, ChunkClass, SealedChunk},
    capability::{Capability, right},
    codec::List,
    command::{Command, MailboxKind},
    id::ChunkIndex,
    relay_link::RelayLink,
    reply::Reply,
};

fn program(arguments: &[&str]) -> Process {
    let mut process = Process::cargo_bin("lightproof-relay").unwrap();
    process.args(arguments).env_clear();
    process
}

fn run(arguments: &[&str]) -> (i32, String, String) {
    let Output { status, stdout, stderr } = program(arguments).output().unwrap();
    (status.code().unwrap(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

struct Running {
    child: Child,
    link: RelayLink,
    output: BufReader<std::process::ChildStdout>,
}

fn serve(folder: &Path, listen: &str) -> Running {
    let mut child = program(&["serve", "--data", folder.to_str().unwrap(), "--listen", listen])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    output.read_line(&mut line).unwrap();
    Running { child, link: line.trim().parse().unwrap(), output }
}

fn signal(child: &Child, name: &str) {
    assert!(Process::new("kill").args([name, &child.id().to_string()]).status().unwrap().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_is_there_after_sigkill() {
    let folder = tempfile::tempdir().unwrap();
    let mut running = serve(folder.path(), "127.0.0.1:0");
    let bob = mailbox(1);
    let mut client = Client::connect(&running.link).await;
    assert_eq!(client.create(&bob, MailboxKind::Private).await, Reply::Created);
    for byte in 0..40 {
        assert!(matches!(client.deposit(&bob, byte).await, Reply::Deposited(_)));
    }
    running.child.kill().unwrap();
    running.child.wait().unwrap();
    let mut again = serve(folder.path(), &running.link.authority());
    assert_eq!(again.link, running.link);
    let mut client = Client::connect(&again.link).await;
    assert!(matches!(client.watch(&bob, 1).await, Reply::Watching { .. }));
    for byte in 0..40 {
        let delivery = client.delivery().await;
        assert_eq!(delivery.envelope, envelope(byte));
        assert_eq!(client.ack(1, delivery.sequence.0).await, Reply::Done);
    }
    again.child.kill().unwrap();
    again.child.wait().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_drains_and_the_log_names_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let running = serve(folder.path(), "127.0.0.1:0");
    let mut client = Client::connect(&running.link).await;
    client.create(&mailbox(1), MailboxKind::Private).await;
    signal(&running.child, "-TERM");
    assert!(client.is_closed().await);
    let Output { status, stderr, .. } = running.child.wait_with_output().unwrap();
    assert!(status.success());
    let log = String::from_utf8(stderr).unwrap();
    assert!(log.contains("stopped") && !log.contains("127.0.0.1") && !log.contains("error"), "{log}");
    drop(running.output);
}

#[test]
fn a_relay_whose_link_nobody_reads_serves_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut child = program(&["serve", "--data", folder.path().to_str().unwrap(), "--listen", "127.0.0.1:0"])
        .stdout(writer)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    assert!(log.any(|line| line.contains("ready")), "it ended");
    signal(&child, "-TERM");
    assert!(log.any(|line| line.contains("stopped")));
    assert!(child.wait().unwrap().success());
}

/// Asks the allocator itself: it passes over what it does not know, and an environment of the build may overrule ours.
#[cfg(target_os = "linux")]
#[test]
fn the_allocator_is_told_what_the_build_says() {
    let output = program(&["--version"]).env("MALLOC_CONF", "confirm_conf:true").output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    let build = include_str!("../../.cargo/config.toml");
    let settings = build.lines().find_map(|line| line.strip_prefix("JEMALLOC_SYS_WITH_MALLOC_CONF = ")).unwrap();
    let settings: Vec<_> = settings.trim_matches('"').split(',').collect();
    assert!(settings.contains(&"narenas:1"));
    for setting in settings {
        assert!(said.contains(&format!("Set conf value: {setting}\n")), "{setting}: {said}");
    }
    assert!(!said.contains("nvalid"), "{said}");
}

/// Peak resident memory in KiB.
fn peak(child: &Child) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gibibyte_through_chunks_adds_less_than_64_mib() {
    const CHUNKS: u32 = 1_024;
    const AT_ONCE: u32 = 8;
    let folder = tempfile::tempdir().unwrap();
    let mut running = serve(folder.path(), "127.0.0.1:0");
    let mut client = Client::connect(&running.link).await;
    let before = peak(&running.child);
    let (write, read) =
        (Capability::<right::Write>::from_bytes([1; 32]), Capability::<right::Read>::from_bytes([2; 32]));
    let open = Command::OpenBlob {
        write: write.hash(),
        readers: List::new(vec![read.hash()]).unwrap(),
        shape: BlobShape::new(ChunkClass::Large, CHUNKS).unwrap(),
        keep_days: 1,
        access: None,
    };
    assert_eq!(client.ask(open).await, Reply::Opened);
    let started = std::time::Instant::now();
    for first in (0..CHUNKS).step_by(AT_ONCE as usize) {
        let mut last = None;
        for index in (first..first + AT_ONCE).map(ChunkIndex) {
            let chunk = SealedChunk::new(vec![7; 1 << 20]).unwrap();
            last = Some(client.send(Command::PutChunk { write: write.clone(), index, chunk }).await);
        }
        assert_eq!(client.reply(last.unwrap()).await, Reply::Done);
    }
    // Chunks of the last burst may still be under way: a commit that comes too early is refused.
    while client.ask(Command::CommitBlob { write: write.clone() }).await != Reply::Done {}
    let up = started.elapsed();
    for index in (0..CHUNKS).map(ChunkIndex) {
        let Reply::Chunk(chunk) = client.ask(Command::GetChunk { read: read.clone(), index }).await else {
            panic!("no chunk")
        };
        assert_eq!(chunk.as_slice().len(), 1 << 20);
    }
    let added = (peak(&running.child) - before) / 1_024;
    println!("up {up:?}, up and down {:?}, {added} MiB added", started.elapsed());
    running.child.kill().unwrap();
    running.child.wait().unwrap();
    assert!(added < 64, "{added} MiB");
}

#[test]
fn link_prints_one_line_and_keeps_its_pin() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let arguments = ["link", "--data", data.to_str().unwrap(), "--public-url", "wss://relay.example.org:7443/"];
    let (code, first, errors) = run(&arguments);
    assert_eq!((code, errors.as_str(), first.lines().count()), (0, "", 1));
    assert!(first.starts_with("wss://relay.example.org:7443/#pin="));
    assert_eq!(run(&arguments).1, first);
    let (_, with_qr, _) = run(&[&arguments[..], &["--qr"]].concat());
    assert!(with_qr.starts_with(&first) && with_qr.contains('█'));
    let proxied = run(&[&arguments[..], &["--behind-proxy"]].concat());
    assert_eq!(proxied.1, "wss://relay.example.org:7443/\n", "whoever ends TLS has the key");
    use std::os::unix::fs::PermissionsExt as _;
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&data), mode(&data.join("certificate.pem"))), (0o700, 0o600));
}

#[test]
fn config_prints_a_file_that_is_read_back_as_the_defaults() {
    let (code, text, _) = run(&["config"]);
    assert_eq!(code, 0);
    let table: toml::Table = text.parse().unwrap();
    assert_eq!(
        lightproof_relay::config::Settings::from_table(table).unwrap(),
        lightproof_relay::config::Settings::default()
    );
    for (key, _) in lightproof_relay::config::SETTINGS {
        assert!(text.contains(&format!("\n{key} = ")) || text.contains(&format!("\n# {key} = ")), "{key}");
    }
    assert!(text.contains("listen = \"0.0.0.0:7443\"") && text.contains("envelope_days = 30"));
}

#[test]
fn check_says_what_is_fine_and_what_to_fix() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let (code, text, errors) = run(&["check", "--data", data.to_str().unwrap(), "--listen", &free]);
    assert_eq!((code, errors.as_str()), (0, ""), "{text}");
    for name in ["folder", "disk", "certificate", "port", "clock"] {
        assert!(text.contains(&format!("ok    {name}: ")), "{text}");
    }
    let taken = taken.local_addr().unwrap().to_string();
    let (code, text, errors) = run(&["check", "--data", data.to_str().unwrap(), "--listen", &taken]);
    assert_eq!(code, 1);
    assert!(text.contains("fix   port: "));
    assert_eq!(errors, "error: 1 of the checks found something\nhint: do what stands under each `fix`\n");
}

#[test]
fn wrong_input_gets_a_clear_error_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let file = folder.path().join("relay.toml");
    std::fs::write(&file, "lisen = \"127.0.0.1:1\"\n").unwrap();
    let (code, _, errors) = run(&["serve", "--config", file.to_str().unwrap(), "--data", data.to_str().unwrap()]);
    assert_eq!(code, 2);
    assert!(errors.starts_with("error: unknown field `lisen`") && errors.contains("\nhint: "), "{errors}");
    let cases: [&[&str]; 5] = [
        &["serve", "--nonsense"],
        &["serve", "--cert", "a.pem"],
        &["serve", "--self-signed", "--behind-proxy"],
        &["link", "--public-url", "http://relay"],
        &["serve", "--listen", "nowhere"],
    ];
    for case in cases {
        let output = program(case).env("LIGHTPROOF_RELAY_DATA", &data).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{case:?}");
        assert!(output.stderr.starts_with(b"error: "), "{case:?}");
    }
    let output = program(&["serve"])
        .env("LIGHTPROOF_RELAY_DATA", &data)
        .env("LIGHTPROOF_RELAY_ENVELOPE_DAYS", "0")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(
        String::from_utf8(output.stderr).unwrap().contains("`envelope_days` cannot be used: 0 is not within 1 to 365")
    );
    assert!(!data.exists());
}

#[test]
fn a_setting_that_is_mistyped_in_the_environment_is_an_error_and_no_default() {
    let folder = tempfile::tempdir().unwrap();
    let (data, file) = (folder.path().join("data"), folder.path().join("file"));
    let file = file.to_str().unwrap();
    let cases: [&[&str]; 8] = [
        &["stats"],
        &["scrub"],
        &["access", "list"],
        &["backup", file],
        &["restore", file],
        &["link"],
        &["check"],
        &["serve", "--listen", "127.0.0.1:0"],
    ];
    for case in cases {
        let mut mistyped = program(case);
        let output = mistyped.env("LIGHTPROOF_RELAY_DATA", &data).env("LIGHTPROOF_RELAY_POLCIY", "access").output();
        let output = output.unwrap();
        let errors = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{case:?} {errors}");
        let (said, hint) = errors.split_once('\n').unwrap();
        assert_eq!(said, "error: unknown setting `LIGHTPROOF_RELAY_POLCIY` in the environment");
        assert!(hint.starts_with("hint: see `lightproof-relay config`"), "{hint}");
    }
    assert!(!data.exists());
    let settings = folder.path().join("relay.toml");
    std::fs::write(&settings, "data = \"nowhere\"\n").unwrap();
    let named = program(&["stats", "--data", data.to_str().unwrap()]).env("LIGHTPROOF_RELAY_CONFIG", settings).output();
    assert_ne!(named.unwrap().status.code(), Some(2), "where the file is may stand there");
}

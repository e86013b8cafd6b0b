//! Autobahn|Testsuite: the 301 cases that have nothing to do with compression (sections 1 to 7, 9 and 10).
//!
//! The tool itself needs Python 2.7, so what its client sent and what has to come back is kept in `frames.txt` and
//! played again in every run. Where the tool is there, `LIGHTPROOF_TEST_EFFORT` above 1 runs it through TLS, and
//! `LIGHTPROOF_AUTOBAHN=freeze` writes the file anew. What answers is an echo server made of the relay's parts: a relay
//! speaks its own language, and refuses text.

mod echo;
mod frames;

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    process::Command,
    sync::{Arc, Mutex},
    time::Duration,
};

use lightproof_relay::tls::Certificate;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};
use tokio_rustls::TlsAcceptor;

use crate::{
    effort,
    material::{ANY, Program, find},
};

use echo::Seen;

const CASES: usize = 301;
const FROZEN: &str = include_str!("frames.txt");

/// Each case, what it sends, and what has to come back.
fn frozen() -> impl Iterator<Item = (&'static str, &'static str, Vec<&'static str>)> {
    FROZEN.lines().map(|line| {
        let (case, rest) = line.split_once(" >").unwrap();
        let (sent, answers) = rest.split_once(" <").unwrap();
        (case, sent, answers.split_whitespace().collect())
    })
}

/// All that comes back for these bytes.
async fn answer(sent: Vec<u8>) -> Vec<u8> {
    let (ours, theirs) = tokio::io::duplex(64 * 1_024);
    let echoing = tokio::spawn(echo::echo(theirs));
    let (mut reader, mut writer) = tokio::io::split(ours);
    let sending = tokio::spawn(async move {
        // The other end may have had enough before.
        let _cut = writer.write_all(&sent).await;
        let _ended = writer.shutdown().await;
    });
    let mut answer = Vec::new();
    let read = reader.read_to_end(&mut answer);
    tokio::time::timeout(Duration::from_secs(60), read).await.expect("an end").unwrap();
    sending.await.unwrap();
    echoing.await.unwrap();
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn every_case_of_autobahn_is_answered_as_it_has_to_be() {
    let (mut played, mut wrong) = (0, Vec::new());
    for (case, sent, answers) in frozen() {
        played += 1;
        if frames::answers(&answer(frames::bytes_of(sent)).await) != answers {
            wrong.push(case);
        }
    }
    println!("evidence: P16 | {played} cases of Autobahn played again: {} wrong | one run", wrong.len());
    assert!(wrong.is_empty(), "{wrong:?}");
    assert_eq!(played, CASES);
}

/// Serves echoes over TLS; what was seen of each connection, in order.
async fn echo_over_tls() -> (u16, Arc<Mutex<Vec<Arc<Mutex<Seen>>>>>) {
    let acceptor = TlsAcceptor::from(Certificate::generate().unwrap().server_config().unwrap());
    let listener = TcpListener::bind(ANY).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let all = Arc::new(Mutex::new(Vec::new()));
    let connections = Arc::clone(&all);
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let seen = Arc::new(Mutex::new(Seen::default()));
            connections.lock().unwrap().push(Arc::clone(&seen));
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                if let Ok(stream) = acceptor.accept(stream).await {
                    echo::serve(stream, seen).await;
                }
            });
        }
    });
    (port, all)
}

fn run_the_tool(tool: &Path, folder: &Path, port: u16) -> Vec<String> {
    let settings = format!(
        r#"{{"outdir": "{}", "servers": [{{"agent": "relay", "url": "wss://127.0.0.1:{port}/v1"}}],
            "cases": ["1.*", "2.*", "3.*", "4.*", "5.*", "6.*", "7.*", "9.*", "10.*"], "exclude-cases": [], "exclude-agent-cases": {{}}}}"#,
        folder.display()
    );
    fs::write(folder.join("settings.json"), settings).unwrap();
    let mut command = Command::new(tool);
    command.args(["-m", "fuzzingclient", "-s"]).arg(folder.join("settings.json")).current_dir(folder);
    let mut program = Program::start(&mut command);
    let mut order = Vec::new();
    while let Some(line) = program.says_within("Running test case ID ", Duration::from_secs(120)) {
        order.extend(line.split("ID ").nth(1).and_then(|rest| rest.split(' ').next()).map(str::to_owned));
    }
    assert!(program.child.wait().unwrap().success());
    order
}

#[tokio::test(flavor = "multi_thread")]
async fn autobahn_itself_finds_no_fault() {
    let freezes = std::env::var("LIGHTPROOF_AUTOBAHN").is_ok_and(|asked| asked == "freeze");
    if effort::times(1) == 1 && !freezes {
        println!("skipped: Autobahn itself, which takes minutes; its frames are played in every run");
        return;
    }
    let Some(tool) = find("wstest") else { return };
    let folder = tempfile::tempdir().unwrap();
    let (port, seen) = echo_over_tls().await;
    let path = folder.path().to_owned();
    let order = tokio::task::spawn_blocking(move || run_the_tool(&tool, &path, port)).await.unwrap();
    let report: BTreeMap<String, BTreeMap<String, serde_json::Value>> =
        serde_json::from_slice(&fs::read(folder.path().join("index.json")).unwrap()).unwrap();
    let mut found = BTreeMap::<String, u32>::new();
    for (case, result) in &report["relay"] {
        let (behaviour, close) = (result["behavior"].as_str().unwrap(), result["behaviorClose"].as_str().unwrap());
        if behaviour != "OK" {
            println!("{case}: {behaviour}, close {close}");
        }
        assert!(!behaviour.contains("FAILED") && !close.contains("FAILED"), "{case}: {behaviour}, {close}");
        *found.entry(behaviour.to_owned()).or_default() += 1;
    }
    println!("evidence: P16 | {} cases of Autobahn through TLS: 0 failed, {found:?} | one run", report["relay"].len());
    assert_eq!(report["relay"].len(), CASES);
    let seen = seen.lock().unwrap();
    assert_eq!((order.len(), seen.len()), (CASES, CASES), "one connection each");
    if freezes {
        let line = |(case, seen): (&String, &Arc<Mutex<Seen>>)| {
            let seen = seen.lock().unwrap();
            format!("{case} >{} < {}\n", frames::describe(&seen.came), frames::answers(&seen.went).join(" "))
        };
        let lines: String = order.iter().zip(seen.iter()).map(line).collect();
        fs::write(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/front/autobahn/frames.txt"), lines).unwrap();
    }
}

//! `docs/operate.md` as a newcomer reads it: every block of it in its order, on one machine, with what comes out.

use std::{fs, net::SocketAddr, path::Path};

use lightproof_relay::config::Settings;
use lightproof_wire::{
    capability::{Capability, right},
    command::{Command, MailboxKind},
    refusal::Refusal,
    reply::Reply,
};
use serde_json::Value;

use crate::{
    client::{Client, mailbox},
    material::{Dialler, NAME, find},
    root::Machine,
    text_of,
    watched::drawn,
};

/// Blocks that are read by other programs than a shell and go into no file on the page: who tries them.
const TRIED_ELSEWHERE: [(&str, &str); 2] = [("caddyfile", "front/proxies.rs"), ("haproxy", "front/proxies.rs")];

/// A fenced block.
struct Block<'a> {
    language: &'a str,
    text: &'a str,
    /// The file that the line before says it goes into.
    file: Option<&'a str>,
    heading: &'a str,
}

fn blocks(page: &str) -> Vec<Block<'_>> {
    let mut found = Vec::new();
    let mut parts = page.split("\n```");
    let mut before = parts.next().unwrap();
    let mut heading = "";
    while let (Some(block), Some(after)) = (parts.next(), parts.next()) {
        heading = before.lines().rfind(|line| line.starts_with('#')).unwrap_or(heading);
        let (language, text) = block.split_once('\n').unwrap();
        let last = before.trim_end().lines().next_back().unwrap_or_default();
        let named = last.strip_suffix("`:").and_then(|line| line.rsplit_once('`')).map(|(_, path)| path);
        found.push(Block { language, text, file: named.filter(|path| path.starts_with('/')), heading });
        before = after;
    }
    found
}

/// Does what one block says; what it printed.
fn follow(machine: &Machine, block: &Block<'_>) -> String {
    match (block.language, block.file) {
        ("sh", None) => return machine.run(block.text),
        (_, Some(file)) => {
            let path = machine.here(file);
            fs::create_dir_all(Path::new(&path).parent().unwrap()).unwrap();
            fs::write(path, machine.here(block.text)).unwrap();
        }
        ("toml", None) => {
            Settings::from_table(block.text.parse().unwrap()).unwrap().check().unwrap();
        }
        (language, None) => {
            let (_, place) = TRIED_ELSEWHERE
                .iter()
                .find(|(it, _)| *it == language)
                .unwrap_or_else(|| panic!("nobody tries the block under {}: {}", block.heading, block.text));
            assert!(text_of(&format!("tests/{place}")).contains(&format!("documented(\"{language}\")")));
        }
    }
    String::new()
}

/// The relay as people reach it through the proxy of the page.
async fn client(machine: &Machine) -> Client {
    let stream = Dialler::trusting(&machine.authority.pem).dial(machine.front).await.unwrap();
    Client::over(stream, NAME).await.unwrap()
}

async fn create(client: &mut Client, byte: u8, access: Option<Capability<right::Access>>) -> Reply {
    let (owner, drop) = (mailbox(byte).owner.hash(), mailbox(byte).drop.hash());
    client.ask(Command::CreateMailbox { owner, drop, kind: MailboxKind::Private, access }).await
}

/// What Prometheus answers.
fn asked(machine: &Machine, address: SocketAddr, path: &str, query: &str) -> Value {
    let ask = format!("\"$REAL_CURL\" -s -G 'http://{address}{path}' --data-urlencode 'query={query}'");
    serde_json::from_str(&machine.run(&ask)).unwrap()
}

/// Prometheus reads the relay, knows the rules, and understands everything the dashboard asks.
fn is_watched(machine: &Machine) {
    let up = || asked(machine, machine.watcher, "/api/v1/query", "up{job=\"lightproof-relay\"} == 1");
    let until = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while up()["data"]["result"].as_array().is_none_or(Vec::is_empty) {
        assert!(std::time::Instant::now() < until, "{}", up());
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    let mut answered = 0;
    for expression in drawn() {
        let query = expression.replace("$__rate_interval", "1m");
        let answer = asked(machine, machine.watcher, "/api/v1/query", &query);
        assert_eq!(answer["status"], "success", "{query}: {answer}");
        answered += usize::from(!answer["data"]["result"].as_array().unwrap().is_empty());
    }
    // Rates need two looks, which take as long as the page says; the rest is there at once.
    assert!(answered >= 7, "{answered} of {} have a value", drawn().len());
    let rules = asked(machine, machine.watcher, "/api/v1/rules", "");
    assert_eq!(rules["data"]["groups"][0]["rules"].as_array().unwrap().len(), 5, "{rules}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newcomer_with_the_page_alone_gets_a_relay_behind_nginx_with_access_and_a_dashboard() {
    let needed = ["nginx", "curl", "promtool", "prometheus", "systemd-analyze", "systemd-socket-activate"];
    if needed.into_iter().any(|name| find(name).is_none()) {
        return;
    }
    let page = text_of("../docs/operate.md");
    let machine = Machine::new();
    let (mut access, mut commands) = (None, 0);
    for block in blocks(&page) {
        if block.text.contains("cargo deb") {
            // The reader goes on with the next chapter: Ctrl-C, as the first one said.
            machine.run("kill -INT $(cat run/first.pid); until grep -q stopped run/first.log; do sleep 0.05; done");
        }
        let said = follow(&machine, &block);
        commands +=
            if block.language == "sh" { block.text.lines().filter(|line| !line.trim().is_empty()).count() } else { 0 };
        if block.text.contains(" access new ") && access.is_none() {
            access = said.lines().find_map(|line| Capability::<right::Access>::parse(line.trim()).ok());
            assert_eq!(said.lines().last(), Some(format!("wss://{NAME}/").as_str()), "{said}");
        }
        if block.text.contains("restart prometheus") {
            let mut client = client(&machine).await;
            assert_eq!(create(&mut client, 1, None).await, Reply::Refused(Refusal::Refused));
            assert_eq!(create(&mut client, 1, access.clone()).await, Reply::Created);
            is_watched(&machine);
        }
        if block.text.contains("/readyz") {
            assert_eq!(said.trim(), "ready");
        }
    }
    let told = fs::read_to_string(machine.path("client")).unwrap();
    assert!(
        told.contains("init ") && told.contains("wss://relay.example.org") && told.contains("--access-file"),
        "{told}"
    );
    assert!(access.is_some() && commands >= 20, "{commands}");
    println!("evidence: P23 | {commands} commands of docs/operate.md run in their order | one run");
}

#[test]
fn a_block_is_found_with_its_language_and_its_file() {
    let page = "# One\n\nIn `/etc/x.toml`:\n\n```toml\na = 1\n```\n\nand `this`:\n\n```sh\ntrue\nfalse\n```\n";
    let found: Vec<_> = blocks(page).iter().map(|it| (it.language, it.text, it.file, it.heading)).collect();
    assert_eq!(found, [("toml", "a = 1", Some("/etc/x.toml"), "# One"), ("sh", "true\nfalse", None, "# One")]);
}

//! What a relay says of itself to whoever watches it: documented, drawn, and nothing drawn that is not there.

use std::{collections::BTreeSet, process::Command};

use lightproof_relay::RunningRelay;
use lightproof_wire::{command::MailboxKind, reply::Reply};
use serde_json::Value;

use crate::{
    client::{Client, mailbox},
    material::{find, start},
    text_of,
};

/// Every name of a sample, once there is one of each.
async fn samples(relay: &RunningRelay) -> BTreeSet<String> {
    let mut client = Client::connect(relay.link()).await;
    assert_eq!(client.create(&mailbox(1), MailboxKind::Private).await, Reply::Created);
    assert!(matches!(client.deposit(&mailbox(9), 1).await, Reply::Refused(_)));
    let text = relay.metrics().text().unwrap();
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| line.split(['{', ' ']).next().unwrap().to_owned()).collect()
}

/// Names of ours in a text: of samples, or of what is asked about them.
fn named(text: &str) -> BTreeSet<String> {
    let starts = text.match_indices("lightproof_relay_").map(|(at, _)| &text[at..]);
    starts.map(|rest| rest.chars().take_while(|one| one.is_ascii_alphanumeric() || *one == '_').collect()).collect()
}

/// What the dashboard asks of Prometheus.
pub(crate) fn drawn() -> Vec<String> {
    let board: Value = serde_json::from_str(&text_of("dist/grafana.json")).unwrap();
    let panels = board["panels"].as_array().unwrap();
    let targets = panels.iter().flat_map(|panel| panel["targets"].as_array().unwrap());
    targets.map(|target| target["expr"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_drawn_and_everything_that_wakes_somebody_is_measured() {
    let folder = tempfile::tempdir().unwrap();
    let relay = start(folder.path(), "").await;
    let there = samples(&relay).await;
    let asked: BTreeSet<String> = drawn().iter().flat_map(|expression| named(expression)).collect();
    let waking = named(&text_of("dist/alerts.yml"));
    let strays: Vec<_> = asked.union(&waking).filter(|name| !there.contains(*name)).collect();
    assert!(strays.is_empty(), "{strays:?} of {there:?}");
    assert!(asked.len() > 15 && waking.len() > 2, "{asked:?} {waking:?}");
    relay.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_measured_is_on_the_page_and_drawn_and_nothing_else_is_on_the_page() {
    let folder = tempfile::tempdir().unwrap();
    let relay = start(folder.path(), "").await;
    // Of a histogram people name the whole.
    let whole = |name: &String| {
        let parts = ["_bucket", "_sum", "_count"];
        parts.iter().find_map(|part| name.strip_suffix(part)).unwrap_or(name).to_owned()
    };
    let there: BTreeSet<String> = samples(&relay).await.iter().map(whole).collect();
    let page: BTreeSet<String> = named(&text_of("../docs/operate.md")).iter().map(whole).collect();
    let drawn: BTreeSet<String> =
        drawn().iter().flat_map(|expression| named(expression)).map(|name| whole(&name)).collect();
    for (where_, names) in [("the page", page), ("the dashboard", drawn)] {
        let absent: Vec<_> = there.difference(&names).collect();
        let strange: Vec<_> = names.difference(&there).collect();
        assert!(absent.is_empty() && strange.is_empty(), "{where_} lacks {absent:?} and has {strange:?}");
    }
    relay.shutdown().await;
}

#[test]
fn the_rules_that_wake_somebody_can_be_read_by_prometheus() {
    let Some(promtool) = find("promtool") else { return };
    let rules = concat!(env!("CARGO_MANIFEST_DIR"), "/dist/alerts.yml");
    let output = Command::new(promtool).args(["check", "rules", rules]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn the_dashboard_has_room_for_each_panel_and_asks_the_source_that_is_chosen() {
    let board: Value = serde_json::from_str(&text_of("dist/grafana.json")).unwrap();
    assert_eq!(board["templating"]["list"][0]["name"], "datasource");
    let number = |panel: &Value, key: &str| panel["gridPos"][key].as_u64().unwrap();
    let mut taken = BTreeSet::new();
    let mut ids = BTreeSet::new();
    for panel in board["panels"].as_array().unwrap() {
        let title = panel["title"].as_str().unwrap();
        assert!(ids.insert(panel["id"].as_u64().unwrap()), "{title}");
        assert_eq!(panel["datasource"]["uid"], "${datasource}", "{title}");
        for x in number(panel, "x")..number(panel, "x") + number(panel, "w") {
            for y in number(panel, "y")..number(panel, "y") + number(panel, "h") {
                assert!(x < 24 && taken.insert((x, y)), "{title} lies on another");
            }
        }
    }
    assert!(ids.len() > 10);
}

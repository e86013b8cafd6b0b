//! The evidence: its page is what the ledger says, and what tests claim to show is promised somewhere.

use std::fs;

use lightproof_tests::evidence::{Run, page};

use super::{assert_none, root, sources};

#[test]
fn the_page_of_evidence_is_what_the_ledger_says() {
    let read = |name| fs::read_to_string(root().join(name)).unwrap();
    let [ledger, promises, there] = ["docs/evidence.jsonl", "docs/promises.md", "docs/evidence.md"].map(read);
    let runs: Vec<Run> = ledger.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(!runs.is_empty());
    assert!(there == page(&runs, &promises), "docs/evidence.md is not what `.ci/campaign` writes");
}

#[test]
fn what_tests_show_is_promised() {
    let promises = fs::read_to_string(root().join("docs/promises.md")).unwrap();
    let mut found = 0;
    let mut unknown = Vec::new();
    for package in ["protocol/wire", "protocol/e2ee", "client-core", "relay", "client-cli", "tests"] {
        for source in sources::all(package) {
            let text = fs::read_to_string(root().join(&source.path)).unwrap();
            for said in text.split(concat!('"', "evidence: ")).skip(1) {
                let Some((ids, _)) =
                    said.split_once(" | ").filter(|_| said.starts_with(|first: char| first.is_ascii_uppercase()))
                else {
                    continue;
                };
                found += 1;
                let missing = ids.split(' ').filter(|id| !promises.contains(&format!("\n| {id} |")));
                unknown.extend(missing.map(|id| format!("{}: {id} is not in docs/promises.md", source.path)));
            }
        }
    }
    assert!(found > 20, "the tests are not looked at");
    assert_none(&unknown);
}

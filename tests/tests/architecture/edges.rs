//! Who may import whom.

use super::{
    assert_none,
    cargo::{self, Edge, Kind, edges_in, tree},
    sources::{self, Source},
};

/// Every edge there may be. `tests` and `bench` may import everything.
const ALLOWED: &[(&str, &str)] = &[
    ("lightproof-e2ee", "lightproof-wire"),
    ("lightproof-relay", "lightproof-wire"),
    ("lightproof-core", "lightproof-e2ee"),
    ("lightproof-core", "lightproof-wire"),
    ("lightproof-cli", "lightproof-core"),
];
const MAY_IMPORT_ALL: &[&str] = &["lightproof-tests", "lightproof-bench"];

/// `lightproof demo` runs a relay in its own process, so that the first minute needs no server.
const DEMO: (&str, &str) = ("lightproof-cli", "lightproof-relay");
const DEMO_FILE: &str = "client-cli/src/commands/demo/mod.rs";

fn forbidden_edges(edges: &[Edge]) -> Vec<String> {
    let is_allowed = |edge: &&Edge| {
        let ends = (edge.from.as_str(), edge.to.as_str());
        let is_itself = edge.kind == Kind::TestsOnly && edge.from == edge.to;
        let is_demo = ends == DEMO && edge.kind != Kind::Always;
        ALLOWED.contains(&ends) || MAY_IMPORT_ALL.contains(&ends.0) || is_demo || is_itself
    };
    edges
        .iter()
        .filter(|edge| !is_allowed(edge))
        .map(|edge| format!("{} may not import {}", edge.from, edge.to))
        .collect()
}

fn missing_edges(edges: &[Edge]) -> Vec<String> {
    let is_there = |(from, to): &&(&str, &str)| {
        edges.iter().any(|edge| edge.kind == Kind::Always && edge.from == *from && edge.to == *to)
    };
    ALLOWED.iter().filter(|ends| !is_there(ends)).map(|(from, to)| format!("{from} imports {to} no more")).collect()
}

fn naming_the_relay(sources: &[Source]) -> Vec<String> {
    let names = |source: &&Source| source.path != DEMO_FILE && source.roots().contains("lightproof_relay");
    sources.iter().filter(names).map(|source| format!("{} names the relay", source.path)).collect()
}

#[test]
fn packages_import_only_what_the_architecture_allows() {
    let edges = cargo::edges();
    assert_none(&forbidden_edges(&edges));
    assert_none(&missing_edges(&edges));
}

#[test]
fn the_relay_holds_no_end_to_end_cryptography() {
    let built = tree("lightproof-relay", &["--edges", "normal,build"]);
    let names: Vec<&str> = built.iter().map(|(name, _)| name.as_str()).collect();
    assert!(names.contains(&"lightproof-wire"));
    for foreign in ["lightproof-e2ee", "lightproof-core", "x-wing", "ml-kem", "ml-dsa", "chacha20poly1305", "argon2"] {
        assert!(!names.contains(&foreign), "the relay links {foreign}");
    }
}

#[test]
fn a_client_without_the_demo_holds_no_server() {
    let built = tree("lightproof-cli", &["--edges", "normal,build", "--no-default-features"]);
    let names: Vec<&str> = built.iter().map(|(name, _)| name.as_str()).collect();
    assert!(names.contains(&"lightproof-core"));
    assert!(!names.contains(&"lightproof-relay") && !names.contains(&"axum"));
}

#[test]
fn only_the_demo_names_the_relay() {
    assert_none(&naming_the_relay(&sources::shipped("client-cli")));
}

#[test]
fn a_planted_edge_is_found() {
    let planted = |from: &str, to: &str, kind: &str, optional: bool| {
        let dependency = serde_json::json!({
            "name": to, "kind": if kind.is_empty() { None } else { Some(kind) }, "optional": optional, "path": "/x"
        });
        let outsider = serde_json::json!({ "name": "redb", "kind": null, "optional": false });
        let packages = serde_json::json!([{ "name": from, "dependencies": [dependency, outsider] }]);
        forbidden_edges(&edges_in(&serde_json::json!({ "packages": packages })))
    };
    assert_eq!(
        planted("lightproof-relay", "lightproof-e2ee", "", false),
        ["lightproof-relay may not import lightproof-e2ee"]
    );
    assert_eq!(planted("lightproof-relay", "lightproof-e2ee", "dev", false).len(), 1, "nor in its tests");
    assert_eq!(planted("lightproof-wire", "lightproof-e2ee", "build", false).len(), 1, "nor in a build script");
    assert_eq!(planted("lightproof-cli", "lightproof-relay", "", false).len(), 1, "the demo is a feature");
    assert_eq!(planted("lightproof-core", "lightproof-common", "", false).len(), 1);
    assert_none(&planted("lightproof-cli", "lightproof-relay", "", true));
    assert_none(&planted("lightproof-tests", "lightproof-relay", "", false));
    assert_eq!(missing_edges(&[]).len(), ALLOWED.len());
}

#[test]
fn a_planted_relay_in_the_client_is_found() {
    let planted = [
        Source::new("client-cli/src/commands/send.rs", "fn f() { lightproof_relay::start(); }"),
        Source::new("client-cli/src/main.rs", "use lightproof_relay as r;"),
        Source::new("client-cli/src/args/mod.rs", "// lightproof_relay is named in a comment"),
        Source::new(DEMO_FILE, "use lightproof_relay::start;"),
    ];
    let expected = ["client-cli/src/commands/send.rs names the relay", "client-cli/src/main.rs names the relay"];
    assert_eq!(naming_the_relay(&planted), expected);
}

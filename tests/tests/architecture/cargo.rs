//! What Cargo knows: the packages of this workspace, their declared dependencies, and what is built for a target.

use std::{collections::BTreeSet, process::Command};

use serde_json::Value;

/// A dependency between two packages of this workspace, as declared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Edge {
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) kind: Kind,
}

/// When an edge is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Always,
    Optional,
    TestsOnly,
}

/// A package as built: name and version.
pub(crate) type Package = (String, String);

/// All edges between packages of this workspace.
pub(crate) fn edges() -> Vec<Edge> {
    edges_in(&serde_json::from_str(&run(&["metadata", "--no-deps", "--format-version", "1"])).unwrap())
}

/// The edges in the output of `cargo metadata`: those with a path, for all others come from a registry.
pub(crate) fn edges_in(metadata: &Value) -> Vec<Edge> {
    let mut edges = Vec::new();
    for package in metadata["packages"].as_array().unwrap() {
        for dependency in package["dependencies"].as_array().unwrap().iter().filter(|one| one["path"].is_string()) {
            let kind = match (dependency["kind"].as_str(), dependency["optional"].as_bool()) {
                (Some("dev"), _) => Kind::TestsOnly,
                (_, Some(true)) => Kind::Optional,
                _ => Kind::Always,
            };
            let name = |value: &Value| value["name"].as_str().unwrap().to_owned();
            edges.push(Edge { from: name(package), to: name(dependency), kind });
        }
    }
    edges
}

/// Everything that is compiled for a package, itself included. `more` are arguments of `cargo tree`.
pub(crate) fn tree(package: &str, more: &[&str]) -> BTreeSet<Package> {
    let fixed = ["tree", "--prefix", "none", "--format", "{p}", "--package", package];
    packages_in(&run(&[&fixed, more].concat()))
}

/// Everything that is compiled for a package, with the licences it is offered under.
pub(crate) fn licences(package: &str) -> BTreeSet<Package> {
    let lines =
        run(&["tree", "--prefix", "none", "--edges", "normal,build", "--format", "{p}|{l}", "--package", package]);
    let licence = |line: &str| {
        let (name, licence) = line.trim_end_matches(" (*)").split_once('|')?;
        Some((name.to_owned(), licence.to_owned()))
    };
    lines.lines().filter_map(licence).collect()
}

/// The packages in lines such as `redb v4.4.0` or `lightproof-wire v0.1.0 (/path)`.
pub(crate) fn packages_in(lines: &str) -> BTreeSet<Package> {
    let package = |line: &str| {
        let (name, rest) = line.split_once(" v")?;
        Some((name.to_owned(), rest.split(' ').next()?.to_owned()))
    };
    lines.lines().filter_map(package).collect()
}

/// Every package that Cargo.lock names, built or not.
pub(crate) fn locked() -> BTreeSet<Package> {
    locked_in(&std::fs::read_to_string(super::root().join("Cargo.lock")).unwrap())
}

/// The packages a lock file names.
pub(crate) fn locked_in(lock: &str) -> BTreeSet<Package> {
    let lock: toml::Table = lock.parse().unwrap();
    let text = |package: &toml::Value, key: &str| package[key].as_str().unwrap().to_owned();
    let packages = lock["package"].as_array().unwrap().iter();
    packages.map(|package| (text(package, "name"), text(package, "version"))).collect()
}

/// What was fetched to build these tests is enough to answer: no network.
fn run(arguments: &[&str]) -> String {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    let output = command.current_dir(super::root()).args(arguments).args(["--locked", "--offline"]).output().unwrap();
    assert!(output.status.success(), "cargo {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn lines_of_a_tree_are_read() {
    let lines = "lightproof-wire v0.1.0 (/somewhere/protocol/wire)\nsubtle v2.6.1\nsubtle v2.6.1\n\nthiserror-impl v2.0.1 (proc-macro)\n";
    let read: Vec<Package> = packages_in(lines).into_iter().collect();
    let expected = [("lightproof-wire", "0.1.0"), ("subtle", "2.6.1"), ("thiserror-impl", "2.0.1")];
    assert_eq!(read, expected.map(|(name, version)| (name.to_owned(), version.to_owned())));
}

//! What comes from outside: how much of it, one version of what is cryptographic, nothing banned, nothing outdated.

use std::collections::BTreeSet;

use super::{
    assert_none,
    cargo::{Package, locked, locked_in, tree},
};

/// Packages compiled for each of ours, itself included. Growth needs a reason.
const CEILINGS: &[(&str, &[&str], usize)] = &[
    ("lightproof-wire", &[], 45),
    ("lightproof-e2ee", &[], 60),
    // Thirteen of them decode JPEG XL.
    ("lightproof-core", &[], 120),
    ("lightproof-relay", &[], 190),
    ("lightproof-cli", &["--no-default-features"], 220),
];

const CRYPTOGRAPHIC: &[&str] = &[
    "argon2",
    "aws-lc-rs",
    "aws-lc-sys",
    "chacha20poly1305",
    "crypto-common",
    "curve25519-dalek",
    "digest",
    "ed25519-dalek",
    "hkdf",
    "hmac",
    "kem",
    "ml-dsa",
    "ml-kem",
    "poly1305",
    "rustls",
    "rustls-webpki",
    "sha2",
    "sha3",
    "subtle",
    "x-wing",
    "x25519-dalek",
    "zeroize",
];

const BANNED: &[&str] = &[
    "atty",
    "bincode",
    "dotenv",
    "openssl",
    "openssl-sys",
    "proc-macro-error",
    "rustls-pemfile",
    "serde_cbor",
    "serde_yml",
    "sharks",
    "viuer",
];

/// Named in the lock file through features nobody turns on; they may not be built.
const NEVER_BUILT: &[&str] = &["ring", "openssl", "openssl-sys", "native-tls"];

/// The first version without a known fault.
const FLOORS: &[(&str, [u64; 3])] = &[
    ("aws-lc-sys", [0, 39, 0]),
    ("ed25519-dalek", [3, 0, 0]),
    ("ml-dsa", [0, 1, 2]),
    ("ml-kem", [0, 3, 4]),
    ("redb", [4, 4, 0]),
    ("rustls-webpki", [0, 103, 13]),
    ("tokio-tungstenite", [0, 30, 0]),
    ("x-wing", [0, 1, 1]),
];

fn duplicates(locked: &BTreeSet<Package>) -> Vec<String> {
    let versions = |name: &str| locked.iter().filter(|(other, _)| other == name).count();
    CRYPTOGRAPHIC.iter().filter(|name| versions(name) > 1).map(|name| format!("more than one {name}")).collect()
}

fn banned(locked: &BTreeSet<Package>) -> Vec<String> {
    let found = locked.iter().filter(|(name, _)| BANNED.contains(&name.as_str()));
    found.map(|(name, _)| format!("{name} is banned")).collect()
}

fn prereleases(locked: &BTreeSet<Package>) -> Vec<String> {
    let found = locked.iter().filter(|(_, version)| version.split('+').next().is_some_and(|core| core.contains('-')));
    found.map(|(name, version)| format!("{name} {version} is a pre-release")).collect()
}

fn outdated(locked: &BTreeSet<Package>) -> Vec<String> {
    let below = |(name, version): &&Package| {
        let floor = FLOORS.iter().find(|(floored, _)| floored == name).map(|(_, floor)| floor);
        floor.is_some_and(|floor| numbers(version) < *floor)
    };
    locked.iter().filter(below).map(|(name, version)| format!("{name} {version} has a known fault")).collect()
}

fn numbers(version: &str) -> [u64; 3] {
    let mut parts = version.split(['.', '-', '+']).map(|part| part.parse().unwrap_or(0));
    [(); 3].map(|()| parts.next().unwrap_or(0))
}

#[test]
fn trees_stay_below_their_ceilings() {
    for (package, more, ceiling) in CEILINGS {
        let count = tree(package, &[&["--edges", "normal,build"], *more].concat()).len();
        assert!(count > 10 && count <= *ceiling, "{package}: {count} packages, the ceiling is {ceiling}");
    }
}

#[test]
fn there_is_one_version_of_everything_cryptographic_and_nothing_banned_or_outdated() {
    let locked = locked();
    assert_none(&duplicates(&locked));
    assert_none(&banned(&locked));
    assert_none(&prereleases(&locked));
    assert_none(&outdated(&locked));
}

#[test]
fn every_floor_and_every_cryptographic_package_is_one_we_have() {
    let locked = locked();
    let named = CRYPTOGRAPHIC.iter().chain(FLOORS.iter().map(|(name, _)| name));
    let absent = named.filter(|name| !locked.iter().any(|(other, _)| other == *name));
    assert_none(&absent.map(|name| format!("{name} is in no tree any more")).collect::<Vec<_>>());
}

#[test]
fn one_provider_of_tls_is_built() {
    for package in ["lightproof-relay", "lightproof-cli"] {
        let built = tree(package, &["--edges", "normal,build"]);
        assert!(built.iter().any(|(name, _)| name == "aws-lc-rs"));
        let foreign = built.iter().filter(|(name, _)| NEVER_BUILT.contains(&name.as_str()));
        assert_none(&foreign.map(|(name, _)| format!("{package} builds {name}")).collect::<Vec<_>>());
    }
}

#[test]
fn planted_packages_are_found() {
    let lock = |packages: &[(&str, &str)]| {
        let package =
            |(name, version): &(&str, &str)| format!("[[package]]\nname = \"{name}\"\nversion = \"{version}\"\n");
        locked_in(&packages.iter().map(package).collect::<String>())
    };
    assert_eq!(duplicates(&lock(&[("sha2", "0.10.9"), ("sha2", "0.11.0")])), ["more than one sha2"]);
    assert_eq!(banned(&lock(&[("bincode", "1.3.3")])), ["bincode is banned"]);
    assert_eq!(prereleases(&lock(&[("redb", "5.0.0-beta.1")])), ["redb 5.0.0-beta.1 is a pre-release"]);
    assert_none(&prereleases(&lock(&[("wasi", "0.14.7+wasi-0.2.4")])));
    assert_eq!(outdated(&lock(&[("ml-kem", "0.3.3")])), ["ml-kem 0.3.3 has a known fault"]);
    assert_none(&outdated(&lock(&[("ml-kem", "0.3.10"), ("redb", "4.4.0")])));
}

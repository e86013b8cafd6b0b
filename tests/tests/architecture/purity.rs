//! What a pure package may not touch, and what nobody may.

use super::{
    assert_none,
    cargo::tree,
    sources::{self, Source},
};

const PURE: &[(&str, &str)] =
    &[("lightproof-wire", "protocol/wire"), ("lightproof-e2ee", "protocol/e2ee"), ("lightproof-core", "client-core")];
const EVERYTHING: &[&str] = &["protocol/wire", "protocol/e2ee", "client-core", "relay", "client-cli", "bench", "tests"];

const FORBIDDEN_IN_STD: &[&str] = &["env", "fs", "net", "os", "process", "thread"];
const FORBIDDEN_ROOTS: &[&str] = &["async_std", "getrandom", "log", "mio", "rand", "smol", "tokio", "tracing"];
const FORBIDDEN_TYPES: &[&str] = &["Instant", "SystemTime"];
const FORBIDDEN_MACROS: &[&str] = &["dbg", "eprint", "eprintln", "print", "println"];
const TARGETS: &[&str] = &["x86_64-unknown-linux-gnu", "wasm32-unknown-unknown"];

fn impurities(source: &Source) -> Vec<String> {
    let mut found = Vec::new();
    for path in source.paths() {
        let segments: Vec<&str> = path.split("::").collect();
        let is_std = segments.len() > 1 && segments[0] == "std" && FORBIDDEN_IN_STD.contains(&segments[1]);
        let is_type = segments.iter().any(|segment| FORBIDDEN_TYPES.contains(segment));
        if is_std || is_type || FORBIDDEN_ROOTS.contains(&segments[0]) && segments.len() > 1 {
            found.push(format!("{} touches {path}", source.path));
        }
    }
    let macros = FORBIDDEN_MACROS.iter().filter(|name| source.calls_macro(name));
    found.extend(macros.map(|name| format!("{} calls {name}!", source.path)));
    found
}

fn unsafe_words(source: &Source) -> Vec<String> {
    if source.has_word("unsafe") { vec![format!("{} says unsafe", source.path)] } else { Vec::new() }
}

fn unwraps(source: &Source) -> Vec<String> {
    let found = source.code().contains(".unwrap()");
    if found { vec![format!("{} unwraps", source.path)] } else { Vec::new() }
}

#[test]
fn pure_packages_touch_no_file_socket_clock_task_log_or_global_randomness() {
    for (_, folder) in PURE {
        let sources = sources::shipped(folder);
        assert!(sources.len() > 5, "{folder} is not looked at");
        assert_none(&sources.iter().flat_map(impurities).collect::<Vec<_>>());
    }
}

#[test]
fn pure_packages_link_no_runtime_and_no_random_source() {
    for (package, _) in PURE {
        for target in TARGETS {
            let built = tree(package, &["--edges", "normal", "--target", target]);
            assert!(built.iter().any(|(name, _)| name == "rand_core"), "{package} for {target} is not looked at");
            for (name, _) in built {
                // The decoder of JPEG XL speaks to `tracing`; in a client nobody listens, and our own code has no word for it.
                let is_foreign = ["getrandom", "js-sys", "mio", "tokio", "wasm-bindgen"].contains(&name.as_str());
                assert!(!is_foreign, "{package} links {name} for {target}");
            }
        }
    }
}

#[test]
fn nothing_says_unsafe() {
    for folder in EVERYTHING {
        assert_none(&sources::all(folder).iter().flat_map(unsafe_words).collect::<Vec<_>>());
    }
}

#[test]
fn nothing_unwraps_outside_tests() {
    for folder in EVERYTHING.iter().filter(|folder| **folder != "tests") {
        assert_none(&sources::shipped(folder).iter().flat_map(unwraps).collect::<Vec<_>>());
    }
}

#[test]
fn planted_impurities_are_found() {
    for planted in [
        "use std::fs;",
        "use std::{collections::BTreeMap, fs::File};",
        "use std::{io, net as n};",
        "fn f() { std::thread::sleep(d) }",
        "fn f() -> std::time::Instant { todo() }",
        "use std::time::SystemTime as Clock;",
        "fn f() { tokio::spawn(x); }",
        "use tracing::info;",
        "fn f() { getrandom::fill(&mut x); }",
        "fn f() { println!(\"x\"); }",
    ] {
        assert_eq!(impurities(&Source::new("planted.rs", planted)).len(), 1, "{planted}");
    }
    for innocent in [
        "// std::fs in a comment",
        "/* use /* std::net; */ tokio::x */",
        "const X: &str = \"use std::fs;\";",
        "const X: &str = r#\"println!(\"std::env\")\"#;",
        "#[cfg(test)]\nmod tests { use std::fs; fn f() { println!(\"}\"); } }",
        "use core::net::IpAddr;",
        "mod env; use crate::env::X;",
        "fn thread<'a>(x: &'a str) -> char { 'x' }",
    ] {
        assert_none(&impurities(&Source::new("innocent.rs", innocent)));
    }
}

#[test]
fn a_planted_unwrap_or_unsafe_is_found() {
    assert_eq!(unwraps(&Source::new("x.rs", "fn f() { g()\n.unwrap() }")), ["x.rs unwraps"]);
    assert_none(&unwraps(&Source::new(
        "x.rs",
        "fn f() { g().unwrap_or_default() } #[cfg(test)] mod t { fn f() { g().unwrap() } }",
    )));
    assert_eq!(unsafe_words(&Source::new("x.rs", "fn f() { unsafe { g() } }")), ["x.rs says unsafe"]);
    assert_none(&unsafe_words(&Source::new("x.rs", "#![forbid(unsafe_code)] // unsafe")));
}

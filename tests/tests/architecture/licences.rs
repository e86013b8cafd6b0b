//! Under which licences what we link may be: the permissive side of every OR.

use super::{assert_none, cargo};

/// As in `.ci/deny.toml`.
const ALLOWED: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "IJG",
    "ISC",
    "MIT",
    "Unicode-3.0",
    "Zlib",
];

/// Whether what we link may be taken under an expression of SPDX, or of the older form with a slash.
fn is_allowed(expression: &str) -> bool {
    let expression = expression.trim().replace('/', " OR ");
    let any = |part: &&str| top_level(part, " AND ").iter().all(|one| is_allowed_alone(one));
    top_level(&expression, " OR ").iter().any(any)
}

fn is_allowed_alone(one: &str) -> bool {
    match one.trim().strip_prefix('(').and_then(|inside| inside.strip_suffix(')')) {
        Some(inside) => is_allowed(inside),
        None => ALLOWED.contains(&one.split_whitespace().collect::<Vec<_>>().join(" ").as_str()),
    }
}

/// The parts between separators that stand in no parentheses.
fn top_level<'a>(text: &'a str, separator: &str) -> Vec<&'a str> {
    let (mut parts, mut start) = (Vec::new(), 0);
    for (at, _) in text.match_indices(separator) {
        let before = &text[..at];
        if before.matches('(').count() == before.matches(')').count() {
            parts.push(&text[start..at]);
            start = at + separator.len();
        }
    }
    parts.push(&text[start..]);
    parts
}

#[test]
fn everything_we_link_is_permissive() {
    for package in ["lightproof-relay", "lightproof-cli"] {
        let licences = cargo::licences(package);
        assert!(licences.len() > 100, "{package} is not looked at");
        let refused = licences.iter().filter(|(_, licence)| !is_allowed(licence));
        assert_none(&refused.map(|(name, licence)| format!("{name} is under {licence:?}")).collect::<Vec<_>>());
    }
}

#[test]
fn the_list_is_the_one_of_cargo_deny() {
    let deny: toml::Table = std::fs::read_to_string(super::root().join(".ci/deny.toml")).unwrap().parse().unwrap();
    let mut listed: Vec<&str> =
        deny["licenses"]["allow"].as_array().unwrap().iter().map(|one| one.as_str().unwrap()).collect();
    listed.sort_unstable();
    assert_eq!(listed, ALLOWED);
}

#[test]
fn a_planted_licence_is_found() {
    for refused in [
        "GPL-3.0-only",
        "MIT AND AGPL-3.0",
        "LGPL-2.1 OR GPL-2.0",
        "(MIT OR ISC) AND WTFPL",
        "",
        "MIT AND (GPL-2.0 OR LGPL-3.0)",
    ] {
        assert!(!is_allowed(refused), "{refused}");
    }
    for allowed in [
        "MIT",
        "MIT/GPL-3.0",
        "Unlicense OR MIT",
        "ISC AND (Apache-2.0 OR ISC)",
        "GPL-2.0 OR Apache-2.0 WITH LLVM-exception",
        "(MIT OR Apache-2.0) AND Unicode-3.0",
    ] {
        assert!(is_allowed(allowed), "{allowed}");
    }
}

//! The table of settings in `docs/operate.md`: the one of the program, whole and true.

use std::collections::BTreeMap;

use crate::{process::run, text_of};

/// Setting and default of each row of all such tables; a row may name several of both.
fn documented(page: &str) -> BTreeMap<String, String> {
    let tables = page.split("\n| setting | default | ").skip(1);
    let rows = tables.flat_map(|table| table.lines().skip(2).take_while(|line| line.starts_with('|')));
    let mut found = BTreeMap::new();
    // One row points to another table.
    for row in rows.filter(|row| !row.contains('…') || row.contains("~/")) {
        let cells: Vec<_> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let names: Vec<_> = cells[0].split(", ").map(|name| name.trim_matches('`').to_owned()).collect();
        let defaults: Vec<_> = if names.len() == 1 { vec![cells[1]] } else { cells[1].split(", ").collect() };
        for (index, name) in names.into_iter().enumerate() {
            let default = defaults.get(index).copied().unwrap_or(cells[1]);
            assert!(found.insert(name, default.trim_matches('`').to_owned()).is_none(), "{row}");
        }
    }
    found
}

#[test]
fn the_page_names_every_setting_and_no_other() {
    let (_, printed, _) = run(&["config"]);
    let listed = |line: &str| {
        let (name, _) = line.trim_start_matches("# ").split_once(" = ")?;
        name.chars().all(|one| one.is_ascii_lowercase() || one == '_').then(|| name.to_owned())
    };
    let listed: Vec<_> = printed.lines().filter_map(listed).collect();
    let documented: Vec<_> = documented(&text_of("../docs/operate.md")).into_keys().collect();
    let absent: Vec<_> = listed.iter().filter(|name| !documented.contains(name)).collect();
    let strange: Vec<_> = documented.iter().filter(|name| !listed.contains(name)).collect();
    assert!(absent.is_empty() && strange.is_empty(), "not on the page: {absent:?}; on the page alone: {strange:?}");
    assert!(listed.len() > 40, "{listed:?}");
}

#[test]
fn every_number_and_word_that_the_page_calls_a_default_is_one() {
    let (_, printed, _) = run(&["config"]);
    let defaults: toml::Table = printed.parse().unwrap();
    let mut compared = 0;
    for (name, said) in documented(&text_of("../docs/operate.md")) {
        let Some(default) = defaults.get(&name) else { continue };
        let printed = default.as_str().map_or_else(|| default.to_string(), str::to_owned);
        // Of what is empty by default the page says in words what that means.
        if printed.is_empty() || printed == "[]" || name == "acme_directory" {
            continue;
        }
        assert_eq!(said, printed, "{name}");
        compared += 1;
    }
    assert!(compared > 30, "{compared}");
}

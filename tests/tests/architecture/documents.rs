//! The documents: every test they name is there, and every page they link to.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use super::{assert_none, code, root, sources};

const PACKAGES: &[&str] = &["protocol/wire", "protocol/e2ee", "client-core", "relay", "client-cli", "tests"];
const NAMING_TESTS: &[&str] = &["docs/threat-model.md", "docs/promises.md", "docs/lessons.md"];

/// A sentence in backticks, at least four words long, is the name of a test.
fn named_tests(page: &str) -> BTreeSet<String> {
    let quoted = page.split('`').skip(1).step_by(2);
    let is_sentence = |word: &&str| {
        let is_name = word.chars().all(|one| one.is_ascii_lowercase() || one.is_ascii_digit() || one == '_');
        is_name && word.split('_').count() >= 4
    };
    quoted.filter(is_sentence).map(str::to_owned).collect()
}

fn functions(bare: &str) -> BTreeSet<String> {
    let words: Vec<&str> = code::words(bare).collect();
    words.windows(2).filter(|pair| pair[0] == "fn").map(|pair| pair[1].to_owned()).collect()
}

/// Links to files, without those to other sites and to places within the page.
fn links(page: &str) -> Vec<&str> {
    let targets = page.match_indices("](").filter_map(|(at, _)| page[at + 2..].split(')').next());
    let files = targets.filter(|target| !target.contains("://") && !target.starts_with('#'));
    files.map(|target| target.split('#').next().unwrap_or_default()).collect()
}

fn pages() -> Vec<PathBuf> {
    let mut pages = markdown(&root());
    let mut folders = vec![root().join("docs")];
    while let Some(folder) = folders.pop() {
        pages.extend(markdown(&folder));
        let inside = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        folders.extend(inside.filter(|path| path.is_dir()));
    }
    pages
}

fn markdown(folder: &Path) -> Vec<PathBuf> {
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    paths.filter(|path| path.extension().is_some_and(|extension| extension == "md")).collect()
}

#[test]
fn every_test_a_document_names_is_there() {
    let there: BTreeSet<String> =
        PACKAGES.iter().flat_map(|package| sources::all(package)).flat_map(|source| functions(source.code())).collect();
    for page in NAMING_TESTS {
        let named = named_tests(&fs::read_to_string(root().join(page)).unwrap());
        assert!(named.len() > 20, "{page} is not looked at");
        assert_none(&named.difference(&there).map(|name| format!("{page}: there is no {name}")).collect::<Vec<_>>());
    }
}

#[test]
fn every_page_a_document_links_to_is_there() {
    let pages = pages();
    assert!(pages.len() > 15, "the documents are not looked at");
    for page in pages {
        let text = fs::read_to_string(&page).unwrap();
        let folder = page.parent().unwrap();
        let missing = links(&text).into_iter().filter(|target| !folder.join(target).exists());
        assert_none(&missing.map(|target| format!("{}: {target}", page.display())).collect::<Vec<_>>());
    }
}

#[test]
fn a_planted_name_and_a_planted_link_are_found() {
    let page = "see `no_such_test_is_there`, `wire/blob.rs`, `send_one` and [x](y/z.md#w), [s](https://a.b), [t](#u)";
    assert_eq!(named_tests(page), ["no_such_test_is_there".to_owned()].into());
    assert_eq!(links(page), ["y/z.md"]);
    assert_eq!(functions("async fn a_b() { fn c() {} }"), ["a_b", "c"].map(str::to_owned).into());
}

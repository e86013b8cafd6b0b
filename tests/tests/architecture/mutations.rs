//! The list of removed defences: each still names a text that is there once, and a test that is there. `.ci/mutate` runs it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use super::{assert_none, code, root, sources};

const PACKAGES: &[&str] = &["protocol/wire", "protocol/e2ee", "client-core", "relay", "client-cli", "tests"];

struct Mutation {
    removes: String,
    file: String,
    caught_by: String,
    before: String,
    after: String,
}

impl Mutation {
    fn parse(text: &str) -> Option<Self> {
        let (head, change) = text.split_once("--- before\n")?;
        let (before, after) = change.split_once("+++ after\n")?;
        let field = |name: &str| head.lines().find_map(|line| Some(line.strip_prefix(name)?.to_owned()));
        Some(Self {
            removes: field("removes: ")?,
            file: field("file: ")?,
            caught_by: field("caught by: ")?,
            before: before.to_owned(),
            after: after.to_owned(),
        })
    }

    fn test(&self) -> &str {
        self.caught_by.rsplit([':', ' ']).next().unwrap_or_default()
    }

    fn faults(&self, text: &str, tests: &BTreeSet<String>) -> Vec<String> {
        let mut faults = Vec::new();
        match text.matches(&self.before).count() {
            1 => {}
            count => faults.push(format!("its text is {count} times in {}", self.file)),
        }
        if self.before == self.after || self.before.trim().is_empty() {
            faults.push("it changes nothing".to_owned());
        }
        if !tests.contains(self.test()) {
            faults.push(format!("there is no test {}", self.test()));
        }
        let is_known = |id: &str| {
            let number = id.strip_prefix(|kind| "PAFNB".contains(kind)).unwrap_or_default();
            !number.is_empty() && number.chars().all(|one| one.is_ascii_digit())
        };
        let says_it = |(ids, what): (&str, &str)| ids.split(' ').all(is_known) && !what.is_empty();
        if !self.removes.split_once(", ").is_some_and(says_it) {
            faults.push("it does not say what it removes".to_owned());
        }
        faults
    }
}

fn mutations() -> BTreeMap<String, Mutation> {
    let files = fs::read_dir(root().join(".ci/mutations")).unwrap().map(|entry| entry.unwrap().path());
    files
        .map(|path| {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            let mutation = Mutation::parse(&fs::read_to_string(&path).unwrap());
            assert!(mutation.is_some(), "{name} is no mutation");
            (name, mutation.unwrap())
        })
        .collect()
}

fn tests() -> BTreeSet<String> {
    let functions = |bare: &str| -> Vec<String> {
        let words: Vec<&str> = code::words(bare).collect();
        words.windows(2).filter(|pair| pair[0] == "fn").map(|pair| pair[1].to_owned()).collect()
    };
    PACKAGES.iter().flat_map(|package| sources::all(package)).flat_map(|source| functions(source.code())).collect()
}

#[test]
fn every_removed_defence_is_still_there_and_has_its_test() {
    let (mutations, tests) = (mutations(), tests());
    assert!(mutations.len() >= 36, "{} are too few", mutations.len());
    let of = |(name, mutation): (&String, &Mutation)| -> Vec<String> {
        let text = fs::read_to_string(root().join(&mutation.file)).unwrap_or_default();
        mutation.faults(&text, &tests).into_iter().map(|fault| format!("{name}: {fault}")).collect()
    };
    assert_none(&mutations.iter().flat_map(of).collect::<Vec<_>>());
}

#[test]
fn a_planted_mutation_that_has_rotted_is_found() {
    let planted = "removes: P1, a check\nfile: x\ncaught by: -p y --lib z::a_test_of_it\n--- before\none\n+++ after\n";
    let (mutation, tests) = (Mutation::parse(planted).unwrap(), BTreeSet::from(["a_test_of_it".to_owned()]));
    assert_none(&mutation.faults("none? one\n", &tests));
    assert_eq!(mutation.faults("one\none\n", &tests), ["its text is 2 times in x"]);
    assert_eq!(
        mutation.faults("two\n", &BTreeSet::new()),
        ["its text is 0 times in x", "there is no test a_test_of_it"]
    );
    assert!(Mutation::parse("removes: everything").is_none());
}

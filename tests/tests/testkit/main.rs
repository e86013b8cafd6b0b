//! The testkit: frozen files with one fault each, and what must come of it. `docs/spec/testkit.md` says how to read them.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod faults;
mod fields;
mod signed;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
    path::PathBuf,
};

use lightproof_tests::{
    edit::Edit,
    specimen::{Kind, Reader, frozen::hex, good},
};
use lightproof_wire::hash::Digest;

use faults::{Fault, Intent};

const GOOD: &str = "good";

/// One file.
struct Case {
    object: Kind,
    fault: String,
    expect: String,
    base: String,
    edits: Vec<Edit>,
}

impl Case {
    fn parse(text: &str) -> Result<Self, String> {
        let (header, script) = text.split_once("\n\n").ok_or("no header")?;
        let header: BTreeMap<&str, &str> = header.lines().filter_map(|line| line.split_once(": ")).collect();
        let field = |name: &str| header.get(name).map(|value| (*value).to_owned()).ok_or(format!("no {name}"));
        Ok(Self {
            object: Kind::named(&field("object")?).ok_or("an unknown object")?,
            fault: field("fault")?,
            expect: field("expect")?,
            base: field("base")?,
            edits: script.lines().map(str::parse).collect::<Result<_, _>>()?,
        })
    }

    fn print(&self) -> String {
        let Self { object, fault, expect, base, edits } = self;
        let mut text = format!("object: {}\nfault: {fault}\nexpect: {expect}\nbase: {base}\n\n", object.name());
        for edit in edits {
            writeln!(text, "{edit}").unwrap();
        }
        text
    }

    fn file_name(&self) -> String {
        let words: String = self
            .fault
            .chars()
            .map(|one| if one.is_ascii_alphanumeric() { one.to_ascii_lowercase() } else { '-' })
            .collect();
        format!("{}--{words}.txt", self.object.name().replace(' ', "-"))
    }
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("testkit")
}

fn base(object: Kind) -> (Vec<u8>, String) {
    let bytes = good(object);
    let digest = hex(Digest::of(&bytes).as_bytes());
    (bytes, digest)
}

fn outcome(reader: &Reader, object: Kind, bytes: &[u8]) -> String {
    reader.read(object, bytes).map_or_else(|error| error, |_| GOOD.to_owned())
}

#[test]
fn every_file_of_the_testkit_comes_to_what_it_says() {
    let (reader, bases) = (Reader::default(), Kind::NAMES.map(|(_, kind)| (kind, base(kind))));
    let bases: BTreeMap<Kind, _> = bases.into_iter().collect();
    let mut counts: BTreeMap<Kind, (u32, u32)> = BTreeMap::new();
    for entry in fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        let case = Case::parse(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert_eq!(case.print(), text, "{}", path.display());
        let (bytes, digest) = bases.get(&case.object).unwrap();
        assert_eq!(case.base, *digest, "{} is about another specimen", path.display());
        let mut bytes = bytes.clone();
        case.edits.iter().for_each(|edit| edit.apply(&mut bytes));
        assert_eq!(outcome(&reader, case.object, &bytes), case.expect, "{}", path.display());
        let (good, bad) = counts.entry(case.object).or_default();
        *(if case.expect == GOOD { good } else { bad }) += 1;
    }
    for (name, kind) in Kind::NAMES {
        let (good, bad) = counts.get(&kind).copied().unwrap_or_default();
        assert!(good >= 1 && bad >= 3, "{name}: {good} good files and {bad} faults");
    }
    let (good, bad) = counts.values().fold((0, 0), |(good, bad), of_kind| (good + of_kind.0, bad + of_kind.1));
    assert!(bad >= 400, "{bad} faults");
    println!("evidence: P8 P9 P10 A12 A13 | {} testkit files, {bad} of them with one fault each | -", good + bad);
}

/// Run once for a new version of the protocol or a new kind, never to make the test above pass. What is there stays.
#[test]
#[ignore = "writes those files of the testkit that are not there yet"]
fn freeze() {
    fs::create_dir_all(folder()).unwrap();
    let mut written = BTreeSet::new();
    let reader = Reader::default();
    for (_, object) in Kind::NAMES {
        let (bytes, digest) = base(object);
        let whole = Fault { what: "none".to_owned(), intent: Intent::Good, edits: Vec::new() };
        for Fault { what, intent, edits } in std::iter::once(whole).chain(faults::of(object, &bytes)) {
            let mut bytes = bytes.clone();
            edits.iter().for_each(|edit| edit.apply(&mut bytes));
            let expect = outcome(&reader, object, &bytes);
            assert_eq!(expect == GOOD, intent == Intent::Good, "{}: {what} is {expect}", object.name());
            let case = Case { object, fault: what, expect, base: digest.clone(), edits };
            let path = folder().join(case.file_name());
            assert!(written.insert(path.clone()), "{} is there twice", path.display());
            if !path.exists() {
                fs::write(path, case.print()).unwrap();
            }
        }
    }
}

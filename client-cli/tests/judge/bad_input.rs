//! Bad input: an exit code, an error that says what, a hint that says what to do, and nothing changed.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, chown};

use base64ct::{Base64UrlUnpadded, Encoding as _};
use lightproof_core::wire::hash::Digest;
use lightproof_core::wire::label;

use crate::person::{Person, json};
use crate::pictures::{bomb, picture};
use crate::world::{World, whole_state};

struct Case<'a> {
    words: &'a [&'a str],
    exit: i32,
    error: &'a str,
    /// Empty where there is nothing to do about it.
    hint: &'a str,
}

fn check(person: &Person, cases: &[Case<'_>]) {
    let before = whole_state(person);
    for case in cases {
        let (stdout, stderr) = person.ends(case.words, case.exit);
        assert!(stdout.is_empty(), "{:?}: {stdout}", case.words);
        let lines: Vec<&str> = stderr.lines().collect();
        let error = lines.iter().find_map(|line| line.strip_prefix("error: "));
        assert!(error.is_some_and(|error| error.contains(case.error)), "{:?}: {stderr}", case.words);
        let hint = lines.iter().find_map(|line| line.strip_prefix("hint: ")).unwrap_or("");
        assert!(hint.contains(case.hint), "{:?}: {stderr}", case.words);
        assert_eq!(whole_state(person), before, "{:?} changed something", case.words);
        tells_programs_the_same(person, case);
    }
    assert_eq!(whole_state(person), before);
}

fn tells_programs_the_same(person: &Person, case: &Case<'_>) {
    let (stdout, _) = person.ends(&[&["--json"], case.words].concat(), case.exit);
    // What clap refuses is refused before anybody knows of --json.
    if case.exit == 2 {
        return;
    }
    let told = json(&stdout);
    assert_eq!((told.len(), &told[0]["event"], &told[0]["code"]), (1, &"error".into(), &case.exit.into()));
    assert!(
        told[0]["what"].as_str().unwrap().contains(case.error) && !told[0].as_object().unwrap()["hint"].is_number()
    );
}

#[test]
fn what_is_no_picture_is_refused_and_changes_nothing() {
    let world = World::new();
    let (alice, _bob) = world.friends();
    world.put("text.jpg", b"I am no picture, whatever my name says");
    world.put("empty.png", b"");
    let whole = picture(&world, "rocket-phone.jpg");
    world.put("half.jpg", &whole[..whole.len() / 2]);
    let whole = picture(&world, "astronaut-text.png");
    world.put("half.png", &whole[..whole.len() / 2]);
    world.put("bomb.png", &bomb());
    fs::create_dir(world.path("folder.jpg")).unwrap();
    let hint = "--as exact";
    check(
        &alice,
        &[
            Case { words: &["send", "bob", "text.jpg"], exit: 1, error: "text.jpg: not an image", hint },
            Case { words: &["send", "bob", "text.jpg", "--as", "original"], exit: 1, error: "not an image", hint },
            Case { words: &["send", "bob", "empty.png"], exit: 1, error: "empty.png", hint: "" },
            Case { words: &["send", "bob", "half.jpg"], exit: 1, error: "half.jpg", hint: "" },
            Case { words: &["send", "bob", "half.png"], exit: 1, error: "half.png", hint: "" },
            Case { words: &["send", "bob", "half.png", "--as", "original"], exit: 1, error: "half.png", hint: "" },
            Case { words: &["send", "bob", "bomb.png"], exit: 1, error: "bomb.png", hint: "" },
            Case { words: &["send", "bob", "bomb.png", "--as", "original"], exit: 1, error: "bomb.png", hint: "" },
            Case { words: &["send", "bob", "rocket-phone.jpg", "bomb.png"], exit: 1, error: "bomb.png", hint: "" },
            Case { words: &["send", "bob", "folder.jpg"], exit: 1, error: "is not a file", hint: "one by one" },
            Case { words: &["send", "bob", "gone.jpg"], exit: 1, error: "cannot read gone.jpg", hint: "" },
        ],
    );
}

#[test]
fn a_file_that_cannot_be_read_is_refused_and_changes_nothing() {
    let world = World::new();
    let (alice, _bob) = world.friends();
    picture(&world, "rocket-phone.jpg");
    let alice = if rustix::process::geteuid().is_root() { somebody_with_less_rights(&world, alice) } else { alice };
    fs::set_permissions(world.path("rocket-phone.jpg"), Permissions::from_mode(0o000)).unwrap();
    let error = "cannot read rocket-phone.jpg";
    check(&alice, &[Case { words: &["send", "bob", "rocket-phone.jpg"], exit: 1, error, hint: "" }]);
}

/// Root reads files of any mode: the same person as a user whom modes bind, who owns all of this folder.
fn somebody_with_less_rights(world: &World, mut person: Person) -> Person {
    const NOBODY: u32 = 65_534;
    let program = world.path("lightproof");
    fs::copy(&person.program, &program).unwrap();
    let mut folders = vec![world.as_ref().to_owned()];
    while let Some(folder) = folders.pop() {
        chown(&folder, Some(NOBODY), Some(NOBODY)).unwrap();
        for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() {
                folders.push(entry);
            } else {
                chown(entry, Some(NOBODY), Some(NOBODY)).unwrap();
            }
        }
    }
    (person.program, person.user) = (program, Some(NOBODY));
    person
}

#[test]
fn a_bad_card_is_refused_and_changes_nothing() {
    let world = World::new();
    let (alice, bob) = world.friends();
    let card = world.person("carol").says(&["card"]);
    let card = card.trim();
    let (start, end) = card.split_at(card.len() / 2);
    let other = if end.starts_with('A') { "B" } else { "A" };
    let changed = format!("{start}{other}{}", &end[1..]);
    let newer = of_another_version(card);
    let copy = "copy it again";
    check(
        &alice,
        &[
            Case { words: &["contact", "add", &changed], exit: 1, error: "damaged", hint: copy },
            Case { words: &["contact", "add", start], exit: 1, error: "damaged", hint: copy },
            Case { words: &["contact", "add", &newer], exit: 1, error: "another version", hint: "newer version" },
            Case { words: &["contact", "add", "gone.card"], exit: 1, error: "cannot read", hint: "" },
            Case { words: &["contact", "add", card, "--name", "a,b"], exit: 2, error: "comma", hint: "" },
            Case { words: &["contact", "add", card, "--name", "bob"], exit: 3, error: "", hint: "" },
        ],
    );
    bob.says(&["send", "alice", "-m", "nothing changed"]);
    assert!(alice.says(&["receive"]).contains("nothing changed"));
}

/// The same card with another version in front, and a checksum that fits.
fn of_another_version(card: &str) -> String {
    let mut bytes = Base64UrlUnpadded::decode_vec(card.strip_prefix("lightproof:").unwrap()).unwrap();
    bytes.truncate(bytes.len() - 4);
    bytes[0] += 1;
    let checksum = Digest::labelled(label::CARD, &[&bytes]);
    bytes.extend(&checksum.as_bytes()[..4]);
    format!("lightproof:{}", Base64UrlUnpadded::encode_string(&bytes))
}

#[test]
fn names_ids_and_notes_that_do_not_fit_are_refused_and_change_nothing() {
    let world = World::new();
    let (alice, _bob) = world.friends();
    let long = "x".repeat(4_097);
    world.put("long.txt", "y".repeat(100_000).as_bytes());
    world.put("latin1.txt", b"caf\xe9");
    let see = "lightproof contact list";
    check(
        &alice,
        &[
            Case { words: &["send", "carol", "-m", "hi"], exit: 1, error: "there is no contact carol", hint: see },
            Case { words: &["send", "bob,carol", "-m", "hi"], exit: 1, error: "there is no contact carol", hint: see },
            Case { words: &["send", "bob", "-m", &long], exit: 1, error: "too long", hint: "make it shorter" },
            Case { words: &["send", "bob", "--note-file", "long.txt"], exit: 1, error: "too long", hint: "" },
            Case { words: &["send", "bob", "--note-file", "latin1.txt"], exit: 1, error: "UTF-8", hint: "" },
            Case { words: &["send", "bob"], exit: 2, error: "", hint: "" },
            Case { words: &["show", "0123456789ab"], exit: 1, error: "no message", hint: "lightproof messages" },
            Case { words: &["show", "xyz"], exit: 2, error: "", hint: "" },
            Case { words: &["accept", "7"], exit: 1, error: "", hint: "" },
            Case { words: &["outbox", "cancel", "0123456789ab"], exit: 1, error: "", hint: "lightproof outbox" },
        ],
    );
}

#[test]
fn a_wrong_passphrase_opens_nothing_and_changes_nothing() {
    let world = World::new();
    let alice = Person::at(&world, "alice");
    alice.says(&["init", "--name", "alice", "--relay", world.relay.link()]);
    world.put("wrong.txt", b"incorrect horse\n");
    let wrong = ["--passphrase-file", "wrong.txt"];
    let with_wrong = |words: &[&'static str]| [&wrong[..], words].concat();
    let (status, card) = (with_wrong(&["status"]), with_wrong(&["card"]));
    let (error, hint) = ("passphrase", "no way back");
    check(
        &alice,
        &[
            Case { words: &status, exit: 1, error, hint },
            Case { words: &card, exit: 1, error, hint },
            Case { words: &["init", "--relay", world.relay.link()], exit: 1, error: "already", hint: "--home" },
        ],
    );
    let nobody = Person::at(&world, "nobody");
    let (_, error) = nobody.ends(&["status"], 1);
    assert!(error.contains("hint: make one with `lightproof init"), "{error}");
    assert!(!world.path("home-nobody").exists());
}

//! Files that are sealed without a relay, for contacts and under a passphrase.

use std::fs;
use std::path::PathBuf;

use crate::person::{Person, json};
use crate::world::{Noise, World, fed, messages, sha256};

/// Alice and Bob have exchanged one message, so each has the other's sealing key.
fn acquainted() -> (World, Person, Person) {
    let world = World::new();
    let (alice, bob) = world.friends();
    alice.says(&["send", "bob", "-m", "hello"]);
    assert_eq!(messages(&bob.says(&["--json", "receive"])).len(), 1);
    (world, alice, bob)
}

fn saved(world: &World, folder: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(world.path(folder)).map(|entries| entries.map(|entry| entry.unwrap().path()));
    let mut paths: Vec<PathBuf> = entries.into_iter().flatten().collect();
    paths.sort();
    paths
}

#[test]
fn files_sealed_for_a_contact_come_back_and_say_who_sealed_them() {
    let (world, alice, bob) = acquainted();
    let (photo, nothing) = (Noise::new(1).bytes(3_000_000), Vec::new());
    world.put("rocket.jpg", &photo);
    world.put("nothing.txt", &nothing);

    // Bob has Alice's key from her Hello. Alice has none of Bob's before he has answered.
    let (_, stderr) = alice.ends(&["seal", "--to", "bob", "rocket.jpg"], 1);
    assert!(
        stderr.contains("bob has not announced a sealing key yet") && stderr.contains("lightproof send bob"),
        "{stderr}"
    );
    assert!(!world.path("rocket.jpg.lightproof").exists());
    bob.says(&["send", "alice", "-m", "hello, Alice"]);
    assert_eq!(messages(&alice.says(&["--json", "receive"])).len(), 1);

    let told =
        &json(&alice.says(&["--json", "seal", "--to", "bob,me", "-o", "two.lightproof", "rocket.jpg", "nothing.txt"]))
            [0];
    assert_eq!((&told["event"], &told["files"], &told["signed"]), (&"sealed".into(), &2.into(), &true.into()));
    for person in [&bob, &alice] {
        let opened = &json(&person.says(&["--json", "open", "two.lightproof", "--save-to", "saved"]))[0];
        assert_eq!((&opened["event"], &opened["files"][0]["sha256"]), (&"opened".into(), &sha256(&photo).into()));
        assert_eq!(opened["files"][0]["name"], "rocket.jpg");
        assert_eq!(opened["recipients"].as_array().unwrap().len(), 2);
        for (file, content) in [(0, &photo), (1, &nothing)] {
            assert_eq!(&fs::read(world.path(opened["files"][file]["file"].as_str().unwrap())).unwrap(), content);
        }
    }
    let names: Vec<_> = saved(&world, "saved")
        .iter()
        .map(|path| path.file_name().unwrap().to_str().unwrap()[11..].to_owned())
        .collect();
    assert_eq!(names, ["alice nothing.txt", "alice rocket.jpg", "me nothing.txt", "me rocket.jpg"]);

    let page = bob.says(&["open", "two.lightproof", "--save-to", "again"]);
    assert!(
        page.starts_with("unchanged since the key you know as alice sealed it") && page.contains("cannot tell"),
        "{page}"
    );
    bob.says(&["contact", "verify", "alice", "--mark"]);
    let page = bob.says(&["open", "two.lightproof", "--save-to", "again"]);
    assert!(page.starts_with("unchanged since alice sealed it\n"), "{page}");

    // Somebody else, and somebody without a home.
    let carol = world.person("carol");
    let (_, stderr) = carol.ends(&["open", "two.lightproof", "--save-to", "carols"], 3);
    assert!(stderr.contains("no key that opens it") && saved(&world, "carols").is_empty(), "{stderr}");
    Person::at(&world, "nobody").ends(&["open", "two.lightproof", "--save-to", "carols"], 1);
}

#[test]
fn a_sealed_file_shows_neither_who_sealed_it_nor_for_whom() {
    let (world, alice, _bob) = acquainted();
    world.put("secret-name.txt", b"some bytes");
    alice.says(&["seal", "--to", "me", "secret-name.txt"]);
    let sealed = world.bytes("secret-name.txt.lightproof");
    let card = json(&alice.says(&["--json", "card"]))[0]["fingerprint"].as_str().unwrap().replace(' ', "");
    let fingerprint: Vec<u8> = (0..32).map(|at| u8::from_str_radix(&card[at * 2..at * 2 + 2], 16).unwrap()).collect();
    for hidden in [fingerprint.as_slice(), b"secret-name", b"some bytes", b"alice"] {
        assert!(memchr::memmem::find(&sealed, hidden).is_none());
    }
    alice.says(&["seal", "--to", "me", "--unsigned", "-o", "unsigned.lightproof", "secret-name.txt"]);
    assert_eq!(world.bytes("unsigned.lightproof").len(), sealed.len(), "its length tells whether it is signed");
    let page = alice.says(&["open", "unsigned.lightproof", "--save-to", "saved"]);
    assert!(page.starts_with("nobody signed this"), "{page}");
}

#[test]
fn a_sealed_file_that_was_changed_leaves_nothing_behind() {
    let (world, alice, _bob) = acquainted();
    world.put("a.bin", &Noise::new(2).bytes(200_000));
    world.put("b.bin", &Noise::new(3).bytes(70_000));
    alice.says(&["seal", "--to", "me", "-o", "good.lightproof", "a.bin", "b.bin"]);
    let good = world.bytes("good.lightproof");
    let places = [0, 19, 60, 1_300, 4_000, 6_000, 100_000, 250_000, good.len() - 3_400, good.len() - 1];
    for place in places {
        let mut changed = good.clone();
        changed[place] ^= 1;
        world.put("bad.lightproof", &changed);
        let (stdout, stderr) = alice.ends(&["open", "bad.lightproof", "--save-to", "saved"], 3);
        assert!(stdout.is_empty() && stderr.starts_with("error: "), "byte {place}: {stdout}{stderr}");
        assert!(saved(&world, "saved").is_empty(), "byte {place}");
    }
    for (length, more) in [(good.len() - 1, &b""[..]), (100_000, b""), (40, b""), (good.len(), b"x")] {
        world.put("bad.lightproof", &[&good[..length], more].concat());
        alice.ends(&["open", "bad.lightproof", "--save-to", "saved"], 3);
    }
    let (printed, _) = alice.ends(&["open", "bad.lightproof", "-o", "-"], 1);
    assert!(printed.is_empty(), "two files do not go to stdout");
    assert!(saved(&world, "saved").is_empty());
    world.put("a.lightproof", b"a letter");
    alice.ends(&["open", "a.lightproof"], 3);
}

#[test]
fn a_passphrase_opens_what_it_sealed_without_a_home_and_through_pipes() {
    let place = tempfile::tempdir().unwrap();
    let person = Person::at(&place, "nobody");
    let path = |name: &str| place.path().join(name);
    fs::write(path("words"), "correct horse\n").unwrap();
    fs::write(path("other"), "battery staple\n").unwrap();
    let content = Noise::new(4).bytes(70_000);
    let sealed = fed(&person, &["seal", "--passphrase", "--file-passphrase-file", "words", "-o", "-", "-"], &content);
    let stderr = String::from_utf8(sealed.stderr).unwrap();
    assert!(sealed.status.success() && stderr.contains("nobody signs this"), "{stderr}");
    fs::write(path("piped.lightproof"), &sealed.stdout).unwrap();

    let opened = person.run(&["open", "piped.lightproof", "--file-passphrase-file", "words", "-o", "-"]);
    assert!(opened.stdout == content, "{}", String::from_utf8_lossy(&opened.stderr));
    let opened = fed(&person, &["open", "-", "--file-passphrase-file", "words", "-o", "out"], &sealed.stdout);
    assert!(opened.status.success() && fs::read(path("out")).unwrap() == content);
    person.ends(&["open", "piped.lightproof", "--file-passphrase-file", "words", "-o", "out"], 1);
    person.ends(&["open", "-", "-o", "-"], 2);

    let (stdout, stderr) = person.ends(&["open", "piped.lightproof", "--file-passphrase-file", "other", "-o", "-"], 3);
    assert!(stdout.is_empty() && stderr.contains("wrong passphrase, or the file was changed"), "{stderr}");
    let (_, stderr) = person.ends(&["open", "piped.lightproof"], 1);
    assert!(stderr.contains("LIGHTPROOF_FILE_PASSPHRASE"), "{stderr}");
    assert!(!path("home-nobody").exists(), "a home was made");
    let left: Vec<_> = fs::read_dir(place.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| !name.to_string_lossy().contains(".part")), "{left:?}");
}

/// The same person got two messages, or two ways into one file.
#[test]
fn somebody_named_twice_in_different_ways_is_one_recipient() {
    let (world, alice, bob) = acquainted();
    let fingerprint = json(&alice.says(&["--json", "contact", "list"]))[0]["fingerprint"].as_str().unwrap().to_owned();
    let both = format!("bob,{}", &fingerprint[..12]);
    assert_eq!(json(&alice.says(&["--json", "send", &both, "-m", "once"])).len(), 1);
    assert_eq!(messages(&bob.says(&["--json", "receive"])).len(), 1);
    bob.says(&["send", "alice", "-m", "my key comes with it"]);
    alice.says(&["receive"]);
    world.put("plan.txt", b"a plan");
    let sealed = json(&alice.says(&["--json", "seal", "--to", &both, "plan.txt"])).remove(0);
    assert_eq!(sealed["to"], serde_json::json!(["bob"]), "{sealed}");
}

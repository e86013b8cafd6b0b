//! What others see: the bytes on the wire, the relay's folder and the relay's log hold nothing of what was said.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use base64ct::{Base64UrlUnpadded, Encoding as _};

use crate::forwarder::Forwarder;
use crate::person::{Person, json};
use crate::pictures::picture;
use crate::world::{World, messages};

const NOTE: &str = "meet me under the third bridge at nine";
const ANSWER: &str = "the bridge is closed, come to the quay";

/// Something nobody else may see, and what to call it.
type Secret = (String, Vec<u8>);

fn secrets_of(person: &Person, name: &str) -> Vec<Secret> {
    let card = json(&person.says(&["--json", "card"]))[0].clone();
    let (card, fingerprint) = (card["card"].as_str().unwrap(), card["fingerprint"].as_str().unwrap());
    let digits: String = fingerprint.split_whitespace().collect();
    let raw: Vec<u8> =
        (0..digits.len() / 2).map(|i| u8::from_str_radix(&digits[i * 2..i * 2 + 2], 16).unwrap()).collect();
    let encoded = card.strip_prefix("lightproof:").unwrap();
    let card_bytes = Base64UrlUnpadded::decode_vec(encoded).unwrap();
    // Without version, relay and name, which have their own places: suite, fingerprint and the right to ring.
    let ring = card_bytes[2 + raw.len()..2 + raw.len() + 32].to_vec();
    [
        ("name", name.as_bytes().to_vec()),
        ("card", card.as_bytes().to_vec()),
        ("card scheme", b"lightproof:".to_vec()),
        ("card bytes", card_bytes.clone()),
        ("doorbell", ring),
        ("fingerprint as it is printed", fingerprint.as_bytes().to_vec()),
        ("fingerprint in digits", digits.into_bytes()),
        ("fingerprint", raw),
    ]
    .map(|(what, bytes)| (format!("{what} of {name}"), bytes))
    .into()
}

/// Parts of a picture long enough not to be met by chance, all over it. A part of few different bytes (a plain sky) says
/// nothing, for unused pages look the same.
fn parts_of(what: &str, bytes: &[u8]) -> Vec<Secret> {
    let offsets = (0..80).map(|part| part * (bytes.len() - 32) / 79);
    let parts = offsets.map(|at| (format!("{what} at {at}"), bytes[at..at + 24].to_vec()));
    let telling: Vec<Secret> =
        parts.filter(|(_, part)| part.iter().collect::<BTreeSet<_>>().len() >= DIFFERENT_BYTES).collect();
    assert!(telling.len() >= 20, "{what} has {} parts to look for", telling.len());
    telling
}

const DIFFERENT_BYTES: usize = 12;

fn assert_holds_none(place: &str, bytes: &[u8], secrets: &[Secret]) {
    for (what, secret) in secrets {
        let found = bytes.windows(secret.len()).any(|window| window == secret);
        assert!(!found, "{place} holds the {what}");
    }
}

fn files_under(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files_under(&path) } else { vec![path] }).collect()
}

#[test]
fn wire_folder_and_log_hold_nothing_that_was_said_and_nobody_who_said_it() {
    let mut world = World::new();
    let forwarder = Forwarder::to(world.relay.authority());
    let link = world.relay.link().replace(world.relay.authority(), forwarder.authority());
    let (her, his) = ("Alice Featherstonehaugh", "Bob Quetzalcoatl");
    let [alice, bob] = [("alice", her), ("bob", his)].map(|(home, name)| {
        let person = Person::at(&world, home);
        person.says(&["init", "--no-passphrase", "--name", name, "--relay", &link]);
        person
    });
    alice.adds(&bob);
    let source = picture(&world, "rocket-phone.jpg");
    let exact = picture(&world, "hubble-progressive.jpg");
    alice.says(&["send", his, "rocket-phone.jpg", "-m", NOTE]);
    alice.says(&["send", his, "hubble-progressive.jpg", "--as", "exact"]);
    let came = messages(&bob.says(&["--json", "receive", "--accept-new"]));
    assert_eq!(came.len(), 2);
    let prepared = bob.run(&["show", came[0]["id"].as_str().unwrap(), "--save", "-"]).stdout;
    bob.says(&["send", her, "-m", ANSWER]);
    alice.says(&["receive"]);

    let mut secrets = [secrets_of(&alice, her), secrets_of(&bob, his)].concat();
    secrets.extend([NOTE, ANSWER, "rocket-phone", "hubble-progressive"].map(|text| (text.into(), text.into())));
    for (what, bytes) in [("source", &source), ("prepared photo", &prepared), ("exact file", &exact)] {
        secrets.extend(parts_of(what, bytes));
    }
    // While the blobs are still there: one more that nobody has fetched.
    alice.says(&["send", his, "hubble-progressive.jpg", "--as", "exact", "-m", NOTE]);

    let heard = forwarder.heard();
    assert!(heard.iter().map(Vec::len).sum::<usize>() > exact.len() * 2);
    for (number, said) in heard.iter().enumerate() {
        // A TLS record of the handshake, before anything else.
        assert!(said.is_empty() || said.starts_with(&[22, 3]), "connection {number}");
        assert_holds_none(&format!("connection {number}"), said, &secrets);
    }
    world.relay.stop();
    let log = fs::read_to_string(world.relay.log()).unwrap();
    assert!(log.contains("ready"), "{log}");
    assert_holds_none("the log", log.as_bytes(), &secrets);
    let files = files_under(world.relay.data());
    assert!(files.iter().any(|file| file.starts_with(world.relay.data().join("blobs"))));
    for file in files {
        assert_holds_none(&file.to_string_lossy(), &fs::read(&file).unwrap(), &secrets);
    }
}

//! What scripts rely on: keys, states, `-`, and commands that run at once.

use std::process::Stdio;

use serde_json::Value;

use crate::person::json;
use crate::pictures::picture;
use crate::world::{World, fed, messages, received_notes};

const PHOTO: [&str; 5] = ["treatment", "media_type", "bytes", "width", "height"];
const MESSAGE: [&str; 9] = ["event", "id", "from", "to", "direction", "state", "note", "sent_at", "photos"];

fn has(object: &Value, keys: &[&str]) {
    let object = object.as_object().unwrap();
    for key in keys {
        assert!(object.contains_key(*key), "{key} is missing: {object:?}");
    }
}

#[test]
fn every_event_has_every_key_of_the_contract() {
    let world = World::new();
    let (alice, bob) = (world.person("alice"), world.person("bob"));
    alice.adds(&bob);
    picture(&world, "rocket-phone.jpg");
    let sent = json(&alice.says(&["--json", "send", "bob", "rocket-phone.jpg", "-m", "look"]));
    assert_eq!(sent.len(), 1);
    has(&sent[0], &["event", "id", "to", "state", "photos"]);
    has(&sent[0]["photos"][0], &PHOTO);
    assert!(sent[0]["photos"][0]["removed"].is_array());

    let asked = json(&bob.says(&["--json", "receive"]));
    let requests = json(&bob.says(&["--json", "requests"]));
    for request in [&asked[0], &requests[0]] {
        assert_eq!(request["event"], "request");
        has(request, &["event", "request", "name", "fingerprint"]);
    }
    let came = messages(&bob.says(&["--json", "receive", "--accept-new", "--save-to", "saved"]));
    let id = came[0]["id"].as_str().unwrap();
    let (listed, shown) = (bob.says(&["--json", "messages"]), bob.says(&["--json", "show", id]));
    for message in [&came, &messages(&listed), &messages(&shown), &messages(&alice.says(&["--json", "messages"]))] {
        assert_eq!(message.len(), 1);
        has(&message[0], &MESSAGE);
        has(&message[0]["photos"][0], &PHOTO);
        has(&message[0]["photos"][0], &["sha256", "file"]);
    }
    assert!(world.path(came[0]["photos"][0]["file"].as_str().unwrap()).exists());
    // RFC 3339 in UTC.
    let sent_at = came[0]["sent_at"].as_str().unwrap();
    assert!(sent_at.len() >= 20 && &sent_at[4..5] == "-" && &sent_at[10..11] == "T" && sent_at.ends_with('Z'));

    let (stdout, _) = alice.ends(&["--json", "send", "nobody", "-m", "x"], 1);
    let error = &json(&stdout)[0];
    has(error, &["event", "code", "what", "hint"]);
    assert_eq!((&error["event"], &error["code"]), (&"error".into(), &1.into()));
}

#[test]
fn a_sender_can_wait_until_somebody_who_follows_has_it() {
    let world = World::new();
    let (alice, bob) = world.friends();
    let mut following = bob.begins(&["--json", "receive", "--follow"]);
    let sent = json(&alice.says(&["--json", "send", "bob", "-m", "are you there?", "--wait", "delivered"]));
    let last = sent.last().unwrap();
    assert!(matches!(last["state"].as_str(), Some("delivered" | "viewed")), "{sent:?}");
    has(last, &["event", "id", "to", "state", "photos"]);
    following.says_a_line_with("are you there?");
    assert_eq!(following.interrupted(), Some(0));
    assert_eq!(received_notes(&bob), ["are you there?"]);
}

#[test]
fn commands_that_run_at_once_on_one_home_all_work() {
    let world = World::new();
    let (alice, bob) = world.friends();
    bob.says(&["send", "alice", "-m", "for you"]);
    picture(&world, "rocket-phone.jpg");
    let commands: [&[&str]; 5] = [
        &["send", "bob", "rocket-phone.jpg", "-m", "one"],
        &["send", "bob", "-m", "two"],
        &["send", "bob", "rocket-phone.jpg", "-m", "three"],
        &["receive"],
        &["status"],
    ];
    let running = commands.map(|words| {
        let mut command = alice.command(words);
        (words, command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
    });
    for (words, child) in running {
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
    assert_eq!(received_notes(&alice), ["for you"]);
    bob.says(&["receive"]);
    let mut notes = received_notes(&bob);
    notes.sort();
    assert_eq!(notes, ["one", "three", "two"]);
    assert!(messages(&bob.says(&["--json", "messages", "--with", "alice"])).iter().all(|message| {
        let state = message["state"].as_str().unwrap();
        matches!(state, "verified" | "deposited" | "delivered" | "viewed")
    }));
}

#[test]
fn a_dash_is_stdin_and_stdout() {
    let world = World::new();
    let (alice, bob) = (world.person("alice"), world.person("bob"));
    for (person, other) in [(&alice, &bob), (&bob, &alice)] {
        let added = fed(person, &["contact", "add", "-", "--allow-relay"], other.says(&["card"]).as_bytes());
        assert_eq!(added.status.code(), Some(0));
    }
    let photo = picture(&world, "coffee.webp");
    let sent = fed(&alice, &["send", "bob", "-", "--as", "exact", "-m", "piped"], &photo);
    assert_eq!(sent.status.code(), Some(0));
    let noted = fed(&alice, &["send", "bob", "--note-file", "-"], "a note\nof two lines\n".as_bytes());
    assert_eq!(noted.status.code(), Some(0));
    let came = messages(&bob.says(&["--json", "receive"]));
    assert_eq!([&came[0]["note"], &came[1]["note"]], ["piped", "a note\nof two lines"]);
    let shown = bob.run(&["show", came[0]["id"].as_str().unwrap(), "--save", "-"]);
    assert!(shown.stdout == photo && shown.status.success());
    assert!(bob.run(&["card", "--png", "-"]).stdout.starts_with(b"\x89PNG"));
    // One stdin cannot be two things.
    let twice = fed(&alice, &["send", "bob", "-", "--note-file", "-"], &photo);
    assert_eq!(twice.status.code(), Some(2));
}

#[test]
fn without_colour_no_escape_is_printed() {
    let world = World::new();
    let (alice, bob) = world.friends();
    picture(&world, "rocket-phone.jpg");
    alice.says(&["send", "bob", "rocket-phone.jpg", "-m", "red \u{1b}[31malert"]);
    let came = messages(&bob.says(&["--json", "receive"]));
    let id = came[0]["id"].as_str().unwrap();
    for words in [&["show", id][..], &["messages"], &["status"], &["show", "ffffffff"]] {
        let mut command = bob.command(words);
        let output = command.env("NO_COLOR", "1").env("TERM", "xterm-256color").output().unwrap();
        assert!(![output.stdout, output.stderr].concat().contains(&0x1b), "{words:?}");
    }
}

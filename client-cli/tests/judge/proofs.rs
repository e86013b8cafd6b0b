//! A message shown to somebody who has nothing but the program and a file.

use std::fs;
use std::io::Write as _;
use std::process::Stdio;
use std::thread::sleep;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::person::{Person, json};
use crate::pictures::picture;
use crate::world::{Noise, World, fed, messages, sha256};

const NOTE: &str = "the rocket, before it was moved";

/// Bob has Alice's photo, saved it, and wrote a proof of it.
fn told() -> (World, Person, Person, String) {
    let world = World::new();
    let (alice, bob) = world.friends();
    picture(&world, "rocket-phone.jpg");
    alice.says(&["send", "bob", "rocket-phone.jpg", "-m", NOTE]);
    let id = messages(&bob.says(&["--json", "receive"]))[0]["id"].as_str().unwrap().to_owned();
    bob.says(&["show", &id, "--no-photo", "--save", "photo.jpg"]);
    bob.says(&["export", &id, "--proof", "rocket.proof", "--with-photos"]);
    (world, alice, bob, id)
}

#[test]
fn a_proof_holds_for_somebody_without_a_home_and_says_what_it_does_not_prove() {
    let (world, _alice, bob, id) = told();
    let stranger = Person::at(&world, "stranger");
    let page = stranger.says(&["verify-proof", "rocket.proof", "--photo", "photo.jpg", "--save-to", "saved"]);
    for words in [
        NOTE,
        "lightproof cannot tell who holds this key",
        "it does not prove when",
        "photo.jpg is photo 1, unchanged since it was signed",
    ] {
        assert!(page.contains(words), "{words:?} is missing:\n{page}");
    }
    let proof = &json(&stranger.says(&["--json", "verify-proof", "rocket.proof"]))[0];
    assert_eq!((&proof["event"], &proof["id"], &proof["note"]), (&"proof".into(), &id.into(), &NOTE.into()));
    assert!(proof["name"].is_null() && proof["trust"].is_null());
    let keys = ["signer", "recipient", "sent_at", "photos", "compared", "says"];
    assert!(keys.iter().all(|key| proof.get(key).is_some_and(|value| !value.is_null())), "{proof}");
    assert_eq!(proof["photos"][0]["enclosed"], true);

    let saved: Vec<_> = fs::read_dir(world.path("saved")).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(saved.len(), 1, "{saved:?}");
    assert_eq!(fs::read(&saved[0]).unwrap(), world.bytes("photo.jpg"));
    assert!(!world.path("home-stranger").exists(), "a home was made");

    // Who knows the key is told whose it is, and how sure that is.
    let known = bob.says(&["verify-proof", "rocket.proof"]);
    assert!(
        known.contains("the key you have for alice") && known.contains("cannot tell who holds this key"),
        "{known}"
    );
    bob.says(&["contact", "verify", "alice", "--mark"]);
    let verified = bob.says(&["verify-proof", "rocket.proof"]);
    assert!(verified.contains("alice, with whom you compared safety numbers, signed"), "{verified}");
    assert!(!verified.contains("cannot tell"), "{verified}");
}

#[test]
fn a_sender_can_show_which_file_a_photo_was_made_from() {
    let world = World::new();
    let (alice, bob) = world.friends();
    let original = picture(&world, "rocket-phone.jpg");
    let mut following = bob.begins(&["--json", "receive", "--follow"]);
    let sent = json(&alice.says(&["--json", "send", "bob", "rocket-phone.jpg", "-m", NOTE, "--wait", "delivered"]));
    following.says_a_line_with(NOTE);
    assert_eq!(following.interrupted(), Some(0));
    let id = sent.last().unwrap()["id"].as_str().unwrap();
    let exported = json(&alice.says(&["--json", "export", id, "--proof", "source.proof", "--open-source"]));
    assert_eq!((&exported[0]["enclosed"], &exported[0]["sources"]), (&0.into(), &1.into()));

    let stranger = Person::at(&world, "stranger");
    let page = stranger.says(&["verify-proof", "source.proof", "--photo", "rocket-phone.jpg"]);
    assert!(page.contains("rocket-phone.jpg is the file that photo 1 was made from, unchanged since"), "{page}");
    let words = ["--json", "verify-proof", "source.proof", "--photo", "rocket-phone.jpg"];
    let proof = &json(&stranger.says(&words))[0];
    assert_eq!(proof["photos"][0]["source_sha256"], sha256(&original));
    assert_eq!(proof["compared"], serde_json::json!([{ "photo": 1, "as": "source" }]));
    // What arrived is another file, and the photo itself.
    bob.says(&["show", id, "--no-photo", "--save", "photo.jpg"]);
    let page = stranger.says(&["verify-proof", "source.proof", "--photo", "photo.jpg"]);
    assert!(page.contains("photo.jpg is photo 1, unchanged since it was signed"), "{page}");

    let mut other = original;
    *other.last_mut().unwrap() ^= 1;
    world.put("other.jpg", &other);
    stranger.ends(&["verify-proof", "source.proof", "--photo", "other.jpg"], 3);
    // Nobody but the sender has said it, and only where it was asked for.
    alice.says(&["export", id, "--proof", "silent.proof"]);
    let (_, stderr) = stranger.ends(&["verify-proof", "silent.proof", "--photo", "rocket-phone.jpg"], 3);
    assert!(stderr.contains("none of the photos"), "{stderr}");
}

#[test]
fn what_was_changed_proves_nothing_and_leaves_no_file() {
    let (world, _alice, _bob, _id) = told();
    let stranger = Person::at(&world, "stranger");
    let proof = world.bytes("rocket.proof");
    for place in [3, 20, 2_100, 5_000, proof.len() - 1] {
        let mut changed = proof.clone();
        changed[place] ^= 1;
        world.put("changed.proof", &changed);
        let (stdout, stderr) = stranger.ends(&["verify-proof", "changed.proof", "--save-to", "saved"], 3);
        assert!(stdout.is_empty() && stderr.starts_with("error: this "), "byte {place}: {stdout}{stderr}");
    }
    world.put("cut.proof", &proof[..proof.len() - 1]);
    stranger.ends(&["verify-proof", "cut.proof", "--save-to", "saved"], 3);
    stranger.ends(&["verify-proof", "photo.jpg"], 3);
    assert_eq!(fs::read_dir(world.path("saved")).unwrap().count(), 0);

    let mut photo = world.bytes("photo.jpg");
    photo[100] ^= 1;
    world.put("other.jpg", &photo);
    let (stdout, stderr) = stranger.ends(&["verify-proof", "rocket.proof", "--photo", "other.jpg"], 3);
    assert!(stdout.is_empty() && stderr.contains("none of the photos"), "{stdout}{stderr}");
}

#[test]
fn ctrl_c_is_heard_while_a_pipe_is_silent_and_leaves_no_file() {
    let world = World::new();
    let (alice, bob) = world.friends();
    world.put("file.bin", &Noise::new(1).bytes(200_000));
    alice.says(&["send", "bob", "file.bin", "--as", "exact"]);
    let came = messages(&bob.says(&["--json", "receive"]));
    bob.says(&["export", came[0]["id"].as_str().unwrap(), "--proof", "file.proof", "--with-photos"]);
    let stranger = Person::at(&world, "stranger");
    let proof = world.bytes("file.proof");
    let mut reading = stranger.command(&["verify-proof", "-", "--save-to", "saved"]);
    let mut child = reading.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut pipe = child.stdin.take().unwrap();
    pipe.write_all(&proof[..proof.len() - 1]).unwrap();
    pipe.flush().unwrap();
    let begun = || fs::read_dir(world.path("saved")).is_ok_and(|folder| folder.count() == 1);
    for _ in 0..3_000 {
        if begun() {
            break;
        }
        sleep(Duration::from_millis(10));
    }
    assert!(begun(), "nothing was begun");
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(1));
    assert_eq!(fs::read_dir(world.path("saved")).unwrap().count(), 0);
    drop(pipe);
}

#[test]
fn a_proof_goes_through_pipes_and_takes_nobodys_place() {
    let (world, alice, bob, id) = told();
    let (_, stderr) = bob.ends(&["export", &id, "--proof", "rocket.proof"], 1);
    assert!(stderr.contains("nothing is overwritten"), "{stderr}");
    let printed = bob.run(&["export", &id, "--proof", "-", "--with-photos"]);
    assert_eq!((printed.status.code(), &printed.stdout), (Some(0), &world.bytes("rocket.proof")));
    assert!(String::from_utf8(printed.stderr).unwrap().contains("warning: whoever has this proof can read"));
    let read = fed(&Person::at(&world, "stranger"), &["verify-proof", "-"], &printed.stdout);
    assert_eq!(read.status.code(), Some(0));
    assert!(String::from_utf8(read.stdout).unwrap().contains(NOTE));

    // Its photos could still be taken away.
    let sent = messages(&alice.says(&["--json", "messages"]));
    let (_, stderr) = alice.ends(&["export", sent[0]["id"].as_str().unwrap(), "--proof", "early.proof"], 1);
    assert!(stderr.contains("not delivered yet") && !world.path("early.proof").exists(), "{stderr}");
    let (_, stderr) = bob.ends(&["export", &id, "--proof", "source.proof", "--open-source"], 1);
    assert!(stderr.contains("only the sender"), "{stderr}");
}

//! Two people and a real relay: what is sent arrives, verified and unchanged, whatever happens in between.
//!
//! These tests open sockets and read the clock, because the program does.

#![cfg(feature = "demo")]
#![expect(clippy::unwrap_used, reason = "a test that fails is to stop")]

mod people;

use std::fs;

use people::{Person, Place, json};

#[test]
fn a_photo_with_a_note_arrives_as_it_was_sent() {
    let place = Place::new();
    let (alice, bob) = place.alice_and_bob();
    fs::write(place.path("photo.jpg"), lightproof_core::prepare::sample_photo()).unwrap();
    let sent = alice.says(&["--json", "send", "bob", "photo.jpg", "-m", "look at this"]);
    let sent = json(&sent)[0].clone();
    assert_eq!((&sent["event"], &sent["state"]), (&"sent".into(), &"deposited".into()));
    let removed = sent["photos"][0]["removed"].to_string();
    assert!(removed.contains("location: 46.50") && removed.contains("serial number EXO-0042-7781"), "{removed}");
    let keys: Vec<_> = sent["photos"][0]["found"].as_array().unwrap().iter().map(|found| &found["key"]).collect();
    assert!(keys.contains(&&"GPSPosition".into()) && keys.contains(&&"BodySerialNumber".into()), "{keys:?}");

    let came = bob.says(&["--json", "receive", "--save-to", "saved"]);
    let came = json(&came)[0].clone();
    assert_eq!((&came["from"], &came["state"]), (&"alice".into(), &"verified".into()));
    assert_eq!((&came["note"], &came["id"]), (&"look at this".into(), &sent["id"]));
    let file = came["photos"][0]["file"].as_str().unwrap();
    let bytes = fs::read(place.path(file)).unwrap();
    assert_eq!(came["photos"][0]["sha256"], hex_sha256(&bytes).as_str());
    assert_eq!(bytes.len() as u64, sent["photos"][0]["bytes"].as_u64().unwrap());
    assert!(!bytes.windows(4).any(|window| window == b"Exif"));
    bob.ends(&["receive"], 5);
}

#[test]
fn an_exact_file_is_the_very_file() {
    let place = Place::new();
    let (alice, bob) = place.alice_and_bob();
    let bytes: Vec<u8> =
        (0..3_000_000_u32).flat_map(|number| number.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    fs::write(place.path("any.bin"), &bytes).unwrap();
    let sent = json(&alice.says(&["--json", "send", "bob", "any.bin", "--as", "exact"]))[0].clone();
    bob.says(&["receive"]);
    let id = sent["id"].as_str().unwrap();
    bob.says(&["show", &id[..8], "--save", "copy.bin"]);
    assert!(fs::read(place.path("copy.bin")).unwrap() == bytes);
    assert!(bob.run(&["show", id, "--save", "-"]).stdout == bytes);
    let shown = json(&bob.says(&["--json", "show", id]))[0].clone();
    assert_eq!(shown["photos"][0]["sha256"], hex_sha256(&bytes).as_str());
    // Nothing is overwritten.
    let (_, error) = bob.ends(&["show", id, "--save", "copy.bin"], 1);
    assert!(error.contains("nothing is overwritten"));
}

#[test]
fn an_answer_comes_back_and_names_stay_ours() {
    let place = Place::new();
    let (alice, bob) = place.alice_and_bob();
    alice.says(&["send", "bob", "-m", "are you there?"]);
    let (page, _) = bob.ends(&["receive"], 0);
    assert!(page.contains("from alice  verified\n    are you there?\n"), "{page}");
    bob.says(&["send", "alice", "-m", "yes\u{1b}[2J"]);
    let (page, _) = alice.ends(&["receive"], 0);
    assert!(page.contains("from bob  verified\n    yes\u{fffd}[2J\n"), "{page}");
    let all = json(&alice.says(&["--json", "messages"]));
    assert_eq!([&all[0]["direction"], &all[1]["direction"]], ["out", "in"]);
    assert_eq!(json(&alice.says(&["--json", "messages", "--unread"])).len(), 1);
    let id = all[1]["id"].as_str().unwrap();
    let page = alice.says(&["show", id]);
    assert!(page.starts_with("from bob (unverified: compare safety numbers with `lightproof contact verify bob`)"));
    assert!(page.contains("verified: unchanged since bob sealed it"));
    alice.says(&["delete", id]);
    alice.ends(&["show", id], 1);
}

#[test]
fn two_recipients_get_the_same_photo() {
    let place = Place::new();
    let (alice, bob) = place.alice_and_bob();
    let carol = place.person("carol");
    alice.adds(&carol);
    carol.adds(&alice);
    fs::write(place.path("photo.jpg"), lightproof_core::prepare::sample_photo()).unwrap();
    let sent = json(&alice.says(&["--json", "send", "bob,carol", "photo.jpg"]));
    assert_eq!([&sent[0]["to"], &sent[1]["to"]], ["bob", "carol"]);
    let [to_bob, to_carol] = [&bob, &carol].map(|person| json(&person.says(&["--json", "receive"]))[0].clone());
    assert_eq!(to_bob["photos"][0]["sha256"], to_carol["photos"][0]["sha256"]);
    assert_eq!((&to_bob["state"], &to_carol["state"]), (&"verified".into(), &"verified".into()));
}

#[test]
fn a_stranger_is_a_request_until_accepted() {
    let place = Place::new();
    let (alice, bob) = (place.person("alice"), place.person("bob"));
    alice.adds(&bob);
    fs::write(place.path("photo.jpg"), lightproof_core::prepare::sample_photo()).unwrap();
    alice.says(&["send", "bob", "photo.jpg", "-m", "you do not know me"]);
    let (page, _) = bob.ends(&["receive"], 0);
    assert!(page.contains("says it is alice") && !page.contains("you do not know me"), "{page}");
    assert!(bob.says(&["messages"]).is_empty());
    let request = json(&bob.says(&["--json", "requests"]))[0].clone();
    assert_eq!((&request["event"], &request["name"]), (&"request".into(), &"alice".into()));
    let fingerprint: String = request["fingerprint"].as_str().unwrap().split(' ').take(3).collect();
    bob.says(&["accept", &fingerprint, "--name", "anna"]);
    let came = json(&bob.says(&["--json", "receive"]))[0].clone();
    assert_eq!((&came["from"], &came["state"]), (&"anna".into(), &"verified".into()));
}

#[test]
fn somebody_who_has_no_name_that_could_be_typed_is_accepted_by_another() {
    let place = Place::new();
    let (nobody, bob) = (Person::at(&place, "nobody"), place.person("bob"));
    nobody.says(&["init", "--no-passphrase", "--relay", &place.link()]);
    nobody.adds(&bob);
    nobody.tells(&bob, "guess who");
    let request = json(&bob.says(&["--json", "requests"]))[0]["request"].to_string();
    let (_, stderr) = bob.ends(&["accept", &request], 1);
    assert!(stderr.contains("not a name") && stderr.contains("--name"), "{stderr}");
    bob.says(&["accept", &request, "--name", "carol"]);
    // Where nobody answers, a number does; and nobody keeps those behind them out.
    for name in ["quiet", "late"] {
        let other = Person::at(&place, name);
        other.says(&["init", "--no-passphrase", "--relay", &place.link()]);
        other.adds(&bob);
        other.says(&["send", "bob", "-m", name]);
    }
    let came = bob.says(&["receive", "--accept-new"]);
    assert!(came.contains("quiet") && came.contains("late") && came.contains("from contact-"), "{came}");
}

#[test]
fn new_people_are_accepted_on_demand_and_declined_for_good_measure() {
    let place = Place::new();
    let (alice, bob) = (place.person("alice"), place.person("bob"));
    alice.adds(&bob);
    alice.tells(&bob, "first");
    let request = json(&bob.says(&["--json", "requests"]))[0]["request"].to_string();
    bob.says(&["decline", &request]);
    bob.ends(&["receive"], 5);
    assert!(bob.says(&["requests"]).is_empty());

    let carol = place.person("carol");
    carol.adds(&bob);
    carol.says(&["send", "bob", "-m", "hello from carol"]);
    let page = bob.says(&["receive", "--accept-new"]);
    assert!(page.contains("from carol  verified\n    hello from carol\n"), "{page}");
}

#[test]
fn what_cannot_be_sent_leaves_no_trace() {
    let place = Place::new();
    let (alice, _bob) = place.alice_and_bob();
    fs::write(place.path("text.txt"), "no picture").unwrap();
    fs::write(place.path("long.txt"), "x".repeat(5_000)).unwrap();
    let (_, error) = alice.ends(&["send", "bob", "text.txt"], 1);
    assert!(error.starts_with("error: text.txt: not an image\nhint: --as exact"), "{error}");
    let (_, error) = alice.ends(&["send", "bob", "--note-file", "long.txt"], 1);
    assert!(error.starts_with("error: the note is too long: at most 4098 bytes"), "{error}");
    alice.ends(&["send", "bob", "-m", &"x".repeat(4_097)], 1);
    assert!(alice.says(&["messages"]).is_empty() && alice.says(&["outbox"]).is_empty());
}

#[test]
fn a_relay_that_comes_back_gets_what_waited() {
    let mut place = Place::new();
    let (alice, bob) = place.alice_and_bob();
    alice.says(&["send", "bob", "-m", "before"]);
    place.stop_relay();
    let (page, error) = alice.ends(&["send", "bob", "-m", "meanwhile"], 4);
    assert!(page.contains("to bob: outbox") && error.contains("cannot be reached"), "{page}{error}");
    bob.ends(&["receive"], 4);
    place.start_relay();
    let (_, said) = alice.ends(&["outbox", "retry"], 0);
    assert!(said.contains("to bob: deposited"), "{said}");
    alice.ends(&["outbox", "retry"], 5);
    let notes: Vec<_> = json(&bob.says(&["--json", "receive"])).iter().map(|came| came["note"].clone()).collect();
    assert_eq!(notes, ["before", "meanwhile"]);
}

#[test]
fn a_draft_that_is_retried_is_told_by_its_own_state() {
    let mut place = Place::new();
    let (alice, _bob) = place.alice_and_bob();
    fs::write(place.path("photo.jpg"), lightproof_core::prepare::sample_photo()).unwrap();
    place.stop_relay();
    alice.ends(&["send", "bob", "-m", "first"], 4);
    alice.ends(&["send", "bob", "photo.jpg"], 4);
    let under_way = json(&alice.says(&["--json", "outbox"]));
    assert_eq!([&under_way[0]["state"], &under_way[1]["state"]], ["draft", "draft"]);
    let (still, _) = alice.ends(&["outbox", "retry"], 4);
    assert!(still.matches("to bob: draft").count() == 2, "{still}");
    place.start_relay();
    let (still, said) = alice.ends(&["outbox", "retry"], 0);
    for one in &under_way {
        let line = format!("{} to bob: deposited", &one["id"].as_str().unwrap()[..8]);
        assert!(still.is_empty() && said.contains(&line), "{still}{said}");
    }
}

#[test]
fn what_nobody_read_is_told_again_and_saved_once() {
    let place = Place::new();
    let (alice, bob) = place.alice_and_bob();
    fs::write(place.path("photo.jpg"), lightproof_core::prepare::sample_photo()).unwrap();
    alice.says(&["send", "bob", "photo.jpg", "-m", "read me"]);
    for words in [["receive", "--save-to", "saved"].as_slice(), &["receive", "--follow", "--save-to", "saved"]] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        assert_eq!(bob.command(words).stdout(writer).status().unwrap().code(), Some(0));
    }
    assert!(bob.says(&["receive", "--save-to", "saved"]).contains("read me"));
    bob.ends(&["receive"], 5);
    assert_eq!(fs::read_dir(place.path("saved")).unwrap().count(), 1);
}

#[test]
fn another_certificate_is_an_alarm() {
    let place = Place::new();
    let alice = Person::at(&place, "alice");
    let (good, other) = (place.link(), "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    let pin = good.rsplit_once('=').unwrap().1;
    let (page, error) = alice.ends(&["init", "--relay", &good.replace(pin, other)], 3);
    assert!(page.is_empty() && error.contains("certificate that is not the expected one"), "{page}{error}");
    // Nothing is in the way of the right link.
    alice.says(&["init", "--relay", &good]);
}

#[test]
fn the_demo_holds_what_it_promises() {
    let place = Place::new();
    let nobody = Person::at(&place, "nobody");
    let told = json(&nobody.says(&["--json", "demo", "-m", "in the demo", "--keep", "kept"]));
    let checks: Vec<_> = told.iter().filter(|line| line["event"] == "check").collect();
    assert!(checks.len() >= 7 && checks.iter().all(|check| check["holds"] == true));
    assert!(place.path("kept/bob/vault.redb").exists());
}

fn hex_sha256(bytes: &[u8]) -> String {
    let digest = lightproof_core::wire::hash::Digest::of(bytes);
    digest.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn a_receiver_that_follows_shows_what_comes_and_ends_on_ctrl_c() {
    let place = Place::new();
    let (alice, bob) = place.alice_and_bob();
    let mut following = bob.begins(&["receive", "--follow"]);
    alice.says(&["send", "bob", "-m", "while you watch"]);
    following.says_a_line_with("from alice  verified");
    following.says_a_line_with("while you watch");
    // Another command on the same home works meanwhile.
    bob.says(&["send", "alice", "-m", "seen"]);
    assert_eq!(following.interrupted(), Some(0));
    assert!(alice.says(&["receive"]).contains("seen"));
}

//! Taken back, seen once, erased: what the programs do about it, and what they say they cannot do.

use std::fs;

use serde_json::Value;

use crate::person::{Person, json};
use crate::pictures::picture;
use crate::relay::Relay;
use crate::world::{World, messages};

const NOTE: &str = "second thoughts";

/// Alice has sent Bob a photo with a note; its ID.
fn sent(world: &World, alice: &Person, more: &[&str]) -> String {
    picture(world, "rocket-phone.jpg");
    let words = [&["--json", "send", "bob", "rocket-phone.jpg", "-m", NOTE], more].concat();
    json(&alice.says(&words))[0]["id"].as_str().unwrap().to_owned()
}

/// To Bob, who knows her.
fn sent_to_bob(world: &World) -> (Person, Person, String) {
    let (alice, bob) = world.friends();
    let id = sent(world, &alice, &[]);
    (alice, bob, id)
}

fn only(mut messages: Vec<Value>) -> Value {
    assert_eq!(messages.len(), 1, "{messages:?}");
    messages.remove(0)
}

#[test]
fn what_is_taken_back_in_time_is_never_shown_and_its_recipient_is_told() {
    let world = World::new();
    let (alice, bob, id) = sent_to_bob(&world);
    assert_eq!(world.relay.blobs().len(), 1);
    let told = only(json(&alice.says(&["--json", "retract", &id])));
    assert_eq!((&told["event"], &told["id"], &told["to"]), (&"retracted".into(), &id.clone().into(), &"bob".into()));
    assert_eq!(told["reached"], "deposited");
    assert_eq!(world.relay.blobs().len(), 0);
    let came = only(messages(&bob.says(&["--json", "receive", "--save-to", "saved"])));
    assert_eq!((&came["state"], &came["retracted"], &came["note"]), (&"retracted".into(), &true.into(), &Value::Null));
    assert_eq!(came["photos"].as_array().unwrap().len(), 0);
    assert_eq!(fs::read_dir(world.path("saved")).unwrap().count(), 0);
    let shown = bob.says(&["show", &id]);
    assert!(shown.contains("alice took it back before you looked at it"), "{shown}");
    assert!(!shown.contains(NOTE));
    let shown = alice.says(&["show", &id]);
    assert!(shown.contains("retracted") && shown.contains("what was seen, saved or copied cannot be taken back"));
    for (person, words) in [(&alice, "taken back before"), (&bob, "only its sender")] {
        let (_, stderr) = person.ends(&["retract", &id], 1);
        assert!(stderr.contains(words), "{stderr}");
    }
    bob.ends(&["export", &id, "--proof", "gone.proof"], 1);
}

/// `outbox retry` looked for messages only: it said that nothing is under way, and the photo stayed at the relay until
/// somebody received.
#[test]
fn what_could_not_be_taken_back_at_once_is_taken_back_by_outbox_retry() {
    let mut world = World::new();
    let (alice, bob, id) = sent_to_bob(&world);
    world.relay.stop();
    let (_, stderr) = alice.ends(&["retract", &id], 4);
    assert!(stderr.contains("`lightproof outbox retry`"), "{stderr}");
    let waits = only(json(&alice.says(&["--json", "outbox"])));
    assert_eq!((&waits["id"], &waits["to"], &waits["state"]), (&id.clone().into(), &"bob".into(), &"retract".into()));
    assert_eq!((&waits["event"], &waits["photos"]), (&"outbox".into(), &1.into()));
    assert_eq!(only(json(&alice.says(&["--json", "status"])))["retracts"], 1);
    let line = format!("{} to bob: ", &id[..8]);
    let (still, _) = alice.ends(&["outbox", "retry", &id], 4);
    assert_eq!(still, format!("{line}retract, 1 photo\n"));
    let (_, stderr) = alice.ends(&["outbox", "cancel", &id], 1);
    assert!(stderr.contains("it is being taken back"), "{stderr}");

    world.relay.start();
    assert_eq!(world.relay.blobs().len(), 1);
    let (still, said) = alice.ends(&["outbox", "retry"], 0);
    assert!(still.is_empty() && said.contains(&format!("{line}retracted")), "{still}{said}");
    assert_eq!(world.relay.blobs().len(), 0);
    assert!(alice.says(&["outbox"]).is_empty());
    alice.ends(&["outbox", "retry"], 5);
    let came = only(messages(&bob.says(&["--json", "receive"])));
    assert_eq!((&came["id"], &came["state"]), (&id.into(), &"retracted".into()));
}

/// The photo leaves the sender's relay, and the relay of the recipient is away: what waits is an envelope without a message.
#[test]
fn a_retract_that_is_sealed_and_not_deposited_is_carried_by_outbox_retry() {
    let world = World::new();
    let mut other = Relay::serve(world.path("other"), "127.0.0.1:0", &[]);
    let (alice, bob) = (world.person("alice"), Person::at(&world, "bob"));
    bob.says(&["init", "--no-passphrase", "--name", "bob", "--relay", other.link()]);
    alice.adds(&bob);
    bob.adds(&alice);
    let id = sent(&world, &alice, &[]);
    other.stop();
    alice.ends(&["retract", &id], 4);
    assert_eq!(world.relay.blobs().len(), 0);
    let (listed, said) = alice.ends(&["outbox"], 0);
    assert!(listed.is_empty() && said.contains("also under way: 1 envelope without a message"), "{listed}{said}");
    alice.ends(&["outbox", "retry"], 4);
    other.start();
    let (_, said) = alice.ends(&["outbox", "retry"], 0);
    assert!(said.contains("deposited: 1 envelope without a message"), "{said}");
    alice.ends(&["outbox", "retry"], 5);
    let came = only(messages(&bob.says(&["--json", "receive"])));
    assert_eq!((&came["id"], &came["state"]), (&id.into(), &"retracted".into()));
}

/// Bob and Carol at another relay, which is away: a message to Bob is sealed, one to Carol is not.
fn two_at_a_relay_that_is_away(world: &World) -> (Person, Relay, String) {
    let mut other = Relay::serve(world.path("other"), "127.0.0.1:0", &[]);
    let alice = world.person("alice");
    for name in ["bob", "carol"] {
        let person = Person::at(world, name);
        person.says(&["init", "--no-passphrase", "--name", name, "--relay", other.link()]);
        alice.adds(&person);
        person.adds(&alice);
    }
    alice.says(&["send", "bob", "-m", "hello"]);
    other.stop();
    picture(world, "rocket-phone.jpg");
    let sent = alice.ends(&["--json", "send", "bob", "rocket-phone.jpg", "-m", NOTE], 4).0;
    let id = json(&sent)[0]["id"].as_str().unwrap().to_owned();
    alice.ends(&["send", "carol", "rocket-phone.jpg", "-m", NOTE], 4);
    (alice, other, id)
}

/// A sealed message stayed in the outbox for ever: nothing carried it, and nothing could cancel or delete it.
#[test]
fn what_was_still_to_go_out_to_somebody_blocked_or_removed_is_given_up() {
    let world = World::new();
    let (alice, mut other, id) = two_at_a_relay_that_is_away(&world);
    let waiting = || -> Vec<Value> {
        json(&alice.says(&["--json", "outbox"])).into_iter().map(|mut one| one["state"].take()).collect()
    };
    assert_eq!((waiting(), world.relay.blobs().len()), (vec!["draft".into(), "sealed".into()], 2));
    for (words, name) in [("block", "bob"), ("remove", "carol")] {
        let (_, said) = alice.ends(&["contact", words, name], 0);
        let told = format!("1 message that was still to go out to {name} is given up");
        assert!(said.contains(&told), "{said}");
    }
    // Its photo is still to be taken back from the relay.
    assert_eq!(waiting(), ["retract"]);
    alice.ends(&["outbox", "retry"], 0);
    assert_eq!((waiting(), world.relay.blobs().len()), (vec![], 0));
    let shown = alice.says(&["show", &id]);
    assert!(shown.contains("it was still to go out when you blocked or removed bob"), "{shown}");
    other.start();
    alice.says(&["contact", "remove", "bob"]);
    alice.adds(&Person::at(&world, "bob"));
    alice.ends(&["receive"], 5);
    let came = Person::at(&world, "bob").says(&["--json", "receive"]);
    assert!(came.contains("hello") && !came.contains(NOTE), "{came}");
    alice.says(&["delete", &id]);
}

/// What only somebody could read whose envelope was never sealed stayed at the relay.
#[test]
fn a_home_that_is_erased_leaves_no_photo_of_a_send_that_is_sealed_for_some_only() {
    let world = World::new();
    let (alice, _other, _) = two_at_a_relay_that_is_away(&world);
    alice.ends(&["send", "bob,carol", "rocket-phone.jpg", "-m", NOTE], 4);
    assert_eq!(world.relay.blobs().len(), 3);
    alice.says(&["erase", "--yes"]);
    assert_eq!(world.relay.blobs().len(), 0);
}

#[test]
fn what_was_looked_at_or_saved_stays_and_the_sender_is_told_so() {
    let world = World::new();
    let (alice, bob, id) = sent_to_bob(&world);
    let came = only(messages(&bob.says(&["--json", "receive", "--save-to", "saved"])));
    let file = came["photos"][0]["file"].as_str().unwrap().to_owned();
    bob.says(&["show", &id]);
    let said = alice.says(&["retract", &id]);
    assert!(said.contains("unless somebody was faster"), "{said}");
    let (_, stderr) = bob.ends(&["receive"], 5);
    assert!(stderr.contains("alice has taken back a message that you had looked at"), "{stderr}");
    let shown = bob.says(&["show", &id]);
    assert!(shown.contains(NOTE) && shown.contains("alice has taken it back since"), "{shown}");
    assert!(world.path(&file).exists());
}

/// What is on a screen must not be taken back: that it is there is saved first, even where it then does not come so far.
#[test]
fn that_somebody_looks_is_saved_before_anything_is_shown() {
    let world = World::new();
    let (alice, bob) = world.friends();
    let ids = [(); 3].map(|()| sent(&world, &alice, &[]));
    bob.says(&["receive"]);
    let unread = || messages(&bob.says(&["--json", "messages", "--unread"])).len();
    assert_eq!(unread(), 3);
    for (left, id, words) in [(2, &ids[0], &["show"][..]), (1, &ids[1], &["show", "--save", "-", "--photo", "1"])] {
        let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let shown = bob.command(&[words, &[id]].concat()).stdout(full).status().unwrap();
        assert!(!shown.success(), "{words:?}");
        assert_eq!(unread(), left, "{words:?}");
    }
    // What cannot be saved is not looked at.
    bob.ends(&["show", &ids[2], "--save", "no/such/folder/photo.jpg"], 1);
    assert_eq!(unread(), 1);
    bob.says(&["show", &ids[2], "--save", "photo.jpg"]);
    assert_eq!(unread(), 0);
}

#[test]
fn a_message_for_one_look_is_shown_once_and_never_saved() {
    let world = World::new();
    let (alice, bob) = world.friends();
    alice.says(&["send", "bob", "-m", NOTE, "--view-once"]);
    let photo = sent(&world, &alice, &["--view-once"]);
    let came = messages(&bob.says(&["--json", "receive", "--save-to", "saved"]));
    for message in &came {
        assert_eq!((&message["view_once"], &message["note"]), (&true.into(), &Value::Null));
    }
    assert_eq!(fs::read_dir(world.path("saved")).unwrap().count(), 0);
    let id = came[0]["id"].as_str().unwrap();
    for words in [&["messages"][..], &["messages", "--unread"]] {
        assert!(!bob.says(words).contains(NOTE));
    }
    bob.ends(&["show", id, "--save", "note.txt"], 2);
    bob.ends(&["export", id, "--proof", "once.proof"], 1);
    let (stdout, stderr) = bob.ends(&["show", id], 0);
    assert!(stdout.contains(NOTE) && stderr.contains("gone from this home"), "{stdout}{stderr}");
    let again = bob.says(&["show", id]);
    assert!(again.contains("it was for one look, and that was taken") && !again.contains(NOTE), "{again}");
    // Photos are drawn, and only on a terminal: elsewhere nothing is shown, and nothing is lost.
    let (stdout, stderr) = bob.ends(&["show", &photo], 1);
    assert!(stdout.is_empty() && stderr.contains("still here"), "{stdout}{stderr}");
    bob.ends(&["show", &photo, "--save", "-"], 2);
    assert_eq!(messages(&bob.says(&["--json", "messages", "--unread"])).len(), 1);
}

#[test]
fn an_erased_home_is_gone_and_says_what_is_not() {
    let world = World::new();
    let (alice, bob, id) = sent_to_bob(&world);
    bob.says(&["receive"]);
    sent(&world, &alice, &[]);
    assert_eq!(world.relay.blobs().len(), 1);
    let (_, stderr) = alice.ends(&["erase"], 1);
    assert!(stderr.contains("use --yes"), "{stderr}");
    alice.says(&["show", &id]);
    let erased = only(json(&alice.says(&["--json", "erase", "--yes"])));
    // That of the first message, too: no receipt of Bob's has come.
    assert_eq!((&erased["event"], &erased["blobs"]), (&"erased".into(), &2.into()));
    assert!(erased["mailboxes"].as_u64().unwrap() >= 2 && erased["remains"].as_array().unwrap().len() >= 3);
    assert_eq!(world.relay.blobs().len(), 0);
    assert!(!world.path("home-alice").exists());
    alice.ends(&["status"], 1);
    alice.ends(&["erase", "--yes"], 1);
    // What Bob has stays his; what he writes now reaches nobody.
    assert!(bob.says(&["messages"]).contains(NOTE));
    bob.ends(&["send", "alice", "-m", "are you there?"], 1);
}

#[test]
fn a_home_is_erased_without_its_relay_and_without_its_passphrase() {
    let mut world = World::new();
    let (bob, carol) = (world.person("bob"), Person::at(&world, "carol"));
    carol.says(&["init", "--name", "carol", "--relay", world.relay.link()]);
    let mut command = carol.command(&["erase", "--yes"]);
    assert_eq!(command.env("LIGHTPROOF_PASSPHRASE", "forgotten").output().unwrap().status.code(), Some(1));
    assert!(world.path("home-carol").exists());
    let mut command = carol.command(&["erase", "--yes", "--offline"]);
    assert!(command.env_remove("LIGHTPROOF_PASSPHRASE").output().unwrap().status.success());
    assert!(!world.path("home-carol").exists());
    world.relay.stop();
    let (stdout, stderr) = bob.ends(&["erase", "--yes"], 0);
    assert!(stderr.contains("was not reached") && stdout.contains("relays that were not told"), "{stdout}{stderr}");
    assert!(!world.path("home-bob").exists());
}

/// It said that the vault is damaged, and not how to be rid of it.
#[test]
fn a_damaged_home_that_cannot_be_erased_names_the_way_that_needs_no_vault() {
    let world = World::new();
    let alice = world.person("alice");
    fs::write(world.path("home-alice").join("vault.redb"), [7; 100_000]).unwrap();
    let (_, stderr) = alice.ends(&["erase", "--yes"], 1);
    assert!(stderr.contains("lightproof erase --offline"), "{stderr}");
    alice.says(&["erase", "--yes", "--offline"]);
    assert!(!world.path("home-alice").exists());
}

/// Nothing is sent to somebody blocked: they are not asked to drop it, and that was said of them.
#[test]
fn what_is_taken_back_from_somebody_blocked_is_gone_from_the_relay_only() {
    let world = World::new();
    let (alice, bob, id) = sent_to_bob(&world);
    bob.says(&["receive"]);
    alice.says(&["contact", "block", "bob"]);
    let (stdout, _) = alice.ends(&["retract", &id], 0);
    assert!(stdout.contains("bob is not asked to drop it: they are blocked or removed"), "{stdout}");
    let shown = alice.says(&["show", &id]);
    assert!(shown.contains("nothing is heard of whether it was dropped"), "{shown}");
}

#[test]
fn somebody_blocked_who_is_added_again_is_said_to_be_heard_again() {
    let world = World::new();
    let (alice, bob) = world.friends();
    alice.says(&["contact", "block", "bob"]);
    let card = bob.says(&["card"]);
    let (_, stderr) = alice.ends(&["contact", "add", card.trim()], 0);
    assert!(stderr.contains("bob was blocked, and is no longer: what they send comes in again"), "{stderr}");
    let (_, stderr) = alice.ends(&["contact", "add", card.trim()], 0);
    assert!(!stderr.contains("blocked"), "{stderr}");
}

/// It held a folder of that name, and all of it went without a word.
#[test]
fn a_folder_that_no_restore_has_made_stays_where_a_home_is_made_and_where_it_is_erased() {
    let world = World::new();
    let notes = world.path("home-alice").join("restoring");
    fs::create_dir_all(&notes).unwrap();
    fs::write(notes.join("chairs.txt"), "by hand").unwrap();
    fs::write(notes.join("lock"), "").unwrap();
    let alice = Person::at(&world, "alice");
    alice.ends(&["erase", "--yes"], 1);
    world.person("alice");
    assert_eq!(fs::read_to_string(notes.join("chairs.txt")).unwrap(), "by hand");
    let (_, stderr) = alice.ends(&["erase", "--yes"], 0);
    assert!(stderr.contains("restoring is not ours, and stays"), "{stderr}");
    assert_eq!(fs::read_to_string(notes.join("chairs.txt")).unwrap(), "by hand");
}

#[test]
fn receipts_can_be_turned_off_for_one_contact() {
    let world = World::new();
    let (alice, bob) = world.friends();
    bob.says(&["contact", "receipts", "alice", "off"]);
    assert_eq!(only(json(&bob.says(&["--json", "contact", "show", "alice"])))["receipts"], "off");
    assert!(bob.says(&["contact", "show", "alice"]).contains("receipts     off"));
    // Bob has it and has looked at it, and owes nobody word of that.
    let id = sent(&world, &alice, &[]);
    assert_eq!(only(messages(&bob.says(&["--json", "receive"])))["state"], "verified");
    bob.says(&["show", &id]);
    let owed = || only(json(&bob.says(&["--json", "status"])))["receipts_due"].clone();
    assert_eq!(owed(), 0);
    bob.says(&["contact", "receipts", "alice", "on"]);
    // A later message is confirmed, and still nothing is heard of that one.
    let following = bob.begins(&["--json", "receive", "--follow"]);
    let told = json(&alice.says(&["--json", "send", "bob", "-m", "and this?", "--wait", "delivered"]));
    assert_eq!(told.last().unwrap()["state"], "delivered");
    assert_eq!(following.interrupted(), Some(0));
    assert_eq!(messages(&alice.says(&["--json", "show", &id]))[0]["state"], "deposited");
    assert_eq!(only(json(&bob.says(&["--json", "contact", "list"])))["receipts"], "on");
    bob.ends(&["contact", "receipts", "alice", "sometimes"], 2);
}

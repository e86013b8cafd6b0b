//! From one relay to another, with programs.

use std::fs;

use crate::person::json;
use crate::relay::Relay;
use crate::world::{World, messages, received_notes};

#[test]
fn a_home_moves_to_another_relay_and_its_contacts_come_after() {
    let world = World::new();
    let (alice, bob) = world.friends();
    alice.tells(&bob, "one");
    bob.tells(&alice, "two");
    let other = Relay::serve(world.path("other"), "127.0.0.1:0", &[]);
    alice.says(&["send", "bob", "-m", "on its way"]);
    let moved = json(&bob.says(&["--json", "relay", "move", other.link()])).remove(0);
    assert_eq!((&moved["event"], &moved["awaited"]), (&"moved".into(), &1.into()));
    assert!(bob.says(&["card"]).contains(moved["card"].as_str().unwrap()));
    let status = json(&bob.says(&["--json", "status"])).remove(0);
    assert_eq!(status["left"][0]["link"], world.relay.link());
    assert_eq!(status["left"][0]["awaited"], serde_json::json!(["alice"]));
    assert!(bob.says(&["relay", "list"]).contains("left: watched"));
    assert_eq!(messages(&bob.says(&["--json", "receive"]))[0]["note"], "on its way");

    // Alice is told, and her letters find Bob before she has allowed anything.
    let (_, stderr) = alice.ends(&["receive"], 5);
    assert!(stderr.contains("bob is at the relay") && stderr.contains("lightproof relay allow"), "{stderr}");
    alice.says(&["send", "bob", "-m", "to the old one"]);
    alice.says(&["relay", "allow", other.link()]);
    alice.tells(&bob, "to the new one");
    assert_eq!(received_notes(&bob), ["one", "on its way", "to the old one", "to the new one"]);
    let status = json(&bob.says(&["--json", "status"])).remove(0);
    assert_eq!(status["left"][0]["awaited"], serde_json::json!([]));

    let (_, stderr) = bob.ends(&["relay", "forget", other.link()], 1);
    assert!(stderr.contains("your own relay"), "{stderr}");
    bob.says(&["relay", "forget", world.relay.link()]);
    assert_eq!(json(&bob.says(&["--json", "status"]))[0]["left"], serde_json::json!([]));
    // Alice is at that relay: who forgets it does not write there either.
    bob.says(&["relay", "allow", world.relay.link()]);
    bob.tells(&alice, "settled");
    assert_eq!(received_notes(&alice), ["two", "settled"]);
}

/// Each was counted once for each relay that was left.
#[test]
fn who_moves_away_and_back_tells_each_contact_once() {
    let world = World::new();
    let (alice, bob) = world.friends();
    alice.tells(&bob, "one");
    bob.says(&["send", "alice", "-m", "two"]);
    let other = Relay::serve(world.path("other"), "127.0.0.1:0", &[]);
    for relay in [other.link(), world.relay.link()] {
        let moved = json(&bob.says(&["--json", "relay", "move", relay])).remove(0);
        assert_eq!(moved["awaited"], 1, "{moved}");
    }
}

#[test]
fn a_move_that_is_refused_changes_nothing_and_access_opens_the_door() {
    let world = World::new();
    let bob = world.person("bob");
    let card = bob.says(&["card"]);
    let mut other = Relay::serve(world.path("other"), "127.0.0.1:0", &[("POLICY", "access")]);
    bob.ends(&["relay", "move", other.link()], 1);
    fs::write(world.path("nonsense"), "not an access capability").unwrap();
    bob.ends(&["relay", "move", other.link(), "--access-file", "nonsense"], 1);
    other.stop();
    let (_, stderr) = bob.ends(&["relay", "move", other.link()], 4);
    assert!(stderr.contains("nothing was moved"), "{stderr}");
    bob.ends(&["relay", "move", world.relay.link()], 1);
    assert_eq!(bob.says(&["card"]), card);
    assert_eq!(json(&bob.says(&["--json", "relay", "list"])).len(), 1);
}

/// Its own relay was a dead end: the link it was made with always won, it could not be forgotten, and what was typed in its
/// place was taken and not used.
#[test]
fn a_relay_whose_key_was_replaced_is_reached_by_the_link_that_is_typed() {
    let mut world = World::new();
    let (alice, bob) = world.friends();
    alice.tells(&bob, "one");
    bob.tells(&alice, "two");
    let before = world.relay.link().to_owned();
    world.relay.stop();
    fs::remove_file(world.relay.data().join("certificate.pem")).unwrap();
    world.relay.start();
    let link = world.relay.link().to_owned();
    assert_ne!(link, before);

    let (_, stderr) = bob.ends(&["receive"], 3);
    assert!(stderr.contains("lightproof relay allow"), "{stderr}");
    let (_, stderr) = bob.ends(&["relay", "move", &link], 1);
    assert!(stderr.contains("lightproof relay allow 'wss://"), "{stderr}");
    for person in [&alice, &bob] {
        let (_, stderr) = person.ends(&["relay", "allow", &link], 0);
        assert!(stderr.contains("no longer accepted"), "{stderr}");
        let (_, stderr) = person.ends(&["relay", "allow", &link], 0);
        assert!(!stderr.contains("no longer accepted"), "{stderr}");
        let relays = json(&person.says(&["--json", "relay", "list"]));
        assert_eq!(relays.len(), 1, "{relays:?}");
        assert_eq!((&relays[0]["link"], &relays[0]["kind"]), (&link.as_str().into(), &"own".into()));
    }
    alice.tells(&bob, "three");
    bob.tells(&alice, "four");
    assert_eq!(
        (received_notes(&bob), received_notes(&alice)),
        (
            vec!["one", "three"].into_iter().map(String::from).collect(),
            vec!["two", "four"].into_iter().map(String::from).collect()
        )
    );

    // The card says it, too.
    let carol = world.person("carol");
    carol.adds(&bob);
    carol.says(&["send", "bob", "-m", "by the new card"]);
    assert!(bob.says(&["receive", "--accept-new"]).contains("by the new card"));
    bob.ends(&["relay", "allow", &before], 0);
    bob.ends(&["receive"], 3);
}

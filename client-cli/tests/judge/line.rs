//! The straight line: a photo with a note to somebody who is offline, over a relay that dies in between.

use crate::person::json;
use crate::pictures::picture;
use crate::world::{World, messages};

const NOTE: &str = "the rocket, before it was moved";

#[test]
fn a_stranger_who_is_offline_gets_the_photo_though_the_relay_was_killed() {
    straight_line(false);
}

#[test]
fn a_friend_who_is_offline_gets_the_photo_though_the_relay_was_killed() {
    straight_line(true);
}

fn straight_line(both_cards_were_added: bool) {
    let mut world = World::new();
    let (alice, bob) = (world.person("alice"), world.person("bob"));
    alice.adds(&bob);
    if both_cards_were_added {
        bob.adds(&alice);
    }
    picture(&world, "rocket-phone.jpg");
    let sent = &json(&alice.says(&["--json", "send", "bob", "rocket-phone.jpg", "-m", NOTE]))[0];
    assert_eq!((&sent["event"], &sent["state"]), (&"sent".into(), &"deposited".into()));
    world.relay.kill();
    world.relay.start();

    let flag: &[&str] = if both_cards_were_added { &[] } else { &["--accept-new"] };
    let came = messages(&bob.says(&[&["--json", "receive"], flag].concat()));
    assert_eq!(came.len(), 1);
    assert_eq!((&came[0]["state"], &came[0]["from"]), (&"verified".into(), &"alice".into()));
    assert_eq!((&came[0]["note"], &came[0]["id"]), (&NOTE.into(), &sent["id"]));
    assert_eq!(came[0]["photos"].as_array().unwrap().len(), 1);
    let id = came[0]["id"].as_str().unwrap();
    let page = bob.says(&["show", id]);
    assert!(page.contains("verified: unchanged since alice sealed it") && page.contains(NOTE), "{page}");

    picture(&world, "astronaut-text.png");
    picture(&world, "hubble-progressive.jpg");
    let answer = ["send", "alice", "astronaut-text.png", "hubble-progressive.jpg", "-m", "two in return"];
    bob.says(&answer);
    world.relay.kill();
    world.relay.start();
    let back = messages(&alice.says(&["--json", "receive"]));
    let back = back.iter().find(|message| message["direction"] == "in").unwrap();
    assert_eq!((&back["state"], &back["note"]), (&"verified".into(), &"two in return".into()));
    assert_eq!(back["photos"].as_array().unwrap().len(), 2);
    for (person, id) in [(&bob, id), (&alice, back["id"].as_str().unwrap())] {
        let shown = messages(&person.says(&["--json", "show", id]));
        assert_eq!(shown[0]["state"], "verified");
    }
}

#[test]
fn two_friends_get_one_photo_each_over_a_relay_that_was_killed() {
    let mut world = World::new();
    let (alice, bob) = world.friends();
    let carol = world.person("carol");
    alice.adds(&carol);
    carol.adds(&alice);
    picture(&world, "rocket-phone.jpg");
    alice.says(&["send", "bob,carol", "rocket-phone.jpg", "-m", NOTE]);
    assert_eq!(world.relay.blobs().len(), 1, "one blob for both");
    world.relay.kill();
    world.relay.start();
    let [to_bob, to_carol] = [&bob, &carol].map(|person| messages(&person.says(&["--json", "receive"])));
    for came in [&to_bob, &to_carol] {
        assert_eq!((came.len(), &came[0]["state"], &came[0]["note"]), (1, &"verified".into(), &NOTE.into()));
    }
    assert_eq!(to_bob[0]["photos"][0]["sha256"], to_carol[0]["photos"][0]["sha256"]);
    for person in [&bob, &carol] {
        person.ends(&["receive"], 5);
    }
}

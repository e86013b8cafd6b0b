//! A relay that is full, away, or another than it was.

use crate::person::json;
use crate::relay::Relay;
use crate::world::{Noise, World, messages, received_notes, whole_state};

#[test]
fn a_full_mailbox_keeps_the_message_in_the_outbox_until_there_is_room() {
    let world = World::with(&[("DOORBELL_ENVELOPES", "6")]);
    let (alice, bob) = world.friends();
    let mut notes = Vec::new();
    let stderr = loop {
        let note = format!("note {}", notes.len());
        let output = alice.run(&["send", "bob", "-m", &note]);
        notes.push(note);
        assert!(notes.len() < 9, "six envelopes hold more than six messages");
        if output.status.code() != Some(0) {
            assert_eq!(output.status.code(), Some(1));
            assert!(String::from_utf8(output.stdout).unwrap().contains("to bob: outbox"));
            break String::from_utf8(output.stderr).unwrap();
        }
    };
    assert!(notes.len() > 1);
    assert!(stderr.starts_with("error: the relay has no room") && stderr.contains("stays in the outbox"), "{stderr}");
    assert_eq!(json(&alice.says(&["--json", "outbox"])).len(), 1);
    bob.says(&["receive"]);
    alice.says(&["outbox", "retry"]);
    assert!(alice.says(&["outbox"]).is_empty());
    bob.says(&["receive"]);
    assert_eq!(received_notes(&bob), notes);
}

#[test]
fn a_photo_that_the_relay_has_no_room_for_leaves_no_trace() {
    for setting in ["BLOB_MIB", "BLOB_SPACE_MIB"] {
        let world = World::with(&[(setting, "1")]);
        let (alice, bob) = world.friends();
        world.put("big.bin", &Noise::new(5).bytes(2_000_000));
        let before = whole_state(&alice);
        let (stdout, stderr) = alice.ends(&["send", "bob", "big.bin", "--as", "exact"], 1);
        assert!(stdout.is_empty() && stderr.starts_with("error: "), "{setting}: {stdout}{stderr}");
        // What is not kept is not promised.
        assert!(stderr.contains("hint: ") && !stderr.contains("stays in the outbox"), "{setting}: {stderr}");
        assert_eq!(whole_state(&alice), before);
        alice.says(&["send", "bob", "-m", "then only this"]);
        assert!(bob.says(&["receive"]).contains("then only this"));
    }
}

#[test]
fn without_a_relay_everything_waits_in_the_outbox() {
    let mut world = World::new();
    let (alice, bob) = world.friends();
    alice.says(&["send", "bob", "-m", "before"]);
    bob.says(&["receive"]);
    world.relay.kill();
    world.put("any.bin", &Noise::new(6).bytes(200_000));
    let (stdout, stderr) = alice.ends(&["--json", "send", "bob", "any.bin", "--as", "exact", "-m", "meanwhile"], 4);
    assert_eq!(json(&stdout)[0]["state"], "outbox", "{stdout}{stderr}");
    let (_, stderr) = alice.ends(&["outbox", "retry"], 4);
    assert!(stderr.contains("error: ") && stderr.contains("cannot be reached"), "{stderr}");
    assert_eq!(json(&alice.says(&["--json", "outbox"])).len(), 1);
    let before = whole_state(&bob);
    let (_, stderr) = bob.ends(&["receive"], 4);
    assert!(stderr.starts_with("error: "), "{stderr}");
    assert_eq!(whole_state(&bob), before);
    world.relay.start();
    alice.says(&["outbox", "retry"]);
    assert!(alice.says(&["outbox"]).is_empty());
    let came = messages(&bob.says(&["--json", "receive"]));
    assert_eq!((came.len(), &came[0]["note"], &came[0]["state"]), (1, &"meanwhile".into(), &"verified".into()));
    let arrived = bob.run(&["show", came[0]["id"].as_str().unwrap(), "--save", "-"]).stdout;
    assert!(arrived == world.bytes("any.bin"));
}

#[test]
fn a_home_made_while_the_relay_is_away_is_kept_and_goes_on() {
    let mut world = World::new();
    let bob = world.person("bob");
    world.relay.kill();
    let alice = crate::person::Person::at(&world, "alice");
    let link = world.relay.link().to_owned();
    let (_, stderr) = alice.ends(&["init", "--no-passphrase", "--name", "alice", "--relay", &link], 4);
    assert!(stderr.contains("hint: the home is made and kept"), "{stderr}");
    world.relay.start();
    alice.ends(&["receive"], 5);
    bob.adds(&alice);
    bob.says(&["send", "alice", "-m", "there you are"]);
    assert!(alice.says(&["receive", "--accept-new"]).contains("there you are"));
}

#[test]
fn a_relay_with_another_certificate_gets_nothing() {
    let mut world = World::new();
    let (alice, bob) = world.friends();
    alice.says(&["send", "bob", "-m", "before"]);
    let authority = world.relay.authority().to_owned();
    world.relay.stop();
    let impostor = Relay::serve(world.path("impostor"), &authority, &[]);
    for (person, words) in [
        (&alice, &["receive"][..]),
        (&bob, &["receive"]),
        // Bob has no session yet: nothing can be sealed, and nothing is kept.
        (&bob, &["send", "alice", "-m", "not for you"]),
    ] {
        let before = whole_state(person);
        let (stdout, stderr) = person.ends(words, 3);
        assert!(stdout.is_empty(), "{words:?}: {stdout}");
        is_an_alarm(&stderr);
        assert_eq!(whole_state(person), before);
    }
    // Alice has one: what is sealed is never sealed again, and waits.
    let (stdout, stderr) = alice.ends(&["send", "bob", "-m", "after"], 3);
    assert!(stdout.contains("to bob: outbox"), "{stdout}");
    is_an_alarm(&stderr);
    drop(impostor);
    world.relay.start();
    alice.says(&["outbox", "retry"]);
    bob.says(&["receive"]);
    assert_eq!(received_notes(&bob), ["before", "after"]);
}

fn is_an_alarm(stderr: &str) {
    assert!(stderr.starts_with("error: the relay showed a certificate that is not the expected one"), "{stderr}");
    assert!(stderr.contains("hint: somebody may stand between"), "{stderr}");
}

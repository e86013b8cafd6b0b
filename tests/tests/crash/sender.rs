//! The sender ends after n effects, for every n.

use std::collections::{BTreeMap, BTreeSet};

use lightproof_core::message::State;
use lightproof_tests::{Person, Scene, scene::noise, tape::Tape};
use lightproof_wire::{command::Command, hash::Digest};

/// More effects than a send of one photo has.
const MANY: u64 = 200;

/// Sends with a process that ends after `steps`, and again until it is done. Whether it ended on the way.
async fn send_again(person: &mut Person, steps: u64, note: &str, files: &[&str]) -> bool {
    person.life.ends_after(steps);
    let first = person.try_send("bob", note, files).await;
    person.restart().await;
    let died = first.is_none();
    let outcome = match first {
        Some(outcome) => outcome,
        None => {
            if steps.is_multiple_of(3) {
                // Another command comes first, and goes on with it.
                person.receive().await.unwrap();
            }
            person.try_send("bob", note, files).await.unwrap()
        }
    }
    .unwrap();
    assert!(outcome.sent[0].waits.is_none(), "after {steps} steps: {:?}", outcome.sent[0].waits);
    person.told(&outcome).await;
    died
}

/// One key seals one content: the same blob and place never hold two.
fn assert_no_key_was_used_twice(person: &Person) {
    let mut written = BTreeMap::new();
    for write in person.spool.writes() {
        let before = written.insert((write.name, write.offset), write.digest);
        assert!(before.is_none_or(|before| before == write.digest), "a chunk was sealed twice under one key");
    }
    let mut put = BTreeMap::new();
    for command in commands(&person.tape) {
        if let Command::PutChunk { write, index, chunk } = command {
            let digest = *Digest::of(chunk.as_slice()).as_bytes();
            let before = put.insert((*write.hash().as_bytes(), index.0), digest);
            assert!(before.is_none_or(|before| before == digest), "a chunk was uploaded with two contents");
        }
    }
}

fn commands(tape: &Tape) -> Vec<Command> {
    tape.frames().iter().filter_map(|frame| frame.command()).collect()
}

fn deposited(tape: &Tape) -> BTreeSet<[u8; 32]> {
    let digest = |command: &Command| match command {
        Command::Deposit { envelope, .. } => Some(*envelope.digest().as_bytes()),
        _ => None,
    };
    commands(tape).iter().filter_map(digest).collect()
}

#[tokio::test]
async fn a_note_sent_by_a_process_that_ends_anywhere_arrives_once() {
    let mut scene = Scene::acquainted().await;
    scene.alice.tape.record();
    let mut wanted = Vec::new();
    for steps in 0..MANY {
        let note = format!("after {steps}");
        let died = send_again(&mut scene.alice, steps, &note, &[]).await;
        wanted.push(note);
        scene.bob.receive().await.unwrap();
        if !died {
            break;
        }
    }
    assert!(wanted.len() > 5 && (wanted.len() as u64) < MANY, "every moment was tried: {}", wanted.len());
    assert_eq!(scene.bob.notes().await[2..], wanted);
    assert_eq!(scene.bob.heard(), vec![]);
}

#[tokio::test]
async fn a_photo_sent_by_a_process_that_ends_anywhere_arrives_once_and_whole() {
    let mut scene = Scene::acquainted().await;
    scene.alice.tape.record();
    let mut count = 0;
    for steps in 0..MANY {
        let photo = noise(steps, 150_000);
        scene.alice.files.put("a.bin", &photo);
        let note = format!("after {steps}");
        let died = send_again(&mut scene.alice, steps, &note, &["a.bin"]).await;
        scene.bob.receive().await.unwrap();
        let inbox = scene.bob.inbox().await;
        count += 1;
        assert_eq!(inbox.len(), 2 + count, "after {steps} steps");
        let message = inbox.last().unwrap();
        assert_eq!((message.note.as_str(), message.state), (note.as_str(), State::Verified), "after {steps} steps");
        assert_eq!(scene.bob.photo(message, 0).await.unwrap(), photo);
        if !died {
            break;
        }
        // Bob's receipt acks it; until then Alice keeps it, and each send looks at what is kept.
        scene.clock.advance_ms(130_000);
        scene.bob.receive().await.unwrap();
        scene.alice.receive().await.unwrap();
    }
    assert!(count > 10 && (count as u64) < MANY, "every moment was tried: {count}");
    assert_eq!(scene.bob.heard(), vec![]);
    assert_no_key_was_used_twice(&scene.alice);
}

#[tokio::test]
async fn a_first_message_by_a_process_that_ends_anywhere_arrives_once() {
    for steps in (0..MANY).step_by(2) {
        let mut scene = Scene::friends().await;
        let died = send_again(&mut scene.alice, steps, "hello", &[]).await;
        scene.bob.receive().await.unwrap();
        assert_eq!(scene.bob.notes().await, ["hello"], "after {steps} steps");
        assert_eq!(scene.bob.heard(), vec![], "after {steps} steps");
        if !died {
            assert!(steps > 4, "every second moment was tried: {steps}");
            return;
        }
    }
    panic!("a first message has not so many effects");
}

#[tokio::test]
async fn an_envelope_is_deposited_as_it_was_saved_however_often() {
    let mut scene = Scene::acquainted().await;
    scene.alice.tape.record();
    for steps in 0..MANY {
        let before = deposited(&scene.alice.tape).len();
        let died = send_again(&mut scene.alice, steps, &format!("after {steps}"), &[]).await;
        let after = deposited(&scene.alice.tape).len();
        assert_eq!(after - before, 1, "after {steps} steps: one outbox item, one content");
        scene.bob.receive().await.unwrap();
        if !died {
            break;
        }
    }
}

#[tokio::test]
async fn nothing_is_deposited_before_it_is_saved_and_nothing_is_put_before_it_is_synced() {
    let mut scene = Scene::acquainted().await;
    scene.alice.tape.record();
    let commits = scene.alice.tape.commits();
    scene.alice.note("bob", "in order").await;
    let frames = scene.alice.tape.frames();
    let deposit = frames.iter().find(|frame| matches!(frame.command(), Some(Command::Deposit { .. }))).unwrap();
    // The draft, then session, line and outbox in one.
    assert!(deposit.commits >= commits + 2, "{} commits before the deposit", deposit.commits - commits);
    let Some(Command::Deposit { envelope, .. }) = deposit.command() else { panic!() };
    scene.alice.life.ends_after(0);
    scene.alice.restart().await;
    scene.bob.receive().await.unwrap();
    assert_eq!(scene.bob.notes().await.last().unwrap(), "in order");
    assert_eq!(deposited(&scene.alice.tape), BTreeSet::from([*envelope.digest().as_bytes()]));
}

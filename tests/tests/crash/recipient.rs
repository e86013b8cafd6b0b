//! The recipient ends after n effects, for every n.

use lightproof_core::{message::State, receive::Reason, vault::store::Table};
use lightproof_tests::{
    Scene,
    scene::{exact, noise},
};
use lightproof_wire::command::Command;

/// More effects than a look at the relay has.
const MANY: u64 = 250;

#[tokio::test]
async fn a_photo_taken_by_a_process_that_ends_anywhere_is_there_once_and_whole() {
    let mut scene = Scene::acquainted().await;
    let mut count = 0;
    for steps in 0..MANY {
        let photo = noise(steps, 150_000);
        scene.alice.files.put("a.bin", &photo);
        scene.alice.send(&["bob"], &format!("after {steps}"), &["a.bin"], exact()).await.unwrap();
        scene.bob.life.ends_after(steps);
        let died = scene.bob.try_receive().await.is_none();
        scene.bob.restart().await;
        let received = scene.bob.receive().await.unwrap();
        assert!(received.failed.is_none(), "after {steps} steps: {:?}", received.failed);
        count += 1;
        let inbox = scene.bob.inbox().await;
        assert_eq!(inbox.len(), 2 + count, "after {steps} steps");
        let message = inbox.last().unwrap();
        assert_eq!((message.note.as_str(), message.state), (format!("after {steps}").as_str(), State::Verified));
        assert_eq!(scene.bob.photo(message, 0).await.unwrap(), photo);
        scene.clock.advance_ms(61_000);
        if !died {
            break;
        }
    }
    assert!(count > 10 && (count as u64) < MANY, "every moment was tried: {count}");
    assert_eq!(scene.bob.heard(), vec![]);
    // Every receipt arrived: each message was delivered, once.
    scene.settle().await;
    let sent = scene.alice.client.messages().await.unwrap();
    let open = sent.iter().filter(|message| message.state == State::Deposited).count();
    assert_eq!(open, 0, "of {} messages", sent.len());
    assert_eq!(scene.alice.heard(), vec![]);
}

#[tokio::test]
async fn a_first_message_taken_by_a_process_that_ends_anywhere_is_there_once() {
    for steps in (0..MANY).step_by(3) {
        let mut scene = Scene::friends().await;
        scene.alice.note("bob", "hello").await;
        scene.bob.life.ends_after(steps);
        let died = scene.bob.try_receive().await.is_none();
        scene.bob.restart().await;
        scene.bob.receive().await.unwrap();
        assert_eq!(scene.bob.notes().await, ["hello"], "after {steps} steps");
        assert_eq!(scene.bob.heard(), vec![], "after {steps} steps");
        scene.bob.note("alice", "hello yourself").await;
        scene.alice.receive().await.unwrap();
        assert_eq!(scene.alice.notes().await, ["hello yourself"], "after {steps} steps");
        if !died {
            assert!(steps > 10, "every third moment was tried: {steps}");
            return;
        }
    }
    panic!("a look has not so many effects");
}

#[tokio::test]
async fn nothing_is_acked_before_it_is_saved() {
    let mut scene = Scene::acquainted().await;
    scene.alice.note("bob", "one").await;
    for steps in 0..MANY {
        let old = scene.bob.store.copy();
        scene.bob.tape.record();
        let before = scene.bob.tape.frames().len();
        scene.bob.life.ends_after(steps);
        let died = scene.bob.try_receive().await.is_none();
        scene.bob.restart().await;
        let frames = scene.bob.tape.frames().split_off(before);
        let acked = frames.iter().any(|frame| matches!(frame.command(), Some(Command::Ack { .. })));
        let saved = scene.bob.notes().await.last().unwrap() == "one";
        assert!(saved || !acked, "after {steps} steps: acked and not saved");
        if acked || !died {
            return;
        }
        scene.bob.go_back_to(&old).await;
    }
}

#[tokio::test]
async fn an_envelope_that_ends_the_process_each_time_is_passed_the_fourth() {
    let mut scene = Scene::acquainted().await;
    let before = scene.bob.notes().await;
    scene.alice.note("bob", "ends the process").await;
    scene.alice.note("bob", "the next").await;
    for _ in 0..3 {
        // Between the saved attempt and the saved message, as a crash in a decoder would.
        scene.bob.life.ends_with(Table::Attempts);
        assert!(scene.bob.try_receive().await.is_none());
        scene.bob.restart().await;
    }
    scene.bob.receive().await.unwrap();
    assert_eq!(scene.bob.notes().await, [before, vec!["the next".to_owned()]].concat());
    assert_eq!(scene.bob.client.status().await.unwrap().aside, [Reason::EndsProcess]);
}

//! Somebody takes a message back, and either process ends after n effects, for every n.

use lightproof_core::message::{Direction, Message, State};
use lightproof_tests::{
    Scene,
    scene::{exact, noise},
};

/// More effects than taking back, or hearing of it, has.
const MANY: u64 = 80;

async fn last(person: &lightproof_tests::Person, direction: Direction) -> Message {
    let mut messages = person.client.messages().await.unwrap();
    messages.retain(|message| message.direction == direction);
    messages.pop().unwrap()
}

async fn sent(scene: &mut Scene, steps: u64) -> Message {
    scene.alice.files.put("a.bin", &noise(steps, 70_000));
    scene.alice.send(&["bob"], &format!("after {steps}"), &["a.bin"], exact()).await.unwrap();
    last(&scene.alice, Direction::Out).await
}

#[tokio::test]
async fn a_message_taken_back_by_a_process_that_ends_anywhere_is_taken_back_once_begun() {
    let mut scene = Scene::acquainted().await;
    for steps in 0..MANY {
        let message = sent(&mut scene, steps).await;
        let (now, life) = (scene.clock.now(), scene.alice.life.clone());
        life.ends_after(steps);
        let done = life.spend(scene.alice.client.retract(&message, now, &mut scene.alice.rng)).await;
        scene.alice.restart().await;
        let is_begun = last(&scene.alice, Direction::Out).await.state == State::Retracted;
        scene.alice.receive().await.unwrap();
        scene.settle().await;
        let came = last(&scene.bob, Direction::In).await;
        let is_gone = came.state == State::Retracted && came.photos.as_slice().is_empty();
        assert_eq!(is_gone, is_begun, "after {steps} steps: {:?}", came.state);
        let retraction = last(&scene.alice, Direction::Out).await.retraction;
        assert_eq!(retraction.is_some_and(|known| known.confirmed.is_yes()), is_begun, "after {steps} steps");
        assert_eq!((scene.alice.heard(), scene.bob.heard()), (vec![], vec![]), "after {steps} steps");
        if done.is_some() {
            assert!(steps > 5, "every moment was tried: {steps}");
            return;
        }
    }
    panic!("taking back has not so many effects");
}

#[tokio::test]
async fn a_retract_taken_by_a_process_that_ends_anywhere_leaves_nothing_of_its_message() {
    let mut scene = Scene::acquainted().await;
    for steps in 0..MANY {
        let message = sent(&mut scene, steps).await;
        scene.bob.receive().await.unwrap();
        let kept = last(&scene.bob, Direction::In).await;
        let now = scene.clock.now();
        scene.alice.client.retract(&message, now, &mut scene.alice.rng).await.unwrap();
        scene.alice.client.hang_up();
        scene.bob.life.ends_after(steps);
        let died = scene.bob.try_receive().await.is_none();
        scene.bob.restart().await;
        scene.bob.receive().await.unwrap();
        let came = last(&scene.bob, Direction::In).await;
        assert_eq!((came.state, came.note.as_str()), (State::Retracted, ""), "after {steps} steps");
        assert!(!scene.bob.holds_chunks_of(&kept).await, "after {steps} steps");
        assert_eq!(scene.bob.heard(), vec![], "after {steps} steps");
        scene.clock.advance_ms(61_000);
        if !died {
            assert!(steps > 5, "every moment was tried: {steps}");
            return;
        }
    }
    panic!("hearing of it has not so many effects");
}

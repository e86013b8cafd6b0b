//! Prekeys at a relay, or of a home, that has become an older copy of itself.

use lightproof_core::vault::store::Table;
use lightproof_tests::{Person, Scene};
use lightproof_wire::command::Command;

/// How many one-time prekeys were published, each time since the tape began.
fn published(person: &Person) -> Vec<usize> {
    let one_time = |command| match command {
        Command::PublishPrekeys { one_time, .. } => Some(one_time.as_slice().len()),
        _ => None,
    };
    person.tape.frames().iter().filter_map(|frame| frame.command()).filter_map(one_time).collect()
}

/// No ack told that the relay had gone back, and it gave used one-time prekeys away for as long as it had any: whoever was
/// given one was not heard for a week, and perhaps not after the next call either.
#[tokio::test]
async fn a_relay_that_would_give_a_used_one_time_prekey_away_again_is_given_others() {
    let mut scene = Scene::friends().await;
    let mut carol = scene.carol().await;
    carol.add(&scene.bob, "bob").await;
    scene.bob.add(&carol, "carol").await;
    let old = scene.relay.copy_of_rows().await;
    scene.alice.note("bob", "hello").await;
    // Her Hello is saved, and its one-time secret gone; then the process ends, before an ack leaves.
    scene.bob.life.ends_with(Table::Sessions);
    assert!(scene.bob.try_receive().await.is_none());
    scene.relay.go_back_to(&old).await;
    for person in [&mut scene.bob, &mut carol] {
        person.restart().await;
    }

    scene.bob.tape.record();
    for _ in 0..3 {
        scene.bob.receive().await.unwrap();
    }
    assert_eq!(published(&scene.bob), [50], "once, and all");
    carol.note("bob", "hello from carol").await;
    scene.bob.receive().await.unwrap();
    assert_eq!((scene.bob.notes().await, scene.bob.heard()), (vec!["hello from carol".to_owned()], vec![]));
    assert_eq!(scene.bob.client.status().await.unwrap().one_time_prekeys, 49);
}

/// What the newer copy published would be given to callers whom the old one cannot read, and nothing was acked since that
/// told it so. Its own go under numbers that the newer one cannot have published under: the relay would refuse them.
#[tokio::test]
async fn an_old_copy_replaces_one_time_prekeys_that_only_the_newer_one_can_open() {
    let mut scene = Scene::acquainted().await;
    let old = scene.bob.store.copy();
    scene.clock.advance_days(8);
    scene.bob.tape.record();
    scene.bob.receive().await.unwrap();
    assert_eq!(published(&scene.bob), [1], "the newer copy refills the stock with the week's signed prekey");

    scene.bob.go_back_to(&old).await;
    for _ in 0..3 {
        let received = scene.bob.receive().await.unwrap();
        assert!(received.failed.is_none(), "{:?}", received.failed);
    }
    assert_eq!((published(&scene.bob), scene.bob.heard()), (vec![1, 50], vec![]));
}

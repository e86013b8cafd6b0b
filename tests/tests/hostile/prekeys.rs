//! Prekeys that are not the contact's.

use std::sync::{Arc, Mutex};

use lightproof_core::{ClientError, Failure};
use lightproof_tests::{Person, Scene, scene::exact};
use lightproof_wire::{command::Command, frame::RelayFrame, prekey::PrekeyBundle, reply::Reply, time::Day};

fn on_bundles(
    mut lie: impl FnMut(PrekeyBundle) -> PrekeyBundle + Send + 'static,
) -> impl FnMut(RelayFrame) -> Vec<RelayFrame> + Send + 'static {
    move |frame| match frame {
        RelayFrame::Reply(id, Reply::Bundle(bundle)) => vec![RelayFrame::Reply(id, Reply::Bundle(lie(bundle)))],
        frame => vec![frame],
    }
}

/// Nothing is sent, and the exit code is 3; honest again, the same send works.
async fn refused(lie: impl FnMut(PrekeyBundle) -> PrekeyBundle + Send + 'static) {
    let (mut scene, liar) = Scene::friends_before_liar().await;
    liar.tell(on_bundles(lie));
    let error = scene.alice.send(&["bob"], "hello", &[], exact()).await.unwrap_err();
    assert_eq!(error.failure(), Failure::Verification, "{error:?}");
    assert!(matches!(error, ClientError::Bundle(_)));
    liar.be_honest();
    scene.bob.receive().await.unwrap();
    assert_eq!(scene.bob.notes().await, Vec::<String>::new());
    scene.alice.note("bob", "hello again").await;
    scene.settle().await;
    assert_eq!(scene.bob.notes().await, ["hello again"]);
}

#[tokio::test]
async fn a_bundle_of_somebody_else_is_caught() {
    let (mut scene, liar) = Scene::friends_before_liar().await;
    // Mallory's bundle, as Alice would be given it, sealed for whoever holds Mallory's card.
    let mut mallory = Person::new("mallory", &liar.link(), &scene.clock, 666).await;
    mallory.add(&scene.bob, "bob").await;
    scene.alice.add(&mallory, "mallory").await;
    let stolen: Arc<Mutex<Option<PrekeyBundle>>> = Arc::default();
    let keep = Arc::clone(&stolen);
    liar.tell(on_bundles(move |bundle| {
        keep.lock().unwrap().replace(bundle.clone());
        bundle
    }));
    scene.alice.note("mallory", "hi").await;
    let bundle = stolen.lock().unwrap().take().unwrap();
    liar.tell(on_bundles(move |_| bundle.clone()));
    let error = scene.alice.send(&["bob"], "for Bob only", &[], exact()).await.unwrap_err();
    assert_eq!(error.failure(), Failure::Verification, "{error:?}");
    liar.be_honest();
    mallory.receive().await.unwrap();
    scene.alice.note("bob", "hello").await;
    scene.bob.receive().await.unwrap();
    assert_eq!(scene.bob.notes().await, ["hello"]);
}

#[tokio::test]
async fn a_changed_prekey_is_caught() {
    refused(|mut bundle| {
        let mut bytes = bundle.signed.sealed.clone().into_vec();
        bytes[100] ^= 1;
        bundle.signed.sealed = lightproof_wire::codec::Bytes::new(bytes).unwrap();
        bundle
    })
    .await;
}

#[tokio::test]
async fn a_changed_day_is_caught() {
    refused(|mut bundle| {
        bundle.signed.not_after = Day(bundle.signed.not_after.0 + 300);
        bundle
    })
    .await;
}

/// A Hello that was due was tried again with each look, and each took another prekey from whoever is at that doorbell.
#[tokio::test]
async fn where_the_prekeys_are_wrong_a_hello_that_is_due_is_tried_once_a_day() {
    let (mut scene, liar) = Scene::friends_before_liar().await;
    scene.talk().await;
    scene.settle().await;
    let (bob, now) = (scene.bob.client.fingerprint(), scene.clock.now());
    scene.alice.client.remove_contact(&bob, now, &mut scene.alice.rng).await.unwrap();
    scene.alice.add(&scene.bob, "bob").await;
    liar.tell(on_bundles(|mut bundle| {
        bundle.signed.not_after = Day(bundle.signed.not_after.0 + 300);
        bundle
    }));
    scene.alice.tape.record();
    for wanted in [1, 2] {
        for look in 0..3 {
            let failed = scene.alice.receive().await.unwrap().failed;
            assert_eq!(matches!(failed, Some(ClientError::Bundle(_))), look == 0, "look {look}: {failed:?}");
        }
        let is_taken = |command: &Command| matches!(command, Command::TakePrekeys { .. });
        let taken = scene.alice.tape.frames().iter().filter_map(|frame| frame.command()).filter(is_taken).count();
        assert_eq!(taken, wanted);
        scene.clock.advance_days(1);
    }
}

#[tokio::test]
async fn a_prekey_of_the_wrong_kind_is_caught() {
    refused(|mut bundle| {
        bundle.one_time = Some(bundle.signed.clone());
        bundle
    })
    .await;
}

#[tokio::test]
async fn prekeys_that_expired_are_refused() {
    let (mut scene, liar) = Scene::friends_before_liar().await;
    let old: Arc<Mutex<Option<PrekeyBundle>>> = Arc::default();
    let keep = Arc::clone(&old);
    liar.tell(on_bundles(move |bundle| keep.lock().unwrap().get_or_insert(bundle).clone()));
    let mut carol = Person::new("carol", &liar.link(), &scene.clock, 3).await;
    carol.add(&scene.bob, "bob").await;
    carol.note("bob", "hello").await;
    scene.clock.advance_days(40);
    scene.bob.receive().await.unwrap();
    let error = scene.alice.send(&["bob"], "stale", &[], exact()).await.unwrap_err();
    assert_eq!(error.failure(), Failure::Verification, "{error:?}");
    liar.be_honest();
    scene.alice.note("bob", "fresh").await;
    scene.bob.receive().await.unwrap();
    assert!(scene.bob.notes().await.contains(&"fresh".to_owned()));
}

#[tokio::test]
async fn a_relay_that_holds_back_one_time_prekeys_costs_only_forward_secrecy() {
    let (mut scene, liar) = Scene::friends_before_liar().await;
    liar.tell(on_bundles(|bundle| PrekeyBundle { one_time: None, ..bundle }));
    scene.talk().await;
    assert_eq!(scene.bob.notes().await, ["hello", "well"]);
}

#[tokio::test]
async fn a_one_time_prekey_given_twice_does_not_open_twice() {
    let (mut scene, liar) = Scene::friends_before_liar().await;
    let mut carol = Person::new("carol", &liar.link(), &scene.clock, 3).await;
    carol.add(&scene.bob, "bob").await;
    scene.bob.add(&carol, "carol").await;
    let first: Arc<Mutex<Option<PrekeyBundle>>> = Arc::default();
    liar.tell(on_bundles(move |bundle| first.lock().unwrap().get_or_insert(bundle).clone()));
    scene.alice.note("bob", "first").await;
    carol.note("bob", "second").await;
    liar.be_honest();
    scene.bob.receive().await.unwrap();
    assert_eq!(scene.bob.notes().await, ["first"]);
    assert!(scene.bob.heard().iter().all(lightproof_core::event::Notice::is_alarm));
    // Carol hears nothing for a week and calls again.
    scene.clock.advance_days(8);
    carol.receive().await.unwrap();
    scene.bob.receive().await.unwrap();
    assert_eq!(scene.bob.notes().await, ["first", "second"]);
}

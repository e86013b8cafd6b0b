//! Full, expired, and gone.

use lightproof_core::{ClientError, message::State};
use lightproof_tests::{
    Scene, TestRelay,
    relay::TestClock,
    scene::{exact, noise},
};
use lightproof_wire::refusal::Refusal;

#[tokio::test]
async fn a_full_mailbox_keeps_the_rest_in_the_outbox() {
    let clock = TestClock::default();
    let small = |config: &mut lightproof_relay::config::Config| {
        config.limits.mailbox_envelopes = 4;
        config.limits.doorbell_envelopes = 4;
    };
    let relay = TestRelay::start_with(&clock, small).await;
    let mut scene = Scene::at(relay, clock).await;
    scene.bob.add(&scene.alice, "alice").await;
    scene.talk().await;
    scene.settle().await;
    let wanted: Vec<String> = (0..10).map(|number| format!("note {number}")).collect();
    let mut waiting = 0;
    for note in &wanted {
        let outcome = scene.alice.note("bob", note).await;
        if let Some(why) = &outcome.sent[0].waits {
            assert!(matches!(why, ClientError::Refused(Refusal::QuotaFull)), "{why:?}");
            waiting += 1;
        }
    }
    assert_eq!(waiting, 6);
    for _ in 0..4 {
        drop(scene.alice.receive().await);
        scene.bob.receive().await.unwrap();
    }
    scene.settle().await;
    assert_eq!(scene.bob.notes().await[2..], wanted);
    assert_eq!(scene.alice.client.status().await.unwrap().outbox, 0);
}

#[tokio::test]
async fn a_full_relay_is_said_and_nothing_is_half_sent() {
    let clock = TestClock::default();
    let relay = TestRelay::start_with(&clock, |config| config.limits.blob_space_bytes = 70_000).await;
    let mut scene = Scene::at(relay, clock).await;
    scene.bob.add(&scene.alice, "alice").await;
    scene.alice.files.put("big.bin", &noise(1, 300_000));
    let error = scene.alice.send(&["bob"], "big", &["big.bin"], exact()).await.unwrap_err();
    assert!(matches!(error, ClientError::Refused(Refusal::QuotaFull)), "{error:?}");
    assert!(scene.alice.client.outgoing().await.unwrap().is_empty());
    scene.alice.note("bob", "small").await;
    scene.settle().await;
    assert_eq!(scene.bob.notes().await, ["small"]);
}

#[tokio::test]
async fn an_expired_blob_is_said_to_both() {
    let mut scene = Scene::acquainted().await;
    scene.alice.files.put("a.bin", &noise(1, 1_000));
    scene.alice.send(&["bob"], "soon gone", &["a.bin"], exact()).await.unwrap();
    // The envelope was taken, the photo was not.
    scene.bob.life.ends_after(14);
    drop(scene.bob.try_receive().await);
    scene.bob.restart().await;
    scene.relay.let_days_pass(60).await;
    scene.alice.receive().await.unwrap();
    scene.bob.receive().await.unwrap();
    scene.alice.receive().await.unwrap();
    let last = scene.bob.inbox().await.pop();
    if let Some(message) = last.filter(|message| message.note.as_str() == "soon gone") {
        assert_eq!(message.state, State::Expired);
        assert!(scene.bob.photo(&message, 0).await.is_err());
    }
    assert_eq!(scene.alice.client.messages().await.unwrap().last().unwrap().state, State::Expired);
}

#[tokio::test]
async fn a_home_nobody_opened_for_years_gets_new_mailboxes() {
    let mut scene = Scene::acquainted().await;
    scene.relay.let_days_pass(410).await;
    scene.alice.receive().await.unwrap();
    scene.bob.receive().await.unwrap();
    scene.relay.restart().await;
    scene.alice.receive().await.unwrap();
    scene.bob.receive().await.unwrap();
    // Every address either of them knew is gone: new cards change hands.
    let (old_alice, old_bob) = (scene.alice.heard(), scene.bob.heard());
    assert!(!old_alice.is_empty() && !old_bob.is_empty(), "both are told that their relay forgot them");
    scene.alice.add(&scene.bob, "bob").await;
    scene.bob.add(&scene.alice, "alice").await;
    scene.alice.note("bob", "long time").await;
    scene.settle().await;
    assert_eq!(scene.bob.notes().await.last().unwrap(), "long time");
}

/// Ten years.
const YEARS: u64 = 3_652;

/// Friends at a relay whose clock is not theirs.
async fn friends_and_a_clock_elsewhere() -> (Scene, TestClock) {
    let elsewhere = TestClock::default();
    let relay = TestRelay::start(&elsewhere).await;
    let mut scene = Scene::at(relay, TestClock::default()).await;
    scene.bob.add(&scene.alice, "alice").await;
    scene.talk().await;
    scene.settle().await;
    (scene, elsewhere)
}

/// A relay believed whatever its clock said: one wrong answer of a time server, and all mail was over.
#[tokio::test]
async fn a_relay_whose_clock_leaps_ahead_for_a_while_keeps_what_it_acknowledged() {
    let (mut scene, elsewhere) = friends_and_a_clock_elsewhere().await;
    scene.alice.note("bob", "before").await;
    elsewhere.advance_days(YEARS);
    for _ in 0..2 {
        scene.relay.let_days_pass(0).await;
    }
    elsewhere.go_back_days(YEARS);
    scene.relay.let_days_pass(0).await;
    scene.bob.receive().await.unwrap();
    assert_eq!(scene.bob.notes().await.last().unwrap(), "before");
}

/// Mail that came while the clock of a relay had fallen back was over as soon as it was right again.
#[tokio::test]
async fn a_relay_whose_clock_falls_back_for_a_while_keeps_what_came_meanwhile() {
    let (mut scene, elsewhere) = friends_and_a_clock_elsewhere().await;
    elsewhere.go_back_days(YEARS);
    scene.relay.let_days_pass(0).await;
    scene.alice.note("bob", "meanwhile").await;
    elsewhere.advance_days(YEARS);
    scene.relay.let_days_pass(0).await;
    scene.bob.receive().await.unwrap();
    assert_eq!(scene.bob.notes().await.last().unwrap(), "meanwhile");
}

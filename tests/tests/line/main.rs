//! The line: the same photos and note come out. Read this first.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail by panicking")]

mod photos;

use lightproof_core::{
    e2ee::manifest::Treatment,
    message::State,
    prepare::{PrepareOptions, sample_photo},
};
use lightproof_tests::{Person, TestRelay, relay::TestClock};

async fn alice_and_bob() -> (TestRelay, TestClock, Person, Person) {
    let clock = TestClock::default();
    let relay = TestRelay::start(&clock).await;
    let alice = Person::new("alice", &relay.link(), &clock, 1).await;
    let bob = Person::new("bob", &relay.link(), &clock, 2).await;
    (relay, clock, alice, bob)
}

#[tokio::test]
async fn a_photo_with_a_note_arrives_verified_from_a_stranger_who_is_accepted() {
    let (mut relay, _, mut alice, mut bob) = alice_and_bob().await;
    alice.add(&bob, "bob").await;
    alice.files.put("photo.jpg", &sample_photo());
    let exact = PrepareOptions { treatment: Treatment::Exact, ..PrepareOptions::default() };
    let outcome = alice.send(&["bob"], "hello bob", &["photo.jpg"], exact).await.unwrap();
    let sent = outcome.sent[0].message.as_ref().unwrap();
    assert_eq!(sent.state, State::Deposited);
    assert!(outcome.sent[0].waits.is_none());
    relay.restart().await;

    bob.receive().await.unwrap();
    assert_eq!(bob.notes().await, Vec::<String>::new(), "a stranger's message waits for an answer");
    bob.accept_all().await;
    bob.receive().await.unwrap();
    let inbox = bob.inbox().await;
    assert_eq!(inbox.len(), 1);
    assert_eq!(inbox[0].state, State::Verified);
    assert_eq!(inbox[0].note.as_str(), "hello bob");
    assert_eq!(bob.photo(&inbox[0], 0).await.unwrap(), sample_photo());
    assert_eq!(bob.heard(), vec![]);
}

#[tokio::test]
async fn both_know_each_other_and_answer() {
    let (_relay, clock, mut alice, mut bob) = alice_and_bob().await;
    alice.add(&bob, "bob").await;
    bob.add(&alice, "alice").await;
    alice.note("bob", "one").await;
    bob.receive().await.unwrap();
    assert_eq!(bob.notes().await, ["one"]);
    bob.note("alice", "two").await;
    alice.receive().await.unwrap();
    assert_eq!(alice.notes().await, ["two"]);
    clock.advance_ms(120_000);
    bob.receive().await.unwrap();
    clock.advance_ms(120_000);
    alice.receive().await.unwrap();
    let sent = alice.client.messages().await.unwrap();
    assert_eq!(sent[0].state, State::Delivered, "the receipt came");
    assert_eq!((alice.heard(), bob.heard()), (vec![], vec![]));
}

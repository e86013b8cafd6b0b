//! Somebody moves to another relay: nothing is lost on the way, and the old one is left when nothing more can come there.

use lightproof_core::{ClientError, event::Notice, people::CardRelay};
use lightproof_tests::{Person, Scene, TestRelay, scene::exact};
use lightproof_wire::{
    frame::RelayFrame,
    hash::Digest,
    id::MailboxHandle,
    relay_link::RelayLink,
    reply::{Delivery, Policy, Push},
    time::Timestamp,
};

/// Alice and Bob have talked, and there is another relay.
async fn friends() -> (Scene, TestRelay) {
    let scene = Scene::acquainted().await;
    let other = TestRelay::start(&scene.clock).await;
    (scene, other)
}

async fn move_to(person: &mut Person, relay: &TestRelay, now: Timestamp) {
    person.client.move_to(&relay.link(), None, now, &mut person.rng).await.unwrap();
    person.client.hang_up();
}

async fn awaited(person: &Person) -> Vec<usize> {
    person.client.left_relays().await.unwrap().iter().map(|left| left.awaited.len()).collect()
}

#[tokio::test]
async fn contacts_follow_somebody_who_moves_once_they_allow_the_new_relay_and_nothing_is_lost() {
    let (mut scene, other) = friends().await;
    // On its way to the old relay when Bob moves.
    scene.alice.note("bob", "one").await;
    let now = scene.clock.now();
    move_to(&mut scene.bob, &other, now).await;
    assert_eq!(scene.bob.client.own_relay().await.unwrap(), other.link());
    assert_eq!(awaited(&scene.bob).await, [1]);
    // Told without another word of Bob's; until Alice allows the relay, the earlier address does.
    scene.alice.receive().await.unwrap();
    let bob = scene.bob.client.fingerprint();
    assert_eq!(scene.alice.heard(), [Notice::Moved { contact: bob, relay: other.link() }]);
    scene.alice.note("bob", "two").await;
    scene.bob.receive().await.unwrap();
    assert_eq!(scene.bob.notes().await[2..], ["one", "two"]);
    assert_eq!(awaited(&scene.bob).await, [1]);
    scene.clock.advance_days(40);
    scene.bob.receive().await.unwrap();
    assert_eq!(awaited(&scene.bob).await, [1], "nobody is given up by the calendar alone");

    scene.alice.client.allow_relay(&other.link(), &mut scene.alice.rng).await.unwrap();
    let sent = scene.alice.note("bob", "three").await;
    assert!(sent.sent[0].waits.is_none(), "{:?}", sent.sent[0].waits);
    scene.bob.receive().await.unwrap();
    assert_eq!(scene.bob.notes().await[4..], ["three"]);
    assert_eq!(awaited(&scene.bob).await, [0]);
    scene.clock.advance_days(29);
    scene.bob.receive().await.unwrap();
    assert_eq!(awaited(&scene.bob).await, [0], "still watched");
    scene.clock.advance_days(2);
    for _ in 0..2 {
        scene.bob.receive().await.unwrap();
    }
    assert_eq!(awaited(&scene.bob).await, Vec::<usize>::new(), "left for good");
    // The old relay may go.
    scene.relay.stop().await;
    assert!(scene.bob.receive().await.unwrap().failed.is_none());
    assert_eq!(scene.bob.heard(), vec![]);
}

#[tokio::test]
async fn a_stranger_with_the_new_card_reaches_somebody_who_moved_and_one_with_the_old_card_does_for_a_while() {
    let (mut scene, other) = friends().await;
    let (old, now) = (scene.bob.client.card().await.unwrap(), scene.clock.now());
    move_to(&mut scene.bob, &other, now).await;
    let new = scene.bob.client.card().await.unwrap();
    assert_eq!(new.relay, other.link());
    for (number, card) in [(3, old), (4, new)] {
        let mut caller = Person::new("caller", &scene.relay.link(), &scene.clock, number).await;
        caller.client.add_contact(&card, Some("bob"), CardRelay::Typed, now, &mut caller.rng).await.unwrap();
        caller.note("bob", "knock").await;
    }
    scene.bob.receive().await.unwrap();
    assert_eq!(scene.bob.client.requests().await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_new_card_takes_nothing_away_that_waits_at_a_relay_that_was_left() {
    let (mut scene, other) = friends().await;
    let (old, now) = (scene.bob.client.card().await.unwrap(), scene.clock.now());
    move_to(&mut scene.bob, &other, now).await;
    let mut caller = Person::new("caller", &scene.relay.link(), &scene.clock, 3).await;
    caller.client.add_contact(&old, Some("bob"), CardRelay::Typed, now, &mut caller.rng).await.unwrap();
    caller.note("bob", "knock").await;
    scene.bob.client.replace_doorbell(now, &mut scene.bob.rng).await.unwrap();
    scene.bob.client.hang_up();
    scene.bob.receive().await.unwrap();
    assert_eq!(scene.bob.client.requests().await.unwrap().len(), 1, "it was acknowledged, and is here");
}

#[tokio::test]
async fn a_relay_that_was_left_and_is_away_stops_nothing_and_can_be_given_up() {
    let (mut scene, other) = friends().await;
    let now = scene.clock.now();
    scene.alice.client.allow_relay(&other.link(), &mut scene.alice.rng).await.unwrap();
    move_to(&mut scene.bob, &other, now).await;
    scene.alice.receive().await.unwrap();
    // Alice moves too, and both old mailboxes are at the same relay, which ends.
    move_to(&mut scene.alice, &other, now).await;
    scene.relay.stop().await;
    scene.bob.client.allow_relay(&other.link(), &mut scene.bob.rng).await.unwrap();
    scene.alice.note("bob", "here").await;
    let received = scene.bob.receive().await.unwrap();
    assert!(received.failed.is_some_and(|error| error.is_passing()), "said, every time");
    assert_eq!(scene.bob.notes().await[2..], ["here"]);
    scene.bob.client.forget_relay(&scene.relay.link()).await.unwrap();
    assert!(scene.bob.receive().await.unwrap().failed.is_none());
    let own = scene.bob.client.forget_relay(&other.link()).await;
    assert!(matches!(own, Err(ClientError::NotNow(_))));
}

#[tokio::test]
async fn a_relay_that_was_left_cannot_speak_for_a_mailbox_at_another() {
    let (mut scene, liar) = Scene::friends_before_liar().await;
    scene.talk().await;
    scene.settle().await;
    let other = TestRelay::start(&scene.clock).await;
    scene.alice.note("bob", "one").await;
    let now = scene.clock.now();
    move_to(&mut scene.bob, &other, now).await;
    // The new relay is looked at first: its mailboxes have the first handles.
    liar.tell(|frame| match frame {
        RelayFrame::Push(Push::Delivery(delivery)) => {
            vec![RelayFrame::Push(Push::Delivery(Delivery { handle: MailboxHandle(1), ..delivery }))]
        }
        frame => vec![frame],
    });
    let received = scene.bob.receive().await.unwrap();
    assert!(matches!(received.failed, Some(ClientError::RelayMisbehaved(_))), "{:?}", received.failed);
    liar.be_honest();
    assert!(scene.bob.receive().await.unwrap().failed.is_none());
    assert_eq!(scene.bob.notes().await[2..], ["one"]);
}

#[tokio::test]
async fn a_relay_that_refuses_or_is_away_moves_nobody() {
    let (mut scene, mut other) = friends().await;
    other.stop().await;
    let (before, now) = (scene.bob.client.card().await.unwrap(), scene.clock.now());
    let away = scene.bob.client.move_to(&other.link(), None, now, &mut scene.bob.rng).await;
    assert!(away.is_err_and(|error| error.is_passing()));
    let here = scene.bob.client.move_to(&scene.relay.link(), None, now, &mut scene.bob.rng).await;
    assert!(matches!(here, Err(ClientError::NotNow(_))));
    let closed = TestRelay::start_with(&scene.clock, |config| config.admission.policy = Policy::Access).await;
    let refused = scene.bob.client.move_to(&closed.link(), None, now, &mut scene.bob.rng).await;
    assert!(matches!(refused, Err(ClientError::Refused(_))), "{refused:?}");
    assert_eq!(scene.bob.client.card().await.unwrap(), before);
    assert_eq!(scene.bob.client.relays().await.unwrap().len(), 1);
    scene.alice.send(&["bob"], "still here", &[], exact()).await.unwrap();
    scene.bob.receive().await.unwrap();
    assert_eq!(scene.bob.notes().await.last().unwrap(), "still here");
}

#[tokio::test]
async fn a_move_by_a_process_that_ends_anywhere_goes_on_when_given_again() {
    for steps in (0..200).step_by(7) {
        let (mut scene, other) = friends().await;
        scene.alice.client.allow_relay(&other.link(), &mut scene.alice.rng).await.unwrap();
        let (now, life) = (scene.clock.now(), scene.bob.life.clone());
        life.ends_after(steps);
        let moved = life.spend(scene.bob.client.move_to(&other.link(), None, now, &mut scene.bob.rng)).await;
        scene.bob.restart().await;
        if moved.is_none() {
            move_to(&mut scene.bob, &other, now).await;
        }
        scene.alice.receive().await.unwrap();
        scene.alice.note("bob", "found you").await;
        // What was there before the move was told is at the old relay, and what comes after it at the new one.
        scene.bob.receive().await.unwrap();
        assert_eq!(scene.bob.notes().await[2..], ["found you"], "after {steps} steps");
        assert_eq!(awaited(&scene.bob).await, [0], "after {steps} steps");
        assert_eq!((scene.alice.heard(), scene.bob.heard()), (vec![], vec![]), "after {steps} steps");
        if moved.is_some() {
            assert!(steps > 8, "every seventh moment was tried: {steps}");
            return;
        }
    }
    unreachable!("a move has not so many effects");
}

/// What was watched by the link of before passed for watched by the new one, and nothing came any more.
#[tokio::test]
async fn a_relay_whose_link_is_replaced_while_it_is_watched_is_watched_by_the_new_one() {
    let (mut scene, _other) = friends().await;
    let now = scene.clock.now();
    scene.bob.client.take_all(now, &mut scene.bob.rng).await.unwrap();
    let link = scene.relay.link();
    let link = RelayLink::new(link.host(), link.port(), vec![Digest::of(b"another key")]).unwrap();
    scene.bob.client.allow_relay(&link, &mut scene.bob.rng).await.unwrap();
    scene.alice.note("bob", "by the new one").await;
    scene.bob.client.take_all(now, &mut scene.bob.rng).await.unwrap();
    scene.bob.client.hang_up();
    assert_eq!(scene.bob.notes().await.last().unwrap(), "by the new one");
}

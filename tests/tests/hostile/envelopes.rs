//! Envelopes that were changed, moved, repeated or held back.

use lightproof_core::event::Notice;
use lightproof_tests::{Person, Scene};
use lightproof_wire::{
    envelope::Envelope,
    frame::RelayFrame,
    reply::{Delivery, Push},
};

/// One bit of an envelope, changed.
fn flipped(envelope: &Envelope, bit: usize) -> Envelope {
    let mut bytes = *envelope.as_bytes();
    bytes[bit / 8] ^= 1 << (bit % 8);
    Envelope::from_bytes(&bytes).unwrap()
}

fn delivery(frame: &RelayFrame) -> Option<&Delivery> {
    if let RelayFrame::Push(Push::Delivery(delivery)) = frame { Some(delivery) } else { None }
}

/// Before the true envelope comes a flipped one for each of `bits`.
fn lie_about(bits: Vec<usize>) -> impl FnMut(RelayFrame) -> Vec<RelayFrame> + Send + 'static {
    move |frame| {
        let Some(honest) = delivery(&frame).cloned() else { return vec![frame] };
        let lie = |bit: &usize| {
            let envelope = flipped(&honest.envelope, *bit);
            RelayFrame::Push(Push::Delivery(Delivery { envelope, ..honest.clone() }))
        };
        bits.iter().map(lie).chain([frame]).collect()
    }
}

/// One bit of every `step`-th byte, another one each time; and all bits of the kind.
fn sample(first_byte: usize, step: usize) -> Vec<usize> {
    (first_byte..16_000).step_by(step).enumerate().map(|(turn, byte)| byte * 8 + turn % 8).collect()
}

async fn expect_alarms(person: &Person, count: usize) {
    let heard = person.heard();
    assert_eq!(heard.iter().filter(|notice| **notice == Notice::Unopened).count(), count, "{heard:?}");
    assert!(Notice::Unopened.is_alarm());
}

#[tokio::test]
async fn no_bit_of_a_message_can_be_changed() {
    let (mut scene, liar) = Scene::friends_before_liar().await;
    scene.talk().await;
    scene.settle().await;
    for (round, first_byte) in [1, 40, 83].into_iter().enumerate() {
        let bits = sample(first_byte, 127);
        let count = bits.len();
        liar.tell(lie_about(bits));
        let note = format!("true {round}");
        scene.alice.note("bob", &note).await;
        scene.bob.receive().await.unwrap();
        expect_alarms(&scene.bob, count).await;
        assert_eq!(scene.bob.notes().await.len(), 3 + round, "the true one, and no other");
        assert_eq!(scene.bob.notes().await.last().unwrap(), &note);
    }
    assert!(scene.bob.client.aside().await.unwrap().len() <= 256, "what is set aside is bounded");
}

#[tokio::test]
async fn no_bit_of_a_hello_can_be_changed() {
    let (mut scene, liar) = Scene::friends_before_liar().await;
    let bits = sample(1, 131);
    let count = bits.len();
    // The first envelope is the Hello; what follows it comes as it is.
    let mut lie = lie_about(bits);
    let mut told = false;
    liar.tell(move |frame| {
        if told || delivery(&frame).is_none() {
            return vec![frame];
        }
        told = true;
        lie(frame)
    });
    scene.alice.note("bob", "true").await;
    scene.bob.receive().await.unwrap();
    expect_alarms(&scene.bob, count).await;
    assert_eq!(scene.bob.notes().await, ["true"], "no flipped Hello has used up the prekey");
    assert!(scene.bob.client.requests().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_changed_kind_is_a_newer_version_or_not_opened() {
    let (mut scene, liar) = Scene::friends_before_liar().await;
    scene.talk().await;
    scene.settle().await;
    liar.tell(lie_about((0..8).collect()));
    scene.alice.note("bob", "true").await;
    scene.bob.receive().await.unwrap();
    let heard = scene.bob.heard();
    assert_eq!(heard, vec![Notice::NewerVersion; 8]);
    assert_eq!(scene.bob.notes().await, ["hello", "well", "true"]);
}

#[tokio::test]
async fn envelopes_in_any_order_are_shown_in_the_order_they_were_sent() {
    let (mut scene, liar) = Scene::friends_before_liar().await;
    scene.talk().await;
    scene.settle().await;
    let mut held = Vec::new();
    liar.tell(move |frame| {
        if delivery(&frame).is_some() {
            held.push(frame);
            return Vec::new();
        }
        if matches!(frame, RelayFrame::Push(Push::CaughtUp(_))) {
            let mut all: Vec<RelayFrame> = held.drain(..).rev().collect();
            all.push(frame);
            return all;
        }
        vec![frame]
    });
    for number in 0..5 {
        scene.alice.note("bob", &format!("{number}")).await;
    }
    scene.bob.receive().await.unwrap();
    assert_eq!(scene.bob.notes().await[2..], ["0", "1", "2", "3", "4"]);
    assert_eq!(scene.bob.heard(), vec![]);
}

#[tokio::test]
async fn replayed_envelopes_are_taken_once() {
    let (mut scene, liar) = Scene::friends_before_liar().await;
    let mut all: Vec<Envelope> = Vec::new();
    liar.tell(move |frame| {
        let Some(honest) = delivery(&frame).cloned() else { return vec![frame] };
        all.push(honest.envelope.clone());
        let again = |envelope: &Envelope| {
            RelayFrame::Push(Push::Delivery(Delivery { envelope: envelope.clone(), ..honest.clone() }))
        };
        all.iter().map(again).collect()
    });
    for number in 0..5 {
        scene.alice.note("bob", &format!("{number}")).await;
        scene.bob.receive().await.unwrap();
    }
    assert_eq!(scene.bob.notes().await, ["0", "1", "2", "3", "4"]);
    assert_eq!(scene.bob.heard(), vec![]);
}

#[tokio::test]
async fn a_hello_replayed_after_two_months_is_refused() {
    let (mut scene, liar) = Scene::friends_before_liar().await;
    let seen: std::sync::Arc<std::sync::Mutex<Vec<Envelope>>> = std::sync::Arc::default();
    let tape = std::sync::Arc::clone(&seen);
    liar.tell(move |frame| {
        if let Some(honest) = delivery(&frame) {
            tape.lock().unwrap().push(honest.envelope.clone());
        }
        vec![frame]
    });
    scene.talk().await;
    scene.settle().await;
    for _ in 0..3 {
        scene.clock.advance_days(25);
        scene.settle().await;
    }
    scene.bob.heard();
    let old: Vec<Envelope> = seen.lock().unwrap().drain(..).collect();
    let mut told = false;
    liar.tell(move |frame| {
        let Some(honest) = delivery(&frame).cloned().filter(|_| !told) else { return vec![frame] };
        told = true;
        let again = |envelope: &Envelope| {
            RelayFrame::Push(Push::Delivery(Delivery { envelope: envelope.clone(), ..honest.clone() }))
        };
        old.iter().map(again).chain([frame]).collect()
    });
    let before = scene.bob.notes().await;
    scene.alice.note("bob", "new").await;
    scene.bob.receive().await.unwrap();
    let mut wanted = before;
    wanted.push("new".to_owned());
    assert_eq!(scene.bob.notes().await, wanted, "each once");
    let alice = scene.alice.client.fingerprint();
    assert!(!scene.bob.heard().contains(&Notice::NewSession(alice)), "no session from a replay");
}

#[tokio::test]
async fn an_envelope_that_is_held_back_shows_as_missing() {
    let (mut scene, liar) = Scene::friends_before_liar().await;
    scene.talk().await;
    scene.settle().await;
    scene.alice.note("bob", "held back").await;
    scene.alice.note("bob", "shown").await;
    let mut dropped = false;
    liar.tell(move |frame| {
        let drop_it = delivery(&frame).is_some() && !dropped;
        dropped |= drop_it;
        if drop_it { Vec::new() } else { vec![frame] }
    });
    scene.bob.receive().await.unwrap();
    let contact = scene.alice.client.fingerprint();
    assert_eq!(scene.bob.heard(), [Notice::Missing { contact, count: 1 }]);
    assert_eq!(scene.bob.client.status().await.unwrap().missing, 1);
    assert_eq!(scene.bob.notes().await, ["hello", "well", "shown"]);
    liar.be_honest();
    scene.bob.receive().await.unwrap();
    assert_eq!(scene.bob.notes().await, ["hello", "well", "held back", "shown"]);
    assert_eq!(scene.bob.heard(), vec![], "told once");
    assert_eq!(scene.bob.client.status().await.unwrap().missing, 0);
}

#[tokio::test]
async fn envelopes_of_another_mailbox_open_nowhere() {
    let (mut scene, liar) = Scene::friends_before_liar().await;
    scene.talk().await;
    scene.settle().await;
    let mut carol = Person::new("carol", &liar.link(), &scene.clock, 3).await;
    scene.alice.add(&carol, "carol").await;
    carol.add(&scene.alice, "alice").await;
    // What Alice writes to Carol is handed to Bob, in place of what she writes to him.
    let stolen: std::sync::Arc<std::sync::Mutex<Option<Envelope>>> = std::sync::Arc::default();
    let taken = std::sync::Arc::clone(&stolen);
    liar.tell(move |frame| {
        if let Some(honest) = delivery(&frame) {
            taken.lock().unwrap().replace(honest.envelope.clone());
        }
        vec![frame]
    });
    scene.alice.note("carol", "for Carol").await;
    carol.receive().await.unwrap();
    let envelope = stolen.lock().unwrap().take().unwrap();
    liar.tell(move |frame| match delivery(&frame).cloned() {
        Some(honest) => {
            let other = RelayFrame::Push(Push::Delivery(Delivery { envelope: envelope.clone(), ..honest }));
            vec![other, frame]
        }
        None => vec![frame],
    });
    scene.alice.note("bob", "for Bob").await;
    scene.bob.receive().await.unwrap();
    assert_eq!(scene.bob.heard(), [Notice::Unopened]);
    assert_eq!(scene.bob.notes().await, ["hello", "well", "for Bob"]);
}

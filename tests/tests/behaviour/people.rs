//! Strangers, friends, and those one would rather not hear of.

use lightproof_core::{
    contact::Standing, e2ee::card::ContactCard, event::Notice, message::State, people::CardRelay, receive::Reason,
};
use lightproof_tests::{
    Person, Scene,
    scene::{exact, noise},
};
use lightproof_wire::{hash::Digest, relay_link::RelayLink};

#[tokio::test]
async fn receipts_tell_of_delivery_and_of_viewing() {
    let mut scene = Scene::acquainted().await;
    let message = scene.bob.inbox().await.remove(0);
    let now = scene.clock.now();
    scene.bob.client.viewed(&message, now, &mut scene.bob.rng).await.unwrap();
    scene.settle().await;
    let sent: Vec<State> = scene.alice.client.messages().await.unwrap().iter().map(|message| message.state).collect();
    assert_eq!(sent, [State::Viewed, State::Verified, State::Delivered]);
    assert_eq!((scene.alice.heard(), scene.bob.heard()), (vec![], vec![]));
}

#[tokio::test]
async fn who_saw_the_note_before_its_photo_came_has_viewed_it_once_they_look_again() {
    let mut scene = Scene::acquainted().await;
    scene.bob.files.put("a.bin", &noise(6, 1_000));
    scene.bob.send(&["alice"], "look", &["a.bin"], exact()).await.unwrap();
    let now = scene.clock.now();
    scene.alice.client.take_all(now, &mut scene.alice.rng).await.unwrap();
    scene.alice.client.hang_up();
    for (here, told, told_again) in
        [(State::Waiting, State::Deposited, State::Delivered), (State::Verified, State::Delivered, State::Viewed)]
    {
        let message = scene.alice.inbox().await.pop().unwrap();
        assert_eq!((message.note.as_str(), message.state), ("look", here));
        let sent = async |scene: &Scene| {
            let sent = scene.bob.client.messages().await.unwrap();
            sent.into_iter().find(|message| message.note.as_str() == "look").unwrap().state
        };
        assert_eq!(sent(&scene).await, told);
        scene.alice.client.viewed(&message, now, &mut scene.alice.rng).await.unwrap();
        scene.settle().await;
        assert_eq!(sent(&scene).await, told_again);
    }
    let message = scene.alice.inbox().await.pop().unwrap();
    assert!(!message.viewed_wanted.is_yes(), "one look more owes nothing");
}

#[tokio::test]
async fn a_stranger_learns_nothing_before_being_accepted() {
    let mut scene = Scene::strangers().await;
    scene.alice.files.put("a.bin", b"bytes");
    scene.alice.send(&["bob"], "may I?", &["a.bin"], exact()).await.unwrap();
    scene.bob.tape.record();
    scene.settle().await;
    let request = scene.bob.client.requests().await.unwrap().remove(0);
    assert_eq!((request.hint.as_str(), request.standing), ("alice", Standing::Requested));
    let asked = |name: fn(&lightproof_wire::command::Command) -> bool| {
        scene.bob.tape.frames().iter().filter_map(|frame| frame.command()).filter(&name).count()
    };
    assert_eq!(asked(|command| matches!(command, lightproof_wire::command::Command::Deposit { .. })), 0);
    assert_eq!(asked(|command| matches!(command, lightproof_wire::command::Command::GetChunk { .. })), 0);
    assert_eq!(scene.alice.client.messages().await.unwrap()[0].state, State::Deposited);

    scene.bob.accept_all().await;
    scene.settle().await;
    assert_eq!(scene.bob.inbox().await[0].state, State::Verified);
    assert_eq!(scene.alice.client.messages().await.unwrap()[0].state, State::Delivered);
}

#[tokio::test]
async fn a_declined_request_is_gone_and_may_come_again() {
    let mut scene = Scene::strangers().await;
    scene.alice.note("bob", "please").await;
    scene.bob.receive().await.unwrap();
    let alice = scene.alice.client.fingerprint();
    let now = scene.clock.now();
    scene.bob.client.decline(&alice, now, &mut scene.bob.rng).await.unwrap();
    assert!(scene.bob.client.requests().await.unwrap().is_empty());
    assert_eq!(scene.bob.notes().await, Vec::<String>::new());
    // Nobody answered for a week: she calls again, and says the same again.
    scene.clock.advance_days(8);
    scene.alice.receive().await.unwrap();
    scene.bob.receive().await.unwrap();
    scene.bob.accept_all().await;
    scene.settle().await;
    assert_eq!(scene.bob.notes().await, ["please"]);
}

/// Their messages used to be alarms, for ever: only a session without an answer was begun anew, and theirs had one.
#[tokio::test]
async fn somebody_removed_asks_again_with_the_next_message() {
    let mut scene = Scene::acquainted().await;
    scene.remove_alice().await;
    let request = scene.asked_again().await;
    assert_eq!((request.fingerprint, scene.bob.heard()), (scene.alice.client.fingerprint(), vec![]));
    scene.bob.accept_all().await;
    scene.bob.note("alice", "I am").await;
    scene.settle().await;
    scene.alice.note("bob", "good").await;
    scene.settle().await;
    assert_eq!(scene.bob.notes().await, ["hello", "well", "are you there?", "good"]);
    assert_eq!(scene.alice.notes().await, ["hello yourself", "I am"]);
    let bob = scene.bob.client.fingerprint();
    assert_eq!((scene.bob.heard(), scene.alice.heard()), (vec![], vec![Notice::MailboxEnded(bob)]));
}

/// It took the conversation from before along, and what proves who signed it.
#[tokio::test]
async fn to_decline_somebody_who_was_removed_leaves_what_there_was_before() {
    let mut scene = Scene::acquainted().await;
    let (alice, now) = (scene.alice.client.fingerprint(), scene.clock.now());
    scene.bob.client.remove_contact(&alice, now, &mut scene.bob.rng).await.unwrap();
    scene.bob.receive().await.unwrap();
    scene.alice.note("bob", "are you there?").await;
    let taken_back = scene.alice.note("bob", "taken back").await.sent[0].message.clone().unwrap();
    scene.alice.client.retract(&taken_back, now, &mut scene.alice.rng).await.unwrap();
    scene.alice.client.hang_up();
    scene.bob.receive().await.unwrap();
    let request = scene.bob.client.requests().await.unwrap().remove(0);
    scene.bob.client.decline(&request.fingerprint, now, &mut scene.bob.rng).await.unwrap();
    assert_eq!(scene.bob.client.requests().await.unwrap().len(), 0);
    assert_eq!(scene.bob.notes().await, ["hello", "well"], "of the request nothing stays, and of before all");
    // Nobody answered for a week: she calls again, and says the same again. It was taken for known, acked and never shown.
    scene.clock.advance_days(8);
    scene.alice.receive().await.unwrap();
    scene.bob.receive().await.unwrap();
    scene.bob.accept_all().await;
    scene.settle().await;
    assert_eq!(scene.bob.notes().await, ["hello", "well", "are you there?", ""]);
    assert_eq!(scene.bob.inbox().await.pop().unwrap().state, State::Retracted);
    assert_eq!(scene.bob.heard(), []);
}

/// Of a request nobody sees that name, and a card of somebody else who is called so was taken for a changed identity.
#[tokio::test]
async fn somebody_removed_who_asks_again_has_no_name_until_accepted() {
    let mut scene = Scene::acquainted().await;
    scene.remove_alice().await;
    let request = scene.asked_again().await;
    assert_eq!((request.name.as_str(), request.hint.as_str()), ("", "alice"));
    let other = Person::new("alice", &scene.relay.link(), &scene.clock, 3).await;
    scene.bob.add(&other, "alice").await;
    scene.bob.accept_all().await;
    let accepted = scene.bob.client.person(&request.fingerprint).await.unwrap();
    assert_eq!(accepted.name.as_str(), format!("contact-{}", request.number));
}

/// Nobody asks for anything by a receipt: it is sent without anybody's doing.
#[tokio::test]
async fn a_receipt_to_somebody_who_removed_us_asks_for_nothing() {
    let mut scene = Scene::acquainted().await;
    scene.bob.note("alice", "the last one").await;
    scene.remove_alice().await;
    scene.settle().await;
    assert_eq!(scene.alice.notes().await, ["hello yourself", "the last one"]);
    assert!(scene.bob.client.requests().await.unwrap().is_empty());
    assert_eq!(scene.bob.heard(), vec![]);
}

/// What was written between the two, and to a mailbox that was still there, used to be lost and stay "deposited".
#[tokio::test]
async fn somebody_removed_and_added_again_is_heard_without_anything_by_hand() {
    let mut scene = Scene::acquainted().await;
    let (alice, now) = (scene.alice.client.fingerprint(), scene.clock.now());
    scene.bob.client.remove_contact(&alice, now, &mut scene.bob.rng).await.unwrap();
    scene.alice.note("bob", "the relay has not heard of it").await;
    scene.bob.receive().await.unwrap();
    scene.bob.add(&scene.alice, "alice").await;
    scene.settle().await;
    scene.alice.note("bob", "and now").await;
    scene.bob.note("alice", "welcome back").await;
    scene.settle().await;
    let (to_bob, to_alice) = (scene.bob.notes().await, scene.alice.notes().await);
    assert_eq!(to_bob, ["hello", "well", "the relay has not heard of it", "and now"]);
    assert_eq!(to_alice, ["hello yourself", "welcome back"]);
    assert_eq!(scene.bob.heard(), vec![]);
}

/// What comes until then opens nowhere, and is no alarm.
#[tokio::test]
async fn somebody_declined_writes_on_and_is_not_heard_until_they_ask_again() {
    let mut scene = Scene::strangers().await;
    scene.alice.note("bob", "please").await;
    scene.bob.receive().await.unwrap();
    let (alice, now) = (scene.alice.client.fingerprint(), scene.clock.now());
    scene.bob.client.decline(&alice, now, &mut scene.bob.rng).await.unwrap();
    scene.alice.note("bob", "pretty please").await;
    scene.bob.receive().await.unwrap();
    assert_eq!(scene.bob.heard(), vec![]);
    assert!(scene.bob.client.requests().await.unwrap().is_empty());
}

#[tokio::test]
async fn somebody_blocked_is_neither_shown_nor_answered() {
    let mut scene = Scene::acquainted().await;
    let (alice, now) = (scene.alice.client.fingerprint(), scene.clock.now());
    scene.bob.client.block(&alice, now, &mut scene.bob.rng).await.unwrap();
    scene.bob.receive().await.unwrap();
    // The mailbox is gone; at the doorbell it opens in no session. It used to be an alarm, which she could raise at will.
    scene.alice.note("bob", "are you there?").await;
    scene.bob.receive().await.unwrap();
    assert_eq!(scene.bob.heard(), vec![]);
    let aside: Vec<Reason> = scene.bob.client.aside().await.unwrap().iter().map(|aside| aside.reason).collect();
    assert_eq!(aside, [Reason::Parted]);

    // She begins anew, by the card.
    let bob = scene.bob.client.fingerprint();
    scene.alice.client.remove_contact(&bob, now, &mut scene.alice.rng).await.unwrap();
    scene.alice.add(&scene.bob, "bob").await;
    scene.alice.note("bob", "are you there now?").await;
    scene.bob.tape.record();
    scene.bob.receive().await.unwrap();
    scene.settle().await;
    assert!(scene.bob.client.requests().await.unwrap().is_empty());
    assert_eq!(scene.bob.notes().await, ["hello", "well"]);
    assert_eq!(scene.bob.heard(), vec![], "not even that she tried");
    let deposits = scene.bob.tape.frames().iter().filter_map(|frame| frame.command()).filter(is_deposit).count();
    assert_eq!(deposits, 0);
}

/// An old copy of her home signs twice for one place: that was an alarm of hers.
#[tokio::test]
async fn somebody_blocked_raises_no_alarm_in_their_name() {
    let mut scene = Scene::acquainted().await;
    let (alice, now) = (scene.alice.client.fingerprint(), scene.clock.now());
    scene.bob.client.block(&alice, now, &mut scene.bob.rng).await.unwrap();
    for _ in 0..3 {
        let old = scene.alice.store.copy();
        for note in ["one", "another in its place"] {
            scene.alice.go_back_to(&old).await;
            scene.alice.note("bob", note).await;
            scene.alice.receive().await.unwrap();
            scene.bob.receive().await.unwrap();
            scene.alice.receive().await.unwrap();
        }
    }
    let named: Vec<_> = scene.bob.heard().into_iter().filter(|notice| *notice != Notice::Unopened).collect();
    assert_eq!(named, []);
    assert!(scene.bob.client.status().await.unwrap().aside.iter().all(|reason| *reason == Reason::Parted));
}

/// What was sealed in a session that went with them may still come, for sixty days and not for ever.
#[tokio::test]
async fn long_after_somebody_was_blocked_what_opens_nowhere_is_told_again() {
    use lightproof_wire::{command::Command, envelope::Envelope};
    let mut scene = Scene::acquainted().await;
    scene.alice.tape.record();
    scene.alice.note("bob", "the last one").await;
    let mut deposits = scene.alice.tape.frames().into_iter().filter_map(|frame| match frame.command() {
        Some(Command::Deposit { envelope, .. }) => Some(envelope),
        _ => None,
    });
    let sealed = deposits.next_back().unwrap();
    scene.bob.receive().await.unwrap();
    let (alice, now) = (scene.alice.client.fingerprint(), scene.clock.now());
    scene.bob.client.block(&alice, now, &mut scene.bob.rng).await.unwrap();
    for (days, heard) in [(0, vec![]), (60, vec![]), (1, vec![Notice::Unopened])] {
        scene.clock.advance_days(days);
        let mut another = sealed.as_bytes().to_vec();
        another[9_000] ^= u8::try_from(days).unwrap() + 1;
        let (drop, envelope) =
            (scene.bob.client.card().await.unwrap().doorbell, Envelope::from_bytes(&another).unwrap());
        super::sending::deposit(&scene, Command::Deposit { drop, envelope }).await;
        scene.bob.receive().await.unwrap();
        assert_eq!(scene.bob.heard(), heard, "after {days} more days");
    }
}

/// They stayed in the outbox for ever: nothing carried them, and nothing could cancel or delete them.
#[tokio::test]
async fn what_was_still_to_go_out_to_somebody_blocked_or_removed_goes_out_no_more() {
    for is_removed in [false, true] {
        let mut scene = Scene::acquainted().await;
        let (bob, now) = (scene.bob.client.fingerprint(), scene.clock.now());
        scene.relay.stop().await;
        scene.alice.client.hang_up();
        // Sealed, and still to be sealed.
        let sealed = scene.alice.note("bob", "too late").await.sent.remove(0).message.unwrap();
        scene.alice.files.put("a.bin", b"bytes");
        scene.alice.send(&["bob"], "far too late", &["a.bin"], exact()).await.unwrap();
        let client = &scene.alice.client;
        let given_up = match is_removed {
            true => client.remove_contact(&bob, now, &mut scene.alice.rng).await.unwrap(),
            false => client.block(&bob, now, &mut scene.alice.rng).await.unwrap(),
        };
        assert_eq!((sealed.state, given_up), (State::Outbox, 2));
        scene.relay.resume().await;
        scene.bob.client.hang_up();
        scene.alice.receive().await.unwrap();
        let status = scene.alice.client.status().await.unwrap();
        assert_eq!((status.drafts, status.outbox, scene.alice.client.outgoing().await.unwrap().len()), (0, 0, 0));
        let kept = scene.alice.client.message(&sealed.name()).await.unwrap();
        assert!(kept.state == State::Retracted && kept.is_given_up());

        // Nor once they know each other again.
        scene.alice.client.remove_contact(&bob, now, &mut scene.alice.rng).await.unwrap();
        scene.alice.add(&scene.bob, "bob").await;
        scene.alice.note("bob", "a fresh start").await;
        scene.settle().await;
        assert_eq!(scene.bob.notes().await, ["hello", "well", "a fresh start"]);
    }
}

fn is_deposit(command: &lightproof_wire::command::Command) -> bool {
    matches!(command, lightproof_wire::command::Command::Deposit { .. })
}

#[tokio::test]
async fn a_replaced_card_reaches_contacts_and_the_old_one_nothing() {
    let mut scene = Scene::acquainted().await;
    let old = scene.bob.client.card().await.unwrap();
    let now = scene.clock.now();
    scene.bob.client.replace_doorbell(now, &mut scene.bob.rng).await.unwrap();
    scene.bob.client.hang_up();
    let new = scene.bob.client.card().await.unwrap();
    assert_ne!(old.doorbell, new.doorbell);

    let mut carol = Person::new("carol", &scene.relay.link(), &scene.clock, 3).await;
    carol.client.add_contact(&old, Some("bob"), CardRelay::Typed, now, &mut carol.rng).await.unwrap();
    assert!(carol.send(&["bob"], "knock", &[], exact()).await.is_err(), "the old card reaches nothing");
    carol.add(&scene.bob, "bob").await;
    carol.note("bob", "knock").await;

    scene.bob.note("alice", "I have a new card").await;
    scene.settle().await;
    scene.bob.accept_all().await;
    let bob = scene.alice.client.contact("bob").await.unwrap();
    assert_eq!(bob.doorbell.unwrap().drop, new.doorbell, "Alice knows it already");
    scene.alice.note("bob", "thanks").await;
    scene.settle().await;
    let notes = scene.bob.notes().await;
    assert_eq!(notes.iter().filter(|note| *note == "knock" || *note == "thanks").count(), 2, "{notes:?}");
}

async fn replace_card(scene: &mut Scene) {
    let now = scene.clock.now();
    scene.bob.client.replace_doorbell(now, &mut scene.bob.rng).await.unwrap();
    scene.bob.client.hang_up();
}

/// A relay can hold an envelope back, and the card in it is older then than the one that overtook it.
#[tokio::test]
async fn a_card_that_comes_late_does_not_bring_a_replaced_one_back() {
    let (mut scene, liar) = Scene::friends_before_liar().await;
    scene.talk().await;
    scene.settle().await;
    for (first, then, why) in [
        ("second card", Some("third card"), "the third came first"),
        ("fourth card", None, "told once, and late: there is no newer one"),
    ] {
        replace_card(&mut scene).await;
        scene.bob.note("alice", first).await;
        if then.is_some() {
            replace_card(&mut scene).await;
        }
        scene.bob.note("alice", then.unwrap_or("by the way")).await;
        liar.swap();
        scene.alice.receive().await.unwrap();
        liar.be_honest();
        let known = scene.alice.client.contact("bob").await.unwrap().doorbell.unwrap();
        assert_eq!(known.drop, scene.bob.client.card().await.unwrap().doorbell, "{why}");
    }
    assert_eq!(scene.alice.notes().await[1..], ["second card", "third card", "fourth card", "by the way"]);
}

/// A card is as old as the day it was printed: it brought back a key that the user had replaced.
#[tokio::test]
async fn a_card_that_is_added_does_not_bring_the_replaced_key_of_a_relay_back() {
    let mut scene = Scene::strangers().await;
    let pinned = |byte| RelayLink::new("relay.example", 443, vec![Digest::of(&[byte])]).unwrap();
    let (old, new, now) = (pinned(1), pinned(2), scene.clock.now());
    let card = ContactCard { relay: old.clone(), ..scene.bob.client.card().await.unwrap() };
    let alice = &mut scene.alice;
    alice.client.allow_relay(&new, &mut alice.rng).await.unwrap();
    alice.client.add_contact(&card, Some("bob"), CardRelay::Typed, now, &mut alice.rng).await.unwrap();
    let links: Vec<_> = alice.client.relays().await.unwrap().into_iter().map(|relay| relay.link).collect();
    assert!(links.contains(&new.to_text()) && !links.contains(&old.to_text()), "{links:?}");
    assert!(alice.client.is_relay_allowed(&old).await.unwrap(), "by the link that was typed");
}

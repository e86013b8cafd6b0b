//! Sessions that begin twice, are forgotten, or come from an old copy.

use lightproof_core::{event::Notice, receive::Reason, vault::store::Table};
use lightproof_tests::{Scene, TestRelay, relay::TestClock};

#[tokio::test]
async fn without_a_one_time_prekey_the_line_holds_all_the_same() {
    let clock = TestClock::default();
    let relay = TestRelay::start_with(&clock, |config| config.limits.one_time_prekeys_a_day = 0).await;
    let mut scene = Scene::at(relay, clock).await;
    scene.bob.add(&scene.alice, "alice").await;
    scene.talk().await;
    scene.settle().await;
    assert_eq!(scene.bob.notes().await, ["hello", "well"]);
    assert_eq!(scene.bob.heard(), vec![]);
}

#[tokio::test]
async fn both_call_at_once_and_then_talk() {
    let mut scene = Scene::friends().await;
    scene.alice.note("bob", "a1").await;
    scene.bob.note("alice", "b1").await;
    scene.alice.note("bob", "a2").await;
    scene.settle().await;
    for round in 3..6 {
        scene.alice.note("bob", &format!("a{round}")).await;
        scene.bob.note("alice", &format!("b{round}")).await;
        scene.settle().await;
    }
    assert_eq!(scene.bob.notes().await, ["a1", "a2", "a3", "a4", "a5"]);
    assert_eq!(scene.alice.notes().await, ["b1", "b3", "b4", "b5"]);
    let session = |contact: lightproof_core::contact::Contact| contact.sending().unwrap().id;
    let (alice, bob) = (&scene.alice.client, &scene.bob.client);
    assert!(
        session(alice.contact("bob").await.unwrap()) == session(bob.contact("alice").await.unwrap()),
        "both send in one session"
    );
}

#[tokio::test]
async fn an_old_copy_of_a_home_begins_a_new_line_and_repeats_nothing() {
    let mut scene = Scene::acquainted().await;
    let old = scene.alice.store.copy();
    scene.bob.note("alice", "taken by the newer copy").await;
    scene.alice.receive().await.unwrap();
    scene.alice.note("bob", "from the newer copy").await;
    scene.settle().await;
    assert_eq!((scene.alice.heard(), scene.bob.heard()), (vec![], vec![]));

    scene.alice.go_back_to(&old).await;
    scene.alice.receive().await.unwrap();
    assert!(scene.alice.heard().contains(&Notice::OldCopy));
    scene.alice.note("bob", "from the old copy").await;
    scene.settle().await;
    scene.clock.advance_days(2);
    scene.bob.note("alice", "welcome back").await;
    scene.settle().await;
    let alice = scene.alice.client.fingerprint();
    assert!(scene.bob.heard().contains(&Notice::NewLine(alice)));
    assert_eq!(scene.bob.notes().await, ["hello", "well", "from the newer copy", "from the old copy"]);
    assert_eq!(scene.alice.notes().await.last().unwrap(), "welcome back");
    let status = scene.alice.client.status().await.unwrap();
    assert!(status.was_old_copy && status.outbox == 0);
}

/// Each mailbox says that the vault is an old copy: the second used to take back that anybody is to be called.
#[tokio::test]
async fn an_old_copy_with_several_contacts_calls_each_of_them() {
    let mut scene = Scene::friends().await;
    let mut carol = scene.carol().await;
    scene.talk().await;
    scene.alice.note("carol", "hello carol").await;
    carol.receive().await.unwrap();
    carol.note("alice", "hello alice").await;
    scene.settle().await;
    let old = scene.alice.store.copy();
    scene.bob.note("alice", "taken by the newer copy").await;
    carol.note("alice", "that too").await;
    scene.settle().await;
    let _before = (scene.bob.heard(), carol.heard());

    scene.alice.go_back_to(&old).await;
    scene.alice.receive().await.unwrap();
    scene.bob.receive().await.unwrap();
    carol.receive().await.unwrap();
    let alice = scene.alice.client.fingerprint();
    assert_eq!((scene.bob.heard(), carol.heard()), (vec![Notice::NewSession(alice)], vec![Notice::NewSession(alice)]));
}

/// Its prekeys used to take numbers that the newer copy had published under: the relay refused them for ever.
#[tokio::test]
async fn prekeys_of_an_old_copy_are_published_whatever_the_newer_one_published() {
    let mut scene = Scene::acquainted().await;
    let old = scene.alice.store.copy();
    scene.clock.advance_days(8);
    scene.bob.note("alice", "taken by the newer copy").await;
    scene.settle().await;
    scene.alice.go_back_to(&old).await;
    let received = scene.alice.receive().await.unwrap();
    assert!(received.failed.is_none(), "{:?}", received.failed);
    assert!(!scene.alice.client.profile().await.unwrap().replace_prekeys.is_yes());
}

#[tokio::test]
async fn an_old_copy_that_writes_before_it_looks_is_mended_too() {
    let mut scene = Scene::acquainted().await;
    let old = scene.alice.store.copy();
    for number in 0..3 {
        scene.alice.note("bob", &format!("newer {number}")).await;
    }
    scene.settle().await;
    scene.alice.go_back_to(&old).await;
    // Sent on a ratchet that has gone further elsewhere: Bob has had this place of it.
    scene.alice.note("bob", "too early").await;
    scene.bob.receive().await.unwrap();
    scene.bob.note("alice", "I hear you").await;
    scene.settle().await;
    // Bob's ack of that place is of what the newer copy sent there: it used to pass for an ack of this, which was never told of.
    let doubtful = Notice::Doubtful { contact: scene.bob.client.fingerprint(), count: 1 };
    let heard = scene.alice.heard();
    assert_eq!(heard.iter().filter(|notice| **notice == doubtful).count(), 1, "{heard:?}");
    assert!(!doubtful.is_alarm());
    scene.settle().await;
    scene.alice.note("bob", "now").await;
    scene.settle().await;
    let notes = scene.bob.notes().await;
    assert_eq!(notes.iter().filter(|note| *note == "now").count(), 1, "{notes:?}");
}

/// With the line that it left went what it could have counted again.
#[tokio::test]
async fn what_an_old_copy_sent_in_doubt_is_told_after_a_kill_too() {
    let mut scene = Scene::acquainted().await;
    back_to_before_she_read(&mut scene).await;
    scene.alice.note("bob", "too early").await;
    scene.alice.life.ends_with(Table::Contacts);
    assert!(scene.alice.try_receive().await.is_none());
    let _unread = scene.alice.heard();
    scene.alice.restart().await;
    for _ in 0..2 {
        scene.alice.receive().await.unwrap();
    }
    let doubtful = Notice::Doubtful { contact: scene.bob.client.fingerprint(), count: 1 };
    let heard = scene.alice.heard();
    assert_eq!(heard.iter().filter(|notice| **notice == doubtful).count(), 1, "{heard:?}");
}

/// The relay had nothing acked that the old copy does not know of: neither side used to notice, and nothing the copy sent was
/// ever opened.
#[tokio::test]
async fn an_old_copy_hears_from_an_ack_that_it_is_one() {
    let mut scene = Scene::friends().await;
    scene.alice.note("bob", "one").await;
    scene.bob.receive().await.unwrap();
    back_to_before_she_wrote(&mut scene).await;
    scene.bob.note("alice", "both came").await;
    scene.alice.receive().await.unwrap();
    scene.alice.note("bob", "from the old copy").await;
    scene.bob.receive().await.unwrap();
    assert_eq!(scene.bob.notes().await, ["one", "from the newer copy", "from the old copy"]);
    let alice = scene.alice.client.fingerprint();
    assert_eq!(scene.bob.heard(), [Notice::NewSession(alice), Notice::NewLine(alice)]);
    assert_eq!(scene.bob.client.aside().await.unwrap().len(), 0);
}

/// Its own message lies in the line that it leaves: nothing proves that it came, and nothing said so.
#[tokio::test]
async fn an_old_copy_that_hears_so_from_an_ack_tells_what_may_not_have_arrived() {
    let mut scene = Scene::friends().await;
    scene.alice.note("bob", "one").await;
    scene.bob.receive().await.unwrap();
    let old = scene.alice.store.copy();
    for note in ["two", "three"] {
        scene.alice.note("bob", note).await;
    }
    scene.bob.receive().await.unwrap();
    scene.bob.note("alice", "all came").await;
    scene.alice.go_back_to(&old).await;
    scene.alice.note("bob", "too early").await;
    scene.alice.receive().await.unwrap();
    // Of the first, too, this copy has had no ack that the newer one could not have caused.
    assert_eq!(scene.alice.heard(), [Notice::Doubtful { contact: scene.bob.client.fingerprint(), count: 2 }]);
}

/// Its chain is shorter than what came of it: such an envelope used to be set aside without anybody being called.
#[tokio::test]
async fn whoever_writes_from_an_old_copy_is_called_whatever_of_the_session_does_not_fit() {
    let mut scene = Scene::friends().await;
    scene.alice.note("bob", "one").await;
    scene.bob.receive().await.unwrap();
    scene.bob.note("alice", "one came").await;
    back_to_before_she_wrote(&mut scene).await;
    scene.alice.receive().await.unwrap();
    scene.alice.note("bob", "too early").await;
    scene.bob.receive().await.unwrap();
    let alice = scene.alice.client.fingerprint();
    assert_eq!(scene.bob.client.status().await.unwrap().aside, [Reason::OutOfStep(alice)]);
    scene.alice.receive().await.unwrap();
    let session = |contact: lightproof_core::contact::Contact| contact.sending().unwrap();
    let alices = session(scene.alice.client.contact("bob").await.unwrap());
    let bobs = session(scene.bob.client.contact("alice").await.unwrap());
    assert!(alices.id == bobs.id && alices.generation == 2, "both send in the new session");
    // Sealed again, it stands where Bob has taken another. It was called forged, his ack of the other passed for one of this, and
    // nobody was told that it is lost.
    let _before = scene.alice.heard();
    scene.settle().await;
    scene.bob.note("alice", "what came?").await;
    scene.settle().await;
    let doubtful = Notice::Doubtful { contact: scene.bob.client.fingerprint(), count: 1 };
    assert!(scene.alice.heard().contains(&doubtful));
    scene.alice.note("bob", "said again").await;
    scene.settle().await;
    assert_eq!(scene.bob.notes().await, ["one", "from the newer copy", "said again"]);
    let heard = scene.bob.heard();
    let told = |wanted: Notice| heard.iter().filter(|notice| **notice == wanted).count();
    assert_eq!((told(Notice::Contradicts(alice)), told(Notice::NewLine(alice))), (1, 1), "{heard:?}");
    assert_eq!(told(Notice::Forged(Some(alice))), 0);
}

/// The Hello used to go to the mailbox that the newer copy had named, which the old one does not watch.
#[tokio::test]
async fn an_old_copy_that_does_not_know_its_mailbox_is_called_at_its_doorbell() {
    let mut scene = Scene::friends().await;
    scene.bob.note("alice", "one").await;
    scene.alice.receive().await.unwrap();
    back_to_before_she_wrote(&mut scene).await;
    scene.alice.note("bob", "from the old copy").await;
    scene.bob.receive().await.unwrap();
    scene.bob.note("alice", "do you hear me").await;
    scene.alice.receive().await.unwrap();
    scene.bob.receive().await.unwrap();
    assert_eq!(scene.alice.notes().await, ["one", "do you hear me"]);
    assert_eq!(scene.bob.notes().await, ["from the newer copy", "from the old copy"]);
    // And from here on in the mailbox that the old copy has named.
    scene.bob.note("alice", "and here").await;
    scene.alice.receive().await.unwrap();
    assert!(scene.alice.client.contact("bob").await.unwrap().mailbox_used.is_yes());
}

#[tokio::test]
async fn what_was_never_answered_is_said_again_in_a_new_session() {
    let mut scene = Scene::friends().await;
    scene.alice.note("bob", "one").await;
    // Bob's relay keeps an envelope for thirty days; Bob is away for longer.
    scene.relay.let_days_pass(40).await;
    scene.bob.receive().await.unwrap();
    assert_eq!(scene.bob.notes().await, Vec::<String>::new());
    scene.alice.receive().await.unwrap();
    scene.bob.receive().await.unwrap();
    scene.alice.note("bob", "two").await;
    scene.settle().await;
    assert_eq!(scene.bob.notes().await, ["one", "two"]);
}

/// In a line that was left no place waits for an ack: a Hello that expired was not said again.
#[tokio::test]
async fn an_old_copy_whose_hello_expired_calls_again() {
    let mut scene = Scene::acquainted().await;
    scene.alice.note("bob", "before the copy").await;
    back_to_before_she_read(&mut scene).await;
    scene.alice.receive().await.unwrap();
    assert!(scene.alice.heard().contains(&Notice::OldCopy));
    // Bob is away for longer than his relay keeps anything.
    scene.relay.let_days_pass(40).await;
    scene.settle().await;
    scene.settle().await;
    assert_eq!(scene.bob.notes().await, ["hello", "well", "before the copy"]);
}

#[tokio::test]
async fn eleven_hundred_messages_that_expired_are_said_again() {
    let mut scene = Scene::acquainted().await;
    let wanted: Vec<String> = (0..1_100).map(|number| format!("message {number}")).collect();
    for note in &wanted {
        scene.alice.note("bob", note).await;
    }
    scene.relay.let_days_pass(40).await;
    scene.alice.note("bob", "last").await;
    scene.bob.receive().await.unwrap();
    assert_eq!(scene.bob.heard(), [Notice::Unopened], "too many are missing before it");
    scene.settle().await;
    scene.settle().await;
    let notes = scene.bob.notes().await;
    assert_eq!(notes.len(), 2 + wanted.len() + 1);
    assert_eq!(notes[2..2 + wanted.len()], wanted);
    // The last is still aside, and each process tries it again: it called once more on every day.
    let _before = scene.alice.heard();
    scene.clock.advance_days(1);
    for _ in 0..2 {
        scene.bob.restart().await;
        scene.settle().await;
    }
    assert_eq!(scene.alice.heard(), []);
}

#[tokio::test]
async fn whoever_wins_a_glare_and_loses_their_home_is_called_again() {
    let mut scene = Scene::friends().await;
    let old = [scene.alice.store.copy(), scene.bob.store.copy()];
    scene.alice.note("bob", "a1").await;
    scene.bob.note("alice", "b1").await;
    let alices = scene.alice.client.contact("bob").await.unwrap().sending().unwrap().id;
    let bobs = scene.bob.client.contact("alice").await.unwrap().sending().unwrap().id;
    let ((winner, name), (other, others_name), old) = if alices < bobs {
        ((&mut scene.alice, "alice"), (&mut scene.bob, "bob"), &old[0])
    } else {
        ((&mut scene.bob, "bob"), (&mut scene.alice, "alice"), &old[1])
    };
    // The session that wins is known to one side alone.
    winner.go_back_to(old).await;
    other.receive().await.unwrap();
    winner.receive().await.unwrap();
    winner.note(others_name, "from the old copy").await;
    other.receive().await.unwrap();
    assert!(other.notes().await.contains(&"from the old copy".to_owned()));
    scene.clock.advance_days(1);
    other.note(name, "do you read me").await;
    winner.receive().await.unwrap();
    assert!(winner.notes().await.contains(&"do you read me".to_owned()), "{:?}", winner.notes().await);
}

#[tokio::test]
async fn a_late_frame_of_a_lost_home_leads_nobody_to_its_mailbox() {
    let mut scene = Scene::friends().await;
    scene.bob.note("alice", "b1").await;
    scene.alice.receive().await.unwrap();
    let old = scene.alice.store.copy();
    scene.bob.note("alice", "b2").await;
    scene.alice.receive().await.unwrap();
    let lost = scene.alice.store.copy();
    scene.alice.go_back_to(&old).await;
    scene.settle().await;
    scene.alice.note("bob", "from the old copy").await;
    scene.bob.receive().await.unwrap();

    // The last word of the lost home is late, and names a mailbox that the old copy has never heard of.
    let copy = scene.alice.store.copy();
    scene.alice.go_back_to(&lost).await;
    scene.alice.note("bob", "from the lost home").await;
    scene.alice.go_back_to(&copy).await;
    scene.bob.receive().await.unwrap();
    assert_eq!(scene.bob.notes().await, ["from the old copy", "from the lost home"]);
    scene.bob.note("alice", "do you hear me").await;
    scene.alice.receive().await.unwrap();
    let notes = scene.alice.notes().await;
    assert!(notes.contains(&"do you hear me".to_owned()), "{notes:?}");
}

/// Alice's home is an older copy, which knows of nothing of the last message that Bob has taken.
async fn back_to_before_she_wrote(scene: &mut Scene) {
    let old = scene.alice.store.copy();
    scene.alice.note("bob", "from the newer copy").await;
    scene.bob.receive().await.unwrap();
    scene.alice.go_back_to(&old).await;
}

/// The same of a message of Bob's, which only the newer copy has.
async fn back_to_before_she_read(scene: &mut Scene) {
    let old = scene.alice.store.copy();
    scene.bob.note("alice", "taken by the newer copy").await;
    scene.alice.receive().await.unwrap();
    scene.alice.go_back_to(&old).await;
}

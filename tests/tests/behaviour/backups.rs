//! A home that was restored on another machine: it talks to everybody again by itself, loses nothing that its backup held,
//! says nothing twice, and is told from one that runs on.

use std::collections::{BTreeMap, BTreeSet};

use lightproof_core::{
    ClientError,
    backup::{Photos, RestoreError},
    contact::{Standing, Trust},
    event::Notice,
    message::{Message, State},
    names::NewName,
    vault::{memory::MemoryStore, store::Table},
};
use lightproof_tests::{
    Person, Scene, TestRelay, backup,
    disk::{TestSpool, TestStore},
    effort::times,
    life::Life,
    scene::{exact, noise},
    tape::Tape,
};
use lightproof_wire::command::Command;
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng as _, SeedableRng as _};

use crate::second_thoughts::send_once;

async fn with_note(person: &Person, note: &str) -> Message {
    let messages = person.client.messages().await.unwrap();
    messages.into_iter().find(|message| message.note.as_str() == note).unwrap()
}

/// Everything that two people have to say to each other arrives.
async fn settle(scene: &mut Scene, restored: &mut Person) {
    for _ in 0..4 {
        restored.receive().await.unwrap();
        scene.bob.receive().await.unwrap();
        scene.clock.advance_ms(70_000);
    }
}

#[tokio::test]
async fn a_restored_home_talks_to_everybody_again_by_itself() {
    let mut scene = Scene::friends().await;
    let mut carol = scene.carol().await;
    scene.talk().await;
    scene.alice.note("carol", "hello carol").await;
    carol.receive().await.unwrap();
    let photo = noise(5, 100_000);
    scene.bob.files.put("photo.bin", &photo);
    scene.bob.send(&["alice"], "a photo", &["photo.bin"], exact()).await.unwrap();
    scene.settle().await;
    let bob = scene.bob.client.fingerprint();
    scene.alice.client.mark(&bob, Trust::Verified, &mut scene.alice.rng).await.unwrap();
    let backup = scene.alice.backup(Photos::Enclosed).await;
    assert_eq!((backup.photos_left_out, backup.sends_left_out), (0, 0));
    for number in 0..5 {
        scene.alice.note("bob", &format!("a{number}")).await;
        scene.bob.note("alice", &format!("b{number}")).await;
        scene.settle().await;
    }
    let _before = (scene.bob.heard(), carol.heard());

    let mut restored = scene.alice.restored(&backup, 9).await;
    restored.receive().await.unwrap();
    assert_eq!(restored.heard(), [Notice::OldCopy], "what was taken since is not here, and that is shown");
    // Nobody has written, and both are called.
    scene.bob.receive().await.unwrap();
    carol.receive().await.unwrap();
    let alice = restored.client.fingerprint();
    assert_eq!((scene.bob.heard(), carol.heard()), (vec![Notice::NewSession(alice)], vec![Notice::NewSession(alice)]));
    scene.bob.note("alice", "can you hear me").await;
    carol.note("alice", "and me").await;
    restored.receive().await.unwrap();
    let notes = restored.notes().await;
    assert!(["can you hear me", "and me"].iter().all(|note| notes.iter().any(|there| there == note)), "{notes:?}");
    restored.note("bob", "I can").await;
    restored.note("carol", "you too").await;
    scene.bob.receive().await.unwrap();
    carol.receive().await.unwrap();
    assert_eq!((scene.bob.heard(), carol.heard()), (vec![Notice::NewLine(alice)], vec![Notice::NewLine(alice)]));
    assert_eq!(scene.bob.notes().await, ["hello", "well", "a0", "a1", "a2", "a3", "a4", "I can"]);
    assert_eq!(carol.notes().await, ["hello carol", "you too"]);

    let contact = restored.client.contact("bob").await.unwrap();
    assert_eq!((contact.trust, contact.standing), (Trust::Verified, Standing::Accepted));
    assert_eq!(contact.hello_due, None, "their ack of what the lost home wrote calls nobody once more");
    let with_photo = with_note(&restored, "a photo").await;
    assert_eq!(restored.photo(&with_photo, 0).await.unwrap(), photo);
    let status = restored.client.status().await.unwrap();
    assert!(status.restored_from.is_some() && status.outbox == 0 && status.missing > 0);
}

#[tokio::test]
async fn a_restored_home_hears_again_how_far_its_messages_came() {
    let mut scene = Scene::acquainted().await;
    scene.alice.note("bob", "delivered").await;
    scene.alice.note("bob", "viewed").await;
    let taken_back = scene.alice.note("bob", "taken back").await.sent[0].message.clone().unwrap();
    let now = scene.clock.now();
    scene.alice.client.retract(&taken_back, now, &mut scene.alice.rng).await.unwrap();
    scene.alice.client.hang_up();
    let backup = scene.alice.backup(Photos::Enclosed).await;
    scene.bob.receive().await.unwrap();
    let viewed = with_note(&scene.bob, "viewed").await;
    scene.bob.client.viewed(&viewed, now, &mut scene.bob.rng).await.unwrap();
    scene.settle().await;
    assert_eq!(with_note(&scene.alice, "viewed").await.state, State::Viewed);
    // The home that will be lost acks the receipts that it got: Bob does not seal them again.
    scene.alice.note("bob", "I see").await;
    scene.settle().await;

    let mut restored = scene.alice.restored(&backup, 9).await;
    // One receipt a minute.
    for _ in 0..2 {
        settle(&mut scene, &mut restored).await;
    }
    // That Bob looked was told once.
    for (note, state) in
        [("delivered", State::Delivered), ("viewed", State::Delivered), ("taken back", State::Retracted)]
    {
        assert_eq!(with_note(&restored, note).await.state, state, "{note}");
    }
    assert!(with_note(&restored, "taken back").await.retraction.unwrap().confirmed.is_yes());
    let heard = restored.heard();
    assert!(!heard.iter().any(|notice| matches!(notice, Notice::Doubtful { .. })), "all of it arrived: {heard:?}");
}

/// An ack of a split line is of no place in it: it passed for one of all that the backup had sent.
#[tokio::test]
async fn a_restored_home_whose_line_was_split_says_what_may_not_have_arrived() {
    let mut scene = Scene::acquainted().await;
    let old = scene.alice.store.copy();
    scene.alice.note("bob", "from the newer copy").await;
    let backup = scene.alice.backup(Photos::Enclosed).await;
    scene.alice.go_back_to(&old).await;
    scene.alice.note("bob", "from the old copy").await;
    scene.settle().await;
    let alice = scene.alice.client.fingerprint();
    assert!(scene.bob.heard().contains(&Notice::Contradicts(alice)));
    let mut restored = scene.alice.restored(&backup, 9).await;
    restored.receive().await.unwrap();
    let now = scene.clock.now();
    scene.bob.client.take_all(now, &mut scene.bob.rng).await.unwrap();
    scene.bob.note("alice", "which of you is it?").await;
    restored.receive().await.unwrap();
    let doubtful = Notice::Doubtful { contact: scene.bob.client.fingerprint(), count: 1 };
    let heard = restored.heard();
    assert!(heard.contains(&doubtful), "{heard:?}");
}

#[tokio::test]
async fn a_message_for_one_look_is_in_no_backup_until_it_was_looked_at() {
    let mut scene = Scene::friends().await;
    scene.talk().await;
    send_once(&mut scene, "once", &[]).await.unwrap();
    scene.bob.receive().await.unwrap();
    let for_one_look = async |person: &Person| {
        let messages = person.client.messages().await.unwrap();
        messages.into_iter().filter(|message| message.view_once.is_yes()).collect::<Vec<_>>()
    };
    assert_eq!(for_one_look(&scene.bob).await.len(), 1);
    let backup = scene.bob.backup(Photos::Enclosed).await;
    let restored = scene.bob.restored(&backup, 9).await;
    assert!(for_one_look(&restored).await.is_empty(), "it could be looked at in two homes");
}

#[tokio::test]
async fn where_two_homes_of_one_person_run_both_are_shown() {
    let mut scene = Scene::acquainted().await;
    let backup = scene.alice.backup(Photos::Enclosed).await;
    let mut restored = scene.alice.restored(&backup, 9).await;
    assert_eq!(restored.heard(), []);
    let _before = scene.alice.heard();

    // The first home watches when the second begins to.
    let now = scene.clock.now();
    scene.alice.client.take_all(now, &mut scene.alice.rng).await.unwrap();
    restored.receive().await.unwrap();
    assert_eq!(restored.heard(), [], "nothing was taken since the backup");
    let _pushed = scene.alice.client.take_pushed(1_000, now, &mut scene.alice.rng).await;
    let heard = scene.alice.heard();
    assert!(!heard.is_empty() && heard.iter().all(|notice| *notice == Notice::Superseded), "{heard:?}");
    scene.alice.client.hang_up();

    // Each takes what the other does not get then, and each says so.
    scene.bob.receive().await.unwrap();
    scene.bob.note("alice", "taken by the second").await;
    restored.receive().await.unwrap();
    scene.alice.receive().await.unwrap();
    assert!(scene.alice.heard().contains(&Notice::OldCopy));
    scene.bob.receive().await.unwrap();
    scene.bob.note("alice", "taken by the first").await;
    scene.alice.receive().await.unwrap();
    restored.receive().await.unwrap();
    assert!(restored.heard().contains(&Notice::OldCopy));
    let alice = restored.client.fingerprint();
    assert!(scene.bob.heard().contains(&Notice::NewSession(alice)));
}

#[tokio::test]
async fn what_was_sealed_is_sent_once_and_what_was_not_stays_behind() {
    let mut scene = Scene::acquainted().await;
    // Sealed and not deposited; and a draft of which nothing is sealed.
    scene.alice.life.ends_with(Table::Outbox);
    assert!(scene.alice.try_send("bob", "sealed", &[]).await.is_none());
    scene.alice.restart().await;
    scene.alice.life.ends_with(Table::Drafts);
    assert!(scene.alice.try_send("bob", "a draft", &[]).await.is_none());
    scene.alice.restart().await;
    let backup = scene.alice.backup(Photos::Enclosed).await;
    assert_eq!(backup.sends_left_out, 1);
    // The first home sends both before it is lost, and nobody has looked yet.
    scene.alice.receive().await.unwrap();
    let mut restored = scene.alice.restored(&backup, 9).await;
    settle(&mut scene, &mut restored).await;
    assert_eq!(scene.bob.notes().await, ["hello", "well", "sealed", "a draft"]);
    let sealed = with_note(&restored, "sealed").await;
    assert!(matches!(sealed.state, State::Deposited | State::Delivered), "{:?}", sealed.state);
    assert_eq!(restored.client.status().await.unwrap().drafts, 0);
}

/// Its recipient for whom nothing was sealed was left out of the backup without a word.
#[tokio::test]
async fn what_is_sealed_for_some_only_is_counted_among_what_stays_behind() {
    let mut scene = Scene::friends().await;
    let mut other = TestRelay::start(&scene.clock).await;
    scene.carol_at(&other.link()).await;
    other.stop().await;
    let half = scene.alice.send(&["bob", "carol"], "half", &[], exact()).await.unwrap();
    assert!(half.sent[0].message.is_some() && half.sent[1].message.is_none());
    assert_eq!(scene.alice.backup(Photos::Enclosed).await.sends_left_out, 1);
}

#[tokio::test]
async fn a_backup_without_photos_fetches_again_what_its_relay_still_has() {
    let mut scene = Scene::friends().await;
    scene.talk().await;
    let (let_go, waiting) = (noise(6, 1_000), noise(7, 70_000));
    scene.bob.files.put("let go.bin", &let_go);
    scene.bob.send(&["alice"], "let go", &["let go.bin"], exact()).await.unwrap();
    scene.settle().await;
    scene.bob.files.put("waiting.bin", &waiting);
    scene.bob.send(&["alice"], "waiting", &["waiting.bin"], exact()).await.unwrap();
    let now = scene.clock.now();
    scene.alice.client.take_all(now, &mut scene.alice.rng).await.unwrap();
    scene.alice.client.hang_up();
    let [without, with] = [scene.alice.backup(Photos::LeftOut).await, scene.alice.backup(Photos::Enclosed).await];
    assert_eq!((without.photos_left_out, with.photos_left_out), (1, 0));
    assert!(without.bytes.len() < with.bytes.len());

    let mut restored = scene.alice.restored(&without, 9).await;
    settle(&mut scene, &mut restored).await;
    let fetched = with_note(&restored, "waiting").await;
    assert_eq!((fetched.state, restored.photo(&fetched, 0).await.unwrap()), (State::Verified, waiting));
    let gone = with_note(&restored, "let go").await;
    let missing = restored.photo(&gone, 0).await;
    assert!(matches!(missing, Err(ClientError::NotNow(why)) if why.contains("left out")), "{missing:?}");
    // Who signed it, and which photo it was, is known all the same.
    assert_eq!(gone.state, State::Verified);
    let restored = scene.alice.restored(&with, 10).await;
    assert_eq!(restored.photo(&with_note(&restored, "let go").await, 0).await.unwrap(), let_go);
}

#[tokio::test]
async fn what_was_deleted_stays_deleted_and_who_was_blocked_stays_blocked() {
    let mut scene = Scene::friends().await;
    let mut mallory = Person::new("mallory", &scene.relay.link(), &scene.clock, 3).await;
    mallory.add(&scene.alice, "alice").await;
    scene.talk().await;
    mallory.note("alice", "let me in").await;
    scene.settle().await;
    let request = scene.alice.client.requests().await.unwrap().remove(0);
    scene.alice.client.accept(&request.fingerprint, NewName::Typed("mallory"), &mut scene.alice.rng).await.unwrap();
    let now = scene.clock.now();
    scene.alice.client.block(&request.fingerprint, now, &mut scene.alice.rng).await.unwrap();
    let deleted = with_note(&scene.alice, "hello yourself").await;
    scene.alice.client.delete_message(&deleted).await.unwrap();
    let backup = scene.alice.backup(Photos::Enclosed).await;

    let mut restored = scene.alice.restored(&backup, 9).await;
    settle(&mut scene, &mut restored).await;
    mallory.note("alice", "and again").await;
    restored.receive().await.unwrap();
    let blocked = restored.client.contact("mallory").await.unwrap();
    assert_eq!(blocked.standing, Standing::Blocked);
    assert!(restored.client.requests().await.unwrap().is_empty());
    let notes = restored.notes().await;
    assert!(!notes.iter().any(|note| note == "hello yourself" || note == "and again"), "{notes:?}");
}

#[tokio::test]
async fn what_was_on_its_way_in_a_lost_session_is_sealed_again_without_an_alarm() {
    let mut scene = Scene::acquainted().await;
    let backup = scene.alice.backup(Photos::Enclosed).await;
    // Nobody has taken it when the machine is lost; and it was sealed for a session that goes with it.
    scene.bob.note("alice", "on its way").await;
    let mut restored = scene.alice.restored(&backup, 9).await;
    restored.receive().await.unwrap();
    settle(&mut scene, &mut restored).await;
    assert_eq!(restored.notes().await, ["hello yourself", "on its way"]);
    let alarms: Vec<Notice> = restored.heard().into_iter().filter(Notice::is_alarm).collect();
    assert_eq!(alarms, []);
}

/// The same envelope may be deposited often; two may share neither the nonce of their header nor the key of their body.
#[tokio::test]
async fn a_restored_home_repeats_no_key_and_nonce() {
    let mut scene = Scene::acquainted().await;
    scene.alice.tape.record();
    let backup = scene.alice.backup(Photos::Enclosed).await;
    let (mut seen, mut nonces, mut keys) = (BTreeSet::new(), BTreeMap::new(), BTreeMap::new());
    let mut homes = vec![];
    for seed in 0..times(2) {
        homes.push(scene.alice.restored(&backup, 20 + seed).await);
    }
    for round in 0..3 {
        for (home, person) in homes.iter_mut().chain([&mut scene.alice]).enumerate() {
            person.tape.record();
            person.receive().await.unwrap();
            person.note("bob", &format!("{round} of {home}")).await;
            scene.bob.receive().await.unwrap();
        }
    }
    for frame in homes.iter().chain([&scene.alice]).flat_map(|person| person.tape.frames()) {
        let Some(Command::Deposit { envelope, .. }) = frame.command() else { continue };
        let bytes = envelope.as_bytes();
        if bytes.first() != Some(&2) || !seen.insert(*envelope.digest().as_bytes()) {
            continue;
        }
        assert_eq!(nonces.insert(bytes.get(1..25).unwrap().to_vec(), ()), None, "a nonce of a header came twice");
        assert_eq!(keys.insert(bytes.get(2_417..2_449).unwrap().to_vec(), ()), None, "a key of a body came twice");
    }
    assert!(seen.len() >= 9, "{} envelopes", seen.len());
    println!(
        "evidence: P12 F15 P27 | {} envelopes of one person's homes, 0 repeats of a key with its nonce | -",
        seen.len()
    );
}

#[tokio::test]
async fn no_bit_of_a_backup_may_be_another() {
    let mut scene = Scene::friends().await;
    scene.talk().await;
    let backup = scene.alice.backup(Photos::Enclosed).await;
    let now = scene.clock.now();
    let mut chance = ChaCha20Rng::seed_from_u64(11);
    let bits = times(6);
    for number in 0..bits {
        let mut changed = backup.bytes.clone();
        // One in three is in the head, where a flip costs a passphrase.
        let within = if number % 3 == 0 { 135 } else { changed.len() as u64 };
        let bit = chance.next_u64() % (within * 8);
        *changed.get_mut(usize::try_from(bit / 8).unwrap()).unwrap() ^= 1 << (bit % 8);
        let (store, spool) = (MemoryStore::default(), TestSpool::new(Life::default()));
        let rows = TestStore::new(store, Life::default(), Tape::default());
        let refused = backup::read(&changed, (rows, &spool), now, &mut chance).await;
        let is_refused = matches!(
            refused,
            Err(RestoreError::Damaged | RestoreError::NotABackup | RestoreError::Newer | RestoreError::Unlock(_))
        );
        assert!(is_refused, "bit {bit}: {refused:?}");
    }
    println!("evidence: P27 | {bits} bits of a backup turned, each refused | seeds 11..12");
}

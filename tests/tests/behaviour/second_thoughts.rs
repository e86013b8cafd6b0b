//! Second thoughts: messages taken back, seen once, deleted; and contacts who hear nothing of it.

#![expect(clippy::indexing_slicing, reason = "numbers are below their bounds")]

use std::{fs, path::Path};

use lightproof_core::{
    ClientError,
    e2ee::frame::MessageId,
    event::Notice,
    message::{Body, Direction, Message, State},
    people::Receipts,
    prepare::PrepareOptions,
    proof::ProofParts,
    send::{Looks, SendOutcome},
    spool::Spool as _,
    vault::{
        Vault,
        store::{Store as _, Table},
        unlock::Passphrase,
    },
};
use lightproof_tests::{
    Person, Scene,
    scene::{exact, noise},
};
use lightproof_wire::time::Timestamp;

async fn send_photo(scene: &mut Scene, note: &str) -> Message {
    scene.alice.files.put("a.bin", &noise(1, 150_000));
    let outcome = scene.alice.send(&["bob"], note, &["a.bin"], exact()).await.unwrap();
    outcome.sent[0].message.clone().unwrap()
}

async fn take_back(person: &mut Person, message: &Message, now: Timestamp) {
    person.client.retract(message, now, &mut person.rng).await.unwrap();
    person.client.hang_up();
}

async fn last(person: &Person, direction: Direction) -> Message {
    let mut messages = person.client.messages().await.unwrap();
    messages.retain(|message| message.direction == direction);
    messages.pop().unwrap()
}

fn blobs(scene: &Scene) -> usize {
    let inside = |folder: &Path| fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect::<Vec<_>>();
    inside(&scene.relay.folder().join("blobs")).iter().filter(|path| path.is_dir()).map(|one| inside(one).len()).sum()
}

async fn rows(person: &Person, table: Table) -> usize {
    person.store.scan(table).await.unwrap().len()
}

/// Messages that are kept because they may have to be sealed again.
async fn unacked(person: &Person) -> usize {
    let vault = Vault::open(person.store.clone(), &Passphrase::None).await.unwrap();
    vault.scan::<Body>().await.unwrap().iter().filter(|body| body.message_id.is_some()).count()
}

fn is_emptied(message: &Message, state: State) -> bool {
    message.state == state && message.note.as_str().is_empty() && message.photos.as_slice().is_empty()
}

#[tokio::test]
async fn a_message_taken_back_before_it_is_fetched_is_not_kept_and_its_recipient_hears_of_it() {
    let mut scene = Scene::acquainted().await;
    let signed = rows(&scene.bob, Table::Signed).await;
    let message = send_photo(&mut scene, "too early").await;
    assert_eq!(blobs(&scene), 1);
    let now = scene.clock.now();
    take_back(&mut scene.alice, &message, now).await;
    assert_eq!(blobs(&scene), 0, "its photo is gone from the relay");
    scene.bob.receive().await.unwrap();
    let news = scene.bob.client.news().await.unwrap();
    assert!(is_emptied(news.last().unwrap(), State::Retracted));
    assert_eq!(rows(&scene.bob, Table::Signed).await, signed);
    assert!(scene.bob.spool.list().await.unwrap().is_empty());
    assert_eq!((scene.alice.heard(), scene.bob.heard()), (vec![], vec![]), "and nothing looks missing");
    scene.settle().await;
    let sent = last(&scene.alice, Direction::Out).await;
    assert_eq!((sent.state, sent.reached()), (State::Retracted, State::Deposited));
    assert!(sent.retraction.unwrap().confirmed.is_yes());
    assert_eq!(rows(&scene.alice, Table::Retracting).await, 0);
    let again = scene.alice.client.retract(&sent, now, &mut scene.alice.rng).await;
    assert!(matches!(again, Err(ClientError::NotNow(_))));
}

#[tokio::test]
async fn what_was_not_looked_at_goes_and_what_was_looked_at_stays() {
    let mut scene = Scene::acquainted().await;
    let seen = send_photo(&mut scene, "seen").await;
    let unseen = send_photo(&mut scene, "unseen").await;
    scene.settle().await;
    let inbox = scene.bob.inbox().await;
    let (of_seen, of_unseen) = (inbox[2].clone(), inbox[3].clone());
    let now = scene.clock.now();
    scene.bob.client.viewed(&of_seen, now, &mut scene.bob.rng).await.unwrap();
    take_back(&mut scene.alice, &seen, now).await;
    take_back(&mut scene.alice, &unseen, now).await;
    scene.settle().await;
    let inbox = scene.bob.inbox().await;
    assert_eq!((inbox[2].note.as_str(), inbox[2].state), ("seen", State::Verified));
    assert!(inbox[2].retraction.is_some());
    assert_eq!(scene.bob.photo(&inbox[2], 0).await.unwrap(), noise(1, 150_000));
    assert_eq!(scene.bob.heard(), [Notice::Retracted(scene.alice.client.fingerprint())]);
    assert!(is_emptied(&inbox[3], State::Retracted));
    assert!(!scene.bob.holds_chunks_of(&of_unseen).await && scene.bob.holds_chunks_of(&of_seen).await);
    // The sender is told how far each had come.
    let sent = scene.alice.client.messages().await.unwrap();
    let sent: Vec<&Message> = sent.iter().filter(|message| message.state == State::Retracted).collect();
    assert_eq!((sent[0].reached(), sent[1].reached()), (State::Viewed, State::Delivered));
    assert!(sent.iter().all(|message| message.retraction.unwrap().confirmed.is_yes()));
}

#[tokio::test]
async fn what_is_taken_back_while_it_is_got_ready_is_not_shown() {
    let mut scene = Scene::acquainted().await;
    let message = send_photo(&mut scene, "too late").await;
    scene.settle().await;
    let got_ready = last(&scene.bob, Direction::In).await;
    let now = scene.clock.now();
    take_back(&mut scene.alice, &message, now).await;
    scene.bob.receive().await.unwrap();
    let bob = &mut scene.bob;
    let shown = bob.client.viewed(&got_ready, now, &mut bob.rng).await;
    assert!(matches!(shown, Err(ClientError::NotNow(_))), "{shown:?}");
    let gone = last(bob, Direction::In).await;
    assert!(is_emptied(&gone, State::Retracted));
    bob.client.viewed(&gone, now, &mut bob.rng).await.unwrap();
    bob.client.delete_message(&gone).await.unwrap();
    let shown = bob.client.viewed(&got_ready, now, &mut bob.rng).await;
    assert!(matches!(shown, Err(ClientError::Unknown(_))), "{shown:?}");
}

#[tokio::test]
async fn a_stranger_who_takes_back_leaves_no_more_than_one_who_writes() {
    let mut scene = Scene::strangers().await;
    let now = scene.clock.now();
    for number in 0..6 {
        let outcome = scene.alice.note("bob", &format!("{number}")).await;
        take_back(&mut scene.alice, &outcome.sent[0].message.clone().unwrap(), now).await;
    }
    scene.bob.receive().await.unwrap();
    assert_eq!((rows(&scene.bob, Table::Frames).await, rows(&scene.bob, Table::Messages).await), (8, 4));
    assert_eq!(scene.bob.client.aside().await.unwrap().len(), 4, "the others wait unopened");
    scene.bob.accept_all().await;
    scene.settle().await;
    assert_eq!(scene.bob.inbox().await.len(), 6);
    assert!(scene.bob.inbox().await.iter().all(|message| is_emptied(message, State::Retracted)));
    assert_eq!((scene.alice.heard(), scene.bob.heard()), (vec![], vec![]));
}

#[tokio::test]
async fn a_request_that_makes_room_for_others_leaves_nothing() {
    let mut scene = Scene::strangers().await;
    let now = scene.clock.now();
    scene.alice.note("bob", "first").await;
    take_back_in_own_name(&mut scene.alice, MessageId([9; 16]), now).await;
    scene.bob.receive().await.unwrap();
    let tables = [Table::Messages, Table::Receipts, Table::Retracted, Table::Frames];
    let all = async |person: &Person| {
        let mut counts = Vec::new();
        for table in tables {
            counts.push(rows(person, table).await);
        }
        counts
    };
    assert_eq!(all(&scene.bob).await, [1, 2, 1, 2]);
    for number in 0..32 {
        let mut stranger = Person::new("stranger", &scene.relay.link(), &scene.clock, 10 + number).await;
        stranger.add(&scene.bob, "bob").await;
        stranger.note("bob", "me too").await;
    }
    scene.bob.receive().await.unwrap();
    let requests = scene.bob.client.requests().await.unwrap();
    assert!(requests.len() == 32 && requests.iter().all(|request| request.hint.as_str() == "stranger"));
    assert_eq!(all(&scene.bob).await, [32, 32, 0, 32], "of hers nothing is left");
}

#[tokio::test]
async fn a_retract_that_comes_before_its_message_is_remembered() {
    let (mut scene, liar) = Scene::friends_before_liar().await;
    scene.talk().await;
    scene.settle().await;
    let message = send_photo(&mut scene, "too early").await;
    let now = scene.clock.now();
    take_back(&mut scene.alice, &message, now).await;
    liar.swap();
    scene.bob.receive().await.unwrap();
    liar.be_honest();
    scene.bob.receive().await.unwrap();
    assert!(is_emptied(&last(&scene.bob, Direction::In).await, State::Retracted));
    assert_eq!(rows(&scene.bob, Table::Retracted).await, 0, "and forgotten once it came");
    scene.settle().await;
    assert!(last(&scene.alice, Direction::Out).await.retraction.unwrap().confirmed.is_yes());
}

/// Takes back, in one's own name, a message of this name, whoever sent it.
async fn take_back_in_own_name(person: &mut Person, name: MessageId, now: Timestamp) {
    let mine = last(person, Direction::Out).await;
    let vault = Vault::open(person.store.clone(), &Passphrase::None).await.unwrap();
    let forged = Message { message_id: name, retraction: None, state: State::Delivered, ..mine };
    let mut turn = vault.turn();
    turn.put(&forged, &mut person.rng);
    turn.commit().await.unwrap();
    person.client.retract(&forged, now, &mut person.rng).await.unwrap();
    person.client.hang_up();
}

#[tokio::test]
async fn nobody_takes_back_what_somebody_else_sent() {
    let mut scene = Scene::acquainted().await;
    let mut carol = Person::new("carol", &scene.relay.link(), &scene.clock, 3).await;
    carol.add(&scene.bob, "bob").await;
    scene.bob.add(&carol, "carol").await;
    carol.note("bob", "mine").await;
    scene.bob.receive().await.unwrap();
    // Only now: of two people's mailboxes none comes first.
    scene.alice.note("bob", "hers").await;
    scene.bob.receive().await.unwrap();
    let now = scene.clock.now();
    let name = last(&scene.bob, Direction::In).await.message_id;
    assert_eq!(scene.bob.notes().await.last().unwrap(), "hers");
    take_back_in_own_name(&mut carol, name, now).await;
    take_back_in_own_name(&mut carol, MessageId([9; 16]), now).await;
    scene.bob.receive().await.unwrap();
    assert_eq!(scene.bob.notes().await[2..], ["mine", "hers"]);
    // And a second time, and of a name that was never used: nothing happens, and each is confirmed.
    let mine = scene.bob.inbox().await[2].message_id;
    for _ in 0..2 {
        take_back_in_own_name(&mut carol, mine, now).await;
    }
    scene.bob.receive().await.unwrap();
    assert_eq!(scene.bob.notes().await[2..], ["", "hers"]);
    assert_eq!(scene.bob.heard(), vec![]);
    for _ in 0..3 {
        scene.clock.advance_ms(70_000);
        scene.bob.receive().await.unwrap();
        carol.receive().await.unwrap();
    }
    assert_eq!(rows(&carol, Table::Retracting).await, 0);
    assert_eq!(rows(&scene.bob, Table::Retracted).await, 2);
    scene.clock.advance_days(61);
    scene.bob.receive().await.unwrap();
    assert_eq!(rows(&scene.bob, Table::Retracted).await, 0, "not for ever");
}

#[tokio::test]
async fn what_is_taken_back_while_relays_are_away_goes_on_by_itself() {
    let mut scene = Scene::acquainted().await;
    let message = send_photo(&mut scene, "too early").await;
    scene.relay.stop().await;
    let now = scene.clock.now();
    assert!(scene.alice.client.retract(&message, now, &mut scene.alice.rng).await.is_err());
    scene.alice.restart().await;
    scene.relay.resume().await;
    scene.alice.receive().await.unwrap();
    assert_eq!(blobs(&scene), 0);
    scene.bob.receive().await.unwrap();
    assert!(is_emptied(&last(&scene.bob, Direction::In).await, State::Retracted));
}

pub(crate) async fn send_once(scene: &mut Scene, note: &str, files: &[&str]) -> Result<SendOutcome, ClientError> {
    let (now, alice) = (scene.clock.now(), &mut scene.alice);
    let mut draft = alice.draft(&["bob"], note, files, PrepareOptions::default()).await?;
    draft.looks = Looks::Once;
    let outcome = alice.client.send(draft, &alice.files, now, &mut alice.rng).await;
    alice.client.hang_up();
    outcome
}

#[tokio::test]
async fn a_message_for_one_look_is_seen_once_and_nothing_of_it_is_left() {
    let mut scene = Scene::acquainted().await;
    let signed = rows(&scene.bob, Table::Signed).await;
    scene.alice.files.put("photo.jpg", &lightproof_core::prepare::sample_photo());
    scene.alice.files.put("a.bin", b"no picture");
    let refused = send_once(&mut scene, "once", &["a.bin"]).await;
    assert!(matches!(refused, Err(ClientError::NotNow(_) | ClientError::Prepare(_))), "{refused:?}");
    send_once(&mut scene, "once", &["photo.jpg"]).await.unwrap();
    scene.settle().await;
    let message = last(&scene.bob, Direction::In).await;
    assert_eq!((message.state, message.note.as_str()), (State::Verified, ""), "nobody sees it by the way");
    assert!(message.photos.iter().all(|photo| photo.facts.thumbhash.as_slice().is_empty()));
    assert!(scene.bob.photo(&message, 0).await.is_err(), "nor saves it");
    assert!(scene.bob.client.proof(&message, ProofParts::default()).await.is_err(), "nor shows it to others");
    let mut chunks = scene.bob.client.open_photo_for_one_look(&message, 0).unwrap();
    while chunks.next().await.unwrap().is_some() {}
    chunks.finish().unwrap();
    let now = scene.clock.now();
    let look = scene.bob.client.look_once(&message, now, &mut scene.bob.rng).await.unwrap();
    assert_eq!(look.note, "once");
    scene.bob.client.end_look(look).await.unwrap();
    assert!(is_emptied(&last(&scene.bob, Direction::In).await, State::Viewed));
    assert!(scene.bob.client.look_once(&message, now, &mut scene.bob.rng).await.is_err());
    assert_eq!(rows(&scene.bob, Table::Signed).await, signed);
    assert!(scene.bob.spool.list().await.unwrap().is_empty());
    scene.settle().await;
    assert_eq!(last(&scene.alice, Direction::Out).await.state, State::Viewed);
    assert_eq!(scene.bob.heard(), vec![]);
}

#[tokio::test]
async fn a_look_taken_by_a_process_that_ends_anywhere_is_whole_or_was_the_only_one() {
    let mut scene = Scene::acquainted().await;
    for steps in 0..20 {
        send_once(&mut scene, &format!("after {steps}"), &[]).await.unwrap();
        scene.bob.receive().await.unwrap();
        let message = last(&scene.bob, Direction::In).await;
        let (now, life) = (scene.clock.now(), scene.bob.life.clone());
        life.ends_after(steps);
        let looked = life.spend(scene.bob.client.look_once(&message, now, &mut scene.bob.rng)).await;
        scene.bob.restart().await;
        let again = scene.bob.client.look_once(&message, now, &mut scene.bob.rng).await;
        match looked {
            Some(first) => {
                assert_eq!(first.unwrap().note, format!("after {steps}"));
                assert!(again.is_err(), "after {steps} steps: seen twice");
                assert!(steps > 0);
                return;
            }
            None => {
                let is_gone = is_emptied(&last(&scene.bob, Direction::In).await, State::Viewed);
                assert!(is_gone && again.is_err() || again.unwrap().note == format!("after {steps}"));
            }
        }
    }
    unreachable!("a look has not so many effects");
}

#[tokio::test]
async fn a_contact_without_receipts_hears_nothing_and_is_acked_all_the_same() {
    let mut scene = Scene::acquainted().await;
    let (alice, now) = (scene.alice.client.fingerprint(), scene.clock.now());
    scene.bob.client.set_receipts(&alice, Receipts::Off, &mut scene.bob.rng).await.unwrap();
    let message = send_photo(&mut scene, "did you get this?").await;
    scene.settle().await;
    let came = last(&scene.bob, Direction::In).await;
    scene.bob.client.viewed(&came, now, &mut scene.bob.rng).await.unwrap();
    take_back(&mut scene.alice, &message, now).await;
    scene.settle().await;
    let sent = last(&scene.alice, Direction::Out).await;
    assert_eq!((sent.reached(), sent.retraction.unwrap().confirmed.is_yes()), (State::Deposited, false));
    assert_eq!(rows(&scene.bob, Table::Receipts).await, 0);
    assert_eq!(unacked(&scene.alice).await, 1);
    scene.bob.note("alice", "by the way").await;
    scene.settle().await;
    assert_eq!(unacked(&scene.alice).await, 0, "a frame of his acks it");
    scene.bob.client.set_receipts(&alice, Receipts::On, &mut scene.bob.rng).await.unwrap();
    scene.alice.note("bob", "and this?").await;
    scene.settle().await;
    assert_eq!(last(&scene.alice, Direction::Out).await.state, State::Delivered);
}

#[tokio::test]
async fn a_deleted_message_leaves_no_note_key_or_chunk_on_either_side() {
    let mut scene = Scene::acquainted().await;
    send_photo(&mut scene, "delete me").await;
    scene.settle().await;
    for (person, direction) in [(&scene.alice, Direction::Out), (&scene.bob, Direction::In)] {
        let before = [rows(person, Table::Messages).await, rows(person, Table::Signed).await];
        person.client.delete_message(&last(person, direction).await).await.unwrap();
        let after = [rows(person, Table::Messages).await, rows(person, Table::Signed).await];
        assert_eq!(after, before.map(|count| count - 1));
        assert_eq!(unacked(person).await, 0);
        for table in [Table::Drafts, Table::Outbox] {
            assert_eq!(rows(person, table).await, 0, "{table:?}");
        }
        assert!(person.spool.list().await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn a_farewell_leaves_nothing_at_the_relay_that_could_be_reached() {
    let mut scene = Scene::acquainted().await;
    send_photo(&mut scene, "nobody fetches this").await;
    let (now, bob) = (scene.clock.now(), &mut scene.bob);
    let of_bob = bob.client.farewell(now, &mut bob.rng).await.unwrap();
    assert_eq!((of_bob.mailboxes, of_bob.blobs, of_bob.not_told.len()), (2, 0, 0));
    let alice = &mut scene.alice;
    let of_alice = alice.client.farewell(now, &mut alice.rng).await.unwrap();
    assert_eq!((of_alice.mailboxes, of_alice.blobs, of_alice.not_told.len()), (2, 1, 0));
    assert_eq!(blobs(&scene), 0);
    assert!(scene.alice.send(&["bob"], "are you there?", &[], exact()).await.unwrap().sent[0].waits.is_some());
    scene.relay.stop().await;
    let (now, bob) = (scene.clock.now(), &mut scene.bob);
    bob.client.hang_up();
    let of_bob = bob.client.farewell(now, &mut bob.rng).await.unwrap();
    assert_eq!((of_bob.mailboxes, of_bob.not_told.len()), (0, 1), "said, and no reason to stay");
}

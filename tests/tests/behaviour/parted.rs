//! Whoever wrote to us has removed us: what is deposited, who is called anew, and how often.

use lightproof_core::{ClientError, e2ee::card::ContactCard, event::Notice, people::CardRelay, vault::store::Table};
use lightproof_tests::{Liar, Person, Scene, TestRelay, scene::exact};
use lightproof_wire::{
    command::Command,
    frame::RelayFrame,
    refusal::Refusal,
    reply::{Delivery, Push, Reply},
    time::Timestamp,
};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;
use tokio::net::TcpListener;

/// Everything that is under way from here, with what stopped it.
async fn resume(person: &mut Person, now: Timestamp) -> Result<(), ClientError> {
    let resumed = person.client.resume(&person.files, now, &mut person.rng).await;
    person.client.hang_up();
    resumed
}

/// The third stayed in the outbox, and nobody was told why.
#[tokio::test]
async fn all_that_waits_for_somebody_who_removed_us_twice_in_one_day_goes_out() {
    let mut scene = Scene::acquainted().await;
    scene.remove_alice().await;
    scene.alice.note("bob", "again").await;
    scene.bob.receive().await.unwrap();
    scene.bob.accept_all().await;
    scene.bob.note("alice", "well").await;
    scene.settle().await;

    scene.remove_alice().await;
    scene.relay.stop().await;
    for note in ["one", "two", "three"] {
        scene.alice.note("bob", note).await;
    }
    scene.relay.resume().await;
    let now = scene.clock.now();
    resume(&mut scene.alice, now).await.unwrap();
    assert_eq!(scene.alice.client.status().await.unwrap().outbox, 0);
    // She has called once today, and calls again tomorrow.
    scene.clock.advance_days(1);
    scene.alice.receive().await.unwrap();
    scene.bob.receive().await.unwrap();
    scene.bob.accept_all().await;
    scene.settle().await;
    let notes = scene.bob.notes().await;
    assert!(notes.ends_with(&["one", "two", "three"].map(str::to_owned)), "{notes:?}");
}

/// What the second round deposited was told as refused.
#[tokio::test]
async fn what_a_relay_refuses_once_and_then_takes_is_no_failure() {
    let mut scene = Scene::acquainted().await;
    let mut other = TestRelay::start(&scene.clock).await;
    let liar = Liar::before(other.address()).await;
    let mut carol = scene.carol_at(&liar.link()).await;
    scene.alice.note("carol", "hello").await;
    scene.remove_alice().await;
    let mut is_full = true;
    liar.tell(move |frame| match frame {
        RelayFrame::Reply(id, Reply::Deposited(_)) if is_full => {
            is_full = false;
            vec![RelayFrame::Reply(id, Reply::Refused(Refusal::QuotaFull))]
        }
        frame => vec![frame],
    });
    scene.relay.stop().await;
    other.stop().await;
    scene.alice.send(&["carol", "bob"], "to both", &[], exact()).await.unwrap();
    scene.relay.resume().await;
    other.resume().await;
    let now = scene.clock.now();
    resume(&mut scene.alice, now).await.unwrap();
    assert_eq!(scene.alice.client.status().await.unwrap().outbox, 0);
    carol.receive().await.unwrap();
    assert_eq!(carol.notes().await, ["hello", "to both"]);
}

/// Of two processes the slower asked for a Hello once more, which went out on the next day, in the middle of a talk.
#[tokio::test]
async fn two_processes_that_find_us_removed_call_once() {
    let mut scene = Scene::acquainted().await;
    let mut other = TestRelay::start(&scene.clock).await;
    let _carol = scene.carol_at(&other.link()).await;
    scene.alice.note("carol", "hello").await;
    scene.remove_alice().await;
    scene.relay.stop().await;
    other.stop().await;
    scene.alice.note("bob", "by the second process").await;
    scene.alice.note("carol", "waits").await;
    scene.relay.resume().await;

    // Between its deposits for Bob and what follows from them, the second process waits for the relay of Carol.
    let gate = TcpListener::bind(other.address()).await.unwrap();
    let (second, files, now) = (scene.alice.second_process().await, scene.alice.files.clone(), scene.clock.now());
    let mut chance = ChaCha20Rng::seed_from_u64(5);
    let meanwhile = async {
        let (_silent, _) = gate.accept().await.unwrap();
        let refuses = async {
            loop {
                drop(gate.accept().await.unwrap());
            }
        };
        tokio::select! {
            _sent = scene.alice.note("bob", "by the first process") => {}
            () = refuses => {}
        }
        drop(gate);
    };
    let (resumed, ()) = tokio::join!(second.resume(&files, now, &mut chance), meanwhile);
    assert!(resumed.is_err_and(|error| error.is_passing()), "the relay of Carol is away");
    assert_eq!(scene.alice.client.contact("bob").await.unwrap().hello_due, None);
    second.hang_up();
    scene.bob.receive().await.unwrap();
    scene.bob.accept_all().await;
    scene.settle().await;
    let notes = scene.bob.notes().await;
    for note in ["by the first process", "by the second process"] {
        assert_eq!(notes.iter().filter(|one| *one == note).count(), 1, "{notes:?}");
    }
}

/// The deposit taught it, and nothing teaches it again: a process that ended behind it had told nobody.
#[tokio::test]
async fn that_a_mailbox_ended_is_told_after_a_kill_too() {
    let mut scene = Scene::acquainted().await;
    scene.remove_alice().await;
    scene.relay.stop().await;
    scene.alice.note("bob", "are you there?").await;
    scene.relay.resume().await;
    scene.alice.life.ends_with(Table::Messages);
    assert!(scene.alice.try_receive().await.is_none());
    let _unread = scene.alice.heard();
    scene.alice.restart().await;
    for _ in 0..2 {
        scene.alice.receive().await.unwrap();
    }
    assert_eq!(scene.alice.heard(), [Notice::MailboxEnded(scene.bob.client.fingerprint())]);
}

/// A late envelope of before took back that our mailbox is to be named again: they wrote to the doorbell from then on, and never
/// heard that we ended it.
#[tokio::test]
async fn whoever_removed_us_and_calls_again_is_told_our_mailbox_once_more() {
    for swapped in [false, true] {
        is_told_our_mailbox_once_more(swapped).await;
    }
}

/// From now on, once, what lies in the mailbox that is pushed first comes behind what lies in the next.
fn last_mailbox_first(liar: &Liar) {
    let (mut first, mut kept, mut is_done) = (None, Vec::new(), false);
    liar.tell(move |frame| match &frame {
        RelayFrame::Push(Push::Delivery(Delivery { handle, .. }) | Push::CaughtUp(handle)) if !is_done => {
            if first.get_or_insert(*handle) == handle {
                kept.push(frame);
                return Vec::new();
            }
            is_done = matches!(frame, RelayFrame::Push(Push::CaughtUp(_)));
            let then = if is_done { core::mem::take(&mut kept) } else { Vec::new() };
            [frame].into_iter().chain(then).collect()
        }
        _ => vec![frame],
    });
}

async fn is_told_our_mailbox_once_more(swapped: bool) {
    let (mut scene, liar) = Scene::friends_before_liar().await;
    scene.talk().await;
    scene.settle().await;
    scene.bob.note("alice", "late").await;
    scene.remove_alice().await;
    scene.bob.add(&scene.alice, "alice").await;
    scene.bob.receive().await.unwrap();
    if swapped {
        last_mailbox_first(&liar);
    }
    scene.alice.receive().await.unwrap();
    liar.be_honest();
    scene.settle().await;
    scene.bob.note("alice", "here I am").await;
    scene.settle().await;
    assert_eq!(scene.alice.notes().await, ["hello yourself", "late", "here I am"]);
    let (bob, now) = (scene.bob.client.fingerprint(), scene.clock.now());
    scene.alice.client.remove_contact(&bob, now, &mut scene.alice.rng).await.unwrap();
    scene.alice.receive().await.unwrap();
    let _before = scene.bob.heard();
    scene.bob.note("alice", "are you there?").await;
    assert_eq!(scene.bob.heard(), [Notice::MailboxEnded(scene.alice.client.fingerprint())]);
}

/// Only a Hello that was due was put off until the next day: each look took another prekey from whoever is at that doorbell.
#[tokio::test]
async fn a_doorbell_of_somebody_else_costs_them_one_prekey_a_day() {
    let mut scene = Scene::friends().await;
    let carol = scene.carol().await;
    scene.alice.note("bob", "one").await;
    let (others, now) = (carol.client.card().await.unwrap().doorbell, scene.clock.now());
    let card = ContactCard { doorbell: others, ..scene.bob.client.card().await.unwrap() };
    scene.alice.client.add_contact(&card, None, CardRelay::Typed, now, &mut scene.alice.rng).await.unwrap();
    scene.clock.advance_days(8);
    scene.alice.tape.record();
    for wanted in [1, 2] {
        for _ in 0..3 {
            scene.alice.receive().await.unwrap();
        }
        let is_taken = |command: &Command| matches!(command, Command::TakePrekeys { .. });
        let taken = scene.alice.tape.frames().iter().filter_map(|frame| frame.command()).filter(is_taken).count();
        assert_eq!(taken, wanted);
        scene.clock.advance_days(1);
    }
}

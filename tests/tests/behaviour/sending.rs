//! One send: interrupted, repeated, cancelled, changed under its feet.

use lightproof_core::{
    ClientError,
    event::Notice,
    message::State,
    send::{Cancelled, Source},
};
use lightproof_tests::{
    Scene, TestRelay,
    scene::{exact, noise},
};
use lightproof_wire::{command::Command, envelope::Envelope, frame::CommandFrame, id::CommandId};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;
use tokio::net::TcpListener;

#[tokio::test]
async fn an_interrupted_send_given_again_is_not_sent_twice() {
    let mut scene = Scene::friends().await;
    scene.alice.files.put("a.bin", &noise(1, 100_000));
    for _ in 0..3 {
        let outcome = scene.alice.send_untold(&["bob"], "once", &["a.bin"], exact()).await.unwrap();
        assert!(outcome.sent[0].message.is_some());
        scene.alice.restart().await;
    }
    scene.alice.send(&["bob"], "once", &["a.bin"], exact()).await.unwrap();
    scene.settle().await;
    assert_eq!(scene.bob.notes().await, ["once"]);
    // Told, and asked for once more: now it is another message.
    scene.alice.send(&["bob"], "once", &["a.bin"], exact()).await.unwrap();
    scene.settle().await;
    assert_eq!(scene.bob.notes().await, ["once", "once"]);
}

#[tokio::test]
async fn a_send_is_cancelled_until_it_is_sealed() {
    let mut scene = Scene::friends().await;
    scene.relay.stop().await;
    let waiting = scene.alice.send(&["bob"], "never mind", &[], exact()).await.unwrap();
    let now = scene.clock.now();
    scene.alice.client.cancel(&waiting.id, now, &mut scene.alice.rng).await.unwrap();
    scene.relay.resume().await;
    scene.alice.note("bob", "hello").await;
    scene.settle().await;
    assert_eq!(scene.bob.notes().await, ["hello"], "no trace, not even a gap");
    assert_eq!(scene.bob.heard(), vec![]);

    scene.relay.stop().await;
    let sealed = scene.alice.send(&["bob"], "sealed", &[], exact()).await.unwrap();
    let cancelled = scene.alice.client.cancel(&sealed.id, now, &mut scene.alice.rng).await;
    assert!(matches!(cancelled, Err(ClientError::NotNow(_))));
    scene.relay.resume().await;
    scene.settle().await;
    assert_eq!(scene.bob.notes().await, ["hello", "sealed"]);
}

/// It was called cancelled, and its blobs were revoked, though another process had sent it since anybody looked.
#[tokio::test]
async fn what_was_sent_meanwhile_is_not_called_cancelled() {
    let mut scene = Scene::friends().await;
    let mut other = TestRelay::start(&scene.clock).await;
    let mut carol = scene.carol_at(&other.link()).await;
    scene.alice.note("carol", "hello").await;
    for number in 0..20 {
        other.stop().await;
        let note = number.to_string();
        scene.alice.files.put("a.bin", &noise(number, 1_000));
        let waiting = scene.alice.send(&["carol"], &note, &["a.bin"], exact()).await.unwrap();
        assert!(waiting.sent[0].message.is_some() && waiting.sent[0].waits.is_some());
        other.resume().await;
        let (second, files, now) = (scene.alice.second_process().await, scene.alice.files.clone(), scene.clock.now());
        let (mut chance, mut rng) = (ChaCha20Rng::seed_from_u64(5), ChaCha20Rng::seed_from_u64(6));
        let cancels = async {
            loop {
                match scene.alice.client.cancel(&waiting.id, now, &mut rng).await {
                    Err(ClientError::NotNow(_)) => tokio::task::yield_now().await,
                    cancelled => return cancelled.unwrap(),
                }
            }
        };
        // The send is over with her ack, which comes before she has fetched the photo.
        let goes_on = async {
            second.resume(&files, now, &mut chance).await.unwrap();
            carol.client.take_all(now, &mut carol.rng).await.unwrap();
            carol.client.hang_up();
            carol.note("alice", "a photo, I see").await;
            second.receive(&files, now, &mut chance).await.unwrap();
            second.hang_up();
        };
        let ((), cancelled) = tokio::join!(goes_on, cancels);
        assert_eq!(cancelled, Cancelled::Gone);
        carol.receive().await.unwrap();
        let came = carol.inbox().await.pop().unwrap();
        assert_eq!((came.note.as_str(), came.state), (note.as_str(), State::Verified));
    }
}

/// It could be neither cancelled, because an envelope was sealed, nor taken back, because another was not.
#[tokio::test]
async fn a_send_that_is_sealed_for_some_is_cancelled_for_the_others() {
    let mut scene = Scene::friends().await;
    let mut other = TestRelay::start(&scene.clock).await;
    let mut carol = scene.carol_at(&other.link()).await;
    other.stop().await;
    scene.alice.files.put("a.bin", &noise(1, 1_000));
    let half = scene.alice.send(&["bob", "carol"], "half", &["a.bin"], exact()).await.unwrap();
    assert!(half.sent[0].message.is_some() && half.sent[1].message.is_none());
    let now = scene.clock.now();
    let cancelled = scene.alice.client.cancel(&half.id, now, &mut scene.alice.rng).await;
    assert_eq!(cancelled.unwrap(), Cancelled::Rest);
    assert!(scene.alice.client.cancel(&half.id, now, &mut scene.alice.rng).await.is_err(), "nothing is left of it");
    other.resume().await;
    scene.settle().await;
    carol.receive().await.unwrap();
    assert_eq!((scene.bob.notes().await, carol.notes().await), (vec!["half".to_owned()], Vec::new()));
    assert_eq!(scene.alice.client.status().await.unwrap().drafts, 0);
    assert!(scene.alice.client.outgoing().await.unwrap().is_empty());
    scene.alice.send(&["bob", "carol"], "half", &["a.bin"], exact()).await.unwrap();
    carol.receive().await.unwrap();
    assert_eq!(carol.notes().await, ["half"]);
}

/// Whoever asked for the same again was told that it is in the outbox; there it was not, and never would be.
#[tokio::test]
async fn what_another_command_cancels_for_some_is_told_so_and_reaches_them_when_it_is_sent_again() {
    let mut scene = Scene::friends().await;
    let mut other = TestRelay::start(&scene.clock).await;
    let mut carol = scene.carol_at(&other.link()).await;
    other.stop().await;
    // In the place of her relay somebody waits until it is cancelled.
    let gate = TcpListener::bind(other.address()).await.unwrap();
    let (second, now) = (scene.alice.second_process().await, scene.clock.now());
    let cancels = async {
        let (_silent, _) = gate.accept().await.unwrap();
        let half = second.outgoing().await.unwrap().remove(0);
        let cancelled = second.cancel(&half.id, now, &mut ChaCha20Rng::seed_from_u64(5)).await;
        assert_eq!(cancelled.unwrap(), Cancelled::Rest);
        drop(gate);
    };
    let (half, ()) = tokio::join!(scene.alice.send_untold(&["bob", "carol"], "half", &[], exact()), cancels);
    let half = half.unwrap();
    assert!(half.sent[0].waits.is_none());
    assert!(matches!(half.sent[1].waits, Some(ClientError::LeftOut)), "{:?}", half.sent[1].waits);
    other.resume().await;
    scene.alice.send(&["bob", "carol"], "half", &[], exact()).await.unwrap();
    carol.receive().await.unwrap();
    assert_eq!(carol.notes().await, ["half"]);
    scene.settle().await;
    assert!(scene.alice.client.outgoing().await.unwrap().is_empty());
}

#[tokio::test]
async fn what_waited_for_the_relay_goes_first() {
    let mut scene = Scene::friends().await;
    scene.relay.stop().await;
    scene.alice.send(&["bob"], "first", &[], exact()).await.unwrap();
    scene.alice.send(&["bob"], "second", &[], exact()).await.unwrap();
    scene.relay.resume().await;
    scene.alice.note("bob", "third").await;
    scene.settle().await;
    assert_eq!(scene.bob.notes().await, ["first", "second", "third"]);
}

#[tokio::test]
async fn a_source_that_changed_is_an_error_and_nothing_is_sent() {
    let mut scene = Scene::friends().await;
    scene.alice.files.put("a.bin", &noise(1, 1_000));
    let mut draft = scene.alice.draft(&["bob"], "changed", &["a.bin"], exact()).await.unwrap();
    draft.photos[0].source = Source { length_bytes: 999, ..draft.photos[0].source.clone() };
    let now = scene.clock.now();
    let sent = scene.alice.client.send(draft, &scene.alice.files, now, &mut scene.alice.rng).await;
    assert!(matches!(sent, Err(ClientError::SourceChanged)));
    scene.settle().await;
    assert_eq!(scene.bob.notes().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_source_that_changed_while_its_send_waited_is_not_sealed() {
    let mut scene = Scene::friends().await;
    scene.alice.files.put("a.bin", &noise(1, 200_000));
    scene.alice.life.ends_after(4);
    assert!(scene.alice.try_send("bob", "waits", &["a.bin"]).await.is_none());
    scene.alice.restart().await;
    scene.alice.files.put("a.bin", &noise(2, 200_001));
    let received = scene.alice.receive().await.unwrap();
    assert!(matches!(received.failed, Some(ClientError::SourceChanged)), "{:?}", received.failed);
    scene.settle().await;
    assert_eq!(scene.bob.notes().await, Vec::<String>::new());
}

#[tokio::test]
async fn an_envelope_deposited_twice_is_one_message() {
    let mut scene = Scene::friends().await;
    scene.alice.tape.record();
    scene.alice.note("bob", "once").await;
    let deposits: Vec<Command> = scene.alice.tape.frames().iter().filter_map(|frame| frame.command()).collect();
    for command in deposits.into_iter().filter(|command| matches!(command, Command::Deposit { .. })) {
        deposit(&scene, command.clone()).await;
        deposit(&scene, command).await;
    }
    scene.settle().await;
    assert_eq!(scene.bob.notes().await, ["once"]);
    assert_eq!(scene.bob.heard(), vec![]);
}

#[tokio::test]
async fn an_envelope_of_a_newer_version_is_kept_for_later() {
    let mut scene = Scene::friends().await;
    let card = scene.bob.client.card().await.unwrap();
    let mut newer = noise(7, 16_000);
    newer[0] = 9;
    let envelope = Envelope::from_bytes(&newer).unwrap();
    deposit(&scene, Command::Deposit { drop: card.doorbell, envelope }).await;
    scene.alice.note("bob", "after it").await;
    scene.settle().await;
    assert_eq!(scene.bob.heard(), [Notice::NewerVersion]);
    assert!(!Notice::NewerVersion.is_alarm());
    assert_eq!(scene.bob.client.aside().await.unwrap().len(), 1);
    assert_eq!(scene.bob.notes().await, ["after it"]);
}

/// Somebody with a drop and no client.
pub(crate) async fn deposit(scene: &Scene, command: Command) {
    use lightproof_core::transport::{NamedBy, Pipe as _, Transport as _};
    let transport = lightproof_tests::transport::PlainTransport::default();
    let pipe = transport.connect(&scene.relay.link(), NamedBy::User).await.unwrap();
    pipe.receive(None).await.unwrap();
    pipe.send(CommandFrame { id: CommandId(1), command }.encode()).await.unwrap();
    pipe.receive(None).await.unwrap();
}

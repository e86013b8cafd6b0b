//! A relay that is silent, and what it may cost: one deadline for each look at the relays.

use std::{cell::Cell, net::SocketAddr, rc::Rc, time::Duration};

use lightproof_core::Failure;
use lightproof_tests::{Person, Scene, TestRelay, scene::exact};
use lightproof_wire::{frame::RelayFrame, reply::Reply};
use tokio::{net::TcpListener, task::LocalSet};

/// Longer than a relay that answers takes.
const SHORTLY: Duration = Duration::from_secs(5);

/// Counts who calls at an address, and says nothing to anybody, as a relay that hangs.
struct Silent {
    calls: Rc<Cell<usize>>,
}

impl Silent {
    async fn at(address: SocketAddr) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let calls = Rc::new(Cell::new(0));
        let count = Rc::clone(&calls);
        tokio::task::spawn_local(async move {
            let mut callers = Vec::new();
            while let Ok((caller, _)) = listener.accept().await {
                count.set(count.get() + 1);
                callers.push(caller);
            }
        });
        Self { calls }
    }

    /// Calls since the last time.
    fn calls(&self) -> usize {
        self.calls.take()
    }
}

/// It cost ten seconds for each of them: four photos, forty seconds.
#[tokio::test]
async fn a_relay_that_is_silent_is_called_once_for_all_photos_that_lie_there() {
    LocalSet::new().run_until(photos_at_a_silent_relay()).await;
}

async fn photos_at_a_silent_relay() {
    let mut scene = Scene::friends().await;
    let mut other = TestRelay::start(&scene.clock).await;
    let mut dora = Person::new("dora", &other.link(), &scene.clock, 7).await;
    dora.add(&scene.bob, "bob").await;
    scene.bob.add(&dora, "dora").await;
    for number in 0_u8..4 {
        dora.files.put(&format!("{number}.bin"), &[number; 100]);
    }
    dora.send(&["bob"], "four of them", &["0.bin", "1.bin", "2.bin", "3.bin"], exact()).await.unwrap();
    other.stop().await;
    let silent = Silent::at(other.address()).await;
    scene.bob.life.waits(SHORTLY);
    let received = scene.bob.receive().await.unwrap();
    assert!(received.failed.is_some_and(|error| error.is_passing()));
    assert_eq!(silent.calls(), 1);
    assert_eq!(scene.bob.notes().await, ["four of them"]);
    scene.bob.receive().await.unwrap();
    assert_eq!(silent.calls(), 1, "the next look tries again");
}

/// The first was all that was told: a relay that is away hid one that lied.
#[tokio::test]
async fn a_relay_that_lies_about_a_photo_is_told_before_one_that_is_away() {
    let (mut scene, liar) = Scene::friends_before_liar().await;
    let mut other = TestRelay::start(&scene.clock).await;
    let mut carol = scene.carol_at(&other.link()).await;
    for sender in [&mut carol, &mut scene.bob] {
        sender.files.put("a.bin", &[7; 100]);
        sender.send(&["alice"], "a photo", &["a.bin"], exact()).await.unwrap();
        let now = scene.clock.now();
        scene.alice.client.take_all(now, &mut scene.alice.rng).await.unwrap();
        scene.alice.client.hang_up();
    }
    other.stop().await;
    liar.tell(|frame| match frame {
        RelayFrame::Reply(id, Reply::Chunk(_)) => vec![RelayFrame::Reply(id, Reply::Done)],
        frame => vec![frame],
    });
    let failed = scene.alice.receive().await.unwrap().failed.unwrap();
    assert_eq!(failed.failure(), Failure::Verification, "{failed}");
}

/// It cost ten seconds for each of them, before what was for somebody else went out.
#[tokio::test]
async fn a_relay_that_is_silent_is_called_once_for_all_contacts_that_are_there() {
    LocalSet::new().run_until(contacts_at_a_silent_relay()).await;
}

async fn contacts_at_a_silent_relay() {
    let mut scene = Scene::friends().await;
    let mut other = TestRelay::start(&scene.clock).await;
    let names = ["dora", "erik", "fay"];
    for (number, name) in names.into_iter().enumerate() {
        let there = Person::new(name, &other.link(), &scene.clock, 7 + number as u64).await;
        scene.alice.add(&there, name).await;
        scene.alice.note(name, "hello").await;
    }
    other.stop().await;
    for name in names {
        scene.alice.note(name, "waits").await;
    }
    let silent = Silent::at(other.address()).await;
    scene.alice.life.waits(SHORTLY);
    scene.clock.advance_ms(1);
    let sent = scene.alice.note("bob", "goes out").await;
    assert!(sent.sent.iter().all(|sent| sent.waits.is_none()), "{:?}", sent.sent);
    assert_eq!(silent.calls(), 1);
    assert_eq!(scene.alice.client.outbox().await.unwrap().len(), names.len());
    scene.bob.receive().await.unwrap();
    assert_eq!(scene.bob.notes().await, ["goes out"]);
}

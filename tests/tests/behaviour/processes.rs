//! Two processes on one home.

use lightproof_tests::{
    Scene,
    scene::{exact, noise},
};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;

#[tokio::test]
async fn two_processes_that_send_and_receive_at_once_lose_nothing() {
    let mut scene = Scene::acquainted().await;
    let (mut to_alice, mut to_bob) = (Vec::new(), Vec::new());
    for round in 0..12_u64 {
        let (from_bob, first, second) = (format!("b{round}"), format!("a{round} one"), format!("a{round} two"));
        scene.bob.note("alice", &from_bob).await;
        to_alice.push(from_bob);
        scene.alice.files.put("a.bin", &noise(round, 70_000));
        let other = scene.alice.second_process().await;
        let third = scene.alice.second_process().await;
        let mut rng = ChaCha20Rng::seed_from_u64(100 + round);
        let mut another_rng = ChaCha20Rng::seed_from_u64(200 + round);
        let draft = scene.alice.draft(&["bob"], &first, &["a.bin"], exact()).await.unwrap();
        let second_draft = scene.alice.draft(&["bob"], &second, &[], exact()).await.unwrap();
        let (now, files) = (scene.clock.now(), scene.alice.files.clone());
        let (sent, also_sent, received) = tokio::join!(
            other.send(draft, &files, now, &mut rng),
            third.send(second_draft, &files, now, &mut another_rng),
            scene.alice.receive(),
        );
        assert!(received.unwrap().failed.is_none());
        other.told(&sent.unwrap().id, &mut rng).await.unwrap();
        third.told(&also_sent.unwrap().id, &mut another_rng).await.unwrap();
        to_bob.extend([first, second]);
        scene.bob.receive().await.unwrap();
        scene.clock.advance_ms(61_000);
    }
    scene.settle().await;
    assert_eq!(scene.alice.notes().await[1..], to_alice);
    let mut notes = scene.bob.notes().await.split_off(2);
    notes.sort();
    to_bob.sort();
    assert_eq!(notes, to_bob);
    for message in scene.bob.inbox().await.iter().filter(|message| !message.photos.as_slice().is_empty()) {
        scene.bob.photo(message, 0).await.unwrap();
    }
    assert_eq!((scene.alice.heard(), scene.bob.heard()), (vec![], vec![]));
}

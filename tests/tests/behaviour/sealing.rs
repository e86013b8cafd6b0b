//! Sealing keys: each side learns the other's with the first messages, and keeps it whatever the next ones hold.

use lightproof_core::{
    ClientError,
    contact::Contact,
    e2ee::{
        manifest::{NOTE_BYTES, PHOTOS},
        sealed_file::{FileFacts, Header, LockFor, SealedFileError, begin},
        sealing_key::SealingKey,
    },
    vault::store::{Store as _, Table},
};
use lightproof_tests::{Person, Scene, scene::exact};
use lightproof_wire::{codec::Text, time::Timestamp};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;

async fn key_of(person: &Person, name: &str) -> Result<SealingKey, ClientError> {
    person.client.contact(name).await.unwrap().sealing_key()
}

async fn own(person: &Person, now: Timestamp) -> SealingKey {
    person.client.own_sealing_key(now, &mut ChaCha20Rng::seed_from_u64(7)).await.unwrap().1
}

/// The beginning of a file sealed with this key.
fn header(to: &Contact, key: SealingKey) -> Header {
    let file = FileFacts { name: Text::new("a").unwrap(), length_bytes: 1 };
    let to = [(to.fingerprint, key)];
    let sealing =
        begin(vec![file], &LockFor::Recipients(&to), None, Timestamp(1), &mut ChaCha20Rng::seed_from_u64(3)).unwrap();
    Header::read(&sealing.beginning).unwrap().0
}

#[tokio::test]
async fn each_side_learns_the_sealing_key_of_the_other_with_the_first_messages() {
    let mut scene = Scene::friends().await;
    let unknown = key_of(&scene.alice, "bob").await;
    assert!(matches!(unknown, Err(ClientError::NoSealingKey)), "{unknown:?}");
    scene.alice.note("bob", "hello").await;
    scene.bob.receive().await.unwrap();
    // Her Hello announced it; his receipt announces his.
    assert_eq!(key_of(&scene.bob, "alice").await.unwrap(), own(&scene.alice, scene.clock.now()).await);
    assert!(key_of(&scene.alice, "bob").await.is_err());
    scene.settle().await;
    let bobs = key_of(&scene.alice, "bob").await.unwrap();
    assert_eq!(bobs, own(&scene.bob, scene.clock.now()).await);

    let bob = scene.alice.client.contact("bob").await.unwrap();
    let header = header(&bob, bobs);
    scene.bob.restart().await;
    scene.bob.client.unlock_file(&header).await.unwrap().unwrap();
    let others = scene.alice.client.unlock_file(&header).await.unwrap();
    assert_eq!(others.unwrap_err(), SealedFileError::NotForUs);
}

#[tokio::test]
async fn a_sealing_key_of_last_year_still_opens_and_the_new_one_is_announced() {
    let mut scene = Scene::acquainted().await;
    let old = key_of(&scene.alice, "bob").await.unwrap();
    for _ in 0..14 {
        // Not so long at once that mailboxes and relays forget each other.
        scene.clock.advance_ms(27 * 86_400_000);
        scene.settle().await;
    }
    scene.bob.note("alice", "a year later").await;
    scene.settle().await;
    let new = key_of(&scene.alice, "bob").await.unwrap();
    assert_ne!(old, new);
    let bob = scene.alice.client.contact("bob").await.unwrap();
    for key in [old, new] {
        scene.bob.client.unlock_file(&header(&bob, key)).await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn the_largest_message_leaves_no_room_for_a_key_and_arrives_all_the_same() {
    let mut scene = Scene::friends().await;
    let names: Vec<String> = (0..PHOTOS).map(|photo| format!("{photo:0>124}.bin")).collect();
    for (name, content) in names.iter().zip(0_u8..) {
        scene.alice.files.put(name, &[content; 100]);
    }
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    // Bob's Hello never came here: all that Alice learns of him comes with his frames.
    scene.alice.send(&["bob"], &"n".repeat(NOTE_BYTES), &names, exact()).await.unwrap();
    scene.settle().await;
    assert_eq!(scene.bob.inbox().await.len(), 1);
    assert_eq!(key_of(&scene.alice, "bob").await.unwrap(), own(&scene.bob, scene.clock.now()).await);
    let rows = scene.alice.store.scan(Table::Contacts).await.unwrap();
    assert_eq!(rows.len(), 1);
}

#[tokio::test]
async fn nobody_seals_for_somebody_who_was_blocked() {
    let mut scene = Scene::friends().await;
    scene.talk().await;
    let alice = scene.bob.client.contact("alice").await.unwrap().fingerprint;
    key_of(&scene.bob, "alice").await.unwrap();
    scene.bob.client.block(&alice, scene.clock.now(), &mut ChaCha20Rng::seed_from_u64(1)).await.unwrap();
    let blocked = key_of(&scene.bob, "alice").await;
    assert!(matches!(blocked, Err(ClientError::ContactBlocked)), "{blocked:?}");
}

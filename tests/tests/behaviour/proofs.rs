//! Messages shown to somebody else: a proof holds without a home, an altered one does not, and none is made too early.

#![expect(clippy::indexing_slicing, reason = "numbers are below their bounds")]

use lightproof_core::{
    ClientError, Failure,
    e2ee::{manifest::Treatment, proof::Proof},
    message::{Direction, Message, State},
    prepare::{PrepareOptions, sample_photo},
    proof::{CheckError, Likeness, Part, ProofParts, ProofReader, likenesses},
    vault::store::{Store as _, Table},
};
use lightproof_tests::{Person, Scene, effort::seeds, scene::noise};
use lightproof_wire::hash::Digest;
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng as _, SeedableRng as _};

const NOTE: &str = "the rocket, before it was moved";
const WITH_PHOTOS: ProofParts = ProofParts { photos: Part::Enclosed, sources: Part::LeftOut };
const WITH_SOURCES: ProofParts = ProofParts { photos: Part::LeftOut, sources: Part::Enclosed };

/// Alice has sent a photo, without what its file held beside the picture.
async fn sent() -> Scene {
    let mut scene = Scene::friends().await;
    scene.alice.files.put("photo.jpg", &sample_photo());
    let cleaned = PrepareOptions { treatment: Treatment::Original, ..PrepareOptions::default() };
    scene.alice.send(&["bob"], NOTE, &["photo.jpg"], cleaned).await.unwrap();
    scene
}

async fn only_message(person: &Person, direction: Direction) -> Message {
    let mut messages = person.client.messages().await.unwrap();
    messages.retain(|message| message.direction == direction);
    assert_eq!(messages.len(), 1);
    messages.remove(0)
}

/// The file that `export` writes.
async fn written(person: &Person, message: &Message, parts: ProofParts) -> Vec<u8> {
    let proof = person.client.proof(message, parts).await.unwrap();
    let mut file = proof.head();
    for place in proof.enclosed() {
        file.extend(person.photo(message, place).await.unwrap());
    }
    file
}

fn check(file: &[u8]) -> Result<Proof, CheckError> {
    ProofReader::begin(file)?.finish()
}

/// Bob's proof with the photo in it, and Alice's with the file it was made from.
async fn proofs() -> (Scene, [Vec<u8>; 2]) {
    let mut scene = sent().await;
    scene.settle().await;
    let received = written(&scene.bob, &only_message(&scene.bob, Direction::In).await, WITH_PHOTOS).await;
    let opened = written(&scene.alice, &only_message(&scene.alice, Direction::Out).await, WITH_SOURCES).await;
    (scene, [received, opened])
}

#[tokio::test]
async fn both_sides_can_show_a_message_and_only_its_sender_the_file() {
    let (scene, [received, opened]) = proofs().await;
    let photo = scene.bob.photo(&only_message(&scene.bob, Direction::In).await, 0).await.unwrap();
    for (file, is_opened) in [(&received, false), (&opened, true)] {
        let proof = check(file).unwrap();
        assert_eq!(proof.identity().fingerprint(), scene.alice.client.fingerprint());
        assert_eq!(proof.frame().recipient, scene.bob.client.fingerprint());
        assert_eq!(proof.manifest().unwrap().note.as_str(), NOTE);
        assert_eq!(likenesses(&proof, &Digest::of(&photo)), [Likeness::Photo(0)]);
        let of_source = likenesses(&proof, &Digest::of(&sample_photo()));
        assert_eq!(of_source, if is_opened { vec![Likeness::Source(0)] } else { vec![] });
        assert_eq!(likenesses(&proof, &Digest::of(b"another photo")), []);
    }
    assert!(received.ends_with(&photo) && !opened.ends_with(&photo));
    let message = only_message(&scene.bob, Direction::In).await;
    let refused = scene.bob.client.proof(&message, WITH_SOURCES).await;
    assert!(matches!(refused, Err(ClientError::NotNow(_))), "{refused:?}");
}

#[tokio::test]
async fn a_message_is_not_shown_to_others_while_its_photos_are_under_way() {
    let mut scene = sent().await;
    let message = only_message(&scene.alice, Direction::Out).await;
    assert_eq!(message.state, State::Deposited);
    let early = scene.alice.client.proof(&message, ProofParts::default()).await;
    assert!(matches!(early, Err(ClientError::NotNow(_))), "{early:?}");
    // A note alone gives no right to a photo.
    scene.alice.note("bob", "a note").await;
    let mut messages = scene.alice.client.messages().await.unwrap();
    let note = messages.pop().unwrap();
    assert_eq!(note.note.as_str(), "a note");
    check(&written(&scene.alice, &note, ProofParts::default()).await).unwrap();
    scene.settle().await;
    let message = scene.alice.client.message(&message.name()).await.unwrap();
    assert_eq!(message.state, State::Delivered);
    check(&written(&scene.alice, &message, ProofParts::default()).await).unwrap();
}

#[tokio::test]
async fn what_was_signed_goes_with_the_message() {
    let (scene, _) = proofs().await;
    for (person, direction) in [(&scene.alice, Direction::Out), (&scene.bob, Direction::In)] {
        let message = only_message(person, direction).await;
        assert_eq!(person.store.scan(Table::Signed).await.unwrap().len(), 1);
        person.client.delete_message(&message).await.unwrap();
        assert!(person.store.scan(Table::Signed).await.unwrap().is_empty());
        let gone = person.client.proof(&message, ProofParts::default()).await;
        assert_eq!(gone.unwrap_err().failure(), Failure::Failed);
    }
}

/// Some bytes of a proof altered: most often where something is said, and anywhere.
fn altered(file: &[u8], other: &[u8], rng: &mut ChaCha20Rng) -> Vec<u8> {
    let mut below = |bound: usize| usize::try_from(rng.next_u64()).unwrap() % bound.max(1);
    let (head, tail) = (2_500, file.len() - 200);
    let mut place = || match below(4) {
        0 | 1 => below(head),
        2 => tail + below(200),
        _ => below(file.len()),
    };
    let (one, two) = (place(), place());
    let count = 1 + below(64);
    let until = |start: usize, length: usize| start..(start + count).min(length);
    let mut bytes = file.to_vec();
    match below(9) {
        0 => bytes[one] ^= 1 << below(8),
        1 => bytes[one] = u8::try_from(below(256)).unwrap(),
        2 => drop(bytes.drain(until(one, file.len()))),
        3 => drop(bytes.splice(one..one, noise(one as u64, count))),
        4 => drop(bytes.splice(two..two, file[until(one, file.len())].to_vec())),
        5 => bytes.swap(one, two),
        6 => bytes.truncate(one),
        7 => bytes.extend(noise(two as u64, count)),
        _ => {
            let shorter = file.len().min(other.len());
            let range = until(one.min(shorter), shorter);
            drop(bytes.splice(range.clone(), other[range].iter().copied()));
        }
    }
    bytes
}

#[tokio::test]
async fn altered_proofs_are_refused_and_the_real_ones_hold() {
    let (_scene, files) = proofs().await;
    let mut refused = 0_u64;
    let range = seeds(500);
    for seed in range.clone() {
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        let (file, other) = if seed % 2 == 0 { (&files[0], &files[1]) } else { (&files[1], &files[0]) };
        // An edit may leave all as it was.
        let mut draw = || Some(altered(file, other, &mut rng)).filter(|bytes| !files.contains(bytes));
        let bytes = std::iter::from_fn(|| Some(draw())).flatten().next().unwrap();
        assert!(check(&bytes).is_err(), "seed {seed}: {} bytes instead of {} were accepted", bytes.len(), file.len());
        refused += 1;
    }
    files.iter().for_each(|file| drop(check(file).unwrap()));
    println!("evidence: P22 P9 P16 | {refused} altered proofs refused, 2 real ones accepted | seeds {range:?}");
}

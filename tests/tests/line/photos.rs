//! The line with real photographs, treated in every way; two in an answer; two recipients.

use std::path::PathBuf;

use image::DynamicImage;
use lightproof_core::{
    e2ee::manifest::Treatment,
    message::{Message, State},
    prepare::{PrepareOptions, sample_photo},
};
use lightproof_tests::{Person, Scene, scene::exact};

/// The real photographs; none, and a word about it, where the folder is not named.
fn photos() -> Vec<(String, Vec<u8>)> {
    let Some(folder) = std::env::var_os("LIGHTPROOF_TEST_PHOTOS").map(PathBuf::from) else {
        println!("skipped: LIGHTPROOF_TEST_PHOTOS names no folder of photographs");
        return Vec::new();
    };
    let is_photo = |path: &PathBuf| path.extension().is_some_and(|end| end != "md");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(is_photo);
    files.sort();
    let named = |path: PathBuf| (path.file_name().unwrap().to_str().unwrap().to_owned(), std::fs::read(&path).unwrap());
    files.into_iter().map(named).collect()
}

fn treated(treatment: Treatment) -> PrepareOptions {
    PrepareOptions { treatment, ..PrepareOptions::default() }
}

/// Alice sends, the relay restarts, Bob receives.
async fn sent(scene: &mut Scene, name: &str, file: &[u8], treatment: Treatment) -> Vec<u8> {
    scene.alice.files.put(name, file);
    let note = format!("{name} as {treatment:?}");
    let outcome = scene.alice.send(&["bob"], &note, &[name], treated(treatment)).await.unwrap();
    assert!(outcome.sent[0].waits.is_none(), "{note}: {:?}", outcome.sent[0].waits);
    scene.relay.restart().await;
    scene.bob.receive().await.unwrap();
    let message = scene.bob.inbox().await.pop().unwrap();
    assert_eq!((message.note.as_str(), message.state), (note.as_str(), State::Verified));
    scene.bob.photo(&message, 0).await.unwrap()
}

fn decoded(bytes: &[u8]) -> DynamicImage {
    image::load_from_memory(bytes).unwrap()
}

fn assert_no_secrets(name: &str, bytes: &[u8]) {
    for secret in ["SECRET", "Alice Example", "GPS", "<x:xmpmeta"] {
        let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
        assert!(!found, "{name} still holds {secret}");
    }
}

#[tokio::test]
async fn every_photo_arrives_exactly_as_it_was() {
    let mut scene = Scene::friends().await;
    for (name, file) in photos() {
        assert_eq!(sent(&mut scene, &name, &file, Treatment::Exact).await, file, "{name}");
    }
}

#[tokio::test]
async fn every_original_has_the_same_pixels_and_nothing_to_tell() {
    let mut scene = Scene::friends().await;
    for (name, file) in photos() {
        let arrived = sent(&mut scene, &name, &file, Treatment::Original).await;
        assert_eq!(decoded(&arrived).to_rgba8(), decoded(&file).to_rgba8(), "{name}");
        assert_no_secrets(&name, &arrived);
    }
}

#[tokio::test]
async fn every_compressed_photo_is_a_picture_without_secrets() {
    let mut scene = Scene::friends().await;
    for (name, file) in photos().into_iter().chain([("sample.jpg".to_owned(), sample_photo())]) {
        let arrived = sent(&mut scene, &name, &file, Treatment::Compressed).await;
        let picture = decoded(&arrived);
        assert!(picture.width() > 0 && picture.height() > 0, "{name}");
        assert_no_secrets(&name, &arrived);
    }
}

#[tokio::test]
async fn the_answer_brings_two_photos() {
    let mut scene = Scene::friends().await;
    scene.alice.note("bob", "two, please").await;
    scene.relay.restart().await;
    scene.bob.receive().await.unwrap();
    let (first, second) = (sample_photo(), lightproof_tests::scene::noise(5, 90_000));
    scene.bob.files.put("first.jpg", &first);
    scene.bob.files.put("second.bin", &second);
    scene.bob.send(&["alice"], "here", &["first.jpg", "second.bin"], exact()).await.unwrap();
    scene.relay.restart().await;
    scene.alice.receive().await.unwrap();
    let message = scene.alice.inbox().await.pop().unwrap();
    assert_eq!((message.state, message.photos.as_slice().len()), (State::Verified, 2));
    assert_eq!(scene.alice.photo(&message, 0).await.unwrap(), first);
    assert_eq!(scene.alice.photo(&message, 1).await.unwrap(), second);
}

fn blobs(scene: &Scene) -> usize {
    fn count(folder: &std::path::Path) -> usize {
        let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        entries.map(|path| if path.is_dir() { count(&path) } else { 1 }).sum()
    }
    count(&scene.relay.folder().join("blobs"))
}

#[tokio::test]
async fn two_recipients_share_one_blob_and_each_reads_alone() {
    let mut scene = Scene::friends().await;
    let mut carol = scene.carol().await;
    scene.alice.files.put("photo.jpg", &sample_photo());
    let outcome = scene.alice.send(&["bob", "carol"], "for both", &["photo.jpg"], exact()).await.unwrap();
    assert_eq!(outcome.sent.len(), 2);
    assert_eq!(blobs(&scene), 1);

    scene.bob.receive().await.unwrap();
    assert_eq!(blobs(&scene), 1, "Carol has not read it");
    let for_bob = verified(&scene.bob).await;
    carol.receive().await.unwrap();
    let for_carol = verified(&carol).await;
    let read = |message: &Message| *message.photos.as_slice()[0].facts.read.hash().as_bytes();
    assert_ne!(read(&for_bob), read(&for_carol), "each has a right of their own");
    assert_eq!(blobs(&scene), 0, "and when both have read it, it is gone");
}

async fn verified(person: &Person) -> Message {
    let message = person.inbox().await.pop().unwrap();
    assert_eq!((message.state, message.note.as_str()), (State::Verified, "for both"));
    assert_eq!(person.photo(&message, 0).await.unwrap(), sample_photo());
    message
}

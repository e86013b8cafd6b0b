//! Chunks that were changed, cut, swapped, or belong to another photo.

use lightproof_core::{ClientError, Failure, message::State};
use lightproof_tests::{
    Liar, Scene,
    scene::{exact, noise},
};
use lightproof_wire::{blob::SealedChunk, frame::RelayFrame, refusal::Refusal, reply::Reply};

const CHUNKS: usize = 3;
const PHOTO_BYTES: usize = 180_000;

async fn scene() -> (Scene, Liar) {
    let (mut scene, liar) = Scene::friends_before_liar().await;
    scene.talk().await;
    scene.settle().await;
    (scene, liar)
}

/// Sends a photo, receives it through the lie, then honestly, then a message after it.
async fn survive(scene: &mut Scene, liar: &Liar, turn: u64, lie: impl FnMut(usize, Vec<u8>) -> Reply + Send + 'static) {
    let photo = noise(turn, PHOTO_BYTES);
    scene.alice.files.put("a.bin", &photo);
    let note = format!("photo {turn}");
    scene.alice.send(&["bob"], &note, &["a.bin"], exact()).await.unwrap();
    liar.tell(on_chunks(lie));
    let received = scene.bob.receive().await.unwrap();
    let message = scene.bob.inbox().await.pop().unwrap();
    assert_eq!(message.note.as_str(), note);
    let refused = received.failed.is_some_and(|error| error.failure() == Failure::Verification);
    assert!(message.state == State::Failed || refused, "turn {turn}: {:?}", message.state);
    assert!(scene.bob.photo(&message, 0).await.is_err(), "no partial photo");
    liar.be_honest();
    scene.alice.note("bob", "after it").await;
    scene.bob.receive().await.unwrap();
    let inbox = scene.bob.inbox().await;
    let [.., message, after] = inbox.as_slice() else { panic!("both are there") };
    assert_eq!((message.state, after.note.as_str()), (State::Verified, "after it"));
    assert_eq!(scene.bob.photo(message, 0).await.unwrap(), photo);
}

fn on_chunks(
    mut lie: impl FnMut(usize, Vec<u8>) -> Reply + Send + 'static,
) -> impl FnMut(RelayFrame) -> Vec<RelayFrame> + Send + 'static {
    let mut count = 0;
    move |frame| match frame {
        RelayFrame::Reply(id, Reply::Chunk(chunk)) => {
            let told = lie(count, chunk.into_vec());
            count += 1;
            vec![RelayFrame::Reply(id, told)]
        }
        frame => vec![frame],
    }
}

fn chunk(bytes: Vec<u8>) -> Reply {
    Reply::Chunk(SealedChunk::new(bytes).unwrap())
}

#[tokio::test]
async fn no_bit_of_a_chunk_can_be_changed() {
    let (mut scene, liar) = scene().await;
    let mut turn = 0;
    for place in 0..CHUNKS {
        for bit in [0, 7, 65_536 * 3 + 2, 65_520 * 8 + 4, 65_536 * 8 - 1] {
            turn += 1;
            let lie = move |count, mut bytes: Vec<u8>| {
                if count == place {
                    bytes[bit / 8] ^= 1 << (bit % 8);
                }
                chunk(bytes)
            };
            survive(&mut scene, &liar, turn, lie).await;
        }
    }
}

#[tokio::test]
async fn chunks_of_another_length_are_refused() {
    let (mut scene, liar) = scene().await;
    survive(&mut scene, &liar, 1, |_, mut bytes| {
        bytes.pop();
        chunk(bytes)
    })
    .await;
    survive(&mut scene, &liar, 2, |_, _| chunk(Vec::new())).await;
    survive(&mut scene, &liar, 3, |_, mut bytes| {
        bytes.push(0);
        chunk(bytes)
    })
    .await;
    survive(&mut scene, &liar, 4, |_, mut bytes| {
        bytes.resize(1_048_576, 0);
        chunk(bytes)
    })
    .await;
}

#[tokio::test]
async fn chunks_in_another_order_or_of_another_photo_are_refused() {
    let (mut scene, liar) = scene().await;
    let mut first = None;
    survive(&mut scene, &liar, 1, move |_, bytes| chunk(first.get_or_insert(bytes).clone())).await;
    let kept: std::sync::Arc<std::sync::Mutex<Vec<Vec<u8>>>> = std::sync::Arc::default();
    let keep = std::sync::Arc::clone(&kept);
    survive(&mut scene, &liar, 2, move |_, mut bytes| {
        keep.lock().unwrap().push(bytes.clone());
        bytes[0] ^= 1;
        chunk(bytes)
    })
    .await;
    let other = kept.lock().unwrap().clone();
    survive(&mut scene, &liar, 3, move |count, bytes| chunk(other.get(count).cloned().unwrap_or(bytes))).await;
}

#[tokio::test]
async fn answers_to_another_question_are_the_relays_fault() {
    let (mut scene, liar) = scene().await;
    survive(&mut scene, &liar, 1, |_, _| Reply::Done).await;
    survive(&mut scene, &liar, 2, |_, _| Reply::Pong).await;
}

#[tokio::test]
async fn a_photo_that_is_denied_is_not_there_and_no_alarm() {
    let (mut scene, liar) = scene().await;
    scene.alice.files.put("a.bin", &noise(1, PHOTO_BYTES));
    scene.alice.send(&["bob"], "denied", &["a.bin"], exact()).await.unwrap();
    liar.tell(on_chunks(|_, _| Reply::Refused(Refusal::Refused)));
    scene.bob.receive().await.unwrap();
    let message = scene.bob.inbox().await.pop().unwrap();
    assert_eq!(message.state, State::Expired);
    assert!(matches!(scene.bob.photo(&message, 0).await, Err(ClientError::NotNow(_))));
}

#[tokio::test]
async fn a_relay_that_keeps_lying_is_asked_three_times_and_its_lies_are_not_kept() {
    let (mut scene, liar) = scene().await;
    scene.alice.files.put("a.bin", &noise(1, PHOTO_BYTES));
    scene.alice.send(&["bob"], "lies", &["a.bin"], exact()).await.unwrap();
    liar.tell(on_chunks(|_, mut bytes| {
        bytes[9] ^= 4;
        chunk(bytes)
    }));
    for _ in 0..5 {
        scene.bob.receive().await.unwrap();
    }
    let message = scene.bob.inbox().await.pop().unwrap();
    assert_eq!((message.state, message.photos.as_slice()[0].tries), (State::Failed, 3));
    assert!(matches!(scene.bob.photo(&message, 0).await, Err(ClientError::Verification)));
    assert!(!scene.bob.holds_chunks_of(&message).await, "nothing of it is kept");
}

//! What others may see: sealed bytes of a few fixed sizes, and nothing else.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail by panicking")]

mod disk;
mod home;
mod printed;
mod wire;

use lightproof_tests::{
    Scene,
    scene::{exact, noise},
};
use sha2::{Digest as _, Sha256};

const NOTE: &str = "the pelican lands at midnight";
const ANSWER: &str = "bring the umbrella and nothing more";
const FILE: &str = "holiday-in-reykjavik.bin";

/// A whole exchange, with everything on tape; and what must appear nowhere.
async fn exchange() -> (Scene, Vec<Secret>) {
    let mut scene = Scene::friends().await;
    scene.alice.tape.record();
    scene.bob.tape.record();
    let photo = noise(42, 200_000);
    scene.alice.files.put(FILE, &photo);
    scene.alice.send(&["bob"], NOTE, &[FILE], exact()).await.unwrap();
    scene.bob.receive().await.unwrap();
    scene.bob.note("alice", ANSWER).await;
    scene.alice.receive().await.unwrap();
    // One more message stays at the relay, and a photo with it.
    scene.alice.send(&["bob"], NOTE, &[FILE], exact()).await.unwrap();
    let secrets = secrets(&scene, &photo).await;
    (scene, secrets)
}

/// Something that must not be seen, as bytes.
struct Secret {
    what: &'static str,
    bytes: Vec<u8>,
}

async fn secrets(scene: &Scene, photo: &[u8]) -> Vec<Secret> {
    let mut secrets = Vec::new();
    let mut add = |what, bytes: &[u8]| {
        let forms = [bytes.to_vec(), hex::encode(bytes).into_bytes(), base64(bytes)];
        secrets.extend(forms.map(|bytes| Secret { what, bytes }));
    };
    for (person, name) in [(&scene.alice, "alice"), (&scene.bob, "bob")] {
        let card = person.client.card().await.unwrap();
        add("a fingerprint", person.client.fingerprint().as_bytes());
        add("a name", format!("{name}\0").trim_end_matches('\0').as_bytes());
        let text = card.print();
        // The beginning of every card is the same: it is the middle that says something.
        add("a card", &text.as_bytes()[20..52]);
    }
    add("a note", NOTE.as_bytes());
    add("an answer", ANSWER.as_bytes());
    add("a file name", FILE.as_bytes());
    add("a digest", &Sha256::digest(photo));
    for piece in photo.chunks(24_000) {
        add("a picture", &piece[..24]);
    }
    // Three or four letters are found in any random megabyte.
    secrets.retain(|secret| secret.bytes.len() > 5);
    secrets
}

/// Base64 without its ends, which depend on what stands beside.
fn base64(bytes: &[u8]) -> Vec<u8> {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let whole = &bytes[..bytes.len() / 3 * 3];
    let four = |three: &[u8]| {
        let bits = u32::from(three[0]) << 16 | u32::from(three[1]) << 8 | u32::from(three[2]);
        [18, 12, 6, 0].map(|shift| LETTERS[(bits >> shift & 63) as usize])
    };
    whole.chunks_exact(3).flat_map(four).collect()
}

fn assert_holds_none(place: &str, bytes: &[u8], secrets: &[Secret]) {
    for secret in secrets {
        let found = bytes.windows(secret.bytes.len()).any(|window| window == secret.bytes);
        assert!(!found, "{place} holds {}", secret.what);
    }
}

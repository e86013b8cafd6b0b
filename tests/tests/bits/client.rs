//! A client that is handed damaged envelopes: what it cannot open is no message, and brings a new session at most.

use std::sync::{Arc, Mutex};

use lightproof_core::vault::store::{RowKey, Store as _, Table, Version};
use lightproof_tests::{Person, Scene, effort::seeds};
use lightproof_wire::{
    envelope::Envelope,
    frame::RelayFrame,
    reply::{Delivery, Push},
};
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng as _, SeedableRng as _};

use super::flipped;

/// What an envelope that was opened would change, and what it would leave to a peer. The others count what came and what is
/// under way: relays, mailboxes, what was seen, tried and set aside, the outbox, the profile with its numbers.
const GUARDED: [Table; 13] = [
    Table::Contacts,
    Table::Requests,
    Table::Sessions,
    Table::Prekeys,
    Table::Hellos,
    Table::Messages,
    Table::Drafts,
    Table::Bodies,
    Table::Frames,
    Table::Receipts,
    Table::Signed,
    Table::Retracting,
    Table::Retracted,
];

type State = Vec<(Table, RowKey, Version, Vec<u8>)>;

async fn state(person: &Person) -> State {
    let mut state = Vec::new();
    for table in GUARDED {
        let rows = person.store.scan(table).await.unwrap();
        state.extend(rows.into_iter().map(|row| (table, row.key, row.version, row.value)));
    }
    state
}

type Kept = Arc<Mutex<Option<Delivery>>>;

/// The first envelope that comes is kept back; in its place come damaged ones, and nothing after them.
fn damaged(bits: Vec<usize>, kept: &Kept) -> impl FnMut(RelayFrame) -> Vec<RelayFrame> + Send + 'static {
    let kept = Arc::clone(kept);
    move |frame| {
        let RelayFrame::Push(Push::Delivery(honest)) = &frame else { return vec![frame] };
        let mut kept = kept.lock().unwrap();
        if kept.is_some() {
            return Vec::new();
        }
        *kept = Some(honest.clone());
        let damage = |bit: &usize| {
            let envelope = Envelope::from_bytes(&flipped(honest.envelope.as_bytes(), *bit)).unwrap();
            RelayFrame::Push(Push::Delivery(Delivery { envelope, ..honest.clone() }))
        };
        bits.iter().map(damage).collect()
    }
}

/// What was kept back comes after all, before anything else does: the relay believes that it was taken.
fn restored(kept: &Kept) -> impl FnMut(RelayFrame) -> Vec<RelayFrame> + Send + 'static {
    let kept = Arc::clone(kept);
    move |frame| {
        let is_due = matches!(frame, RelayFrame::Push(Push::Delivery(_) | Push::CaughtUp(_)));
        let honest = if is_due { kept.lock().unwrap().take() } else { None };
        honest.map(|honest| RelayFrame::Push(Push::Delivery(honest))).into_iter().chain([frame]).collect()
    }
}

fn sample(seed: u64) -> Vec<usize> {
    let mut rng = ChaCha20Rng::seed_from_u64(seed);
    let mut sample = |from: u64, before: u64| {
        let bit = from + rng.next_u64() % (before - from);
        usize::try_from(bit).unwrap()
    };
    // Half of them in what stands before the sealed part.
    (0..60).map(|turn| if turn % 2 == 0 { sample(8, 19_592) } else { sample(19_592, 128_000) }).collect()
}

#[tokio::test]
async fn a_damaged_envelope_is_no_message_and_brings_a_new_session_at_most() {
    let mut ran = 0;
    for seed in seeds(4) {
        let (mut scene, liar) = Scene::friends_before_liar().await;
        // The first time it is the Hello, the second time a message.
        let expected: [&[&str]; 2] = [&["true"], &["true", "hello", "well", "true again"]];
        for (round, expected) in expected.into_iter().enumerate() {
            let before = state(&scene.bob).await;
            let bits = sample(seed * 2 + round as u64);
            ran += bits.len();
            let kept = Kept::default();
            liar.tell(damaged(bits, &kept));
            scene.alice.note("bob", if round == 0 { "true" } else { "true again" }).await;
            scene.bob.receive().await.unwrap();
            let after = state(&scene.bob).await;
            let lost: Vec<Table> = before.iter().filter(|row| !after.contains(row)).map(|row| row.0).collect();
            let came: Vec<Table> = after.iter().filter(|row| !before.contains(row)).map(|row| row.0).collect();
            // A damaged Hello is nobody's. Where the header of a message opened and the rest did not, one of the two may be an
            // old copy: one new Hello answers all of them, in a session beside those that are there.
            let changed: [&[Table]; 2] =
                if round == 0 { [&[], &[]] } else { [&[Table::Contacts], &[Table::Contacts, Table::Sessions]] };
            assert_eq!([&lost[..], &came[..]], changed, "seed {seed}, round {round}");
            let alice = scene.bob.client.contact("alice").await.unwrap();
            assert_eq!((alice.generation, alice.hello_due), (if round == 0 { 0 } else { 2 }, None), "seed {seed}");
            liar.tell(restored(&kept));
            scene.bob.receive().await.unwrap();
            liar.be_honest();
            if round == 0 {
                assert_eq!(scene.bob.notes().await, ["true"], "seed {seed}");
                scene.talk().await;
                scene.settle().await;
                scene.bob.heard();
            } else {
                assert_eq!(scene.bob.notes().await, expected, "seed {seed}");
            }
        }
    }
    println!(
        "evidence: P9 A7 | {ran} damaged envelopes handed to clients, no message of any of them, and one new session at most | seeds {:?}",
        seeds(4)
    );
}

//! The bytes on the wire, as whoever ends TLS for the relay sees them.

use std::collections::BTreeSet;

use lightproof_wire::{
    command::Command,
    frame::RelayFrame,
    limits::ENVELOPE_BYTES,
    reply::{Push, Reply},
};

use super::{assert_holds_none, exchange};

#[tokio::test]
async fn no_frame_holds_anything_that_was_said() {
    let (scene, secrets) = exchange().await;
    for (who, tape) in [("alice", &scene.alice.tape), ("bob", &scene.bob.tape)] {
        let frames = tape.frames();
        assert!(frames.len() > 10);
        for frame in &frames {
            assert_holds_none(&format!("a frame of {who}"), &frame.bytes, &secrets);
        }
    }
}

#[tokio::test]
async fn frames_of_one_kind_have_one_size() {
    let (scene, _) = exchange().await;
    let (mut deposits, mut deliveries, mut chunks) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for frame in scene.alice.tape.frames().into_iter().chain(scene.bob.tape.frames()) {
        match frame.command() {
            Some(Command::Deposit { envelope, .. }) => {
                assert_eq!(envelope.as_bytes().len(), ENVELOPE_BYTES);
                deposits.insert(frame.bytes.len());
            }
            Some(Command::PutChunk { chunk, .. }) => {
                chunks.insert(chunk.as_slice().len());
            }
            _ => {}
        }
        match RelayFrame::decode(&frame.bytes) {
            Ok(RelayFrame::Push(Push::Delivery(_))) if !frame.sent => {
                deliveries.insert(frame.bytes.len());
            }
            Ok(RelayFrame::Reply(_, Reply::Chunk(chunk))) if !frame.sent => {
                chunks.insert(chunk.as_slice().len());
            }
            _ => {}
        }
    }
    assert_eq!(deposits.len(), 1, "a Hello, a note, a photo and a receipt look alike: {deposits:?}");
    assert_eq!(deliveries.len(), 1, "{deliveries:?}");
    assert_eq!(chunks, BTreeSet::from([65_536]));
}

#[tokio::test]
async fn whoever_deposits_watches_nothing_on_the_same_connection() {
    let (scene, _) = exchange().await;
    for tape in [&scene.alice.tape, &scene.bob.tape] {
        let mut own = BTreeSet::new();
        let mut others = BTreeSet::new();
        for frame in tape.frames() {
            match frame.command() {
                Some(Command::Watch { .. } | Command::Ack { .. } | Command::CreateMailbox { .. }) => {
                    own.insert(frame.pipe);
                }
                Some(Command::Deposit { .. } | Command::TakePrekeys { .. } | Command::GetChunk { .. }) => {
                    others.insert(frame.pipe);
                }
                _ => {}
            }
        }
        assert!(!own.is_empty() && !others.is_empty());
        assert!(own.is_disjoint(&others));
    }
}

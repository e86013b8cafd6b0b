//! Lies about photos, to those who send and to those who fetch.

use lightproof_wire::{
    blob::{ChunkBitmap, SealedChunk},
    command::Command,
    id::ChunkIndex,
    refusal::Refusal,
    reply::{BlobState, Reply},
};

use crate::{
    table::{Act::*, Ends::*, Entry},
    tell::{answers, both, frames, instead, refuses, silence},
};

type Lie = Box<dyn lightproof_tests::world::lie::Lie>;

/// Other bytes in the place of each chunk, by the order they are asked for.
fn chunks(mut lie: impl FnMut(usize, Vec<u8>) -> Vec<u8> + 'static) -> Lie {
    let mut count = 0;
    answers(move |reply| match reply {
        Reply::Chunk(chunk) => {
            let told = lie(count, chunk.as_slice().to_vec());
            count += 1;
            Some(Reply::Chunk(SealedChunk::new(told).unwrap()))
        }
        _ => None,
    })
}

fn is_get(command: &Command) -> bool {
    matches!(command, Command::GetChunk { .. })
}

fn is_put(command: &Command) -> bool {
    matches!(command, Command::PutChunk { .. })
}

fn is_commit(command: &Command) -> bool {
    matches!(command, Command::CommitBlob { .. })
}

fn is_open(command: &Command) -> bool {
    matches!(command, Command::OpenBlob { .. })
}

fn is_release(command: &Command) -> bool {
    matches!(command, Command::ReleaseBlob { .. })
}

/// This about the chunks of an upload that the relay refuses to commit.
fn status(count: u32, there: u32) -> Lie {
    let mut bitmap = ChunkBitmap::empty(count);
    (0..there).for_each(|index| bitmap.insert(ChunkIndex(index)));
    both(
        refuses(is_commit, Refusal::Refused),
        answers(move |reply| {
            matches!(reply, Reply::Blob(_)).then(|| Reply::Blob(BlobState::Uploading(bitmap.clone())))
        }),
    )
}

#[expect(clippy::too_many_lines, reason = "a table")]
pub(crate) fn lies() -> Vec<Entry> {
    let entry = Entry::new;
    const OTHER: &str = "RelayMisbehaved(\"it answered another question\")";
    const FAILED: Ends = Detected("photo Failed");
    use crate::table::Ends;
    vec![
        entry(
            "changes a bit of a chunk",
            ReceivePhoto,
            |_| {
                chunks(|count, mut bytes| {
                    bytes[40_000] ^= u8::from(count == 1);
                    bytes
                })
            },
            FAILED,
        ),
        entry(
            "cuts a chunk short",
            ReceivePhoto,
            |_| {
                chunks(|_, mut bytes| {
                    bytes.pop();
                    bytes
                })
            },
            FAILED,
        ),
        entry(
            "makes a chunk longer",
            ReceivePhoto,
            |_| {
                chunks(|_, mut bytes| {
                    bytes.push(0);
                    bytes
                })
            },
            FAILED,
        ),
        entry(
            "sends a chunk of another class",
            ReceivePhoto,
            |_| {
                chunks(|_, mut bytes| {
                    bytes.resize(262_144, 0);
                    bytes
                })
            },
            FAILED,
        ),
        entry("sends empty chunks", ReceivePhoto, |_| chunks(|_, _| Vec::new()), FAILED),
        entry("sends noise for chunks", ReceivePhoto, |_| chunks(|_, bytes| vec![0xa5; bytes.len()]), FAILED),
        entry(
            "sends the first chunk for every one",
            ReceivePhoto,
            |_| {
                let mut first = None;
                chunks(move |_, bytes| first.get_or_insert(bytes).clone())
            },
            FAILED,
        ),
        entry(
            "sends chunks of another photo",
            ReceivePhoto,
            |memory| {
                let other: Vec<Vec<u8>> = memory.chunks.iter().map(|chunk| chunk.as_slice().to_vec()).collect();
                chunks(move |count, bytes| other.get(count).cloned().unwrap_or(bytes))
            },
            FAILED,
        ),
        entry(
            "sends one chunk of another photo",
            ReceivePhoto,
            |memory| {
                let other = memory.chunks[1].as_slice().to_vec();
                chunks(move |count, bytes| if count == 1 { other.clone() } else { bytes })
            },
            FAILED,
        ),
        entry(
            "answers a chunk with Done",
            ReceivePhoto,
            |_| answers(|reply| matches!(reply, Reply::Chunk(_)).then_some(Reply::Done)),
            Detected(OTHER),
        ),
        entry("never answers who asks for a chunk", ReceivePhoto, |_| silence(is_get), Detected("Deadline")),
        entry(
            "sends every chunk twice",
            ReceivePhoto,
            |_| {
                frames(|frame| {
                    if matches!(frame, lightproof_wire::frame::RelayFrame::Reply(_, Reply::Chunk(_))) {
                        vec![frame.clone(), frame]
                    } else {
                        vec![frame]
                    }
                })
            },
            Detected("RelayMisbehaved(\"it answered what nobody asked\")"),
        ),
        entry("is busy for every chunk", ReceivePhoto, |_| refuses(is_get, Refusal::Busy), Detected("Refused(Busy)")),
        entry(
            "fails at every chunk",
            ReceivePhoto,
            |_| refuses(is_get, Refusal::Internal),
            Detected("Refused(Internal)"),
        ),
        entry(
            "refuses to let a photo go",
            ReceivePhoto,
            |_| refuses(is_release, Refusal::Refused),
            Undetectable("it may have expired there; what it keeps, it keeps"),
        ),
        entry(
            "says that it let a photo go and did not",
            ReceivePhoto,
            |_| instead(is_release, Reply::Done),
            Undetectable("what it keeps, it keeps; nobody but its readers can open it"),
        ),
        entry("never answers who lets a photo go", ReceivePhoto, |_| silence(is_release), Detected("Deadline")),
        entry(
            "refuses to begin a photo",
            SendPhoto,
            |_| refuses(is_open, Refusal::Refused),
            Detected("Refused(Refused)"),
        ),
        entry(
            "has no room for a photo",
            SendPhoto,
            |_| refuses(is_open, Refusal::QuotaFull),
            Detected("Refused(QuotaFull)"),
        ),
        entry(
            "says that it has a chunk and throws it away",
            SendPhoto,
            |_| instead(is_put, Reply::Done),
            Detected("RelayMisbehaved"),
        ),
        entry("refuses every chunk", SendPhoto, |_| refuses(is_put, Refusal::Refused), Detected("Refused(Refused)")),
        entry(
            "is busy for every chunk that is put",
            SendPhoto,
            |_| refuses(is_put, Refusal::Busy),
            Detected("Refused(Busy)"),
        ),
        entry("never answers who puts a chunk", SendPhoto, |_| silence(is_put), Detected("Deadline")),
        entry(
            "says that it has every chunk and does not commit",
            SendPhoto,
            |_| status(3, 3),
            Detected("RelayMisbehaved(\"it has every chunk and does not commit the blob\")"),
        ),
        entry("says for ever that chunks are missing", SendPhoto, |_| status(3, 1), Detected("RelayMisbehaved")),
        entry(
            "says that chunks are missing which a photo does not have",
            SendPhoto,
            |_| status(9, 3),
            Detected("RelayMisbehaved"),
        ),
        entry("speaks of fewer chunks than a photo has", SendPhoto, |_| status(1, 0), Detected("RelayMisbehaved")),
        entry("never answers a commit", SendPhoto, |_| silence(is_commit), Detected("Deadline")),
        entry("answers a commit with Pong", SendPhoto, |_| instead(is_commit, Reply::Pong), Detected(OTHER)),
        entry(
            "answers a status with Pong",
            SendPhoto,
            |_| {
                let pong = answers(|reply| matches!(reply, Reply::Blob(_)).then_some(Reply::Pong));
                both(refuses(is_commit, Refusal::Refused), pong)
            },
            Detected(OTHER),
        ),
        entry(
            "denies that a photo is there",
            ReceivePhoto,
            |_| refuses(is_get, Refusal::Refused),
            Detected("photo Expired"),
        )
        .destroys(),
        entry(
            "says that it committed a photo and did not",
            SendPhoto,
            |_| instead(is_commit, Reply::Done),
            DetectedLater("photo Expired"),
        )
        .destroys(),
        entry(
            "says that a photo was committed before",
            SendPhoto,
            |_| {
                let committed =
                    answers(|reply| matches!(reply, Reply::Blob(_)).then_some(Reply::Blob(BlobState::Committed)));
                both(refuses(is_commit, Refusal::Refused), committed)
            },
            DetectedLater("photo Expired"),
        )
        .destroys(),
    ]
}

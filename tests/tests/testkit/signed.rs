//! Faults of frames that their author signed all the same: malformed, misbehaved, meant for others, or made later.

use lightproof_tests::{edit::Edit, specimen::Kind};

use crate::faults::{Fault, fine, refused};

// Where the fields of the manifest of the examples lie.
const INDEX: usize = 90;
const PREVIOUS: usize = 98;
const ACK: usize = 138;
const REPLY: usize = 154;
const CARD: usize = 212;
const NOTE: usize = 213;
const RELAY: usize = 229;
const PHOTOS: usize = 254;
const PHOTO: usize = 255;
const THUMBHASH: usize = 337;
const NAME: usize = 359;
const WISHES: usize = 443;
const EXTENSIONS: usize = 444;

fn set(at: usize, bytes: impl AsRef<[u8]>) -> Edit {
    Edit::Set(at, bytes.as_ref().to_vec())
}

fn insert(at: usize, bytes: impl AsRef<[u8]>) -> Edit {
    Edit::Insert(at, bytes.as_ref().to_vec())
}

pub(crate) fn manifest() -> Vec<Fault> {
    let mut faults = place();
    faults.extend(message());
    faults.extend(photo());
    faults.extend(extensions());
    faults
}

/// What stands before the content, the same in every frame.
fn place() -> Vec<Fault> {
    vec![
        refused("of a later version", [set(0, [2])]),
        refused("of version zero", [set(0, [0])]),
        refused("of a type of a later version", [set(1, [4])]),
        refused("of type zero", [set(1, [0])]),
        refused("it says it is a receipt", [set(1, [2])]),
        refused("it says it is a retract", [set(1, [3])]),
        refused("in the name of somebody else", [Edit::Flip(2, 1)]),
        refused("for somebody else", [Edit::Flip(34, 1)]),
        refused("for its own author", [Edit::Swap(2, 34, 32)]),
        fine("of another message id", [Edit::Flip(66, 1)]),
        refused("of no line", [set(82, [0; 8])]),
        refused("at place zero", [set(INDEX, [0; 8])]),
        refused("at place two with nothing before it", [set(INDEX + 7, [2])]),
        refused("at place one with something before it", [set(PREVIOUS, [1])]),
        fine("at the last place there is", [set(INDEX, [0xff; 8]), set(PREVIOUS, [1])]),
        fine("sent at the end of time", [set(130, [0xff; 8])]),
        refused("acks a place of no line", [set(ACK + 15, [1])]),
        fine("acks a line", [set(ACK, [7; 16])]),
        refused("a reply that is neither there nor absent", [set(REPLY, [2])]),
        refused("a reply that is announced as absent", [set(REPLY, [0])]),
        refused("the relay of the reply is longer than it may be", [set(REPLY + 33, [201])]),
        refused("a doorbell that is neither there nor absent", [set(CARD, [2])]),
        refused("a doorbell that is announced and missing", [set(CARD, [1])]),
    ]
}

fn message() -> Vec<Fault> {
    vec![
        refused("a note longer than it may be", [set(NOTE, [0x10, 0x01])]),
        refused("a note longer than the frame", [set(NOTE, [0x0f, 0xff])]),
        refused("a note that is not text", [set(NOTE + 2, [0xff])]),
        refused("a note with half a character", [set(NOTE + 15, [0xc3])]),
        fine("a note with escape sequences", [set(NOTE + 2, b"\x1b]52;c;AAAA\x07")]),
        fine("no note", [set(NOTE, [0, 0]), Edit::Remove(NOTE + 2, 14)]),
        refused("photos without a relay", [set(RELAY, [0]), Edit::Remove(RELAY + 1, 24)]),
        refused("a relay without photos", [set(PHOTOS, [0]), Edit::Remove(PHOTO, WISHES - PHOTO)]),
        refused("more photos than are there", [set(PHOTOS, [2])]),
        refused("fewer photos than are there", [set(PHOTOS, [0])]),
        refused("more photos than there may be", [set(PHOTOS, [17])]),
        refused("a wish nobody knows", [set(WISHES, [8])]),
        refused("all wishes there could be", [set(WISHES, [0xff])]),
        fine("all wishes there are", [set(WISHES, [7])]),
    ]
}

fn photo() -> Vec<Fault> {
    vec![
        refused("treatment zero", [set(PHOTO, [0])]),
        refused("a treatment nobody knows", [set(PHOTO, [4])]),
        fine("another treatment", [set(PHOTO, [3])]),
        refused("a media type nobody knows", [set(PHOTO + 1, [8])]),
        refused("no width", [set(PHOTO + 2, [0; 4])]),
        refused("no height", [set(PHOTO + 6, [0; 4])]),
        fine("neither width nor height", [set(PHOTO + 2, [0; 8])]),
        refused("a length of other chunks", [set(PHOTO + 10, [0, 0, 0, 0, 0, 0, 0xff, 0xf0])]),
        refused("a length of larger chunks", [set(PHOTO + 10, [0, 0, 0, 0, 0, 0x20, 0, 0])]),
        refused("a length beyond every blob", [set(PHOTO + 10, [0xff; 8])]),
        fine("another digest", [Edit::Flip(PHOTO + 18, 1)]),
        refused("a preview longer than it may be", [set(THUMBHASH, [33])]),
        refused("a name longer than it may be", [set(NAME, [129])]),
        refused("a name that is not text", [set(NAME + 1, [0xfe])]),
        refused("a name that leads up", [set(NAME + 1, b"../")]),
        refused("a name with a path of Windows", [set(NAME + 1, b"C:\\")]),
        refused("a name with an escape", [set(NAME + 1, b"\x1b[2J")]),
        refused("a name with a line break", [set(NAME + 3, b"\n")]),
        refused("a name with a zero", [set(NAME + 11, [0])]),
        fine("a name that is reordered when shown", [set(NAME + 1, "\u{202e}")]),
        fine("no name", [set(NAME, [0]), Edit::Remove(NAME + 1, 11)]),
        refused("chunks of another size", [set(PHOTO + 180, [0, 4, 0, 0])]),
        refused("a chunk size nobody uses", [set(PHOTO + 180, [0, 0, 0x80, 0])]),
        refused("one chunk more", [set(PHOTO + 187, [3])]),
        refused("no chunk", [set(PHOTO + 187, [0])]),
    ]
}

fn extensions() -> Vec<Fault> {
    let with = |what: &str, count: u8, bytes: &[u8]| {
        (what.to_owned(), [set(EXTENSIONS, [count]), insert(EXTENSIONS + 1, bytes)])
    };
    let bad = [
        with("an extension that must be understood", 1, &[0, 1, 0, 0]),
        with("an extension twice", 2, &[0, 2, 0, 0, 0, 2, 0, 0]),
        with("extensions out of order", 2, &[0, 4, 0, 0, 0, 2, 0, 0]),
        with("an extension longer than the frame", 1, &[0, 2, 0, 9, 1]),
        with("an extension that is not announced", 0, &[0, 2, 0, 0]),
        with("more extensions than there may be", 17, &[0; 68]),
    ];
    let good = [
        with("an extension that may be ignored", 1, &[0, 2, 0, 1, 9]),
        with("two extensions that may be ignored", 2, &[0, 2, 0, 0, 0, 4, 0, 1, 7]),
    ];
    let bad = bad.into_iter().map(|(what, edits)| refused(what, edits));
    bad.chain(good.into_iter().map(|(what, edits)| fine(what, edits))).collect()
}

/// Receipts and retracts: messages are named at the end.
pub(crate) fn named(kind: Kind, bytes: &[u8]) -> Vec<Fault> {
    // Two messages of 16 bytes, and no extensions.
    let count = bytes.len() - 34;
    let mut faults = vec![
        refused("of a later version", [set(0, [2])]),
        refused("in the name of somebody else", [Edit::Flip(2, 1)]),
        refused("for somebody else", [Edit::Flip(34, 1)]),
        refused("at place one with something before it", [set(INDEX + 7, [1])]),
        refused("names no message", [Edit::Remove(count + 1, 32), set(count, [0])]),
        refused("names more messages than are there", [set(count, [3])]),
        refused("names fewer messages than are there", [set(count, [1])]),
        refused("names more messages than it may", [set(count, [65])]),
        fine("names one message", [Edit::Remove(count + 1, 16), set(count, [1])]),
        refused("an extension that must be understood", [set(count + 33, [1]), Edit::Append(vec![0, 1, 0, 0])]),
        fine("an extension that may be ignored", [set(count + 33, [1]), Edit::Append(vec![0, 2, 0, 0])]),
    ];
    if kind == Kind::FrameReceipt {
        faults.push(refused("a receipt of no kind", [set(count - 1, [0])]));
        faults.push(refused("a receipt of a kind nobody knows", [set(count - 1, [3])]));
        faults.push(fine("a receipt of the other kind", [set(count - 1, [2])]));
    } else {
        faults.push(refused("the relay of the doorbell is longer than it may be", [set(188, [201])]));
        faults.push(refused("a doorbell that is announced as absent", [set(155, [0])]));
    }
    faults
}

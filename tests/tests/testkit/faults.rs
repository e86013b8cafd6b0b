//! The faults of the testkit: what is wrong, what is meant to come of it, and the edits that make it.

use lightproof_tests::{edit::Edit, specimen::Kind};

use crate::{fields, signed};

/// What is meant to come of it. A fault that turned out otherwise would not be frozen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Intent {
    Good,
    Refused,
}

pub(crate) struct Fault {
    pub(crate) what: String,
    pub(crate) intent: Intent,
    pub(crate) edits: Vec<Edit>,
}

pub(crate) fn refused(what: impl Into<String>, edits: impl Into<Vec<Edit>>) -> Fault {
    Fault { what: what.into(), intent: Intent::Refused, edits: edits.into() }
}

pub(crate) fn fine(what: impl Into<String>, edits: impl Into<Vec<Edit>>) -> Fault {
    Fault { what: what.into(), intent: Intent::Good, edits: edits.into() }
}

/// All faults of one kind.
pub(crate) fn of(kind: Kind, bytes: &[u8]) -> Vec<Fault> {
    let mut faults = length(kind, bytes.len());
    for (field, start, end) in fields::protected(kind) {
        faults.push(refused(format!("the first bit of {field} is turned"), [Edit::Flip(*start, 0x80)]));
        faults.push(refused(format!("the last bit of {field} is turned"), [Edit::Flip(end - 1, 1)]));
        if end - start > 4 {
            faults.push(refused(format!("a bit within {field} is turned"), [Edit::Flip((start + end) / 2, 0x10)]));
            let zeros = vec![0; (end - start).min(32)];
            faults.push(refused(format!("the beginning of {field} is zero"), [Edit::Set(*start, zeros)]));
        }
    }
    faults.extend(particular(kind, bytes));
    faults
}

/// Too short and too long.
fn length(kind: Kind, length: usize) -> Vec<Fault> {
    let cuts = [
        (0, "nothing is left"),
        (1, "one byte is left"),
        (length / 2, "half is left"),
        (length - 1, "the last byte is missing"),
    ];
    let cuts = cuts.map(|(length, what)| refused(what, [Edit::Truncate(length)]));
    let tails = [
        refused("a byte follows", [Edit::Append(b"A".to_vec())]),
        refused("sixteen bytes follow", [Edit::Append(vec![0xff; 16])]),
    ];
    let mut faults: Vec<Fault> = cuts.into_iter().chain(tails).collect();
    // Neither a link nor a record beside a version has a length of its own to be wrong.
    match kind {
        Kind::Record => faults.retain(|fault| fault.what == "nothing is left"),
        Kind::Link => faults.retain(|fault| fault.what != "sixteen bytes follow" || !fault.edits.is_empty()),
        _ => {}
    }
    faults
}

fn set(at: usize, bytes: impl AsRef<[u8]>) -> Edit {
    Edit::Set(at, bytes.as_ref().to_vec())
}

fn insert(at: usize, bytes: impl AsRef<[u8]>) -> Edit {
    Edit::Insert(at, bytes.as_ref().to_vec())
}

fn particular(kind: Kind, bytes: &[u8]) -> Vec<Fault> {
    match kind {
        Kind::Hello => hello(),
        Kind::MessageFirst | Kind::MessageLate | Kind::MessageStep => vec![
            refused("of a kind of a later version", [set(0, [3])]),
            refused("of kind zero", [set(0, [0])]),
            refused("it says it is a Hello", [set(0, [1])]),
            refused("salt and commitment are swapped", [Edit::Swap(2_385, 2_417, 32)]),
        ],
        Kind::Bundle => bundle(bytes),
        Kind::BundleBare => vec![refused("a one-time prekey is announced and missing", [set(bytes.len() - 1, [1])])],
        Kind::PrekeyBox => prekey_box(),
        Kind::Blob => vec![
            refused("the chunks are swapped", [Edit::Swap(0, 65_536, 65_536)]),
            refused("the last chunk is missing", [Edit::Truncate(65_536)]),
            refused("the first chunk is missing", [Edit::Remove(0, 65_536)]),
        ],
        Kind::BlobPlain => vec![
            refused("the file begins otherwise", [Edit::Flip(0, 1)]),
            refused("the file ends otherwise", [Edit::Flip(99_999, 0x80)]),
            refused("a byte stands right behind the file", [set(100_000, [1])]),
            refused("a byte stands at the end of the padding", [set(131_039, [0x80])]),
        ],
        Kind::CardFields => card_fields(),
        Kind::Command => command(),
        Kind::Reply => reply(bytes),
        Kind::Welcome => welcome(bytes),
        Kind::Header => vec![
            refused("of a later version", [set(0, [2])]),
            refused("of version zero", [set(0, [0])]),
            refused("a lock nobody knows", [set(1, [2])]),
        ],
        Kind::Record => vec![
            refused("of a later version", [set(0, [2])]),
            refused("of version zero", [set(0, [0])]),
            refused("of the last version", [set(0, [0xff])]),
            fine("another value", [set(1, b"W")]),
        ],
        Kind::SessionRecord => session(),
        Kind::PrekeyRecord => prekey(),
        Kind::Proof => proof(),
        Kind::SealedFile => sealed_file(),
        Kind::Link | Kind::LinkCarried => link(kind),
        Kind::FrameManifest => signed::manifest(),
        Kind::FrameReceipt | Kind::FrameRetract => signed::named(kind, bytes),
        _ => Vec::new(),
    }
}

fn hello() -> Vec<Fault> {
    vec![
        refused("of a kind of a later version", [set(0, [9])]),
        refused("of kind zero", [set(0, [0])]),
        refused("it says it is a message", [set(0, [2])]),
        refused("names another signed prekey", [set(1, [0, 0, 0, 8])]),
        refused("names another one-time prekey", [set(6, [0, 0, 0, 71])]),
        refused("denies the one-time prekey it used", [set(5, [0])]),
        refused("denies the one-time prekey and its id", [set(5, [0; 5])]),
        refused("denies everything of the one-time prekey", [set(5, [0; 5]), Edit::Set(1_130, vec![0; 1_120])]),
        refused("a flag that is neither", [set(5, [2])]),
        refused("the ciphertexts are swapped", [Edit::Swap(10, 1_130, 1_120)]),
        refused("ct1 of X25519 has order two", [set(1_098, [[0; 32]].concat())]),
        refused("ct2 of X25519 is the neutral element", [set(2_218, [&[1][..], &[0; 31]].concat())]),
    ]
}

fn bundle(bytes: &[u8]) -> Vec<Fault> {
    let second = 6_625;
    let one = |what: &str, edit: Edit| refused(what, [edit]);
    vec![
        one("the signed prekey says it is one-time", set(0, [2])),
        one("the one-time prekey says it is signed", set(second, [1])),
        one("a kind nobody knows", set(0, [3])),
        one("the presence of the one-time prekey is neither yes nor no", set(second - 1, [2])),
        one("a one-time prekey is denied and there", set(second - 1, [0])),
        one("the one-time prekey has another id", Edit::Flip(second + 4, 1)),
        one("the one-time prekey has another last day", Edit::Flip(second + 8, 1)),
        one("the box of the one-time prekey has a bit turned", Edit::Flip(second + 2_000, 1)),
        one("the tag of the one-time prekey has a bit turned", Edit::Flip(bytes.len() - 1, 1)),
        one("the signed prekey stands in both places", Edit::Remove(second - 1, 0)).with_second(bytes, second),
    ]
}

impl Fault {
    /// The first prekey again, in the place of the second.
    fn with_second(self, bytes: &[u8], second: usize) -> Self {
        let first = bytes.get(..second - 1).unwrap().to_vec();
        let edits = vec![Edit::Truncate(second), Edit::Append(first)];
        Self { edits, ..self }
    }
}

fn proof() -> Vec<Fault> {
    let (openings, photos) = (5_822, 5_888);
    vec![
        fine("nothing is opened", [Edit::Remove(openings + 1, 65), set(openings, [0])]),
        refused("the Ed25519 key is of small order", [set(1_970, [&[1][..], &[0; 31]].concat())]),
        refused("the body is longer than it may be", [set(2_002, [0xff, 0xff])]),
        refused("an opening is announced and missing", [Edit::Remove(openings + 1, 65)]),
        refused("more openings than there may be", [set(openings, [17])]),
        refused("an opening of a photo that is not there", [set(openings + 1, [1])]),
        refused("salt and digest are swapped", [Edit::Swap(openings + 2, openings + 34, 32)]),
        refused("holds a photo that is not there", [set(photos, [1]), Edit::Append(vec![1])]),
        refused("holds a photo twice", [set(photos, [2]), Edit::Append(vec![0, 0])]),
        refused("holds a photo of which nothing follows", [set(photos, [1]), Edit::Append(vec![0])]),
        refused("holds another photo", [set(photos, [1]), Edit::Append(vec![0; 100_001])]),
    ]
}

fn sealed_file() -> Vec<Fault> {
    vec![
        refused("of a passphrase", [set(51, [2])]),
        refused("for nobody", [Edit::Remove(53, 1_168), set(52, [0])]),
        refused("for one more than it says", [set(52, [2])]),
        refused("for more than there may be", [set(52, [65])]),
        refused("the shared point is zero", [set(1_141, [0; 32])]),
        refused("the facts are of another length", [set(1_221, [0, 0x10, 0x0f])]),
        refused("the facts are longer than they may be", [set(1_221, [0xff, 0xff, 0xff])]),
        refused("the chunk is missing", [Edit::Remove(5_336, 65_536)]),
        refused("the end is missing", [Edit::Truncate(70_872)]),
    ]
}

fn prekey_box() -> Vec<Fault> {
    vec![
        refused("the identity and the key of ML-KEM are cut", [Edit::Remove(0, 3_168)]),
        refused("the X25519 key is of low order", [set(3_168, [0; 32])]),
        refused("the X25519 key is the neutral element", [set(3_168, [&[1][..], &[0; 31]].concat())]),
        refused("a coefficient of the ML-KEM key is q", [set(1_984, [0x01, 0x0d])]),
        refused("the Ed25519 key is of small order", [set(1_952, [&[1][..], &[0; 31]].concat())]),
        refused("both signatures are zero", [Edit::Set(3_200, vec![0; 3_373])]),
    ]
}

fn card_fields() -> Vec<Fault> {
    let relay = 67;
    let link = "wss://192.0.2.7:8443/#pin=AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8".len();
    let name = relay + link;
    let extensions = name + 1 + "Alice".len();
    vec![
        refused("of another version", [set(0, [2])]),
        refused("of version zero", [set(0, [0])]),
        refused("of another suite", [set(1, [2])]),
        fine("of somebody else", [Edit::Flip(2, 1)]),
        fine("of another doorbell", [Edit::Flip(65, 1)]),
        refused("the relay is longer than it may be", [set(66, [201])]),
        refused("the relay is not one", [set(relay, b"http")]),
        refused("the relay is written another way", [set(relay, b"WSS:")]),
        refused("the relay is not text", [set(relay, [0xff])]),
        refused("the port has a zero before it", [set(relay + 16, b"0443")]),
        refused("the pin is cut", [Edit::Remove(name - 2, 2), set(66, [u8::try_from(link - 2).unwrap()])]),
        refused("the name is longer than it may be", [set(name, [65])]),
        refused("the name is not text", [set(name + 1, [0xc3, 0x28])]),
        fine("a name with control characters", [set(name + 1, b"\x1b[2J!")]),
        fine("no name", [Edit::Remove(name + 1, 5), set(name, [0])]),
        fine("an extension that may be ignored", [set(extensions, [1]), insert(extensions + 1, [0, 2, 0, 1, 9])]),
        refused("an extension that must be understood", [set(extensions, [1]), insert(extensions + 1, [0, 3, 0, 0])]),
        refused("an extension twice", [set(extensions, [2]), insert(extensions + 1, [0, 2, 0, 0, 0, 2, 0, 0])]),
        refused("extensions out of order", [set(extensions, [2]), insert(extensions + 1, [0, 4, 0, 0, 0, 2, 0, 0])]),
        refused("more extensions than there may be", [set(extensions, [17])]),
    ]
}

fn command() -> Vec<Fault> {
    vec![
        refused("the id of a push", [set(0, [0; 4])]),
        refused("a verb of a later version", [set(4, [17])]),
        refused("verb zero", [set(4, [0])]),
        fine("another id", [set(0, [9])]),
        fine("another capability", [Edit::Flip(5, 1)]),
        refused("a prekey of a kind nobody knows", [set(37, [3])]),
        fine("a signed prekey that says it is one-time", [set(37, [2])]),
        refused("a prekey longer than it may be", [set(46, [0xff, 0xff])]),
        refused("a prekey longer than the frame", [set(46, [0x10, 0x00])]),
        refused("more prekeys than are there", [set(88, [3])]),
        refused("fewer prekeys than are there", [set(88, [1])]),
        refused("more prekeys than there may be", [set(88, [0xff])]),
    ]
}

fn reply(bytes: &[u8]) -> Vec<Fault> {
    vec![
        refused("a push", [set(0, [0; 4])]),
        refused("a reply of a later version", [set(4, [11])]),
        refused("a refusal nobody knows", [Edit::Truncate(6), set(4, [0, 10])]),
        fine("another id", [set(0, [9])]),
        refused("a prekey of a kind nobody knows", [set(5, [3])]),
        refused("the presence of the one-time prekey is neither yes nor no", [set(56, [2])]),
        refused("a one-time prekey is denied and there", [set(56, [0])]),
        fine("the end of a box is another", [Edit::Flip(bytes.len() - 1, 1)]),
    ]
}

fn welcome(bytes: &[u8]) -> Vec<Fault> {
    let extension = bytes.len() - 8;
    vec![
        refused("a push of a later version", [set(4, [9])]),
        refused("push zero", [set(4, [0])]),
        refused("an id that is none of a push", [set(0, [0, 0, 0, 1])]),
        refused("more extensions than are there", [set(extension, [2])]),
        refused("fewer extensions than are there", [set(extension, [0])]),
        refused("an extension longer than the frame", [set(extension + 3, [0x10, 0])]),
        fine("an extension of another kind", [set(extension + 1, [0, 4])]),
    ]
}

fn session() -> Vec<Fault> {
    vec![
        refused("of a later version", [set(0, [2])]),
        refused("of version zero", [set(0, [0])]),
        refused("of another suite", [set(1, [2])]),
        fine("of another name", [Edit::Flip(2, 1)]),
        refused("a side that is neither", [set(34, [3])]),
        refused("side zero", [set(34, [0])]),
        fine("of another generation", [Edit::Flip(38, 2)]),
        refused("a time that is neither there nor absent", [set(71, [2])]),
        refused("a time that is announced and missing", [set(71, [1])]),
    ]
}

fn prekey() -> Vec<Fault> {
    vec![
        refused("of a later version", [set(0, [2])]),
        refused("of another suite", [set(1, [2])]),
        refused("of the other kind", [set(2, [2])]),
        refused("of a kind nobody knows", [set(2, [3])]),
        fine("of another id", [Edit::Flip(6, 1)]),
        fine("another seed", [Edit::Flip(20, 1)]),
    ]
}

fn link(kind: Kind) -> Vec<Fault> {
    let carried = kind == Kind::LinkCarried;
    let forgiven = |what: &str, edits: Vec<Edit>| if carried { refused(what, edits) } else { fine(what, edits) };
    vec![
        refused("another scheme", [set(0, b"ftp")]),
        refused("no encryption", [Edit::Remove(1, 1)]),
        refused("the scheme in upper case", [set(0, b"WSS")]),
        forgiven("a host in upper case", vec![set(6, b"EXAMPLE.C"), set(6, b"EXAMPLE.O")]),
        forgiven("spaces around it", vec![insert(0, b" ")]),
        refused("no host", [Edit::Remove(6, 9)]),
        refused("a host with a label that begins with a dash", [set(6, b"-92")]),
        refused("a host with a label that is empty", [set(6, b".")]),
        refused("a host that is no IPv4 address", [set(6, b"999")]),
        refused("a user before the host", [insert(6, b"me@")]),
        refused("a host that is not text", [set(6, [0xff])]),
        refused("port zero", [Edit::Remove(16, 3), set(16, b"0")]),
        refused("a port with a zero before it", [set(16, b"0443")]),
        refused("a port with a sign", [set(16, b"+443")]),
        refused("a port that is too high", [insert(16, b"9")]),
        refused("two ports", [insert(20, b":1")]),
        refused("a path", [insert(21, b"v1")]),
        refused("a query", [insert(21, b"?a")]),
        refused("a fragment that is no pin", [set(22, b"pan")]),
        refused("a pin that is too short", [Edit::Remove(40, 4)]),
        refused("a pin with a letter of the other alphabet", [set(30, b"+")]),
        refused("a pin with bits that mean nothing", [set(68, b"9")]),
        refused("no pin behind a comma", [Edit::Append(b",".to_vec())]),
        refused("a line break within", [insert(10, b"\n")]),
        refused("a control character within", [insert(10, b"\x1b")]),
        refused("longer than a link may be", [insert(6, vec![b'a'; 200])]),
    ]
}

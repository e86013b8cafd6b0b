//! What `{:?}` may show: a type that prints all its fields by itself holds no bytes and no text but those named here.
//!
//! Keys, capabilities, digests, texts and fingerprints print nothing of themselves (`tests/leaks` asks them), so a type
//! made of them may be printed. Bare bytes and strings print whole.

use super::{
    assert_none,
    sources::{self, Source},
};

const FOLDERS: &[&str] = &["protocol/wire", "protocol/e2ee", "client-core", "relay"];
const BARE: &[&str] = &["[u8", "Vec<u8>", "String", "str", "Zeroizing"];

/// File, type, and why what it prints may be read.
const MAY_BE_PRINTED: &[(&str, &str, &str)] = &[
    ("client-core/src/contact.rs", "Contact", "the hash of a right to own a mailbox"),
    ("client-core/src/error.rs", "ClientError", "what the user typed, told to the user"),
    ("client-core/src/message.rs", "Body", "a random name"),
    ("client-core/src/prepare/strip/mod.rs", "LeftoverKind", "four letters of a format"),
    ("client-core/src/profile.rs", "Profile", "the hash of a right to own a mailbox"),
    ("client-core/src/receive/aside.rs", "Aside", "the hash of a right to own a mailbox"),
    ("client-core/src/send/outgoing.rs", "Outgoing", "a random name"),
    ("client-core/src/send/mod.rs", "SendOutcome", "a random name"),
    ("client-core/src/send/outbox.rs", "OutboxItem", "a random name"),
    ("client-core/src/vault/store.rs", "Batch", "sealed"),
    ("client-core/src/vault/store.rs", "Row", "sealed"),
    ("protocol/e2ee/src/frame/mod.rs", "LineId", "a random name"),
    ("protocol/e2ee/src/frame/mod.rs", "MessageId", "a random name"),
    ("protocol/wire/src/blob.rs", "ChunkBitmap", "which chunks are there"),
    ("protocol/wire/src/deposit_receipt.rs", "DepositReceipt", "a signature"),
    ("protocol/wire/src/deposit_receipt.rs", "ReceiptKey", "a public key"),
    ("protocol/wire/src/relay_link.rs", "RelayLink", "the address of a relay"),
    ("relay/src/acme/order.rs", "OrderError", "what an authority says of a name, told to the operator"),
    ("relay/src/acme/settings.rs", "AcmeSettings", "what the operator set"),
    ("relay/src/commands/mod.rs", "Failure", "what the operator set, told to the operator"),
    ("relay/src/commands/options.rs", "Options", "what the operator typed"),
    ("relay/src/config/mod.rs", "Config", "what the operator set"),
    ("relay/src/config/settings.rs", "Settings", "what the operator set"),
    ("relay/src/error.rs", "RelayError", "what the operator set, told to the operator"),
    ("relay/src/commands/access.rs", "Access", "what an operator typed"),
    ("relay/src/control/mod.rs", "ControlError", "what a relay tells its operator"),
    ("relay/src/control/stats.rs", "Running", "names of refusals"),
    ("relay/src/scrub/mod.rs", "Report", "names of tables"),
    ("relay/src/store/chunks.rs", "FileId", "the name of a file"),
    ("relay/src/store/mod.rs", "StoreUnavailable", "what a database says of its disk"),
    ("relay/src/tombstone.rs", "Tombstone", "the hash of a right"),
    ("relay/src/tombstone.rs", "TombstoneKey", "the hash of a right"),
];

/// Types that derive `Debug` over bare bytes or text.
fn printing(source: &Source) -> Vec<(String, String)> {
    let code = source.code();
    let derives = code.match_indices("derive(").map(|(at, _)| &code[at..]);
    let printed =
        derives.filter(|rest| rest[..rest.find(')').unwrap()].split([',', '(']).any(|one| one.trim() == "Debug"));
    printed.filter_map(bare_type).map(|name| (source.path.clone(), name)).collect()
}

/// The name of the type that follows, if it holds anything bare.
fn bare_type(rest: &str) -> Option<String> {
    let at = ["struct ", "enum "].iter().filter_map(|word| Some(rest.find(word)? + word.len())).min()?;
    let item = &rest[at..];
    let name: String = item.chars().take_while(|one| one.is_alphanumeric() || *one == '_').collect();
    let opens = item.find(['{', '(', ';'])?;
    let closing = match item[opens..].chars().next()? {
        '{' => '}',
        '(' => ')',
        _ => return None,
    };
    // Text that stands in the program is no secret.
    let fields = item[opens..opens + closed(&item[opens..], closing)].replace("&'static str", "");
    BARE.iter().any(|bare| holds(&fields, bare)).then_some(name)
}

/// Up to where what the first character opens is closed.
fn closed(text: &str, closing: char) -> usize {
    let opening = text.chars().next().unwrap();
    let mut depth = 0;
    text.find(|one| {
        depth += i32::from(one == opening) - i32::from(one == closing);
        depth == 0
    })
    .unwrap_or(text.len())
}

/// The type, and not a longer name that ends or begins with it.
fn holds(fields: &str, bare: &str) -> bool {
    let joins = |one: Option<char>| one.is_some_and(|one| one.is_alphanumeric() || one == '_');
    fields.match_indices(bare).any(|(at, _)| {
        let after = fields[at + bare.len()..].chars().next();
        !joins(fields[..at].chars().next_back()) && (!joins(after) || bare.ends_with('>'))
    })
}

#[test]
fn nothing_prints_bare_bytes_or_text_unless_they_may_be_read() {
    let sources: Vec<Source> = FOLDERS.iter().flat_map(|folder| sources::shipped(folder)).collect();
    let found: Vec<_> = sources.iter().flat_map(printing).collect();
    let may = |path: &str, name: &str| MAY_BE_PRINTED.iter().any(|(at, of, _)| (*at, *of) == (path, name));
    let strays = found.iter().filter(|(path, name)| !may(path, name));
    assert_none(&strays.map(|(path, name)| format!("{path}: {name} prints bare bytes or text")).collect::<Vec<_>>());
    let is_there = |path: &str, name: &str| found.iter().any(|(at, of)| (at.as_str(), of.as_str()) == (path, name));
    let gone = MAY_BE_PRINTED.iter().filter(|(path, name, _)| !is_there(path, name));
    assert_none(
        &gone.map(|(path, name, _)| format!("{path}: {name} prints nothing bare any more")).collect::<Vec<_>>(),
    );
    println!("evidence: P18 A39 | {} files whose printed types were read | -", sources.len());
}

#[test]
fn a_planted_type_that_prints_a_secret_is_found() {
    let planted =
        |text: &str| printing(&Source::new("x.rs", text)).into_iter().map(|(_, name)| name).collect::<Vec<_>>();
    assert_eq!(planted("#[derive(Clone, Debug)] pub struct Seeds { a: [u8; 32] }"), ["Seeds"]);
    assert_eq!(planted("#[derive(Debug)] struct Note(String);"), ["Note"]);
    assert_eq!(planted("#[derive(Debug, Clone)]\n#[repr(u8)]\nenum E { A { x: Vec<u8> }, B }"), ["E"]);
    assert_none(&planted("#[derive(Clone)] struct Quiet { a: [u8; 32] }"));
    assert_none(&planted("#[derive(Debug)] struct Named { a: Digest, b: Text<64>, c: StringLike }"));
}

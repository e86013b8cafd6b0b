//! The bodies of the fuzz targets: whatever bytes come, nothing panics, and what is understood is written back the same.
//!
//! `fuzz/` runs them under a fuzzer; ordinary tests run them on the committed corpora and on seeded mutations.

mod conversation;
pub mod mutate;
mod picture;

use std::{fmt::Debug, sync::OnceLock};

use lightproof_core::{
    contact::Contact,
    mailboxes::Mailbox,
    message::{Body, Message},
    receive::{Aside, DueReceipt, Seen},
    relays::Relay,
    send::{OutboxItem, Outgoing},
    spool::SpoolName,
    vault::unlock::{self, Passphrase},
};
use lightproof_relay::{
    admit::Admission,
    bucket::Rate,
    peer::{Output, Peer},
};
use lightproof_wire::{
    codec::{DecodeError, Deserialize, Serialize, decode, encode},
    frame::{CommandFrame, RelayFrame},
    id::CommandId,
    refusal::Refusal,
    reply::{Push, Reply},
};

use crate::specimen::{Kind, NOW, Reader, frozen::Examples};

/// One target.
pub struct Target {
    /// Its name, which is that of its corpus too.
    pub name: &'static str,
    /// What is done with the bytes.
    pub run: fn(&[u8]),
    /// How many of these a second of an ordinary test has room for, about.
    pub a_second: u32,
}

const fn target(name: &'static str, a_second: u32, run: fn(&[u8])) -> Target {
    Target { name, run, a_second }
}

/// All of them.
pub const TARGETS: [Target; 21] = [
    target("body", 500, |bytes| read(Kind::Body, bytes)),
    target("bundle", 2_000, |bytes| read(Kind::Bundle, bytes)),
    target("card", 4_000, |bytes| read_again(Kind::Card, bytes)),
    target("card_fields", 4_000, |bytes| read(Kind::CardFields, bytes)),
    target("chunk", 500, |bytes| read(Kind::Chunk, bytes)),
    target("command", 2_000, command),
    target("conversation", 60, conversation::run),
    target("deposit_receipt", 2_000, |bytes| read(Kind::DepositReceipt, bytes)),
    target("hello", 500, |bytes| read(Kind::Hello, &whole(bytes))),
    target("message", 500, message),
    target("picture", 2_000, picture::run),
    target("prekey_box", 200, |bytes| read(Kind::PrekeyBox, bytes)),
    target("proof", 300, |bytes| canonical(reader().read(Kind::Proof, bytes), bytes)),
    target("relay_frame", 4_000, |bytes| canonical(RelayFrame::decode(bytes).map(|frame| frame.encode()), bytes)),
    target("relay_link", 4_000, link),
    target("sealed_file", 150, |bytes| read(Kind::SealedFile, bytes)),
    target("session_record", 1_000, |bytes| read_again(Kind::SessionRecord, bytes)),
    target("signed_frame", 150, |bytes| read(Kind::FrameManifest, bytes)),
    target("spool_name", 4_000, spool_name),
    target("vault_record", 2_000, vault_record),
    target("vault_row", 4_000, vault_row),
];

/// Runs the target of this name.
///
/// # Panics
/// If there is none, or if the target found something.
pub fn run(name: &str, bytes: &[u8]) {
    (TARGETS.iter().find(|target| target.name == name).expect(name).run)(bytes);
}

fn reader() -> &'static Reader {
    static READER: OnceLock<Reader> = OnceLock::new();
    READER.get_or_init(Reader::default)
}

fn read(kind: Kind, bytes: &[u8]) {
    let _any = reader().read(kind, bytes);
}

/// What is understood is understood again, as the same, when it is written down.
fn read_again(kind: Kind, bytes: &[u8]) {
    if let Ok(written) = reader().read(kind, bytes) {
        assert_eq!(reader().read(kind, &written), Ok(written), "{}", kind.name());
    }
}

fn canonical(read: Result<Vec<u8>, impl Debug>, bytes: &[u8]) {
    if let Ok(written) = read {
        assert!(written == bytes, "two encodings of one value");
    }
}

/// As many bytes as an envelope has.
fn whole(bytes: &[u8]) -> Vec<u8> {
    let mut envelope = bytes.to_vec();
    envelope.resize(16_000, 0);
    envelope
}

fn message(bytes: &[u8]) {
    let envelope = whole(bytes);
    for kind in [Kind::MessageFirst, Kind::MessageLate, Kind::MessageStep] {
        read(kind, &envelope);
    }
}

/// A command is decoded, and given to the machine of a connection, which may answer or hand it on. One of a later version is
/// refused, and the connection stays; whatever else is no command ends it, and so does what comes under no id.
fn command(bytes: &[u8]) {
    let decoded = CommandFrame::decode(bytes);
    let (is_command, is_unknown) = (decoded.is_ok(), matches!(decoded, Err(DecodeError::Unknown(_))));
    canonical(decoded.map(|frame| frame.encode()), bytes);
    let Ok(RelayFrame::Push(Push::Welcome(welcome))) = RelayFrame::decode(Examples::welcome()) else { return };
    let mut peer = Peer::greet(welcome, Rate::new(10, 10, NOW));
    peer.receive(bytes, NOW, &Admission::default());
    let outputs: Vec<Output> = std::iter::from_fn(|| peer.poll()).skip(1).collect(); // after the Welcome
    let id = bytes.first_chunk().map(|id| CommandId(u32::from_be_bytes(*id))).filter(|id| *id != CommandId::PUSH);
    match id {
        Some(id) if is_unknown => {
            let refused = RelayFrame::Reply(id, Reply::Refused(Refusal::Unsupported));
            let is_refused = matches!(&outputs[..], [Output::Send(frame)] if *frame == refused);
            assert!(is_refused && peer.reads(), "an unknown command came to {outputs:?}");
        }
        _ => assert!(is_command || !peer.reads(), "a connection goes on after a frame that is no command"),
    }
}

fn link(bytes: &[u8]) {
    read_again(Kind::Link, bytes);
    canonical(reader().read(Kind::LinkCarried, bytes), bytes);
}

fn spool_name(bytes: &[u8]) {
    if let Some(name) = str::from_utf8(bytes).ok().and_then(SpoolName::from_hex) {
        assert_eq!(name.to_hex().as_bytes(), bytes);
    }
}

fn vault_record(bytes: &[u8]) {
    fn one<T: Deserialize + Serialize>(bytes: &[u8]) {
        canonical(decode::<T>(bytes).map(|value| encode(&value)), bytes);
    }
    one::<Aside>(bytes);
    one::<Body>(bytes);
    one::<Contact>(bytes);
    one::<DueReceipt>(bytes);
    one::<Mailbox>(bytes);
    one::<Message>(bytes);
    one::<OutboxItem>(bytes);
    one::<Outgoing>(bytes);
    one::<Relay>(bytes);
    one::<Seen>(bytes);
    if let Ok(secret) = reader().read(Kind::PrekeyRecord, bytes) {
        assert!(secret == bytes, "two encodings of one prekey");
    }
}

/// Sealed rows, and the header before them; of a header with a passphrase only what is in clear.
fn vault_row(bytes: &[u8]) {
    read(Kind::Row, bytes);
    if unlock::wants_passphrase(bytes) == Ok(false) {
        let _any = unlock::unlock(bytes, &Passphrase::None);
    }
}

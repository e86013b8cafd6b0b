//! The frozen examples of `docs/spec/vectors`: generated once, compared for ever.

use std::{collections::BTreeMap, fs, path::PathBuf};

use lightproof_wire::{
    capability::{Capability, right},
    codec,
    deposit_receipt::ReceiptKey,
    frame::{CommandFrame, RelayFrame},
    hash::Digest,
    id::CommandId,
    relay_link::RelayLink,
    reply::Reply,
};

use crate::samples::{commands, counted, deposit_receipt, pushes, receipt_key, refusals, replies};

type Examples = Vec<(String, Vec<u8>)>;

/// Examples longer than this are frozen as `sha256:` and their digest.
const WHOLE_BYTES: usize = 8_192;

fn relay() -> Examples {
    let id = CommandId(0x0000_0102);
    let commands = commands()
        .into_iter()
        .map(|(name, command)| (format!("command.{name}"), CommandFrame { id, command }.encode()));
    let replies =
        replies().into_iter().map(|(name, reply)| (format!("reply.{name}"), RelayFrame::Reply(id, reply).encode()));
    let refusals = refusals()
        .into_iter()
        .map(|(name, refusal)| (format!("refusal.{name}"), RelayFrame::Reply(id, Reply::Refused(refusal)).encode()));
    let pushes = pushes().into_iter().map(|(name, push)| (format!("push.{name}"), RelayFrame::Push(push).encode()));
    let receipt = [
        ("receipt.seed".to_owned(), receipt_key().to_bytes().to_vec()),
        ("receipt.key".to_owned(), codec::encode(&ReceiptKey(receipt_key().verifying_key().to_bytes()))),
        ("receipt.signed".to_owned(), codec::encode(&deposit_receipt())),
    ];
    commands.chain(replies).chain(refusals).chain(pushes).chain(receipt).collect()
}

fn capabilities() -> Examples {
    let bytes = counted(0);
    let hashed = [
        ("owner", *Capability::<right::Owner>::from_bytes(bytes).hash().as_bytes()),
        ("drop", *Capability::<right::Drop>::from_bytes(bytes).hash().as_bytes()),
        ("write", *Capability::<right::Write>::from_bytes(bytes).hash().as_bytes()),
        ("read", *Capability::<right::Read>::from_bytes(bytes).hash().as_bytes()),
        ("access", *Capability::<right::Access>::from_bytes(bytes).hash().as_bytes()),
    ];
    let capability = ("capability".to_owned(), bytes.to_vec());
    core::iter::once(capability).chain(hashed.map(|(kind, hash)| (format!("hash.{kind}"), hash.to_vec()))).collect()
}

fn relay_links() -> Examples {
    let pin = |first| Digest::from_bytes(counted(first));
    let links = [
        ("public", RelayLink::new("relay.example.org", 443, vec![]).unwrap()),
        ("port", RelayLink::new("relay.example.org", 8443, vec![]).unwrap()),
        ("pinned", RelayLink::new("192.0.2.7", 8443, vec![pin(0)]).unwrap()),
        ("two_pins", RelayLink::new("2001:db8::1", 8443, vec![pin(0), pin(0x20)]).unwrap()),
    ];
    links.map(|(name, link)| (format!("link.{name}"), link.to_string().into_bytes())).into()
}

fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/spec/vectors").join(name)
}

fn shown(bytes: &[u8]) -> String {
    if bytes.len() > WHOLE_BYTES {
        format!("sha256:{}", hex::encode(Digest::of(bytes).as_bytes()))
    } else {
        hex::encode(bytes)
    }
}

fn frozen(name: &str) -> BTreeMap<String, String> {
    let text = fs::read_to_string(file(name)).unwrap();
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(|line| line.split_once(" = ").unwrap()).map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn compare(name: &str, examples: Examples) {
    let expected = frozen(name);
    assert_eq!(expected.len(), examples.len(), "{name} holds other examples");
    for (example, bytes) in examples {
        assert_eq!(expected.get(&example), Some(&shown(&bytes)), "{name}: {example}");
    }
}

#[test]
fn what_goes_over_the_wire_is_as_frozen() {
    compare("relay.txt", relay());
}

#[test]
fn capability_hashes_are_as_frozen() {
    compare("capabilities.txt", capabilities());
}

#[test]
fn relay_links_are_as_frozen() {
    compare("relay_links.txt", relay_links());
}

#[test]
fn what_is_frozen_decodes() {
    for (name, value) in frozen("relay.txt") {
        let Ok(bytes) = hex::decode(value) else { continue };
        if name.starts_with("command.") {
            assert_eq!(CommandFrame::decode(&bytes).unwrap().encode(), bytes, "{name}");
        } else if !name.starts_with("receipt.") {
            assert_eq!(RelayFrame::decode(&bytes).unwrap().encode(), bytes, "{name}");
        }
    }
}

#[test]
#[ignore = "writes the frozen examples, once"]
fn freeze() {
    let files = [
        ("relay.txt", "Wire frames (relay.md). Values over 8,192 bytes are given by their SHA-256.", relay()),
        ("capabilities.txt", "Capability hashes (capabilities.md).", capabilities()),
        ("relay_links.txt", "Relay links, as the hexadecimal of their ASCII (addresses.md).", relay_links()),
    ];
    for (name, title, examples) in files {
        assert!(!file(name).exists(), "{name} is frozen");
        let lines: String = examples.iter().map(|(name, bytes)| format!("{name} = {}\n", shown(bytes))).collect();
        fs::write(file(name), format!("# {title}\n{lines}")).unwrap();
    }
}

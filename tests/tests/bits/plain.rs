//! Objects that nothing protects: a damaged one is the one encoding of another value, or refused; nothing panics.

use lightproof_core::e2ee::prekey::OneTimePrekeySecret;
use lightproof_tests::specimen::{Kind, Reader, counted, frozen::Examples, good};
use lightproof_wire::{
    capability::Capability,
    command::Command,
    envelope::Envelope,
    frame::{CommandFrame, RelayFrame},
    id::{CommandId, MailboxHandle, Sequence},
    reply::{Delivery, Push},
    time::Day,
};

use super::{Checked, bits, every, flipped};

/// What is read must be written as it was read.
fn canonical(read: Result<Vec<u8>, impl std::fmt::Debug>, bytes: &[u8]) -> Checked {
    match read {
        Ok(written) if written != bytes => Err("two encodings of one value".to_owned()),
        _ => Ok(()),
    }
}

/// Every bit, every cut, 1 to 16 bytes more.
fn damage(what: &str, specimen: &[u8], check: impl Fn(&[u8]) -> Checked + Sync) -> usize {
    check(specimen).unwrap_or_else(|error| panic!("{what}: {error}"));
    let turned: Vec<usize> = bits(0..specimen.len()).collect();
    let cuts: Vec<usize> = (0..specimen.len()).collect();
    let tails: Vec<(usize, u8)> =
        (1..=16).flat_map(|count| [0, 1, 0x2f, 0x41, 0xff].map(|byte| (count, byte))).collect();
    every(what, &turned, |bit| check(&flipped(specimen, bit)))
        + every(what, &cuts, |length| check(&specimen[..length]))
        + every(what, &tails, |(count, byte)| check(&[specimen, &vec![byte; count]].concat()))
}

fn envelope() -> Envelope {
    Envelope::from_bytes(&counted::<16_000>(0)).unwrap()
}

#[test]
fn a_damaged_command_is_another_or_refused() {
    let mut ran = 0;
    let examples = Examples::of("relay.txt");
    let check = |bytes: &[u8]| canonical(CommandFrame::decode(bytes).map(|frame| frame.encode()), bytes);
    for (name, specimen) in examples.beginning("command.") {
        ran += damage(name, specimen, check);
    }
    let command = Command::Deposit { drop: Capability::from_bytes(counted(0x20)), envelope: envelope() };
    ran += damage("command.deposit", &CommandFrame { id: CommandId(258), command }.encode(), check);
    println!("evidence: P16 | {ran} damaged commands, each another or refused | -");
}

#[test]
fn a_damaged_reply_push_or_welcome_is_another_or_refused() {
    let mut ran = 0;
    let examples = Examples::of("relay.txt");
    let check = |bytes: &[u8]| canonical(RelayFrame::decode(bytes).map(|frame| frame.encode()), bytes);
    for prefix in ["reply.", "refusal.", "push."] {
        for (name, specimen) in examples.beginning(prefix) {
            ran += damage(name, specimen, check);
        }
    }
    let delivery =
        Delivery { handle: MailboxHandle(7), sequence: Sequence(42), envelope: envelope(), day: Day(20_760) };
    ran += damage("push.delivery", &RelayFrame::Push(Push::Delivery(delivery)).encode(), check);
    println!("evidence: P16 | {ran} damaged replies, pushes and welcomes, each another or refused | -");
}

#[test]
fn a_damaged_relay_link_is_another_or_refused() {
    let (reader, mut ran) = (Reader::default(), 0);
    for (name, specimen) in Examples::of("relay_links.txt").beginning("link.") {
        ran += damage(name, specimen, |bytes| canonical(reader.read(Kind::LinkCarried, bytes), bytes));
        // As typed, some ways of writing are forgiven: what is understood is printed in one way, which means the same.
        ran += damage(name, specimen, |bytes| match reader.read(Kind::Link, bytes) {
            Ok(printed) => canonical(reader.read(Kind::LinkCarried, &printed), &printed),
            Err(_) => Ok(()),
        });
    }
    println!("evidence: P16 | {ran} damaged relay links, each another or refused | -");
}

#[test]
fn a_damaged_record_is_another_or_refused() {
    let (reader, mut ran) = (Reader::default(), 0);
    for kind in [Kind::SessionRecord, Kind::PrekeyRecord] {
        let name = kind.name();
        ran += damage(name, &good(kind), |bytes| canonical(reader.read(kind, bytes), bytes));
    }
    let keys = Examples::of("prekeys.txt");
    let read = |bytes: &[u8]| OneTimePrekeySecret::from_record(bytes).map(|secret| secret.to_record().to_vec());
    ran += damage("one-time prekey", keys.get("one_time.record"), |bytes| canonical(read(bytes), bytes));
    println!("evidence: P16 | {ran} damaged records of sessions and prekeys, each another or refused | -");
}

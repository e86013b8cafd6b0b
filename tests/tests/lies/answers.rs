//! Lies about answers: lost, repeated, mixed up, false, and no frames at all.

use ed25519_dalek::SigningKey;
use lightproof_tests::world::lie::say;
use lightproof_wire::{
    command::Command,
    deposit_receipt::{DepositPromise, DepositReceipt},
    frame::RelayFrame,
    id::CommandId,
    refusal::Refusal,
    reply::{Push, Reply},
    time::Day,
};
use tokio_tungstenite::tungstenite::Message;

use crate::{
    table::{Act::*, Ends::*, Entry},
    tell::{answers, bytes, frames, is_welcome, messages, refuses, silence},
};

fn is_deposit(command: &Command) -> bool {
    matches!(command, Command::Deposit { .. })
}

/// Another receipt in the place of each.
fn receipts(lie: impl Fn(&DepositReceipt) -> DepositReceipt + 'static) -> Box<dyn lightproof_tests::world::lie::Lie> {
    answers(move |reply| match reply {
        Reply::Deposited(receipt) => Some(Reply::Deposited(lie(receipt))),
        _ => None,
    })
}

fn signed_by(key: u8, promise: DepositPromise) -> DepositReceipt {
    promise.sign(&SigningKey::from_bytes(&[key; 32]))
}

/// Messages in the place of every answer.
fn in_place_of_answers(told: fn(RelayFrame) -> Vec<Message>) -> Box<dyn lightproof_tests::world::lie::Lie> {
    messages(move |frame| if is_welcome(&frame) { vec![say(frame)] } else { told(frame) })
}

#[expect(clippy::too_many_lines, reason = "a table")]
pub(crate) fn lies() -> Vec<Entry> {
    let entry = Entry::new;
    const NONE: &str = "RelayMisbehaved(\"it sent a frame that is none\")";
    const NOBODY: &str = "RelayMisbehaved(\"it answered what nobody asked\")";
    const FORGED: &str = "RelayMisbehaved(\"its deposit receipt does not hold\")";
    const OTHER: &str = "RelayMisbehaved(\"it answered another question\")";
    vec![
        entry(
            "answers what nobody asked",
            Receive(1),
            |_| {
                in_place_of_answers(|frame| vec![say(RelayFrame::Reply(CommandId(4_000_000), Reply::Done)), say(frame)])
            },
            Detected(NOBODY),
        ),
        entry(
            "answers everything twice",
            Send,
            |_| frames(|frame| if is_welcome(&frame) { vec![frame] } else { vec![frame.clone(), frame] }),
            Harmless("the second comes when nobody listens"),
        ),
        entry(
            "answers everything twice to somebody who looks",
            Look,
            |_| frames(|frame| if is_welcome(&frame) { vec![frame] } else { vec![frame.clone(), frame] }),
            Detected(NOBODY),
        ),
        entry(
            "answers under the next number",
            Look,
            |_| {
                frames(|frame| match frame {
                    RelayFrame::Reply(id, reply) => vec![RelayFrame::Reply(CommandId(id.0 + 1), reply)],
                    push => vec![push],
                })
            },
            Detected(NOBODY),
        ),
        entry(
            "answers under number 0, as if it pushed",
            Send,
            |_| {
                bytes(|mut frame| {
                    frame[..4].fill(0);
                    frame
                })
            },
            Detected(NONE),
        ),
        entry(
            "pushes under a number, as if it answered",
            Receive(1),
            |_| {
                messages(|frame| match &frame {
                    RelayFrame::Push(Push::CaughtUp(_) | Push::Delivery(_)) => {
                        let mut bytes = frame.encode();
                        bytes[3] = 1;
                        vec![Message::Binary(bytes.into())]
                    }
                    _ => vec![say(frame)],
                })
            },
            Detected("RelayMisbehaved"),
        ),
        entry(
            "answers a deposit with Done",
            Send,
            |_| answers(|reply| matches!(reply, Reply::Deposited(_)).then_some(Reply::Done)),
            Detected(OTHER),
        ),
        entry(
            "answers a watch with Created",
            Look,
            |_| answers(|reply| matches!(reply, Reply::Watching { .. }).then_some(Reply::Created)),
            Detected(OTHER),
        ),
        entry(
            "answers a count with Pong",
            Look,
            |_| answers(|reply| matches!(reply, Reply::Count { .. }).then_some(Reply::Pong)),
            Detected(OTHER),
        ),
        entry(
            "loses every answer to a deposit",
            Send,
            |_| {
                frames(|frame| if let RelayFrame::Reply(_, Reply::Deposited(_)) = frame { vec![] } else { vec![frame] })
            },
            Detected("Deadline"),
        ),
        entry("loses every deposit", Send, |_| silence(is_deposit), Detected("Deadline")),
        entry("says nothing after it has greeted", Look, |_| silence(|_| true), Detected("Deadline")),
        entry(
            "hangs up after it has greeted",
            Send,
            |_| in_place_of_answers(|_| vec![Message::Close(None)]),
            Detected("Closed"),
        ),
        entry("answers in text", Send, |_| in_place_of_answers(|_| vec![Message::text("hello")]), Detected("Closed")),
        entry(
            "answers with a frame of 2 MiB",
            Send,
            |_| in_place_of_answers(|_| vec![Message::binary(vec![1; 2 << 20])]),
            Detected("Closed"),
        ),
        entry(
            "answers with an empty frame",
            Send,
            |_| in_place_of_answers(|_| vec![Message::binary(Vec::new())]),
            Detected(NONE),
        ),
        entry(
            "answers with noise",
            Send,
            |_| in_place_of_answers(|_| vec![Message::binary(vec![0xa5; 333])]),
            Detected(NONE),
        ),
        entry(
            "adds a byte to every answer",
            Send,
            |_| {
                bytes(|mut frame| {
                    frame.push(0);
                    frame
                })
            },
            Detected(NONE),
        ),
        entry(
            "cuts the last byte of every answer",
            Send,
            |_| {
                bytes(|mut frame| {
                    frame.pop();
                    frame
                })
            },
            Detected(NONE),
        ),
        entry(
            "signs a receipt with another key",
            Send,
            |_| receipts(|receipt| signed_by(9, receipt.promise)),
            Detected(FORGED),
        ),
        entry(
            "gives the receipt of another envelope",
            Send,
            |memory| {
                let other = memory.receipts[0].clone();
                receipts(move |_| other.clone())
            },
            Detected(FORGED),
        ),
        entry(
            "signs for another envelope",
            Send,
            |memory| {
                let envelope = memory.receipts[0].promise.envelope;
                receipts(move |receipt| signed_by(1, DepositPromise { envelope, ..receipt.promise }))
            },
            Detected(FORGED),
        ),
        entry(
            "signs for another mailbox",
            Send,
            |memory| {
                let drop = memory.receipts[0].promise.drop;
                receipts(move |receipt| signed_by(1, DepositPromise { drop, ..receipt.promise }))
            },
            Detected(FORGED),
        ),
        entry(
            "changes the last day of a receipt",
            Send,
            |_| {
                receipts(|receipt| {
                    let mut receipt = receipt.clone();
                    receipt.promise.expires = Day(receipt.promise.expires.0 + 1);
                    receipt
                })
            },
            Detected(FORGED),
        ),
        entry(
            "signs that it keeps an envelope for ever",
            Send,
            |_| receipts(|receipt| signed_by(1, DepositPromise { expires: Day(99_999), ..receipt.promise })),
            Undetectable("what it will have kept shows in the end; the receipt is evidence"),
        ),
        entry("refuses a deposit", Send, |_| refuses(is_deposit, Refusal::Refused), Detected("Refused(Refused)")),
        entry(
            "says that a mailbox is full",
            Send,
            |_| refuses(is_deposit, Refusal::QuotaFull),
            Detected("Refused(QuotaFull)"),
        ),
        entry(
            "says that an envelope is too large",
            Send,
            |_| refuses(is_deposit, Refusal::TooLarge),
            Detected("Refused(TooLarge)"),
        ),
        entry(
            "says that it does not know deposits",
            Send,
            |_| refuses(is_deposit, Refusal::Unsupported),
            Detected("Refused(Unsupported)"),
        ),
        entry(
            "says that it cannot read a deposit",
            Send,
            |_| refuses(is_deposit, Refusal::Malformed),
            Detected("Refused(Malformed)"),
        ),
        entry(
            "says that it failed at a deposit",
            Send,
            |_| refuses(is_deposit, Refusal::Internal),
            Detected("Refused(Internal)"),
        ),
        entry(
            "says that a deposit was superseded",
            Send,
            |_| refuses(is_deposit, Refusal::Superseded),
            Detected("Refused(Superseded)"),
        ),
        entry("is busy for ever", Send, |_| refuses(is_deposit, Refusal::Busy), Detected("Refused(Busy)")),
        entry(
            "asks to wait for 49 days",
            Send,
            |_| refuses(is_deposit, Refusal::TooMany { retry_after_ms: u32::MAX }),
            Detected("Refused(TooMany"),
        ),
        entry(
            "asks to wait no time, for ever",
            Send,
            |_| refuses(is_deposit, Refusal::TooMany { retry_after_ms: 0 }),
            Detected("Refused(TooMany"),
        ),
    ]
}

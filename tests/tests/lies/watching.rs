//! Lies about mailboxes, about what was pushed, and about the relay itself.

use lightproof_tests::world::lie::{Heard, say};
use lightproof_wire::{
    codec::List,
    command::Command,
    deposit_receipt::ReceiptKey,
    frame::RelayFrame,
    id::{CommandId, MailboxHandle, Sequence},
    refusal::Refusal,
    reply::{Delivery, Push, Reply, Welcome},
    time::Day,
};

use crate::{
    table::{Act::*, Ends::*, Entry},
    tell::{answers, commands, deliveries, frames, instead, is_welcome, pushes, refuses, silence, welcomes},
};

fn is_watch(command: &Command) -> bool {
    matches!(command, Command::Watch { .. })
}

fn is_ack(command: &Command) -> bool {
    matches!(command, Command::Ack { .. })
}

fn watching(highest_acked: u64) -> Box<dyn lightproof_tests::world::lie::Lie> {
    answers(move |reply| {
        matches!(reply, Reply::Watching { .. }).then_some(Reply::Watching { highest_acked: Sequence(highest_acked) })
    })
}

/// This push before the first CaughtUp of a connection.
fn slipped_in(extra: fn(MailboxHandle) -> Push) -> Box<dyn lightproof_tests::world::lie::Lie> {
    pushes(move |push| match push {
        Push::CaughtUp(handle) => vec![extra(handle), push],
        push => vec![push],
    })
}

#[expect(clippy::too_many_lines, reason = "a table")]
pub(crate) fn lies() -> Vec<Entry> {
    let entry = Entry::new;
    vec![
        entry("is an old copy of itself that forgot acks", Look, |_| watching(0), Detected("RelayLostState")),
        entry("says that somebody acked what was never delivered", Look, |_| watching(500), Detected("OldCopy")),
        entry(
            "does not know a mailbox it made",
            Look,
            |_| refuses(is_watch, Refusal::Refused),
            Detected("RelayLostState"),
        ),
        entry(
            "has no room for a watch",
            Look,
            |_| refuses(is_watch, Refusal::QuotaFull),
            Detected("Refused(QuotaFull)"),
        ),
        entry("never answers a watch", Look, |_| silence(is_watch), Detected("Deadline")),
        entry(
            "never says that a mailbox is caught up",
            Receive(1),
            |_| pushes(|push| if let Push::CaughtUp(_) = push { vec![] } else { vec![push] }),
            Detected("Deadline"),
        ),
        entry(
            "says of a mailbox that another copy took it over",
            Receive(1),
            |_| slipped_in(Push::Superseded),
            Detected("Superseded"),
        ),
        entry(
            "says of a mailbox nobody watches that it is caught up",
            Receive(1),
            |_| slipped_in(|_| Push::CaughtUp(MailboxHandle(77))),
            Harmless("nobody waits for it"),
        ),
        entry(
            "says of a mailbox nobody watches that it was taken over",
            Receive(1),
            |_| slipped_in(|_| Push::Superseded(MailboxHandle(77))),
            Harmless("nobody waits for it"),
        ),
        entry(
            "says twice that a mailbox is caught up",
            Receive(1),
            |_| slipped_in(Push::CaughtUp),
            Harmless("it is as true as once"),
        ),
        entry(
            "pushes to a mailbox that nobody watches",
            Receive(1),
            |_| deliveries(|delivery| vec![Delivery { handle: MailboxHandle(77), ..delivery }]),
            Detected("RelayMisbehaved(\"it pushed what nobody watches\")"),
        ),
        entry(
            "pushes without end before it answers",
            Look,
            |memory| {
                let one = memory.deliveries[0].clone();
                commands(move |frame| {
                    if !is_watch(&frame.command) {
                        return Heard::passed(frame);
                    }
                    let flood = (0..4_000).map(|_| say(RelayFrame::Push(Push::Delivery(one.clone())))).collect();
                    Heard { relay: None, client: flood }
                })
            },
            Detected("RelayMisbehaved(\"it pushes more than was asked for\")"),
        ),
        entry(
            "greets twice",
            Receive(1),
            |_| {
                let mut kept: Option<Welcome> = None;
                frames(move |frame| match frame {
                    RelayFrame::Push(Push::Welcome(welcome)) => {
                        kept = Some(welcome.clone());
                        vec![RelayFrame::Push(Push::Welcome(welcome))]
                    }
                    frame => {
                        kept.take().map(|it| RelayFrame::Push(Push::Welcome(it))).into_iter().chain([frame]).collect()
                    }
                })
            },
            Detected("RelayMisbehaved(\"it welcomed us twice\")"),
        ),
        entry(
            "does not greet",
            Look,
            |_| frames(|frame| if is_welcome(&frame) { vec![] } else { vec![frame] }),
            Detected("Deadline"),
        ),
        entry(
            "greets with something else",
            Look,
            |_| {
                frames(|frame| {
                    if is_welcome(&frame) { vec![RelayFrame::Reply(CommandId(1), Reply::Pong)] } else { vec![frame] }
                })
            },
            Detected("error: Misbehaved"),
        ),
        entry(
            "speaks another version",
            Send,
            |_| welcomes(|it| it.versions = List::new(vec![2, 3]).unwrap()),
            Detected("the relay speaks another version of the protocol"),
        ),
        entry(
            "speaks no version at all",
            Send,
            |_| welcomes(|it| it.versions = List::default()),
            Detected("the relay speaks another version of the protocol"),
        ),
        entry("is a week ahead", Look, |_| welcomes(|it| it.day = Day(it.day.0 + 7)), Detected("Clock")),
        entry("is ten years behind", Look, |_| welcomes(|it| it.day = Day(it.day.0 - 3_652)), Detected("Clock")),
        entry(
            "is a week ahead when somebody calls",
            Call(0),
            |_| welcomes(|it| it.day = Day(it.day.0 + 7)),
            Detected("Clock"),
        ),
        entry(
            "is a day ahead",
            Look,
            |_| welcomes(|it| it.day = Day(it.day.0 + 1)),
            Undetectable("clocks of honest machines differ by that much around midnight"),
        ),
        entry(
            "is a day behind",
            Look,
            |_| welcomes(|it| it.day = Day(it.day.0 - 1)),
            Undetectable("clocks of honest machines differ by that much around midnight"),
        ),
        entry(
            "shows another key for its receipts",
            Look,
            |_| welcomes(|it| it.receipt_key = ReceiptKey([7; 32])),
            Detected("ReceiptKeyChanged"),
        ),
        entry(
            "shows one key to those who watch and another to those who deposit",
            Send,
            |_| {
                let mut count = 0;
                pushes(move |push| match push {
                    Push::Welcome(mut welcome) => {
                        count += 1;
                        welcome.receipt_key = ReceiptKey([count; 32]);
                        vec![Push::Welcome(welcome)]
                    }
                    push => vec![push],
                })
            },
            Detected("ReceiptKeyChanged"),
        ),
        entry(
            "shows a key that is none",
            Send,
            |_| welcomes(|it| it.receipt_key = ReceiptKey([0xff; 32])),
            Detected("RelayMisbehaved(\"its deposit receipt does not hold\")"),
        ),
        entry(
            "says that it takes only small photos",
            SendPhoto,
            |_| welcomes(|it| it.limits.blob_bytes = 10),
            Detected("Refused(TooLarge)"),
        ),
        entry(
            "says that it takes photos of any size",
            SendPhoto,
            |_| welcomes(|it| it.limits.blob_bytes = u64::MAX),
            Undetectable("whether there is room shows when it is used"),
        ),
        entry(
            "says that it keeps envelopes for ever",
            SendPhoto,
            |_| welcomes(|it| it.limits.envelope_days = u16::MAX),
            Undetectable("what it will have kept shows in the end"),
        ),
        entry(
            "says that it keeps photos for no day",
            SendPhoto,
            |_| welcomes(|it| it.limits.blob_days = 0),
            Undetectable("it may delete what it likes when it likes; the recipient sees that the photo is gone"),
        ),
        entry(
            "says Done to an ack and does not forget",
            Receive(1),
            |_| instead(is_ack, Reply::Done),
            DetectedLater("RelayLostState"),
        ),
        entry(
            "refuses an ack",
            Receive(1),
            |_| refuses(is_ack, Refusal::Refused),
            Harmless("the envelope comes again and is taken once"),
        ),
        entry("never answers an ack", Receive(1), |_| silence(is_ack), Detected("Deadline")),
        entry(
            "is busy for every ack",
            Receive(1),
            |_| refuses(is_ack, Refusal::Busy),
            Harmless("the envelope comes again and is taken once"),
        ),
    ]
}

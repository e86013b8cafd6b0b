//! Lies about envelopes: dropped, repeated, changed, moved, late.

use ed25519_dalek::SigningKey;
use lightproof_tests::world::lie::Heard;
use lightproof_wire::{
    command::Command,
    deposit_receipt::DepositPromise,
    envelope::Envelope,
    id::{MailboxHandle, Sequence},
    reply::{Delivery, Push, Reply},
    time::Day,
};

use crate::{
    table::{Act::*, Ends::*, Entry},
    tell::{bytes, commands, deliveries, pushes},
};

/// The key the first relay of a world signs receipts with: a liar has it.
fn relay_key() -> SigningKey {
    SigningKey::from_bytes(&[1; 32])
}

fn changed(envelope: &Envelope, at: usize, bit: u8) -> Envelope {
    let mut bytes = *envelope.as_bytes();
    bytes[at] ^= bit;
    Envelope::from_bytes(&bytes).unwrap()
}

/// Another envelope in the place of each.
fn replaced(with: impl Fn(&Envelope) -> Envelope + 'static) -> Box<dyn lightproof_tests::world::lie::Lie> {
    deliveries(move |delivery| vec![Delivery { envelope: with(&delivery.envelope), ..delivery }])
}

/// A frame that ends too early or too late.
fn of_length(change: fn(&mut Vec<u8>)) -> Box<dyn lightproof_tests::world::lie::Lie> {
    bytes(move |mut frame| {
        if frame.len() > 16_000 {
            change(&mut frame);
        }
        frame
    })
}

#[expect(clippy::too_many_lines, reason = "a table")]
pub(crate) fn lies() -> Vec<Entry> {
    let entry = Entry::new;
    const NONE: &str = "RelayMisbehaved(\"it sent a frame that is none\")";
    vec![
        entry(
            "holds back an envelope that others follow",
            Receive(2),
            |_| {
                let mut held = false;
                deliveries(move |delivery| {
                    let hold = !std::mem::replace(&mut held, true);
                    if hold { vec![] } else { vec![delivery] }
                })
            },
            Detected("Missing"),
        ),
        entry(
            "holds back the last envelope",
            Receive(1),
            |_| deliveries(|_| vec![]),
            Undetectable("nobody knows of the end of a line before something follows it"),
        ),
        entry(
            "says that nothing waits, before it has pushed what does",
            Receive(1),
            |_| pushes(|push| if let Push::Delivery(_) = push { vec![] } else { vec![push] }),
            Undetectable("the same as holding back the last envelope"),
        ),
        entry(
            "signs for an envelope and throws it away",
            Send,
            |_| {
                commands(|frame| match &frame.command {
                    Command::Deposit { drop, envelope } => {
                        let (day, expires) = (Day(20_778), Day(20_808));
                        let promise = DepositPromise { envelope: envelope.digest(), drop: drop.hash(), day, expires };
                        Heard::answered(frame.id, Reply::Deposited(promise.sign(&relay_key())))
                    }
                    _ => Heard::passed(frame),
                })
            },
            DetectedLater("Missing"),
        )
        .destroys(),
        entry(
            "delivers an envelope three times at once",
            Receive(1),
            |_| deliveries(|delivery| vec![delivery.clone(), delivery.clone(), delivery]),
            Harmless("its hash is in the seen set"),
        ),
        entry(
            "delivers everything again that it ever delivered",
            Look,
            |memory| {
                let old = memory.deliveries.clone();
                pushes(move |push| match push {
                    Push::CaughtUp(handle) => {
                        let again = old.iter().map(|old| Push::Delivery(Delivery { handle, ..old.clone() }));
                        again.chain([push]).collect()
                    }
                    push => vec![push],
                })
            },
            Detected("Unopened"),
        ),
        entry(
            "delivers everything again after two months",
            LookAfter(70),
            |memory| {
                let old = memory.deliveries.clone();
                pushes(move |push| match push {
                    Push::CaughtUp(handle) => {
                        let again = old.iter().map(|old| Push::Delivery(Delivery { handle, ..old.clone() }));
                        again.chain([push]).collect()
                    }
                    push => vec![push],
                })
            },
            Detected("Unopened"),
        ),
        entry(
            "delivers what was acked again, under its old place",
            Receive(1),
            |_| {
                let mut all: Vec<Delivery> = Vec::new();
                deliveries(move |delivery| {
                    all.push(delivery.clone());
                    all.iter().flat_map(|one| [one.clone(), one.clone()]).collect()
                })
            },
            Harmless("its hash is in the seen set"),
        ),
        entry(
            "delivers an envelope under a place it never had",
            Receive(1),
            |_| deliveries(|delivery| vec![Delivery { sequence: Sequence(9_999), ..delivery.clone() }, delivery]),
            Harmless("the place only says what to ack"),
        ),
        entry(
            "delivers an envelope twice under two places",
            Receive(1),
            |_| {
                deliveries(|delivery| {
                    vec![delivery.clone(), Delivery { sequence: Sequence(delivery.sequence.0 + 1), ..delivery }]
                })
            },
            Harmless("its hash is in the seen set"),
        ),
        entry(
            "delivers envelopes in the wrong order",
            Receive(5),
            |_| {
                let mut held = Vec::new();
                pushes(move |push| match push {
                    Push::Delivery(_) => {
                        held.push(push);
                        vec![]
                    }
                    Push::CaughtUp(_) => held.drain(..).rev().chain([push]).collect(),
                    push => vec![push],
                })
            },
            Harmless("the line says the order"),
        ),
        entry(
            "cuts an envelope short",
            Receive(1),
            |_| of_length(|frame| frame.truncate(frame.len() - 1)),
            Detected(NONE),
        ),
        entry("makes an envelope longer", Receive(1), |_| of_length(|frame| frame.push(0)), Detected(NONE)),
        entry(
            "changes a bit of an envelope's header",
            Receive(1),
            |_| replaced(|it| changed(it, 200, 1)),
            Detected("Unopened"),
        )
        .destroys(),
        entry(
            "changes a bit of an envelope's body",
            Receive(1),
            |_| replaced(|it| changed(it, 15_999, 128)),
            Detected("Unopened"),
        )
        .destroys(),
        entry(
            "changes an envelope's commitment",
            Receive(1),
            |_| replaced(|it| changed(it, 2_440, 4)),
            Detected("Unopened"),
        )
        .destroys(),
        entry(
            "changes an envelope's kind to one that is not there yet",
            Receive(1),
            |_| replaced(|it| changed(it, 0, 0x40)),
            Detected("NewerVersion"),
        )
        .destroys(),
        entry("says that a message is a Hello", Receive(1), |_| replaced(|it| changed(it, 0, 3)), Detected("Unopened"))
            .destroys(),
        entry(
            "delivers an envelope of zeros",
            Receive(1),
            |_| {
                replaced(|_| {
                    let mut bytes = [0; 16_000];
                    bytes[0] = 2;
                    Envelope::from_bytes(&bytes).unwrap()
                })
            },
            Detected("Unopened"),
        )
        .destroys(),
        entry(
            "delivers to Carol what Carol wrote herself",
            Receive(1),
            |memory| {
                // The first is Alice's Hello; her own came after her answer was taken.
                let own = memory.deliveries.iter().map(|delivery| delivery.envelope.clone()).collect::<Vec<_>>();
                let mut turn = 0;
                replaced_mut(move |_| {
                    turn = (turn + 1) % own.len();
                    own[2].clone()
                })
            },
            Detected("Unopened"),
        )
        .destroys(),
        entry(
            "delivers an envelope in another mailbox",
            Receive(1),
            |_| deliveries(|delivery| vec![Delivery { handle: MailboxHandle(3 - delivery.handle.0), ..delivery }]),
            Harmless("at the doorbell every session is tried"),
        ),
        entry(
            "swaps two envelopes between their places",
            Receive(2),
            |_| {
                let mut first: Option<Delivery> = None;
                deliveries(move |delivery| match first.take() {
                    None => {
                        first = Some(delivery);
                        vec![]
                    }
                    Some(before) => vec![
                        Delivery { envelope: delivery.envelope.clone(), ..before.clone() },
                        Delivery { envelope: before.envelope, ..delivery },
                    ],
                })
            },
            Harmless("the place only says what to ack"),
        ),
        entry(
            "says that an envelope came on another day",
            Receive(1),
            |_| deliveries(|delivery| vec![Delivery { day: Day(1), ..delivery }]),
            Undetectable("the day is the relay's word alone; nothing depends on it"),
        ),
    ]
}

fn replaced_mut(mut with: impl FnMut(&Envelope) -> Envelope + 'static) -> Box<dyn lightproof_tests::world::lie::Lie> {
    deliveries(move |delivery| vec![Delivery { envelope: with(&delivery.envelope), ..delivery }])
}

//! Lies about prekeys, to those who call and to those who publish.

use lightproof_wire::{
    codec::Bytes,
    command::Command,
    prekey::{PrekeyBundle, PrekeyId, Stock},
    refusal::Refusal,
    reply::Reply,
    time::Day,
};

use crate::{
    table::{Act::*, Ends::*, Entry},
    tell::{answers, instead, refuses, silence},
};

/// Another bundle in the place of each.
fn bundles(lie: impl Fn(PrekeyBundle) -> PrekeyBundle + 'static) -> Box<dyn lightproof_tests::world::lie::Lie> {
    answers(move |reply| match reply {
        Reply::Bundle(bundle) => Some(Reply::Bundle(lie(bundle.clone()))),
        _ => None,
    })
}

fn is_take(command: &Command) -> bool {
    matches!(command, Command::TakePrekeys { .. })
}

fn is_publish(command: &Command) -> bool {
    matches!(command, Command::PublishPrekeys { .. })
}

fn is_count(command: &Command) -> bool {
    matches!(command, Command::CountPrekeys { .. })
}

fn is_create(command: &Command) -> bool {
    matches!(command, Command::CreateMailbox { .. })
}

/// Other one-time prekeys in the place of those that are left.
fn counts(lie: impl Fn(&Stock) -> Stock + 'static) -> Box<dyn lightproof_tests::world::lie::Lie> {
    answers(move |reply| match reply {
        Reply::Count { signed_not_after, one_time } => {
            Some(Reply::Count { signed_not_after: *signed_not_after, one_time: lie(one_time) })
        }
        _ => None,
    })
}

/// One bit of a sealed prekey.
fn flipped(
    sealed: &Bytes<{ lightproof_wire::limits::SEALED_PREKEY_BYTES }>,
) -> Bytes<{ lightproof_wire::limits::SEALED_PREKEY_BYTES }> {
    let mut bytes = sealed.clone().into_vec();
    bytes[100] ^= 1;
    Bytes::new(bytes).unwrap()
}

#[expect(clippy::too_many_lines, reason = "a table")]
pub(crate) fn lies() -> Vec<Entry> {
    let entry = Entry::new;
    vec![
        entry(
            "hands out somebody else's prekeys",
            Call(0),
            |memory| {
                let other = memory.bundles[1].clone();
                bundles(move |_| other.clone())
            },
            Detected("Bundle("),
        ),
        entry(
            "hands out somebody else's one-time prekey",
            Call(0),
            |memory| {
                let other = memory.bundles[1].one_time.clone();
                bundles(move |bundle| PrekeyBundle { one_time: other.clone(), ..bundle })
            },
            Detected("Bundle("),
        ),
        entry(
            "changes a signed prekey",
            Call(0),
            |_| {
                bundles(|mut bundle| {
                    bundle.signed.sealed = flipped(&bundle.signed.sealed);
                    bundle
                })
            },
            Detected("Bundle("),
        ),
        entry(
            "changes a one-time prekey",
            Call(0),
            |_| {
                bundles(|mut bundle| {
                    bundle.one_time.iter_mut().for_each(|prekey| prekey.sealed = flipped(&prekey.sealed));
                    bundle
                })
            },
            Detected("Bundle("),
        ),
        entry(
            "changes the number of a prekey",
            Call(0),
            |_| {
                bundles(|mut bundle| {
                    bundle.signed.id = PrekeyId(bundle.signed.id.0 + 1);
                    bundle
                })
            },
            Detected("Bundle("),
        ),
        entry(
            "changes the last day of a prekey",
            Call(0),
            |_| {
                bundles(|mut bundle| {
                    bundle.signed.not_after = Day(bundle.signed.not_after.0 + 300);
                    bundle
                })
            },
            Detected("Bundle("),
        ),
        entry(
            "hands out a signed prekey as a one-time prekey",
            Call(0),
            |_| bundles(|bundle| PrekeyBundle { one_time: Some(bundle.signed.clone()), ..bundle }),
            Detected("Bundle("),
        ),
        entry(
            "hands out a one-time prekey as a signed prekey",
            Call(0),
            |_| {
                bundles(|mut bundle| {
                    bundle.signed = bundle.one_time.clone().unwrap();
                    bundle
                })
            },
            Detected("Bundle("),
        ),
        entry(
            "hands out prekeys that expired",
            Call(40),
            |memory| {
                let old = memory.bundles[0].clone();
                bundles(move |_| old.clone())
            },
            Detected("Bundle(Expired)"),
        ),
        entry(
            "hands out old prekeys that are still valid",
            Call(20),
            |memory| {
                let old = memory.bundles[0].clone();
                bundles(move |_| old.clone())
            },
            Undetectable("valid until their last day; their owner can still open what is made with them"),
        ),
        entry(
            "gives a one-time prekey to two callers",
            CallAfterBob,
            |memory| {
                let used = memory.bundles[0].clone();
                bundles(move |_| used.clone())
            },
            DetectedLater("Unopened"),
        ),
        entry(
            "holds back one-time prekeys",
            Call(0),
            |_| bundles(|bundle| PrekeyBundle { one_time: None, ..bundle }),
            Undetectable("a doorbell may be out of them; the transcript says that there was none"),
        ),
        entry("refuses prekeys", Call(0), |_| refuses(is_take, Refusal::Refused), Detected("Refused(Refused)")),
        entry("never answers who asks for prekeys", Call(0), |_| silence(is_take), Detected("Deadline")),
        entry(
            "answers who asks for prekeys with Done",
            Call(0),
            |_| instead(is_take, Reply::Done),
            Detected("RelayMisbehaved(\"it answered another question\")"),
        ),
        entry(
            "refuses to make the mailbox of a caller",
            Call(0),
            |_| refuses(is_create, Refusal::Refused),
            Detected("Refused(Refused)"),
        ),
        entry(
            "says that it made a mailbox and did not",
            Call(0),
            |_| instead(is_create, Reply::Created),
            DetectedLater("RelayLostState"),
        ),
        entry(
            "says that it may still give away a one-time prekey that was used",
            Look,
            |memory| {
                let used = memory.bundles[0].one_time.as_ref().unwrap().id;
                counts(move |stock| Stock::of(stock.ids().chain([used])))
            },
            Harmless("as an old copy of itself would; all are replaced"),
        ),
        entry(
            "counts fewer one-time prekeys than it has",
            Look,
            |_| counts(|_| Stock::of([])),
            Undetectable("others may have taken them; more are made"),
        ),
        entry(
            "says that it has no signed prekey",
            Look,
            |_| {
                answers(|reply| {
                    let none = Reply::Count { signed_not_after: None, one_time: Stock::of([]) };
                    matches!(reply, Reply::Count { .. }).then_some(none)
                })
            },
            Undetectable("it may have lost them; more are made"),
        ),
        entry(
            "says that it published prekeys and did not",
            LookAfter(8),
            |_| instead(is_publish, Reply::Done),
            Undetectable("only callers notice, once the old ones have expired"),
        ),
        entry(
            "refuses to publish prekeys",
            LookAfter(8),
            |_| refuses(is_publish, Refusal::QuotaFull),
            Detected("Refused(QuotaFull)"),
        ),
        entry("refuses to count prekeys", Look, |_| refuses(is_count, Refusal::Refused), Detected("Refused(Refused)")),
    ]
}

//! What people ask of a relay, as rules over rows: the same on any store, decided by a seed.

use std::collections::BTreeMap;

use lightproof_relay::{
    access::{self, Amount, Terms},
    blob::{self, Opening},
    expire,
    limits::{Limits, Space},
    mailbox::{self, Creation},
    prekeys,
    store::{FileId, RowsMut, RuleError},
};
use lightproof_tests::power::chance::Chance;
use lightproof_wire::{
    blob::{BlobShape, ChunkBitmap, ChunkClass},
    capability::CapabilityHash,
    codec::{Bytes, Text},
    command::{MailboxKind, Readers},
    envelope::Envelope,
    id::{ChunkIndex, Sequence},
    limits::{ENVELOPE_BYTES, ONE_TIME_PREKEYS_A_DAY},
    prekey::{PrekeyId, PrekeyKind, PublishedPrekey},
    time::Day,
};

/// Small, so that quotas fill and days pass within one run.
pub(crate) const LIMITS: Limits = Limits {
    envelope_days: 3,
    blob_days: 4,
    mailbox_days: 6,
    tombstone_days: 5,
    upload_idle_days: 2,
    mailbox_envelopes: 4,
    doorbell_envelopes: 2,
    blob_bytes: 1 << 30,
    blob_space_bytes: 1 << 20,
    one_time_prekeys_a_day: ONE_TIME_PREKEYS_A_DAY,
    space: Space::ForEverybody,
};

const PEOPLE: u64 = 3;
/// The capability that people and blobs are charged to; its quota holds two of the three blobs.
const ACCESS: u8 = 200;

/// One thing asked for, on one day.
#[derive(Clone, Debug)]
pub(crate) struct Act {
    day: Day,
    verb: Verb,
}

#[derive(Clone, Debug)]
enum Verb {
    Ack(u8, u64),
    Commit(u8),
    Create(u8, MailboxKind),
    Deposit(u8, u64),
    Issue,
    Open(u8, u64),
    Publish(u8, u32),
    Record(u8, u32),
    Release(u8, u8),
    Retire(u8),
    Revoke(u8),
    Sweep,
    Take(u8),
    Watch(u8),
}

/// Groups of acts; those of one group come at once and share a commit. Person 0 has a doorbell.
pub(crate) fn acts(seed: u64, group_count: usize) -> Vec<Vec<Act>> {
    let mut chance = Chance::new(seed);
    let mut day = Day(20_000);
    let mut groups: Vec<_> = (0..PEOPLE)
        .map(|who| {
            let kind = if who == 0 { MailboxKind::Doorbell } else { MailboxKind::Private };
            vec![Act { day, verb: Verb::Create(small(who), kind) }]
        })
        .collect();
    groups.insert(0, vec![Act { day, verb: Verb::Issue }]);
    let mut acked = BTreeMap::new();
    for number in 0..group_count {
        if chance.one_in(8) {
            day = day.plus(1);
        }
        let size = 1 + chance.below(4);
        groups.push((0..size).map(|of| act(&mut chance, day, number as u64 * 8 + of, &mut acked)).collect());
    }
    groups
}

/// Two mailboxes are filled and all but the last envelope of each is acked: the eighth group is followed by one with
/// envelopes far back in their file and room before them.
pub(crate) fn far_back() -> Vec<Vec<Act>> {
    let group =
        |verbs: Vec<Verb>| -> Vec<Act> { verbs.into_iter().map(|verb| Act { day: Day(20_000), verb }).collect() };
    let deposits = |numbers: std::ops::Range<u64>| -> Vec<Verb> {
        numbers.flat_map(|number| [Verb::Deposit(1, number), Verb::Deposit(2, 100 + number)]).collect()
    };
    let mut groups = vec![group(vec![Verb::Issue])];
    groups.extend([1, 2].map(|who| group(vec![Verb::Create(who, MailboxKind::Private)])));
    groups.push(group(deposits(0..4)));
    groups.extend((1..=3).map(|place| group(vec![Verb::Ack(1, place), Verb::Ack(2, place)])));
    groups.extend([1, 2, 1].map(|who| group(vec![Verb::Watch(who)])));
    groups.push(group(deposits(4..6)));
    groups
}

fn act(chance: &mut Chance, day: Day, number: u64, acked: &mut BTreeMap<u8, u64>) -> Act {
    let who = small(chance.below(PEOPLE));
    let blob = small(chance.below(3));
    let verb = match chance.below(20) {
        0..=6 => Verb::Deposit(who, number),
        7..=9 => {
            let next = acked.entry(who).or_default();
            *next += 1;
            Verb::Ack(who, *next)
        }
        10 => Verb::Publish(0, small(chance.below(200)).into()),
        11 => Verb::Take(0),
        12 | 13 => Verb::Open(blob, number),
        14 => Verb::Record(blob, small(chance.below(3)).into()),
        15 => Verb::Commit(blob),
        16 => Verb::Release(blob, small(chance.below(2))),
        17 if chance.one_in(2) => Verb::Revoke(blob),
        17 if chance.one_in(3) => Verb::Retire(who),
        18 => Verb::Watch(who),
        _ => Verb::Sweep,
    };
    Act { day, verb }
}

impl Act {
    /// Something that is done in any state: a mailbox that no other act names.
    pub(crate) fn one_more(number: usize) -> Self {
        Self { day: Day(20_000), verb: Verb::Create(small(number as u64) + 100, MailboxKind::Private) }
    }

    /// Does it; what came of it, as text, so that two stores can be compared.
    pub(crate) fn run(&self, rows: &mut dyn RowsMut) -> Result<String, RuleError> {
        let Self { day, verb } = self;
        let outcome = match verb {
            Verb::Ack(who, place) => shown(mailbox::ack(rows, of(*who), Sequence(*place))),
            Verb::Commit(write) => shown(blob::commit(rows, of(*write))),
            Verb::Create(who, kind) => {
                let access = (*who < small(PEOPLE)).then(|| of(ACCESS));
                let creation = Creation { owner: of(*who), drop: of(*who), kind: *kind, access };
                shown(mailbox::create(rows, creation, *day, &LIMITS))
            }
            Verb::Deposit(who, number) => {
                let envelope = envelope(*number);
                let digest = envelope.digest();
                shown(mailbox::deposit(rows, of(*who), envelope, digest, *day, &LIMITS))
            }
            Verb::Open(write, number) => shown(blob::open(rows, opening(*write, *number), *day, &LIMITS)),
            Verb::Issue => {
                let quota = Amount { mailboxes: 4, blob_bytes: 8 * 65_536 };
                let terms = Terms { note: Text::default(), last_day: None, quota };
                shown(access::issue(rows, of(ACCESS), terms, *day))
            }
            Verb::Publish(who, from) => {
                let one_time = (*from..from + 5).map(|id| prekey(PrekeyKind::OneTime, id, *day)).collect();
                shown(prekeys::publish(rows, of(*who), prekey(PrekeyKind::Signed, 0, *day), one_time, *day, &LIMITS))
            }
            Verb::Record(write, index) => {
                let mut synced = ChunkBitmap::empty(3);
                (0..=*index).for_each(|index| synced.insert(ChunkIndex(index)));
                shown(blob::record(rows, of(*write), synced, *day))
            }
            Verb::Release(write, reader) => shown(blob::release(rows, reader_of(*write, *reader), *day, &LIMITS)),
            Verb::Retire(who) => shown(mailbox::retire(rows, of(*who), *day, &LIMITS)),
            Verb::Revoke(write) => shown(blob::revoke(rows, of(*write), Readers::All, *day, &LIMITS)),
            Verb::Sweep => shown(expire::sweep(rows, *day, &LIMITS, 16)),
            Verb::Take(who) => shown(prekeys::take(rows, of(*who), *day, &LIMITS)),
            Verb::Watch(who) => shown(mailbox::watch(rows, of(*who), *day)),
        };
        // A disk that failed ends the batch; a refusal is an answer.
        match outcome {
            Err(RuleError::Unavailable(error)) => Err(error.into()),
            Err(refused) => Ok(refused.to_string()),
            Ok(done) => Ok(done),
        }
    }
}

fn shown<T: std::fmt::Debug>(outcome: Result<T, RuleError>) -> Result<String, RuleError> {
    outcome.map(|done| format!("{done:?}"))
}

/// The name of somebody's mailbox, drop or blob: rights never meet, so one byte will do.
pub(crate) fn of<R>(who: u8) -> CapabilityHash<R> {
    CapabilityHash::from_bytes([who; 32])
}

fn reader_of<R>(write: u8, reader: u8) -> CapabilityHash<R> {
    CapabilityHash::from_bytes([0x10 + write * 2 + reader; 32])
}

/// An envelope that no other number has.
pub(crate) fn envelope(number: u64) -> Envelope {
    let mut bytes = [0; ENVELOPE_BYTES];
    let mut chance = Chance::new(number);
    for eight in bytes.chunks_exact_mut(8) {
        eight.copy_from_slice(&chance.number().to_le_bytes());
    }
    Envelope::from_bytes(&bytes).unwrap()
}

fn opening(write: u8, number: u64) -> Opening {
    let mut file = [0; 16];
    file[..8].copy_from_slice(&number.to_le_bytes());
    Opening {
        write: of(write),
        readers: vec![reader_of(write, 0), reader_of(write, 1)],
        shape: BlobShape::new(ChunkClass::Small, 3).unwrap(),
        keep_days: 2,
        file: FileId(file),
        access: Some(of(ACCESS)),
    }
}

fn prekey(kind: PrekeyKind, id: u32, day: Day) -> PublishedPrekey {
    let sealed = Bytes::new(vec![id.to_le_bytes()[0]; 3_000]).unwrap();
    PublishedPrekey { kind, id: PrekeyId(id), not_after: day.plus(2), sealed }
}

fn small(number: u64) -> u8 {
    u8::try_from(number).unwrap()
}

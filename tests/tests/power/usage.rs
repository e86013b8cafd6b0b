//! What each access capability is charged for is what is there, whatever was asked for before.

use futures_util::FutureExt as _;
use lightproof_relay::{
    access::{self, AccessHash, Amount, Counted, Terms},
    blob::{self, Opening},
    expire,
    mailbox::{self, Creation},
    store::{Durable, FileId, RowsMut, RuleError, commit, look, memory::MemoryStore},
};
use lightproof_tests::{effort, power::chance::Chance};
use lightproof_wire::{
    blob::{BlobShape, ChunkClass},
    codec::Text,
    command::{MailboxKind, Readers},
    refusal::Refusal,
    time::Day,
};

use crate::workload::{LIMITS, of};

const QUOTA: Amount = Amount { mailboxes: 2, blob_bytes: 3 * 65_536 };
/// Names of mailboxes and blobs: few, so that acts meet.
const NAMES: u64 = 6;

/// A relay, and how many capabilities it issued.
struct Relay {
    store: MemoryStore,
    issued: u8,
    chance: Chance,
}

impl Relay {
    /// `None` if it was refused.
    fn run<T: Send + 'static>(
        &self,
        rule: impl FnOnce(&mut dyn RowsMut) -> Result<T, RuleError> + Send + 'static,
    ) -> Option<T> {
        let done = commit(&self.store, rule).now_or_never().unwrap();
        match done.map(Durable::into_inner) {
            Ok(done) => Some(done),
            Err(RuleError::Refused(Refusal::Refused | Refusal::QuotaFull)) => None,
            Err(error) => panic!("{error}"),
        }
    }

    fn small(&mut self, below: u64) -> u8 {
        u8::try_from(self.chance.below(below)).unwrap()
    }

    /// One of those that were issued, revoked or not; or none, as on a relay that was open then.
    fn anyones(&mut self) -> Option<AccessHash> {
        let number = self.small(u64::from(self.issued) + 1);
        (number > 0).then(|| of(number))
    }

    fn act(&mut self, day: Day) {
        let (name, access) = (self.small(NAMES), self.anyones());
        match self.chance.below(16) {
            0..4 => {
                let creation = Creation { owner: of(name), drop: of(name), kind: MailboxKind::Private, access };
                self.run(move |rows| mailbox::create(rows, creation, day, &LIMITS));
            }
            4..8 => {
                let shape = BlobShape::new(ChunkClass::Small, 1 + u32::from(self.small(2))).unwrap();
                let (readers, file) = (vec![of(name)], FileId([name; 16]));
                let opening = Opening { write: of(name), readers, shape, keep_days: 3, file, access };
                self.run(move |rows| blob::open(rows, opening, day, &LIMITS));
            }
            8 => drop(self.run(move |rows| mailbox::retire(rows, of(name), day, &LIMITS))),
            9 | 10 => drop(self.run(move |rows| blob::commit(rows, of(name)))),
            11 => drop(self.run(move |rows| blob::release(rows, of(name), day, &LIMITS))),
            12 => drop(self.run(move |rows| blob::revoke(rows, of(name), Readers::All, day, &LIMITS))),
            13 if self.chance.one_in(4) => {
                let number = self.small(u64::from(self.issued) + 1);
                self.run(move |rows| access::revoke(rows, number.into()));
            }
            14 if self.issued < 100 => {
                self.issued += 1;
                let number = self.issued;
                let last_day = self.chance.one_in(3).then(|| day.plus(2));
                let terms = Terms { note: Text::default(), last_day, quota: QUOTA };
                let given = self.run(move |rows| access::issue(rows, of(number), terms, day));
                assert_eq!(given, Some(number.into()));
            }
            _ => drop(self.run(move |rows| expire::sweep(rows, day, &LIMITS, 4))),
        }
    }
}

#[test]
fn usage_equals_a_recount_after_any_sequence_of_commands() {
    let seeds = effort::seeds(30);
    let (mut acts, mut charged) = (0, 0);
    for seed in seeds.clone() {
        let mut relay = Relay { store: MemoryStore::default(), issued: 0, chance: Chance::new(seed) };
        for step in 0..400 {
            relay.act(Day(20_000 + step / 20));
            acts += 1;
            let counted = relay.run(|rows| access::count_anew(rows)).unwrap();
            assert_eq!(counted, Counted::default(), "seed {seed}, step {step}");
            let listed = look(&relay.store, |rows| access::list(rows)).unwrap().readable;
            charged += listed.iter().filter(|row| row.used != Amount::default()).count();
            let over = |used: Amount| used.mailboxes > QUOTA.mailboxes || used.blob_bytes > QUOTA.blob_bytes;
            assert!(!listed.iter().any(|row| over(row.used)), "seed {seed}, step {step}: beyond a quota");
        }
    }
    assert!(charged > acts / 4, "{charged} capabilities had made anything in {acts} looks");
    println!("evidence: P15 | {acts} acts, usage equal to a recount after each | seeds {}..{}", seeds.start, seeds.end);
}

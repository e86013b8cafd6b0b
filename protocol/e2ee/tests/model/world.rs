//! Two people and every envelope between them: each step is taken by the shipped code and by the plain model.

use std::{
    collections::{BTreeMap, BTreeSet},
    convert::Infallible,
    sync::LazyLock,
};

use lightproof_e2ee::{
    envelope::BODY_MAX_BYTES,
    error::{EncloseError, OpenError},
    session::{self, SessionId},
};
use lightproof_wire::{envelope::Envelope, time::Timestamp};
use proptest::{
    prelude::*,
    test_runner::{TestCaseError, TestCaseResult},
};
use rand_chacha::ChaCha20Rng;

use crate::{
    kept::{Ending, Kept, OPENED, choose, expected_error, generation, load},
    people::{NOW, Person, rng, saved},
    reference::{Book, First, Refusal, Sealed, Side},
};

/// Which of the two.
pub(crate) type Who = usize;

/// What happens next. Numbers choose among what there is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Action {
    /// A new session begins, whatever the other does meanwhile.
    Call(Who),
    Seal(Who, usize),
    /// A body too long for an envelope.
    SealTooLong(Who, usize),
    /// Sealed, and the process ends before it is saved.
    SealUnsaved(Who, usize),
    /// Many, of which the first and the last few are sent.
    Flood(Who, usize, u16),
    /// So many full rounds, in each of which a message stays behind.
    Straggle(Who, usize, u8),
    Deliver(usize),
    /// Opened, and the process ends before it is saved.
    DeliverUnsaved(usize),
    /// What opens is not what somebody signed.
    Misbehave(usize),
    Tamper(usize, usize, u8),
    Drop(usize),
    Supersede(Who, usize),
    Remember(Who),
    Restore(Who),
    /// Both clocks move.
    Days(i8),
}

#[derive(Clone, Default)]
struct Vault {
    sessions: Vec<Kept>,
    /// Hellos that were answered: the caller's replay set.
    answered: BTreeSet<usize>,
}

struct Letter {
    to: Who,
    number: usize,
    envelope: Envelope,
    content: Content,
    is_delivered: bool,
}

enum Content {
    Hello { id: SessionId, first: First },
    Message { id: SessionId, sealed: Sealed, body: Vec<u8> },
}

/// What came out how often.
pub(crate) type Tally = BTreeMap<&'static str, u64>;

pub(crate) struct World {
    vaults: [Vault; 2],
    remembered: [Vault; 2],
    letters: Vec<Letter>,
    sent_count: usize,
    was_restored: bool,
    now: Timestamp,
    rng: ChaCha20Rng,
    book: Book,
    pub(crate) tally: Tally,
}

static PEOPLE: LazyLock<[Person; 2]> = LazyLock::new(|| [Person::new(1), Person::new(2)]);

impl World {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            vaults: Default::default(),
            remembered: Default::default(),
            letters: Vec::new(),
            sent_count: 0,
            was_restored: false,
            now: NOW,
            rng: rng(seed),
            book: Book::default(),
            tally: Tally::new(),
        }
    }

    pub(crate) fn step(&mut self, action: Action) -> TestCaseResult {
        match action {
            Action::Call(who) => self.call(who),
            Action::Seal(who, which) => self.seal(who, which).map(drop),
            Action::SealTooLong(who, which) => self.seal_too_long(who, which),
            Action::SealUnsaved(who, which) => {
                if let Some(kept) = choose(&mut self.vaults[who].sessions, which) {
                    drop(session::enclose(load(kept)?, b"lost", self.now, &mut self.rng));
                }
                Ok(())
            }
            Action::Flood(who, which, count) => self.flood(who, which, count),
            Action::Straggle(who, which, rounds) => (0..rounds).try_for_each(|_| self.straggle(who, which)),
            Action::Deliver(which) => self.with_letter(which, |world, letter| {
                letter.is_delivered = true;
                world.deliver(letter, Ending::Saved)
            }),
            Action::DeliverUnsaved(which) => {
                self.with_letter(which, |world, letter| world.deliver(letter, Ending::Unsaved))
            }
            Action::Misbehave(which) => {
                self.with_letter(which, |world, letter| world.deliver(letter, Ending::Misbehaved))
            }
            Action::Tamper(which, at, bit) => {
                self.with_letter(which, |world, letter| world.deliver_tampered(letter, at, bit))
            }
            Action::Drop(which) => {
                if !self.letters.is_empty() {
                    self.letters.swap_remove(which % self.letters.len());
                }
                Ok(())
            }
            Action::Supersede(who, which) => self.supersede(who, which),
            Action::Remember(who) => {
                self.remembered[who] = self.vaults[who].clone();
                Ok(())
            }
            Action::Restore(who) => {
                self.vaults[who] = self.remembered[who].clone();
                self.was_restored = true;
                Ok(())
            }
            Action::Days(days) => {
                let day = self.now.day().0.saturating_add_signed(days.into());
                self.now = lightproof_wire::time::Day(day).start();
                Ok(())
            }
        }
    }

    /// Whoever was never restored, has forgotten nothing and is not a thousand behind can open all that still comes, in
    /// any order.
    pub(crate) fn finish(&mut self) -> TestCaseResult {
        let today = self.now.day().0;
        for letter in std::mem::take(&mut self.letters).into_iter().filter(|letter| !letter.is_delivered) {
            let must_open = !self.was_restored && self.is_within_bounds(&letter, today);
            self.deliver(&letter, Ending::Saved)?;
            let has_opened = self.vaults[letter.to].sessions.iter().any(|kept| kept.opened.contains(&letter.number));
            prop_assert!(has_opened || !must_open, "nothing was forgotten, and letter {} does not open", letter.number);
        }
        Ok(())
    }

    fn is_within_bounds(&mut self, letter: &Letter, today: u32) -> bool {
        let Content::Message { id, sealed, .. } = &letter.content else { return false };
        let Some(kept) = self.vaults[letter.to].sessions.iter().find(|kept| kept.id == *id) else { return false };
        !kept.opened.contains(&letter.number)
            && !kept.model.has_forgotten(today)
            && kept.model.open(sealed, today, &mut self.book).err() != Some(Refusal::TooManySkipped)
    }

    fn call(&mut self, who: Who) -> TestCaseResult {
        let generation = self.vaults[who].sessions.iter().map(generation).max().unwrap_or(0) + 1;
        let (record, hello) = PEOPLE[who].call(&PEOPLE[1 - who].bundle, generation, &mut self.rng);
        let first = self.book.hello();
        let (id, model) = (hello.session_id, Side::initiator(first));
        self.vaults[who].sessions.push(Kept { id, record, model, opened: BTreeSet::new() });
        self.send(1 - who, hello.envelope, Content::Hello { id, first });
        self.count("called")
    }

    fn seal(&mut self, who: Who, which: usize) -> Result<Option<()>, TestCaseError> {
        let (now, today) = (self.now, self.now.day().0);
        let body = u64::try_from(self.sent_count).unwrap().to_be_bytes().to_vec();
        let Some(kept) = choose(&mut self.vaults[who].sessions, which) else { return Ok(None) };
        let enclosed = session::enclose(load(kept)?, &body, now, &mut self.rng);
        if kept.model.is_superseded {
            prop_assert_eq!(enclosed.err(), Some(EncloseError::Superseded));
            self.count("superseded")?;
            return Ok(None);
        }
        let (record, enclosed) = saved(enclosed.map_err(|error| TestCaseError::fail(format!("seal: {error}")))?);
        let (model, sealed) = kept.model.seal(today, &mut self.book);
        let id = kept.id;
        kept.update(record, model)?;
        self.send(1 - who, enclosed.envelope, Content::Message { id, sealed, body });
        self.count("sealed").map(Some)
    }

    fn seal_too_long(&mut self, who: Who, which: usize) -> TestCaseResult {
        if let Some(kept) = choose(&mut self.vaults[who].sessions, which).filter(|kept| !kept.model.is_superseded) {
            let refused = session::enclose(load(kept)?, &[0; BODY_MAX_BYTES + 1], self.now, &mut self.rng);
            prop_assert_eq!(refused.err(), Some(EncloseError::BodyTooLong));
        }
        Ok(())
    }

    fn flood(&mut self, who: Who, which: usize, count: u16) -> TestCaseResult {
        for turn in 0..count {
            if self.seal(who, which)?.is_none() {
                return Ok(());
            }
            if (2..count.saturating_sub(3)).contains(&turn) {
                self.letters.pop();
            }
        }
        Ok(())
    }

    fn straggle(&mut self, who: Who, which: usize) -> TestCaseResult {
        let Some(id) = choose(&mut self.vaults[who].sessions, which).map(|kept| kept.id) else { return Ok(()) };
        if self.seal(who, which)?.is_none() || self.seal(who, which)?.is_none() {
            return Ok(());
        }
        self.deliver_last()?;
        let Some(at) = self.vaults[1 - who].sessions.iter().position(|kept| kept.id == id) else { return Ok(()) };
        if self.seal(1 - who, 2 * at + 1)?.is_some() {
            self.deliver_last()?;
        }
        Ok(())
    }

    fn deliver_last(&mut self) -> TestCaseResult {
        let Some(mut letter) = self.letters.pop() else { return Ok(()) };
        letter.is_delivered = true;
        let outcome = self.deliver(&letter, Ending::Saved);
        self.letters.push(letter);
        outcome
    }

    fn supersede(&mut self, who: Who, which: usize) -> TestCaseResult {
        let now = self.now;
        if let Some(kept) = choose(&mut self.vaults[who].sessions, which) {
            let (record, mut model) = (load(kept)?.supersede(now).to_record().to_vec(), kept.model.clone());
            model.is_superseded = true;
            kept.update(record, model)?;
        }
        Ok(())
    }

    fn deliver(&mut self, letter: &Letter, ending: Ending) -> TestCaseResult {
        match &letter.content {
            Content::Hello { id, first } => self.deliver_hello(letter, *id, *first, ending),
            Content::Message { sealed, body, .. } => {
                let (now, today) = (self.now, self.now.day().0);
                for kept in self.vaults[letter.to].sessions.iter_mut().rev() {
                    let expected = kept.model.open(sealed, today, &mut self.book);
                    let outcome = kept.open((letter.number, &letter.envelope, body), expected, ending, now)?;
                    *self.tally.entry(outcome).or_default() += 1;
                    if outcome == OPENED {
                        break;
                    }
                }
                Ok(())
            }
        }
    }

    fn deliver_hello(&mut self, letter: &Letter, id: SessionId, first: First, ending: Ending) -> TestCaseResult {
        let (caller, called) = (&PEOPLE[1 - letter.to], &PEOPLE[letter.to]);
        if ending == Ending::Unsaved || self.vaults[letter.to].answered.contains(&letter.number) {
            return Ok(());
        }
        let (record, answered) =
            called.answer(&letter.envelope).map_err(|error| TestCaseError::fail(format!("a Hello: {error}")))?;
        prop_assert_eq!((answered.session_id, &answered.identity), (id, caller.identity.public()));
        let vault = &mut self.vaults[letter.to];
        vault.answered.insert(letter.number);
        vault.sessions.push(Kept { id, record, model: Side::responder(first), opened: BTreeSet::new() });
        self.count("answered")
    }

    fn deliver_tampered(&mut self, letter: &Letter, at: usize, bit: u8) -> TestCaseResult {
        let mut bytes = *letter.envelope.as_bytes();
        bytes[at % bytes.len()] ^= 1 << (bit % 8);
        let (envelope, at) = (Envelope::from_bytes(&bytes).unwrap(), at % bytes.len());
        let (now, today) = (self.now, self.now.day().0);
        if let Content::Hello { .. } = letter.content {
            let refused = PEOPLE[letter.to].answer(&envelope).err();
            let why = if at == 0 { OpenError::NewerVersion } else { OpenError::Undecryptable };
            prop_assert_eq!(refused, Some(why));
            return self.count("tampered");
        }
        let Content::Message { sealed, .. } = &letter.content else { return Ok(()) };
        for kept in &self.vaults[letter.to].sessions {
            let expected = match (at, kept.model.open(sealed, today, &mut self.book)) {
                (0, _) => OpenError::NewerVersion,
                // Nonce and header, and what follows them.
                (1..2_385, _) => OpenError::NotThisSession,
                (_, Ok(_)) => OpenError::Undecryptable,
                (_, Err(refusal)) => expected_error(refusal),
            };
            let outcome = session::open(load(kept)?, &envelope, now, |_| Ok::<_, Infallible>(()));
            prop_assert_eq!(outcome.err(), Some(expected), "byte {}", at);
        }
        self.count("tampered")
    }

    fn send(&mut self, to: Who, envelope: Envelope, content: Content) {
        self.letters.push(Letter { to, number: self.sent_count, envelope, content, is_delivered: false });
        self.sent_count += 1;
    }

    /// Mostly one that has not come yet; sometimes any, once more.
    fn with_letter(
        &mut self,
        which: usize,
        act: impl FnOnce(&mut Self, &mut Letter) -> TestCaseResult,
    ) -> TestCaseResult {
        let fresh: Vec<usize> = (0..self.letters.len()).filter(|at| !self.letters[*at].is_delivered).collect();
        let at = match (which % 5, fresh.len()) {
            (1.., count @ 1..) => fresh[which / 5 % count],
            _ if self.letters.is_empty() => return Ok(()),
            _ => which / 5 % self.letters.len(),
        };
        let mut letter = self.letters.swap_remove(at);
        let outcome = act(self, &mut letter);
        self.letters.push(letter);
        outcome
    }

    fn count(&mut self, what: &'static str) -> TestCaseResult {
        *self.tally.entry(what).or_default() += 1;
        Ok(())
    }
}

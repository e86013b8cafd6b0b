//! What must open and what must not, without cryptography. A key is a number; whoever derived the same holds the same one.
//!
//! Written from `docs/spec/ratchet.md`, for one side of one session.

use std::collections::HashMap;

/// What a key is here.
pub(crate) type Key = u64;

pub(crate) const SKIPPED_PER_ENVELOPE: u32 = 1_000;
pub(crate) const SKIPPED_STORED: usize = 2_000;
pub(crate) const OLD_CHAINS: usize = 8;
pub(crate) const SKIPPED_DAYS: u32 = 30;

/// Every derivation so far: the same inputs give the same keys, any other input gives others.
#[derive(Default)]
pub(crate) struct Book {
    last: Key,
    steps: HashMap<(Key, Key), Step>,
}

#[derive(Clone, Copy)]
struct Step {
    root: Key,
    chain: Key,
    next_header: Key,
}

impl Book {
    fn fresh(&mut self) -> Key {
        self.last += 1;
        self.last
    }

    fn step(&mut self, root: Key, announcement: Announcement) -> Step {
        if let Some(known) = self.steps.get(&(root, announcement.key)) {
            return *known;
        }
        let step = Step { root: self.fresh(), chain: self.fresh(), next_header: self.fresh() };
        self.steps.insert((root, announcement.key), step);
        step
    }

    /// What a Hello agrees on.
    pub(crate) fn hello(&mut self) -> First {
        let announcement = Announcement { key: self.fresh(), answers: None };
        let [root, chain, header, next_header_i, next_header_r] = [(); 5].map(|()| self.fresh());
        First { announcement, root, chain, header, next_header_i, next_header_r }
    }
}

/// A new key, and the one it answers.
#[derive(Clone, Copy)]
struct Announcement {
    key: Key,
    answers: Option<Key>,
}

/// The first keys of a session.
#[derive(Clone, Copy)]
pub(crate) struct First {
    announcement: Announcement,
    root: Key,
    chain: Key,
    header: Key,
    next_header_i: Key,
    next_header_r: Key,
}

/// A message under way.
#[derive(Clone, Copy)]
pub(crate) struct Sealed {
    header: Key,
    chain: Key,
    announcement: Announcement,
    n: u32,
    pn: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Refusal {
    AlreadyOpened,
    NotThisSession,
    TooManySkipped,
    Undecryptable,
}

/// One side.
#[derive(Clone)]
pub(crate) struct Side {
    root: Key,
    turn: Turn,
    next_header_s: Key,
    receiving: Option<Chain>,
    next_header_r: Key,
    old: Vec<Chain>,
    pub(crate) is_confirmed: bool,
    pub(crate) is_superseded: bool,
    /// Something that could have opened was forgotten: too old, or too much.
    has_forgotten: bool,
}

#[derive(Clone)]
enum Turn {
    Ours { theirs: Announcement, sent: u32 },
    Theirs { ours: Announcement, chain: Key, header: Key, n: u32, pn: u32 },
}

/// A chain of the other side, and the places in it that have not come.
#[derive(Clone)]
struct Chain {
    header: Key,
    chain: Key,
    next: u32,
    missing: Vec<(u32, u32)>,
}

impl Chain {
    const fn new(header: Key, chain: Key) -> Self {
        Self { header, chain, next: 0, missing: Vec::new() }
    }

    fn skip_to(&mut self, n: u32, today: u32) {
        self.missing.extend((self.next..n).map(|place| (place, today)));
        self.next = self.next.max(n);
    }

    fn take(&mut self, n: u32) -> Result<(), Refusal> {
        let at = self.missing.iter().position(|(place, _)| *place == n).ok_or(Refusal::AlreadyOpened)?;
        self.missing.remove(at);
        Ok(())
    }

    fn advance_to(&mut self, n: u32, today: u32) -> Result<(), Refusal> {
        if n < self.next {
            return self.take(n);
        }
        if n - self.next > SKIPPED_PER_ENVELOPE {
            return Err(Refusal::TooManySkipped);
        }
        self.skip_to(n, today);
        self.next = n + 1;
        Ok(())
    }
}

impl Side {
    pub(crate) fn initiator(first: First) -> Self {
        let turn = Turn::Theirs { ours: first.announcement, chain: first.chain, header: first.header, n: 0, pn: 0 };
        Self::new(first.root, turn, (first.next_header_i, first.next_header_r), None)
    }

    pub(crate) fn responder(first: First) -> Self {
        let turn = Turn::Ours { theirs: first.announcement, sent: 0 };
        let receiving = Some(Chain::new(first.header, first.chain));
        Self::new(first.root, turn, (first.next_header_r, first.next_header_i), receiving)
    }

    fn new(root: Key, turn: Turn, next_headers: (Key, Key), receiving: Option<Chain>) -> Self {
        Self {
            root,
            turn,
            next_header_s: next_headers.0,
            is_confirmed: receiving.is_some(),
            receiving,
            next_header_r: next_headers.1,
            old: Vec::new(),
            is_superseded: false,
            has_forgotten: false,
        }
    }

    /// One message; the side as it is afterwards.
    pub(crate) fn seal(&self, today: u32, book: &mut Book) -> (Self, Sealed) {
        let mut side = self.clone();
        side.forget_stale(today);
        if let Turn::Ours { theirs, sent } = side.turn {
            let ours = Announcement { key: book.fresh(), answers: Some(theirs.key) };
            let step = book.step(side.root, ours);
            let header = std::mem::replace(&mut side.next_header_s, step.next_header);
            side.root = step.root;
            side.turn = Turn::Theirs { ours, chain: step.chain, header, n: 0, pn: sent };
        }
        let Turn::Theirs { ours, chain, header, n, pn } = &mut side.turn else { unreachable!("just stepped") };
        let sealed = Sealed { header: *header, chain: *chain, announcement: *ours, n: *n, pn: *pn };
        *n += 1;
        (side, sealed)
    }

    /// Whether a message opens; the side as it is afterwards.
    pub(crate) fn open(&self, sealed: &Sealed, today: u32, book: &mut Book) -> Result<Self, Refusal> {
        let mut side = self.clone();
        side.forget_stale(today);
        let old = side.old.iter().position(|chain| chain.header == sealed.header);
        let is_current = side.receiving.as_ref().is_some_and(|chain| chain.header == sealed.header);
        let chain = if let Some(at) = old {
            side.old[at].take(sealed.n)?;
            side.old[at].chain
        } else if is_current {
            side.current(sealed.n, today)?
        } else if side.next_header_r == sealed.header {
            side.begin_chain(sealed, today, book)?;
            side.current(sealed.n, today)?
        } else {
            return Err(Refusal::NotThisSession);
        };
        if chain != sealed.chain {
            return Err(Refusal::Undecryptable);
        }
        side.old.retain(|chain| !chain.missing.is_empty());
        side.bound();
        side.is_confirmed = true;
        Ok(side)
    }

    fn current(&mut self, n: u32, today: u32) -> Result<Key, Refusal> {
        let chain = self.receiving.as_mut().ok_or(Refusal::Undecryptable)?;
        chain.advance_to(n, today)?;
        Ok(chain.chain)
    }

    fn begin_chain(&mut self, sealed: &Sealed, today: u32, book: &mut Book) -> Result<(), Refusal> {
        let Turn::Theirs { ours, n: sent, .. } = self.turn else { return Err(Refusal::Undecryptable) };
        let received = self.receiving.as_ref().map_or(0, |chain| chain.next);
        let left = sealed.pn.checked_sub(received).ok_or(Refusal::Undecryptable)?;
        if left + sealed.n > SKIPPED_PER_ENVELOPE {
            return Err(Refusal::TooManySkipped);
        }
        match self.receiving.take() {
            Some(mut chain) => {
                chain.skip_to(sealed.pn, today);
                self.old.push(chain);
                self.old.retain(|chain| !chain.missing.is_empty());
                while self.old.len() > OLD_CHAINS {
                    self.old.remove(0);
                    self.has_forgotten = true;
                }
            }
            None if left > 0 => return Err(Refusal::Undecryptable),
            None => {}
        }
        let step = book.step(self.root, sealed.announcement);
        // A ciphertext to another key than ours tells us something else than it told them.
        let is_for_us = sealed.announcement.answers == Some(ours.key);
        let chain = if is_for_us { step.chain } else { book.fresh() };
        self.receiving = Some(Chain::new(std::mem::replace(&mut self.next_header_r, step.next_header), chain));
        self.root = step.root;
        self.turn = Turn::Ours { theirs: sealed.announcement, sent };
        Ok(())
    }

    /// Whether anything that could have opened is forgotten by today.
    pub(crate) fn has_forgotten(&self, today: u32) -> bool {
        let mut side = self.clone();
        side.forget_stale(today);
        side.has_forgotten
    }

    fn forget_stale(&mut self, today: u32) {
        let before = self.stored();
        for chain in self.old.iter_mut().chain(&mut self.receiving) {
            chain.missing.retain(|(_, since)| *since >= today - SKIPPED_DAYS);
        }
        self.old.retain(|chain| !chain.missing.is_empty());
        self.has_forgotten |= self.stored() < before;
    }

    fn bound(&mut self) {
        while self.stored() > SKIPPED_STORED {
            let mut chains = self.old.iter_mut().chain(&mut self.receiving);
            let oldest = chains.find(|chain| !chain.missing.is_empty()).expect("something is stored");
            oldest.missing.remove(0);
            self.has_forgotten = true;
        }
        self.old.retain(|chain| !chain.missing.is_empty());
    }

    fn stored(&self) -> usize {
        self.old.iter().chain(&self.receiving).map(|chain| chain.missing.len()).sum()
    }

    /// Bytes of the record that holds exactly this and nothing else.
    pub(crate) fn record_bytes(&self) -> usize {
        let time = |is_there| if is_there { 9 } else { 1 };
        let chain = |chain: &Chain| 32 + 2 + 40 * chain.missing.len();
        let session = 2 + 32 + 1 + 4 + 32 + time(!self.is_confirmed) + time(self.is_superseded);
        let turn = match self.turn {
            Turn::Ours { .. } => 1 + 1_216 + 4,
            Turn::Theirs { .. } => 1 + 32 + (32 + 32 + 1_120 + 1_216 + 4 + 4),
        };
        let receiving = self.receiving.as_ref().map_or(1, |receiving| 1 + 32 + 4 + chain(receiving));
        let old: usize = self.old.iter().map(chain).sum();
        session + 32 + turn + 32 + receiving + 32 + 2 + old
    }
}

//! Mailboxes: what was receipted is delivered in order, once per watch, until its ack was asked for or its day has passed.

use std::collections::{BTreeMap, BTreeSet};

use super::{Event, Hash, Violation};

#[derive(Default)]
struct Mailbox {
    /// When it was first sent.
    attempted: BTreeMap<Hash, usize>,
    /// When its receipt came, and its last day.
    promised: BTreeMap<Hash, (usize, u32)>,
    place_of: BTreeMap<Hash, u64>,
    stands_at: BTreeMap<u64, Hash>,
    ack_asked: BTreeSet<u64>,
    acked: BTreeSet<u64>,
    /// The last place and everything pushed in this watch.
    last: u64,
    pushed: BTreeSet<Hash>,
}

/// Everything wrong with mailboxes.
pub(super) fn check(log: &[Event]) -> Vec<Violation> {
    let (mut found, mailboxes) = read(log);
    for mailbox in mailboxes.values() {
        found.extend(mailbox.out_of_order());
    }
    found
}

/// Whether a mailbox would have something to push.
pub(super) fn owes(log: &[Event], mailbox: u64) -> bool {
    let (today, mailboxes) = (today(log), read(log).1);
    mailboxes.get(&mailbox).is_some_and(|mailbox| mailbox.owed(today).next().is_some())
}

fn today(log: &[Event]) -> u32 {
    let day = |event: &Event| if let Event::Day(day) = event { Some(*day) } else { None };
    log.iter().rev().find_map(day).unwrap_or_default()
}

fn read(log: &[Event]) -> (Vec<Violation>, BTreeMap<u64, Mailbox>) {
    let (mut found, mut all, mut today) = (Vec::new(), BTreeMap::<u64, Mailbox>::new(), 0);
    for (at, event) in log.iter().enumerate() {
        match *event {
            Event::Day(day) => today = day,
            Event::Attempted(mailbox, envelope) => {
                all.entry(mailbox).or_default().attempted.entry(envelope).or_insert(at);
            }
            Event::Deposited(mailbox, envelope, expires) => {
                all.entry(mailbox).or_default().promised.entry(envelope).or_insert((at, expires));
            }
            Event::Watching(mailbox, highest_acked) => {
                found.extend(all.entry(mailbox).or_default().watched(highest_acked));
            }
            Event::Delivered(mailbox, place, envelope) => {
                all.entry(mailbox).or_default().delivered(place, envelope, &mut found);
            }
            Event::AckAsked(mailbox, place) => {
                all.entry(mailbox).or_default().ack_asked.insert(place);
            }
            Event::Acked(mailbox, place) => {
                all.entry(mailbox).or_default().acked.insert(place);
            }
            Event::Quiet(mailbox) => {
                found.extend(all.entry(mailbox).or_default().owed(today).map(Violation::Lost));
            }
            _ => {}
        }
    }
    (found, all)
}

impl Mailbox {
    fn watched(&mut self, highest_acked: u64) -> Option<Violation> {
        self.last = 0;
        self.pushed.clear();
        let (least, most) = (self.acked.last(), self.ack_asked.last());
        let fits = least.is_none_or(|least| *least <= highest_acked) && highest_acked <= most.copied().unwrap_or(0);
        (!fits).then_some(Violation::WrongCursor(highest_acked))
    }

    fn delivered(&mut self, place: u64, envelope: Hash, found: &mut Vec<Violation>) {
        if !self.attempted.contains_key(&envelope) {
            found.push(Violation::Invented(envelope));
        }
        if self.place_of.insert(envelope, place).is_some_and(|before| before != place) {
            found.push(Violation::Twice(envelope));
        }
        if self.stands_at.insert(place, envelope).is_some_and(|before| before != envelope) {
            found.push(Violation::PlaceReused(place));
        }
        if self.acked.contains(&place) {
            found.push(Violation::BackAfterAck(place));
        }
        if place <= self.last {
            found.push(Violation::OutOfOrder(envelope));
        }
        self.last = place;
        self.pushed.insert(envelope);
    }

    /// Promised, not expired, its ack not asked for, and not pushed in this watch.
    fn owed(&self, today: u32) -> impl Iterator<Item = Hash> + '_ {
        let may_be_gone = |envelope: &Hash| self.place_of.get(envelope).is_some_and(|at| self.ack_asked.contains(at));
        let promised = self.promised.iter().filter(move |(_, (_, expires))| today <= *expires);
        promised
            .map(|(envelope, _)| *envelope)
            .filter(move |envelope| !may_be_gone(envelope) && !self.pushed.contains(envelope))
    }

    /// What was receipted before another was first sent stands before it.
    fn out_of_order(&self) -> impl Iterator<Item = Violation> + '_ {
        let stands = |envelope: &Hash| self.place_of.get(envelope).copied();
        self.promised.iter().flat_map(move |(first, (promised, _))| {
            let later = self.attempted.iter().filter(move |(_, attempted)| *attempted > promised);
            let wrong = later
                .filter(move |(then, _)| stands(first).is_some_and(|at| stands(then).is_some_and(|then| then < at)));
            wrong.map(|(then, _)| Violation::OutOfOrder(*then))
        })
    }
}

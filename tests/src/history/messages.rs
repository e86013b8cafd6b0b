//! Messages: what a sender was told is deposited is shown once, in the order of its line, and only after it was saved.

use std::collections::{BTreeMap, BTreeSet};

use super::{Event, Hash, Violation};

#[derive(Default)]
struct Line {
    written: BTreeMap<Hash, u64>,
    sent: BTreeSet<Hash>,
    saved: BTreeSet<Hash>,
    shown: BTreeSet<Hash>,
    last: Option<u64>,
}

/// Everything wrong with messages.
pub(super) fn check(log: &[Event]) -> Vec<Violation> {
    let (mut found, mut lines) = (Vec::new(), BTreeMap::<u64, Line>::new());
    for event in log {
        match *event {
            Event::Written(line, place, message) => {
                lines.entry(line).or_default().written.insert(message, place);
            }
            Event::Sent(line, message) => {
                lines.entry(line).or_default().sent.insert(message);
            }
            Event::Saved(line, message) => {
                lines.entry(line).or_default().saved.insert(message);
            }
            Event::Shown(line, message) => lines.entry(line).or_default().shows(message, &mut found),
            Event::Confirmed(line, message) => {
                let is_saved = lines.entry(line).or_default().saved.contains(&message);
                found.extend((!is_saved).then_some(Violation::NotSaved(message)));
            }
            Event::Settled(line) => {
                let line = lines.entry(line).or_default();
                found.extend(line.sent.difference(&line.shown).map(|message| Violation::Lost(*message)));
            }
            _ => {}
        }
    }
    found
}

impl Line {
    fn shows(&mut self, message: Hash, found: &mut Vec<Violation>) {
        let Some(place) = self.written.get(&message).copied() else {
            return found.push(Violation::Invented(message));
        };
        if !self.shown.insert(message) {
            return found.push(Violation::Twice(message));
        }
        if !self.saved.contains(&message) {
            found.push(Violation::NotSaved(message));
        }
        if self.last.is_some_and(|last| place < last) {
            found.push(Violation::OutOfOrder(message));
        }
        self.last = Some(place);
    }
}

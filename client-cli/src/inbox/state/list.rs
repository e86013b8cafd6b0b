//! A place in a long list, and the part of the list that is in sight.

use std::ops::Range;

use crate::inbox::event::Key;

/// Where one is in a list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct List {
    at: usize,
    top: usize,
}

impl List {
    /// At the end of a list.
    pub(crate) const fn at_end(count: usize) -> Self {
        Self { at: count.saturating_sub(1), top: 0 }
    }

    /// The place that is chosen.
    pub(crate) const fn at(self) -> usize {
        self.at
    }

    /// Chooses a place.
    pub(crate) const fn choose(&mut self, at: usize) {
        self.at = at;
    }

    /// Whether the last of so many is chosen.
    pub(crate) const fn is_at_end(self, count: usize) -> bool {
        self.at.saturating_add(1) >= count
    }

    /// The places in sight, where so many rows are; the one chosen is among them.
    pub(crate) fn in_sight(self, count: usize, rows: usize) -> Range<usize> {
        let at = self.at.min(count.saturating_sub(1));
        let lowest = at.saturating_add(1).saturating_sub(rows);
        let top = self.top.clamp(lowest, at).min(count.saturating_sub(rows).max(lowest));
        top..top.saturating_add(rows).min(count)
    }

    /// Keeps what is in sight as still as it can be; after every change.
    pub(crate) fn settle(&mut self, count: usize, rows: usize) {
        self.at = self.at.min(count.saturating_sub(1));
        self.top = self.in_sight(count, rows).start;
    }

    /// Goes where a key says; whether the key was one of those.
    pub(crate) fn goes(&mut self, key: &Key, count: usize, rows: usize) -> bool {
        let page = rows.saturating_sub(1).max(1);
        let last = count.saturating_sub(1);
        self.at = match key {
            Key::Up | Key::Char('k') => self.at.saturating_sub(1),
            Key::Down | Key::Char('j') => self.at.saturating_add(1).min(last),
            Key::PageUp => self.at.saturating_sub(page),
            Key::PageDown => self.at.saturating_add(page).min(last),
            Key::Home => 0,
            Key::End => last,
            _ => return false,
        };
        self.settle(count, rows);
        true
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_in_sight_moves_only_as_far_as_it_must() {
        let mut list = List::default();
        let mut go = |key: Key| {
            assert!(list.goes(&key, 10, 4));
            (list.at(), list.in_sight(10, 4))
        };
        assert_eq!(go(Key::Down), (1, 0..4));
        assert_eq!(go(Key::PageDown), (4, 1..5));
        assert_eq!(go(Key::Up), (3, 1..5));
        assert_eq!(go(Key::End), (9, 6..10));
        assert_eq!(go(Key::PageUp), (6, 6..10));
        assert_eq!(go(Key::Home), (0, 0..4));
        assert_eq!(go(Key::Up), (0, 0..4));
    }

    proptest! {
        #[test]
        fn the_chosen_place_is_in_sight_whatever_happens_to_list_and_window(
            steps in proptest::collection::vec((0_usize..6, 0_usize..40, 1_usize..12), 1..40),
        ) {
            let keys = [Key::Up, Key::Down, Key::PageUp, Key::PageDown, Key::Home, Key::End];
            let mut list = List::default();
            for (key, count, rows) in steps {
                list.goes(&keys[key], count, rows);
                let sight = list.in_sight(count, rows);
                prop_assert!(sight.len() == rows.min(count), "{sight:?} of {count} in {rows}");
                prop_assert!(count == 0 || sight.contains(&list.at()), "{list:?} {sight:?}");
            }
        }
    }
}

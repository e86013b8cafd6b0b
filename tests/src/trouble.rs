//! A disk in trouble: it fails at one write, is full from one write on, or does not keep what it says it kept.

use std::{cell::Cell, rc::Rc};

use lightproof_core::{
    spool::SpoolError,
    vault::store::{Batch, StoreError, Table},
};

/// The trouble of one person's disk. A clone is the same disk's.
#[derive(Clone, Default)]
pub struct Trouble(Rc<Inner>);

#[derive(Default)]
struct Inner {
    /// Writes until it begins.
    left: Cell<Option<u64>>,
    how: Cell<How>,
    began: Cell<bool>,
    lie: Cell<Option<Lie>>,
}

/// How a write fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum How {
    /// Once, and nothing is written.
    #[default]
    Broken,
    /// Once, and all of it is written.
    BrokenLate,
    /// From then on, until there is room again.
    Full,
}

/// What a disk does instead of what it was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lie {
    /// It keeps no count of attempts.
    ForgetsAttempts,
    /// It removes prekeys before it writes the rest, and there the process ends.
    RemovesPrekeysFirst,
}

impl Trouble {
    /// After so many writes that go well, one fails.
    pub fn begins_after(&self, writes: u64, how: How) {
        self.0.left.set(Some(writes));
        self.0.how.set(how);
        self.0.began.set(false);
    }

    /// From now on everything goes well.
    pub fn is_over(&self) {
        self.0.left.set(None);
        self.0.lie.set(None);
    }

    /// Whether any write failed since [`begins_after`](Self::begins_after).
    #[must_use]
    pub fn began(&self) -> bool {
        self.0.began.get()
    }

    /// From now on the disk lies.
    pub fn lies(&self, lie: Lie) {
        self.0.lie.set(Some(lie));
    }

    /// How the write that comes now fails, if it does.
    pub(crate) fn of_this_write(&self) -> Option<How> {
        match self.0.left.get()? {
            0 => {
                let how = self.0.how.get();
                if how != How::Full {
                    self.0.left.set(None);
                }
                self.0.began.set(true);
                Some(how)
            }
            left => {
                self.0.left.set(Some(left - 1));
                None
            }
        }
    }

    /// The batch as this disk takes it, and whether the process ends with it.
    pub(crate) fn bent(&self, mut batch: Batch) -> (Batch, bool) {
        let removes_prekeys = batch.delete.iter().any(|(table, _)| *table == Table::Prekeys);
        match self.0.lie.get() {
            Some(Lie::ForgetsAttempts) => batch.put.retain(|(table, _, _)| *table != Table::Attempts),
            Some(Lie::RemovesPrekeysFirst) if removes_prekeys => {
                batch.delete.retain(|(table, _)| *table == Table::Prekeys);
                batch.put.clear();
                return (batch, true);
            }
            _ => {}
        }
        (batch, false)
    }
}

impl From<How> for StoreError {
    fn from(how: How) -> Self {
        match how {
            How::Broken | How::BrokenLate => Self::Unavailable,
            How::Full => Self::Full,
        }
    }
}

impl From<How> for SpoolError {
    fn from(how: How) -> Self {
        match how {
            How::Broken | How::BrokenLate => Self::Unavailable,
            How::Full => Self::Full,
        }
    }
}

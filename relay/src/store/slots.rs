//! Which slots are free. The writer alone takes them, and counts them anew when a store is opened.

use std::{collections::VecDeque, sync::Arc};

use super::{
    StoreUnavailable,
    bulk::{Bulk, Era},
    bulk_writer::BulkWriter,
};

/// A bit for each slot, and what is to become free.
#[derive(Default)]
pub(super) struct Slots {
    words: Vec<u64>,
    /// No word before this one has a free slot.
    lowest: usize,
    taken_count: u32,
    /// Let go of by the commit that is being made.
    freed: Vec<u32>,
    /// Let go of by earlier commits, while somebody may read what was before them.
    waiting: VecDeque<(Era, Vec<u32>)>,
    is_written: bool,
}

impl Slots {
    /// With nothing free in so many.
    pub(super) fn all_taken(count: u32) -> Self {
        let mut slots = Self::default();
        (0..count).for_each(|slot| slots.note(slot));
        slots
    }

    /// Marks one that a row names.
    pub(super) fn note(&mut self, slot: u32) {
        let (word, bit) = bit_of(slot);
        if word >= self.words.len() {
            self.words.resize(word.saturating_add(1), 0);
        }
        if let Some(word) = self.words.get_mut(word).filter(|word| **word & bit == 0) {
            *word |= bit;
            self.taken_count = self.taken_count.saturating_add(1);
        }
    }

    /// Writes a bulk into the first free slot.
    pub(super) fn put(&mut self, bulk_writer: &BulkWriter, bytes: &[u8]) -> Result<u32, StoreUnavailable> {
        let from = self.words.get(self.lowest..).unwrap_or_default();
        let past = from.iter().position(|word| *word != u64::MAX).unwrap_or(from.len());
        self.lowest = self.lowest.saturating_add(past);
        let bit = self.words.get(self.lowest).map_or(0, |word| word.trailing_ones());
        let first = u32::try_from(self.lowest).ok().and_then(|word| word.checked_mul(u64::BITS));
        let slot = first.and_then(|first| first.checked_add(bit)).filter(|slot| *slot < u32::MAX);
        let slot = slot.ok_or_else(|| StoreUnavailable::because("all slots are taken"))?;
        bulk_writer.write(slot, bytes)?;
        self.note(slot);
        self.is_written = true;
        Ok(slot)
    }

    /// Lets go of one, with the commit that is being made.
    pub(super) fn free(&mut self, slot: u32) {
        self.freed.push(slot);
    }

    /// Begins to put on disk what the commit will name.
    pub(super) fn sync(&mut self, bulk_writer: &BulkWriter, bulk: &Bulk) -> Result<(), StoreUnavailable> {
        if std::mem::take(&mut self.is_written) {
            bulk.sync_has_begun(bulk_writer.sync()?);
        }
        Ok(())
    }

    /// A commit is on disk, or nothing was changed: what it let go of is free once nobody reads what was before it.
    pub(super) fn committed(&mut self, bulk: &Bulk) {
        if !self.freed.is_empty() {
            self.waiting.push_back((bulk.end_era(), std::mem::take(&mut self.freed)));
        }
        self.reclaim();
        bulk.note_taken(self.taken_count);
    }

    fn reclaim(&mut self) {
        while let Some((era, _)) = self.waiting.front_mut()
            && Arc::get_mut(era).is_some()
            && let Some((_, slots)) = self.waiting.pop_front()
        {
            slots.into_iter().for_each(|slot| self.clear(slot));
        }
    }

    fn clear(&mut self, slot: u32) {
        let (place, bit) = bit_of(slot);
        if let Some(word) = self.words.get_mut(place).filter(|word| **word & bit != 0) {
            *word &= !bit;
            self.taken_count = self.taken_count.saturating_sub(1);
            self.lowest = self.lowest.min(place);
        }
    }

    /// Slots that are not free.
    pub(super) const fn taken_count(&self) -> u32 {
        self.taken_count
    }

    /// The first slot that is free with all behind it.
    pub(super) fn end(&self) -> u32 {
        let last = self.words.iter().rposition(|word| *word != 0);
        let Some((place, word)) = last.and_then(|place| Some((place, self.words.get(place)?))) else { return 0 };
        let first = u32::try_from(place).unwrap_or(u32::MAX).saturating_mul(u64::BITS);
        first.saturating_add(u64::BITS.saturating_sub(word.leading_zeros()))
    }

    /// Whether somebody still reads what was let go of.
    pub(super) fn is_waiting(&mut self) -> bool {
        self.reclaim();
        !self.waiting.is_empty()
    }
}

fn bit_of(slot: u32) -> (usize, u64) {
    let bit = 1_u64.checked_shl(slot % u64::BITS).unwrap_or_default();
    (usize::try_from(slot / u64::BITS).unwrap_or(usize::MAX), bit)
}

//! Pages of envelopes, as a relay with a bug reads them.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
};

use lightproof_relay::store::{RawRow, Rows, StoreUnavailable, Table};
use lightproof_wire::{codec::decode, id::Sequence};

use crate::plant::Plant;

/// What a reader of pages has seen, where a bug depends on it.
#[derive(Default)]
pub(crate) struct Seen {
    /// The highest place ever pushed, by mailbox.
    pub(crate) pushed: BTreeMap<Vec<u8>, u64>,
    /// Mailboxes whose window was full in this watch.
    pub(crate) full: BTreeSet<Vec<u8>>,
    /// Envelopes stored since the last look.
    pub(crate) fresh: BTreeSet<Vec<u8>>,
    /// Envelopes pushed, to be deleted.
    pub(crate) delivered: Vec<Vec<u8>>,
}

/// Rows as a page is read by a relay with a bug.
pub(crate) struct Page<'a> {
    pub(crate) rows: &'a dyn Rows,
    pub(crate) plant: Option<Plant>,
    pub(crate) seen: RefCell<&'a mut Seen>,
}

impl Rows for Page<'_> {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreUnavailable> {
        self.rows.get(table, key)
    }

    fn range(&self, table: Table, from: &[u8], before: &[u8], limit: usize) -> Result<Vec<RawRow>, StoreUnavailable> {
        if table != Table::Envelopes {
            return self.rows.range(table, from, before, limit);
        }
        let mut seen = self.seen.borrow_mut();
        let (owner, mut from) = (from[..32].to_vec(), from.to_vec());
        let first: Sequence = decode(&from[32..]).unwrap();
        let is_new_watch = first.0 == 1;
        if is_new_watch {
            seen.full.remove(&owner);
            if self.plant == Some(Plant::SkipsOnReconnect) {
                let after = seen.pushed.get(&owner).copied().unwrap_or(0) + 1;
                from[32..].copy_from_slice(&after.to_be_bytes());
            }
        }
        if self.plant == Some(Plant::WindowNeverRefilled) && seen.full.contains(&owner) {
            return Ok(Vec::new());
        }
        let mut found = self.rows.range(table, &from, before, limit)?;
        let fresh = std::mem::take(&mut seen.fresh);
        if self.plant == Some(Plant::LostWakeUp) && !is_new_watch {
            found.retain(|(key, _)| !fresh.contains(key));
        }
        if found.len() >= limit {
            seen.full.insert(owner.clone());
        }
        for (key, _) in found.iter().take(limit - 1) {
            let place: Sequence = decode(&key[32..]).unwrap();
            let highest = seen.pushed.entry(owner.clone()).or_default();
            *highest = place.0.max(*highest);
            seen.delivered.push(key.clone());
        }
        Ok(found)
    }
}

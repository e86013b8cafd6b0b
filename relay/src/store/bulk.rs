//! What is large in a row lies beside the tree, in slots of one size. A tree copies it with its neighbours, and redb writes a
//! map of all pages with every commit: with a million envelopes in it, that was most of what a commit wrote.
//!
//! A slot is written and synced before the commit that names it. It is written again only after the commit that lets go
//! of it, and when nobody reads what was there before. So whatever is cut off, no slot changes that a row names.

use std::{
    borrow::Cow,
    fs::File,
    io,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU32, Ordering},
        mpsc::Receiver,
    },
};

use lightproof_wire::hash::Hasher;
use redb::{StorageBackend, backends::FileBackend};

use super::{RowSpace, StoreUnavailable, Table, compact::UNUSED_BYTES, fresh::private};

/// More than any bulk, and whole pages: what is torn while a slot is written is no part of another.
pub(super) const SLOT_BYTES: u64 = 16_384;
/// What a row has in the place of its bulk, in bytes: a slot, and a check of it.
const PLACE_BYTES: usize = 8;
/// In the place of a bulk that was not there, in a row that was damaged before it was restored.
const NONE: u32 = u32::MAX;

/// From one commit that lets go of slots to the next. Whoever reads holds the one that it began in.
pub(super) type Era = Arc<()>;

/// What is known of syncs.
#[derive(Debug, Default)]
struct Syncing {
    under_way: Option<Receiver<io::Result<()>>>,
    has_failed: bool,
}

/// The file of slots.
#[derive(Debug)]
pub(super) struct Bulk {
    medium: Box<dyn StorageBackend>,
    /// Where it is, if it is a file.
    path: Option<PathBuf>,
    era: Mutex<Era>,
    /// The sync that the next one of the tree waits for.
    syncing: Mutex<Syncing>,
    /// Slots that are not free.
    taken_count: AtomicU32,
    /// Whether somebody wants the free ones to go back to the file system.
    wanted: AtomicBool,
}

impl Bulk {
    /// Beside the rows of this file.
    pub(super) fn beside(rows: &Path) -> Result<Self, StoreUnavailable> {
        let path = rows.with_extension("bulk");
        let medium = FileBackend::new(private(&path)?).map_err(StoreUnavailable::because)?;
        let folder = path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all());
        folder.map_err(StoreUnavailable::because)?;
        Ok(Self { path: Some(path), ..Self::on(medium) })
    }

    /// On any medium.
    pub(super) fn on(medium: impl StorageBackend) -> Self {
        let (era, syncing) = (Mutex::default(), Mutex::default());
        let (taken_count, wanted) = (AtomicU32::default(), AtomicBool::default());
        Self { medium: Box::new(medium), path: None, era, syncing, taken_count, wanted }
    }

    /// A row as it was put there, of what the tree holds of it. One without its bulk will not be what its hash says.
    pub(super) fn whole(&self, table: Table, key: &[u8], stored: Vec<u8>) -> Vec<u8> {
        let slot = slot_of(table, key, &stored);
        let mut value = head_of(table, stored);
        let Some(slot) = slot else { return value };
        let head_bytes = value.len();
        value.resize(head_bytes.saturating_add(table.bulk_bytes()), 0);
        // What one sector does not give back is one envelope, and no reason to keep others from being served.
        if let Err(error) = self.medium.read(offset(slot), value.get_mut(head_bytes..).unwrap_or_default()) {
            tracing::error!(%error, "an envelope cannot be read");
            value.truncate(head_bytes);
        }
        value
    }

    pub(super) fn write(&self, slot: u32, bytes: &[u8]) -> io::Result<()> {
        self.medium.write(offset(slot), bytes)
    }

    pub(super) fn sync(&self) -> io::Result<()> {
        self.medium.sync_data()
    }

    /// Takes on a sync that has begun; the tree waits for it.
    pub(super) fn sync_has_begun(&self, done: Receiver<io::Result<()>>) {
        self.syncing().under_way = Some(done);
    }

    /// Waits for the last sync that has begun. A tree that was replaced syncs too while it closes: whoever comes second
    /// waits as well, and after a failure nobody is told that all is well.
    pub(super) fn wait_until_synced(&self) -> io::Result<()> {
        let mut syncing = self.syncing();
        if let Some(done) = syncing.under_way.take() {
            let synced = done.recv().map_err(io::Error::other).and_then(|synced| synced);
            syncing.has_failed |= synced.is_err();
            return synced;
        }
        if syncing.has_failed { Err(io::Error::other("an earlier sync failed")) } else { Ok(()) }
    }

    fn syncing(&self) -> MutexGuard<'_, Syncing> {
        self.syncing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets go of everything from this slot on.
    pub(super) fn cut(&self, end: u32) -> Result<(), StoreUnavailable> {
        let is_longer = self.medium.len().map_err(StoreUnavailable::because)? > offset(end);
        if is_longer { self.medium.set_len(offset(end)).map_err(StoreUnavailable::because) } else { Ok(()) }
    }

    /// So many slots fit into the file as it is.
    pub(super) fn slot_count(&self) -> Result<u32, StoreUnavailable> {
        let bytes = self.medium.len().map_err(StoreUnavailable::because)?;
        Ok(u32::try_from(bytes.div_ceil(SLOT_BYTES)).unwrap_or(u32::MAX))
    }

    /// The era, held: none ends meanwhile.
    pub(super) fn era(&self) -> MutexGuard<'_, Era> {
        self.era.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends an era; whoever begins to read now sees the commit before.
    pub(super) fn end_era(&self) -> Era {
        std::mem::take(&mut *self.era())
    }

    pub(super) fn note_taken(&self, count: u32) {
        self.taken_count.store(count, Ordering::Relaxed);
    }

    /// What the file takes on the disk, and how much of it is taken.
    pub(super) fn space(&self) -> Result<RowSpace, StoreUnavailable> {
        let file_bytes = match &self.path {
            Some(path) => {
                let blocks = rustix::fs::stat(path).map_err(StoreUnavailable::because)?.st_blocks;
                u64::try_from(blocks).unwrap_or(0).saturating_mul(512)
            }
            None => self.medium.len().map_err(StoreUnavailable::because)?,
        };
        Ok(RowSpace { file_bytes, used_bytes: offset(self.taken_count.load(Ordering::Relaxed)) })
    }

    /// Whether half of the file would go back.
    pub(super) fn is_worth_it(&self) -> bool {
        // Other media are a test's, and small.
        let least_bytes = if self.path.is_some() { UNUSED_BYTES } else { SLOT_BYTES };
        self.space().is_ok_and(|space| space.unused_bytes() >= least_bytes.max(space.file_bytes / 2))
    }

    /// Asks the writer to begin.
    pub(super) fn want(&self) {
        self.wanted.store(true, Ordering::Relaxed);
    }

    pub(super) fn take_wanted(&self) -> bool {
        self.wanted.swap(false, Ordering::Relaxed)
    }
}

/// The slot of a row's bulk, if it has one. Where that is damaged it has none: the slot may be another's.
pub(super) fn slot_of(table: Table, key: &[u8], stored: &[u8]) -> Option<u32> {
    let in_place = stored.last_chunk::<PLACE_BYTES>().filter(|_| table.bulk_bytes() > 0)?;
    let slot = u32::from_be_bytes(*in_place.first_chunk()?);
    (slot != NONE && place(table, key, slot) == *in_place).then_some(slot)
}

/// A row without its bulk.
pub(super) fn head_of(table: Table, mut stored: Vec<u8>) -> Vec<u8> {
    if table.bulk_bytes() > 0 {
        stored.truncate(stored.len().saturating_sub(PLACE_BYTES));
    }
    stored
}

/// A slot, and a check that it is this row's.
fn place(table: Table, key: &[u8], slot: u32) -> [u8; PLACE_BYTES] {
    let mut hasher = Hasher::bare();
    hasher.update(&[table as u8]);
    hasher.update(key);
    hasher.update(&slot.to_be_bytes());
    let digest = hasher.finish();
    let mut place = [0; PLACE_BYTES];
    let of = slot.to_be_bytes().into_iter().chain(digest.as_bytes().iter().copied());
    place.iter_mut().zip(of).for_each(|(byte, of)| *byte = of);
    place
}

/// What the tree holds of a row, once its bulk has a slot.
pub(super) fn stored<'a>(
    table: Table,
    key: &[u8],
    value: &'a [u8],
    put: impl FnOnce(&[u8]) -> Result<u32, StoreUnavailable>,
) -> Result<Cow<'a, [u8]>, StoreUnavailable> {
    if table.bulk_bytes() == 0 {
        return Ok(value.into());
    }
    let split = value.len().checked_sub(table.bulk_bytes()).and_then(|head_bytes| value.split_at_checked(head_bytes));
    let (head, slot) = match split {
        Some((head, bulk)) => (head, put(bulk)?),
        None => (value, NONE),
    };
    Ok([head, &place(table, key, slot)].concat().into())
}

fn offset(slot: u32) -> u64 {
    u64::from(slot).saturating_mul(SLOT_BYTES)
}

#[cfg(test)]
mod tests {
    use std::{sync::mpsc::sync_channel, thread, time::Duration};

    use redb::backends::InMemoryBackend;

    use super::*;

    /// A tree that closed took the sync of the one that had replaced it, which then named what was not on disk.
    #[test]
    fn all_who_sync_a_tree_wait_for_the_bulks_and_no_failure_is_forgotten() {
        let bulk = Bulk::on(InMemoryBackend::new());
        for (outcome, is_fine) in [(Ok(()), true), (Err(io::ErrorKind::StorageFull.into()), false)] {
            let (done, is_done) = sync_channel(1);
            bulk.sync_has_begun(is_done);
            let ends: Vec<bool> = thread::scope(|scope| {
                let waiting = [(); 2].map(|()| scope.spawn(|| bulk.wait_until_synced().is_ok()));
                thread::sleep(Duration::from_millis(50));
                let waited = waiting.iter().all(|one| !one.is_finished());
                done.send(outcome).unwrap();
                waiting.into_iter().map(|one| one.join().unwrap() && waited).collect()
            });
            assert_eq!(ends, [is_fine; 2]);
        }
        assert!(bulk.wait_until_synced().is_err());
    }
}

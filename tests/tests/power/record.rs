//! One run of a workload: the real store on a disk that keeps a journal, beside the reference in memory.

use std::sync::mpsc::channel;

use futures_util::future::{join, join_all};
use lightproof_relay::store::{
    Durable, RawRow, RuleError, Step, Store, StoreUnavailable, Table, commit,
    disk::{DiskLimits, DiskStore},
    look,
    memory::MemoryStore,
};
use lightproof_tests::power::{disk::Disk, image::Image};

use crate::workload::Act;

pub(crate) const DISK: DiskLimits = DiskLimits { cache_bytes: 256 << 10, queue_length: 64 };

/// Every row of every table.
pub(crate) type Everything = Vec<Vec<RawRow>>;

pub(crate) fn everything(store: &dyn Store) -> Result<Everything, RuleError> {
    let all = |table| look(store, |rows| Ok(rows.range(table, &[], &[0xff; 128], usize::MAX)?));
    Table::ALL.into_iter().map(all).collect()
}

/// Opens the store on a disk.
pub(crate) fn open(disk: &Disk) -> Result<DiskStore, StoreUnavailable> {
    DiskStore::open_on(disk.clone(), disk.second(), DISK)
}

/// Opens the store on what a cut left behind, and shows it; the disk has its journal.
pub(crate) fn reopen(image: &Image) -> Result<(Disk, DiskStore, Everything), RuleError> {
    let disk = Disk::with(image.clone());
    let store = open(&disk)?;
    let rows = everything(&store)?;
    Ok((disk, store, rows))
}

/// Lets a store go without a last write.
pub(crate) fn cut_off(disk: &Disk, store: DiskStore) {
    disk.goes_off();
    drop(store);
}

/// All acts of a group at once, so that they share a commit; what each came to.
pub(crate) fn together(store: &DiskStore, group: &[Act]) -> Vec<Result<String, RuleError>> {
    let (begun, has_begun) = channel::<()>();
    let (queued, all_queued) = channel::<()>();
    // In a batch before, which changes nothing: it holds the writer until the last is in its queue.
    let hold: Step = Box::new(move |_| {
        drop(begun);
        let _ = all_queued.recv();
        Ok(Box::new(|| {}))
    });
    store.submit(hold).unwrap();
    let _ = has_begun.recv();
    let steps = group.iter().cloned().map(|act| commit(store, move |rows| act.run(rows)));
    let done = wait_for(join(join_all(steps), async { drop(queued) })).0;
    done.into_iter().map(|done| done.map(Durable::into_inner)).collect()
}

/// The same by the reference.
pub(crate) fn by_the_reference(store: &MemoryStore, group: &[Act]) -> Vec<Result<String, RuleError>> {
    let one = |act: Act| wait_for(commit(store, move |rows| act.run(rows))).map(Durable::into_inner);
    group.iter().cloned().map(one).collect()
}

fn wait_for<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(work)
}

/// A run: what the disk went through, and what it had to hold after each group. Group n is promised as number n.
pub(crate) struct Recorded {
    pub(crate) disk: Disk,
    pub(crate) after: Vec<Everything>,
}

/// Lets envelopes move to the front of their file, where half of it is free.
fn pack(store: &DiskStore) {
    store.compact(0);
    for _ in 0..50 {
        let space = store.space().unwrap();
        if space.unused_bytes() < space.file_bytes / 2 {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
}

/// Runs a workload to its end, and closes the store in order.
pub(crate) fn record(groups: &[Vec<Act>]) -> Recorded {
    let (disk, reference) = (Disk::default(), MemoryStore::default());
    let store = open(&disk).unwrap();
    let mut after = vec![everything(&reference).unwrap()];
    disk.promised(0);
    for group in groups {
        let done = together(&store, group);
        assert_eq!(done, by_the_reference(&reference, group), "the store and the reference answer alike");
        if after.len() % 8 == 0 {
            pack(&store);
        }
        disk.promised(after.len());
        after.push(everything(&reference).unwrap());
    }
    assert_eq!(Some(&everything(&store).unwrap()), after.last());
    drop(store);
    Recorded { disk, after }
}

//! The power goes under the vault, or the disk fails: every commit is there whole, or was never there.

use futures_util::FutureExt as _;
use lightproof_core::vault::memory::MemoryStore;

use super::*;

#[expect(unreachable_pub, dead_code, reason = "the disk of the whole workspace's tests, of which this needs a part")]
#[path = "../../../tests/src/power/mod.rs"]
mod power;

use power::chance::Chance;
use power::cut::{Cut, Depth, cuts};
use power::disk::{Call, Disk, Fault};
use power::image::Image;

type Everything = Vec<Vec<Row>>;

const DEPTH: Depth = Depth { every_subset: 8, samples: 24 };
const SEED: u64 = 11;

fn open(disk: &Disk) -> Result<Database, StoreError> {
    caught(|| Database::builder().set_cache_size(CACHE_BYTES).create_with_backend(disk.clone()).map_err(broken))
}

fn everything(database: &Database) -> Result<Everything, StoreError> {
    let rows = read_rows(database)?;
    Table::ALL.into_iter().map(|table| scan(rows.as_ref(), table)).collect()
}

/// Batches as a vault makes them: a few rows of many sizes, some of them removed again.
fn batches(seed: u64, count: usize) -> Vec<Batch> {
    let mut chance = Chance::new(seed);
    let mut batch = || {
        let mut batch = Batch::default();
        for row in 0..=chance.below(4) {
            let table = Table::ALL[usize::try_from(chance.below(18)).unwrap()];
            let key = [u8::try_from(chance.below(6)).unwrap(); 32];
            // Each batch writes something: two states that look alike could not be told apart.
            if row > 0 && chance.one_in(4) {
                batch.delete.push((table, key));
            } else {
                let length = [40, 700, 5_000, 17_000][usize::try_from(chance.below(4)).unwrap()];
                batch.put.push((table, key, vec![chance.number().to_le_bytes()[0]; length]));
            }
        }
        // What is both removed and written in one batch means what it says first.
        batch.put.sort_by_key(|(table, key, _)| (*table, *key));
        batch.put.dedup_by_key(|(table, key, _)| (*table, *key));
        batch
    };
    (0..count).map(|_| batch()).collect()
}

/// What the reference holds after each batch, and before the first.
fn expected(batches: &[Batch]) -> Vec<Everything> {
    let reference = MemoryStore::default();
    let all = || Table::ALL.map(|table| now(reference.scan(table)).unwrap()).to_vec();
    let mut after = vec![all()];
    for batch in batches {
        now(reference.commit(batch.clone())).unwrap();
        after.push(all());
    }
    after
}

/// The reference never waits.
fn now<T>(work: impl Future<Output = T>) -> T {
    work.now_or_never().unwrap()
}

/// Commits until one fails; how many were promised.
fn run(disk: &Disk, batches: &[Batch]) -> Result<usize, StoreError> {
    let database = open(disk)?;
    disk.promised(0);
    for (number, batch) in batches.iter().enumerate() {
        if caught(|| commit(&database, batch)).is_err() {
            return Ok(number);
        }
        disk.promised(number + 1);
    }
    Ok(batches.len())
}

fn look(image: &Image, cut: &Cut, after: &[Everything], about: &str) {
    let disk = Disk::with(image.clone());
    let database = match open(&disk) {
        Ok(database) => database,
        // Not yet a vault: it has its name only once it is one.
        Err(_) if cut.promised.is_none() => return,
        Err(error) => panic!("{about}: {error}"),
    };
    let rows = everything(&database).unwrap();
    let first = cut.promised.unwrap_or_default();
    assert!(after.iter().skip(first).take(2).any(|after| *after == rows), "{about}: after promise {first}");
    disk.goes_off();
}

#[test]
fn a_power_cut_at_any_sync_leaves_a_vault_with_every_commit_or_the_one_under_way() {
    let (batches, mut chance) = (batches(SEED, 25), Chance::new(SEED));
    let (disk, after) = (Disk::default(), expected(&batches));
    assert_eq!(run(&disk, &batches), Ok(batches.len()));
    let mut images = 0;
    for cut in cuts(&disk) {
        for left in cut.images(DEPTH, &mut chance) {
            look(&left.image, &cut, &after, "cut");
            images += 1;
        }
    }
    println!("evidence: P13 F2 F3 | {images} crash images of a client's vault | seeds {SEED}..{}", SEED + 1);
}

#[test]
fn a_disk_that_fails_or_is_full_at_any_call_leaves_a_vault_that_works_again() {
    let batches = batches(SEED, 8);
    let after = expected(&batches);
    let whole = Disk::default();
    run(&whole, &batches).unwrap();
    let once = [Call::Read, Call::Write, Call::Sync]
        .into_iter()
        .flat_map(|call| (0..whole.count(call)).map(move |at| Fault::Once(call, at)));
    let full = (0..whole.count(Call::Write)).map(Fault::Full);
    let (mut faults, mut chance) = (0, Chance::new(SEED));
    for fault in once.chain(full) {
        let about = format!("{fault:?}");
        let disk = Disk::default();
        disk.fails(fault);
        let promised = run(&disk, &batches);
        disk.works();
        faults += 1;
        // The handle was closed; the next operation opens the file again, as the system still sees it.
        let Ok(promised) = promised else { continue };
        let database = open(&disk).unwrap_or_else(|error| panic!("{about}: {error}"));
        let rows = everything(&database).unwrap();
        let at = after.iter().skip(promised).take(2).position(|after| *after == rows);
        let Some(at) = at.map(|at| promised + at) else { panic!("{about}: other rows than before or after") };
        // It goes on, and a power cut then takes nothing back of it, lost pages or not.
        for (number, batch) in batches.iter().enumerate().skip(at) {
            commit(&database, batch).unwrap_or_else(|error| panic!("{about}: {error}"));
            disk.promised(number + 1);
        }
        drop(database);
        for cut in cuts(&disk).iter().filter(|cut| cut.promised.is_some_and(|promised| promised > at)) {
            for left in cut.images(Depth { every_subset: 2, samples: 3 }, &mut chance) {
                look(&left.image, cut, &after, &about);
            }
        }
    }
    println!("evidence: P13 F5 F6 | {faults} failed or full disks under a client's vault | seeds {SEED}..{}", SEED + 1);
}

#[test]
fn a_vault_that_rots_is_damaged_or_whole_and_ends_no_process() {
    let batches = batches(SEED, 12);
    let whole = Disk::default();
    run(&whole, &batches).unwrap();
    let (image, mut chance) = (whole.image(), Chance::new(SEED));
    let mut damaged = 0;
    for _ in 0..300 {
        let mut rotten = image.clone();
        let bits = if chance.one_in(3) { 512 * 8 } else { rotten.0[0].length_bytes() * 8 };
        rotten.0[0].flip(chance.below(bits));
        let disk = Disk::with(rotten);
        let Ok(database) = open(&disk) else {
            damaged += 1;
            continue;
        };
        let rows = caught(|| everything(&database));
        // What redb gives back may be anything: the vault's own seal decides. That it gives back something is enough.
        damaged += u64::from(rows.is_err());
        let closed = catch_unwind(AssertUnwindSafe(|| drop(database)));
        drop(closed);
    }
    assert!(damaged > 0);
    println!(
        "evidence: P16 F7 | 300 rotten vaults, {damaged} of them found damaged by the store | seeds {SEED}..{}",
        SEED + 1
    );
}

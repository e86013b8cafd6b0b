//! The disk fails at one call, or is full from one write on.

use lightproof_relay::store::{RuleError, Store as _};
use lightproof_tests::power::{
    chance::Chance,
    cut::{Depth, cuts},
    disk::{Call, Disk, Fault},
};

use crate::{
    record::{Everything, cut_off, everything, open, record, reopen, together},
    workload::{Act, acts},
};

/// What a failure may leave, looked at a little.
const DEPTH: Depth = Depth { every_subset: 3, samples: 6 };
const SEED: u64 = 7;
const GROUPS: usize = 8;

/// Runs the workload on a disk that fails. How many groups were acknowledged; `None` if the store did not even open.
fn run_until_it_fails(disk: &Disk, fault: Fault, groups: &[Vec<Act>], about: &str) -> Option<usize> {
    disk.fails(fault);
    let store = match open(disk) {
        Ok(store) => store,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return None;
        }
    };
    disk.promised(0);
    let mut acknowledged = 0;
    for group in groups {
        let done = together(&store, group);
        if done.iter().all(Result::is_ok) {
            assert!(!store.failed().is_cancelled(), "{about}: acknowledged after a failure");
            acknowledged += 1;
            disk.promised(acknowledged);
            continue;
        }
        assert!(
            done.iter().all(|one| matches!(one, Err(RuleError::Unavailable(_)))),
            "{about}: half a commit: {done:?}"
        );
        // The relay stops now. Until it has, nothing is acknowledged, though the disk works again.
        if !matches!(fault, Fault::Full(_)) {
            disk.works();
        }
        assert!(
            together(&store, &[Act::one_more(0)]).iter().all(Result::is_err),
            "{about}: acknowledged after a failure"
        );
        assert!(store.failed().is_cancelled(), "{about}: nobody is told that the store has failed");
        break;
    }
    drop(store);
    Some(acknowledged)
}

fn is_what_was_promised(rows: &Everything, after: &[Everything], promised: usize) -> bool {
    after.iter().skip(promised).take(2).any(|after| after == rows)
}

#[test]
fn after_a_failed_read_write_or_sync_nothing_more_is_acknowledged_and_nothing_is_lost() {
    let groups = acts(SEED, GROUPS);
    let whole = record(&groups);
    let mut chance = Chance::new(SEED);
    let (mut faults, mut images) = (0, 0);
    for call in [Call::Read, Call::Write, Call::Sync] {
        for at in 0..whole.disk.count(call) {
            let about = format!("{call:?} {at}");
            let disk = Disk::default();
            run_until_it_fails(&disk, Fault::Once(call, at), &groups, &about);
            faults += 1;
            let all = cuts(&disk);
            // Before and after the failure: what a power cut right then leaves, and what the end of the process leaves.
            for cut in all.iter().rev().take(2) {
                for left in cut.images(DEPTH, &mut chance) {
                    images += 1;
                    match (reopen(&left.image), cut.promised) {
                        (Ok((disk, store, rows)), promised) => {
                            assert!(is_what_was_promised(&rows, &whole.after, promised.unwrap_or_default()), "{about}");
                            cut_off(&disk, store);
                        }
                        (Err(_), None) => {}
                        (Err(error), Some(_)) => panic!("{about}: {error}"),
                    }
                }
            }
        }
    }
    println!(
        "evidence: P13 F5 | {faults} failed reads, writes and syncs of the relay's store, one after the other | -"
    );
    println!("evidence: P13 F5 | {images} images of what such a failure left | seeds {SEED}..{}", SEED + 1);
}

#[test]
fn a_disk_that_is_full_at_any_write_keeps_what_was_acknowledged_and_the_next_start_goes_on() {
    let groups = acts(SEED, GROUPS);
    let whole = record(&groups);
    let writes = whole.disk.count(Call::Write);
    for at in 0..writes {
        let about = format!("full from write {at} on");
        let disk = Disk::default();
        let acknowledged = run_until_it_fails(&disk, Fault::Full(at), &groups, &about);
        // The process ended, the system did not: what was written is there, synced or not.
        let image = disk.image();
        let Some(acknowledged) = acknowledged else { continue };
        let (_, store, rows) = reopen(&image).unwrap_or_else(|error| panic!("{about}: {error}"));
        assert!(is_what_was_promised(&rows, &whole.after, acknowledged), "{about}");
        assert!(together(&store, &[Act::one_more(0)]).iter().all(Result::is_ok), "{about}: it does not go on");
        assert_ne!(everything(&store).unwrap(), rows);
    }
    println!("evidence: P13 F6 | {writes} disks that are full, each from another write on | -");
}

/// The system goes on after a failed sync: what was lost looks written, until the power goes.
#[test]
fn a_relay_that_starts_again_after_a_failed_sync_is_safe_from_then_on() {
    const STARTED: usize = 1_000;
    let groups = acts(SEED, GROUPS);
    let syncs = record(&groups).disk.count(Call::Sync);
    let (mut chance, mut images) = (Chance::new(SEED), 0);
    for at in 0..syncs {
        let about = format!("sync {at}");
        let disk = Disk::default();
        if run_until_it_fails(&disk, Fault::Once(Call::Sync, at), &groups, &about).is_none() {
            continue;
        }
        let store = open(&disk).unwrap_or_else(|error| panic!("{about}: {error}"));
        let mut after = vec![everything(&store).unwrap()];
        disk.promised(STARTED);
        for more in 0..3 {
            assert!(together(&store, &[Act::one_more(more)]).iter().all(Result::is_ok));
            after.push(everything(&store).unwrap());
            disk.promised(STARTED + after.len() - 1);
        }
        cut_off(&disk, store);
        for cut in cuts(&disk) {
            let Some(promised) = cut.promised.and_then(|promised| promised.checked_sub(STARTED)) else { continue };
            for left in cut.images(DEPTH, &mut chance) {
                images += 1;
                let (disk, store, rows) = reopen(&left.image).unwrap_or_else(|error| panic!("{about}: {error}"));
                assert!(is_what_was_promised(&rows, &after, promised), "{about}: lost after {promised} more");
                cut_off(&disk, store);
            }
        }
    }
    println!(
        "evidence: P13 F5 | {images} power cuts after a start that followed a failed sync | seeds {SEED}..{}",
        SEED + 1
    );
}

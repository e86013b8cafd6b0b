//! The power goes at every sync, and again while the store recovers.

use lightproof_tests::{
    effort,
    power::{
        chance::Chance,
        cut::{Cut, Depth, Left, cuts},
    },
};

use crate::{
    record::{Recorded, cut_off, everything, record, reopen, together},
    workload::{Act, acts, far_back},
};

/// How far to look: at the run itself, at what recovers from that, and at what recovers from the recovery.
const DEPTHS: [Depth; 3] = [
    Depth { every_subset: 10, samples: 60 },
    Depth { every_subset: 4, samples: 5 },
    Depth { every_subset: 1, samples: 3 },
];
/// One image in so many is gone on with: something more is stored, and the power goes again.
const GOES_ON: [u64; 3] = [150, 150, u64::MAX];

/// What was looked at.
#[derive(Default)]
struct Seen {
    images: [u64; 3],
    torn: u64,
    unfinished: u64,
}

struct Search {
    chance: Chance,
    seed: u64,
    seen: Seen,
}

impl Search {
    /// Looks at everything that a cut could leave of a run, `level` cuts after the first.
    fn explore(&mut self, recorded: &Recorded, level: usize) {
        for cut in cuts(&recorded.disk) {
            for left in cut.images(DEPTHS[level], &mut self.chance) {
                self.seen.images[level] += 1;
                self.seen.torn += u64::from(left.is_torn);
                self.look(recorded, &cut, &left, level);
            }
        }
    }

    fn look(&mut self, recorded: &Recorded, cut: &Cut, left: &Left, level: usize) {
        let about = format!("seed {}, cut {level} after promise {:?}, torn: {}", self.seed, cut.promised, left.is_torn);
        let (disk, store, rows) = match reopen(&left.image) {
            Ok(reopened) => reopened,
            // Not yet a store: a file has its name only once it is one.
            Err(_) if level == 0 && cut.promised.is_none() => return self.seen.unfinished += 1,
            Err(error) => panic!("{about}: {error}"),
        };
        // All that was promised, and at most the one group that was under way: nothing of it, or the whole.
        let first = cut.promised.unwrap_or_default();
        let at = recorded.after.iter().skip(first).take(2).position(|after| *after == rows);
        assert!(at.is_some(), "{about}: other rows than before or after the commit under way");
        // What was cut off while it was made is made anew, under another name: it never has a second crash.
        let is_unfinished = level == 0 && cut.promised.is_none();
        if is_unfinished || !self.chance.one_in(GOES_ON[level]) {
            return cut_off(&disk, store);
        }
        disk.promised(0);
        let done = together(&store, &[Act::one_more(level)]);
        assert!(done.iter().all(Result::is_ok), "{about}: what recovered takes nothing more: {done:?}");
        disk.promised(1);
        let after = vec![rows, everything(&store).unwrap()];
        if self.chance.one_in(2) {
            drop(store)
        } else {
            cut_off(&disk, store)
        }
        self.explore(&Recorded { disk, after }, level + 1);
    }
}

#[test]
fn a_power_cut_at_any_sync_loses_nothing_acknowledged_and_leaves_nothing_half() {
    let seeds = effort::seeds(2);
    let mut all = Seen::default();
    for seed in seeds.clone() {
        let mut search = Search { chance: Chance::new(seed), seed, seen: Seen::default() };
        search.explore(&record(&acts(seed, 30)), 0);
        for (sum, images) in all.images.iter_mut().zip(search.seen.images) {
            *sum += images;
        }
        all.torn += search.seen.torn;
        all.unfinished += search.seen.unfinished;
    }
    let [first, second, third] = all.images;
    assert!(first > 0 && second > 0 && third > 0 && all.torn * 5 > first + second + third, "it looked at too little");
    println!("evidence: P13 F2 | {first} crash images of the relay's store | seeds {}..{}", seeds.start, seeds.end);
    println!("evidence: P13 F3 | {} images with torn sectors | seeds {}..{}", all.torn, seeds.start, seeds.end);
    println!("evidence: P13 F4 | {second} crashes in a recovery | seeds {}..{}", seeds.start, seeds.end);
    println!("evidence: P13 F4 | {third} crashes in a second recovery | seeds {}..{}", seeds.start, seeds.end);
    println!("{} images were of a store not made yet, and refused", all.unfinished);
}

#[test]
fn a_power_cut_while_envelopes_move_to_the_front_of_their_file_loses_none() {
    let recorded = record(&far_back());
    let [_, beside] = &recorded.disk.image().0;
    assert!(beside.length_bytes() < 7 * 16_384, "nothing moved: {}", beside.length_bytes());
    let mut search = Search { chance: Chance::new(1), seed: 1, seen: Seen::default() };
    search.explore(&recorded, 0);
    println!("evidence: P13 F2 | {} crash images of a store that moves envelopes | seeds 1..2", search.seen.images[0]);
}

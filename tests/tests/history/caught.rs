//! Each bug is caught within 200 seeds; without it the same seeds pass.

use std::{collections::BTreeSet, fmt::Debug};

use lightproof_tests::{
    effort,
    history::{History, Violation},
};

use crate::{
    people::{self, Bug},
    plant::Plant,
    trial::Trial,
};

const SEEDS: u64 = 200;

fn live<T>(life: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(life)
}

/// The first seed at which a bug shows.
fn caught_at(bug: impl Debug, planted: impl Fn(u64) -> History, shows: impl Fn(&Violation) -> bool) -> u64 {
    let seed = (0..SEEDS).find(|seed| planted(*seed).check().iter().any(&shows));
    let seed = seed.unwrap_or_else(|| panic!("{bug:?} was not caught in {SEEDS} seeds"));
    println!("{bug:?}: seed {seed}");
    seed
}

fn pass(seeds: &BTreeSet<u64>, honest: impl Fn(u64) -> History) -> usize {
    let mut events = 0;
    for seed in seeds {
        let history = honest(*seed);
        assert_eq!(history.check(), [], "seed {seed}: {history:?}");
        events += history.count();
    }
    events
}

#[test]
fn every_bug_planted_in_a_relay_is_caught_and_the_shipped_one_passes() {
    let mut seeds: BTreeSet<u64> = effort::seeds(4).collect();
    for plant in Plant::ALL {
        let planted = |seed| live(Trial::run(Some(plant), seed));
        seeds.extend(0..=caught_at(plant, planted, |violation| plant.shows_as(violation)));
    }
    let events = pass(&seeds, |seed| live(Trial::run(None, seed)));
    let last = seeds.last().map_or(0, |last| last + 1);
    println!(
        "evidence: P13 | {} planted bugs of a relay and its depositors caught | seeds 0..{last}",
        Plant::ALL.len()
    );
    println!(
        "evidence: P13 F2 | {events} events of the shipped relay checked, with power cuts between | seeds 0..{last}"
    );
}

#[test]
fn every_bug_planted_in_a_client_is_caught_and_the_shipped_one_passes() {
    let mut seeds: BTreeSet<u64> = effort::seeds(2).collect();
    for bug in Bug::ALL {
        let planted = |seed| live(people::run(Some(bug), seed));
        seeds.extend(0..=caught_at(bug, planted, |violation| bug.shows_as(violation)));
    }
    let events = pass(&seeds, |seed| live(people::run(None, seed)));
    let last = seeds.last().map_or(0, |last| last + 1);
    println!("evidence: P13 | {} planted bugs of a client caught | seeds 0..{last}", Bug::ALL.len());
    println!("evidence: P13 F10 | {events} events of the shipped client checked | seeds 0..{last}");
}

//! Every way we could think of for a relay to lie: what its victim is told, or why nobody can tell.
//!
//! Each lie is a row of a table: what somebody does meanwhile, what the relay says, and how it ends. After every one
//! the relay turns honest, and its victims must be as if nothing had happened: the next messages arrive, nothing is
//! shown twice, and nothing is lost but what the lie itself destroyed.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests fail by panicking")]

mod answers;
mod envelopes;
mod photos;
mod prekeys;
mod stage;
mod table;
mod tell;
mod watching;

use std::{collections::BTreeSet, thread};

use lightproof_tests::world::in_virtual_time;

use crate::{
    stage::{Stage, paused},
    table::{Ends, Entry},
};

fn all() -> Vec<Entry> {
    [envelopes::lies(), watching::lies(), answers::lies(), prekeys::lies(), photos::lies()]
        .into_iter()
        .flatten()
        .collect()
}

#[test]
fn every_lie_is_named_or_has_no_effect_or_is_listed_as_undetectable() {
    const THREADS: usize = 2;
    let count = all().len();
    // Stages are made of things that stay on their thread.
    let play = |thread: usize| {
        let stage = in_virtual_time(paused(), Stage::build());
        let mine = all().into_iter().skip(thread).step_by(THREADS);
        mine.filter_map(|entry| stage.play(&entry).err().map(|error| format!("{}: {error}", entry.name))).collect()
    };
    let failed: Vec<String> = thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS).map(|thread| scope.spawn(move || -> Vec<String> { play(thread) })).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    assert!(failed.is_empty(), "{} of {count} lies ended otherwise:\n{}", failed.len(), failed.join("\n"));
    let of = |which: fn(&Ends) -> bool| all().iter().filter(|entry| which(&entry.ends)).count();
    let detected = of(|ends| matches!(ends, Ends::Detected(_) | Ends::DetectedLater(_)));
    let harmless = of(|ends| matches!(ends, Ends::Harmless(_)));
    let undetectable = of(|ends| matches!(ends, Ends::Undetectable(_)));
    println!(
        "evidence: P14 A31 | {count} lies of a relay ({detected} detected and named, {harmless} without effect, \
         {undetectable} undetectable and listed) | -"
    );
}

#[test]
fn what_nobody_can_detect_is_in_the_threat_model_and_nothing_else() {
    let threat_model = include_str!("../../../docs/threat-model.md");
    let section = threat_model.split("### What a relay can do undetected").nth(1).unwrap();
    let section = section.split("\n## ").next().unwrap().split_whitespace().collect::<Vec<_>>().join(" ");
    let listed: BTreeSet<&str> = section.split('*').skip(1).step_by(2).collect();
    let lies = all();
    let undetectable = lies.iter().filter(|entry| matches!(entry.ends, Ends::Undetectable(_)));
    assert_eq!(listed, undetectable.map(|entry| entry.name).collect());
}

#[test]
fn there_are_enough_lies_and_no_two_are_the_same() {
    let mut names: Vec<&str> = all().iter().map(|entry| entry.name).collect();
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert!(names.len() == count && count >= 40, "{count} lies");
}

//! The fuzz targets without a fuzzer: on every file of their committed corpora, and on seeded mutations of those.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "tests fail by panicking"
)]

mod corpus;

use std::{
    fs,
    num::NonZero,
    panic,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use lightproof_tests::{
    effort::seeds,
    fuzz::{TARGETS, Target, mutate::mutated},
};

fn seeds_of(target: &Target) -> Vec<Vec<u8>> {
    let mut paths: Vec<_> =
        fs::read_dir(corpus::folder(target.name)).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

#[test]
fn every_target_has_a_corpus_and_survives_it() {
    let mut count = 0;
    for target in &TARGETS {
        let seeds = seeds_of(target);
        assert!(!seeds.is_empty(), "{} has no corpus", target.name);
        for seed in &seeds {
            (target.run)(seed);
        }
        count += seeds.len();
    }
    println!("evidence: P16 | {count} files of the corpora of {} fuzz targets | -", TARGETS.len());
}

#[test]
fn every_target_of_the_fuzzer_is_one_of_ours() {
    let folder = corpus::folder("").join("../fuzz_targets");
    let mut there: Vec<_> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    there.sort();
    assert_eq!(there, TARGETS.map(|target| target.name));
    for name in there {
        let text = fs::read_to_string(folder.join(format!("{name}.rs"))).unwrap();
        assert!(text.contains(&format!("run(\"{name}\"")), "{name} runs something else");
        let manifest = fs::read_to_string(folder.join("../Cargo.toml")).unwrap();
        assert!(manifest.contains(&format!("fuzz_targets/{name}.rs")), "{name} is not built");
    }
}

/// For a second and a half of each at the usual effort.
fn run_mutations(target: &Target) -> u64 {
    let corpus = seeds_of(target);
    let range = seeds(u64::from(target.a_second) * 3 / 2);
    let (first, count) = (range.start, range.end - range.start);
    for seed in range {
        let place = usize::try_from(seed).unwrap();
        let (original, other) = (&corpus[place % corpus.len()], &corpus[(place / corpus.len()) % corpus.len()]);
        let bytes = mutated(original, other, seed);
        panic::catch_unwind(|| (target.run)(&bytes))
            .unwrap_or_else(|_| panic!("{}, seed {seed} of {first}: a mutation of {} bytes", target.name, bytes.len()));
    }
    count
}

#[test]
fn no_mutation_of_a_corpus_panics_or_is_read_in_two_ways() {
    let (next, total) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let workers = thread::available_parallelism().map_or(1, NonZero::get);
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                while let Some(target) = TARGETS.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let began = std::time::Instant::now();
                    let count = run_mutations(target);
                    total.fetch_add(usize::try_from(count).unwrap(), Ordering::Relaxed);
                    println!("{}: {count} mutations, {:?}", target.name, began.elapsed());
                }
            });
        }
    });
    let range = seeds(1);
    println!(
        "evidence: P16 | {} mutations over {} fuzz targets | seeds from {}",
        total.into_inner(),
        TARGETS.len(),
        range.start
    );
}

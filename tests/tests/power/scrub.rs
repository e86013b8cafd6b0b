//! Whatever people ask of a relay, in any order: its rows fit together after each commit.

use lightproof_relay::{
    scrub::{Fault, scrub},
    store::{
        look,
        memory::{MemoryChunks, MemoryStore},
    },
};
use lightproof_tests::effort;

use crate::{record::by_the_reference, workload::acts};

#[test]
fn a_scrub_finds_nothing_wrong_whatever_people_have_asked_for() {
    let (mut looks, seeds) = (0, effort::seeds(20));
    for seed in seeds.clone() {
        let store = MemoryStore::default();
        for group in acts(seed, 40) {
            assert!(by_the_reference(&store, &group).iter().all(Result::is_ok));
            let mut found = look(&store, |rows| scrub(rows, &MemoryChunks::default(), &|| true)).unwrap();
            // These rules know no files.
            found.faults.remove(&Fault::FileMissing);
            assert!(found.is_well(), "seed {seed}, after {group:?}: {found:?}");
            looks += 1;
        }
    }
    println!(
        "evidence: P13 | {looks} scrubs of what the rules had made, nothing wrong | seeds {}..{}",
        seeds.start, seeds.end
    );
}

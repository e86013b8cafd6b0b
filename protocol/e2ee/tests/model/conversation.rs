//! Any sequence of steps: what the shipped code does is what the plain model says.

use std::cell::{Cell, RefCell};

use proptest::{
    collection::vec,
    prelude::*,
    test_runner::{Config, RngAlgorithm, TestCaseResult, TestError, TestRng, TestRunner},
};

use crate::{
    effort::seeds,
    kept::OPENED,
    world::{Action, Tally, World},
};

const SEQUENCES: u64 = 1_000;
const STEPS_MAX: usize = 200;

fn action() -> impl Strategy<Value = Action> {
    let (who, which) = (|| 0_usize..2, any::<usize>);
    prop_oneof![
        600 => (who(), which()).prop_map(|(who, which)| Action::Seal(who, which)),
        900 => which().prop_map(Action::Deliver),
        10 => who().prop_map(Action::Call),
        10 => (who(), which()).prop_map(|(who, which)| Action::SealTooLong(who, which)),
        20 => (who(), which()).prop_map(|(who, which)| Action::SealUnsaved(who, which)),
        10 => (who(), which(), 2_u16..40).prop_map(|(who, which, count)| Action::Flood(who, which, count)),
        1 => (who(), which(), 997_u16..1_006).prop_map(|(who, which, count)| Action::Flood(who, which, count)),
        8 => (who(), which(), 1_u8..12).prop_map(|(who, which, rounds)| Action::Straggle(who, which, rounds)),
        30 => which().prop_map(Action::DeliverUnsaved),
        30 => which().prop_map(Action::Misbehave),
        60 => (which(), which(), any::<u8>()).prop_map(|(which, at, bit)| Action::Tamper(which, at, bit)),
        60 => which().prop_map(Action::Drop),
        10 => (who(), which()).prop_map(|(who, which)| Action::Supersede(who, which)),
        40 => who().prop_map(Action::Remember),
        20 => who().prop_map(Action::Restore),
        40 => (-3_i8..35).prop_map(Action::Days),
    ]
}

/// Every second sequence begins in a session, the others with two people who call each other at once.
fn play(seed: u64, actions: &[Action], tally: &RefCell<Tally>) -> TestCaseResult {
    let mut world = World::new(seed);
    world.step(Action::Call(0))?;
    world.step(if seed.is_multiple_of(2) { Action::Deliver(1) } else { Action::Call(1) })?;
    for action in actions {
        world.step(*action)?;
    }
    world.finish()?;
    for (what, count) in world.tally {
        *tally.borrow_mut().entry(what).or_default() += count;
    }
    Ok(())
}

#[test]
fn what_opens_is_what_the_plain_model_says() {
    let (seeds, tally, step_count) = (seeds(SEQUENCES), RefCell::default(), Cell::new(0));
    let mut sequence_count = 0;
    for seed in seeds.clone() {
        let config = Config { cases: 1, failure_persistence: None, max_shrink_iters: 2_000, ..Config::default() };
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        let random = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
        let sequences = vec(action(), 1..=STEPS_MAX);
        let outcome = TestRunner::new_with_rng(config, random).run(&sequences, |actions| {
            step_count.set(step_count.get() + actions.len());
            play(seed, &actions, &tally)
        });
        match outcome {
            Ok(()) => sequence_count += 1,
            Err(TestError::Fail(reason, shrunk)) => panic!("seed {seed}: {reason}\nafter {shrunk:#?}"),
            Err(error) => panic!("seed {seed}: {error}"),
        }
    }
    let tally = tally.into_inner();
    for what in [OPENED, "answered", "already opened", "not this session", "too many skipped", "undecryptable"] {
        assert!(tally.get(what).is_some_and(|count| *count > 10), "{what} was hardly tried: {tally:?}");
    }
    println!(
        "evidence: P9 A7 A8 A33 A43 | {sequence_count} sequences of up to {STEPS_MAX} steps | seeds {}..{}",
        seeds.start, seeds.end
    );
    println!(
        "evidence: P9 | {} steps, each as in the plain model | seeds {}..{}",
        step_count.get(),
        seeds.start,
        seeds.end
    );
}

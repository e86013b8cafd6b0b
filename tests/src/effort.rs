//! How much the randomised tests do: little in the ordinary run, much in a campaign.

use std::{env, ops::Range};

/// So many cases at the effort that `LIGHTPROOF_TEST_EFFORT` asks for; without it, `cases`.
#[must_use]
pub fn times(cases: u64) -> u64 {
    cases * number("LIGHTPROOF_TEST_EFFORT", 1)
}

/// The seeds of so many cases, from `LIGHTPROOF_TEST_SEED` on.
#[must_use]
pub fn seeds(cases: u64) -> Range<u64> {
    let first = number("LIGHTPROOF_TEST_SEED", 0);
    first..first + times(cases)
}

/// A setting that is no number is a mistake to be told of, not to be passed over.
fn number(name: &str, otherwise: u64) -> u64 {
    env::var(name).map_or(otherwise, |value| value.parse().expect(name))
}

//! How much the randomised tests do: little in the ordinary run, much in a campaign.

use std::{env, ops::Range};

/// So many seeds times `LIGHTPROOF_TEST_EFFORT`, from `LIGHTPROOF_TEST_SEED` on.
pub(crate) fn seeds(count: u64) -> Range<u64> {
    let number = |name, otherwise| env::var(name).map_or(otherwise, |value| value.parse().expect(name));
    let first = number("LIGHTPROOF_TEST_SEED", 0);
    first..first + count * number("LIGHTPROOF_TEST_EFFORT", 1)
}

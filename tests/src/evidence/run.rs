//! One run of the tests, as the ledger keeps it: a line of JSON.

use serde::{Deserialize, Serialize};

use super::output::Output;

/// One run.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// The day, as ISO 8601.
    pub date: String,
    /// What was tested.
    pub commit: String,
    /// `LIGHTPROOF_TEST_EFFORT`.
    pub effort: u64,
    /// What it printed.
    #[serde(flatten)]
    pub output: Output,
}

//! The output of `cargo test -- --show-output`.

use serde::{Deserialize, Serialize};

/// One line of evidence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// The test that printed it.
    pub test: String,
    /// The promises it shows.
    pub promises: Vec<String>,
    /// How many.
    pub count: u64,
    /// Of what.
    pub what: String,
    /// The seeds, if chance had a part.
    pub seeds: String,
}

/// What one run of the tests printed.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Output {
    /// Tests that passed.
    pub passed: u64,
    /// Tests that failed, by name.
    pub failed: Vec<String>,
    /// What they counted.
    pub lines: Vec<Line>,
}

impl Output {
    /// Reads it.
    ///
    /// # Errors
    /// A line of evidence that does not read as one.
    pub fn read(text: &str) -> Result<Self, String> {
        let mut output = Self::default();
        let mut test = None;
        for line in text.lines() {
            if let Some(name) = line.strip_prefix("---- ").and_then(|rest| rest.strip_suffix(" stdout ----")) {
                test = Some(name);
            } else if let Some(result) = line.strip_prefix("test ").filter(|rest| !rest.starts_with("result:")) {
                output.note(result);
            } else if line == "successes:" || line == "failures:" {
                test = None;
            } else if let (Some(test), Some(said)) = (test, line.strip_prefix("evidence: ")) {
                output.lines.push(Line::read(test, said).ok_or_else(|| format!("{test}: {said}"))?);
            }
        }
        // Only what passed is evidence.
        let failed = &output.failed;
        output.lines.retain(|line| !failed.contains(&line.test));
        Ok(output)
    }

    fn note(&mut self, result: &str) {
        match result.rsplit_once(" ... ") {
            Some((_, "ok")) => self.passed += 1,
            Some((name, "FAILED")) => self.failed.push(name.to_owned()),
            _ => {}
        }
    }
}

impl Line {
    fn read(test: &str, said: &str) -> Option<Self> {
        let [promises, counted, seeds] = said.split(" | ").collect::<Vec<_>>().try_into().ok()?;
        let (count, what) = counted.split_once(' ')?;
        let seeds = if seeds == "-" { seeds } else { seeds.strip_prefix("seeds ")? };
        Some(Self {
            test: test.to_owned(),
            promises: promises.split(' ').map(str::to_owned).collect(),
            count: count.parse().ok()?,
            what: what.to_owned(),
            seeds: seeds.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUN: &str = "\
running 2 tests
test a::good ... ok
test bad ... FAILED
test waits ... ignored

successes:

---- a::good stdout ----
hello
evidence: P9 P3 | 7 sequences of steps | seeds 0..7
evidence: P9 | 3 things | -

failures:

---- bad stdout ----
evidence: P1 | 9 lies | -
test result: FAILED. 1 passed; 1 failed
";

    #[test]
    fn evidence_is_what_tests_that_passed_counted() {
        let output = Output::read(RUN).unwrap();
        assert_eq!((output.passed, &output.failed[..]), (1, &["bad".to_owned()][..]));
        let told: Vec<_> = output.lines.iter().map(|line| (line.count, &*line.what, &*line.seeds)).collect();
        assert_eq!(told, [(7, "sequences of steps", "0..7"), (3, "things", "-")]);
        assert_eq!((&*output.lines[0].test, output.lines[0].promises.len()), ("a::good", 2));
    }

    #[test]
    fn a_line_without_a_count_is_an_error() {
        for said in ["P9 | many things | -", "P9 | 3 things", "P9 | 3 things | 0..3", "P9 | 3 | -"] {
            let run = format!("---- a stdout ----\nevidence: {said}\n");
            assert!(Output::read(&run).is_err(), "{said}");
        }
    }
}

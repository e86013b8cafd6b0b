//! `docs/evidence.md`.

use std::{collections::BTreeMap, fmt::Write as _};

use super::{output::Line, run::Run};

const HEAD: &str = "\
# What the tests did

Written by `.ci/campaign` from [the ledger](evidence.jsonl), which holds what ran and is only ever appended to; a test
compares this page with it. The promises are in [promises.md](promises.md), with every test that shows them: here are those
that count. *Last* is the last run, *most* the largest number in one run, *in all* the sum over every run in the ledger.

What these figures are not: everything ran on one machine over loopback, on x86-64; no hardware lost its power; timings in
a virtual machine are weak evidence; and nobody outside the project has audited Lightproof.
";

struct Total<'a> {
    last: &'a Line,
    most: u64,
    all: u64,
}

/// The page for these runs, the last one last. `promises` is the page with the numbered promises.
#[must_use]
pub fn page(runs: &[Run], promises: &str) -> String {
    let mut page = HEAD.to_owned();
    // By test and place among its lines: what one says may hold numbers of the run.
    let mut totals: BTreeMap<(&str, usize), Total<'_>> = BTreeMap::new();
    for run in runs {
        let mut places: BTreeMap<&str, usize> = BTreeMap::new();
        for line in &run.output.lines {
            let place = places.entry(&line.test).or_default();
            let total = totals.entry((&line.test, *place)).or_insert(Total { last: line, most: 0, all: 0 });
            *total = Total { last: line, most: total.most.max(line.count), all: total.all + line.count };
            *place += 1;
        }
    }
    for (id, statement) in statements(promises) {
        let shown: Vec<&Total<'_>> =
            totals.values().filter(|total| total.last.promises.iter().any(|promise| promise == id)).collect();
        if shown.is_empty() {
            continue;
        }
        let _infallible = write!(page, "\n## {id}: {statement}\n\n");
        page.push_str("| what | last | most | in all | seeds of the last | test |\n|---|---:|---:|---:|---|---|\n");
        for Total { last: Line { test, what, count, seeds, .. }, most, all } in shown {
            let _infallible = writeln!(page, "| {what} | {count} | {most} | {all} | {seeds} | `{test}` |");
        }
    }
    page.push_str("\n## The runs\n\n| date | commit | effort | tests passed | failed |\n|---|---|---:|---:|---|\n");
    for Run { date, commit, effort, output } in runs {
        let failed = if output.failed.is_empty() { "none".to_owned() } else { output.failed.join(", ") };
        let _infallible = writeln!(page, "| {date} | {commit} | {effort} | {} | {failed} |", output.passed);
    }
    page
}

/// The numbered rows of the tables in `docs/promises.md`.
fn statements(promises: &str) -> impl Iterator<Item = (&str, &str)> {
    promises.lines().filter_map(|line| {
        let mut cells = line.strip_prefix("| ")?.split(" | ");
        let (id, statement) = (cells.next()?, cells.next()?);
        let is_id = id.starts_with(['P', 'A', 'F']) && id[1..].parse::<u32>().is_ok();
        is_id.then_some((id, statement))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::Output;

    #[test]
    fn a_page_tells_the_last_the_most_and_the_sum() {
        let run = |count| {
            let line = Line {
                test: "a_test".into(),
                promises: vec!["P2".into()],
                count,
                what: format!("things, {count} of them"),
                seeds: format!("0..{count}"),
            };
            let output = Output { passed: 1, failed: Vec::new(), lines: vec![line] };
            Run { date: "d".into(), commit: "c".into(), effort: 1, output }
        };
        let promises = "| id | promise | tests |\n|---|---|---|\n| P1 | one | - |\n| P2 | two | - |\n";
        let page = page(&[run(3), run(5), run(4)], promises);
        assert!(page.contains("## P2: two") && !page.contains("P1"), "{page}");
        assert!(page.contains("| things, 4 of them | 4 | 5 | 12 | 0..4 | `a_test` |"), "{page}");
        assert_eq!(page.matches("| d | c | 1 | 1 | none |").count(), 3);
    }
}

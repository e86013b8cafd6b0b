//! `docs/performance.md`: a section for each measurement, written anew when it is taken, with the machine it was taken on.

use std::{fs, io, path::Path};

use crate::{Measurement, error::BenchError, machine, relay, report::Report};

const HEAD: &str = "\
# Performance

Written by `cargo run --release -p lightproof-bench -- --write`, a section for each measurement that runs; not edited by hand.

Every line is a ratio to a limit that the same run took on the same machine: the median of paired rounds after one that does \
not count, with the least and the most in parentheses. Times of the client are of whole processes, from start to exit, over TLS \
on loopback; memory is taken once.
";

/// Puts what was measured into the page, in place of what was there of it.
pub(crate) fn write(path: &Path, measurement: Measurement, report: &Report, rounds: u32) -> Result<(), BenchError> {
    let at = |error| BenchError::at(path.display().to_string())(error);
    let before = match fs::read_to_string(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(at(error)),
        before => before.unwrap_or_default(),
    };
    let machine: Vec<_> = machine::describe().iter().map(|(what, value)| format!("{what} {value}")).collect();
    let section = format!("{}\nMeasured on: {}; {rounds} rounds.\n", report.markdown(), machine.join("; "));
    fs::write(path, with(&before, measurement.title(), &section)).map_err(at)
}

/// The page with one section replaced.
fn with(page: &str, title: &str, section: &str) -> String {
    let mut sections: Vec<_> = page.split("\n## ").skip(1).filter_map(|section| section.split_once("\n\n")).collect();
    sections.retain(|(other, _)| *other != title);
    sections.push((title, section));
    let mut whole = HEAD.to_owned();
    for wanted in Measurement::ALL.map(Measurement::title) {
        for (title, section) in sections.iter().filter(|(title, _)| *title == wanted) {
            whole.push_str(&format!("\n## {title}\n\n{}\n", section.trim_end()));
        }
    }
    whole + "\n" + relay::HOW
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_takes_the_place_of_its_older_one_and_leaves_the_others() {
        let [first, .., last] = Measurement::ALL.map(Measurement::title);
        let page = with("", last, "| 1 |\n\nMeasured.\n");
        let page = with(&page, first, "| 2 |\n");
        let page = with(&page, last, "| 3 |\n");
        assert!(page.starts_with(HEAD) && page.ends_with(relay::HOW));
        assert!(page.find("| 2 |").unwrap() < page.find("| 3 |").unwrap() && !page.contains("| 1 |"));
        assert_eq!(page.matches("\n## ").count(), 3, "{page}");
        assert_eq!(with(&page, last, "| 3 |\n"), page);
    }
}

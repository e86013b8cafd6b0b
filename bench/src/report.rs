//! What was measured, as a table: every line a ratio to a limit of the same run.

use std::fmt::Write as _;

use crate::samples::Samples;

/// What values are in.
#[derive(Clone, Copy)]
pub(crate) enum Unit {
    Seconds,
    Mebibytes,
    Kibibytes,
    PerSecond,
    Percent,
    Count,
}

/// Which ratios are good.
#[derive(Clone, Copy)]
pub(crate) enum Goal {
    AtMost(f64),
    AtLeast(f64),
}

impl Goal {
    fn is_met(self, ratio: f64) -> bool {
        match self {
            Self::AtMost(most) => ratio <= most,
            Self::AtLeast(least) => ratio >= least,
        }
    }

    fn words(self) -> String {
        match self {
            Self::AtMost(most) => format!("≤ {most:.1}"),
            Self::AtLeast(least) => format!("≥ {least:.1}"),
        }
    }
}

/// One ratio.
pub(crate) struct Line {
    pub(crate) what: &'static str,
    pub(crate) unit: Unit,
    pub(crate) ours: Samples,
    /// What the limit is made of, in words.
    pub(crate) limit_is: &'static str,
    pub(crate) limit: Samples,
    /// None where the line only explains.
    pub(crate) goal: Option<Goal>,
    /// What ours and the limit consist of.
    pub(crate) parts: Vec<(&'static str, Samples)>,
}

/// Everything of one run.
#[derive(Default)]
pub(crate) struct Report {
    pub(crate) lines: Vec<Line>,
    /// Points of growth.
    pub(crate) curves: Vec<Curve>,
    /// What was not measured, and why.
    pub(crate) skipped: Vec<String>,
    /// What should never be.
    pub(crate) broken: Vec<String>,
}

/// Points under a heading.
pub(crate) struct Curve {
    what: &'static str,
    rows: Vec<[String; 6]>,
}

impl Curve {
    pub(crate) fn new(what: &'static str, headings: [String; 6]) -> Self {
        Self { what, rows: vec![headings] }
    }

    pub(crate) fn push(&mut self, row: [String; 6]) {
        self.rows.push(row);
    }
}

impl Line {
    fn ratios(&self) -> Samples {
        self.ours.over(&self.limit)
    }

    fn verdict(&self) -> &'static str {
        match self.goal {
            None => "",
            Some(goal) if goal.is_met(self.ratios().median()) => "met",
            Some(_) => "MISSED",
        }
    }

    fn cells(&self) -> [String; 7] {
        let ratios = self.ratios();
        [
            self.what.to_owned(),
            self.unit.spread(&self.ours),
            self.limit_is.to_owned(),
            self.unit.spread(&self.limit),
            format!("{:.2} ({:.2}–{:.2})", ratios.median(), ratios.min(), ratios.max()),
            self.goal.map_or_else(String::new, Goal::words),
            self.verdict().to_owned(),
        ]
    }
}

const HEADINGS: [&str; 7] = ["what", "Lightproof", "limit", "of the same run", "ratio", "goal", ""];

impl Report {
    pub(crate) fn is_good(&self) -> bool {
        self.broken.is_empty() && self.lines.iter().all(|line| line.verdict() != "MISSED")
    }

    /// For a terminal and for a page alike.
    pub(crate) fn markdown(&self) -> String {
        let mut rows = vec![HEADINGS.map(str::to_owned)];
        rows.extend(self.lines.iter().map(Line::cells));
        let mut text = if self.lines.is_empty() { String::new() } else { table(&rows) };
        for line in self.lines.iter().filter(|line| !line.parts.is_empty()) {
            let _ = writeln!(text, "\n{}, in parts:\n", line.what);
            let part = |(name, samples): &(&str, Samples)| [(*name).to_owned(), line.unit.spread(samples)];
            let parts: Vec<_> = std::iter::once(["part".to_owned(), "median (min–max)".to_owned()])
                .chain(line.parts.iter().map(part))
                .collect();
            text.push_str(&table(&parts));
        }
        for curve in &self.curves {
            let _ = writeln!(text, "\n{}:\n", curve.what);
            text.push_str(&table(&curve.rows));
        }
        for broken in &self.broken {
            let _ = writeln!(text, "\nBROKEN: {broken}");
        }
        for skipped in &self.skipped {
            let _ = writeln!(text, "\nNot measured: {skipped}");
        }
        text.trim_start().to_owned()
    }
}

impl Unit {
    fn spread(self, samples: &Samples) -> String {
        let (median, min, max) = (samples.median(), samples.min(), samples.max());
        match self {
            Self::Seconds if median < 0.1 => {
                format!("{:.2} ms ({:.2}–{:.2})", median * 1e3, min * 1e3, max * 1e3)
            }
            Self::Seconds => format!("{median:.3} s ({min:.3}–{max:.3})"),
            Self::Mebibytes => format!("{median:.1} MiB ({min:.1}–{max:.1})"),
            Self::Kibibytes => format!("{median:.1} KiB ({min:.1}–{max:.1})"),
            Self::PerSecond => format!("{median:.0}/s ({min:.0}–{max:.0})"),
            Self::Percent => format!("{median:.2} % ({min:.2}–{max:.2})"),
            Self::Count => format!("{median:.0} ({min:.0}–{max:.0})"),
        }
    }
}

/// A table of markdown; the first row is its head.
pub(crate) fn table<const N: usize>(rows: &[[String; N]]) -> String {
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..N).map(|column| width(column).unwrap_or_default()).collect();
    let mut text = String::new();
    for (number, row) in rows.iter().enumerate() {
        for (cell, width) in row.iter().zip(&widths) {
            let _ = write!(text, "| {cell:width$} ");
        }
        text.push_str("|\n");
        if number == 0 {
            for width in &widths {
                let _ = write!(text, "|{:-<1$}", "", width.saturating_add(2));
            }
            text.push_str("|\n");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_its_ratio_and_whether_it_is_good() {
        let line = |ours: f64| Line {
            what: "a send",
            unit: Unit::Seconds,
            ours: Samples::from_iter([ours]),
            limit_is: "a copy",
            limit: Samples::from_iter([0.5]),
            goal: Some(Goal::AtMost(2.0)),
            parts: Vec::new(),
        };
        let good = Report { lines: vec![line(1.0)], skipped: vec!["b".to_owned()], ..Report::default() };
        let text = good.markdown();
        assert!(text.contains("| 2.00 (2.00–2.00) | ≤ 2.0 | met |") && text.contains("Not measured: b"), "{text}");
        assert!(good.is_good());
        assert!(!Report { lines: vec![line(1.1)], ..Report::default() }.is_good());
        assert!(!Report { broken: vec!["c".to_owned()], ..Report::default() }.is_good());
    }
}

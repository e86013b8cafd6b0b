//! How the demo is told: a line for each step, a line for each check, and an end that counts them.

use std::fmt::{self, Write as _};

use serde::Serialize;

use crate::exit::{Exit, Failure};
use crate::output::{Output, Page, Reader, Report, Style};
use crate::sanitize::Sanitized;
use crate::terminal::Window;

/// Who a line is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Who {
    Alice,
    Bob,
    Both,
    Nobody,
    Relay,
}

impl Who {
    const fn label(self) -> &'static str {
        match self {
            Self::Alice => "Alice",
            Self::Bob => "Bob",
            Self::Both => "both",
            Self::Nobody => "",
            Self::Relay => "relay",
        }
    }
}

/// The demo as it is told.
pub(super) struct Story<'o> {
    output: &'o mut Output,
    held: u32,
    failed: u32,
}

impl<'o> Story<'o> {
    /// Begins.
    pub(super) fn new(output: &'o mut Output) -> Self {
        Self { output, held: 0, failed: 0 }
    }

    /// Where it is told.
    pub(super) fn output(&self) -> &Output {
        self.output
    }

    /// One step; `what` is ours, or `Sanitized`.
    ///
    /// # Errors
    /// Where stdout cannot be written.
    pub(super) fn says(&mut self, who: Who, what: impl Into<String>) -> Result<(), Failure> {
        self.output.report(&Step { who, what: what.into() })
    }

    /// Something that must be so.
    ///
    /// # Errors
    /// Where stdout cannot be written.
    pub(super) fn checks(&mut self, what: &'static str, holds: bool) -> Result<(), Failure> {
        if holds {
            self.held += 1;
        } else {
            self.failed += 1;
        }
        self.output.report(&Check { what, holds })
    }

    /// The note, as Bob reads it.
    ///
    /// # Errors
    /// Where stdout cannot be written.
    pub(super) fn note(&mut self, note: &str) -> Result<(), Failure> {
        match self.output.reader() {
            Reader::Json => self.says(Who::Bob, format!("reads: {note}")),
            Reader::Person => {
                let columns = usize::from(Window::of_stdout().columns);
                self.output.bytes(format!("\n{}\n\n", Sanitized::note(note, columns)).as_bytes())
            }
        }
    }

    /// The photo, as Bob sees it.
    ///
    /// # Errors
    /// Where stdout cannot be written.
    pub(super) fn picture(&mut self, drawing: &str) -> Result<(), Failure> {
        match self.output.reader() {
            Reader::Json => Ok(()),
            Reader::Person => self.output.bytes(format!("{drawing}\n").as_bytes()),
        }
    }

    /// How it ended.
    ///
    /// # Errors
    /// Where something that must be so was not.
    pub(super) fn end(mut self) -> Result<Exit, Failure> {
        if self.failed > 0 {
            return Err(Failure::new(Exit::Unverified, format!("{} of the checks failed", self.failed)));
        }
        let held = self.held;
        self.says(Who::Nobody, format!("all {held} checks hold"))?;
        Ok(Exit::Done)
    }
}

/// A step.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename = "step")]
struct Step {
    who: Who,
    what: String,
}

impl Report for Step {
    fn for_people(&self, page: &mut Page) -> fmt::Result {
        let label = page.ink().paint(Style::Strong, format_args!("{:<6}", self.who.label()));
        writeln!(page, "{label} {}", self.what)
    }
}

/// A check.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename = "check")]
struct Check {
    what: &'static str,
    holds: bool,
}

impl Report for Check {
    fn for_people(&self, page: &mut Page) -> fmt::Result {
        let (mark, style) = if self.holds { ("✓", Style::Good) } else { ("✗", Style::Danger) };
        let mark = page.ink().paint(style, mark);
        writeln!(page, "       {mark} {}", self.what)
    }
}

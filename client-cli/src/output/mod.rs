//! What a run says: results on stdout, for people or as JSON lines, from one value; errors and remarks.
//!
//! `event.rs` holds the values. Whatever a peer wrote is escaped here in JSON, and is `Sanitized` in text.

use std::fmt::{self, Display, Write as _};
use std::io::{self, IsTerminal, Write};

use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter};

use crate::exit::Failure;
use crate::sanitize::is_visible_or_space;

pub(crate) mod compressed;
pub(crate) mod event;

/// One result: an object with stable keys, and how people read it.
pub(crate) trait Report: Serialize {
    /// As lines for people; ends with a line break, or is empty.
    ///
    /// # Errors
    /// Only those of the page itself.
    fn for_people(&self, page: &mut Page) -> fmt::Result;
}

/// Who reads stdout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reader {
    /// A program: one JSON object per line.
    Json,
    /// A person.
    Person,
}

/// How much is said besides results and errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verbosity {
    /// Nothing.
    Quiet,
    /// What a person wants to know.
    Normal,
    /// Each step.
    Verbose,
}

/// Where and how this run speaks.
pub(crate) struct Output {
    reader: Reader,
    verbosity: Verbosity,
    stdout: Channel,
    stderr: Channel,
    reader_is_gone: bool,
}

struct Channel {
    sink: Box<dyn Write + Send>,
    style: Ink,
}

impl Output {
    /// The standard streams.
    pub(crate) fn standard(reader: Reader, verbosity: Verbosity, colour: Colour) -> Self {
        let stdout = Channel { style: colour.on(&io::stdout()), sink: Box::new(io::stdout()) };
        let stderr = Channel { style: colour.on(&io::stderr()), sink: Box::new(io::stderr()) };
        Self { reader, verbosity, stdout, stderr, reader_is_gone: false }
    }

    /// Who reads.
    pub(crate) const fn reader(&self) -> Reader {
        self.reader
    }

    /// How much is said.
    pub(crate) const fn verbosity(&self) -> Verbosity {
        self.verbosity
    }

    /// Whether nobody reads stdout any more: what was reported last may not have been read.
    pub(crate) const fn reader_is_gone(&self) -> bool {
        self.reader_is_gone
    }

    /// What stdout can show.
    pub(crate) const fn ink(&self) -> Ink {
        self.stdout.style
    }

    /// Whether a person looks at stdout, so that a picture makes sense there.
    pub(crate) fn is_watched(&self) -> bool {
        self.reader == Reader::Person && io::stdout().is_terminal()
    }

    /// A result, on stdout.
    ///
    /// # Errors
    /// Where stdout cannot be written, unless its reader has simply gone.
    pub(crate) fn report(&mut self, report: &impl Report) -> Result<(), Failure> {
        let text = match self.reader {
            Reader::Json => {
                json_line(report).map_err(|_| Failure::failed("the result could not be written as JSON"))?
            }
            Reader::Person => {
                let mut page = Page { text: String::new(), ink: self.stdout.style };
                report.for_people(&mut page).map_err(|_| Failure::failed("the result could not be written as text"))?;
                page.text
            }
        };
        self.bytes(text.as_bytes())
    }

    /// Text or bytes that are themselves the result (a card, a link, a picture), on stdout.
    ///
    /// # Errors
    /// Where stdout cannot be written, unless its reader has simply gone.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        match self.stdout.sink.write_all(bytes).and_then(|()| self.stdout.sink.flush()) {
            // `lightproof messages | head -1`: the reader has what it wanted.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.reader_is_gone = true;
                Ok(())
            }
            Err(error) => Err(Failure::failed(format!("cannot write to stdout: {error}"))),
            Ok(()) => Ok(()),
        }
    }

    /// A remark for a person, on stderr.
    pub(crate) fn remark(&mut self, text: impl Display) {
        self.tell(Verbosity::Normal, "", Style::Plain, text);
    }

    /// A step, for a person who asked for `--verbose`, on stderr.
    pub(crate) fn step(&mut self, text: impl Display) {
        self.tell(Verbosity::Verbose, "", Style::Faint, text);
    }

    /// A remark that matters, on stderr, with `--quiet` too.
    pub(crate) fn warn(&mut self, text: impl Display) {
        self.tell(Verbosity::Quiet, "warning: ", Style::Caution, text);
    }

    /// Why the run failed: `error:` and `hint:` on stderr, or one JSON object on stdout.
    pub(crate) fn failure(&mut self, failure: &Failure) {
        if self.reader == Reader::Json {
            let event = event::Error::from(failure);
            // Nothing is left to tell if even this cannot be written; the exit code still says it.
            let _unwritten = self.report(&event);
            return;
        }
        self.tell(Verbosity::Quiet, "error: ", Style::Danger, &failure.what);
        if let Some(hint) = &failure.hint {
            self.tell(Verbosity::Quiet, "hint: ", Style::Strong, hint);
        }
    }

    fn tell(&mut self, wanted: Verbosity, label: &str, style: Style, text: impl Display) {
        if self.verbosity < wanted {
            return;
        }
        let ink = self.stderr.style;
        let line = if label.is_empty() {
            format!("{}\n", ink.paint(style, text))
        } else {
            format!("{}{text}\n", ink.paint(style, label))
        };
        // Where stderr is gone there is nobody to tell.
        let _unheard = self.stderr.sink.write_all(line.as_bytes()).and_then(|()| self.stderr.sink.flush());
    }
}

/// Lines for people, with ink.
pub(crate) struct Page {
    text: String,
    ink: Ink,
}

impl Page {
    /// The ink of this page.
    pub(crate) const fn ink(&self) -> Ink {
        self.ink
    }
}

impl fmt::Write for Page {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.text.write_str(text)
    }
}

/// What colour says; never the only thing that says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    Plain,
    Strong,
    Faint,
    Good,
    Caution,
    Danger,
}

/// Whether the person allows colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Colour {
    /// On a terminal.
    Allowed,
    /// Never: `--no-color`, `NO_COLOR`, or a terminal that has none.
    Never,
}

impl Colour {
    /// From the flag and the environment.
    pub(crate) fn choose(forbidden: bool, variable: impl Fn(&str) -> Option<std::ffi::OsString>) -> Self {
        // https://no-color.org: present and not empty.
        let no_color = variable("NO_COLOR").is_some_and(|value| !value.is_empty());
        let dumb = variable("TERM").is_some_and(|term| term == "dumb");
        if forbidden || no_color || dumb { Self::Never } else { Self::Allowed }
    }

    fn on(self, stream: &impl IsTerminal) -> Ink {
        if self == Self::Allowed && stream.is_terminal() { Ink::Coloured } else { Ink::Plain }
    }
}

/// What a stream can show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ink {
    /// Colours.
    Coloured,
    /// Text only.
    Plain,
}

impl Ink {
    /// The text in a style.
    pub(crate) fn paint(self, style: Style, text: impl Display) -> String {
        let code = match style {
            _ if self == Self::Plain => "",
            Style::Plain => "",
            Style::Strong => "1",
            Style::Faint => "2",
            Style::Good => "32",
            Style::Caution => "33",
            Style::Danger => "1;31",
        };
        if code.is_empty() { text.to_string() } else { format!("\u{1b}[{code}m{text}\u{1b}[0m") }
    }
}

/// One line of JSON in which every character that is not visible is escaped: stdout may be a terminal.
fn json_line(value: &(impl Serialize + ?Sized)) -> serde_json::Result<String> {
    let mut bytes = Vec::new();
    value.serialize(&mut serde_json::Serializer::with_formatter(&mut bytes, VisibleJson(CompactFormatter)))?;
    bytes.push(b'\n');
    String::from_utf8(bytes).map_err(serde::ser::Error::custom)
}

struct VisibleJson(CompactFormatter);

impl Formatter for VisibleJson {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        let mut escaped = String::with_capacity(fragment.len());
        for c in fragment.chars() {
            if is_visible_or_space(c) {
                escaped.push(c);
                continue;
            }
            for unit in c.encode_utf16(&mut [0; 2]) {
                write!(escaped, "\\u{unit:04x}").map_err(io::Error::other)?;
            }
        }
        self.0.write_string_fragment(writer, &escaped)
    }
}

#[cfg(test)]
pub(crate) mod hostile;
#[cfg(test)]
mod tests;

//! The only way to print a peer's text: an allow-list of what is visible, one line that stays one line, a note that stays
//! indented, a word of a command that stays one word.
//!
//! Visible is what Rust's own `Debug` prints as it is: no control, format, private, unassigned or separator character.
//! From that, characters that draw nothing are taken away. Right-to-left text is isolated, so that it cannot reorder ours.

use std::borrow::Cow;
use std::fmt::{self, Display, Formatter, Write};
use std::path::Path;

use unicode_width::UnicodeWidthChar;

/// Text of a peer, as it may reach a terminal.
#[derive(Clone, Debug)]
pub(crate) struct Sanitized<'a> {
    text: Cow<'a, str>,
    layout: Layout,
}

#[derive(Clone, Copy, Debug)]
enum Layout {
    Line,
    Word,
    Note { columns: usize },
}

impl<'a> Sanitized<'a> {
    /// A name, a label, a file name: one line, where everything invisible shows.
    pub(crate) fn line(text: &'a str) -> Self {
        Self { text: Cow::Borrowed(text), layout: Layout::Line }
    }

    /// A word of a command that is printed to be copied: to a shell it is one argument, whatever stands in it.
    pub(crate) fn word(text: &'a str) -> Self {
        Self { text: Cow::Borrowed(text), layout: Layout::Word }
    }

    /// A file as a word of a command: one that begins with `-` would be an option of it.
    pub(crate) fn file(text: &'a str) -> Self {
        let text = if text.starts_with('-') { Cow::Owned(format!("./{text}")) } else { Cow::Borrowed(text) };
        Self { text, layout: Layout::Word }
    }

    /// A path, whatever its bytes are.
    pub(crate) fn path(path: &'a Path) -> Self {
        Self { text: path.to_string_lossy(), layout: Layout::Line }
    }

    /// A note: every line is indented, and broken before the terminal would break it at its left edge, where a peer could
    /// imitate us. Prints no line break after the last line.
    pub(crate) fn note(text: &'a str, columns: usize) -> Self {
        Self { text: Cow::Borrowed(text), layout: Layout::Note { columns } }
    }
}

impl Display for Sanitized<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.layout {
            Layout::Line => write_isolated(f, &clean(&self.text, Invisible::Shown)),
            Layout::Word => write_word(f, &clean(&self.text, Invisible::Shown)),
            Layout::Note { columns } => {
                let columns = columns.saturating_sub(NOTE_INDENT.len()).max(MIN_NOTE_COLUMNS);
                let mut first = true;
                for line in split_lines(&self.text) {
                    for row in wrap(&clean(line, Invisible::Dropped), columns) {
                        if !first {
                            f.write_char('\n')?;
                        }
                        first = false;
                        f.write_str(NOTE_INDENT)?;
                        write_isolated(f, row)?;
                    }
                }
                Ok(())
            }
        }
    }
}

/// Whether a character may be printed as it is, in a JSON string too.
pub(crate) fn is_visible(c: char) -> bool {
    // Behind a letter, `Debug` of a `str` escapes exactly what `core` does not consider printable, and quotes.
    let mut buffer = [b'a'; 5];
    let after = buffer.split_first_mut().map_or(0, |(_, rest)| c.encode_utf8(rest).len());
    let pair = buffer.get(..=after).and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or_default();
    let printable = matches!(c, '"' | '\'' | '\\') || pair.escape_debug().skip(1).eq([c]);
    printable && !draws_nothing(c)
}

/// Whether a character may stand in a name that I choose.
pub(crate) fn is_visible_or_space(c: char) -> bool {
    c == ' ' || is_visible(c)
}

/// What to do with the invisible characters that ordinary writing needs: joiners and variation selectors.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Invisible {
    /// In a name, two of which could differ by them alone.
    Shown,
    /// In a note, where emoji hold them.
    Dropped,
}

fn clean(text: &str, invisible: Invisible) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut marks = 0_usize;
    for c in text.chars() {
        if invisible == Invisible::Dropped && shapes_neighbours(c) {
            continue;
        }
        let c = match c {
            _ if breaks_line(c) => REPLACEMENT,
            _ if c.is_whitespace() => ' ',
            _ if is_visible(c) => c,
            _ => REPLACEMENT,
        };
        marks = if c.width() == Some(0) { marks.saturating_add(1) } else { 0 };
        // A mark at the beginning would sit on our own text, a pile of them on the lines above.
        let misplaced = marks > 0 && clean.is_empty() || marks > MAX_MARKS;
        clean.push(if misplaced { REPLACEMENT } else { c });
    }
    clean
}

fn split_lines(text: &str) -> impl Iterator<Item = &str> {
    text.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line))
}

/// Breaks a clean line at the last space that fits, or within a word longer than a row.
fn wrap(mut line: &str, columns: usize) -> Vec<&str> {
    let mut rows = Vec::new();
    while let Some(overflow) = first_overflow(line, columns) {
        let (head, tail) = line.split_at(overflow);
        let word = if tail.starts_with(' ') { None } else { head.rfind(' ').filter(|&space| space > 0) };
        let end = word.unwrap_or(overflow);
        let (row, rest) = line.split_at(end);
        rows.push(row);
        line = rest.strip_prefix(' ').unwrap_or(rest);
    }
    rows.push(line);
    rows
}

/// Where the first character begins that lies past `columns`; never at the very beginning, so that every row advances.
fn first_overflow(line: &str, columns: usize) -> Option<usize> {
    let mut used = 0_usize;
    line.char_indices().find_map(|(at, c)| {
        used = used.saturating_add(c.width().unwrap_or(1));
        (used > columns && at > 0).then_some(at)
    })
}

fn write_isolated(f: &mut Formatter<'_>, clean: &str) -> fmt::Result {
    if clean.chars().any(writes_right_to_left) { write!(f, "\u{2068}{clean}\u{2069}") } else { f.write_str(clean) }
}

/// Not isolated: isolates would be copied with the name, and make it another.
fn write_word(f: &mut Formatter<'_>, clean: &str) -> fmt::Result {
    if !clean.is_empty() && clean.chars().all(is_plain) {
        return f.write_str(clean);
    }
    f.write_char('\'')?;
    for c in clean.chars() {
        match c {
            // Between quotes, sh takes a backslash as it is and fish does not; outside of them they agree.
            '\'' | '\\' => write!(f, "'\\{c}'")?,
            _ => f.write_char(c)?,
        }
    }
    f.write_char('\'')
}

/// What no shell takes for anything but itself.
fn is_plain(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '-' | '.' | '/' | '_')
}

fn breaks_line(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// Joiners and variation selectors: they change how neighbours are drawn and nothing else.
fn shapes_neighbours(c: char) -> bool {
    matches!(c, '\u{200c}' | '\u{200d}' | '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}')
}

/// Letters, marks and symbols that show nothing (`Default_Ignorable_Code_Point` outside the format characters, and blanks).
fn draws_nothing(c: char) -> bool {
    shapes_neighbours(c)
        || matches!(
            c,
            '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{2800}' | '\u{3164}' | '\u{ffa0}'
                | '\u{16fe4}' | '\u{1d159}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}'
        )
}

fn writes_right_to_left(c: char) -> bool {
    matches!(c, '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{feff}' | '\u{10800}'..='\u{10fff}' | '\u{1e800}'..='\u{1efff}')
}

const REPLACEMENT: char = char::REPLACEMENT_CHARACTER;
const NOTE_INDENT: &str = "    ";
const MIN_NOTE_COLUMNS: usize = 16;
/// Vietnamese and Thai stack two, cantillated Hebrew four.
const MAX_MARKS: usize = 4;

#[cfg(test)]
pub(crate) mod hostile;
#[cfg(test)]
mod tests;

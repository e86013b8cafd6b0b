//! Lines of text into cells (ratatui): nothing leaves its row, and no letter its cell.
//!
//! Right-to-left text stays isolated, as `Sanitized` wrote it: the mark that opens it goes into its first cell, the one
//! that closes it into its last.

use ratatui_core::buffer::{Buffer, Cell, CellWidth};
use ratatui_core::layout::Rect;
use ratatui_core::style::{Color, Modifier, Style as Look};
use ratatui_core::text::Span;

use crate::output::Style;
use crate::picture::{Block, Depth, nearest};

/// A line of text in parts, each in a style.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Line(Vec<(Style, String)>);

impl Line {
    /// In no style.
    pub(crate) fn plain(text: impl Into<String>) -> Self {
        Self::of(Style::Plain, text)
    }

    /// In one style.
    pub(crate) fn of(style: Style, text: impl Into<String>) -> Self {
        Self(vec![(style, text.into())])
    }

    /// With more behind it.
    pub(crate) fn and(mut self, style: Style, text: impl Into<String>) -> Self {
        self.0.push((style, text.into()));
        self
    }

    /// With more behind it, in so many columns: filled up with blanks, or cut off.
    pub(crate) fn column(self, style: Style, text: &str, columns: usize) -> Self {
        let mut fitted = fit(text, columns);
        let blanks = columns.saturating_sub(width(&fitted));
        fitted.extend(std::iter::repeat_n(' ', blanks));
        self.and(style, fitted)
    }

    /// All of it as it stands.
    #[cfg(test)]
    pub(crate) fn text(&self) -> String {
        self.0.iter().map(|(_, text)| text.as_str()).collect()
    }
}

/// Columns of a text.
pub(crate) fn width(text: &str) -> usize {
    Span::raw(text).styled_graphemes(Look::default()).map(|one| usize::from(one.symbol.cell_width())).sum()
}

/// As much of a text as goes into so many columns; an ellipsis where something is missing. Isolates stay whole.
pub(crate) fn fit(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let mut fitted = String::new();
    let (mut used, mut open) = (0_usize, 0_usize);
    for one in Span::raw(text).styled_graphemes(Look::default()) {
        used = used.saturating_add(usize::from(one.symbol.cell_width()));
        if used > columns.saturating_sub(1) {
            break;
        }
        open = open.saturating_add(one.symbol.matches(ISOLATE).count());
        open = open.saturating_sub(one.symbol.matches(END_ISOLATE).count());
        fitted.push_str(one.symbol);
    }
    fitted.extend(std::iter::repeat_n(END_ISOLATE, open));
    if columns > 0 {
        fitted.push('…');
    }
    fitted
}

/// Writes a line into a row, from a column on.
pub(crate) fn line(buffer: &mut Buffer, area: Rect, row: u16, line: &Line) {
    if row >= area.height {
        return;
    }
    let y = area.y.saturating_add(row);
    let (mut x, end) = (area.x, area.right());
    let mut opening = String::new();
    for (style, text) in &line.0 {
        let mut last = None;
        for one in Span::raw(text.as_str()).styled_graphemes(Look::default()) {
            let symbol = one.symbol;
            if symbol.contains(char::is_control) {
                continue;
            }
            let columns = symbol.cell_width();
            if columns == 0 {
                // An isolate belongs to the cell behind it, its end to the one before.
                if symbol.contains(ISOLATE) {
                    opening.push(ISOLATE);
                } else if symbol.contains(END_ISOLATE) && opening.pop().is_none() {
                    close(buffer, last);
                }
                continue;
            }
            if x.saturating_add(columns) > end {
                x = end;
                break;
            }
            for inside in x.saturating_add(1)..x.saturating_add(columns) {
                buffer.cell_mut((inside, y)).into_iter().for_each(Cell::reset);
            }
            if let Some(cell) = buffer.cell_mut((x, y)) {
                opening.push_str(symbol);
                cell.set_symbol(&opening).set_style(look(*style));
                opening.clear();
            }
            last = Some((x, y));
            x = x.saturating_add(columns);
        }
    }
    close_all(buffer, area, y);
}

fn close(buffer: &mut Buffer, at: Option<(u16, u16)>) {
    if let Some(cell) = at.and_then(|at| buffer.cell_mut(at)) {
        let closed = format!("{}{END_ISOLATE}", cell.symbol());
        cell.set_symbol(&closed);
    }
}

/// What was cut off at the edge of the window is closed there.
fn close_all(buffer: &mut Buffer, area: Rect, y: u16) {
    let (mut open, mut last) = (0_usize, None);
    for x in area.x..area.right() {
        let Some(cell) = buffer.cell((x, y)) else { continue };
        let (opened, closed) = (cell.symbol().matches(ISOLATE).count(), cell.symbol().matches(END_ISOLATE).count());
        open = open.saturating_add(opened).saturating_sub(closed);
        if cell.symbol() != " " {
            last = Some((x, y));
        }
    }
    (0..open).for_each(|_| close(buffer, last));
}

/// Draws rows of half blocks, in the middle of an area.
pub(crate) fn blocks(buffer: &mut Buffer, area: Rect, rows: &[Vec<Block>], depth: Depth) {
    let columns = rows.first().map_or(0, Vec::len);
    let left = u16::try_from(usize::from(area.width).saturating_sub(columns) / 2).unwrap_or(0);
    for (y, row) in (area.y..area.bottom()).zip(rows) {
        for (x, (letter, ink, ground)) in (area.x.saturating_add(left)..area.right()).zip(row) {
            let Some(cell) = buffer.cell_mut((x, y)) else { continue };
            cell.set_char(*letter);
            let shown = |of: &Option<[u8; 3]>| of.map_or(Color::Reset, |of| colour(of, depth));
            cell.set_fg(shown(ink)).set_bg(shown(ground));
        }
    }
}

fn colour(colour: [u8; 3], depth: Depth) -> Color {
    let [red, green, blue] = colour;
    if depth == Depth::True { Color::Rgb(red, green, blue) } else { Color::Indexed(nearest(colour)) }
}

fn look(style: Style) -> Look {
    match style {
        Style::Plain => Look::new(),
        Style::Strong => Look::new().add_modifier(Modifier::BOLD),
        Style::Faint => Look::new().add_modifier(Modifier::DIM),
        Style::Good => Look::new().fg(Color::Green),
        Style::Caution => Look::new().fg(Color::Yellow),
        Style::Danger => Look::new().fg(Color::Red).add_modifier(Modifier::BOLD),
    }
}

/// FIRST STRONG ISOLATE, as `Sanitized` writes it, and its end.
const ISOLATE: char = '\u{2068}';
const END_ISOLATE: char = '\u{2069}';

#[cfg(test)]
mod tests {
    use super::*;

    fn painted(text: &str, columns: u16) -> Vec<String> {
        let area = Rect::new(0, 0, columns, 1);
        let mut buffer = Buffer::empty(area);
        line(&mut buffer, area, 0, &Line::plain(text));
        buffer.content().iter().map(|cell| cell.symbol().to_owned()).collect()
    }

    #[test]
    fn every_letter_has_its_cell_and_what_does_not_fit_is_left_out() {
        assert_eq!(painted("añb", 4), ["a", "ñ", "b", " "]);
        assert_eq!(painted("字x", 4), ["字", " ", "x", " "]);
        assert_eq!(painted("a字", 2), ["a", " "]);
        assert_eq!(painted("x\u{1b}[2J", 5), ["x", "[", "2", "J", " "]);
        assert_eq!(painted("e\u{301}x", 3), ["e\u{301}", "x", " "]);
    }

    #[test]
    fn right_to_left_text_is_isolated_in_its_own_cells_also_where_it_is_cut_off() {
        assert_eq!(painted("a\u{2068}שב\u{2069}c", 5), ["a", "\u{2068}ש", "ב\u{2069}", "c", " "]);
        assert_eq!(painted("\u{2068}שבא\u{2069}", 2), ["\u{2068}ש", "ב\u{2069}"]);
        assert_eq!(fit("\u{2068}שבאג\u{2069} x", 3), "\u{2068}שב\u{2069}…");
    }

    #[test]
    fn a_column_is_as_wide_as_it_is_to_be() {
        for (text, fitted) in [("ab", "ab  "), ("abcd", "abcd"), ("abcde", "abc…"), ("字字字", "字… "), ("", "    ")]
        {
            assert_eq!(Line::default().column(Style::Plain, text, 4).text(), fitted);
        }
    }
}

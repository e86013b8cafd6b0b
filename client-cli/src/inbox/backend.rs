//! Cells onto a terminal (ratatui's `Backend`): plain escape sequences, no more colour than is allowed.
//!
//! Behind anything that is not ASCII the cursor is set anew: a terminal that disagrees about the width of a letter cannot
//! push what stands beside it.

use std::fmt::Write as _;
use std::io::{self, Write};

use ratatui_core::backend::{Backend, ClearType, WindowSize};
use ratatui_core::buffer::Cell;
use ratatui_core::layout::{Position, Size};
use ratatui_core::style::{Color, Modifier};

use crate::output::Ink;
use crate::terminal::Window;

/// Writes cells to a terminal.
pub(super) struct Cells<W> {
    out: W,
    ink: Ink,
    window: fn() -> Window,
}

impl<W: Write> Cells<W> {
    /// Nothing is written yet.
    pub(super) const fn new(out: W, ink: Ink, window: fn() -> Window) -> Self {
        Self { out, ink, window }
    }

    /// Bytes as they are: modes of the terminal, pictures.
    pub(super) fn send(&mut self, text: &str) -> io::Result<()> {
        self.out.write_all(text.as_bytes())?;
        self.out.flush()
    }
}

/// The look of a cell as an escape sequence.
fn look(cell: &Cell) -> String {
    let mut look = "\u{1b}[0".to_owned();
    let modifiers = [(Modifier::BOLD, ";1"), (Modifier::DIM, ";2"), (Modifier::REVERSED, ";7")];
    modifiers
        .iter()
        .filter(|(modifier, _)| cell.modifier.contains(*modifier))
        .for_each(|(_, code)| look.push_str(code));
    for (colour, base) in [(cell.fg, 30), (cell.bg, 40)] {
        // Writing to a String does not fail.
        let _ok = match colour {
            Color::Red => write!(look, ";{}", base + 1),
            Color::Green => write!(look, ";{}", base + 2),
            Color::Yellow => write!(look, ";{}", base + 3),
            Color::Indexed(index) => write!(look, ";{};5;{index}", base + 8),
            Color::Rgb(red, green, blue) => write!(look, ";{};2;{red};{green};{blue}", base + 8),
            _ => Ok(()),
        };
    }
    look.push('m');
    look
}

impl<W: Write> Backend for Cells<W> {
    type Error = io::Error;

    fn draw<'a, I>(&mut self, content: I) -> io::Result<()>
    where
        I: Iterator<Item = (u16, u16, &'a Cell)>,
    {
        let mut frame = String::new();
        let (mut next, mut last_look) = (None, String::new());
        for (x, y, cell) in content {
            if next != Some((x, y)) {
                let _ok = write!(frame, "\u{1b}[{};{}H", u32::from(y) + 1, u32::from(x) + 1);
            }
            if self.ink == Ink::Coloured {
                let look = look(cell);
                if look != last_look {
                    frame.push_str(&look);
                    last_look = look;
                }
            }
            let symbol = cell.symbol();
            // Nothing that was painted holds any: whatever comes here by another way does no harm either.
            if symbol.chars().any(char::is_control) {
                frame.push(' ')
            } else {
                frame.push_str(symbol)
            }
            next = symbol.is_ascii().then_some((x.saturating_add(1), y));
        }
        if !last_look.is_empty() {
            frame.push_str("\u{1b}[0m");
        }
        self.out.write_all(frame.as_bytes())
    }

    fn hide_cursor(&mut self) -> io::Result<()> {
        self.out.write_all(b"\x1b[?25l")
    }

    fn show_cursor(&mut self) -> io::Result<()> {
        self.out.write_all(b"\x1b[?25h")
    }

    fn get_cursor_position(&mut self) -> io::Result<Position> {
        // Only a terminal that shares its screen needs to know.
        Ok(Position::ORIGIN)
    }

    fn set_cursor_position<P: Into<Position>>(&mut self, position: P) -> io::Result<()> {
        let Position { x, y } = position.into();
        write!(self.out, "\u{1b}[{};{}H", u32::from(y) + 1, u32::from(x) + 1)
    }

    fn clear(&mut self) -> io::Result<()> {
        self.out.write_all(b"\x1b[0m\x1b[2J")
    }

    fn clear_region(&mut self, _: ClearType) -> io::Result<()> {
        self.clear()
    }

    fn size(&self) -> io::Result<Size> {
        let Window { columns, rows, .. } = (self.window)();
        Ok(Size::new(columns, rows))
    }

    fn window_size(&mut self) -> io::Result<WindowSize> {
        Ok(WindowSize { columns_rows: self.size()?, pixels: Size::ZERO })
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use ratatui_core::style::Style;

    use super::*;

    fn written(ink: Ink, cells: &[(u16, &str, Style)]) -> String {
        let mut backend = Cells::new(Vec::new(), ink, Window::default);
        let made: Vec<(u16, u16, Cell)> = cells
            .iter()
            .map(|(x, symbol, style)| {
                let mut cell = Cell::default();
                cell.set_symbol(symbol).set_style(*style);
                (*x, 0, cell)
            })
            .collect();
        backend.draw(made.iter().map(|(x, y, cell)| (*x, *y, cell))).unwrap();
        String::from_utf8(backend.out).unwrap()
    }

    #[test]
    fn behind_a_letter_of_doubtful_width_the_cursor_is_set_anew() {
        let plain = Style::new();
        let cells = [(0, "a", plain), (1, "字", plain), (3, "b", plain), (4, "c", plain)];
        assert_eq!(written(Ink::Plain, &cells), "\u{1b}[1;1Ha字\u{1b}[1;4Hbc");
    }

    #[test]
    fn without_colour_there_is_no_look_at_all_and_nothing_that_controls_is_written() {
        let red = Style::new().fg(Color::Red).add_modifier(Modifier::BOLD);
        assert_eq!(written(Ink::Plain, &[(0, "a", red)]), "\u{1b}[1;1Ha");
        assert_eq!(written(Ink::Coloured, &[(0, "a", red)]), "\u{1b}[1;1H\u{1b}[0;1;31ma\u{1b}[0m");
        assert_eq!(written(Ink::Plain, &[(0, "\u{1b}[2J", red)]), "\u{1b}[1;1H ");
    }
}

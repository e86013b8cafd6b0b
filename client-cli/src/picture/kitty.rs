//! Kitty's graphics protocol (<https://sw.kovidgoyal.net/kitty/graphics-protocol/>): a PNG in pieces of base64.

use std::fmt::Write;

use super::room;
use crate::terminal::Cell;

/// The PNG where the cursor stands, which moves behind it; the terminal is asked not to answer.
///
/// Where the size of a cell is not known to be right, the terminal is told how many cells to fill.
pub(super) fn draw(base64: &str, size: (u32, u32), cell: Option<Cell>) -> String {
    let mut keys = "a=T,f=100,q=2".to_owned();
    if cell.is_none() {
        let (columns, rows) = room::cells(size, Cell::usual());
        // Writing to a String does not fail.
        let _ok = write!(keys, ",c={columns},r={rows}");
    }
    let mut drawing = String::with_capacity(base64.len().saturating_add(base64.len() / 256).saturating_add(64));
    let mut rest = base64;
    loop {
        let (piece, more) = rest.split_at_checked(PIECE_BYTES).unwrap_or((rest, ""));
        let _ok = write!(drawing, "\u{1b}_G{keys},m={};{piece}\u{1b}\\", u8::from(!more.is_empty()));
        if more.is_empty() {
            drawing.push('\n');
            return drawing;
        }
        // The keys are for the first piece alone.
        "q=2".clone_into(&mut keys);
        rest = more;
    }
}

/// The most that the protocol allows in one piece; a multiple of four.
const PIECE_BYTES: usize = 4_096;

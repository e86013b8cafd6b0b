//! iTerm2's inline pictures (<https://iterm2.com/documentation-images.html>), which `WezTerm` and others draw too.

use super::room;
use crate::terminal::Cell;

/// The PNG where the cursor stands. Its size is told in cells, because pixels mean different things to different
/// screens; it is fitted into them in its own proportions.
pub(super) fn draw(base64: &str, png_bytes: usize, size: (u32, u32), cell: Cell) -> String {
    let (columns, rows) = room::cells(size, cell);
    format!(
        "\u{1b}]1337;File=inline=1;size={png_bytes};width={columns};height={rows};preserveAspectRatio=1:{base64}\u{7}\n"
    )
}

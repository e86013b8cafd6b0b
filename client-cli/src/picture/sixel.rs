//! Sixel graphics (DEC STD 070): six rows at a time, one colour of a palette after the other.

use std::fmt::Write;

use image::RgbaImage;

use super::palette::{Indexed, indexed};

/// The picture where the cursor stands, in at most so many colours; what is transparent stays as it was.
pub(super) fn draw(picture: &RgbaImage, colours: u16) -> String {
    let Indexed { palette, width, pixels } = indexed(picture, colours);
    // Writing to a String does not fail, here and below. Second parameter 1: what is not drawn stays as it was.
    let mut drawing = format!("\u{1b}P0;1;0q\"1;1;{};{}", picture.width(), picture.height());
    for (index, colour) in palette.iter().enumerate() {
        let [red, green, blue] = colour.map(|part| (u32::from(part) * 100 + 127) / 255);
        let _ok = write!(drawing, "#{index};2;{red};{green};{blue}");
    }
    for (number, band) in pixels.chunks(width.saturating_mul(6).max(1)).enumerate() {
        if number > 0 {
            drawing.push('-');
        }
        draw_band(band, width, palette.len(), &mut drawing);
    }
    drawing.push_str("\u{1b}\\\n");
    drawing
}

/// Up to six rows: each colour that occurs draws its pixels over the whole width, then the cursor goes back.
fn draw_band(band: &[Option<u8>], width: usize, colours: usize, drawing: &mut String) {
    let mut columns: Vec<Vec<u8>> = vec![Vec::new(); colours];
    for (place, index) in band.iter().enumerate() {
        let (x, y) = (place % width.max(1), place / width.max(1));
        let Some(line) = index.and_then(|index| columns.get_mut(usize::from(index))) else { continue };
        if line.is_empty() {
            line.resize(width, 0);
        }
        if let Some(bits) = line.get_mut(x) {
            *bits |= 1 << y;
        }
    }
    let mut is_first = true;
    for (index, line) in columns.iter().enumerate().filter(|(_, line)| !line.is_empty()) {
        let _ok = write!(drawing, "{}#{index}", if is_first { "" } else { "$" });
        is_first = false;
        let end = line.iter().rposition(|bits| *bits != 0).map_or(0, |last| last + 1);
        for run in line.get(..end).unwrap_or_default().chunk_by(|one, other| one == other) {
            let sixel = char::from(run.first().copied().unwrap_or_default() + b'?');
            match run.len() {
                1..=3 => drawing.extend(std::iter::repeat_n(sixel, run.len())),
                count => {
                    let _ok = write!(drawing, "!{count}{sixel}");
                }
            }
        }
    }
}

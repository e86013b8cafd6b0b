//! Pictures in the terminal: what the terminal can show, how much of the window one may take, and how it is written.
//!
//! A picture comes here decoded, and what is written is made from its pixels; nothing here reads a peer's bytes.

use std::io::Cursor;

use base64ct::{Base64, Encoding};
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{RgbaImage, imageops};

use crate::terminal::{Cell, Window};

mod answer;
mod ask;
pub(crate) mod child;
mod choose;
#[cfg(test)]
#[path = "../../tests/emulator/mod.rs"]
mod emulator;
mod half_block;
mod iterm2;
mod kitty;
mod palette;
mod preview;
mod room;
mod sixel;
#[cfg(test)]
mod tests;

pub(crate) use choose::{Asked, Depth};
pub(crate) use half_block::{Block, nearest};
pub(crate) use preview::{Preview, draw_row};

/// A decoded picture.
pub(crate) type Pixels = RgbaImage;

/// A way to draw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Graphics {
    /// Letters that fill half a cell.
    Blocks(Depth),
    /// iTerm2's inline pictures.
    Iterm2,
    /// Kitty's graphics protocol.
    Kitty,
    /// Sixel graphics with so many colours.
    Sixel(u16),
}

/// A picture, drawn.
#[derive(Clone, PartialEq)]
pub(crate) enum Drawing {
    /// Rows of cells.
    Cells(Vec<Vec<Block>>, Depth),
    /// What a terminal with graphics is to be sent where its upper left corner is.
    Graphics(String),
}

/// Takes every picture of kitty's protocol from the screen; other pictures go with the text over them.
pub(crate) const WIPE: &str = "\u{1b}_Ga=d,q=2\u{1b}\\";

/// Where pictures are drawn, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Canvas {
    graphics: Graphics,
    window: Window,
}

impl Canvas {
    /// Blocks of colour, in this window.
    pub(crate) const fn of_blocks(window: Window, depth: Depth) -> Self {
        Self { graphics: Graphics::Blocks(depth), window }
    }

    /// The most pixels, from left to right and from top to bottom, that make a difference here.
    pub(crate) fn most_pixels(&self) -> (u32, u32) {
        let (columns, rows) = (u32::from(self.window.columns), u32::from(self.window.rows));
        let Cell { width_px, height_px } = match self.graphics {
            // Twice as many as are drawn, so that each is an average.
            Graphics::Blocks(_) => Cell { width_px: 2, height_px: 4 },
            _ => self.cell(),
        };
        (columns.saturating_mul(width_px), rows.saturating_mul(height_px))
    }

    /// Draws a picture so that it fits the window, in its own proportions, never enlarged. The cursor stands in the
    /// first column below it afterwards.
    pub(crate) fn draw(&self, picture: &RgbaImage) -> String {
        match self.graphics {
            Graphics::Blocks(depth) => {
                let size = room::in_half_cells(picture.dimensions(), self.window);
                size.map_or_else(String::new, |size| half_block::draw(&shrunk(picture, size), depth))
            }
            _ => room::in_pixels(picture.dimensions(), self.window, self.cell())
                .and_then(|size| self.draw_pixels(&shrunk(picture, size)))
                .unwrap_or_default(),
        }
    }

    /// The same way of drawing in a part of the window.
    pub(crate) const fn within(self, columns: u16, rows: u16) -> Self {
        // `room` keeps rows for a prompt, and here there is none.
        let window = Window { columns, rows: rows.saturating_add(room::KEPT_ROWS), ..self.window };
        Self { window, ..self }
    }

    /// Draws a picture as [`draw`](Self::draw) does: as cells where it is made of letters.
    pub(crate) fn drawing(&self, picture: &RgbaImage) -> Drawing {
        match self.graphics {
            Graphics::Blocks(depth) => {
                let size = room::in_half_cells(picture.dimensions(), self.window);
                let cells = size.map(|size| half_block::cells(&shrunk(picture, size), depth));
                Drawing::Cells(cells.unwrap_or_default(), depth)
            }
            _ => Drawing::Graphics(self.draw(picture).trim_end_matches('\n').to_owned()),
        }
    }

    fn draw_pixels(&self, picture: &RgbaImage) -> Option<String> {
        if let Graphics::Sixel(colours) = self.graphics {
            return Some(sixel::draw(picture, colours));
        }
        let png = png(picture)?;
        let base64 = Base64::encode_string(&png);
        let size = picture.dimensions();
        Some(match self.graphics {
            Graphics::Iterm2 => iterm2::draw(&base64, png.len(), size, self.cell()),
            _ => kitty::draw(&base64, size, self.window.cell),
        })
    }

    fn cell(&self) -> Cell {
        self.window.cell.unwrap_or(Cell::usual())
    }
}

/// Averages the pixels it takes together, so that fine patterns do not turn into false ones.
fn shrunk(picture: &RgbaImage, (width, height): (u32, u32)) -> RgbaImage {
    if picture.dimensions() == (width, height) {
        return picture.clone();
    }
    imageops::thumbnail(picture, width, height)
}

/// The pixels as a PNG of our own making.
fn png(picture: &RgbaImage) -> Option<Vec<u8>> {
    let mut bytes = Cursor::new(Vec::new());
    let encoder = PngEncoder::new_with_quality(&mut bytes, CompressionType::Fast, FilterType::Adaptive);
    // Writing to memory fails only for sizes that a window does not have.
    picture.write_with_encoder(encoder).ok()?;
    Some(bytes.into_inner())
}

//! QR codes: half blocks in the terminal, and a PNG (qrcode).

use std::io::Cursor;

use image::{GrayImage, ImageFormat, Luma};
use qrcode::{Color, EcLevel, QrCode};

use crate::exit::Failure;
use crate::output::Ink;

/// A QR code of one line of text.
#[derive(Clone, Debug)]
pub(crate) struct Qr {
    modules: Vec<Color>,
    width: usize,
}

impl Qr {
    /// The smallest code that holds the text.
    ///
    /// # Errors
    /// Where the text is too long for any.
    pub(crate) fn of(text: &str) -> Result<Self, Failure> {
        // A screen and a fresh print lose little: the lowest level makes the largest modules.
        let code = QrCode::with_error_correction_level(text, EcLevel::L)
            .map_err(|_| Failure::failed("this is too long for a QR code"))?;
        Ok(Self { width: code.width(), modules: code.into_colors() })
    }

    /// Two modules a cell, dark on light whatever the terminal's colours are, each line ended.
    ///
    /// # Errors
    /// Where the window is too narrow; a broken QR code would only waste time.
    pub(crate) fn draw(&self, columns: u16, ink: Ink) -> Result<String, Failure> {
        let side = self.width.saturating_add(QUIET.saturating_mul(2));
        if side > usize::from(columns) {
            return Err(Failure::failed(format!(
                "the QR code needs a window of {side} columns, and this one has {columns}"
            ))
            .hint("make the window wider or the letters smaller, or write a PNG with --png FILE"));
        }
        let mut drawing = String::new();
        for row in (0..side).step_by(2) {
            if ink == Ink::Coloured {
                drawing.push_str("\u{1b}[30;107m");
            }
            for column in 0..side {
                let upper = self.is_dark(column, row);
                let lower = self.is_dark(column, row.saturating_add(1));
                drawing.push(match (upper, lower, ink) {
                    (true, true, Ink::Coloured) | (false, false, Ink::Plain) => '█',
                    (true, false, Ink::Coloured) | (false, true, Ink::Plain) => '▀',
                    (false, true, Ink::Coloured) | (true, false, Ink::Plain) => '▄',
                    (false, false, Ink::Coloured) | (true, true, Ink::Plain) => ' ',
                });
            }
            drawing.push_str(if ink == Ink::Coloured { "\u{1b}[0m\n" } else { "\n" });
        }
        Ok(drawing)
    }

    /// A black and white PNG, large enough for any camera.
    ///
    /// # Errors
    /// Where it cannot be encoded.
    pub(crate) fn png(&self) -> Result<Vec<u8>, Failure> {
        let failed = || Failure::failed("the QR code could not be made into a PNG");
        let modules = self.width.saturating_add(QUIET.saturating_mul(2));
        let side = u32::try_from(modules.saturating_mul(PIXELS)).map_err(|_| failed())?;
        let picture = GrayImage::from_fn(side, side, |x, y| {
            let module = |pixel: u32| usize::try_from(pixel).unwrap_or(usize::MAX) / PIXELS;
            Luma([if self.is_dark(module(x), module(y)) { 0 } else { 255 }])
        });
        let mut png = Cursor::new(Vec::new());
        picture.write_to(&mut png, ImageFormat::Png).map_err(|_| failed())?;
        Ok(png.into_inner())
    }

    /// Counted from the corner of the quiet zone; outside, everything is light.
    fn is_dark(&self, column: usize, row: usize) -> bool {
        let (Some(x), Some(y)) = (column.checked_sub(QUIET), row.checked_sub(QUIET)) else { return false };
        let at = y.saturating_mul(self.width).saturating_add(x);
        x < self.width && self.modules.get(at) == Some(&Color::Dark)
    }
}

/// Light modules around the code, as the standard (ISO/IEC 18004) asks.
const QUIET: usize = 4;
const PIXELS: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    fn modules_of_drawing(drawing: &str, ink: Ink) -> Vec<Vec<bool>> {
        let mut rows = Vec::new();
        for line in drawing.lines() {
            let cells: Vec<char> = line.chars().filter(|c| " ▀▄█".contains(*c)).collect();
            let dark = |block: &str| cells.iter().map(|c| block.contains(*c) == (ink == Ink::Coloured)).collect();
            rows.push(dark("▀█"));
            rows.push(dark("▄█"));
        }
        rows
    }

    #[test]
    fn the_terminal_and_the_png_show_the_same_modules() {
        let qr = Qr::of("lightproof:AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA").unwrap();
        let png = image::load_from_memory(&qr.png().unwrap()).unwrap().into_luma8();
        for ink in [Ink::Coloured, Ink::Plain] {
            let rows = modules_of_drawing(&qr.draw(200, ink).unwrap(), ink);
            let side = qr.width + 2 * QUIET;
            assert_eq!(png.width() as usize, side * PIXELS);
            for (y, row) in rows.iter().take(side).enumerate() {
                assert_eq!(row.len(), side);
                for (x, dark) in row.iter().enumerate() {
                    let at = |module: usize| u32::try_from(module * PIXELS).unwrap();
                    let pixel = png.get_pixel(at(x), at(y)).0[0];
                    assert_eq!(*dark, pixel == 0, "{x} {y}");
                }
            }
        }
    }

    #[test]
    fn the_quiet_zone_is_light_and_a_finder_is_in_its_corner() {
        let qr = Qr::of("x").unwrap();
        assert!((0..QUIET).all(|i| !qr.is_dark(i, i)));
        assert!((0..7).all(|i| qr.is_dark(QUIET + i, QUIET)));
        assert!(!qr.is_dark(QUIET + 7, QUIET));
    }

    #[test]
    fn a_narrow_window_is_an_error_with_a_way_out() {
        let failure = Qr::of(&"x".repeat(400)).unwrap().draw(40, Ink::Plain).unwrap_err();
        assert!(failure.hint.unwrap().contains("--png"));
    }
}

//! Pictures in the terminal: how much of the window one may take, and what the terminal can show.
//!
//! A picture comes here decoded; nothing here reads a peer's bytes.

use std::ffi::OsString;

use image::{RgbaImage, imageops};

use crate::output::Colour;
use crate::terminal::Window;

mod half_block;

/// How a terminal shows colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Depth {
    /// 24 bits.
    True,
    /// The cube and the greys of the 256-colour palette.
    Palette,
    /// None: shades made of blocks.
    Shades,
}

impl Depth {
    /// From the flag and the environment.
    pub(crate) fn choose(colour: Colour, variable: impl Fn(&str) -> Option<OsString>) -> Self {
        let holds = |name: &str, words: &[&str]| {
            variable(name).is_some_and(|value| words.iter().any(|word| value.to_string_lossy().contains(word)))
        };
        match colour {
            Colour::Never => Self::Shades,
            Colour::Allowed if holds("COLORTERM", &["truecolor", "24bit"]) => Self::True,
            Colour::Allowed if holds("TERM", &["-direct", "kitty", "alacritty", "ghostty", "foot"]) => Self::True,
            Colour::Allowed => Self::Palette,
        }
    }
}

/// Draws a picture as lines of text that fit the window, in its own proportions, never enlarged.
pub(crate) fn draw(picture: &RgbaImage, window: Window, depth: Depth) -> String {
    let Some((width, height)) = fit(picture.dimensions(), window) else { return String::new() };
    // Averages the pixels it takes together, so fine patterns do not turn into false ones.
    let small = imageops::thumbnail(picture, width, height);
    half_block::draw(&small, depth)
}

/// The size in half cells, each one wide and half a cell high; `None` where there is nothing to draw.
fn fit((width, height): (u32, u32), window: Window) -> Option<(u32, u32)> {
    if width == 0 || height == 0 || window.columns == 0 {
        return None;
    }
    // A half cell is not square unless a cell is twice as high as wide.
    let half_cell = window.cell_aspect / 2.0;
    // The prompt and the note stay in sight.
    let most_rows = f64::from(window.rows.saturating_sub(KEPT_ROWS).max(MIN_ROWS)) * 2.0;
    let (wide, high) = (f64::from(width), f64::from(height) / half_cell);
    let scale = (f64::from(window.columns) / wide).min(most_rows / high).min(1.0);
    Some((cells(wide * scale, u32::from(window.columns)), cells(high * scale, u32::from(u16::MAX))))
}

fn cells(length: f64, most: u32) -> u32 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 1 and a number of cells")]
    let cells = length.round().clamp(1.0, f64::from(most)) as u32;
    cells
}

const KEPT_ROWS: u16 = 4;
const MIN_ROWS: u16 = 4;

#[cfg(test)]
mod tests {
    use image::Rgba;

    use super::*;

    const WINDOW: Window = Window { columns: 80, rows: 24, cell_aspect: 2.0 };

    #[test]
    fn a_picture_is_never_wider_than_the_window_and_keeps_its_proportions() {
        for columns in [1, 20, 80, 200] {
            for (width, height) in [(4000, 3000), (3000, 4000), (80, 80), (10_000, 10), (1, 5_000), (1, 1)] {
                let window = Window { columns, ..WINDOW };
                let (drawn_width, drawn_height) = fit((width, height), window).unwrap();
                assert!(drawn_width <= u32::from(columns) && drawn_height <= 40);
                if drawn_width > 8 && drawn_height > 8 {
                    let distortion =
                        (f64::from(drawn_width) / f64::from(drawn_height)) / (f64::from(width) / f64::from(height));
                    assert!((0.93..1.07).contains(&distortion), "{width} x {height} in {columns}: {distortion}");
                }
            }
        }
    }

    #[test]
    fn cells_that_are_not_twice_as_high_as_wide_do_not_distort() {
        let (width, height) = fit((1000, 1000), Window { cell_aspect: 2.5, columns: 200, rows: 104 }).unwrap();
        // In the width of a column: a half cell is 1.25 high.
        assert!((f64::from(height) * 1.25 - f64::from(width)).abs() < 1.5, "{width} {height}");
    }

    #[test]
    fn a_small_picture_is_not_enlarged() {
        assert_eq!(fit((16, 16), WINDOW), Some((16, 16)));
        assert_eq!(fit((0, 16), WINDOW), None);
    }

    #[test]
    fn every_line_is_as_wide_as_the_picture() {
        let picture = RgbaImage::from_fn(300, 200, |x, y| Rgba([x.to_le_bytes()[0], y.to_le_bytes()[0], 9, 255]));
        for depth in [Depth::True, Depth::Palette, Depth::Shades] {
            let drawing = draw(&picture, WINDOW, depth);
            for line in drawing.lines() {
                let visible: String = strip_colours(line);
                assert_eq!(visible.chars().count(), 60, "{depth:?}");
            }
            assert_eq!(drawing.lines().count(), 20);
        }
    }

    fn strip_colours(line: &str) -> String {
        line.split('\u{1b}')
            .enumerate()
            .map(|(i, part)| if i == 0 { part } else { part.split_once('m').unwrap().1 })
            .collect()
    }

    #[test]
    fn what_the_terminal_can_show_is_asked_of_the_environment() {
        let environment =
            |name: &'static str, value: &'static str| move |asked: &str| (asked == name).then(|| value.into());
        assert_eq!(Depth::choose(Colour::Allowed, environment("COLORTERM", "truecolor")), Depth::True);
        assert_eq!(Depth::choose(Colour::Allowed, environment("TERM", "xterm-kitty")), Depth::True);
        assert_eq!(Depth::choose(Colour::Allowed, environment("TERM", "xterm-256color")), Depth::Palette);
        assert_eq!(Depth::choose(Colour::Never, environment("COLORTERM", "truecolor")), Depth::Shades);
    }
}

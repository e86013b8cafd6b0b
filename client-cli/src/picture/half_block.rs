//! Half blocks: two pixels a cell, one in the colour of the letter, one in that of the ground.

use std::fmt::Write;

use image::{Rgba, RgbaImage};

use super::Depth;

/// A cell: its letter, the colour of the letter and that of the ground; `None` is the terminal's own.
pub(crate) type Block = (char, Option<Colour>, Option<Colour>);

/// A picture as cells, two rows of pixels in each row of them.
pub(crate) fn cells(picture: &RgbaImage, depth: Depth) -> Vec<Vec<Block>> {
    let cell = |x: u32, y: u32| {
        let upper = picture.get_pixel_checked(x, y).and_then(opaque);
        let lower = picture.get_pixel_checked(x, y.saturating_add(1)).and_then(opaque);
        match (upper, lower) {
            _ if depth == Depth::Shades => (shade(upper, lower), None, None),
            (None, None) => (' ', None, None),
            (None, Some(lower)) => ('▄', Some(lower), None),
            (Some(upper), lower) => ('▀', Some(upper), lower),
        }
    };
    (0..picture.height()).step_by(2).map(|y| (0..picture.width()).map(|x| cell(x, y)).collect()).collect()
}

/// One line of text for two rows of pixels, each ended with its colours taken back.
pub(super) fn draw(picture: &RgbaImage, depth: Depth) -> String {
    let mut drawing = String::new();
    for row in cells(picture, depth) {
        let mut last = None;
        for (letter, ink, ground) in row {
            if depth != Depth::Shades && last != Some((ink, ground)) {
                set_colours(&mut drawing, (ink, ground), depth);
                last = Some((ink, ground));
            }
            drawing.push(letter);
        }
        drawing.push_str(if depth == Depth::Shades { "\n" } else { "\u{1b}[0m\n" });
    }
    drawing
}

pub(crate) type Colour = [u8; 3];

/// What is mostly transparent shows the terminal's own ground.
pub(super) fn opaque(pixel: &Rgba<u8>) -> Option<Colour> {
    let Rgba([red, green, blue, alpha]) = *pixel;
    (alpha >= 128).then_some([red, green, blue])
}

fn set_colours(drawing: &mut String, (letter, ground): (Option<Colour>, Option<Colour>), depth: Depth) {
    drawing.push_str("\u{1b}[0");
    for (colour, selector) in [(letter, 38), (ground, 48)] {
        let Some(colour) = colour else { continue };
        let [red, green, blue] = colour;
        // Writing to a String does not fail.
        let _ok = if depth == Depth::True {
            write!(drawing, ";{selector};2;{red};{green};{blue}")
        } else {
            write!(drawing, ";{selector};5;{}", nearest(colour))
        };
    }
    drawing.push('m');
}

/// The nearest colour of the 256-colour palette: 16 to 231 a cube of six levels, 232 to 255 greys.
pub(crate) fn nearest(colour: Colour) -> u8 {
    let [red, green, blue] = colour.map(nearest_level);
    let cube = [red, green, blue].map(|(_, value)| value);
    let cube_index = 16 + 36 * red.0 + 6 * green.0 + blue.0;
    let average = colour.iter().map(|&part| u16::from(part)).sum::<u16>() / 3;
    // Greys are 8, 18, … 238.
    let step = u8::try_from((average.saturating_sub(3) / 10).min(23)).unwrap_or(23);
    let grey = [8 + 10 * step; 3];
    if distance(colour, grey) < distance(colour, cube) { 232 + step } else { cube_index }
}

fn nearest_level(part: u8) -> (u8, u8) {
    let levels = [(0, 0), (1, 95), (2, 135), (3, 175), (4, 215), (5, 255)];
    levels.into_iter().min_by_key(|&(_, level)| part.abs_diff(level)).unwrap_or_default()
}

fn distance(one: Colour, other: Colour) -> u32 {
    one.into_iter().zip(other).map(|(a, b)| u32::from(a.abs_diff(b)).pow(2)).sum()
}

/// Without colour a cell can be lighter or darker, as its two pixels are together.
fn shade(upper: Option<Colour>, lower: Option<Colour>) -> char {
    // Rec. 709, in thousandths.
    let light = |colour: Colour| {
        let [red, green, blue] = colour.map(u32::from);
        (213 * red + 715 * green + 72 * blue) / 1000
    };
    let both = (upper.map_or(0, light) + lower.or(upper).map_or(0, light)) / 2;
    match both {
        0..=50 => ' ',
        51..=101 => '░',
        102..=152 => '▒',
        153..=203 => '▓',
        _ => '█',
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(pixels: &[[u8; 4]], width: u32) -> RgbaImage {
        let height = u32::try_from(pixels.len()).unwrap() / width;
        RgbaImage::from_vec(width, height, pixels.concat()).unwrap()
    }

    const RED: [u8; 4] = [255, 0, 0, 255];
    const BLUE: [u8; 4] = [0, 0, 255, 255];
    const CLEAR: [u8; 4] = [1, 2, 3, 0];

    #[test]
    fn two_pixels_share_a_cell() {
        let drawing = draw(&picture(&[RED, RED, BLUE, BLUE], 2), Depth::True);
        assert_eq!(drawing, "\u{1b}[0;38;2;255;0;0;48;2;0;0;255m▀▀\u{1b}[0m\n");
    }

    #[test]
    fn transparency_and_an_odd_last_row_show_the_ground() {
        assert_eq!(draw(&picture(&[CLEAR, BLUE], 1), Depth::Palette), "\u{1b}[0;38;5;21m▄\u{1b}[0m\n");
        assert_eq!(draw(&picture(&[RED], 1), Depth::Palette), "\u{1b}[0;38;5;196m▀\u{1b}[0m\n");
        assert_eq!(draw(&picture(&[CLEAR, CLEAR], 1), Depth::True), "\u{1b}[0m \u{1b}[0m\n");
    }

    #[test]
    fn the_palette_is_met_where_it_is() {
        for (index, colour) in
            [(16, [0, 0, 0]), (231, [255, 255, 255]), (110, [135, 175, 215]), (244, [128, 128, 128]), (232, [8, 8, 8])]
        {
            assert_eq!(nearest(colour), index, "{colour:?}");
        }
    }

    #[test]
    fn without_colour_there_is_no_escape_at_all() {
        let grey = |level: u8| [level, level, level, 255];
        let row: Vec<_> = [0, 80, 130, 180, 255].map(grey).to_vec();
        assert_eq!(draw(&picture(&[row.clone(), row].concat(), 5), Depth::Shades), " ░▒▓█\n");
    }
}

//! The blur that came with a message, drawn before its photo is fetched.
//!
//! A peer made it: it is at most 32 pixels wide and high, whatever its bytes are.

use image::{RgbaImage, imageops};
use lightproof_core::prepare::blur_of;

use super::{Depth, Drawing, half_block};
use crate::terminal::Window;

/// A blur, and the shape of its photo.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Preview {
    blur: RgbaImage,
    /// Width over height.
    shape: f64,
}

impl Preview {
    /// The blur that a thumbhash holds, in the shape of its photo, if that is known.
    pub(crate) fn of(thumbhash: &[u8], dimensions: Option<(u32, u32)>) -> Option<Self> {
        let blur = blur_of(thumbhash)?;
        let (width, height) = dimensions.unwrap_or((blur.width, blur.height));
        let shape = f64::from(width) / f64::from(height.max(1));
        let blur = RgbaImage::from_raw(blur.width, blur.height, blur.rgba)?;
        Some(Self { blur, shape: shape.clamp(1.0 / MOST_OBLONG, MOST_OBLONG) })
    }

    /// So many rows high, or less where the window is too narrow.
    fn drawn(&self, rows: u16, window: Window) -> RgbaImage {
        let half_cell = window.cell_aspect() / 2.0;
        let most_columns = f64::from(window.columns.saturating_sub(INDENT)).max(1.0);
        let columns = (f64::from(rows) * 2.0 * half_cell * self.shape).clamp(1.0, most_columns);
        let half_rows = (columns / self.shape / half_cell).clamp(1.0, f64::from(rows) * 2.0);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to a window")]
        let [width, height] = [columns, half_rows].map(|edge| edge.round() as u32);
        imageops::resize(&self.blur, width, height, imageops::FilterType::Triangle)
    }

    /// The same as cells, at most so many rows high.
    pub(crate) fn drawing(&self, window: Window, depth: Depth) -> Drawing {
        let rows = LARGE_ROWS.min(window.rows).max(1);
        Drawing::Cells(half_block::cells(&self.drawn(rows, window), depth), depth)
    }

    /// Large enough to stand in the photo's place.
    pub(crate) fn draw(&self, window: Window, depth: Depth) -> String {
        let rows = LARGE_ROWS.min(window.rows.saturating_sub(LARGE_ROWS / 2)).max(1);
        half_block::draw(&self.drawn(rows, window), depth)
    }
}

/// The blurs of a message side by side, in as many lines of them as it takes, indented.
pub(crate) fn draw_row(previews: &[Preview], window: Window, depth: Depth) -> String {
    let mut drawing = String::new();
    let mut strip: Option<RgbaImage> = None;
    for preview in previews {
        let small = preview.drawn(SMALL_ROWS, window);
        strip = Some(match strip.take() {
            Some(strip) if strip.width() + GAP + small.width() <= u32::from(window.columns.saturating_sub(INDENT)) => {
                beside(&strip, &small)
            }
            Some(full) => {
                drawing.push_str(&indented(&full, depth));
                small
            }
            None => small,
        });
    }
    strip.iter().for_each(|last| drawing.push_str(&indented(last, depth)));
    drawing
}

fn beside(left: &RgbaImage, right: &RgbaImage) -> RgbaImage {
    let (width, height) = (left.width() + GAP + right.width(), left.height().max(right.height()));
    // What is between them is transparent.
    let mut both = RgbaImage::new(width, height);
    imageops::replace(&mut both, left, 0, 0);
    imageops::replace(&mut both, right, i64::from(left.width() + GAP), 0);
    both
}

fn indented(strip: &RgbaImage, depth: Depth) -> String {
    half_block::draw(strip, depth).lines().map(|line| format!("{:1$}{line}\n", "", usize::from(INDENT))).collect()
}

const SMALL_ROWS: u16 = 3;
const LARGE_ROWS: u16 = 10;
const INDENT: u16 = 2;
const GAP: u32 = 2;
/// A photo may say that it is as flat as it likes.
const MOST_OBLONG: f64 = 4.0;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn visible_width(line: &str) -> usize {
        let parts = line.split('\u{1b}').enumerate();
        parts
            .map(|(i, part)| if i == 0 { part } else { part.split_once('m').unwrap().1 })
            .map(|text| text.chars().count())
            .sum()
    }

    proptest! {
        #[test]
        fn no_preview_of_a_peer_leaves_the_window(
            hashes in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 20..33), 1..16),
            (width, height) in (any::<u32>(), any::<u32>()),
            (columns, rows) in (3_u16..200, 2_u16..60),
        ) {
            let window = Window { columns, rows, cell: None };
            let previews: Vec<_> = hashes.iter().filter_map(|hash| Preview::of(hash, Some((width, height)))).collect();
            let row = draw_row(&previews, window, Depth::True);
            for line in row.lines() {
                prop_assert!(visible_width(line) <= usize::from(columns), "{} of {columns}", visible_width(line));
            }
            prop_assert!(row.lines().count() <= previews.len() * usize::from(SMALL_ROWS));
            for preview in &previews {
                let large = preview.draw(window, Depth::Palette);
                prop_assert!(large.lines().count() < usize::from(rows).max(2));
                prop_assert!(large.lines().all(|line| visible_width(line) <= usize::from(columns)));
            }
        }
    }

    #[test]
    fn previews_of_one_message_stand_side_by_side() {
        let grey = [
            0x20, 0x08, 0x02, 0x07, 0, 0x88, 0x88, 0x88, 0x88, 0x88, 0x88, 0x88, 0x88, 0x88, 0x88, 0x88, 0x88, 0x88,
            0x88, 0x88, 0x88, 0x88, 0x88, 0x88,
        ];
        let preview = Preview::of(&grey, Some((400, 300))).unwrap();
        let window = Window { columns: 40, rows: 24, cell: None };
        let lines = |count: usize| draw_row(&vec![preview.clone(); count], window, Depth::True).lines().count();
        assert_eq!([lines(0), lines(1), lines(4), lines(5), lines(9)], [0, 3, 3, 6, 9]);
    }
}

//! How much of the window a picture may take: all of its width, and its height without the prompt.

use crate::terminal::{Cell, Window};

/// The size of a picture of `size` pixels in a window whose cells have `cell` pixels; `None` where there is nothing to
/// draw. Never enlarged.
pub(super) fn in_pixels(size: (u32, u32), window: Window, cell: Cell) -> Option<(u32, u32)> {
    let most = (
        u32::from(window.columns).saturating_mul(cell.width_px),
        u32::from(rows(window)).saturating_mul(cell.height_px),
    );
    fit((f64::from(size.0), f64::from(size.1)), most)
}

/// The same in half cells, each one wide and half a cell high.
pub(super) fn in_half_cells((width, height): (u32, u32), window: Window) -> Option<(u32, u32)> {
    // A half cell is not square unless a cell is twice as high as wide.
    let half_cell = window.cell_aspect() / 2.0;
    let most = (u32::from(window.columns), u32::from(rows(window)).saturating_mul(2));
    fit((f64::from(width), f64::from(height) / half_cell), most)
}

/// How many cells so many pixels touch.
pub(super) fn cells((width, height): (u32, u32), cell: Cell) -> (u32, u32) {
    (width.div_ceil(cell.width_px.max(1)), height.div_ceil(cell.height_px.max(1)))
}

/// The rows a picture may take: the prompt and the last lines stay in sight.
fn rows(window: Window) -> u16 {
    window.rows.saturating_sub(KEPT_ROWS.min(window.rows / 2)).max(1)
}

fn fit((wide, high): (f64, f64), (most_wide, most_high): (u32, u32)) -> Option<(u32, u32)> {
    if wide < 1.0 || high <= 0.0 || most_wide == 0 || most_high == 0 {
        return None;
    }
    let scale = (f64::from(most_wide) / wide).min(f64::from(most_high) / high).min(1.0);
    Some((rounded(wide * scale, most_wide), rounded(high * scale, most_high)))
}

fn rounded(length: f64, most: u32) -> u32 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 1 and a number of pixels")]
    let rounded = length.round().clamp(1.0, f64::from(most)) as u32;
    rounded
}

pub(super) const KEPT_ROWS: u16 = 4;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn window(columns: u16, rows: u16, cell: Option<Cell>) -> Window {
        Window { columns, rows, cell }
    }

    proptest! {
        #[test]
        fn nothing_is_wider_than_the_window_or_hides_the_prompt(
            (columns, rows) in (1_u16..400, 1_u16..200),
            (width, height) in (1_u32..20_000, 1_u32..20_000),
            (width_px, height_px) in (3_u32..40, 5_u32..80),
        ) {
            let cell = Cell { width_px, height_px };
            let window = window(columns, rows, Some(cell));
            let pixels = in_pixels((width, height), window, cell).unwrap();
            let (wide, high) = cells(pixels, cell);
            prop_assert!(wide <= u32::from(columns) && (high < u32::from(rows) || rows == 1));
            prop_assert!(pixels.0 <= width && pixels.1 <= height, "never enlarged");
            let (wide, half_rows) = in_half_cells((width, height), window).unwrap();
            prop_assert!(wide <= u32::from(columns) && (half_rows.div_ceil(2) < u32::from(rows) || rows == 1));
        }

        #[test]
        fn a_picture_keeps_its_proportions_within_a_pixel(
            (columns, rows) in (20_u16..400, 10_u16..200),
            (width, height) in (1_u32..20_000, 1_u32..20_000),
            (width_px, height_px) in (3_u32..40, 5_u32..80),
        ) {
            let cell = Cell { width_px, height_px };
            let (drawn_width, drawn_height) = in_pixels((width, height), window(columns, rows, Some(cell)), cell).unwrap();
            // The longer edge after scaling says how much; the other is rounded, and never vanishes.
            let by_width = f64::from(drawn_width) / f64::from(width);
            let by_height = f64::from(drawn_height) / f64::from(height);
            let scale = if width > height { by_width } else { by_height };
            let off = (f64::from(drawn_width) - f64::from(width) * scale)
                .abs()
                .max((f64::from(drawn_height) - f64::from(height) * scale).abs());
            prop_assert!(off <= 1.0, "{drawn_width} x {drawn_height} for {width} x {height}");
        }
    }

    #[test]
    fn half_cells_keep_the_proportions_too() {
        for (width, height) in [(4000, 3000), (3000, 4000), (80, 80), (1000, 600)] {
            for columns in [20, 80, 200] {
                let (drawn_width, drawn_height) = in_half_cells((width, height), window(columns, 24, None)).unwrap();
                let drawn = f64::from(drawn_width) / f64::from(drawn_height);
                let distortion = drawn / (f64::from(width) / f64::from(height));
                assert!((0.93..1.07).contains(&distortion), "{width} x {height} in {columns}: {distortion}");
            }
        }
    }

    #[test]
    fn cells_that_are_not_twice_as_high_as_wide_do_not_distort() {
        let cell = Some(Cell { width_px: 8, height_px: 20 });
        let (width, height) = in_half_cells((1000, 1000), window(200, 104, cell)).unwrap();
        // In the width of a column: a half cell is 1.25 high.
        assert!((f64::from(height) * 1.25 - f64::from(width)).abs() < 1.5, "{width} {height}");
    }

    #[test]
    fn a_small_picture_is_not_enlarged_and_none_is_not_drawn() {
        assert_eq!(in_half_cells((16, 16), window(80, 24, None)), Some((16, 16)));
        assert_eq!(in_half_cells((0, 16), window(80, 24, None)), None);
        assert_eq!(in_pixels((16, 0), window(80, 24, None), Cell { width_px: 8, height_px: 16 }), None);
    }
}

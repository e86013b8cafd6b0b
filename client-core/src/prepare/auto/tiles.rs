//! Which parts of a large picture stand for all of it.

use std::ops::Range;

use super::WHOLE_PIXELS;

/// A rectangle of a picture, in pixels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tile {
    pub(super) columns: Range<usize>,
    pub(super) rows: Range<usize>,
}

impl Tile {
    /// Width times height.
    pub(super) fn pixels(&self) -> usize {
        self.columns.len().saturating_mul(self.rows.len())
    }
}

/// All of a picture of up to [`WHOLE_PIXELS`]; of a larger one, tiles that cover at least that many, one in the middle
/// of each cell of a grid. They depend on the size alone. Where a tile is cut off it begins and ends at multiples of 32
/// pixels, so that blocks and halved pixels fall as they do in the whole picture.
pub(super) fn tiles_of(width: usize, height: usize) -> Vec<Tile> {
    let pixels = width.saturating_mul(height);
    if pixels <= WHOLE_PIXELS {
        return vec![Tile { columns: 0..width, rows: 0..height }];
    }
    // The same part of the width and of the height.
    let part = (WHOLE_PIXELS as f64 / pixels as f64).sqrt();
    grid(&spans(width, part), &spans(height, part))
}

/// All of a picture, cut into pieces that fit a processor's cache.
pub(super) fn cells_of(width: usize, height: usize) -> Vec<Tile> {
    grid(&spans(width, 1.0), &spans(height, 1.0))
}

fn grid(columns: &[Range<usize>], rows: &[Range<usize>]) -> Vec<Tile> {
    let row = |rows: &Range<usize>| {
        let rows = rows.clone();
        columns.iter().map(move |columns| Tile { columns: columns.clone(), rows: rows.clone() })
    };
    rows.iter().flat_map(row).collect()
}

/// Cuts a side into cells, and takes at least so much out of the middle of each.
fn spans(length: usize, part: f64) -> Vec<Range<usize>> {
    let count = nearest(length as f64 * part / TILE_PX).max(1);
    let edge = |cell: usize| {
        let edge = length.saturating_mul(cell).checked_div(count).unwrap_or_default();
        if cell == count { length } else { aligned(edge) }
    };
    let middle = |cell: usize| {
        let (start, end) = (edge(cell), edge(cell.saturating_add(1)));
        let cell = end.saturating_sub(start);
        let wanted = nearest((cell as f64 * part / ALIGNED_PX as f64).ceil()).saturating_mul(ALIGNED_PX).min(cell);
        let before = if wanted == cell { 0 } else { aligned(cell.saturating_sub(wanted) / 2) };
        let start = start.saturating_add(before);
        start..start.saturating_add(wanted)
    };
    (0..count).map(middle).collect()
}

const fn aligned(place: usize) -> usize {
    place.saturating_sub(place % ALIGNED_PX)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a side of a picture, or less")]
fn nearest(number: f64) -> usize {
    number.round() as usize
}

/// About how long a tile's side is: small enough that a dozen spread over the picture, large enough that what happens
/// at their cuts does not matter.
const TILE_PX: f64 = 416.0;
/// The largest minimum coded unit has 16 pixels, and the measure halves five times.
const ALIGNED_PX: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_cover_two_megapixels_of_every_large_picture() {
        let sizes = [
            (2000, 1001),
            (1500, 1400),
            (1414, 1415),
            (4096, 3072),
            (3072, 4096),
            (4096, 4096),
            (4096, 2731),
            (16_000, 130),
            (127, 32_000),
            (32_768, 62),
            (65_535, 31),
            (12_000, 10_000),
            (2049, 977),
        ];
        for (width, height) in sizes {
            let tiles = tiles_of(width, height);
            let covered: usize = tiles.iter().map(Tile::pixels).sum();
            assert!(covered >= WHOLE_PIXELS, "{width} x {height}: {covered}");
            assert!(covered < 2 * WHOLE_PIXELS, "{width} x {height}: {covered}");
            for (nth, tile) in tiles.iter().enumerate() {
                assert!(tile.columns.end <= width && tile.rows.end <= height);
                assert!(tile.pixels() <= 500_000, "{width} x {height}: {tile:?}");
                for (range, side) in [(&tile.columns, width), (&tile.rows, height)] {
                    assert!(range.start % ALIGNED_PX == 0);
                    assert!(range.end % ALIGNED_PX == 0 || range.end == side);
                }
                let is_apart = |other: &Tile| {
                    other.columns.end <= tile.columns.start
                        || tile.columns.end <= other.columns.start
                        || other.rows.end <= tile.rows.start
                        || tile.rows.end <= other.rows.start
                };
                assert!(tiles[nth + 1..].iter().all(is_apart), "{width} x {height}: {tile:?}");
            }
        }
    }

    #[test]
    fn cells_are_all_of_a_picture() {
        for (width, height) in [(1, 1), (500, 392), (416, 417), (4096, 3072), (16_000, 7), (833, 2000)] {
            let cells = cells_of(width, height);
            assert_eq!(cells.iter().map(Tile::pixels).sum::<usize>(), width * height, "{width} x {height}");
            assert!(cells.iter().all(|cell| cell.pixels() <= 500_000));
        }
    }

    #[test]
    fn a_small_picture_is_one_tile() {
        assert_eq!(tiles_of(2000, 1000), [Tile { columns: 0..2000, rows: 0..1000 }]);
        assert_eq!(tiles_of(1, 1).len(), 1);
        assert_eq!(tiles_of(4096, 3072).len(), 12);
    }
}

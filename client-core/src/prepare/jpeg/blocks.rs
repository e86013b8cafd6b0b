//! A colour component as blocks of 8 x 8 coefficients, and where these lie in the picture.

/// The 64 coefficients of a block in zigzag order.
pub(super) type Block = [i16; 64];

/// One component.
#[derive(Clone)]
pub(super) struct Plane {
    /// Row by row, filled up to whole minimum coded units.
    pub(super) blocks: Vec<Block>,
    /// For each block the places that are not zero, as bits; of no meaning before rounding.
    pub(super) masks: Vec<u64>,
    /// How many blocks a row has, those beyond the picture's edge included.
    pub(super) across: usize,
    /// How many blocks of a row, and how many rows, show anything.
    pub(super) shown_across: usize,
    pub(super) shown_down: usize,
    /// How many blocks wide and high its part of a minimum coded unit is.
    pub(super) horizontal: usize,
    pub(super) vertical: usize,
}

impl Plane {
    /// The numbers of the blocks that a scan of this component alone holds (T.81, A.2.2); of large pictures one group of
    /// rows in so many is enough to guess with.
    pub(super) fn alone(&self, one_in: usize) -> impl Iterator<Item = usize> {
        let (across, shown) = (self.across, self.shown_across);
        let rows = (0..self.shown_down).filter(move |row| (row / GROUP_ROWS).is_multiple_of(one_in));
        rows.flat_map(move |row| row * across..row * across + shown)
    }

    /// How many minimum coded units cover the picture: across, down.
    pub(super) fn units(&self) -> (usize, usize) {
        let rows = self.blocks.len() / self.across;
        (self.across / self.horizontal, rows / self.vertical)
    }

    /// The numbers of its blocks in one unit, in their order (T.81, A.2.3).
    pub(super) fn in_unit(&self, column: usize, row: usize) -> impl Iterator<Item = usize> + use<> {
        let (across, horizontal, vertical) = (self.across, self.horizontal, self.vertical);
        (row * vertical..(row + 1) * vertical)
            .flat_map(move |row| row * across + column * horizontal..row * across + (column + 1) * horizontal)
    }
}

/// Runs of empty blocks cross rows, so a sample is made of several in sequence.
const GROUP_ROWS: usize = 4;

/// Where each place of the zigzag lies in a block, row by row (T.81, figure A.6).
pub(super) const ZIGZAG: [u8; 64] = zigzag();

const fn zigzag() -> [u8; 64] {
    let mut order = [0; 64];
    let (mut place, mut row, mut column) = (0, 0_u8, 0_u8);
    while place < 64 {
        order[place] = row * 8 + column;
        place += 1;
        let goes_up = (row + column).is_multiple_of(2);
        if goes_up && column == 7 || !goes_up && row < 7 && column == 0 {
            row += 1;
        } else if goes_up && row == 0 || !goes_up && row == 7 {
            column += 1;
        } else if goes_up {
            row -= 1;
            column += 1;
        } else {
            row += 1;
            column -= 1;
        }
    }
    order
}

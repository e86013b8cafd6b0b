//! The steps of the coefficients: tables by quality.

use super::blocks::ZIGZAG;

/// A step for each of the 64 coefficients, in zigzag order.
pub(super) type Table = [u8; 64];

/// What an AC coefficient can be at most (T.81, table F.2, for samples of 8 bits).
pub(super) const MOST_LEVEL: i16 = 1023;

/// For each component.
pub(super) fn tables(quality: u8, components: usize) -> Vec<Table> {
    STEPS_AT_50.iter().take(components).map(|steps| scaled(steps, quality)).collect()
}

/// The rule of the Independent JPEG Group: at 50 the table itself, at 100 nothing but ones.
fn scaled(steps: &[u16; 15], quality: u8) -> Table {
    let quality = u32::from(quality.clamp(1, 100));
    let percent = if quality < 50 { 5000 / quality } else { 200 - 2 * quality };
    ZIGZAG.map(|place| {
        let step = steps[usize::from(place / 8 + place % 8)];
        let scaled = (u32::from(step) * percent + 50) / 100;
        u8::try_from(scaled.max(1)).unwrap_or(u8::MAX)
    })
}

/// Brightness, blue and red difference: steps by the sum of both frequencies. Found by trial, on photographs, with
/// rounding as it is here: the fewest bytes at SSIMULACRA2 60, 70 and 80. The tables of annex K rise much more steeply;
/// here rounding sees to it that high frequencies cost little, and the table need not.
const STEPS_AT_50: [[u16; 15]; 3] = [
    [9, 21, 27, 33, 40, 46, 53, 60, 67, 74, 81, 89, 96, 103, 111],
    [12, 17, 21, 26, 32, 39, 46, 55, 65, 75, 86, 97, 109, 122, 136],
    [11, 16, 19, 24, 29, 35, 43, 51, 59, 69, 78, 89, 100, 112, 124],
];

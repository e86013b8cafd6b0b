//! Red, green and blue to brightness and two colour differences (JFIF 1.02, from ITU-R BT.601), and their thinning.

/// The brightness of a row of pixels, less 128; with a whole row of samples.
pub(super) fn brightness(row: &[u8], luma: &mut [f32]) {
    for (pixel, luma) in row.as_chunks::<3>().0.iter().zip(luma) {
        let [red, green, blue] = pixel.map(f32::from);
        *luma = RED * red + GREEN * green + BLUE * blue - 128.0;
    }
}

/// The two colour differences of a row of pixels, around 0.
pub(super) fn differences(row: &[u8], cb: &mut [f32], cr: &mut [f32]) {
    for ((pixel, cb), cr) in row.as_chunks::<3>().0.iter().zip(cb).zip(cr) {
        let [red, green, blue] = pixel.map(f32::from);
        *cb = (blue - RED * red - GREEN * green - BLUE * blue) * TO_CB;
        *cr = (red - RED * red - GREEN * green - BLUE * blue) * TO_CR;
    }
}

/// Replaces pairs by their means, leaving the row half filled.
pub(super) fn halve_row(row: &mut [f32]) {
    for place in 0..row.len() / 2 {
        row[place] = (row[2 * place] + row[2 * place + 1]) * 0.5;
    }
}

/// Adds a second row to a first, both halved in weight.
pub(super) fn mean_of_rows(first: &mut [f32], second: &[f32]) {
    for (first, second) in first.iter_mut().zip(second) {
        *first = (*first + second) * 0.5;
    }
}

/// Back to red, green and blue.
pub(super) fn rgb([luma, cb, cr]: [f32; 3]) -> [u8; 3] {
    let (more_red, more_blue) = (cr * FROM_CR, cb * FROM_CB);
    let [red, blue] = [luma + more_red, luma + more_blue];
    let green = luma - more_red * (RED / GREEN) - more_blue * (BLUE / GREEN);
    [red, green, blue].map(level)
}

/// The nearest level of 8 bits to a value around 0.
pub(super) fn level(value: f32) -> u8 {
    // The cast saturates.
    (value + 128.5) as u8
}

const RED: f32 = 0.299;
const GREEN: f32 = 0.587;
const BLUE: f32 = 0.114;
const TO_CB: f32 = 0.5 / (1.0 - BLUE);
const TO_CR: f32 = 0.5 / (1.0 - RED);
const FROM_CB: f32 = 1.0 / TO_CB;
const FROM_CR: f32 = 1.0 / TO_CR;

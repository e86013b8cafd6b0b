//! The segments around the scans (T.81, annex B; JFIF 1.02).

use super::{Quantised, huffman::Table};

/// From the start of the image to the frame.
pub(super) fn head(picture: &Quantised, is_progressive: bool) -> Vec<u8> {
    let mut file = vec![0xff, 0xd8];
    // JFIF 1.02, no density, no thumbnail.
    segment(&mut file, 0xe0, b"JFIF\0\x01\x02\0\0\x01\0\x01\0\0");
    for (number, table) in (0..).zip(&picture.tables) {
        segment(&mut file, 0xdb, &[&[number], table.as_slice()].concat());
    }
    frame(&mut file, picture, is_progressive);
    file
}

/// One segment with several Huffman tables, each with its class (0 for DC, 1 for AC) and its number.
pub(super) fn huffman<'a>(file: &mut Vec<u8>, tables: impl IntoIterator<Item = (u8, u8, &'a Table)>) {
    let table = |(class, number, table): (u8, u8, &Table)| {
        [&[class << 4 | number], table.lengths.as_slice(), &table.symbols].concat()
    };
    let payload: Vec<u8> = tables.into_iter().flat_map(table).collect();
    if !payload.is_empty() {
        segment(file, 0xc4, &payload);
    }
}

/// The head of a scan: components, each with its tables (DC and AC), then the places and the bits it holds.
pub(super) fn scan(file: &mut Vec<u8>, components: &[(usize, u8, u8)], places: [u8; 2], bits: [u8; 2]) {
    let mut payload = vec![components.len() as u8];
    for (component, dc, ac) in components {
        payload.extend([*component as u8 + 1, dc << 4 | ac]);
    }
    payload.extend([places[0], places[1], bits[0] << 4 | bits[1]]);
    segment(file, 0xda, &payload);
}

pub(super) fn end(file: &mut Vec<u8>) {
    file.extend([0xff, 0xd9]);
}

fn frame(file: &mut Vec<u8>, picture: &Quantised, is_progressive: bool) {
    let [height, width] = [picture.height, picture.width].map(u16::to_be_bytes);
    let mut payload = [&[8], height.as_slice(), &width, &[picture.planes.len() as u8]].concat();
    for (number, plane) in (0..).zip(&picture.planes) {
        let sampling = (plane.horizontal << 4 | plane.vertical) as u8;
        payload.extend([number + 1, sampling, number]);
    }
    segment(file, if is_progressive { 0xc2 } else { 0xc0 }, &payload);
}

/// A marker, a length that counts itself, and at most 65,533 bytes.
fn segment(file: &mut Vec<u8>, marker: u8, payload: &[u8]) {
    let length = payload.len() as u16 + 2;
    file.extend([0xff, marker]);
    file.extend(length.to_be_bytes());
    file.extend(payload);
}

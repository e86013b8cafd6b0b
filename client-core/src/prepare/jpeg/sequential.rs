//! Sequential scans: all components in one, interleaved, because much software shows one scan per component wrongly.

use super::{
    Quantised,
    bits::{Counter, Sink, Writer, sized},
    blocks::{Block, Plane},
    huffman, markers,
};

/// Appends tables and scan.
pub(super) fn write(picture: &Quantised, file: &mut Vec<u8>) {
    let tables = tables(&picture.planes);
    let count = if picture.planes.len() == 1 { 2 } else { 4 };
    let named = (0..).zip(&tables).take(count).map(|(place, table): (u8, _)| (place % 2, place / 2, table));
    markers::huffman(file, named);
    let components: Vec<_> =
        (0..picture.planes.len()).map(|number| (number, number.min(1) as u8, number.min(1) as u8)).collect();
    markers::scan(file, &components, [0, 63], [0, 0]);
    let codes = tables.map(|table| table.codes());
    let mut writer = Writer::new(file, codes.each_ref().map(Some));
    code(&picture.planes, &mut writer);
    writer.end();
}

/// How many bytes that would be, but for escaped bytes.
pub(super) fn length_bytes(picture: &Quantised) -> u64 {
    let mut counter = Counter::new();
    code(&picture.planes, &mut counter);
    let table = |counts| {
        let table = huffman::Table::best_for(counts);
        table.codes().bits_for(counts) / 8 + table.length_bytes()
    };
    counter.symbols.iter().map(table).sum::<u64>() + counter.plain_bits / 8
}

/// DC and AC of brightness, then of colour.
fn tables(planes: &[Plane]) -> [huffman::Table; 4] {
    let mut counter = Counter::new();
    code(planes, &mut counter);
    counter.symbols.each_ref().map(huffman::Table::best_for)
}

fn code(planes: &[Plane], sink: &mut impl Sink) {
    let mut before = [0; 3];
    if let [plane] = planes {
        for block in plane.alone(1) {
            code_block(plane, block, 0, &mut before[0], sink);
        }
        return;
    }
    let (across, down) = planes.first().map_or((0, 0), Plane::units);
    for (row, column) in (0..down).flat_map(|row| (0..across).map(move |column| (row, column))) {
        for (number, plane) in planes.iter().enumerate() {
            for block in plane.in_unit(column, row) {
                code_block(plane, block, number.min(1) * 2, &mut before[number], sink);
            }
        }
    }
}

fn code_block(plane: &Plane, block: usize, table: usize, before: &mut i16, sink: &mut impl Sink) {
    let values = &plane.blocks[block];
    let (bits, size) = sized(values[0] - *before);
    *before = values[0];
    sink.symbol(table, size as u8, bits, size);
    code_ac(values, plane.masks[block], table + 1, sink);
}

fn code_ac(values: &Block, mask: u64, table: usize, sink: &mut impl Sink) {
    let mut left = mask & !1;
    let mut last = 0;
    while left != 0 {
        let place = left.trailing_zeros();
        left &= left - 1;
        let mut run = place - last - 1;
        last = place;
        while run > 15 {
            sink.symbol(table, ZERO_RUN, 0, 0);
            run -= 16;
        }
        let (bits, size) = sized(values[place as usize]);
        sink.symbol(table, (run << 4 | size) as u8, bits, size);
    }
    if last < 63 {
        sink.symbol(table, END_OF_BLOCK, 0, 0);
    }
}

const END_OF_BLOCK: u8 = 0;
/// Sixteen zeros.
const ZERO_RUN: u8 = 0xf0;

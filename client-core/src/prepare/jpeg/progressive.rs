//! Progressive scans (T.81, annex G): a band of coefficients of one component, down to one bit, at a time.

use super::{
    Quantised,
    bits::{Counter, Sink, Writer, size_of, sized},
    blocks::{Block, Plane},
    huffman, markers,
};

/// What a scan holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scan {
    /// The first coefficient of every block of all components, whole.
    Dc,
    /// Others of one component, from a place to a place, without the last `low` bits.
    First { component: usize, from: u8, to: u8, low: u8 },
    /// Of all others of one component, bit number `low`.
    Refinement { component: usize, low: u8 },
}

/// Appends tables and scans.
pub(super) fn write(picture: &Quantised, scans: &[Scan], file: &mut Vec<u8>) {
    for scan in scans {
        let counter = counted(picture, *scan, 1);
        let tables = [0, 1].map(|number: usize| huffman::Table::best_for(&counter.symbols[number]));
        let count = if *scan == Scan::Dc { picture.planes.len().min(2) } else { 1 };
        let class = u8::from(*scan != Scan::Dc);
        markers::huffman(file, (0..).zip(&tables).take(count).map(|(number, table)| (class, number, table)));
        match *scan {
            Scan::Dc => {
                let components: Vec<_> = (0..picture.planes.len()).map(|at| (at, at.min(1) as u8, 0)).collect();
                markers::scan(file, &components, [0, 0], [0, 0]);
            }
            Scan::First { component, from, to, low } => {
                markers::scan(file, &[(component, 0, 0)], [from, to], [0, low]);
            }
            Scan::Refinement { component, low } => {
                markers::scan(file, &[(component, 0, 0)], [1, 63], [low + 1, low]);
            }
        }
        let codes = tables.map(|table| table.codes());
        let [first, second] = codes.each_ref().map(Some);
        let mut writer = Writer::new(file, [first, second, None, None]);
        code(picture, *scan, 1, &mut writer);
        writer.end();
    }
}

/// What a scan says; a guess from one group of rows in so many.
pub(super) fn counted(picture: &Quantised, scan: Scan, one_in: usize) -> Counter {
    let mut counter = Counter::new();
    code(picture, scan, one_in, &mut counter);
    counter
}

fn code(picture: &Quantised, scan: Scan, one_in: usize, sink: &mut impl Sink) {
    match scan {
        Scan::Dc => code_dc(&picture.planes, sink),
        Scan::First { component, from, to, low } => {
            code_first(&picture.planes[component], one_in, [from, to, low], sink);
        }
        Scan::Refinement { component, low } => code_refinement(&picture.planes[component], one_in, low, sink),
    }
}

fn code_dc(planes: &[Plane], sink: &mut impl Sink) {
    let (across, down) = planes.first().map_or((0, 0), Plane::units);
    let mut before = [0; 3];
    for (row, column) in (0..down).flat_map(|row| (0..across).map(move |column| (row, column))) {
        for ((number, plane), before) in planes.iter().enumerate().zip(&mut before) {
            for block in plane.in_unit(column, row) {
                let value = plane.blocks[block][0];
                let (bits, size) = sized(value - *before);
                *before = value;
                sink.symbol(number.min(1), size as u8, bits, size);
            }
        }
    }
}

/// T.81, G.1.2.2.
fn code_first(plane: &Plane, one_in: usize, [from, to, low]: [u8; 3], sink: &mut impl Sink) {
    let band = places(from, to);
    let mut empty = EmptyBlocks::default();
    for block in plane.alone(one_in) {
        let values = &plane.blocks[block];
        let mut left = plane.masks[block] & band;
        let mut next = u32::from(from);
        while left != 0 {
            let place = left.trailing_zeros();
            left &= left - 1;
            let value = shifted(values, place, low);
            if value == 0 {
                continue;
            }
            empty.tell(sink);
            let mut run = place - next;
            next = place + 1;
            while run > 15 {
                sink.symbol(0, ZERO_RUN, 0, 0);
                run -= 16;
            }
            let (bits, size) = sized(value);
            sink.symbol(0, (run << 4 | size) as u8, bits, size);
        }
        if next <= u32::from(to) {
            empty.add(sink);
        }
    }
    empty.tell(sink);
}

/// T.81, G.1.2.3. What was known before gets a bit more, what is new its sign; zeros are counted among those that were zero.
fn code_refinement(plane: &Plane, one_in: usize, low: u8, sink: &mut impl Sink) {
    let mut empty = EmptyBlocks::default();
    let mut corrections = Vec::new();
    for block in plane.alone(one_in) {
        let values = &plane.blocks[block];
        let mut left = plane.masks[block] & places(1, 63);
        let mut news = new_places(values, left, low);
        let (mut next, mut run) = (1, 0);
        while left != 0 {
            let place = left.trailing_zeros();
            left &= left - 1;
            run += place - next;
            next = place + 1;
            let magnitude = shifted(values, place, low).unsigned_abs();
            if magnitude == 0 {
                run += 1;
                continue;
            }
            // Long runs are told only where something new follows; else the end of the block says it all.
            while run > 15 && news != 0 {
                empty.tell(sink);
                sink.symbol(0, ZERO_RUN, 0, 0);
                run -= 16;
                tell_all(&mut corrections, sink);
            }
            if magnitude > 1 {
                corrections.push((magnitude & 1) as u8);
                continue;
            }
            empty.tell(sink);
            sink.symbol(0, (run << 4 | 1) as u8, u16::from(values[place as usize] > 0), 1);
            tell_all(&mut corrections, sink);
            run = 0;
            news &= news - 1;
        }
        if next <= 63 || run > 0 || !corrections.is_empty() {
            empty.corrections.append(&mut corrections);
            empty.add(sink);
        }
    }
    empty.tell(sink);
}

/// The places, among some, of values whose first bit is this one.
fn new_places(values: &Block, mut among: u64, low: u8) -> u64 {
    let mut news = 0;
    while among != 0 {
        let place = among.trailing_zeros();
        among &= among - 1;
        news |= u64::from(shifted(values, place, low).unsigned_abs() == 1) << place;
    }
    news
}

/// Blocks, or ends of blocks, in which nothing is new, and the corrections within them.
#[derive(Default)]
struct EmptyBlocks {
    count: u16,
    corrections: Vec<u8>,
}

impl EmptyBlocks {
    fn add(&mut self, sink: &mut impl Sink) {
        self.count += 1;
        if self.count == MOST_EMPTY_BLOCKS {
            self.tell(sink);
        }
    }

    fn tell(&mut self, sink: &mut impl Sink) {
        if self.count > 0 {
            let size = size_of(self.count) - 1;
            sink.symbol(0, (size << 4) as u8, self.count & ((1 << size) - 1), size);
            self.count = 0;
            tell_all(&mut self.corrections, sink);
        }
    }
}

fn tell_all(corrections: &mut Vec<u8>, sink: &mut impl Sink) {
    for bit in corrections.drain(..) {
        sink.plain(u16::from(bit), 1);
    }
}

/// A coefficient without its last bits, rounded towards zero.
fn shifted(values: &Block, place: u32, low: u8) -> i16 {
    values[place as usize] / (1 << low)
}

/// The places from one to another, both included, as bits.
const fn places(from: u8, to: u8) -> u64 {
    u64::MAX << from & u64::MAX >> (63 - to)
}

const ZERO_RUN: u8 = 0xf0;
const MOST_EMPTY_BLOCKS: u16 = 0x7fff;

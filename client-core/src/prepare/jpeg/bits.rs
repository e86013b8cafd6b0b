//! Entropy-coded segments: what a scan says, once to be counted, and once to be written with the tables made of that.

use super::huffman::Codes;

/// Takes what a scan says, symbol by symbol.
pub(super) trait Sink {
    /// A symbol of a table, and below it so many plain bits: `count` at most 16, `value` below `1 << count`.
    fn symbol(&mut self, table: usize, symbol: u8, value: u16, count: u32);
    /// Plain bits alone.
    fn plain(&mut self, value: u16, count: u32);
}

/// How often each symbol is said, and how many plain bits.
pub(super) struct Counter {
    pub(super) symbols: [[u32; 256]; 4],
    pub(super) plain_bits: u64,
}

impl Counter {
    pub(super) const fn new() -> Self {
        Self { symbols: [[0; 256]; 4], plain_bits: 0 }
    }
}

impl Sink for Counter {
    fn symbol(&mut self, table: usize, symbol: u8, _: u16, count: u32) {
        self.symbols[table][usize::from(symbol)] += 1;
        self.plain_bits += u64::from(count);
    }

    fn plain(&mut self, _: u16, count: u32) {
        self.plain_bits += u64::from(count);
    }
}

/// Writes a segment, most significant bit first, with a zero byte after each 0xff (T.81, F.1.2.3).
pub(super) struct Writer<'a> {
    file: &'a mut Vec<u8>,
    tables: [Option<&'a Codes>; 4],
    pending: u64,
    pending_count: u32,
}

impl<'a> Writer<'a> {
    pub(super) const fn new(file: &'a mut Vec<u8>, tables: [Option<&'a Codes>; 4]) -> Self {
        Self { file, tables, pending: 0, pending_count: 0 }
    }

    /// Fills the last byte with ones.
    pub(super) fn end(mut self) {
        let missing = (8 - self.pending_count % 8) % 8;
        self.put((1 << missing) - 1, missing);
        self.drain();
    }

    /// At most 32 bits.
    fn put(&mut self, value: u32, count: u32) {
        self.pending = self.pending << count | u64::from(value);
        self.pending_count += count;
        if self.pending_count >= 32 {
            self.drain();
        }
    }

    fn drain(&mut self) {
        while self.pending_count >= 8 {
            self.pending_count -= 8;
            let byte = (self.pending >> self.pending_count) as u8;
            self.file.push(byte);
            if byte == 0xff {
                self.file.push(0);
            }
        }
    }
}

impl Sink for Writer<'_> {
    fn symbol(&mut self, table: usize, symbol: u8, value: u16, count: u32) {
        if let Some(codes) = self.tables[table] {
            let (code, length) = codes.of(symbol);
            self.put(u32::from(code) << count | u32::from(value), length + count);
        }
    }

    fn plain(&mut self, value: u16, count: u32) {
        self.put(u32::from(value), count);
    }
}

/// How many bits a magnitude has: its size category (T.81, F.1.2.1.2).
pub(super) const fn size_of(magnitude: u16) -> u32 {
    u16::BITS - magnitude.leading_zeros()
}

/// A value's size category and the bits that tell it from others of that size; negative ones as one less.
pub(super) const fn sized(value: i16) -> (u16, u32) {
    let size = size_of(value.unsigned_abs());
    let bits = if value < 0 { value.wrapping_sub(1) } else { value };
    (bits.cast_unsigned() & (((1_u32 << size) - 1) as u16), size)
}

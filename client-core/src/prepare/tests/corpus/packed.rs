//! The simplest streams that are legal: what is in them is stored more than it is compressed.

/// RFC 1950 and 1951, stored blocks.
pub(super) fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![0x78, 0x01];
    let count = bytes.chunks(65_535).count();
    for (number, block) in bytes.chunks(65_535).enumerate() {
        let length = block.len() as u16;
        out.push(u8::from(number + 1 == count));
        out.extend(length.to_le_bytes());
        out.extend((!length).to_le_bytes());
        out.extend(block);
    }
    let (a, b) = bytes.iter().fold((1_u32, 0_u32), |(a, b), byte| {
        let a = (a + u32::from(*byte)) % 65_521;
        (a, (b + a) % 65_521)
    });
    out.extend((b << 16 | a).to_be_bytes());
    out
}

/// TIFF 6.0, section 13: nine bits for each byte, forgotten before they become ten.
pub(super) fn lzw_of_tiff(bytes: &[u8]) -> Vec<u8> {
    let mut out = Bits { first_is_highest: true, ..Bits::default() };
    lzw(bytes, &mut out);
    out.finish()
}

/// GIF89a, appendix F: the same codes from the lowest bit on.
pub(super) fn lzw_of_gif(bytes: &[u8]) -> Vec<u8> {
    let mut out = Bits::default();
    lzw(bytes, &mut out);
    out.finish()
}

fn lzw(bytes: &[u8], out: &mut Bits) {
    for piece in bytes.chunks(200) {
        out.push(256);
        piece.iter().for_each(|byte| out.push((*byte).into()));
    }
    out.push(257);
}

/// TIFF 6.0, section 9: runs, and what does not run.
pub(super) fn pack_bits(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for run in bytes.chunk_by(|a, b| a == b).flat_map(|run| run.chunks(128)) {
        match run.len() {
            1 => out.extend([0, run[0]]),
            length => out.extend([(257 - length) as u8, run[0]]),
        }
    }
    out
}

#[derive(Default)]
struct Bits {
    first_is_highest: bool,
    bytes: Vec<u8>,
    waiting: u32,
    count: u32,
}

impl Bits {
    fn push(&mut self, code: u32) {
        if self.first_is_highest {
            self.waiting |= code << (32 - 9 - self.count);
        } else {
            self.waiting |= code << self.count;
        }
        self.count += 9;
        while self.count >= 8 {
            self.give(8);
        }
    }

    fn give(&mut self, count: u32) {
        if self.first_is_highest {
            self.bytes.push((self.waiting >> 24) as u8);
            self.waiting <<= 8;
        } else {
            self.bytes.push(self.waiting as u8);
            self.waiting >>= 8;
        }
        self.count -= count;
    }

    fn finish(mut self) -> Vec<u8> {
        if self.count > 0 {
            self.give(self.count);
        }
        self.bytes
    }
}

//! Zip bombs: so many zeros in a thousandth of the bytes, written out by hand.

/// A PNG of these chunks.
pub(crate) fn png(chunks: &[(&[u8; 4], Vec<u8>)]) -> Vec<u8> {
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    for (kind, data) in chunks {
        png.extend(u32::try_from(data.len()).unwrap().to_be_bytes());
        let covered = [kind.as_slice(), data].concat();
        png.extend(&covered);
        png.extend(crc32(&covered).to_be_bytes());
    }
    png
}

/// One block with a Huffman code in which "258 bytes more of the same" takes two bits.
pub(crate) fn zeros_in_zlib(length: u32) -> Vec<u8> {
    let mut bits = Bits::default();
    bits.number(1, 1);
    bits.number(2, 2);
    // 286 codes for literals and lengths, 1 for distances, 18 for the lengths of codes.
    bits.number(29, 5);
    bits.number(0, 5);
    bits.number(14, 4);
    for code_length in [0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 2] {
        bits.number(code_length, 3);
    }
    // Literal 0: two bits; end of block: two bits; length 258: one bit; distance 1: one bit.
    let unused = |bits: &mut Bits, count: u32| {
        bits.code("0");
        bits.number(count - 11, 7);
    };
    bits.code("11");
    unused(&mut bits, 138);
    unused(&mut bits, 117);
    bits.code("11");
    unused(&mut bits, 28);
    bits.code("10");
    bits.code("10");
    let (repeats, rest) = ((length - 1) / 258, (length - 1) % 258);
    bits.code("10");
    (0..repeats).for_each(|_| bits.code("00"));
    (0..rest).for_each(|_| bits.code("10"));
    bits.code("11");
    // Adler-32 of zeros: the sum stays 1, and the sum of sums counts.
    let adler = (length % 65_521) << 16 | 1;
    [&[0x78, 0xda], bits.bytes.as_slice(), &adler.to_be_bytes()].concat()
}

/// Bits as DEFLATE packs them: from the lowest of each byte.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    used: u8,
}

impl Bits {
    fn bit(&mut self, bit: u8) {
        if self.used == 0 {
            self.bytes.push(0);
        }
        *self.bytes.last_mut().unwrap() |= bit << self.used;
        self.used = (self.used + 1) % 8;
    }

    fn number(&mut self, number: u32, width: u32) {
        (0..width).for_each(|place| self.bit(u8::from(number >> place & 1 == 1)));
    }

    fn code(&mut self, code: &str) {
        code.bytes().for_each(|digit| self.bit(digit - b'0'));
    }
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes
        .iter()
        .fold(u32::MAX, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), |crc, _| crc >> 1 ^ (0xedb8_8320 * (crc & 1))))
}

//! Objects that are sealed, signed or checksummed: whatever happens to one bit or to their end, they are refused.

use lightproof_tests::{
    effort::times,
    specimen::{Kind, Reader, good},
};
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng as _, SeedableRng as _};

use super::{bits, every, flipped};

/// What is looked at completely, and of how many bits of the rest a sample is taken.
struct Extent {
    kind: Kind,
    /// First and last bytes of which every bit is turned; `None`: every bit of all.
    ends: Option<(usize, usize)>,
    sample: u64,
}

const fn all(kind: Kind) -> Extent {
    Extent { kind, ends: None, sample: 0 }
}

const fn ends(kind: Kind, first: usize, last: usize, sample: u64) -> Extent {
    Extent { kind, ends: Some((first, last)), sample }
}

const EXTENTS: [Extent; 16] = [
    // Two signatures are checked for each: the whole frame, and of the signatures a sample.
    ends(Kind::Body, 460, 0, 4_000),
    // The identity and what is in a body: a sample. Everything else of a proof, completely.
    ends(Kind::Proof, 18, 67, 3_000),
    // A decapsulation for each: what stands in clear, and the last tag, completely.
    ends(Kind::SealedFile, 53, 16, 1_500),
    all(Kind::Bundle),
    all(Kind::BundleBare),
    all(Kind::Card),
    all(Kind::DepositReceipt),
    all(Kind::Header),
    all(Kind::Row),
    all(Kind::MessageFirst),
    ends(Kind::MessageLate, 2_449, 16, 8_000),
    // Turning the ratchet costs a decapsulation: everything before the body, and the tag, completely.
    ends(Kind::MessageStep, 2_449, 16, 2_000),
    // Two decapsulations for every bit: both ciphertexts and what names the prekeys, and the tag, completely.
    ends(Kind::Hello, 2_250, 16, 2_000),
    ends(Kind::Chunk, 256, 272, 40_000),
    ends(Kind::Blob, 64, 80, 2_700),
    // Sealed by somebody who has the card: what is inside is still signed.
    ends(Kind::PrekeyBox, 0, 0, 3_000),
];

fn chosen(extent: &Extent, length: usize) -> Vec<usize> {
    let Some((first, last)) = extent.ends else { return bits(0..length).collect() };
    let mut chosen: Vec<usize> = bits(0..first).chain(bits(length - last..length)).collect();
    let inside = (length - first - last) * 8;
    let wanted = usize::try_from(times(extent.sample)).unwrap();
    if wanted >= inside {
        chosen.extend(bits(first..length - last));
        return chosen;
    }
    let mut rng = ChaCha20Rng::seed_from_u64(length as u64);
    chosen.extend((0..wanted).map(|_| first * 8 + usize::try_from(rng.next_u64()).unwrap() % inside));
    chosen
}

#[test]
fn no_bit_of_anything_sealed_signed_or_checksummed_can_be_turned() {
    let (reader, mut total) = (Reader::default(), 0);
    for extent in &EXTENTS {
        let (kind, specimen) = (extent.kind, good(extent.kind));
        assert!(reader.read(kind, &specimen).is_ok(), "{} is not good", kind.name());
        let (before, began) = (reader.state(), std::time::Instant::now());
        let cases = chosen(extent, specimen.len());
        let ran = every(kind.name(), &cases, |bit| match reader.read(kind, &flipped(&specimen, bit)) {
            Ok(_) => Err("it was accepted".to_owned()),
            Err(_) => Ok(()),
        });
        assert!(reader.state() == before, "{} changed something", kind.name());
        println!("{}: {ran} of {} bits turned, {:?}", kind.name(), specimen.len() * 8, began.elapsed());
        total += ran;
    }
    println!(
        "evidence: P9 P10 P16 | {total} turned bits of {} sealed or signed objects, all refused | -",
        EXTENTS.len()
    );
}

#[test]
fn nothing_sealed_signed_or_checksummed_can_be_cut_or_continued() {
    let (reader, mut total) = (Reader::default(), 0);
    for extent in &EXTENTS {
        let (kind, specimen) = (extent.kind, good(extent.kind));
        // Every length where that is cheap.
        let step = if extent.kind.is_signed() { 7 } else { specimen.len().div_ceil(20_000) };
        let cuts: Vec<usize> = (0..specimen.len()).step_by(step).chain([specimen.len() - 1]).collect();
        let before = reader.state();
        total += every(kind.name(), &cuts, |length| match reader.read(kind, &specimen[..length]) {
            Ok(_) => Err(format!("{length} bytes were accepted")),
            Err(_) => Ok(()),
        });
        let tails: Vec<(usize, u8)> =
            (1..=16).flat_map(|count| [0, 1, 0x41, 0x80, 0xff].map(|byte| (count, byte))).collect();
        total += every(kind.name(), &tails, |(count, byte)| {
            let longer = [specimen.as_slice(), &vec![byte; count]].concat();
            match reader.read(kind, &longer) {
                Ok(_) => Err("it was accepted".to_owned()),
                Err(_) => Ok(()),
            }
        });
        assert!(reader.state() == before, "{} changed something", kind.name());
    }
    println!(
        "evidence: P9 P16 | {total} cuts and tails of {} sealed or signed objects, all refused | -",
        EXTENTS.len()
    );
}

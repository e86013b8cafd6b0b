//! Damaged photos: none breaks the parent, none hangs, and the next one works.

use std::fs;
use std::time::{Duration, Instant};

use image::ImageFormat;
use lightproof_core::e2ee::manifest::{MediaType, Treatment};
use lightproof_core::prepare::{PrepareError, Stopped};

use crate::effort;
use crate::material::{block_on, looked, picture, prepared};

const FORMATS: [(ImageFormat, MediaType); 6] = [
    (ImageFormat::Jpeg, MediaType::Jpeg),
    (ImageFormat::Png, MediaType::Png),
    (ImageFormat::WebP, MediaType::WebP),
    (ImageFormat::Gif, MediaType::Gif),
    (ImageFormat::Bmp, MediaType::Bmp),
    (ImageFormat::Tiff, MediaType::Tiff),
];

/// SplitMix64.
fn number(seed: &mut u64) -> usize {
    *seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (*seed ^ (*seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    usize::try_from((mixed ^ (mixed >> 27)) >> 33).unwrap()
}

fn damaged(file: &[u8], seed: u64) -> Vec<u8> {
    let mut random = seed;
    let mut file = file.to_vec();
    if seed.is_multiple_of(4) {
        file.truncate(number(&mut random) % file.len());
    }
    for _ in 0..1 + number(&mut random) % 12 {
        if file.is_empty() {
            break;
        }
        let at = number(&mut random) % file.len();
        file[at] ^= 1 << (number(&mut random) % 8);
    }
    file
}

#[derive(Default)]
struct Tally {
    whole: u32,
    refused: u32,
    stopped: u32,
}

impl Tally {
    fn count(&mut self, seed: u64, stopped: Option<Stopped>, is_whole: bool) {
        assert!(
            !matches!(stopped, Some(Stopped::Unavailable | Stopped::Unconfined | Stopped::Time)),
            "{seed}: {stopped:?}"
        );
        match (stopped, is_whole) {
            (Some(_), _) => self.stopped += 1,
            (None, true) => self.whole += 1,
            (None, false) => self.refused += 1,
        }
    }
}

#[test]
fn damaged_files_are_decoded_or_refused_and_the_client_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("photo");
    let files: Vec<_> = FORMATS.iter().map(|(format, kind)| (picture(*format), *kind)).collect();
    let (mut tally, mut longest) = (Tally::default(), Duration::ZERO);
    let seeds = effort::seeds(500);
    block_on(async {
        for seed in seeds.clone() {
            let (file, kind) = &files[usize::try_from(seed / 2 % 6).unwrap()];
            let file = damaged(file, seed);
            let began = Instant::now();
            if seed % 2 == 0 {
                fs::write(&path, &file).unwrap();
                let result = prepared(&path, Treatment::Compressed).await;
                let stopped = if let Err(PrepareError::Stopped(why)) = &result { Some(*why) } else { None };
                tally.count(seed, stopped, result.is_ok());
            } else {
                let result = looked(&file, *kind).await;
                let is_drawn = result.as_ref().is_ok_and(|looked| matches!(looked.picture, Some(Ok(_))));
                tally.count(seed, result.err(), is_drawn);
            }
            longest = longest.max(began.elapsed());
        }
        fs::write(&path, &files[0].0).unwrap();
        assert!(prepared(&path, Treatment::Compressed).await.is_ok(), "the next photo works");
    });
    let Tally { whole, refused, stopped } = tally;
    assert!(refused > 100, "{refused} refused: this is no damage");
    println!(
        "evidence: A23 | {} damaged files in a child: {whole} decoded, {refused} refused, {stopped} ended it, the longest in {} ms, and the client goes on | seeds {}..{}",
        seeds.end - seeds.start,
        longest.as_millis(),
        seeds.start,
        seeds.end
    );
}

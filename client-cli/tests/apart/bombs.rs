//! Sixty files made to take all memory or all time: refused or killed within limits, and we hold nothing of them.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use image::ImageFormat;
use lightproof_core::e2ee::manifest::{MediaType, Treatment};
use lightproof_core::prepare::{PrepareError, Stopped};

use crate::alone;
use crate::material::{block_on, looked, picture, prepared};
use crate::zeros::{png, zeros_in_zlib};

/// More than a client may grow for any number of them.
const MOST_KIB: u64 = 8 << 10;
const ENOUGH: Duration = Duration::from_secs(20);

fn ihdr(width: u32, height: u32, depth: u8, colour: u8) -> Vec<u8> {
    [width.to_be_bytes().as_slice(), &height.to_be_bytes(), &[depth, colour, 0, 0, 0]].concat()
}

fn pngs() -> Vec<Vec<u8>> {
    let mut bombs = Vec::new();
    // More pixels than anybody has, in every depth, with so many zeros behind them.
    let zeros = zeros_in_zlib(20_000_000);
    let most = 0x7fff_ffff;
    let sizes = [(50_000, 50_000), (65_535, 65_535), (most, most), (most, 1), (1, most), (32_769, 8), (12_001, 10_000)];
    for (width, height) in sizes {
        for (depth, colour) in [(1, 0), (8, 6), (16, 6)] {
            let header = ihdr(width, height, depth, colour);
            bombs.push(png(&[(b"IHDR", header), (b"IDAT", zeros.clone()), (b"IEND", Vec::new())]));
        }
    }
    let small = |extra: (&[u8; 4], Vec<u8>)| {
        let data = zeros_in_zlib(11_000 * 11_000);
        png(&[(b"IHDR", ihdr(11_000, 11_000, 8, 0)), extra, (b"IDAT", data), (b"IEND", Vec::new())])
    };
    // A gigabyte of zeros for a profile, and for texts, before more pixels than are allowed.
    let unpacked = zeros_in_zlib(1 << 30);
    bombs.push(small((b"iCCP", [b"x\0\0", unpacked.as_slice()].concat())));
    bombs.push(small((b"zTXt", [b"Comment\0\0", unpacked.as_slice()].concat())));
    bombs.push(small((b"iTXt", [b"Comment\0\x01\0\0\0", unpacked.as_slice()].concat())));
    bombs.push(small((b"iTXt", [b"XML:com.adobe.xmp\0\x01\0\0\0", unpacked.as_slice()].concat())));
    bombs
}

fn jpegs() -> Vec<Vec<u8>> {
    let segment = |marker: u8, payload: &[u8]| {
        let length = u16::try_from(payload.len() + 2).unwrap().to_be_bytes();
        [&[0xff, marker], length.as_slice(), payload].concat()
    };
    let mut bombs = Vec::new();
    for frame in [0xc0_u8, 0xc1, 0xc2] {
        for components in [1_u8, 3, 4] {
            let sampled = (1..=components).flat_map(|number| [number, 0x44, 0]);
            let header: Vec<u8> = [8, 0xff, 0xff, 0xff, 0xff, components].into_iter().chain(sampled).collect();
            let scan: Vec<u8> = [components]
                .into_iter()
                .chain((1..=components).flat_map(|number| [number, 0]))
                .chain([0, 63, 0])
                .collect();
            let parts = [&[0xff, 0xd8][..], &segment(frame, &header), &segment(0xda, &scan), &[0; 4096], &[0xff, 0xd9]];
            bombs.push(parts.concat());
        }
    }
    // Nine thousand scans, each over all of a hundred megapixels; sixty thousand segments of nothing.
    let usual = picture(ImageFormat::Jpeg);
    let scan = segment(0xda, &[1, 1, 0, 0, 0, 0]);
    let table = segment(0xc4, &[&[0][..], &[0, 1], &[0; 14], &[0]].concat());
    let header = segment(0xc2, &[8, 0x27, 0x10, 0x27, 0x10, 1, 1, 0x11, 0]);
    let quantisation = segment(0xdb, &[&[0][..], &[1; 64]].concat());
    let scans = [scan.as_slice(), &[0; 8]].concat().repeat(9_000);
    bombs.push([&[0xff, 0xd8][..], &quantisation, &header, &table, &scans, &[0xff, 0xd9]].concat());
    let empty = segment(0xef, b"");
    bombs.push(
        [&usual[..2], &empty.repeat(60_000), &[0xff, 0xd8, 0xff, 0xc0, 0, 8, 8, 0xff, 0xff, 0xff, 0xff, 1]].concat(),
    );
    bombs
}

fn riff(chunks: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
    let mut body = b"WEBP".to_vec();
    for (kind, payload) in chunks {
        body.extend(*kind);
        body.extend(u32::try_from(payload.len()).unwrap().to_le_bytes());
        body.extend(*payload);
        body.resize(body.len().next_multiple_of(2), 0);
    }
    [b"RIFF", u32::try_from(body.len()).unwrap().to_le_bytes().as_slice(), &body].concat()
}

fn webps() -> Vec<Vec<u8>> {
    let canvas = |flags: u8| [&[flags, 0, 0, 0], &[0xff_u8; 6][..]].concat();
    let lossless = [&[0x2f, 0xff, 0xff, 0xff, 0x1f][..], &[0; 2048]].concat();
    let lossy = [&[0x10, 0, 0, 0x9d, 0x01, 0x2a, 0xff, 0x3f, 0xff, 0x3f][..], &[0; 2048]].concat();
    let frame = [&[0; 6][..], &[0xff; 6], &[0; 4]].concat();
    let animated: Vec<(&[u8; 4], &[u8])> = std::iter::repeat_n((b"ANMF", frame.as_slice()), 5_000).collect();
    let first = canvas(0x02);
    let all: Vec<(&[u8; 4], &[u8])> =
        [(b"VP8X", first.as_slice()), (b"ANIM", &[0; 6][..])].into_iter().chain(animated).collect();
    vec![
        riff(&[(b"VP8L", &lossless)]),
        riff(&[(b"VP8 ", &lossy)]),
        riff(&[(b"VP8X", &canvas(0x10)), (b"VP8L", &lossless)]),
        riff(&[(b"VP8X", &canvas(0x10)), (b"ALPH", &[1; 64]), (b"VP8 ", &lossy)]),
        riff(&all),
    ]
}

fn gifs() -> Vec<Vec<u8>> {
    let screen = b"GIF89a\xff\xff\xff\xff\x80\0\0\0\0\0\xff\xff\xff";
    let frame = b",\0\0\0\0\xff\xff\xff\xff\0\x02\x04\x84\x8f\xa9\xcb\x01\0";
    vec![
        [screen.as_slice(), frame, b";"].concat(),
        [screen.as_slice(), &frame.repeat(20_000), b";"].concat(),
        [screen.as_slice(), &b"!\xfe\x01x\0".repeat(100_000), frame, b";"].concat(),
    ]
}

fn bmps() -> Vec<Vec<u8>> {
    let bmp = |width: i32, height: i32, bits: u16, compression: u32| {
        let mut file = b"BM\xff\xff\xff\x7f\0\0\0\0\x36\0\0\0\x28\0\0\0".to_vec();
        file.extend([width.to_le_bytes(), height.to_le_bytes()].concat());
        file.extend([1_u16.to_le_bytes(), bits.to_le_bytes()].concat());
        file.extend(compression.to_le_bytes());
        file.extend([0; 20]);
        file.extend([0; 4096]);
        file
    };
    vec![
        bmp(i32::MAX, i32::MAX, 24, 0),
        bmp(i32::MAX, -1, 32, 0),
        bmp(40_000, 40_000, 8, 1),
        bmp(30_000, -30_000, 24, 0),
        bmp(-1, i32::MIN, 24, 0),
    ]
}

fn tiffs() -> Vec<Vec<u8>> {
    let tiff = |width: u32, height: u32, bits: u32, compression: u32, per_strip: u32, next: u32| {
        let entries: [(u16, u32); 9] = [
            (0x100, width),
            (0x101, height),
            (0x102, bits),
            (0x103, compression),
            (0x106, 1),
            (0x111, 200),
            (0x115, 1),
            (0x116, per_strip),
            (0x117, u32::MAX),
        ];
        let mut file = b"II*\0\x08\0\0\0\x09\0".to_vec();
        for (tag, value) in entries {
            file.extend(tag.to_le_bytes());
            file.extend(4_u16.to_le_bytes());
            file.extend(1_u32.to_le_bytes());
            file.extend(value.to_le_bytes());
        }
        file.extend(next.to_le_bytes());
        file.extend([0; 512]);
        file
    };
    vec![
        tiff(u32::MAX, u32::MAX, 8, 1, u32::MAX, 0),
        tiff(60_000, 60_000, 16, 1, 60_000, 0),
        tiff(32_000, 3_700, 32, 5, 1, 0),
        tiff(10_000, 11_999, 8, 8, 11_999, 0),
        // A directory that names itself as the next.
        tiff(100_000, 100_000, 8, 1, 1, 8),
    ]
}

fn others() -> Vec<Vec<u8>> {
    let mut grown = picture(ImageFormat::Tiff);
    grown.truncate(grown.len() / 2);
    vec![
        // JPEG XL: a billion pixels each way, bare and in its container.
        [&[0xff, 0x0a][..], &[0xff; 64]].concat(),
        [b"\0\0\0\x0cJXL \r\n\x87\n\0\0\0\x14ftypjxl \0\0\0\0jxl \0\0\0\0jxlc".as_slice(), &[0xff, 0x0a], &[0xff; 64]]
            .concat(),
        [&[0xff, 0x0a, 0xfa, 0xff, 0xff, 0xff][..], &[0x55; 4096]].concat(),
        grown,
        [&picture(ImageFormat::Png)[..60], &[0; 64]].concat(),
        [&picture(ImageFormat::WebP)[..40], &[0xff; 64]].concat(),
    ]
}

fn bombs() -> Vec<Vec<u8>> {
    [pngs(), jpegs(), webps(), gifs(), bmps(), tiffs(), others()].concat()
}

/// The most memory this process had since it last asked to forget that.
pub(crate) fn peak_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// Prepares and looks at every file of the folder that the word names, as a client does.
#[test]
#[ignore = "started by the test below, in a process of its own"]
fn a_client_meets_them() {
    let Some(folder) = alone::word() else { return };
    let files = files(Path::new(&folder));
    let (bombs, [usual, ..]) = files.split_at(files.len() - 1) else { panic!("no usual photo") };
    let photo = fs::read(usual).unwrap();
    block_on(async {
        assert!(prepared(usual, Treatment::Compressed).await.is_ok());
        fs::write("/proc/self/clear_refs", "5").unwrap();
        let before = peak_kib();
        let (mut refused, mut killed, mut longest) = (0, 0, Duration::ZERO);
        for (place, bomb) in bombs.iter().enumerate() {
            let began = Instant::now();
            match prepared(bomb, Treatment::Compressed).await {
                Err(PrepareError::Stopped(Stopped::Unavailable | Stopped::Unconfined)) => {
                    panic!("no child for {place}")
                }
                Err(PrepareError::Stopped(_)) => killed += 1,
                Err(_) => refused += 1,
                Ok(photo) => panic!("{place} is prepared: {photo:?}"),
            }
            assert!(began.elapsed() < ENOUGH, "{place} took {:?}", began.elapsed());
            longest = longest.max(began.elapsed());
        }
        let kinds = [MediaType::Jpeg, MediaType::Png, MediaType::WebP];
        for bomb in bombs.iter().step_by(4) {
            for kind in kinds {
                let drawn = looked(&fs::read(bomb).unwrap(), kind).await;
                assert!(drawn.is_err() || drawn.is_ok_and(|looked| matches!(looked.picture, Some(Err(_)))), "{bomb:?}");
            }
        }
        let grown = peak_kib().saturating_sub(before);
        assert!(prepared(usual, Treatment::Original).await.is_ok(), "the next photo works");
        assert!(looked(&photo, MediaType::Jpeg).await.is_ok_and(|looked| matches!(looked.picture, Some(Ok(_)))));
        println!(
            "alone: {} bombs: {refused} refused, {killed} killed, the longest in {} ms; we grew by {grown} KiB",
            bombs.len(),
            longest.as_millis()
        );
        assert!(grown <= MOST_KIB, "{grown} KiB");
    });
}

#[test]
fn bombs_are_refused_or_killed_and_the_client_does_not_grow() {
    let folder = tempfile::tempdir().unwrap();
    let bombs = bombs();
    assert!(bombs.len() >= 60, "{}", bombs.len());
    for (place, bomb) in bombs.iter().enumerate() {
        fs::write(folder.path().join(format!("{place:03}")), bomb).unwrap();
    }
    fs::write(folder.path().join("usual"), picture(ImageFormat::Jpeg)).unwrap();
    let output = alone::run("bombs::a_client_meets_them", folder.path().to_str().unwrap());
    println!("evidence: A24 | {} | -", alone::told(&output));
}

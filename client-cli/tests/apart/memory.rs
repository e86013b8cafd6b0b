//! How much memory a large photo takes: in the child within a stated limit, in the client hardly any.

use std::fs::{self, File};
use std::io::{BufWriter, Read};
use std::path::Path;

use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ImageBuffer, Rgb, RgbImage};
use lightproof_core::e2ee::manifest::Treatment;
use lightproof_core::prepare::apart::{Asked, Job};
use lightproof_core::prepare::{Content, PreparedPhoto};

use crate::alone;
use crate::bombs::peak_kib;
use crate::child::PhotoFile;
use crate::child::limits::Limits;
use crate::material::{block_on, options, prepared, program};

/// What a client may take, whatever it sends.
const CLIENT_KIB: u64 = 96 << 10;
/// What a child may take for a photo of 24 megapixels: more than it uses, because all of its addresses count.
const CHILD_BYTES: u64 = 400 << 20;

/// So many lines of a picture, of which a few are computed: these tests are not about what it shows.
fn lines<T: Copy>(height: u32, line: impl Fn(u32) -> Vec<T>) -> Vec<T> {
    let some: Vec<Vec<T>> = (0..64).map(line).collect();
    let cycle = some.iter().cycle().take(usize::try_from(height).unwrap());
    let mut all = Vec::with_capacity(some[0].len() * usize::try_from(height).unwrap());
    cycle.for_each(|line| all.extend_from_slice(line));
    all
}

/// 24 megapixels as a camera writes them.
fn photo_of_24_megapixels(path: &Path) {
    let line =
        |y: u32| (0..6_000_u32 * 3).map(move |x| u8::try_from((x / 70 + y * 2 + ((x * x) >> 9) % 16) % 256).unwrap());
    let photo = RgbImage::from_raw(6_000, 4_000, lines(4_000, |y| line(y).collect())).unwrap();
    JpegEncoder::new_with_quality(BufWriter::new(File::create(path).unwrap()), 92).encode_image(&photo).unwrap();
}

/// 294 MB, stored as they are.
fn original_of_294_megabytes(path: &Path) {
    let line = |y: u32| {
        (0..7_000_u32 * 3).map(move |x| u16::try_from(((x * 40_503) ^ (y * 2_246)) % 65_536).unwrap()).collect()
    };
    let photo: ImageBuffer<Rgb<u16>, Vec<u16>> = ImageBuffer::from_raw(7_000, 7_000, lines(7_000, line)).unwrap();
    let file = BufWriter::new(File::create(path).unwrap());
    let encoder = PngEncoder::new_with_quality(file, CompressionType::Uncompressed, FilterType::NoFilter);
    photo.write_with_encoder(encoder).unwrap();
}

async fn compressed_within(path: &Path, memory_bytes: u64) -> PreparedPhoto<PhotoFile> {
    let mut photo = PhotoFile::Disk(File::open(path).unwrap());
    let options = options(Treatment::Compressed);
    let limits = Limits { memory_bytes, ..Limits::of_preparing(fs::metadata(path).unwrap().len()) };
    let reply = program().run(&Job::from(&options), &mut photo, &limits).await.unwrap();
    PreparedPhoto::from_reply(reply, photo, &Asked { name: "photo", options: &options, source_salt: [7; 32] }).unwrap()
}

#[test]
#[ignore = "started by the test below, in a process of its own"]
fn a_client_sends_them() {
    let Some(folder) = alone::word() else { return };
    let (photo, original) = (Path::new(&folder).join("photo.jpg"), Path::new(&folder).join("original.png"));
    block_on(async {
        let compressed = compressed_within(&photo, CHILD_BYTES).await;
        assert_eq!(compressed.dimensions(), Some((4096, 2731)));
        let photo = prepared(&original, Treatment::Original).await.unwrap();
        let length_bytes = photo.length_bytes();
        let Content::Source(mut content) = photo.into_content() else { panic!("places in the file") };
        let (mut buffer, mut sum) = (vec![0; 1 << 20], 0);
        loop {
            match content.read(&mut buffer).unwrap() {
                0 => break,
                count => sum += u64::try_from(count).unwrap(),
            }
        }
        assert!(sum == length_bytes && length_bytes > 290_000_000, "{sum} of {length_bytes}");
    });
    println!(
        "alone: 2 large photos (24 megapixels in a child of 400 MiB; 294 MB as original): the client's peak is {} KiB",
        peak_kib()
    );
    assert!(peak_kib() < CLIENT_KIB, "{}", peak_kib());
}

#[test]
fn a_large_photo_is_never_in_the_client_and_fits_into_a_small_child() {
    let folder = tempfile::tempdir().unwrap();
    photo_of_24_megapixels(&folder.path().join("photo.jpg"));
    original_of_294_megabytes(&folder.path().join("original.png"));
    let output = alone::run("memory::a_client_sends_them", folder.path().to_str().unwrap());
    println!("evidence: A24 | {} | -", alone::told(&output));
}

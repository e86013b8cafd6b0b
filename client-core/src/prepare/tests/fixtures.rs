//! Pictures in every format, made here, with marks that must not survive.

use std::{
    io::{Cursor, Read},
    path::PathBuf,
};

use image::{DynamicImage, ImageFormat, RgbImage, Rgba, RgbaImage};
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
use lightproof_e2ee::manifest::Treatment;

use super::super::{
    Content, PrepareError, PrepareOptions, PreparedPhoto,
    format::Format,
    sample::{Entry, exif_block},
    strip::{Keep, Parts},
};

/// Stands in every place a file has for metadata.
pub(super) const MARK: &[u8] = b"SECRET";

/// Of the commitments to sources.
pub(in super::super) const SALT: [u8; 32] = [7; 32];

pub(in super::super) fn treated(treatment: Treatment) -> PrepareOptions {
    PrepareOptions { treatment, ..PrepareOptions::default() }
}

pub(in super::super) fn prepared(
    file: &[u8],
    options: &PrepareOptions,
) -> Result<PreparedPhoto<Cursor<Vec<u8>>>, PrepareError> {
    super::super::prepare(Cursor::new(file.to_vec()), "photo.bin", options, SALT)
}

pub(in super::super) fn sent(photo: PreparedPhoto<Cursor<Vec<u8>>>) -> Vec<u8> {
    match photo.into_content() {
        Content::Bytes(bytes) => bytes,
        Content::LetGo => panic!("it was just prepared"),
        Content::Source(mut source) => {
            let mut bytes = Vec::new();
            source.read_to_end(&mut bytes).unwrap();
            bytes
        }
    }
}

/// The photographs that [`real`] finds, where somebody keeps them.
pub(super) const PHOTOGRAPHS: [&str; 6] = [
    "rocket-phone.jpg",
    "astronaut-text.png",
    "chelsea-alpha.png",
    "coffee.webp",
    "coffee-crop.bmp",
    "hubble-progressive.jpg",
];

/// A photo from the folder that `LIGHTPROOF_TEST_PHOTOS` names.
pub(super) fn real(name: &str) -> Option<Vec<u8>> {
    let Some(folder) = std::env::var_os("LIGHTPROOF_TEST_PHOTOS") else {
        eprintln!("skipped: LIGHTPROOF_TEST_PHOTOS names no folder with {name}");
        return None;
    };
    Some(std::fs::read(PathBuf::from(folder).join(name)).unwrap())
}

/// Smooth colours with one dark corner, top left, so that every turn and mirror shows.
pub(in super::super) fn scene(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| {
        if x < width / 3 && y < height / 3 {
            return image::Rgb([20, 20, 40]);
        }
        let (fx, fy) = (x as f32 / width as f32, y as f32 / height as f32);
        let wave = ((fx * 19.0).sin() * (fy * 13.0).cos()).mul_add(24.0, 0.0);
        image::Rgb([
            (90.0 + 140.0 * fx + wave) as u8,
            (60.0 + 150.0 * fy - wave) as u8,
            (200.0 - 120.0 * fx * fy + wave) as u8,
        ])
    })
}

pub(super) fn transparent(width: u32, height: u32) -> RgbaImage {
    let opaque = scene(width, height);
    RgbaImage::from_fn(width, height, |x, y| {
        let [r, g, b] = opaque.get_pixel(x, y).0;
        Rgba([r, g, b, (x * 255 / width) as u8])
    })
}

pub(super) fn encoded(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

/// How a JPEG's coefficients are laid out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Layout {
    Interleaved,
    Progressive,
    /// Sequential with optimised tables: jpeg-encoder gives each component a scan of its own.
    NonInterleaved,
}

pub(super) fn jpeg(
    pixels: &[u8],
    size: (u32, u32),
    colour: ColorType,
    layout: Layout,
    sampling: SamplingFactor,
) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, 92);
    encoder.set_sampling_factor(sampling);
    encoder.set_progressive(layout == Layout::Progressive);
    encoder.set_optimized_huffman_tables(layout != Layout::Interleaved);
    encoder.encode(pixels, size.0 as u16, size.1 as u16, colour).unwrap();
    bytes
}

pub(in super::super) fn plain_jpeg(picture: &RgbImage) -> Vec<u8> {
    jpeg(picture.as_raw(), picture.dimensions(), ColorType::Rgb, Layout::Interleaved, SamplingFactor::F_2_2)
}

/// A thumbnail with the mark where nobody looks.
pub(super) fn marked_exif(orientation: u16) -> Vec<u8> {
    let mut thumbnail = plain_jpeg(&scene(32, 24));
    thumbnail.extend(MARK);
    exif_block(
        &[
            Entry::text(0x010f, b"SECRET make\0"),
            Entry::short(0x0112, orientation),
            Entry::text(0x013b, b"Alice Example\0"),
        ],
        &[
            Entry::text(0x9003, b"2026:01:02 03:04:05\0"),
            Entry::bytes(0x927c, b"SECRET maker note"),
            Entry::text(0xa431, b"SECRET-serial\0"),
        ],
        &[
            Entry::text(0x0001, b"N\0"),
            Entry::rationals(0x0002, &[28, 1, 33, 1, 36, 1]),
            Entry::text(0x0003, b"W\0"),
            Entry::rationals(0x0004, &[80, 1, 34, 1, 48, 1]),
        ],
        &thumbnail,
    )
}

/// Puts the mark into EXIF, XMP, comments and behind the end of a JPEG, PNG or WebP.
pub(in super::super) fn marked(file: &[u8], format: Format, orientation: u16) -> Vec<u8> {
    let exif = marked_exif(orientation);
    let xmp = b"<x:xmpmeta><rdf:li dc:creator='Alice Example SECRET' exif:GPSLatitude='1'/></x:xmpmeta>";
    let parts = Parts::of(file, format).unwrap().unwrap();
    let mut marked = parts.rebuild(Keep { icc: true, exif: Some(&exif), xmp: Some(xmp), leftovers: true }).cut(file);
    match format {
        Format::Jpeg => {
            let comment: &[u8] = b"\xff\xfe\x00\x10SECRET comment\xff\xed\x00\x16Photoshop 3.0\0SECRET";
            marked.splice(2..2, comment.iter().copied());
            // A segment between the tables and the scan hides behind a filter of the first segments only.
            let scan = marked.windows(2).rposition(|two| two == [0xff, 0xda]).unwrap();
            marked.splice(scan..scan, b"\xff\xe5\x00\x08SECRET".iter().copied());
        }
        Format::Png => {
            let end = marked.len() - 12;
            for (kind, payload) in [
                (b"tEXt", b"Author\0Alice Example SECRET".as_slice()),
                (b"prVt", b"SECRET"),
                (b"tIME", b"\x07\xea\x01\x02\x03\x04\x05"),
            ] {
                let chunk = [(payload.len() as u32).to_be_bytes().as_slice(), kind, payload, b"\0\0\0\0"].concat();
                marked.splice(33..33, chunk.iter().copied());
            }
            assert!(marked.len() > end);
        }
        Format::WebP => {
            marked.extend(b"SCRT\x06\0\0\0SECRET");
            let length = (marked.len() as u32 - 8).to_le_bytes();
            marked[4..8].copy_from_slice(&length);
        }
        _ => panic!("no container"),
    }
    marked.extend(b"SECRET trailing Alice Example GPS");
    marked
}

pub(super) fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

/// Decodes without any code of this folder.
pub(super) fn independent(bytes: &[u8]) -> DynamicImage {
    use image::ImageDecoder as _;
    let mut decoder =
        image::ImageReader::new(Cursor::new(bytes)).with_guessed_format().unwrap().into_decoder().unwrap();
    let orientation = decoder.orientation().unwrap();
    let mut picture = DynamicImage::from_decoder(decoder).unwrap();
    picture.apply_orientation(orientation);
    picture
}

/// Peak signal-to-noise ratio in dB.
pub(super) fn psnr(a: &DynamicImage, b: &DynamicImage) -> f64 {
    let (a, b) = (a.to_rgb8(), b.to_rgb8());
    assert_eq!(a.dimensions(), b.dimensions());
    let square: f64 = a.as_raw().iter().zip(b.as_raw()).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2)).sum();
    let mean = square / a.as_raw().len() as f64;
    if mean == 0.0 { f64::INFINITY } else { 10.0 * (255.0 * 255.0 / mean).log10() }
}

/// What jpeg-decoder makes of a JPEG, as RGB.
pub(super) fn by_jpeg_decoder(bytes: &[u8]) -> DynamicImage {
    let mut decoder = jpeg_decoder::Decoder::new(bytes);
    let pixels = decoder.decode().unwrap();
    let info = decoder.info().unwrap();
    let (width, height) = (u32::from(info.width), u32::from(info.height));
    match info.pixel_format {
        jpeg_decoder::PixelFormat::L8 => image::GrayImage::from_raw(width, height, pixels).unwrap().into(),
        _ => RgbImage::from_raw(width, height, pixels).unwrap().into(),
    }
}

/// What libjpeg-turbo makes of a JPEG, where its `djpeg` is installed.
pub(super) fn by_djpeg(bytes: &[u8]) -> Option<DynamicImage> {
    use std::{
        io::Write as _,
        process::{Command, Stdio},
    };
    let Ok(mut child) = Command::new("djpeg").arg("-pnm").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn() else {
        eprintln!("skipped: no djpeg to compare with");
        return None;
    };
    let (mut stdin, input) = (child.stdin.take().unwrap(), bytes.to_vec());
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(output.status.success(), "djpeg refuses a JPEG that was sent");
    Some(of_pnm(&output.stdout))
}

/// Binary PGM or PPM as djpeg writes it: kind, size and 255 on lines of their own, then the samples.
fn of_pnm(file: &[u8]) -> DynamicImage {
    let mut lines = file.splitn(4, |byte| *byte == b'\n');
    let (kind, size) = (lines.next().unwrap(), std::str::from_utf8(lines.next().unwrap()).unwrap());
    let (width, height) = size.split_once(' ').unwrap();
    let (width, height) = (width.parse().unwrap(), height.parse().unwrap());
    let samples = lines.nth(1).unwrap().to_vec();
    if kind == b"P5" {
        image::GrayImage::from_raw(width, height, samples).unwrap().into()
    } else {
        RgbImage::from_raw(width, height, samples).unwrap().into()
    }
}

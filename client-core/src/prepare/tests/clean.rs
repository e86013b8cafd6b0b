//! Nothing that was in a file beside its picture is in what is sent, and the report says what it was.

use std::io::{Read, Seek, SeekFrom};

use image::{DynamicImage, ImageFormat};
use lightproof_e2ee::manifest::{MediaType, Treatment};

use super::super::{
    Content, Fate, PrepareError, PrepareOptions, RemovedGroup,
    format::Format,
    metadata_of, sample_photo,
    strip::{Keep, Parts},
};
use super::fixtures::{
    SALT, contains, encoded, independent, marked, marked_exif, plain_jpeg, prepared, real, scene, sent, transparent,
    treated,
};

const MARKS: [&[u8]; 5] = [b"SECRET", b"Alice Example", b"GPS", b"2026:01:02", b"Photoshop"];

fn assert_clean(bytes: &[u8], what: &str) {
    for mark in MARKS {
        assert!(!contains(bytes, mark), "{what}: {} survived", String::from_utf8_lossy(mark));
    }
    if let Ok(exif) = exif::Reader::new().read_from_container(&mut std::io::Cursor::new(bytes)) {
        let fields: Vec<_> = exif.fields().map(|field| field.tag).collect();
        assert_eq!(fields, [exif::Tag::Orientation], "{what}");
    }
    let left = metadata_of(bytes);
    assert!(left.iter().all(|left| left.group == RemovedGroup::ColourProfile), "{what}: {left:?}");
}

fn containers() -> Vec<(Format, Vec<u8>)> {
    let opaque = DynamicImage::from(scene(90, 60));
    vec![
        (Format::Jpeg, plain_jpeg(&scene(90, 60))),
        (Format::Png, encoded(&opaque, ImageFormat::Png)),
        (Format::Png, encoded(&transparent(90, 60).into(), ImageFormat::Png)),
        (Format::WebP, encoded(&opaque, ImageFormat::WebP)),
        (Format::WebP, encoded(&transparent(90, 60).into(), ImageFormat::WebP)),
    ]
}

#[test]
fn no_mark_survives_either_treatment_in_any_container_and_any_orientation() {
    for (format, file) in containers() {
        for orientation in 1..=8 {
            let file = marked(&file, format, orientation);
            assert!(MARKS[..2].iter().all(|mark| contains(&file, mark)));
            for treatment in [Treatment::Compressed, Treatment::Original] {
                let what = format!("{format:?} {orientation} {treatment:?}");
                let photo = prepared(&file, &treated(treatment)).unwrap();
                let upright = independent(&file);
                assert_eq!(photo.dimensions(), Some((upright.width(), upright.height())), "{what}");
                for group in
                    [RemovedGroup::Location, RemovedGroup::Camera, RemovedGroup::Author, RemovedGroup::TrailingBytes]
                {
                    let entry = photo.removed().iter().find(|entry| entry.group == group);
                    assert_eq!(entry.unwrap_or_else(|| panic!("{what}: no {group:?}")).fate, Fate::Removed, "{what}");
                }
                let length = photo.length_bytes();
                let bytes = sent(photo);
                assert_eq!(length, bytes.len() as u64);
                assert_clean(&bytes, &what);
                assert!(bytes.len() <= file.len(), "{what}: larger than the original");
            }
        }
    }
}

#[test]
fn the_report_names_what_was_found() {
    let file = marked(&plain_jpeg(&scene(90, 60)), Format::Jpeg, 6);
    let photo = prepared(&file, &treated(Treatment::Compressed)).unwrap();
    let lines: Vec<String> = photo.removed().iter().map(ToString::to_string).collect();
    for line in [
        "location: GPSPosition 28.5600 N 80.5800 W",
        "camera: Make SECRET make",
        "camera: BodySerialNumber SECRET-serial",
        "camera: MakerNote 17 bytes",
        "author: Artist Alice Example",
        "author: XMP creator Alice Example SECRET",
        "date: DateTimeOriginal 2026-01-02 03:04:05",
        "comment: comment SECRET comment",
        "trailing bytes: bytes 33 bytes",
    ] {
        assert!(lines.iter().any(|found| found == line), "{line} is not in {lines:#?}");
    }
    assert!(lines.iter().any(|line| line.starts_with("thumbnail: ")));
}

#[test]
fn exact_changes_nothing_and_says_what_is_inside() {
    let file = marked(&plain_jpeg(&scene(90, 60)), Format::Jpeg, 6);
    let photo = prepared(&file, &treated(Treatment::Exact)).unwrap();
    assert!(photo.removed().iter().any(|entry| entry.group == RemovedGroup::Location && entry.fate == Fate::Kept));
    assert_eq!((photo.dimensions(), photo.source_commitment()), (Some((60, 90)), None));
    assert_eq!(sent(photo), file);
}

#[test]
fn exact_takes_any_file() {
    for file in [b"".as_slice(), b"%PDF-1.7 not a picture", b"\xff\xd8\xff"] {
        let photo = prepared(file, &treated(Treatment::Exact)).unwrap();
        assert_eq!((photo.dimensions(), photo.thumbhash()), (None, [].as_slice()));
        assert_eq!(sent(photo), file);
    }
}

/// A file of `length` zeros behind a JPEG signature that counts what is read of it.
struct Endless {
    at: u64,
    length: u64,
    read_bytes: u64,
}

impl Read for Endless {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = buffer.len().min((self.length - self.at) as usize);
        buffer[..count].fill(0);
        if self.at == 0 && count >= 3 {
            buffer[..3].copy_from_slice(b"\xff\xd8\xff");
        }
        self.at += count as u64;
        self.read_bytes += count as u64;
        Ok(count)
    }
}

impl Seek for Endless {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        self.at = match to {
            SeekFrom::Start(at) => at,
            SeekFrom::End(by) => self.length.saturating_add_signed(by),
            SeekFrom::Current(by) => self.at.saturating_add_signed(by),
        };
        Ok(self.at)
    }
}

#[test]
fn a_large_file_is_never_read_whole() {
    let file = || Endless { at: 5, length: 1 << 40, read_bytes: 0 };
    let photo = super::super::prepare(file(), "film.jpg", &treated(Treatment::Exact), SALT).unwrap();
    assert_eq!((photo.length_bytes(), photo.dimensions()), (1 << 40, None));
    assert_eq!(photo.removed()[0].group, RemovedGroup::NotInspected);
    let Content::Source(source) = photo.into_content() else { panic!("exact hands the source back") };
    assert!(source.source().read_bytes <= 64);
    let refused = super::super::prepare(file(), "film.jpg", &treated(Treatment::Compressed), SALT).err();
    assert_eq!(refused, Some(PrepareError::TooManyBytes));
}

#[test]
fn metadata_is_kept_when_asked_for_and_trailing_bytes_are_not() {
    for (format, file) in containers() {
        let file = marked(&file, format, 6);
        for treatment in [Treatment::Compressed, Treatment::Original] {
            let options = PrepareOptions { keep_metadata: true, ..treated(treatment) };
            let photo = prepared(&file, &options).unwrap();
            let position = photo.removed().iter().find(|entry| entry.key == "GPSPosition").unwrap();
            assert_eq!(position.fate, Fate::Kept);
            let trailing = photo.removed().iter().find(|entry| entry.group == RemovedGroup::TrailingBytes).unwrap();
            assert_eq!(trailing.fate, Fate::Removed);
            let size = photo.dimensions();
            let bytes = sent(photo);
            assert!(metadata_of(&bytes).iter().any(|entry| entry.key == "GPSPosition"), "{format:?} {treatment:?}");
            assert!(!contains(&bytes, b"SECRET trailing"));
            let seen = independent(&bytes);
            assert_eq!(size, Some((seen.width(), seen.height())), "the orientation is not applied twice");
        }
    }
}

#[test]
fn the_sample_photo_has_something_to_say() {
    let photo = prepared(&sample_photo(), &treated(Treatment::Compressed)).unwrap();
    let groups: Vec<_> = photo.removed().iter().map(|entry| entry.group).collect();
    for group in [
        RemovedGroup::Location,
        RemovedGroup::Camera,
        RemovedGroup::Author,
        RemovedGroup::Date,
        RemovedGroup::Comment,
        RemovedGroup::Software,
        RemovedGroup::Thumbnail,
        RemovedGroup::TrailingBytes,
    ] {
        assert!(groups.contains(&group), "{group:?} is not in {groups:?}");
    }
    assert_eq!(photo.dimensions(), Some((1600, 1200)));
    assert_clean(&sent(photo), "sample");
}

#[test]
fn the_real_photographs_come_out_clean() {
    for (name, groups) in [
        (
            "rocket-phone.jpg",
            [
                RemovedGroup::Location,
                RemovedGroup::Camera,
                RemovedGroup::Author,
                RemovedGroup::Thumbnail,
                RemovedGroup::Comment,
            ]
            .as_slice(),
        ),
        ("astronaut-text.png", &[RemovedGroup::Author, RemovedGroup::Comment, RemovedGroup::OtherMetadata]),
        ("chelsea-alpha.png", &[]),
        ("coffee.webp", &[]),
        ("coffee-crop.bmp", &[]),
        ("hubble-progressive.jpg", &[]),
    ] {
        let Some(file) = real(name) else { return };
        for treatment in [Treatment::Compressed, Treatment::Original] {
            let photo = prepared(&file, &treated(treatment)).unwrap();
            eprintln!(
                "{name} {treatment:?}: {} -> {} bytes, {:?}",
                file.len(),
                photo.length_bytes(),
                photo.media_type()
            );
            for group in groups {
                assert!(
                    photo.removed().iter().any(|entry| entry.group == *group),
                    "{name}: no {group:?} in {:#?}",
                    photo.removed()
                );
            }
            let upright = independent(&file);
            assert_eq!(photo.dimensions(), Some((upright.width(), upright.height())));
            assert!(
                (10..=32).contains(&photo.thumbhash().len()),
                "{name}: {} bytes of thumbhash",
                photo.thumbhash().len()
            );
            if name.ends_with("bmp") && treatment == Treatment::Original {
                assert_eq!(photo.media_type(), MediaType::Png);
            }
            assert_clean(&sent(photo), name);
        }
    }
}

/// Some writers leave out the padding of the last chunk. What was put behind it then stood one byte too early.
#[test]
fn what_is_put_behind_a_webp_without_padding_is_read_again() {
    let exif = marked_exif(6);
    let mut tried = 0;
    for width in 1..=16 {
        let padded = encoded(&scene(width, 9).into(), ImageFormat::WebP);
        let mut file = padded.clone();
        if file[16].is_multiple_of(2) {
            continue;
        }
        assert_eq!(file.pop(), Some(0));
        let length = (file.len() as u32 - 8).to_le_bytes();
        file[4..8].copy_from_slice(&length);
        let parts = Parts::of(&file, Format::WebP).unwrap().unwrap();
        let rebuilt = parts.rebuild(Keep { exif: Some(&exif), ..Keep::default() }).cut(&file);
        let again = Parts::of(&rebuilt, Format::WebP).unwrap().unwrap();
        assert_eq!(again.exif, Some(exif.as_slice()));
        assert!(again.rebuild(Keep::default()).cut(&rebuilt) == padded);
        tried += 1;
    }
    assert!(tried > 2, "{tried} files have something to pad");
}

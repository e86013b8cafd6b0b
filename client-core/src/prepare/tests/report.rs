//! What is found is named, wherever in a file it stands, by what a person can act on.

use image::{DynamicImage, ImageFormat, imageops};
use lightproof_e2ee::manifest::Treatment;

use super::super::{
    RemovedGroup,
    format::Format,
    metadata_of,
    sample::{Entry, exif_block},
    strip::{Keep, Parts},
};
use super::fixtures::{encoded, plain_jpeg, prepared, real, scene, treated};

/// What is told of a file, line by line.
fn told(file: &[u8]) -> Vec<String> {
    metadata_of(file).iter().map(ToString::to_string).collect()
}

fn assert_told(file: &[u8], lines: &[&str]) {
    let told = told(file);
    for line in lines {
        assert!(told.iter().any(|found| found == line), "{line} is not in {told:#?}");
    }
}

fn jpeg() -> Vec<u8> {
    plain_jpeg(&scene(90, 60))
}

/// A JPEG with a segment right behind its start.
fn with_segment(marker: u8, payload: &[u8]) -> Vec<u8> {
    let length = (payload.len() as u16 + 2).to_be_bytes();
    let mut file = jpeg();
    file.splice(2..2, [&[0xff, marker], &length[..], payload].concat());
    file
}

/// A film as phones write it behind the photo.
fn film(length: usize) -> Vec<u8> {
    let mut film = b"\0\0\0\x18ftypmp42\0\0\0\0isommp42".to_vec();
    film.resize(length, 7);
    film
}

#[test]
fn a_film_behind_a_photo_is_told_with_its_size() {
    let mut google = jpeg();
    google.extend(film(4_123_456));
    assert_told(&google, &["trailing bytes: video 4.1 MB"]);
    let mut samsung = jpeg();
    samsung.extend(b"\0\0\x30\x0a\x10\0\0\0MotionPhoto_Data");
    samsung.extend(film(2_000));
    assert_told(&samsung, &["trailing bytes: video 2.0 kB"]);
    assert_eq!(told(&samsung).len(), 1);
    // Two pictures in one file, and a film behind the second.
    let second = plain_jpeg(&scene(45, 30));
    let mut both = with_segment(0xe2, b"MPF\0II*\0\x08\0\0\0");
    both.extend(&second);
    both.extend(film(9_000));
    let picture = format!("trailing bytes: picture {}.{} kB", second.len() / 1000, second.len() / 100 % 10);
    assert_told(&both, &["frames: frames", &picture, "trailing bytes: video 9.0 kB"]);
}

fn iptc(fields: &[(u8, &[u8])]) -> Vec<u8> {
    let field =
        |(number, value): &(u8, &[u8])| [&[0x1c, 2, *number], &(value.len() as u16).to_be_bytes()[..], value].concat();
    fields.iter().flat_map(field).collect()
}

fn resource(id: u16, data: &[u8]) -> Vec<u8> {
    let mut resource = [b"8BIM", &id.to_be_bytes()[..], b"\0\0", &(data.len() as u32).to_be_bytes(), data].concat();
    resource.resize(resource.len().next_multiple_of(2), 0);
    resource
}

#[test]
fn the_fields_of_iptc_are_read_out_of_photoshops_resources() {
    let fields = iptc(&[(80, b"Alice Example"), (90, b"Z\xfcrich"), (101, b"Switzerland"), (120, b"for the family")]);
    let payload = [
        b"Photoshop 3.0\0".as_slice(),
        &resource(0x0425, b"odd"),
        &resource(0x0404, &fields),
        &resource(0x040c, &[0; 28]),
    ];
    assert_told(
        &with_segment(0xed, &payload.concat()),
        &[
            "location: IPTC City Zürich",
            "location: IPTC Country Switzerland",
            "author: IPTC By-line Alice Example",
            "comment: IPTC Caption for the family",
            "thumbnail: Photoshop 28 bytes",
        ],
    );
}

#[test]
fn segments_that_name_themselves_are_told_by_their_name() {
    assert_told(
        &with_segment(0xe1, b"http://ns.adobe.com/xmp/extension/\0rest"),
        &["other metadata: APP1 more XMP 39 bytes"],
    );
    assert_told(&with_segment(0xeb, b"JP\0\x01jumb"), &["other metadata: APP11 content credentials 8 bytes"]);
    assert_told(&with_segment(0xe5, b"\x01\x02"), &["other metadata: APP5 2 bytes"]);
}

#[test]
fn a_position_with_half_of_its_fields_is_still_a_location() {
    let block = exif_block(&[], &[], &[Entry::rationals(0x0002, &[28, 1, 33, 1, 36, 1])], &[]);
    let parts = jpeg();
    let parts = Parts::of(&parts, Format::Jpeg).unwrap().unwrap();
    let file = parts.rebuild(Keep { exif: Some(&block), ..Keep::default() }).cut(&jpeg());
    assert!(metadata_of(&file).iter().any(|found| found.group == RemovedGroup::Location), "{:?}", told(&file));
}

/// A PNG with chunks right behind its header; their checksums are nobody's business here.
fn png_with(chunks: &[(&[u8; 4], Vec<u8>)]) -> Vec<u8> {
    let mut file = encoded(&DynamicImage::from(scene(30, 20)), ImageFormat::Png);
    for (kind, payload) in chunks {
        let chunk = [&(payload.len() as u32).to_be_bytes()[..], kind.as_slice(), payload, &[0; 4]].concat();
        file.splice(33..33, chunk);
    }
    file
}

fn zlib(bytes: &[u8]) -> Vec<u8> {
    miniz_oxide::deflate::compress_to_vec_zlib(bytes, 6)
}

/// As ImageMagick writes it.
fn raw_profile(kind: &str, profile: &[u8]) -> Vec<u8> {
    let digits: String = profile.iter().map(|byte| format!("{byte:02x}")).collect();
    let lines: Vec<&str> = digits.as_bytes().chunks(72).map(|line| std::str::from_utf8(line).unwrap()).collect();
    let text = format!("\n{kind}\n{:8}\n{}\n", profile.len(), lines.join("\n"));
    [format!("Raw profile type {kind}\0\0").as_bytes(), &zlib(text.as_bytes())].concat()
}

#[test]
fn compressed_texts_of_a_png_are_read_and_blocks_in_them_too() {
    let exif = exif_block(&[Entry::text(0x013b, b"Alice Example\0")], &[Entry::text(0xa431, b"SN-7\0")], &[], &[]);
    let city = [b"8BIM".as_slice(), &resource(0x0404, &iptc(&[(90, b"Bern")]))[4..]].concat();
    let file = png_with(&[
        (b"zTXt", [b"Comment\0\0".as_slice(), &zlib(b"squeezed")].concat()),
        (b"iTXt", [b"Title\0\x01\0en\0Titel\0".as_slice(), &zlib("größer".as_bytes())].concat()),
        (b"iTXt", b"Author\0\0\0\0\0Bob".to_vec()),
        (b"zTXt", raw_profile("exif", &[b"Exif\0\0".as_slice(), &exif].concat())),
        (b"zTXt", raw_profile("iptc", &city)),
    ]);
    assert_told(
        &file,
        &[
            "comment: Comment squeezed",
            "comment: Title größer",
            "author: Author Bob",
            "author: Artist Alice Example",
            "camera: BodySerialNumber SN-7",
            "location: IPTC City Bern",
        ],
    );
}

#[test]
fn a_bomb_in_a_text_is_told_by_its_size() {
    let bomb = [b"Comment\0\0".as_slice(), &zlib(&vec![b'x'; 64 << 20])].concat();
    let told = told(&png_with(&[(b"zTXt", bomb)]));
    assert!(told[0].starts_with("comment: Comment ") && told[0].ends_with(" kB"), "{told:?}");
}

#[test]
fn comments_of_a_gif_come_without_their_lengths() {
    let mut file = encoded(&DynamicImage::from(scene(30, 20)), ImageFormat::Gif);
    let long = "a comment of more than one block, ".repeat(12);
    let blocks: Vec<u8> =
        long.as_bytes().chunks(255).flat_map(|block| [&[block.len() as u8], block].concat()).collect();
    let end = file.len() - 1;
    file.splice(end..end, [b"!\xfe".as_slice(), &blocks, b"\0"].concat());
    let told = told(&file);
    assert!(told[0].starts_with("comment: comment a comment of more than one block, a comment"), "{told:?}");
    assert!(!told[0].contains('\u{fffd}'), "{told:?}");
}

#[test]
fn boxes_of_a_jpeg_xl_are_read_as_exif_and_xmp() {
    let exif = exif_block(&[Entry::text(0x013b, b"Alice Example\0")], &[], &[], &[]);
    let mut file = b"\0\0\0\x0cJXL \r\n\x87\n\0\0\0\x14ftypjxl \0\0\0\0jxl ".to_vec();
    for (kind, payload) in [
        (b"Exif", [b"\0\0\0\0".as_slice(), &exif].concat()),
        (b"xml ", b"<x photoshop:City='Bern'/>".to_vec()),
        (b"brob", b"xml \x01\x02\x03".to_vec()),
        (b"jxlc", vec![0xff, 0x0a]),
    ] {
        file.extend((payload.len() as u32 + 8).to_be_bytes());
        file.extend(kind);
        file.extend(payload);
    }
    assert_told(
        &file,
        &["author: Artist Alice Example", "location: XMP City Bern", "other metadata: compressed xml 7 bytes"],
    );
}

/// A TIFF of one pixel with XMP and IPTC in its directory.
#[test]
fn a_tiff_tells_what_its_directory_holds() {
    let xmp = b"<x aux:SerialNumber='SN-0042'/>";
    let city = iptc(&[(90, b"Bern")]);
    let entries = [(0x02bc_u16, xmp.len(), 38), (0x83bb, city.len(), 38 + xmp.len())];
    let mut file = b"II*\0\x08\0\0\0\x02\0".to_vec();
    for (tag, length, at) in entries {
        file.extend(tag.to_le_bytes());
        file.extend(7_u16.to_le_bytes());
        file.extend((length as u32).to_le_bytes());
        file.extend((at as u32).to_le_bytes());
    }
    file.extend([0; 4]);
    file.extend(xmp);
    file.extend(city);
    assert_told(&file, &["camera: XMP SerialNumber SN-0042", "location: IPTC City Bern"]);
}

/// A photo whose thumbnail shows `inside`.
fn with_thumbnail(picture: &DynamicImage, inside: &DynamicImage, canvas: (u32, u32)) -> Vec<u8> {
    let mut small = image::RgbImage::new(canvas.0, canvas.1);
    let fitted = inside.resize(canvas.0, canvas.1, imageops::FilterType::Triangle).to_rgb8();
    let [x, y] = [(canvas.0 - fitted.width()) / 2, (canvas.1 - fitted.height()) / 2].map(i64::from);
    imageops::replace(&mut small, &fitted, x, y);
    let block = exif_block(&[], &[], &[], &plain_jpeg(&small));
    let file = plain_jpeg(&picture.to_rgb8());
    let parts = Parts::of(&file, Format::Jpeg).unwrap().unwrap();
    parts.rebuild(Keep { exif: Some(&block), ..Keep::default() }).cut(&file)
}

#[test]
fn a_thumbnail_of_the_uncropped_picture_is_told_as_such() {
    let whole = DynamicImage::from(scene(800, 600));
    let wide = DynamicImage::from(scene(900, 600));
    let mut painted = whole.to_rgb8();
    imageops::replace(&mut painted, &image::RgbImage::new(400, 600), 0, 0);
    for (picture, inside, differs) in [
        (&whole, &whole, false),
        // With black bars above and below.
        (&wide, &wide, false),
        (&whole.crop_imm(0, 0, 320, 240), &whole, true),
        (&whole.crop_imm(300, 200, 400, 400), &whole, true),
        (&painted.into(), &whole, true),
    ] {
        for treatment in [Treatment::Compressed, Treatment::Original] {
            let photo = prepared(&with_thumbnail(picture, inside, (160, 120)), &treated(treatment)).unwrap();
            let entry = photo.removed().iter().find(|entry| entry.group == RemovedGroup::Thumbnail).unwrap();
            assert!(entry.detail.starts_with("160 x 120, "), "{entry}");
            assert_eq!(entry.detail.contains("perhaps the uncropped one"), differs, "{entry}");
        }
    }
}

#[test]
fn thumbnails_of_real_photographs_are_compared_rightly() {
    let Some(file) = real("rocket-phone.jpg") else { return };
    let photo = prepared(&file, &treated(Treatment::Original)).unwrap();
    let entry = photo.removed().iter().find(|entry| entry.group == RemovedGroup::Thumbnail).unwrap();
    // Its picture is stored on its side, its thumbnail upright.
    assert!(!entry.detail.contains("another picture"), "{entry}");
}

//! Display names are the last component, printable and short; they follow the kind of file.

use lightproof_e2ee::manifest::{MediaType, Treatment};
use lightproof_wire::{hash::Digest, label};

use super::super::{
    name::{display_name, display_name_as},
    prepare,
};
use super::fixtures::{SALT, plain_jpeg, scene, treated};

#[test]
fn a_name_is_never_a_path() {
    for (given, shown) in [
        ("/home/alice/IMG_1.jpg", "IMG_1.jpg"),
        (r"C:\Users\alice\IMG_1.jpg", "IMG_1.jpg"),
        ("../../etc/passwd", "passwd"),
        ("", "photo"),
        ("..", "photo"),
        ("a/..", "photo"),
        ("\u{202e}gpj.exe\n", "gpj.exe"),
        ("Küste.png", "Küste.png"),
        ("/folder/", "folder"),
    ] {
        assert_eq!(display_name(given), shown);
    }
    let long = display_name(&"ü".repeat(200));
    assert_eq!((long.len(), long.chars().count()), (128, 64));
}

#[test]
fn an_ending_says_what_the_file_is() {
    for (given, media_type, shown) in [
        ("cup.bmp", MediaType::Png, "cup.png"),
        ("cup.JPG", MediaType::Jpeg, "cup.JPG"),
        ("cup", MediaType::WebP, "cup.webp"),
        ("holiday 3.2", MediaType::Jpeg, "holiday 3.2.jpg"),
        (".bmp", MediaType::Png, ".bmp.png"),
    ] {
        assert_eq!(display_name_as(given, media_type), shown);
    }
    assert!(display_name_as(&"x".repeat(200), MediaType::Jpeg).len() <= 128);
}

#[test]
fn the_source_commitment_opens_with_salt_and_file() {
    let file = plain_jpeg(&scene(30, 20));
    let photo = prepare(std::io::Cursor::new(file.clone()), "a.jpg", &treated(Treatment::Original), SALT).unwrap();
    assert_eq!(
        photo.source_commitment(),
        Some(Digest::labelled(label::SOURCE, &[&photo.source_salt(), Digest::of(&file).as_bytes()]))
    );
}

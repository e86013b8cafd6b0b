//! QR codes are read by somebody else's reader, from the PNG and from the terminal.

use std::fs;
use std::process::Command;

use image::{DynamicImage, GrayImage, imageops};

use crate::emulator::read;
use crate::people::Place;
use crate::session::{Terminal, can_play};

/// Whether there is a reader that nobody here wrote.
fn can_scan() -> bool {
    let has = Command::new("zbarimg").arg("--version").output().is_ok();
    if !has {
        println!("skipped: no `zbarimg` to read QR codes");
    }
    has
}

/// What zbarimg reads.
fn scanned(picture: &GrayImage, place: &Place) -> String {
    picture.save(place.path("scan.png")).unwrap();
    let mut zbarimg = Command::new("zbarimg");
    let output = zbarimg.args(["-q", "--raw", "--nodbus"]).arg(place.path("scan.png")).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[test]
fn a_card_is_scanned_from_its_png() {
    if !can_scan() {
        return;
    }
    let place = Place::new();
    let alice = place.person("alice");
    let card = alice.says(&["card", "--png", "card.png"]);
    let picture = image::load_from_memory(&fs::read(place.path("card.png")).unwrap()).unwrap();
    assert_eq!(scanned(&picture.to_luma8(), &place), card.trim());
}

#[test]
fn a_card_and_a_safety_number_are_scanned_from_the_terminal() {
    if !can_play() || !can_scan() {
        return;
    }
    let place = Place::new();
    let (alice, bob) = place.alice_and_bob();
    let digits: String = alice.says(&["contact", "verify", "bob"]).chars().filter(char::is_ascii_digit).collect();
    let card = alice.says(&["card"]);
    let terminal = Terminal { size: (120, 60), ..Terminal::default() };
    for (line, expected) in [("$L card --qr", card.trim()), ("$L contact verify bob --qr", &digits)] {
        let (pictures, _) = read(&terminal.run(&alice, line).output);
        let code = DynamicImage::from(pictures[0].pixels.clone()).to_luma8();
        // As large as cells are.
        let code = imageops::resize(&code, code.width() * 8, code.height() * 8, imageops::FilterType::Nearest);
        assert_eq!(scanned(&code, &place), expected, "{line}");
    }
    let narrow = Terminal { size: (30, 60), ..Terminal::default() }.run(&bob, "$L card --qr");
    assert!(narrow.output.contains("needs a window of"), "{}", narrow.output);
}

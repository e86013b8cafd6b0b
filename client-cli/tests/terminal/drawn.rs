//! A received photo, drawn the way the terminal says it can, is that photo, and fits.

use std::fs;

use image::{RgbaImage, imageops};

use crate::emulator::{Drawn, Way, psnr, read};
use crate::people::{Person, Place, json};
use crate::session::{Terminal, can_play};

/// Bob with a photo from Alice, its ID, and its pixels by another decoder.
pub(crate) fn received(place: &Place) -> (Person, String, RgbaImage) {
    let (alice, bob) = place.alice_and_bob();
    fs::write(place.path("photo.jpg"), lightproof_core::prepare::sample_photo()).unwrap();
    alice.says(&["send", "bob", "photo.jpg", "-m", "look", "--quality", "85", "--max-edge", "800"]);
    let came = json(&bob.says(&["--json", "receive", "--save-to", "saved"]))[0].clone();
    let file = fs::read(place.path(came["photos"][0]["file"].as_str().unwrap())).unwrap();
    let pixels = image::load_from_memory(&file).unwrap().to_rgba8();
    (bob, came["id"].as_str().unwrap()[..8].to_owned(), pixels)
}

fn one_picture(output: &str) -> Drawn {
    let (mut pictures, text) = read(output);
    assert_eq!(pictures.len(), 1, "{text}");
    assert!(text.contains(": unchanged since alice sealed it"), "{text}");
    assert!(!text.contains("^[") && !text.contains("[?62"), "an answer was echoed: {text}");
    pictures.remove(0)
}

#[test]
fn a_received_photo_is_drawn_the_way_the_terminal_answers() {
    if !can_play() {
        return;
    }
    let place = Place::new();
    let (bob, id, pixels) = received(&place);
    let show = format!("$L show {id}");
    for (answer, way, least_db) in [
        ("\u{1b}_Gi=31;OK\u{1b}\\\u{1b}[6;16;8t\u{1b}[?62;c", Way::Kitty, 32.0),
        ("\u{1b}P>|iTerm2 3.5.11\u{1b}\\\u{1b}[6;16;8t\u{1b}[?62;4c", Way::Iterm2, 32.0),
        ("\u{1b}[6;16;8t\u{1b}[?1;0;256S\u{1b}[?62;4c", Way::Sixel, 28.0),
        ("\u{1b}[6;16;8t\u{1b}[?1;0;16S\u{1b}[?63;1;4c", Way::Sixel, 18.0),
        ("\u{1b}[?6c", Way::Blocks, 24.0),
    ] {
        let terminal =
            Terminal { answer: Some(answer), variables: &[("COLORTERM", "truecolor")], ..Terminal::default() };
        let seen = terminal.run(&bob, &show);
        let drawn = one_picture(&seen.output);
        assert_eq!(drawn.way, way, "{answer:?}");
        let (width, height) = drawn.pixels.dimensions();
        let (most_width, most_height) = if way == Way::Blocks { (80, 40) } else { (80 * 8, 20 * 16) };
        assert!(width <= most_width && height <= most_height, "{way:?}: {width} x {height}");
        let least = if way == Way::Blocks { 50 } else { 400 };
        assert!(width >= least, "{way:?}: {width} x {height} is less than there is room for");
        let expected = imageops::resize(&pixels, width, height, imageops::FilterType::Triangle);
        let quality = psnr(&drawn.pixels, &expected);
        println!("{way:?}: {width} x {height}, {quality:.1} dB");
        assert!(quality >= least_db, "{way:?}: {quality:.1} dB");
    }
}

#[test]
fn a_way_asked_for_by_hand_counts_before_what_the_terminal_says() {
    if !can_play() {
        return;
    }
    let place = Place::new();
    let (bob, id, _) = received(&place);
    let mute = Terminal { answer: Some("\u{1b}[?6c"), variables: &[("COLORTERM", "truecolor")], ..Terminal::default() };
    for (flag, way) in [("kitty", Way::Kitty), ("iterm2", Way::Iterm2), ("sixel", Way::Sixel), ("blocks", Way::Blocks)]
    {
        let seen = mute.run(&bob, &format!("$L show {id} --graphics {flag}"));
        assert_eq!(one_picture(&seen.output).way, way);
        assert_eq!(seen.was_asked, flag != "blocks", "{flag}");
    }
    // Not at all; and nobody asks for what is not needed.
    for line in ["$L show ID --graphics none", "LIGHTPROOF_GRAPHICS=none $L show ID", "$L show ID --no-photo"] {
        let seen = mute.run(&bob, &line.replace("ID", &id));
        assert!(!seen.was_asked && seen.output.contains(": unchanged since alice"), "{line}");
        // The blur that came with the message stands in for it.
        let (blurs, _) = read(&seen.output);
        assert!(blurs.len() == 1 && blurs[0].way == Way::Blocks && blurs[0].pixels.height() <= 20, "{line}");
    }
    let plain = mute.run(&bob, &format!("$L --no-color show {id}"));
    assert!(!plain.was_asked && !plain.output.contains('\u{1b}') && plain.output.contains('▓'), "{}", plain.output);
}

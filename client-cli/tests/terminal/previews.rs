//! A photo that is not here yet is shown as the blur that came with its message; a stranger's is not shown at all.

use std::fs;

use crate::emulator::{psnr, read};
use crate::people::{Place, json};
use crate::session::{Terminal, can_play};

const COLOURS: &[(&str, &str)] = &[("COLORTERM", "truecolor")];

#[test]
fn a_photo_that_waits_is_shown_as_a_blur_in_its_colours() {
    if !can_play() {
        return;
    }
    // Alice's relay is not one that Bob allowed, so her photo waits for his answer.
    let (place, elsewhere) = (Place::new(), Place::new());
    let (bob, alice) = (place.person("bob"), elsewhere.person("alice"));
    let (bobs_card, alices_card) = (bob.says(&["card"]), alice.says(&["card"]));
    alice.says(&["contact", "add", bobs_card.trim(), "--allow-relay"]);
    bob.says(&["contact", "add", alices_card.trim()]);
    let photo = lightproof_core::prepare::sample_photo();
    fs::write(elsewhere.path("photo.jpg"), &photo).unwrap();
    alice.says(&["send", "bob", "photo.jpg", "photo.jpg", "-m", "guess", "--quality", "85"]);
    bob.ends(&["receive"], 5);

    let waiting = json(&bob.says(&["--json", "messages"]))[0].clone();
    assert_eq!(waiting["state"], "waiting");
    assert!(waiting["photos"][0]["thumbhash"].as_str().unwrap().len() >= 20);
    assert!(waiting["photos"][0]["holds"].is_null());
    let terminal = Terminal { variables: COLOURS, ..Terminal::default() };
    let expected = image::load_from_memory(&photo).unwrap().to_rgba8();
    let id = &waiting["id"].as_str().unwrap()[..8];
    for (line, blurs) in
        [("$L messages".to_owned(), 1), (format!("$L show {id}"), 2), (format!("$L show {id} --photo 1"), 1)]
    {
        let seen = terminal.run(&bob, &line);
        assert!(!seen.was_asked, "a blur is drawn in blocks");
        let (pictures, _) = read(&seen.output.replace("  \u{1b}[0", "\u{1b}[0"));
        let blur = &pictures[0].pixels;
        // The emulator puts what stands below each other, or side by side, into one.
        let first_height = if blurs == 2 { blur.height() / 2 } else { blur.height() };
        let first_width = (first_height * 4).div_ceil(3).min(blur.width());
        let first = image::imageops::crop_imm(blur, 0, 0, first_width, first_height).to_image();
        let small = image::imageops::thumbnail(&expected, first_width, first_height);
        let quality = psnr(&first, &small);
        println!("{line}: {} x {}, {quality:.1} dB", blur.width(), blur.height());
        assert!(quality > 14.0, "{line}: {quality:.1} dB");
    }
    assert!(read(&terminal.run(&bob, "$L messages --no-photo").output).0.is_empty());
    assert!(!bob.says(&["messages"]).contains('▀'), "nobody looks at a pipe");
}

#[test]
fn a_strangers_photo_is_neither_fetched_nor_drawn_not_even_as_a_blur() {
    if !can_play() {
        return;
    }
    let place = Place::new();
    let (alice, bob) = (place.person("alice"), place.person("bob"));
    alice.adds(&bob);
    fs::write(place.path("photo.jpg"), lightproof_core::prepare::sample_photo()).unwrap();
    alice.says(&["send", "bob", "photo.jpg", "-m", "you do not know me", "--quality", "85"]);
    let terminal = Terminal { variables: COLOURS, ..Terminal::default() };
    for line in ["$L receive --save-to saved", "$L requests", "$L messages", "$L receive --save-to saved"] {
        let seen = terminal.run(&bob, line);
        assert!(
            read(&seen.output).0.is_empty() && !seen.output.contains("you do not know me"),
            "{line}: {}",
            seen.output
        );
    }
    assert!(bob.says(&["--json", "messages"]).is_empty());
    assert_eq!(fs::read_dir(place.path("saved")).unwrap().count(), 0);
    // Nothing of the photo is on Bob's disk: what is sealed takes more room than all else that is there.
    let largest = largest_file(&place.path("home-bob/spool"));
    assert!(largest < 50_000, "{largest} bytes were fetched");
    bob.says(&["accept", "1"]);
    bob.says(&["receive"]);
    assert!(!read(&terminal.run(&bob, "$L messages").output.replace("  \u{1b}[0", "\u{1b}[0")).0.is_empty());
    assert!(largest_file(&place.path("home-bob/spool")) > 50_000);
}

fn largest_file(folder: &std::path::Path) -> u64 {
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    let size = |entry: fs::DirEntry| {
        if entry.path().is_dir() { largest_file(&entry.path()) } else { entry.metadata().map_or(0, |file| file.len()) }
    };
    entries.map(|entry| size(entry.unwrap())).max().unwrap_or(0)
}

//! A photo that its sender wants to be seen once.

use std::fs;

use crate::emulator::read;
use crate::people::{Place, json};
use crate::session::{Terminal, can_play};

#[test]
fn a_photo_for_one_look_is_drawn_once_and_is_gone() {
    if !can_play() {
        return;
    }
    let place = Place::new();
    let (alice, bob) = place.alice_and_bob();
    fs::write(place.path("photo.jpg"), lightproof_core::prepare::sample_photo()).unwrap();
    alice.says(&["send", "bob", "photo.jpg", "-m", "only for you", "--max-edge", "400", "--view-once"]);
    let came = json(&bob.says(&["--json", "receive"])).remove(0);
    let id = &came["id"].as_str().unwrap()[..8];
    let terminal =
        Terminal { answer: Some("\u{1b}[?6c"), variables: &[("COLORTERM", "truecolor")], ..Terminal::default() };
    let listed = terminal.run(&bob, "$L messages");
    let (blurs, text) = read(&listed.output);
    assert!(blurs.is_empty() && !text.contains("only for you"), "{text}");
    // Not drawn, not gone.
    let refused = terminal.run(&bob, &format!("$L show {id} --graphics none"));
    assert!(refused.output.contains("it is still here"), "{}", refused.output);
    let spooled = || fs::read_dir(place.path("home-bob").join("spool")).unwrap().count();
    assert!(spooled() > 0);
    let seen = terminal.run(&bob, &format!("$L show {id}"));
    let (pictures, text) = read(&seen.output);
    assert!(pictures.len() == 1 && text.contains("only for you") && text.contains("gone from this home"), "{text}");
    assert_eq!(spooled(), 0);
    let again = terminal.run(&bob, &format!("$L show {id}"));
    let (pictures, text) = read(&again.output);
    assert!(pictures.is_empty() && text.contains("that was taken") && !text.contains("only for you"), "{text}");
}

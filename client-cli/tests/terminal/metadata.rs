//! What was removed is told to whoever sends; what is still there, to whoever receives.

use std::fs;

use crate::people::{Place, json};

#[test]
fn a_recipient_is_warned_of_metadata_that_is_still_there() {
    let place = Place::new();
    let (alice, bob) = place.alice_and_bob();
    fs::write(place.path("photo.jpg"), lightproof_core::prepare::sample_photo()).unwrap();
    for (how, words) in [
        (["--quality", "85", "--keep-metadata"].as_slice(), "warning: photo 1 still holds location: 46.5"),
        (&["--as", "original", "--keep-metadata"], "warning: photo 1 still holds location: 46.5"),
        (&["--as", "exact"], "photo 1 was sent as it is, and holds location: 46.5"),
        (&["--quality", "85"], ""),
        (&["--as", "original"], ""),
    ] {
        let (sent, warned) = alice.ends(&[&["--json", "send", "bob", "photo.jpg"], how].concat(), 0);
        let found = json(&sent)[0]["photos"][0]["found"].as_array().unwrap().clone();
        let position = found.iter().find(|found| found["key"] == "GPSPosition").unwrap();
        assert_eq!(position["fate"], if words.is_empty() { "removed" } else { "kept" }, "{how:?}");
        assert_eq!(warned.contains("warning: photo 1 is sent with location: 46.5"), !words.is_empty(), "{how:?}");
        let (came, said) = bob.ends(&["--json", "receive"], 0);
        let holds = json(&came)[0]["photos"][0]["holds"].as_array().unwrap().clone();
        assert_eq!(holds.is_empty(), words.is_empty(), "{how:?}: {holds:?}");
        assert_eq!(said.contains("holds"), !words.is_empty(), "{how:?}: {said}");
        assert!(said.lines().any(|line| line.starts_with(words)) || words.is_empty(), "{how:?}: {said}");
        let id = json(&came)[0]["id"].as_str().unwrap().to_owned();
        let shown = bob.says(&["show", &id]);
        assert_eq!(shown.contains("holds   location: 46.5"), !words.is_empty(), "{how:?}: {shown}");
    }
}

#[test]
fn the_report_is_the_same_for_every_treatment_in_text_and_in_json() {
    let place = Place::new();
    let (alice, _bob) = place.alice_and_bob();
    fs::write(place.path("photo.jpg"), lightproof_core::prepare::sample_photo()).unwrap();
    let mut reports = Vec::new();
    for how in ["compressed", "original"] {
        let words = ["send", "bob", "photo.jpg", "--dry-run", "--as", how];
        let text = alice.says(&words);
        let removed: Vec<_> =
            text.lines().filter_map(|line| line.trim().strip_prefix("removed ")).map(str::to_owned).collect();
        let told = json(&alice.says(&[&["--json"], words.as_slice()].concat()))[0]["photos"][0].clone();
        let in_json: Vec<_> =
            told["removed"].as_array().unwrap().iter().map(|line| line.as_str().unwrap().to_owned()).collect();
        assert_eq!(removed, in_json);
        reports.push(removed);
    }
    assert_eq!(reports[0], reports[1]);
    assert_eq!(
        reports[0].iter().map(|line| line.split(':').next().unwrap()).collect::<Vec<_>>(),
        ["location", "camera", "author", "date", "comment", "software", "thumbnail", "trailing bytes"]
    );
}

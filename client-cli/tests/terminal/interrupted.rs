//! A send of several photos that somebody interrupts goes on where it was.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::people::{Place, json};

const PHOTOS: u8 = 6;

fn spooled(folder: &Path) -> usize {
    fs::read_dir(folder).map_or(0, |entries| entries.count())
}

#[test]
fn an_interrupted_send_of_several_photos_goes_on_and_arrives_once() {
    let place = Place::new();
    let (alice, bob) = place.alice_and_bob();
    let names: Vec<String> = (0..PHOTOS).map(|number| format!("{number}.bin")).collect();
    for (number, name) in (0..).zip(&names) {
        fs::write(place.path(name), vec![number; 5_000_000]).unwrap();
    }
    let mut words = vec!["--json", "send", "bob", "--as", "exact", "-m", "all of them"];
    words.extend(names.iter().map(String::as_str));
    let spool = place.path("home-alice/spool");
    let before = spooled(&spool);
    let mut child = alice.command(&words).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let began = Instant::now();
    // Once the second photo is being sealed, the first is done.
    while spooled(&spool) < before + 2 && child.try_wait().unwrap().is_none() {
        assert!(began.elapsed() < Duration::from_secs(60), "nothing is sealed");
        sleep(Duration::from_millis(1));
    }
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    let code = child.wait().unwrap().code();
    assert_eq!(code, Some(1), "it ended before it was interrupted");
    let under_way = json(&alice.says(&["--json", "outbox"]));
    assert_eq!((under_way.len(), &under_way[0]["state"]), (1, &"draft".into()));
    let again = json(&alice.says(&words));
    assert_eq!(again.last().unwrap()["state"], "deposited");
    let came = json(&bob.says(&["--json", "receive"]));
    assert_eq!((came.len(), &came[0]["state"]), (1, &"verified".into()));
    let id = came[0]["id"].as_str().unwrap();
    for (number, photo) in (0..PHOTOS).zip(1..) {
        let saved = bob.run(&["show", id, "--photo", &photo.to_string(), "--save", "-"]).stdout;
        assert!(saved == vec![number; 5_000_000], "photo {photo}");
    }
    bob.ends(&["receive"], 5);
    assert!(alice.says(&["outbox"]).is_empty());
}

//! Saved photos: named by day and sender, never over what is there.

use std::collections::BTreeSet;
use std::fs;

use crate::people::{Place, json};

#[test]
fn several_photos_of_one_second_are_saved_beside_each_other() {
    let place = Place::new();
    let (alice, bob) = place.alice_and_bob();
    for (name, byte) in [("../a.bin", b'a'), ("b.bin", b'b'), ("c.bin", b'b')] {
        fs::write(place.path(name.trim_start_matches("../")), vec![byte; 5_000]).unwrap();
    }
    alice.says(&["send", "bob", "a.bin", "b.bin", "c.bin", "--as", "exact"]);
    let came = json(&bob.says(&["--json", "receive"]))[0].clone();
    let id = came["id"].as_str().unwrap();
    let day = &came["sent_at"].as_str().unwrap()[..10];
    let names = || -> BTreeSet<String> {
        let entries = fs::read_dir(place.path("out")).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    };
    bob.says(&["show", id, "--save", "out/"]);
    let first = names();
    // Two of them are the same bytes, and one file.
    assert_eq!(first.len(), 2, "{first:?}");
    assert!(first.iter().all(|name| name.starts_with(&format!("{day} alice ")) && name.ends_with(".bin")), "{first:?}");
    bob.says(&["show", id, "--save", "out/"]);
    assert_eq!(names(), first, "the same photos are not saved twice");
    let taken = place.path("out").join(first.first().unwrap());
    fs::write(&taken, "somebody else's").unwrap();
    bob.says(&["show", id, "--save", "out/"]);
    assert_eq!(names().len(), 3);
    assert_eq!(fs::read_to_string(&taken).unwrap(), "somebody else's");
    let (_, said) = bob.ends(&["show", id, "--photo", "1", "--save", taken.to_str().unwrap()], 1);
    assert!(said.contains("nothing is overwritten"), "{said}");
}

#[test]
fn a_photo_that_does_not_fit_on_the_disk_leaves_nothing_half() {
    let place = Place::new();
    let (alice, bob) = place.alice_and_bob();
    fs::write(place.path("a.bin"), vec![7; 3_000_000]).unwrap();
    alice.says(&["send", "bob", "a.bin", "--as", "exact"]);
    let id = json(&bob.says(&["--json", "receive"]))[0]["id"].as_str().unwrap().to_owned();
    // A limit for the size of files stands in for a full disk: the write fails in its middle.
    let program = bob.program.to_str().unwrap().to_owned();
    let mut limited = bob.command(&[]);
    let line = format!("trap '' XFSZ; ulimit -f 2000; mkdir -p out; exec '{program}' show {id} --save out/");
    let environment: Vec<_> =
        limited.get_envs().filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned()))).collect();
    let folder = limited.get_current_dir().unwrap().to_owned();
    limited = std::process::Command::new("sh");
    let output = limited.args(["-c", &line]).env_clear().envs(environment).current_dir(folder).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("cannot write out"), "{said}");
    assert_eq!(fs::read_dir(place.path("out")).unwrap().count(), 0);
    bob.says(&["show", &id, "--save", "out/"]);
    assert_eq!(fs::read_dir(place.path("out")).unwrap().count(), 1);
}

//! Bits that flip on the relay's disk: what they hit is never delivered as good, and everything else arrives.

use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use redb::{Database, ReadableDatabase as _, ReadableTable as _, TableDefinition};

use crate::world::{Noise, World, messages, received_notes};

const ENVELOPES: TableDefinition<'static, &[u8], &[u8]> = TableDefinition::new("envelopes");

/// What the tree holds of the mailbox with this many envelopes, in the order in which they were deposited. Looks at a copy,
/// so that the file itself stays as the relay left it.
fn envelopes(world: &World, count: usize) -> Vec<Vec<u8>> {
    let copy = world.path("copy.redb");
    fs::copy(world.relay.rows(), &copy).unwrap();
    let database = Database::open(&copy).unwrap();
    let table = database.begin_read().unwrap().open_table(ENVELOPES).unwrap();
    let rows: Vec<(Vec<u8>, Vec<u8>)> = table
        .iter()
        .unwrap()
        .map(|row| {
            let (key, value) = row.unwrap();
            (key.value().to_vec(), value.value().to_vec())
        })
        .collect();
    let owner = |key: &[u8]| key[..32].to_vec();
    let of = |mine: &[u8]| rows.iter().filter(|(key, _)| key.starts_with(mine)).count();
    rows.iter().filter(|(key, _)| of(&owner(key)) == count).map(|(_, value)| value.clone()).collect()
}

/// Flips one bit of a row wherever it stands in the file: pages are copied when they change, and old ones stay.
fn flip_row(rows: &Path, row: &[u8], offset: usize) {
    let bytes = fs::read(rows).unwrap();
    let file = File::options().write(true).open(rows).unwrap();
    let places: Vec<usize> = places_of(&bytes, row).collect();
    assert!(!places.is_empty());
    for place in places {
        let at = place + offset;
        file.write_all_at(&[bytes[at] ^ 0x10], at as u64).unwrap();
    }
}

fn places_of(bytes: &[u8], wanted: &[u8]) -> impl Iterator<Item = usize> {
    bytes.windows(wanted.len()).enumerate().filter(move |(_, window)| *window == wanted).map(|(place, _)| place)
}

fn flip_file(path: &Path, offset: u64) {
    let file = File::options().read(true).write(true).open(path).unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, offset).unwrap();
    file.write_all_at(&[byte[0] ^ 0x01], offset).unwrap();
}

#[test]
fn a_flip_in_a_stored_row_loses_that_message_alone_and_shows_nothing_of_it() {
    let mut world = World::new();
    let (alice, bob) = world.friends();
    alice.says(&["send", "bob", "-m", "hello"]);
    bob.says(&["receive"]);
    bob.says(&["send", "alice", "-m", "hello yourself"]);
    alice.says(&["receive"]);
    // A few bytes of the row's own hash, of what stands before the envelope, of the number of its slot and the check of that;
    // and of the envelope.
    let (in_row, in_slot) = ([0, 31, 33, 60, 72, 75, 76, 79], [0, 8_000, 15_999]);
    let count = (in_row.len() + in_slot.len()) * 2 + 1;
    for number in 0..count {
        alice.says(&["send", "bob", "-m", &format!("note {number}")]);
    }
    world.relay.stop();
    let rows = envelopes(&world, count);
    assert_eq!(rows.len(), count);
    let mut every_second = rows.iter().skip(1).step_by(2);
    for offset in in_row {
        flip_row(&world.relay.rows(), every_second.next().unwrap(), offset);
    }
    for (offset, row) in in_slot.into_iter().zip(every_second) {
        let slot = u32::from_be_bytes(row[72..76].try_into().unwrap());
        flip_file(&world.relay.bulk(), u64::from(slot) * 16_384 + offset);
    }
    world.relay.start();
    let (stdout, stderr) = bob.ends(&["receive", "--save-to", "saved"], 0);
    let good: Vec<String> = (0..count).step_by(2).map(|number| format!("note {number}")).collect();
    assert_eq!(received_notes(&bob)[1..], good, "{stdout}{stderr}");
    assert!(stderr.contains("missing"), "{stderr}");
    assert_eq!(fs::read_dir(world.path("saved")).unwrap().count(), 0);
    // The line goes on behind the gap.
    alice.says(&["send", "bob", "-m", "after all that"]);
    bob.says(&["receive"]);
    assert_eq!(received_notes(&bob).last().unwrap(), "after all that");
}

#[test]
fn a_flip_in_a_stored_blob_is_told_and_leaves_no_partial_file() {
    let mut world = World::new();
    let (alice, bob) = world.friends();
    let mut noise = Noise::new(3);
    for number in 0..4 {
        // The last one is the good one, and to be told from the others by its size.
        let (name, length) = (format!("{number}.bin"), if number == 3 { 600_000 } else { 150_000 });
        world.put(&name, &noise.bytes(length));
        alice.says(&["send", "bob", &name, "--as", "exact", "-m", &format!("note {number}")]);
    }
    world.relay.stop();
    let mut blobs: Vec<_> =
        world.relay.blobs().into_iter().map(|path| (fs::metadata(&path).unwrap().len(), path)).collect();
    blobs.sort();
    let lengths: Vec<u64> = blobs.iter().map(|(length, _)| *length).collect();
    assert!(lengths.len() == 4 && lengths[2] < lengths[3], "{lengths:?}");
    for ((length, path), offset) in blobs.iter().zip([0, lengths[1] / 2, lengths[2] - 1]) {
        assert!(offset < *length);
        flip_file(path, offset);
    }
    world.relay.start();
    let (stdout, stderr) = bob.ends(&["--json", "receive", "--save-to", "saved"], 3);
    let came = messages(&stdout);
    assert_eq!(came.len(), 4, "{stdout}{stderr}");
    for message in came.iter().filter(|message| message["note"] != "note 3") {
        assert_eq!((&message["state"], &message["note"]), (&"failed".into(), &serde_json::Value::Null));
        assert_eq!(message["photos"], serde_json::json!([]));
        let (page, error) = bob.ends(&["show", message["id"].as_str().unwrap(), "--save", "saved/x.bin"], 3);
        assert!(!page.contains("note") && error.starts_with("error: "), "{page}{error}");
    }
    let good: Vec<_> = came.iter().filter(|message| message["note"] == "note 3").collect();
    assert_eq!((good.len(), &good[0]["state"]), (1, &"verified".into()));
    let saved: Vec<_> = fs::read_dir(world.path("saved")).unwrap().map(|file| file.unwrap().path()).collect();
    assert_eq!(saved.len(), 1, "{saved:?}");
    assert!(fs::read(&saved[0]).unwrap() == world.bytes("3.bin"));
    alice.says(&["send", "bob", "-m", "the next one"]);
    assert!(bob.says(&["receive"]).contains("the next one"));
}

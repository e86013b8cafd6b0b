//! A home that is taken to another machine in one file.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::effort;
use crate::person::{Person, json};
use crate::world::{Noise, World, fed, messages, received_notes};

const BACKUP: &[&str] = &["backup", "alice.backup", "--backup-passphrase-file", "words"];
const RESTORE: &[&str] = &["restore", "alice.backup", "--no-passphrase", "--backup-passphrase-file", "words"];

/// The words that open every backup here.
fn with_words() -> World {
    let world = World::new();
    world.put("words", b"battery staple\n");
    fs::set_permissions(world.path("words"), fs::Permissions::from_mode(0o600)).unwrap();
    world
}

/// The same person at another machine.
fn elsewhere(world: &World) -> Person {
    Person::at(world, "elsewhere")
}

fn has_home(world: &World) -> bool {
    world.path("home-elsewhere").join("vault.redb").exists()
}

/// How a command ended, and what it said beside its result.
fn heard(person: &Person, words: &[&str]) -> (Option<i32>, String) {
    let ended = person.run(words);
    (ended.status.code(), String::from_utf8(ended.stderr).unwrap())
}

fn hears_of_a_new_session_and_writes(person: &Person) -> String {
    let (code, stderr) = heard(person, &["receive"]);
    assert!(code != Some(3) && stderr.contains("a new session with alice began"), "{stderr}");
    let (code, sent) = heard(person, &["send", "alice", "-m", "do you hear me"]);
    assert_eq!(code, Some(0), "{sent}");
    stderr + &sent
}

#[test]
fn a_home_goes_to_another_machine_and_both_contacts_talk_again_by_themselves() {
    let world = with_words();
    let (alice, bob) = world.friends();
    let carol = world.person("carol");
    carol.adds(&alice);
    alice.adds(&carol);
    world.put("photo.bin", &Noise::new(1).bytes(100_000));
    bob.says(&["send", "alice", "photo.bin", "--as", "exact", "-m", "a photo"]);
    carol.says(&["send", "alice", "-m", "a note"]);
    alice.says(&["receive"]);
    alice.says(&["contact", "verify", "bob", "--mark"]);
    alice.says(&["send", "bob,carol", "-m", "before"]);
    bob.says(&["receive"]);
    carol.says(&["receive"]);
    let made = &json(&alice.says(&[&["--json"], BACKUP].concat()))[0];
    assert_eq!(
        (&made["event"], &made["contacts"], &made["messages"], &made["photos"], &made["photos_left_out"]),
        (&"backup".into(), &2.into(), &4.into(), &1.into(), &0.into())
    );
    assert_eq!(world.path("alice.backup").metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let (_, stderr) = alice.ends(BACKUP, 1);
    assert!(stderr.contains("nothing is overwritten"), "{stderr}");

    // Ten more, and then the machine is lost.
    for number in 0..5 {
        alice.says(&["send", "bob", "-m", &format!("from alice {number}")]);
        bob.says(&["send", "alice", "-m", &format!("from bob {number}")]);
    }
    alice.says(&["receive"]);
    bob.says(&["receive"]);
    let moved = elsewhere(&world);
    let (stdout, stderr) = moved.ends(RESTORE, 0);
    assert!(stdout.contains("contacts 2, messages 4, photos 1") && stderr.contains("older copy"), "{stdout}{stderr}");

    // Whoever looks next is told, and writes as ever.
    let mut told = [&bob, &carol].map(hears_of_a_new_session_and_writes);
    // What bob had no ack of comes once more, too.
    moved.says(&["receive"]);
    let came = received_notes(&moved);
    assert_eq!(came.iter().filter(|note| *note == "do you hear me").count(), 2, "{came:?}");
    for number in 0..5 {
        assert!(came.iter().filter(|note| **note == format!("from bob {number}")).count() <= 1, "{came:?}");
    }
    moved.says(&["send", "bob,carol", "-m", "after"]);
    for ((person, told), notes) in [&bob, &carol].into_iter().zip(&mut told).zip([
        vec!["before", "from alice 0", "from alice 1", "from alice 2", "from alice 3", "from alice 4", "after"],
        vec!["before", "after"],
    ]) {
        let (code, stderr) = heard(person, &["receive"]);
        told.push_str(&stderr);
        // With the first thing that comes of the new line: a receipt may be there before the message.
        assert!(code == Some(0) && told.contains("alice writes from a restored or second copy"), "{told}");
        assert_eq!(received_notes(person), notes);
    }
    assert!(moved.says(&["contact", "list"]).contains("bob  verified"));
    let with_photo = messages(&moved.says(&["--json", "messages", "--with", "bob"])).remove(0);
    moved.says(&["show", with_photo["id"].as_str().unwrap(), "--no-photo", "--save", "saved.bin"]);
    assert_eq!(world.bytes("saved.bin"), world.bytes("photo.bin"));
    assert!(moved.says(&["status"]).contains("restored       from a backup made "));
    // The first home still runs somewhere, and hears that it does not count any more.
    let looked = alice.run(&["receive"]);
    let stderr = String::from_utf8(looked.stderr).unwrap();
    assert!(!looked.status.success() && stderr.contains("older copy"), "{stderr}");
}

#[test]
fn a_home_restored_without_its_photos_still_tells_and_shows_the_notes_of_them() {
    let world = with_words();
    let (alice, bob) = world.friends();
    world.put("photo.bin", &Noise::new(1).bytes(100_000));
    bob.says(&["send", "alice", "photo.bin", "--as", "exact", "-m", "with a photo"]);
    // It is fetched, verified and let go at the relay, and told of to nobody: the disk behind the output is full.
    let full = File::options().write(true).open("/dev/full").unwrap();
    assert!(!alice.command(&["receive"]).stdout(full).output().unwrap().status.success());
    let id = messages(&alice.says(&["--json", "messages", "--with", "bob"])).pop().unwrap();
    let id = id["id"].as_str().unwrap();
    alice.says(&[BACKUP, &["--no-photos"]].concat());

    let moved = elsewhere(&world);
    moved.says(RESTORE);
    let told = moved.run(&["receive"]);
    let (stdout, stderr) = (String::from_utf8(told.stdout).unwrap(), String::from_utf8(told.stderr).unwrap());
    assert!(stdout.contains("with a photo"), "{stdout}{stderr}");
    let (stdout, stderr) = moved.ends(&["receive"], 5);
    assert!(!stdout.contains("with a photo"), "it is told of once: {stdout}{stderr}");
    let shown = moved.says(&["show", id]);
    assert!(shown.contains("with a photo") && shown.contains("left out of the backup that was restored"), "{shown}");
    let (_, stderr) = moved.ends(&["show", id, "--save", "saved.bin"], 1);
    assert!(stderr.contains("left out of the backup") && !world.path("saved.bin").exists(), "{stderr}");
}

#[test]
fn what_is_no_whole_backup_of_mine_leaves_no_home() {
    let world = with_words();
    let alice = world.person("alice");
    alice.says(BACKUP);
    let backup = world.bytes("alice.backup");
    let moved = elsewhere(&world);
    let refused = |bytes: &[u8], code: i32, words: &str| {
        world.put("alice.backup", bytes);
        let (stdout, stderr) = moved.ends(RESTORE, code);
        assert!(stdout.is_empty() && stderr.contains(words) && stderr.contains("hint: "), "{stdout}{stderr}");
        assert!(!has_home(&world) && !world.path("home-elsewhere").join("restoring").exists());
    };
    for place in [200, 40_000, backup.len() - 1] {
        let mut changed = backup.clone();
        changed[place] ^= 1;
        refused(&changed, 3, "was changed since it was made");
    }
    refused(&backup[..backup.len() - 1], 3, "was changed since it was made");
    refused(&[&backup[..], &[0]].concat(), 3, "was changed since it was made");
    refused(b"a holiday photo, or what else lies around", 3, "this is not a backup of a home");
    refused(&[&backup[..22], &[2], &backup[23..]].concat(), 1, "newer version");
    world.put("words", b"another\n");
    refused(&backup, 1, "wrong passphrase");
    let (_, stderr) = moved.ends(&["restore", "alice.backup", "--no-passphrase"], 1);
    assert!(stderr.contains("LIGHTPROOF_BACKUP_PASSPHRASE"), "{stderr}");
    moved.ends(&["status"], 1);

    // And the file goes through pipes.
    world.put("words", b"battery staple\n");
    let piped = alice.run(&["backup", "-", "--no-photos", "--backup-passphrase-file", "words"]);
    assert_eq!(piped.status.code(), Some(0));
    let words = ["restore", "-", "--no-passphrase", "--backup-passphrase-file", "words"];
    assert_eq!(fed(&moved, &words, &piped.stdout).status.code(), Some(0));
    assert_eq!(moved.says(&["card"]), alice.says(&["card"]));
    let (_, stderr) = moved.ends(RESTORE, 1);
    assert!(stderr.contains("there is a home in home-elsewhere already"), "{stderr}");
}

#[test]
fn a_restore_that_is_killed_leaves_no_home_or_a_whole_one() {
    let world = with_words();
    let alice = world.person("alice");
    alice.says(BACKUP);
    let began = Instant::now();
    elsewhere(&world).says(RESTORE);
    let usual = began.elapsed();
    let mut noise = Noise::new(7);
    let (mut none, mut whole) = (0, 0);
    let kills = effort::times(4);
    for _ in 0..kills {
        fs::remove_dir_all(world.path("home-elsewhere")).unwrap();
        let mut child = started(&mut elsewhere(&world).command(RESTORE));
        let within_us = u64::try_from(usual.as_micros()).unwrap();
        sleep(Duration::from_micros(noise.number() % within_us));
        child.kill().unwrap();
        child.wait().unwrap();
        // Killed before its first effect, it leaves not even a folder.
        fs::create_dir_all(world.path("home-elsewhere")).unwrap();
        fs::set_permissions(world.path("home-elsewhere"), fs::Permissions::from_mode(0o700)).unwrap();
        if has_home(&world) {
            whole += 1;
        } else {
            none += 1;
            elsewhere(&world).says(RESTORE);
        }
        assert_eq!(elsewhere(&world).says(&["card"]), alice.says(&["card"]));
    }
    println!("evidence: P27 | {kills} restores killed at some moment: {none} left no home, {whole} a whole one | -");
}

fn started(command: &mut Command) -> Child {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// The most memory that a command had, in KiB.
fn peak_kib(command: &mut Command) -> u64 {
    let mut child = started(command);
    let path = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    loop {
        if let Ok(status) = fs::read_to_string(&path) {
            let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
            let now = line.and_then(|line| line.split_whitespace().next()).and_then(|text| text.parse().ok());
            peak = peak.max(now.unwrap_or_default());
        }
        if let Some(status) = child.try_wait().unwrap() {
            assert!(status.success(), "{status}");
            return peak;
        }
        sleep(Duration::from_millis(2));
    }
}

#[test]
fn a_big_backup_takes_no_more_memory_than_a_small_one() {
    let world = with_words();
    let (alice, bob) = world.friends();
    let carol = world.person("carol");
    let small = [
        peak_kib(&mut carol.command(&["backup", "small.backup", "--backup-passphrase-file", "words"])),
        peak_kib(&mut Person::at(&world, "small").command(&[
            "restore",
            "small.backup",
            "--no-passphrase",
            "--backup-passphrase-file",
            "words",
        ])),
    ];
    // Written in pieces: this process is not what is measured.
    let mut file = File::create(world.path("big.bin")).unwrap();
    let piece = Noise::new(3).bytes(1 << 20);
    for _ in 0..PHOTO_MIB {
        std::io::Write::write_all(&mut file, &piece).unwrap();
    }
    bob.says(&["send", "alice", "big.bin", "--as", "exact"]);
    alice.says(&["receive"]);
    let big = [peak_kib(&mut alice.command(BACKUP)), peak_kib(&mut elsewhere(&world).command(RESTORE))];
    assert!(world.path("alice.backup").metadata().unwrap().len() > u64::from(PHOTO_MIB) << 20);
    for (small, big) in small.into_iter().zip(big) {
        assert!(big < small + u64::from(PHOTO_MIB) * 1_024 / 2, "{small} KiB without, {big} KiB with {PHOTO_MIB} MiB");
    }
    println!(
        "evidence: P27 | {PHOTO_MIB} MiB of photo restored with {} KiB at most, {} KiB without | -",
        big[1], small[1]
    );
}

/// Half of it is far more than a few chunks.
const PHOTO_MIB: u32 = 64;

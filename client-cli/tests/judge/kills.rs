//! SIGKILL at any moment, and the same command again: nothing is lost, nothing comes twice.

use std::fs::{self, File};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use lightproof_core::wire::hash::Digest;

use crate::effort;
use crate::history::{Event, History};
use crate::person::{Person, json};
use crate::world::{Noise, World, messages, sha256};

/// Starts a command and kills it a while later. Its stdout, and whether it had ended by itself by then.
fn killed(mut command: Command, after: Duration, world: &World) -> (String, bool) {
    let stdout = world.path("stdout");
    let mut child =
        command.stdin(Stdio::null()).stdout(File::create(&stdout).unwrap()).stderr(Stdio::null()).spawn().unwrap();
    sleep(after);
    let ended = child.try_wait().unwrap().is_some();
    if !ended {
        child.kill().unwrap();
        child.wait().unwrap();
    }
    (fs::read_to_string(stdout).unwrap(), ended)
}

/// A moment within the time that such a command takes on this machine, or a little later.
fn somewhen(noise: &mut Noise, usual: Duration) -> Duration {
    let within_us = u64::try_from(usual.as_micros()).unwrap() * 6 / 5;
    Duration::from_micros(noise.number() % within_us)
}

fn time_of(command: impl FnOnce()) -> Duration {
    let began = Instant::now();
    command();
    began.elapsed()
}

/// What somebody received: each note, its state, and the digest of its photo.
fn inbox(person: &Person) -> Vec<(String, String, String)> {
    let all = messages(&person.says(&["--json", "messages"]));
    let came = all.iter().filter(|message| message["direction"] == "in");
    came.map(|message| {
        let photo = &message["photos"][0]["sha256"];
        [&message["note"], &message["state"], photo].map(|value| value.as_str().unwrap().to_owned()).into()
    })
    .collect()
}

/// What was sent and what is there, decided as everywhere.
fn decide(sent: &[(String, String, String)], there: &[(String, String, String)]) {
    let history = History::default();
    let hash =
        |(note, _, photo): &(String, String, String)| *Digest::of(format!("{note} {photo}").as_bytes()).as_bytes();
    for (place, message) in (0..).zip(sent) {
        history.note(Event::Written(0, place, hash(message)));
        history.note(Event::Sent(0, hash(message)));
    }
    for message in there {
        history.note(Event::Saved(0, hash(message)));
        history.note(Event::Shown(0, hash(message)));
    }
    history.note(Event::Settled(0));
    assert_eq!(history.check(), [], "{history:?}");
}

#[test]
fn a_send_that_is_killed_and_typed_again_arrives_once() {
    let world = World::new();
    let (alice, bob) = world.friends();
    let mut noise = Noise::new(0x5e4d);
    let mut sent = Vec::new();
    let mut interrupted = 0;
    let mut usual = None;
    for round in 0..effort::times(ROUNDS) {
        let (photo, note) = (format!("{round}.bin"), format!("round {round}"));
        let bytes = noise.bytes(300_000);
        world.put(&photo, &bytes);
        let words = ["--json", "send", "bob", &photo, "--as", "exact", "-m", &note];
        sent.push((note.clone(), "verified".to_owned(), sha256(&bytes)));
        let Some(usual) = usual else {
            usual = Some(time_of(|| drop(alice.says(&words))));
            continue;
        };
        let (stdout, ended) = killed(alice.command(&words), somewhen(&mut noise, usual), &world);
        // Whoever was told that it is deposited does not send it again.
        if !stdout.contains("\"deposited\"") {
            assert!(!ended);
            interrupted += 1;
            let again = json(&alice.says(&words));
            assert_eq!(again.last().unwrap()["state"], "deposited");
        }
        if round % 5 == 4 {
            bob.says(&["receive"]);
            assert_eq!(inbox(&bob), sent);
            bob.says(&["send", "alice", "-m", "got it"]);
            alice.says(&["receive"]);
        }
    }
    println!(
        "evidence: P13 F10 | {} sends that were killed, {interrupted} before they said what became of them | -",
        sent.len() - 1
    );
    bob.run(&["receive"]);
    assert_eq!(inbox(&bob), sent);
    decide(&sent, &inbox(&bob));
    bob.ends(&["receive"], 5);
    assert!(alice.says(&["outbox"]).is_empty());
}

#[test]
fn a_receive_that_is_killed_and_typed_again_takes_everything_once() {
    let world = World::new();
    let (alice, bob) = world.friends();
    let mut noise = Noise::new(0x4ece);
    let mut sent = Vec::new();
    let mut interrupted = 0;
    let mut usual = None;
    for round in 0..effort::times(ROUNDS) {
        let (photo, note, folder) = (format!("{round}.bin"), format!("round {round}"), format!("saved-{round}"));
        let bytes = noise.bytes(300_000);
        world.put(&photo, &bytes);
        alice.says(&["send", "bob", &photo, "--as", "exact", "-m", &note]);
        let words = ["--json", "receive", "--save-to", &folder];
        sent.push((note.clone(), "verified".to_owned(), sha256(&bytes)));
        let Some(usual) = usual else {
            usual = Some(time_of(|| drop(bob.says(&words))));
            continue;
        };
        let (first, _) = killed(bob.command(&words), somewhen(&mut noise, usual), &world);
        let again = bob.run(&words);
        let second = String::from_utf8(again.stdout).unwrap();
        assert!(matches!(again.status.code(), Some(0 | 5)), "{second}");
        assert_eq!(inbox(&bob), sent);
        // Told at least once; what stands in the folder is whole, and there once.
        assert!(first.contains(&note) || second.contains(&note), "round {round}: never told");
        interrupted += usize::from(!first.contains(&note));
        let files: Vec<_> = fs::read_dir(world.path(&folder)).unwrap().map(|file| file.unwrap().path()).collect();
        let (hidden, visible): (Vec<_>, Vec<_>) =
            files.iter().partition(|path| path.file_name().unwrap().to_str().unwrap().starts_with('.'));
        assert_eq!(visible.len(), 1, "round {round}: {files:?}");
        assert!(hidden.len() <= 1, "round {round}: {files:?}");
        assert!(fs::read(visible[0]).unwrap() == bytes);
    }
    println!(
        "evidence: P13 F10 | {} receives that were killed, {interrupted} before they told what came | -",
        sent.len() - 1
    );
    bob.ends(&["receive"], 5);
    decide(&sent, &inbox(&bob));
    let all = messages(&bob.says(&["--json", "messages"]));
    for (message, (_, _, digest)) in all.iter().zip(&sent) {
        assert_eq!(sha256(&bob.run(&["show", message["id"].as_str().unwrap(), "--save", "-"]).stdout), *digest);
    }
}

const ROUNDS: u64 = 16;

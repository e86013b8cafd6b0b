//! `receive --follow` tells a command and the desktop what came, and nothing that a peer wrote is run, mixed in, or told unasked.

use std::fs::{self, Permissions};
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::people::{Person, Place, json};

/// A `notify-send` that only writes down what it is told.
fn fake_desktop(folder: &Path) {
    fs::create_dir(folder).unwrap();
    let program = folder.join("notify-send");
    fs::write(&program, "#!/bin/sh\nprintf '%s\\n' \"$@\" >> notified\n").unwrap();
    fs::set_permissions(program, Permissions::from_mode(0o755)).unwrap();
}

fn follows(bob: &Person, place: &Place, words: &[&str]) -> Child {
    let path = format!("{}:/usr/bin:/bin", place.path("desktop").display());
    let mut command = bob.command(&[&["--json", "receive", "--follow"], words].concat());
    command.env("PATH", path).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn until(path: &Path, words: &str) -> String {
    let began = Instant::now();
    loop {
        let text = fs::read_to_string(path).unwrap_or_default();
        if text.contains(words) {
            return text;
        }
        assert!(began.elapsed() < Duration::from_secs(60), "{words:?} is not in {}: {text}", path.display());
        sleep(Duration::from_millis(20));
    }
}

/// Ctrl-C; what it said on both streams.
fn ended(mut child: Child) -> (String, String) {
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let (mut stdout, mut stderr) = (String::new(), String::new());
    child.stdout.take().unwrap().read_to_string(&mut stdout).unwrap();
    child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    (stdout, stderr)
}

const NOTE: &str = "one; $(touch owned) `touch owned` ' \" \u{1b}[2J <b>two</b>";

#[test]
fn a_command_and_the_desktop_hear_of_every_message_and_no_failure_ends_receiving() {
    let place = Place::new();
    let (alice, bob) = place.alice_and_bob();
    fake_desktop(&place.path("desktop"));
    let line = "env | sort >> came; echo spoken; exit 3";
    let child = follows(&bob, &place, &["--exec", line, "--notify"]);
    alice.says(&["send", "bob", "-m", NOTE]);
    let first = until(&place.path("came"), "LIGHTPROOF_STATE=");
    alice.says(&["send", "bob", "-m", "the second"]);
    let notified = until(&place.path("notified"), "a note\n--app-name");
    let (stdout, stderr) = ended(child);
    for fact in ["EVENT=message", "FROM=alice", "HAS_NOTE=1", "PHOTOS=0", "STATE=verified"] {
        assert!(first.contains(&format!("LIGHTPROOF_{fact}\n")), "{fact}: {first}");
    }
    let id = json(&stdout)[0]["id"].as_str().unwrap().to_owned();
    assert!(first.contains(&format!("LIGHTPROOF_MESSAGE_ID={id}\n")), "{first}");
    assert!(!first.contains("touch") && !first.contains("correct horse"), "a note or a passphrase: {first}");
    assert_eq!(notified, "--app-name=lightproof\n--\nmessage from alice\na note\n".repeat(2));
    assert_eq!(json(&stdout).len(), 2, "what a command says is no result: {stdout}");
    assert!(stderr.contains("spoken") && stderr.contains("warning: the command of --exec failed"), "{stderr}");
    assert!(!place.path("owned").exists(), "what a peer wrote was run");
}

#[test]
fn a_note_is_told_only_where_it_is_asked_for_and_never_as_more_than_text() {
    let place = Place::new();
    let (alice, bob) = place.alice_and_bob();
    fake_desktop(&place.path("desktop"));
    let child =
        follows(&bob, &place, &["--exec", "printf %s \"$LIGHTPROOF_NOTE\" > note", "--exec-note", "--notify=content"]);
    alice.says(&["send", "bob", "-m", NOTE]);
    let notified = until(&place.path("notified"), "two");
    ended(child);
    let shown = NOTE.replace('\u{1b}', "\u{fffd}");
    assert_eq!(fs::read_to_string(place.path("note")).unwrap(), shown);
    let escaped = shown.replace('<', "&lt;").replace('>', "&gt;");
    assert_eq!(notified, format!("--app-name=lightproof\n--\nmessage from alice\n{escaped}\n"));
    assert!(!place.path("owned").exists(), "what a peer wrote was run");
    // Both are for those who stay.
    bob.ends(&["receive", "--exec", "true"], 2);
    bob.ends(&["receive", "--notify"], 2);
}

//! `send --wait delivered`: it waits for what may still happen, and for nothing else.
//!
//! It sleeps where the program that is tested does.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, ChildStdout, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::person::{Person, json};
use crate::world::{World, messages};

/// A send to Bob that waits.
struct Waiting {
    child: Child,
    stdout: BufReader<ChildStdout>,
    /// What it said first.
    sent: Value,
}

impl Waiting {
    fn begins(person: &Person, note: &str) -> Self {
        let mut command = person.command(&["--json", "send", "bob", "-m", note, "--wait", "delivered"]);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        Self { child, stdout, sent: json(&line).remove(0) }
    }

    fn id(&self) -> &str {
        self.sent["id"].as_str().unwrap()
    }

    /// What it says from now on, and its exit code: none where it had to be killed.
    fn ends(mut self) -> (Vec<Value>, Option<i32>) {
        let ended = until(|| self.child.try_wait().unwrap());
        if ended.is_none() {
            self.child.kill().unwrap();
        }
        let code = self.child.wait().unwrap().code();
        let mut rest = String::new();
        self.stdout.read_to_string(&mut rest).unwrap();
        (json(&rest), code)
    }
}

/// A message that waits at Alice's for a relay that has stopped.
fn waiting_for_a_relay(note: &str) -> (World, Person, Person, Waiting) {
    let mut world = World::new();
    let (alice, bob) = world.friends();
    world.relay.stop();
    let waiting = Waiting::begins(&alice, note);
    assert_eq!(waiting.sent["state"], "outbox");
    (world, alice, bob, waiting)
}

/// Looks until something is there, for longer than the longest pause between two looks at a relay.
fn until<T>(mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let began = Instant::now();
    while began.elapsed() < PATIENCE {
        if let Some(there) = look() {
            return Some(there);
        }
        sleep(A_MOMENT);
    }
    None
}

/// It ended by itself, with 1, and said this last.
fn assert_in_vain((told, code): (Vec<Value>, Option<i32>), what: &str) -> Vec<Value> {
    // What somebody sent before they were blocked, and nobody can open any more, is an alarm of its own.
    assert!(code == Some(1) || code == Some(3) && what.contains("blocked"), "{what}: {code:?} {told:?}");
    let last = told.last().unwrap();
    assert_eq!((&last["event"], &last["code"]), (&"error".into(), &1.into()), "{told:?}");
    assert!(last["what"].as_str().unwrap().contains(what), "{told:?}");
    told
}

/// It waited for ever for a receipt of what was taken back or deleted, and for one of somebody who was blocked.
#[test]
fn whoever_waits_for_a_message_that_cannot_be_delivered_any_more_is_told_so() {
    let world = World::new();
    let (alice, bob) = world.friends();
    for (words, what) in [
        (&["retract"][..], "was taken back"),
        (&["delete"], "was cancelled or deleted"),
        (&["contact", "block", "bob"], "bob was blocked or removed"),
    ] {
        let waiting = Waiting::begins(&alice, what);
        assert_eq!(waiting.sent["state"], "deposited");
        let id = waiting.id().to_owned();
        let is_about_a_message = words.len() == 1;
        alice.says(if is_about_a_message { [words, &[&id]].concat() } else { words.to_vec() }.as_slice());
        // What comes ends the pause between two looks; where nothing comes, it ends by itself.
        bob.run(&["send", "alice", "-m", "are you there?"]);
        let told = assert_in_vain(waiting.ends(), what);
        let states: Vec<_> = told.iter().filter(|one| one["event"] == "sent").map(|one| &one["state"]).collect();
        assert_eq!(states, if words == ["retract"] { vec!["retracted"] } else { vec![] });
    }
}

#[test]
fn whoever_waits_for_a_send_that_is_cancelled_meanwhile_is_told_so() {
    let (_world, alice, _bob, waiting) = waiting_for_a_relay("never mind");
    alice.says(&["outbox", "cancel", waiting.id()]);
    assert_in_vain(waiting.ends(), "was cancelled or deleted");
}

/// A send that is deposited while it is waited for is forgotten at once, and nothing said any more which message it had
/// become: even one that was delivered was waited for for ever.
#[test]
fn a_send_that_is_deposited_while_somebody_waits_is_still_known() {
    let (mut world, alice, bob, waiting) = waiting_for_a_relay("in the end");
    world.relay.start();
    let deposited = until(|| {
        let all = messages(&alice.says(&["--json", "messages"]));
        all.into_iter().find(|message| message["state"] == "deposited")
    });
    let id = deposited.unwrap()["id"].as_str().unwrap().to_owned();
    assert!(alice.says(&["outbox"]).is_empty());
    alice.says(&["retract", &id]);
    bob.says(&["send", "alice", "-m", "are you there?"]);
    let told = assert_in_vain(waiting.ends(), "was taken back");
    let last = told.iter().rfind(|one| one["event"] == "sent").unwrap();
    assert_eq!((&last["id"], &last["state"]), (&id.into(), &"retracted".into()));
}

const PATIENCE: Duration = Duration::from_secs(60);
const A_MOMENT: Duration = Duration::from_millis(100);

//! One ignored test in a process of its own, with one word that says what it is to do.

use std::env;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Output};

const WORD: &str = "LIGHTPROOF_TEST_ALONE";

/// Runs the ignored test of this name.
pub(crate) fn run(test: &str, word: &str) -> Output {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", test, "--ignored", "--nocapture", "--test-threads=1"]);
    command.env(WORD, word).output().unwrap()
}

/// The signal that ended it.
pub(crate) fn signal(output: &Output) -> Option<i32> {
    output.status.signal()
}

/// What it told behind "alone: ", once it has passed.
pub(crate) fn told(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    let (_, told) = text.split_once("alone: ").unwrap();
    told.lines().next().unwrap().to_owned()
}

/// What the test is to do; nothing where somebody runs all ignored tests.
pub(crate) fn word() -> Option<String> {
    env::var(WORD).ok()
}

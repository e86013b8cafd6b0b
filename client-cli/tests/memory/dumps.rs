//! No core dump of a client, whatever the system would allow.

use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::people::Place;

#[test]
fn a_client_that_is_aborted_leaves_no_core_dump() {
    let place = Place::new();
    let bob = place.person("bob");
    let told = bob.command(&["--verbose", "receive", "--follow"]);
    // A shell that allows dumps of any size.
    let mut child = Command::new("sh")
        .args(["-c", "ulimit -c unlimited 2>/dev/null; exec \"$0\" \"$@\""])
        .arg(told.get_program())
        .args(told.get_args())
        .current_dir(told.get_current_dir().unwrap())
        .env_clear()
        .envs(told.get_envs().filter_map(|(name, value)| Some((name, value?))))
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = std::io::BufReader::new(child.stderr.take().unwrap());
    // It has begun when it says anything.
    std::io::BufRead::read_line(&mut said, &mut String::new()).unwrap();
    let limits = fs::read_to_string(format!("/proc/{}/limits", child.id())).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().filter(|word| *word == "0").count(), 2, "{core}");
    kill_process(Pid::from_child(&child), Signal::ABORT).unwrap();
    let status = child.wait().unwrap();
    assert!(status.signal() == Some(6) && !status.core_dumped(), "{status}");
    println!("evidence: P18 | 1 client aborted, no core dump | -");
}

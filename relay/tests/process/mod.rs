//! The program as a process: started on a folder, asked as its operator asks it, ended.
#![allow(clippy::unwrap_used, clippy::panic, clippy::allow_attributes, dead_code, reason = "tests; each uses a part")]

use std::{
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, ChildStdout, Command as Process, Output, Stdio},
};

use lightproof_wire::relay_link::RelayLink;

/// Limits per address are for others; tests come from one.
pub(crate) const UNHINDERED: [(&str, &str); 6] = [
    ("LIGHTPROOF_RELAY_MAILBOX_ENVELOPES", "1000000"),
    ("LIGHTPROOF_RELAY_MAILBOX_DEPOSITS_A_MINUTE", "1000000"),
    ("LIGHTPROOF_RELAY_COMMANDS_PER_SECOND_AND_ADDRESS", "100000"),
    ("LIGHTPROOF_RELAY_COMMANDS_PER_SECOND_IN_ALL", "100000"),
    ("LIGHTPROOF_RELAY_COMMANDS_PER_SECOND", "100000"),
    ("LIGHTPROOF_RELAY_COMMAND_BURST", "100000"),
];

pub(crate) fn program(arguments: &[&str]) -> Process {
    let mut process = Process::new(env!("CARGO_BIN_EXE_lightproof-relay"));
    process.args(arguments).env_clear();
    process
}

/// Exit code, what was printed, and what was said on stderr.
pub(crate) fn run(arguments: &[&str]) -> (i32, String, String) {
    let Output { status, stdout, stderr } = program(arguments).output().unwrap();
    let code = status.code().unwrap_or_else(|| panic!("{arguments:?} was killed"));
    (code, String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

/// A command on a data folder.
pub(crate) fn on(data: &Path, arguments: &[&str]) -> (i32, String, String) {
    run(&[arguments, &["--data", data.to_str().unwrap()]].concat())
}

pub(crate) struct Running {
    pub(crate) child: Child,
    pub(crate) link: RelayLink,
    /// The rest of what it says has to go somewhere.
    _stdout: BufReader<ChildStdout>,
}

impl Running {
    pub(crate) fn start(data: &Path) -> Self {
        Self::again(data, "127.0.0.1:0")
    }

    /// On an address that clients know already.
    pub(crate) fn again(data: &Path, listen: &str) -> Self {
        let mut process = program(&["serve", "--data", data.to_str().unwrap(), "--listen", listen]);
        Self::of(process.envs(UNHINDERED).stderr(Stdio::null()))
    }

    pub(crate) fn of(process: &mut Process) -> Self {
        let mut child = process.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        stdout.read_line(&mut line).unwrap();
        let link = line.trim().parse().unwrap_or_else(|_| panic!("it did not start: {line}"));
        Self { child, link, _stdout: stdout }
    }

    /// SIGKILL.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGTERM; whether it ended well.
    pub(crate) fn stop(mut self) -> bool {
        let pid = self.child.id().to_string();
        assert!(Process::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        self.child.wait().unwrap().success()
    }
}

impl Drop for Running {
    /// A test that failed leaves no process.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

//! People who use the program.

use std::io::{BufRead, BufReader, Lines};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};

use serde_json::Value;

/// Somebody at a keyboard.
pub(crate) struct Person {
    pub(crate) name: String,
    folder: PathBuf,
    /// The program, where anybody may run it.
    pub(crate) program: PathBuf,
    /// Another user of this machine to run it as.
    pub(crate) user: Option<u32>,
}

impl Person {
    /// Somebody whose homes are in this folder.
    pub(crate) fn at(place: &impl AsRef<Path>, name: &str) -> Self {
        let program = env!("CARGO_BIN_EXE_lightproof").into();
        Self { name: name.to_owned(), folder: place.as_ref().to_owned(), program, user: None }
    }

    /// A command, not run yet.
    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        if let Some(user) = self.user {
            command.uid(user).gid(user);
        }
        command
            .args(words)
            .current_dir(&self.folder)
            .env_clear()
            .env("HOME", &self.folder)
            .env("LIGHTPROOF_HOME", format!("home-{}", self.name))
            .env("LIGHTPROOF_PASSPHRASE", "correct horse");
        command
    }

    pub(crate) fn run(&self, words: &[&str]) -> Output {
        self.command(words).output().unwrap()
    }

    /// Starts a command that runs until it is interrupted.
    pub(crate) fn begins(&self, words: &[&str]) -> Running {
        let mut child = self.command(words).stdout(Stdio::piped()).spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap()).lines();
        Running { child, stdout }
    }

    /// Runs a command that ends as expected: its stdout and its stderr.
    pub(crate) fn ends(&self, words: &[&str], code: i32) -> (String, String) {
        let Output { status, stdout, stderr } = self.run(words);
        let (stdout, stderr) = (String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap());
        assert_eq!(status.code(), Some(code), "{}: {words:?}\n{stdout}\n{stderr}", self.name);
        (stdout, stderr)
    }

    /// Runs a command that succeeds: its stdout.
    pub(crate) fn says(&self, words: &[&str]) -> String {
        self.ends(words, 0).0
    }

    /// Sends somebody a note, who looks.
    pub(crate) fn tells(&self, to: &Self, note: &str) {
        self.says(&["send", &to.name, "-m", note]);
        to.says(&["receive"]);
    }

    pub(crate) fn adds(&self, other: &Self) {
        let card = other.says(&["card"]);
        self.says(&["contact", "add", card.trim(), "--allow-relay"]);
    }
}

/// The objects of `--json`.
pub(crate) fn json(lines: &str) -> Vec<Value> {
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// A command that runs on.
pub(crate) struct Running {
    child: Child,
    stdout: Lines<BufReader<ChildStdout>>,
}

impl Running {
    /// Waits for a line of stdout.
    pub(crate) fn says_a_line_with(&mut self, words: &str) {
        assert!(self.stdout.any(|line| line.unwrap().contains(words)), "it ended without saying {words:?}");
    }

    /// Presses Ctrl-C, and waits for the end.
    pub(crate) fn interrupted(mut self) -> Option<i32> {
        let id = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(id, rustix::process::Signal::INT).unwrap();
        self.child.wait().unwrap().code()
    }
}

//! A relay in this process, and people who use the program.

use std::io::{BufRead, BufReader, Lines};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Output, Stdio};

use lightproof_relay::config::Config;
use lightproof_relay::{Relay, RunningRelay};
use serde_json::Value;
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// A folder with a relay and the homes of people.
pub(crate) struct Place {
    folder: TempDir,
    runtime: Runtime,
    address: SocketAddr,
    relay: Option<RunningRelay>,
}

impl Place {
    pub(crate) fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let address = (Ipv4Addr::LOCALHOST, 0).into();
        let mut place = Self { folder: tempfile::tempdir().unwrap(), runtime, address, relay: None };
        place.start_relay();
        place
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn link(&self) -> String {
        self.relay.as_ref().unwrap().link().to_string()
    }

    pub(crate) fn start_relay(&mut self) {
        let config = Config::local(self.path("relay"), self.address).unwrap();
        let relay = self.runtime.block_on(Relay::start(config)).unwrap();
        self.address = relay.address();
        self.relay = Some(relay);
    }

    pub(crate) fn stop_relay(&mut self) {
        self.runtime.block_on(self.relay.take().unwrap().shutdown());
    }

    /// Somebody with a home on this relay.
    pub(crate) fn person(&self, name: &str) -> Person {
        let person = Person::at(self, name);
        person.says(&["init", "--no-passphrase", "--name", name, "--relay", &self.link()]);
        person
    }

    /// Two people who know each other.
    pub(crate) fn alice_and_bob(&self) -> (Person, Person) {
        let (alice, bob) = (self.person("alice"), self.person("bob"));
        alice.adds(&bob);
        bob.adds(&alice);
        (alice, bob)
    }
}

/// Somebody at a keyboard.
pub(crate) struct Person {
    name: String,
    folder: PathBuf,
}

impl Person {
    pub(crate) fn at(place: &Place, name: &str) -> Self {
        Self { name: name.to_owned(), folder: place.folder.path().to_owned() }
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lightproof"));
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

//! A relay and two people who know each other, as processes and folders.

use std::{
    fs::{self, File},
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
};

use crate::{
    error::BenchError,
    programs::{Finished, Programs, memory, run},
};

/// A relay that runs; dropping it ends it.
pub(crate) struct Relay {
    child: Child,
    /// Held open: the relay may have more to say.
    _stdout: BufReader<ChildStdout>,
    link: String,
}

impl Relay {
    fn serve(programs: &Programs, folder: &Path) -> Result<Self, BenchError> {
        let log = File::create(folder.join("relay.log")).map_err(BenchError::at("relay.log"))?;
        let mut child = Command::new(&programs.relay)
            .args(["serve", "--listen", "127.0.0.1:0", "--data"])
            .arg(folder.join("relay"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .map_err(BenchError::at("lightproof-relay"))?;
        let stdout = child.stdout.take().ok_or_else(|| BenchError::Wrong("the relay has no output".to_owned()))?;
        let (mut stdout, mut link) = (BufReader::new(stdout), String::new());
        stdout.read_line(&mut link).map_err(BenchError::at("the relay's link"))?;
        if !link.starts_with("wss://") {
            let log = fs::read_to_string(folder.join("relay.log")).unwrap_or_default();
            return Err(BenchError::Wrong(format!("the relay did not start:\n{log}")));
        }
        Ok(Self { child, _stdout: stdout, link: link.trim().to_owned() })
    }

    /// Its memory, in MiB.
    pub(crate) fn memory(&self, key: &str) -> Result<f64, BenchError> {
        memory(&self.child, key).ok_or_else(|| BenchError::Wrong("the relay is gone".to_owned()))
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A person with a home without a passphrase.
pub(crate) struct Person {
    lightproof: PathBuf,
    home: PathBuf,
}

impl Person {
    fn new(programs: &Programs, folder: &Path, name: &str, relay: &Relay) -> Result<Self, BenchError> {
        let person = Self { lightproof: programs.lightproof.clone(), home: folder.join(name) };
        person.run(&["init", "--name", name, "--relay", &relay.link, "--no-passphrase"])?;
        Ok(person)
    }

    /// A command of this person, ready to run.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.lightproof);
        command.arg("--home").arg(&self.home).args(arguments);
        command
    }

    /// Runs a command of this person.
    pub(crate) fn run(&self, arguments: &[&str]) -> Result<Finished, BenchError> {
        run(self.command(arguments))
    }

    /// Where everything of this person lies.
    pub(crate) fn home(&self) -> &Path {
        &self.home
    }
}

/// What most measurements need. Fields are dropped in this order: the relay ends first.
pub(crate) struct Pair {
    pub(crate) relay: Relay,
    pub(crate) alice: Person,
    pub(crate) bob: Person,
}

impl Pair {
    /// Alice and Bob at a relay of their own, with a session that both have used.
    pub(crate) fn new(programs: &Programs, folder: &Path) -> Result<Self, BenchError> {
        let relay = Relay::serve(programs, folder)?;
        let alice = Person::new(programs, folder, "alice", &relay)?;
        let bob = Person::new(programs, folder, "bob", &relay)?;
        for (one, other, name) in [(&alice, &bob, "bob"), (&bob, &alice, "alice")] {
            let card = other.run(&["card"])?.stdout;
            one.run(&["contact", "add", card.trim(), "--name", name])?;
        }
        for _ in 0..2 {
            for (one, other, name) in [(&alice, &bob, "bob"), (&bob, &alice, "alice")] {
                one.run(&["send", name, "-m", "hello"])?;
                other.run(&["receive"])?;
            }
        }
        Ok(Self { relay, alice, bob })
    }
}

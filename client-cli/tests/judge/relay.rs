//! The relay as a process.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::program;

/// A relay on a port of its own, whose folder and port stay the same however often it is started.
pub(crate) struct Relay {
    data: PathBuf,
    log: PathBuf,
    settings: Vec<(&'static str, &'static str)>,
    listen: String,
    link: String,
    running: Option<(Child, BufReader<ChildStdout>)>,
}

impl Relay {
    /// Starts one in a new folder. `settings` are variables without their prefix.
    pub(crate) fn serve(data: PathBuf, listen: &str, settings: &[(&'static str, &'static str)]) -> Self {
        let log = data.with_extension("log");
        let mut relay = Self {
            data,
            log,
            settings: settings.to_vec(),
            listen: listen.to_owned(),
            link: String::new(),
            running: None,
        };
        relay.start();
        relay.listen = relay.authority().to_owned();
        relay
    }

    pub(crate) fn start(&mut self) {
        let log = File::options().create(true).append(true).open(&self.log).unwrap();
        let mut command = Command::new(program::relay());
        command.args(["serve", "--listen", &self.listen, "--data"]).arg(&self.data).env_clear();
        for (name, value) in &self.settings {
            command.env(format!("LIGHTPROOF_RELAY_{name}"), value);
        }
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut link = String::new();
        stdout.read_line(&mut link).unwrap();
        assert!(link.starts_with("wss://"), "the relay did not start: {}", fs::read_to_string(&self.log).unwrap());
        self.link = link.trim().to_owned();
        // The rest of stdout is short, and fits in the pipe.
        self.running = Some((child, stdout));
    }

    /// SIGKILL.
    pub(crate) fn kill(&mut self) {
        let (mut child, _stdout) = self.running.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// SIGTERM, and the end it asks for.
    pub(crate) fn stop(&mut self) {
        let (mut child, _stdout) = self.running.take().unwrap();
        kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(0));
    }

    pub(crate) fn link(&self) -> &str {
        &self.link
    }

    /// Host and port.
    pub(crate) fn authority(&self) -> &str {
        self.link.trim_start_matches("wss://").split('/').next().unwrap()
    }

    pub(crate) fn data(&self) -> &Path {
        &self.data
    }

    pub(crate) fn log(&self) -> &Path {
        &self.log
    }

    /// The file of rows.
    pub(crate) fn rows(&self) -> PathBuf {
        self.data.join("rows.redb")
    }

    /// What lies beside them.
    pub(crate) fn bulk(&self) -> PathBuf {
        self.data.join("rows.bulk")
    }

    /// The files of blobs.
    pub(crate) fn blobs(&self) -> Vec<PathBuf> {
        let folders = fs::read_dir(self.data.join("blobs")).unwrap().map(|folder| folder.unwrap().path());
        folders.flat_map(|folder| fs::read_dir(folder).unwrap().map(|file| file.unwrap().path())).collect()
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        if let Some((mut child, _stdout)) = self.running.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }
}

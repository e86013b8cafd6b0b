//! A newcomer's machine: a home with a photo in it, a shell, and what the page says to install.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    net::{Ipv4Addr, TcpListener},
    os::unix::fs::PermissionsExt as _,
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use crate::root::Root;

/// Where the page lets the relay listen.
const PORT: &str = "7443";

/// Compiles for minutes what this test was built with.
const CARGO: &str = r#"#!/bin/sh
case "$*" in
"install --path client-cli") name=lightproof;;
"install --path relay") name=lightproof-relay;;
*) exit 1;;
esac
# A package may have put it where programs are already.
if [ ! -e "$PROGRAMS" ]; then command -v $name; exit; fi
mkdir -p ~/.cargo/bin && ln -s "$PROGRAMS/$name" ~/.cargo/bin/
"#;

pub(crate) struct Machine {
    root: Root,
    port: String,
    relay: Option<Child>,
}

impl Drop for Machine {
    fn drop(&mut self) {
        if let Some(relay) = &mut self.relay {
            relay.kill().unwrap();
            relay.wait().unwrap();
        }
    }
}

impl Machine {
    pub(crate) fn new() -> Self {
        let root = Root::new();
        let home = root.folder().join(HOME);
        fs::create_dir_all(home.join("stand-ins")).unwrap();
        let cargo = home.join("stand-ins/cargo");
        fs::write(&cargo, CARGO).unwrap();
        fs::set_permissions(&cargo, fs::Permissions::from_mode(0o755)).unwrap();
        fs::write(home.join("photo.jpg"), lightproof_core::prepare::sample_photo()).unwrap();
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = free.local_addr().unwrap().port().to_string();
        Self { root, port, relay: None }
    }

    /// A file of the newcomer's.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.root.folder().join(HOME).join(name)
    }

    /// What kind of machine it is.
    pub(crate) fn is_called(&self) -> &'static str {
        self.root.is_called()
    }

    /// A shell in the newcomer's home that knows nothing of this test's environment.
    fn shell(&self, script: &str) -> Command {
        let root = self.root.seen_from_inside();
        let home = format!("{root}/{HOME}");
        let variables = [
            ("HOME", home.clone()),
            ("PATH", format!("{home}/.cargo/bin:{home}/stand-ins:/usr/bin:/bin")),
            ("PROGRAMS", format!("{root}/{}", Root::PROGRAMS)),
            ("LIGHTPROOF_PASSPHRASE", "correct horse".to_owned()),
            ("LIGHTPROOF_BACKUP_PASSPHRASE", "battery staple".to_owned()),
        ];
        let exports: String = variables.iter().map(|(name, value)| format!("export {name}='{value}'\n")).collect();
        // What one block keeps in a variable the next one finds.
        let script = format!(
            "{exports}cd ~ && touch kept && . ./kept\n{script}\nended=$?; set > kept.all; grep '^RELAY=' kept.all > kept; exit $ended"
        );
        let mut shell = self.root.shell(&script);
        shell.stdin(Stdio::null());
        shell
    }

    /// What a block prints, on stdout and stderr.
    pub(crate) fn run(&mut self, text: &str) -> String {
        let script = text.replace(PORT, &self.port);
        if script.starts_with("lightproof-relay serve") {
            let mut relay = self.shell(&format!("exec {script} 2> relay.log")).stdout(Stdio::piped()).spawn().unwrap();
            let mut first = String::new();
            BufReader::new(relay.stdout.take().unwrap()).read_line(&mut first).unwrap();
            self.relay = Some(relay);
            assert!(first.starts_with("wss://127.0.0.1:"), "{first}");
            return String::new();
        }
        // Each line is a command; where one fails and does not say so by its code, the page is wrong.
        let commands: Vec<_> = script.lines().map(|line| format!("{{ {line}\n}}")).collect();
        let output = self.shell(&format!("{{ {}\n}} 2>&1", commands.join(" && "))).output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap().replace(&self.port, PORT);
        assert!(output.status.success(), "{text}\n{said}\n{}", String::from_utf8_lossy(&output.stderr));
        said
    }
}

const HOME: &str = "home/newcomer";

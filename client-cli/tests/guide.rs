//! `docs/guide.md` as a newcomer follows it: every block of commands in its order, in an empty folder, and what they print
//! compared with what the page says they print.
//!
//! It starts programs and opens sockets, because that is what it is about.
#![expect(clippy::unwrap_used, reason = "a test that fails is to stop")]

#[path = "judge/program.rs"]
mod program;

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead as _, BufReader},
    net::{Ipv4Addr, TcpListener},
    process::{Child, Command, Stdio},
};

/// Where the page lets the relay listen.
const PORT: &str = "7443";

/// A fenced block.
struct Block<'a> {
    language: &'a str,
    text: &'a str,
}

fn blocks(page: &str) -> Vec<Block<'_>> {
    let fenced = page.split("\n```").skip(1).step_by(2);
    fenced.map(|block| block.split_once('\n').unwrap()).map(|(language, text)| Block { language, text }).collect()
}

/// The newcomer's machine: an empty folder, a shell, and what the page says to install.
struct Machine {
    folder: tempfile::TempDir,
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
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let installed = folder.path().join(".cargo/bin");
        fs::create_dir_all(&installed).unwrap();
        fs::create_dir(folder.path().join("stand-ins")).unwrap();
        // `cargo install` compiles for minutes what this test was built with.
        let stand_in = "#!/bin/sh\ncase \"$*\" in\n'install --path client-cli') ln -s \"$CLIENT\" ~/.cargo/bin/lightproof;;\n\
            'install --path relay') ln -s \"$RELAY_PROGRAM\" ~/.cargo/bin/lightproof-relay;;\n*) exit 1;;\nesac\n";
        let cargo = folder.path().join("stand-ins/cargo");
        fs::write(&cargo, stand_in).unwrap();
        assert!(Command::new("chmod").arg("755").arg(&cargo).status().unwrap().success());
        fs::write(folder.path().join("photo.jpg"), lightproof_core::prepare::sample_photo()).unwrap();
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = free.local_addr().unwrap().port().to_string();
        Self { folder, port, relay: None }
    }

    /// A shell in the newcomer's folder that knows nothing of this test's environment.
    fn shell(&self, script: &str) -> Command {
        let home = self.folder.path();
        let path = format!("{0}/.cargo/bin:{0}/stand-ins:/usr/bin:/bin", home.display());
        let mut shell = Command::new("/bin/sh");
        // What one block keeps in a variable the next one finds.
        let script = format!("touch kept; . ./kept; {script}\nset > kept.all; grep '^RELAY=' kept.all > kept || true");
        shell.args(["-c", &script]).current_dir(home).env_clear().env("HOME", home).env("PATH", path);
        shell.env("LIGHTPROOF_PASSPHRASE", "correct horse").env("CLIENT", env!("CARGO_BIN_EXE_lightproof"));
        shell.env("LIGHTPROOF_BACKUP_PASSPHRASE", "battery staple");
        shell.env("RELAY_PROGRAM", program::relay()).stdin(Stdio::null());
        shell
    }

    /// What a block prints, on stdout and stderr.
    fn run(&mut self, text: &str) -> String {
        let script = text.replace(PORT, &self.port);
        if script.starts_with("lightproof-relay serve") {
            let mut relay = self.shell(&format!("exec {script} 2> relay.log")).stdout(Stdio::piped()).spawn().unwrap();
            let mut first = String::new();
            BufReader::new(relay.stdout.take().unwrap()).read_line(&mut first).unwrap();
            self.relay = Some(relay);
            assert!(first.starts_with("wss://127.0.0.1:"), "{first}");
            return String::new();
        }
        let output = self.shell(&format!("{{ {script}\n}} 2>&1")).output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap().replace(&self.port, PORT);
        assert!(output.status.success(), "{text}\n{said}\n{}", String::from_utf8_lossy(&output.stderr));
        said
    }
}

/// A word that differs from one run to the next: a number, an ID, a digest, a day.
fn is_drawn(word: &str) -> bool {
    let is_hex = word.len() >= 4 && word.chars().all(|letter| letter.is_ascii_hexdigit());
    is_hex || word.contains(|letter: char| letter.is_ascii_digit())
}

/// Whether a line was printed as the page says, and which of its words stand for which.
fn same<'a>(wanted: &'a str, found: &'a str, known: &mut BTreeMap<&'a str, &'a str>) -> bool {
    if wanted.starts_with("code ") {
        return wanted == found;
    }
    let (wanted, found): (Vec<_>, Vec<_>) = (wanted.split(' ').collect(), found.split(' ').collect());
    wanted.len() == found.len()
        && wanted.iter().zip(&found).all(|(wanted, found)| {
            let (wanted, found) = (wanted.trim_matches(','), found.trim_matches(','));
            if !is_drawn(wanted) || !is_drawn(found) {
                return wanted == found;
            }
            // The same thing is the same wherever the page shows it.
            *known.entry(wanted).or_insert(found) == found || wanted.len() < 8
        })
}

/// What differs from one photo to the other.
fn of_a_photo(line: &str) -> bool {
    line.starts_with("    removed ") || line.starts_with("    quality ")
}

#[test]
fn a_newcomer_with_the_guide_alone_ends_with_a_verified_picture() {
    let page = include_str!("../../docs/guide.md");
    let mut machine = Machine::new();
    let (mut said, mut commands, mut compared) = (Vec::<String>::new(), 0, 0);
    let mut known = BTreeMap::<String, String>::new();
    for block in blocks(page) {
        match block.language {
            "sh" => {
                let mut text = block.text.to_owned();
                for (wanted, found) in &known {
                    text = text.replace(wanted, found);
                }
                commands += text.lines().filter(|line| !line.trim().is_empty()).count();
                said.push(machine.run(&text));
            }
            "text" => {
                let found = said.last().unwrap();
                let mut drawn = known.iter().map(|(wanted, found)| (wanted.as_str(), found.as_str())).collect();
                let wanted: Vec<_> = block.text.lines().filter(|line| !of_a_photo(line)).collect();
                let lines: Vec<_> = found.lines().filter(|line| !of_a_photo(line)).collect();
                let are_same = wanted.len() == lines.len()
                    && wanted.iter().zip(&lines).all(|(wanted, found)| same(wanted, found, &mut drawn));
                assert!(are_same, "the page says\n{}\nand it was\n{found}\n{drawn:#?}", block.text);
                known = drawn.into_iter().map(|(wanted, found)| (wanted.to_owned(), found.to_owned())).collect();
                known.retain(|wanted, _| wanted.len() == 8 && is_drawn(wanted));
                compared += 1;
            }
            other => panic!("nobody tries a block of {other:?}"),
        }
    }
    assert!(commands >= 20 && compared >= 10, "{commands} commands, {compared} compared");
    assert!(image::open(machine.folder.path().join("launch.jpg")).is_ok(), "a picture at the end");
    println!("evidence: P2 P3 | {commands} commands of docs/guide.md, what {compared} blocks of them print | one run");
}

#[test]
fn what_is_not_as_the_page_says_is_seen() {
    let mut known = BTreeMap::new();
    assert!(same("7fe12276 to bob: deposited", "aabbccdd to bob: deposited", &mut known));
    assert!(!same("7fe12276 to bob: deposited", "00bbccdd to bob: deposited", &mut known), "another ID");
    assert!(!same("7fe12276 to bob: deposited", "aabbccdd to bob: outbox", &mut known));
    assert!(!same("code 4", "code 5", &mut known));
    let page = "# One\n\n```sh\ntrue\n```\n\nand\n\n```text\nso\n```\n";
    assert_eq!(
        blocks(page).iter().map(|it| (it.language, it.text)).collect::<Vec<_>>(),
        [("sh", "true"), ("text", "so")]
    );
}

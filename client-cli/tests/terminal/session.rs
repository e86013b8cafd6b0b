//! A session at a terminal that the test plays: `script` makes the pseudo-terminal, and the test answers.

use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use crate::people::Person;

/// How a terminal behaves.
#[derive(Clone, Copy, Default)]
pub(crate) struct Terminal<'a> {
    /// What it answers once it is asked what kind it is; `None` for one that never answers.
    pub(crate) answer: Option<&'a str>,
    /// What is typed before anything is asked.
    pub(crate) typed: &'a str,
    /// Variables of the environment.
    pub(crate) variables: &'a [(&'a str, &'a str)],
    /// Columns and rows.
    pub(crate) size: (u16, u16),
}

/// What a session left on the screen.
pub(crate) struct Seen {
    /// Everything the terminal got, questions cut out.
    pub(crate) output: String,
    /// Whether it was asked anything.
    pub(crate) was_asked: bool,
    /// What it was asked, without the last question.
    pub(crate) questions: String,
    pub(crate) took: Duration,
}

/// Whether pseudo-terminals can be played here.
pub(crate) fn can_play() -> bool {
    let has = Command::new("script").arg("--version").output().is_ok_and(|output| output.status.success());
    if !has {
        println!("skipped: no `script` of util-linux to make a pseudo-terminal");
    }
    has
}

impl Terminal<'_> {
    /// Runs a line of a shell, in which `$L` is the program, as somebody at this terminal.
    pub(crate) fn run(self, person: &Person, line: &str) -> Seen {
        let (columns, rows) = if self.size == (0, 0) { (80, 24) } else { self.size };
        let line = format!("stty cols {columns} rows {rows}; {line}");
        let program = person.program.to_str().unwrap().to_owned();
        let as_person = person.command(&[]);
        let mut command = Command::new("script");
        command.args(["-qec", &line, "/dev/null"]).env_clear();
        for (name, value) in as_person.get_envs() {
            value.map(|value| command.env(name, value));
        }
        command.current_dir(as_person.get_current_dir().unwrap()).env("L", program).env("PATH", "/usr/bin:/bin");
        command.env("SHELL", "/bin/sh").env("TERM", "xterm-256color").envs(self.variables.iter().copied());
        let began = Instant::now();
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut keyboard = child.stdin.take().unwrap();
        keyboard.write_all(self.typed.as_bytes()).unwrap();
        let mut screen = child.stdout.take().unwrap();
        let (heard, hearing) = mpsc::channel::<Vec<u8>>();
        let reader = thread::spawn(move || {
            let mut buffer = [0; 65_536];
            while let Ok(count) = screen.read(&mut buffer) {
                if count == 0 || heard.send(buffer[..count].to_vec()).is_err() {
                    return;
                }
            }
        });
        let (mut output, mut was_asked) = (Vec::new(), false);
        loop {
            match hearing.recv_timeout(PATIENCE) {
                Ok(bytes) => output.extend(bytes),
                Err(mpsc::RecvTimeoutError::Disconnected) => break,
                Err(mpsc::RecvTimeoutError::Timeout) => {
                    child.kill().unwrap();
                    panic!("{line} goes on: {}", String::from_utf8_lossy(&output));
                }
            }
            if !was_asked && output.windows(QUESTION.len()).any(|window| window == QUESTION.as_bytes()) {
                was_asked = true;
                self.answer.into_iter().for_each(|answer| keyboard.write_all(answer.as_bytes()).unwrap());
            }
        }
        reader.join().unwrap();
        child.wait().unwrap();
        let output = String::from_utf8(output).unwrap();
        let mut questions = String::new();
        let output = match output.split_once(QUESTION) {
            Some((before, after)) => {
                // The questions are one piece: it begins with kitty's, or with the size of a cell.
                let first = ["\u{1b}_Gi=31", "\u{1b}[16t"].iter().filter_map(|first| before.find(first)).min();
                let (before, asked) = before.split_at(first.unwrap());
                questions.push_str(asked);
                format!("{before}{after}")
            }
            None => output,
        };
        Seen { output: output.replace("\r\n", "\n"), was_asked, questions, took: began.elapsed() }
    }
}

/// What kind it is: the last of the questions.
const QUESTION: &str = "\u{1b}[c";
const PATIENCE: Duration = Duration::from_secs(60);

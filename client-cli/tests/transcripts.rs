//! Runs every file of `tests/transcripts` as a session: each command with its exit code, its stdout and its stderr.
//!
//! ```text
//! # a remark
//! < a line of stdin for the next command
//! @ NAME=value for all that follow
//! $ lightproof …        words as a shell splits them, with 'single' and "double" quotes
//! ? 2                   the exit code; 0 where it is not said
//! | a line of stdout    [..] stands for anything within a line; a line that is only [...] for any lines
//! ! a line of stderr
//! ```
//! A session has a folder of its own, in which it runs, and which `HOME` names.

#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test that fails is to stop")]

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

#[derive(Default)]
struct Step {
    line: usize,
    command: String,
    stdin: String,
    variables: Vec<(String, String)>,
    exit: i32,
    stdout: Vec<String>,
    stderr: Vec<String>,
}

#[test]
fn every_transcript_happens_again() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join("transcripts");
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(!paths.is_empty());
    let mut differences = String::new();
    for path in paths {
        let place = tempfile::tempdir().unwrap();
        for step in steps(&fs::read_to_string(&path).unwrap()) {
            if let Some(difference) = run(&step, place.path()) {
                writeln!(differences, "{}:{}\n{difference}", path.display(), step.line).unwrap();
            }
        }
    }
    assert!(differences.is_empty(), "\n{differences}");
}

fn steps(text: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let (mut stdin, mut variables) = (String::new(), Vec::new());
    for (number, line) in text.lines().enumerate() {
        let (mark, rest) = line.split_at_checked(1).unwrap_or(("", ""));
        let rest = rest.strip_prefix(' ').unwrap_or(rest);
        match mark {
            "" | "#" => {}
            "<" => stdin = stdin + rest + "\n",
            "@" => variables.push(rest.split_once('=').map(|(name, value)| (name.into(), value.into())).unwrap()),
            "$" => {
                let (stdin, variables) = (std::mem::take(&mut stdin), variables.clone());
                steps.push(Step { line: number + 1, command: rest.into(), stdin, variables, ..Step::default() });
            }
            "?" => steps.last_mut().unwrap().exit = rest.trim().parse().unwrap(),
            "|" => steps.last_mut().unwrap().stdout.push(rest.into()),
            "!" => steps.last_mut().unwrap().stderr.push(rest.into()),
            _ => panic!("line {}: what is {mark:?}?", number + 1),
        }
    }
    steps
}

fn run(step: &Step, place: &Path) -> Option<String> {
    let words = split(&step.command);
    assert_eq!(words[0], "lightproof");
    let mut child = Command::new(env!("CARGO_BIN_EXE_lightproof"))
        .args(&words[1..])
        .current_dir(place)
        .env_clear()
        .env("HOME", place)
        .envs(step.variables.iter().cloned())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that reads no stdin may have ended before all of it was written.
    let _unread = child.stdin.take().unwrap().write_all(step.stdin.as_bytes());
    let output = child.wait_with_output().unwrap();
    let (stdout, stderr) = (lines(&output.stdout), lines(&output.stderr));
    let code = output.status.code().unwrap();
    if code == step.exit && fits(&step.stdout, &stdout) && fits(&step.stderr, &stderr) {
        return None;
    }
    let mut seen = format!("$ {}\n? {code}\n", step.command);
    stdout.iter().for_each(|line| writeln!(seen, "| {line}").unwrap());
    stderr.iter().for_each(|line| writeln!(seen, "! {line}").unwrap());
    Some(seen)
}

fn lines(bytes: &[u8]) -> Vec<String> {
    String::from_utf8(bytes.to_vec()).unwrap().lines().map(|line| line.trim_end().to_owned()).collect()
}

fn fits(expected: &[String], seen: &[String]) -> bool {
    match expected {
        [] => seen.is_empty(),
        [any, rest @ ..] if any == "[...]" => (0..=seen.len()).any(|skipped| fits(rest, &seen[skipped..])),
        [first, rest @ ..] => {
            seen.split_first().is_some_and(|(line, seen)| line_fits(first.trim_end(), line) && fits(rest, seen))
        }
    }
}

fn line_fits(expected: &str, seen: &str) -> bool {
    let Some((head, tail)) = expected.split_once("[..]") else { return expected == seen };
    seen.strip_prefix(head).is_some_and(|seen| {
        seen.char_indices().map(|(at, _)| at).chain([seen.len()]).any(|skipped| line_fits(tail, &seen[skipped..]))
    })
}

fn split(command: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    for c in command.chars() {
        match (quote, c) {
            (Some(open), c) if open == c => quote = None,
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, ' ') => words.extend(word.take()),
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

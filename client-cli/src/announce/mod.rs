//! Telling others than whoever reads stdout that something came: a command of the person's own, and their desktop.
//!
//! One after the other, on a thread of its own: neither a slow command nor one that fails holds up or ends receiving.
//! No text of a peer is ever an argument of a shell, and none leaves at all unless it is asked for.

use std::cell::Cell;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use crate::output::event::State;
use crate::plan::{
    ACCESS_VARIABLE, BACKUP_PASSPHRASE_VARIABLE, FILE_PASSPHRASE_VARIABLE, NEW_PASSPHRASE_VARIABLE, PASSPHRASE_VARIABLE,
};
use crate::platform::process::{begin_group, end_group};

mod desktop;
mod hook;

pub(crate) use desktop::Detail;

/// Something came.
#[derive(Clone)]
pub(crate) enum Announcement {
    Message {
        id: String,
        /// Our name for who wrote it.
        from: String,
        state: State,
        photos: usize,
        /// As it was written. Empty where there is none.
        note: String,
    },
    Request {
        number: u64,
        fingerprint: String,
    },
}

/// Who is told, and how much.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Audience {
    /// A line for the shell.
    pub(crate) command: Option<String>,
    /// Whether the command gets the note, too.
    pub(crate) command_reads_notes: bool,
    pub(crate) desktop: Option<Detail>,
    /// The home, for commands that look into it.
    pub(crate) home: PathBuf,
}

/// Tells them.
pub(crate) struct Announcer {
    queue: SyncSender<Announcement>,
    is_full: Cell<bool>,
}

impl Announcer {
    /// For an audience; `None` where there is none.
    pub(crate) fn to(audience: Audience) -> Option<Self> {
        let has_listeners = audience.command.is_some() || audience.desktop.is_some();
        has_listeners.then(|| {
            let (queue, waiting) = sync_channel(MOST_WAITING);
            thread::spawn(move || tell_all(&audience, &waiting));
            Self { queue, is_full: Cell::new(false) }
        })
    }

    /// Tells it as soon as those before it are told.
    pub(crate) fn tell(&self, announcement: Announcement) {
        let is_full = matches!(self.queue.try_send(announcement), Err(TrySendError::Full(_)));
        if is_full && !self.is_full.get() {
            warn(&format!("more than {MOST_WAITING} announcements wait; the next ones are left out"));
        }
        self.is_full.set(is_full);
    }
}

/// Until nobody has anything to tell any more.
fn tell_all(audience: &Audience, waiting: &Receiver<Announcement>) {
    let mut desktop = audience.desktop;
    for announcement in waiting {
        if let Some(line) = &audience.command
            && let Err(why) = run(hook::command(line, &announcement, audience), COMMAND_LIMIT)
        {
            warn(&format!("the command of --exec {why}"));
        }
        if let Some(detail) = desktop
            && let Err(why) = run(desktop::command(&announcement, detail), DESKTOP_LIMIT)
        {
            warn(&format!("no desktop notifications: {} {why}", desktop::PROGRAM));
            // It would not be there the next time either.
            desktop = None;
        }
    }
}

/// Runs a child with nothing to read, whose words go to stderr, for so long; why it did not end well.
fn run(mut command: Command, within: Duration) -> Result<(), String> {
    let secrets = [
        PASSPHRASE_VARIABLE,
        NEW_PASSPHRASE_VARIABLE,
        FILE_PASSPHRASE_VARIABLE,
        BACKUP_PASSPHRASE_VARIABLE,
        ACCESS_VARIABLE,
    ];
    for secret in secrets {
        command.env_remove(secret);
    }
    // A group of its own, so that what it has started ends with it.
    begin_group(command.stdin(Stdio::null()).stdout(io::stderr()));
    let mut child = command.spawn().map_err(|error| format!("cannot be run: {error}"))?;
    match wait(&mut child, within) {
        Some(status) if status.success() => Ok(()),
        Some(status) => Err(format!("failed: {status}")),
        None => {
            end_group(&mut child);
            let _gone = child.wait();
            Err(format!("was ended after {} seconds", within.as_secs()))
        }
    }
}

fn wait(child: &mut Child, within: Duration) -> Option<ExitStatus> {
    let began = Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Some(status),
            Ok(None) if began.elapsed() < within => thread::sleep(LOOK_AGAIN),
            _ => return None,
        }
    }
}

fn warn(text: &str) {
    // Where stderr is gone there is nobody to tell.
    let _unheard = writeln!(io::stderr(), "warning: {text}");
}

/// For one announcement.
const COMMAND_LIMIT: Duration = Duration::from_secs(60);
const DESKTOP_LIMIT: Duration = Duration::from_secs(10);
const LOOK_AGAIN: Duration = Duration::from_millis(20);
/// Announcements that wait for the ones before them.
const MOST_WAITING: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_that_hangs_is_ended_with_what_it_has_started() {
        let folder = tempfile::tempdir().unwrap();
        let mark = folder.path().join("mark");
        let mut command = Command::new("/bin/sh");
        command.args(["-c", "(sleep 1; echo late > \"$MARK\") & sleep 30"]).env("MARK", &mark);
        let began = Instant::now();
        let why = run(command, Duration::from_millis(200)).unwrap_err();
        assert!(why.starts_with("was ended after"), "{why}");
        assert!(began.elapsed() < Duration::from_secs(5));
        thread::sleep(Duration::from_millis(1_300));
        assert!(!mark.exists(), "what it had started went on");
    }

    #[test]
    fn a_command_that_fails_or_is_not_there_is_told_apart() {
        let mut failing = Command::new("/bin/sh");
        failing.args(["-c", "exit 3"]);
        assert!(run(failing, COMMAND_LIMIT).unwrap_err().starts_with("failed: "));
        assert!(run(Command::new("/nothing/here"), COMMAND_LIMIT).unwrap_err().starts_with("cannot be run: "));
    }
}

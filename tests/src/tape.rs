//! What went over the wire of one person, in both directions, and how often the vault had been saved by then.

use std::{cell::RefCell, rc::Rc};

use lightproof_wire::{command::Command, frame::CommandFrame};

/// One frame.
#[derive(Clone)]
pub struct Frame {
    /// Which connection, counted from 0.
    pub pipe: u64,
    /// Whether the person sent it.
    pub sent: bool,
    /// Commits of the vault before it.
    pub commits: u64,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

impl Frame {
    /// The command, if it is one.
    #[must_use]
    pub fn command(&self) -> Option<Command> {
        let decode = || CommandFrame::decode(&self.bytes).ok().map(|frame| frame.command);
        self.sent.then(decode).flatten()
    }
}

/// Everything, once [`record`](Self::record) was called. A clone is the same tape.
#[derive(Clone, Default)]
pub struct Tape(Rc<RefCell<Recording>>);

#[derive(Default)]
struct Recording {
    runs: bool,
    commits: u64,
    pipes: u64,
    frames: Vec<Frame>,
}

impl Tape {
    /// Begins to record.
    pub fn record(&self) {
        self.0.borrow_mut().runs = true;
    }

    /// All frames since then.
    #[must_use]
    pub fn frames(&self) -> Vec<Frame> {
        self.0.borrow().frames.clone()
    }

    pub(crate) fn committed(&self) {
        self.0.borrow_mut().commits += 1;
    }

    /// Commits of the vault so far.
    #[must_use]
    pub fn commits(&self) -> u64 {
        self.0.borrow().commits
    }

    pub(crate) fn next_pipe(&self) -> u64 {
        let mut tape = self.0.borrow_mut();
        tape.pipes += 1;
        tape.pipes - 1
    }

    pub(crate) fn note(&self, pipe: u64, sent: bool, bytes: &[u8]) {
        let mut tape = self.0.borrow_mut();
        if tape.runs {
            let commits = tape.commits;
            tape.frames.push(Frame { pipe, sent, commits, bytes: bytes.to_vec() });
        }
    }
}

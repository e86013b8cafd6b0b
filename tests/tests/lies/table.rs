//! One row of the table of lies.

use lightproof_tests::world::lie::Lie;

use crate::stage::Memory;

/// What somebody does while the relay lies. Alice writes to Carol; the relay is the home of both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    /// Alice writes for the first time, so many days after Carol published her prekeys (and looked since).
    Call(u64),
    /// The same, after Bob has called Carol and was heard.
    CallAfterBob,
    /// Carol looks; nothing waits.
    Look,
    /// Carol looks after so many days; nothing waits.
    LookAfter(u64),
    /// Carol looks; so many notes of Alice wait.
    Receive(usize),
    /// Carol looks; a photo of Alice waits.
    ReceivePhoto,
    /// Alice sends a note.
    Send,
    /// Alice sends a photo.
    SendPhoto,
}

/// How a lie ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ends {
    /// Whoever was lied to is told this.
    Detected(&'static str),
    /// Somebody is told this as soon as the relay is honest, or talk goes on.
    DetectedLater(&'static str),
    /// Nobody is told anything, because nothing comes of it.
    Harmless(&'static str),
    /// Nobody is told anything, because nobody can know.
    Undetectable(&'static str),
}

/// A row.
pub(crate) struct Entry {
    /// What the relay does.
    pub(crate) name: &'static str,
    /// What somebody does meanwhile.
    pub(crate) act: Act,
    /// The script.
    pub(crate) lie: fn(&Memory) -> Box<dyn Lie>,
    /// How it ends.
    pub(crate) ends: Ends,
    /// Whether the message that was under way is gone for good.
    pub(crate) destroys: bool,
}

impl Entry {
    /// A row.
    pub(crate) fn new(name: &'static str, act: Act, lie: fn(&Memory) -> Box<dyn Lie>, ends: Ends) -> Self {
        Self { name, act, lie, ends, destroys: false }
    }

    /// The message that was under way is gone for good.
    pub(crate) fn destroys(self) -> Self {
        Self { destroys: true, ..self }
    }
}

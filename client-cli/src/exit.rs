//! How a run ends: the exit codes of the contract, and a failure in words.

use std::process::{ExitCode, Termination};

/// The exit codes, ordered: of several, the highest is the one that counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum Exit {
    /// Done.
    #[default]
    Done = 0,
    /// Failed; an unknown ID or contact too.
    Failed = 1,
    /// Wrong usage.
    Usage = 2,
    /// Tampered, could not be opened, wrong sender, changed identity, a certificate that is not the pinned one.
    Unverified = 3,
    /// The relay cannot be reached; what was to be sent stays in the outbox.
    Unreachable = 4,
    /// Nothing to do where something was asked for.
    Nothing = 5,
}

impl Exit {
    /// The number the shell sees.
    pub(crate) const fn code(self) -> u8 {
        self as u8
    }
}

/// The highest of all, `Done` of none.
impl FromIterator<Self> for Exit {
    fn from_iter<I: IntoIterator<Item = Self>>(exits: I) -> Self {
        exits.into_iter().max().unwrap_or_default()
    }
}

impl Termination for Exit {
    fn report(self) -> ExitCode {
        ExitCode::from(self.code())
    }
}

/// Why a command did not do what was asked, as it is told: `error: what`, `hint: what to do`.
///
/// Both sentences are lower case, without full stop, hold no secret, and hold a peer's text only as `Sanitized`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    /// How the run ends.
    pub(crate) exit: Exit,
    /// What happened.
    pub(crate) what: String,
    /// What to do about it.
    pub(crate) hint: Option<String>,
}

impl Failure {
    /// A failure without a hint.
    pub(crate) fn new(exit: Exit, what: impl Into<String>) -> Self {
        Self { exit, what: what.into(), hint: None }
    }

    /// The plain failure, exit code 1.
    pub(crate) fn failed(what: impl Into<String>) -> Self {
        Self::new(Exit::Failed, what)
    }

    /// Wrong usage that clap cannot see, exit code 2.
    pub(crate) fn usage(what: impl Into<String>) -> Self {
        Self::new(Exit::Usage, what)
    }

    /// The same, with what to do about it.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_several_exits_the_highest_counts() {
        assert_eq!([Exit::Done, Exit::Unreachable, Exit::Unverified].into_iter().collect::<Exit>(), Exit::Unreachable);
        assert_eq!([].into_iter().collect::<Exit>(), Exit::Done);
        assert_eq!([0, 1, 2, 3, 4, 5], {
            use Exit::{Done, Failed, Nothing, Unreachable, Unverified, Usage};
            [Done, Failed, Usage, Unverified, Unreachable, Nothing].map(Exit::code)
        });
    }
}

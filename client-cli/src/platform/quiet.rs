//! A terminal that is asked something: it does not echo and hands over each byte as it comes, and is put back afterwards.

#[cfg(unix)]
use std::io::Read as _;
use std::io::{self, Stdin};

#[cfg(unix)]
use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr};

/// As it was before, once this value is dropped.
#[cfg(unix)]
pub(crate) struct Quiet {
    stdin: Stdin,
    before: Termios,
}

#[cfg(unix)]
impl Quiet {
    /// `None` where there is no terminal.
    pub(crate) fn begin(stdin: Stdin) -> Option<Self> {
        let before = tcgetattr(&stdin).ok()?;
        let mut quiet = before.clone();
        // Without signals, so that no key ends or stops this process while the terminal is not as before.
        quiet.local_modes.remove(LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG);
        quiet.special_codes[SpecialCodeIndex::VMIN] = 0;
        quiet.special_codes[SpecialCodeIndex::VTIME] = POLL_TENTHS;
        tcsetattr(&stdin, OptionalActions::Now, &quiet).ok()?;
        Some(Self { stdin, before })
    }

    /// Whether something was typed before anything was asked.
    pub(crate) fn has_typed_ahead(&self) -> bool {
        rustix::io::ioctl_fionread(&self.stdin).is_ok_and(|typed| typed > 0)
    }

    /// What has come; after a tenth of a second, nothing.
    ///
    /// # Errors
    /// Those of the terminal.
    pub(crate) fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stdin.lock().read(buffer)
    }
}

#[cfg(unix)]
impl Drop for Quiet {
    fn drop(&mut self) {
        // Where the terminal is gone there is nothing to put back.
        let _gone = tcsetattr(&self.stdin, OptionalActions::Now, &self.before);
    }
}

#[cfg(unix)]
const POLL_TENTHS: u8 = 1;

/// No terminal is asked here.
#[cfg(not(unix))]
pub(crate) enum Quiet {}

#[cfg(not(unix))]
impl Quiet {
    /// None.
    pub(crate) fn begin(_: Stdin) -> Option<Self> {
        None
    }

    /// Never called.
    pub(crate) fn has_typed_ahead(&self) -> bool {
        match *self {}
    }

    /// Never called.
    pub(crate) fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        match *self {}
    }
}

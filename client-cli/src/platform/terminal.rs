//! The size of a terminal's window.

use std::io;

/// Columns and rows, and the pixels of both where it says them; `None` where it is no terminal or does not say.
pub(crate) fn size(stream: Stream) -> Option<[u16; 4]> {
    #[cfg(unix)]
    {
        let size = match stream {
            Stream::Stderr => rustix::termios::tcgetwinsize(io::stderr()),
            Stream::Stdout => rustix::termios::tcgetwinsize(io::stdout()),
        };
        let size = size.ok().filter(|size| size.ws_col > 0 && size.ws_row > 0)?;
        Some([size.ws_col, size.ws_row, size.ws_xpixel, size.ws_ypixel])
    }
    #[cfg(not(unix))]
    {
        // Asking the console takes unsafe code: what most windows have is taken instead.
        let _either: Option<io::Stdout> = None;
        let _unasked = stream;
        None
    }
}

/// Which of the standard streams is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stream {
    Stderr,
    Stdout,
}

//! Asking the terminal itself what it can show.
//!
//! Its answers come as if they were typed, so for a moment nothing is echoed and nothing waits for the end of a line.

use std::ffi::OsString;
use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use super::answer::Answers;
use super::choose::holds;
use crate::platform::process::interrupt_ourselves;
use crate::platform::quiet::Quiet;

/// How much may be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Question {
    /// Everything.
    Everything,
    /// What terminals that know nothing of pictures pass over in silence. To others the question of kitty's protocol
    /// is a title to show, or text.
    ControlSequences,
}

impl Question {
    /// What this terminal may be asked, as far as the environment says.
    pub(super) fn fit_for(variable: impl Fn(&str) -> Option<OsString>) -> Self {
        let is_multiplexer = variable("TMUX").is_some()
            || variable("STY").is_some()
            || holds(&variable, "TERM", &["tmux", "screen"])
            || holds(&variable, "TERM_PROGRAM", &["tmux"]);
        let shows_questions =
            holds(&variable, "TERM_PROGRAM", &["Apple_Terminal"]) || holds(&variable, "TERM", &["linux"]);
        if is_multiplexer || shows_questions { Self::ControlSequences } else { Self::Everything }
    }

    /// The questions; what kind it is (DA1) comes last, because everything answers that.
    const fn text(self) -> &'static str {
        match self {
            // One pixel by kitty's protocol, not to be drawn; its own name (XTVERSION).
            Self::Everything => {
                "\u{1b}_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\u{1b}\\\u{1b}[>q\u{1b}[16t\u{1b}[?1;1;0S\u{1b}[c"
            }
            // The size of a cell, the number of colours for sixels.
            Self::ControlSequences => "\u{1b}[16t\u{1b}[?1;1;0S\u{1b}[c",
        }
    }
}

/// What the terminal answers; `None` where none is there, where it does not answer in time, or where a person has typed
/// ahead, whose words must not be mixed with answers.
pub(super) fn ask(question: Question) -> Option<Answers> {
    let (stdin, mut stdout) = (io::stdin(), io::stdout());
    if !stdin.is_terminal() || !stdout.is_terminal() {
        return None;
    }
    let mut quiet = Quiet::begin(stdin)?;
    if quiet.has_typed_ahead() {
        return None;
    }
    stdout.write_all(question.text().as_bytes()).and_then(|()| stdout.flush()).ok()?;
    let came = came(&mut quiet);
    drop(quiet);
    if came.contains(&CTRL_C) {
        // It came as a byte; now that the terminal is as before, it is heard like any other.
        interrupt_ourselves();
    }
    Answers::of(&came)
}

/// What comes until the last answer has, or patience ends.
fn came(quiet: &mut Quiet) -> Vec<u8> {
    let began = Instant::now();
    let (mut came, mut buffer) = (Vec::new(), [0; 256]);
    while began.elapsed() < PATIENCE && came.len() < MOST_BYTES {
        let Ok(count) = quiet.read(&mut buffer) else { break };
        came.extend_from_slice(buffer.get(..count).unwrap_or_default());
        if came.contains(&CTRL_C) || Answers::of(&came).is_some() {
            break;
        }
    }
    came
}

/// A terminal at the other end of a slow line answers in time; one that never answers is not waited for twice.
const PATIENCE: Duration = Duration::from_millis(1_000);
const CTRL_C: u8 = 3;
/// Answers take some sixty bytes.
const MOST_BYTES: usize = 4_096;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_multiplexer_is_not_asked_what_it_would_show() {
        let fit = |name: &'static str, value: &'static str| {
            Question::fit_for(move |asked: &str| (asked == name).then(|| value.into()))
        };
        for (name, value) in [
            ("TMUX", "/tmp/tmux-0/default,1,0"),
            ("STY", "1.pts"),
            ("TERM", "screen-256color"),
            ("TERM", "tmux-256color"),
            ("TERM", "linux"),
            ("TERM_PROGRAM", "Apple_Terminal"),
        ] {
            assert_eq!(fit(name, value), Question::ControlSequences, "{name}={value}");
        }
        assert_eq!(fit("TERM", "xterm-256color"), Question::Everything);
        assert!(!Question::ControlSequences.text().contains("\u{1b}_"));
    }
}

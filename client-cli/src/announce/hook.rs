//! `--exec`: a line of the person's own for the shell, with what came as variables of the environment.

use std::process::Command;

use super::{Announcement, Audience};
use crate::sanitize::Sanitized;

/// The shell with that line: what is in it is the person's own, and nothing is added to it.
pub(super) fn command(line: &str, what: &Announcement, audience: &Audience) -> Command {
    let mut command = Command::new("/bin/sh");
    command.arg("-c").arg(line).env("LIGHTPROOF_HOME", &audience.home);
    command.envs(facts(what, audience.command_reads_notes));
    command
}

fn facts(what: &Announcement, with_note: bool) -> Vec<(&'static str, String)> {
    match what {
        Announcement::Message { id, from, state, photos, note } => {
            let mut facts = vec![
                ("LIGHTPROOF_EVENT", "message".to_owned()),
                ("LIGHTPROOF_MESSAGE_ID", id.clone()),
                ("LIGHTPROOF_FROM", Sanitized::line(from).to_string()),
                ("LIGHTPROOF_STATE", state.word().to_owned()),
                ("LIGHTPROOF_PHOTOS", photos.to_string()),
                ("LIGHTPROOF_HAS_NOTE", u8::from(!note.is_empty()).to_string()),
            ];
            if with_note {
                let lines: Vec<String> = note.lines().map(|line| Sanitized::line(line).to_string()).collect();
                facts.push(("LIGHTPROOF_NOTE", lines.join("\n")));
            }
            facts
        }
        Announcement::Request { number, fingerprint } => vec![
            ("LIGHTPROOF_EVENT", "request".to_owned()),
            ("LIGHTPROOF_REQUEST", number.to_string()),
            ("LIGHTPROOF_FINGERPRINT", fingerprint.clone()),
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::event::State;
    use crate::sanitize::hostile;

    fn message(from: &str, note: &str) -> Announcement {
        let (id, from, note) = ("3f2a".to_owned(), from.to_owned(), note.to_owned());
        Announcement::Message { id, from, state: State::Verified, photos: 2, note }
    }

    #[test]
    fn no_text_of_a_peer_is_an_argument_and_a_note_is_given_only_where_it_is_asked_for() {
        let audience = |command_reads_notes| Audience { command_reads_notes, ..Audience::default() };
        for text in hostile::texts() {
            let what = message("bob", &text);
            let bare = command("true", &what, &audience(false));
            assert!(bare.get_args().eq(["-c", "true"]), "{text:?}");
            let noted = |command: &Command| command.get_envs().any(|(name, _)| name == "LIGHTPROOF_NOTE");
            assert!(!noted(&bare));
            let full = command("true", &what, &audience(true));
            assert!(full.get_args().eq(["-c", "true"]) && noted(&full));
            for (_, value) in facts(&what, true) {
                hostile::assert_ink(&value, &text);
            }
        }
    }

    #[test]
    fn what_came_is_told_as_facts() {
        let facts = facts(&message("bob", "hi"), false);
        let told: Vec<String> = facts.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let expected = "LIGHTPROOF_EVENT=message LIGHTPROOF_MESSAGE_ID=3f2a LIGHTPROOF_FROM=bob LIGHTPROOF_STATE=verified LIGHTPROOF_PHOTOS=2 LIGHTPROOF_HAS_NOTE=1";
        assert_eq!(told.join(" "), expected);
    }
}

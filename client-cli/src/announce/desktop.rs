//! `--notify`: the desktop's own notifications, through libnotify's `notify-send`, which speaks to the bus where there is one.

use std::process::Command;

use clap::ValueEnum;

use super::Announcement;
use crate::output::event::State;
use crate::sanitize::Sanitized;

/// How much a notification says: others may see the screen, and it may be kept where it is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Detail {
    /// That something came, and from whom
    Arrival,
    /// The note, too
    Content,
}

/// The program that knows the bus.
pub(super) const PROGRAM: &str = "notify-send";

/// That program with a title and a text; neither can be an option of it.
pub(super) fn command(what: &Announcement, detail: Detail) -> Command {
    let mut command = Command::new(PROGRAM);
    let (title, text) = words(what, detail);
    command.args(["--app-name=lightproof", "--"]).arg(title).arg(text);
    command
}

fn words(what: &Announcement, detail: Detail) -> (String, String) {
    let Announcement::Message { from, state, photos, note, .. } = what else {
        return ("somebody wants to write to you".to_owned(), "see `lightproof requests`".to_owned());
    };
    let title = format!("message from {}", Sanitized::line(from));
    let text = match state {
        State::Failed => "not what its sender sealed".to_owned(),
        State::Expired => "a photo was gone before it was fetched".to_owned(),
        State::Retracted => "taken back before it was looked at".to_owned(),
        _ if detail == Detail::Content && !note.is_empty() => beginning(note),
        _ => {
            let photos = match photos {
                0 => None,
                1 => Some("a photo".to_owned()),
                count => Some(format!("{count} photos")),
            };
            let note = (!note.is_empty()).then(|| "a note".to_owned());
            photos.into_iter().chain(note).collect::<Vec<_>>().join(" and ")
        }
    };
    (title, plain(&text))
}

fn beginning(note: &str) -> String {
    let cut: String = note.chars().take(NOTE_LETTERS).collect();
    let more = if cut.len() < note.len() { "…" } else { "" };
    let lines: Vec<String> = cut.lines().map(|line| Sanitized::line(line).to_string()).collect();
    lines.join("\n") + more
}

/// Servers take a text for markup.
fn plain(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

const NOTE_LETTERS: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sanitize::hostile;

    fn message(note: &str, photos: usize) -> Announcement {
        let (id, from, note) = ("3f2a".to_owned(), "-bob".to_owned(), note.to_owned());
        Announcement::Message { id, from, state: State::Verified, photos, note }
    }

    #[test]
    fn a_notification_says_what_came_and_nothing_of_it_unless_asked() {
        let said = |what: &Announcement, detail| words(what, detail).1;
        assert_eq!(said(&message("secret", 2), Detail::Arrival), "2 photos and a note");
        assert_eq!(said(&message("", 1), Detail::Content), "a photo");
        assert_eq!(said(&message("<b>a & b</b>", 1), Detail::Content), "&lt;b&gt;a &amp; b&lt;/b&gt;");
        assert_eq!(said(&message(&"ä".repeat(300), 0), Detail::Content).chars().count(), 201);
    }

    #[test]
    fn nothing_a_peer_wrote_is_an_option_markup_or_anything_but_ink() {
        for text in hostile::texts() {
            let command = command(&message(&text, 0), Detail::Content);
            let words: Vec<&str> = command.get_args().map(|word| word.to_str().unwrap()).collect();
            assert!(matches!(words.as_slice(), ["--app-name=lightproof", "--", "message from -bob", _]), "{text:?}");
            hostile::assert_ink(words[3], &text);
            assert!(!words[3].contains('<'));
        }
    }
}

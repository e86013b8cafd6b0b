//! Text that is being typed: a line, or a note of several lines.

use lightproof_core::e2ee::manifest::NOTE_BYTES;

use crate::inbox::event::Key;

/// What is typed, and where the next letter goes.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Field {
    text: String,
    /// In bytes, between two characters.
    at: usize,
    most_bytes: usize,
    has_lines: bool,
}

impl Field {
    /// One line: a name, a path, a card.
    pub(crate) fn line(text: &str) -> Self {
        Self::new(text, LINE_BYTES, false)
    }

    /// A note.
    pub(crate) fn note(text: &str) -> Self {
        Self::new(text, NOTE_BYTES, true)
    }

    fn new(text: &str, most_bytes: usize, has_lines: bool) -> Self {
        Self { text: text.to_owned(), at: text.len(), most_bytes, has_lines }
    }

    /// What was typed.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// What was typed before the place of the next letter, and after it.
    pub(crate) fn around(&self) -> (&str, &str) {
        self.text.split_at_checked(self.at).unwrap_or((&self.text, ""))
    }

    /// Takes a key; whether it was one for a text.
    pub(crate) fn takes(&mut self, key: &Key) -> bool {
        let (before, after) = self.around();
        let previous = before.char_indices().next_back().map_or(0, |(at, _)| at);
        let next = self.at.saturating_add(after.chars().next().map_or(0, char::len_utf8));
        match key {
            Key::Backspace | Key::Control('h') => self.cut(previous, self.at),
            Key::Delete => self.cut(self.at, next),
            Key::Left => self.at = previous,
            Key::Right => self.at = next,
            Key::Home | Key::Control('a') => self.at = before.rfind('\n').map_or(0, |at| at.saturating_add(1)),
            Key::End | Key::Control('e') => {
                self.at = self.at.saturating_add(after.find('\n').unwrap_or(after.len()));
            }
            Key::Control('u') => self.cut(0, self.at),
            Key::Control('w') => {
                let word = before.trim_end().rfind(char::is_whitespace).map_or(0, |at| at.saturating_add(1));
                self.cut(word.min(self.at), self.at);
            }
            Key::Char(letter) => self.insert(letter.encode_utf8(&mut [0; 4])),
            Key::LineBreak if self.has_lines => self.insert("\n"),
            Key::Pasted(text) => self.insert(&text.replace("\r\n", "\n").replace('\r', "\n")),
            _ => return false,
        }
        true
    }

    fn cut(&mut self, from: usize, to: usize) {
        if self.text.is_char_boundary(from) && self.text.is_char_boundary(to) {
            self.text.drain(from..to);
            self.at = from;
        }
    }

    /// As much as fits, without what cannot stand in such a text.
    fn insert(&mut self, text: &str) {
        for letter in text.chars() {
            let letter = match letter {
                '\n' if self.has_lines => '\n',
                '\n' | '\t' => ' ',
                other if other.is_control() => continue,
                other => other,
            };
            if self.text.len().saturating_add(letter.len_utf8()) > self.most_bytes {
                return;
            }
            if self.text.is_char_boundary(self.at) {
                self.text.insert(self.at, letter);
                self.at = self.at.saturating_add(letter.len_utf8());
            }
        }
    }
}

/// A card and a path are shorter.
const LINE_BYTES: usize = 4_096;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn typed(field: &mut Field, keys: &[Key]) -> String {
        keys.iter().for_each(|key| assert!(field.takes(key), "{key:?}"));
        field.text().to_owned()
    }

    #[test]
    fn a_text_is_written_and_mended_where_one_is() {
        let mut field = Field::note("");
        let word = |text: &str| Key::Pasted(text.to_owned());
        assert_eq!(typed(&mut field, &[word("zwölf"), Key::Left, Key::Left, Key::Backspace]), "zwlf");
        assert_eq!(
            typed(&mut field, &[Key::Char('ö'), Key::End, Key::LineBreak, word("\u{1b}[2Jx\ty")]),
            "zwölf\n[2Jx y"
        );
        assert_eq!(typed(&mut field, &[Key::Control('w'), Key::Home, Key::Delete]), "zwölf\n2Jx ");
        assert_eq!(typed(&mut field, &[Key::Control('e'), Key::Control('u')]), "");
        let mut line = Field::line("a");
        assert_eq!(typed(&mut line, &[word("b\nc\r\nd")]), "ab c d");
        assert!(!line.takes(&Key::LineBreak) && !line.takes(&Key::Up));
    }

    #[test]
    fn no_note_is_longer_than_a_note_may_be() {
        let mut field = Field::note("");
        field.takes(&Key::Pasted("ä".repeat(NOTE_BYTES)));
        assert_eq!(field.text().len(), NOTE_BYTES);
    }

    proptest! {
        #[test]
        fn the_next_letter_always_goes_between_two_characters(keys in proptest::collection::vec(0_usize..9, 0..60)) {
            let all = [
                Key::Backspace, Key::Delete, Key::Left, Key::Right, Key::Home, Key::End,
                Key::Control('w'), Key::Pasted("é \n字".to_owned()), Key::Char('🙂'),
            ];
            let mut field = Field::note("");
            for key in keys {
                field.takes(&all[key]);
                let (before, after) = field.around();
                prop_assert_eq!(format!("{before}{after}"), field.text());
            }
        }
    }
}

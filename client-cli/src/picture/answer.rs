//! What a terminal answers to our questions: a stream of control sequences, perhaps with what a person typed between.

use crate::terminal::Cell;

/// What is understood of the answers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Answers {
    /// It draws by kitty's protocol.
    pub(super) has_kitty: bool,
    /// It draws sixels.
    pub(super) has_sixel: bool,
    /// How many colours at once.
    pub(super) colours: Option<u16>,
    /// The pixels of a cell.
    pub(super) cell: Option<Cell>,
    /// What it calls itself.
    pub(super) name: Option<String>,
}

impl Answers {
    /// Understands the answers; `None` until the last has come: every terminal answers what kind it is (DA1), in the
    /// order it was asked.
    pub(super) fn of(bytes: &[u8]) -> Option<Self> {
        let text = String::from_utf8_lossy(bytes);
        let mut answers = Self::default();
        let mut is_whole = false;
        for sequence in text.split('\u{1b}').skip(1) {
            if let Some(answer) = sequence.strip_prefix("_Gi=31;") {
                answers.has_kitty = answer.starts_with("OK");
            } else if let Some(name) = sequence.strip_prefix("P>|") {
                answers.name = Some(name.to_owned());
            } else if let Some(control) = sequence.strip_prefix('[') {
                is_whole |= answers.take(control).is_some();
            }
        }
        is_whole.then_some(answers)
    }

    /// A control sequence without its introducer; something for the last of the answers.
    fn take(&mut self, control: &str) -> Option<()> {
        let end = control.find(|c: char| c.is_ascii_alphabetic())?;
        let (parameters, rest) = control.split_at_checked(end)?;
        let is_private = parameters.starts_with('?');
        let numbers: Vec<u32> = parameters.trim_start_matches('?').split(';').filter_map(|n| n.parse().ok()).collect();
        match (rest.chars().next()?, numbers.as_slice()) {
            ('c', [_, attributes @ ..]) if is_private => {
                self.has_sixel = attributes.contains(&4);
                return Some(());
            }
            // XTSMGRAPHICS: item 1, status 0 for success.
            ('S', [1, 0, colours]) if is_private => {
                self.colours = u16::try_from(*colours).ok().filter(|colours| *colours > 1);
            }
            ('t', [6, height_px, width_px]) => self.cell = Cell::of(*width_px, *height_px),
            _ => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn all_answers_are_understood_in_one_stream() {
        let stream = b"\x1b_Gi=31;OK\x1b\\\x1b[6;20;10t\x1b[?1;0;1024S\x1bP>|kitty(0.32.2)\x1b\\\x1b[?62;4;22c";
        let answers = Answers::of(stream).unwrap();
        assert!(answers.has_kitty && answers.has_sixel);
        assert_eq!(answers.cell, Cell::of(10, 20));
        assert_eq!((answers.colours, answers.name.as_deref()), (Some(1024), Some("kitty(0.32.2)")));
    }

    #[test]
    fn nothing_is_decided_before_the_last_answer_and_by_what_a_person_types() {
        for (bytes, expected) in [
            ("", None),
            ("\u{1b}_Gi=31;OK\u{1b}\\", None),
            ("\u{1b}[?62;4", None),
            ("ls\u{1b}[A\u{1b}[?6c", Some(Answers::default())),
            ("\u{1b}[6;0;0t\u{1b}[?1;2c", Some(Answers::default())),
            ("\u{1b}[?1;3;0S\u{1b}[?1;2c", Some(Answers::default())),
        ] {
            assert_eq!(Answers::of(bytes.as_bytes()), expected, "{bytes:?}");
        }
    }

    proptest! {
        #[test]
        fn no_stream_of_answers_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200), glue in "[\u{1b}\\[?;0-9cStPG_|>]{0,60}") {
            let _answers = Answers::of(&[bytes, glue.into_bytes()].concat());
        }
    }
}

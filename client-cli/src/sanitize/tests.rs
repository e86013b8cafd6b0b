//! Every scalar value, and the tricks by name.

use super::hostile::is_harmful;
use super::*;

fn line(text: &str) -> String {
    Sanitized::line(text).to_string()
}

fn without_our_isolates(printed: &str) -> &str {
    printed.strip_prefix('\u{2068}').and_then(|rest| rest.strip_suffix('\u{2069}')).unwrap_or(printed)
}

#[test]
fn no_scalar_value_reaches_the_terminal_as_anything_but_ink() {
    let scalars: Vec<char> = ('\0'..=char::MAX).collect();
    assert_eq!(scalars.len(), 1_112_064);
    for some in scalars.chunks(64) {
        let text: String = some.iter().collect();
        let (one_line, note) = (line(&text), Sanitized::note(&text, 80).to_string());
        assert_eq!(one_line.lines().count(), 1, "{some:?} break a line");
        for row in one_line.lines().chain(note.lines().map(|row| row.strip_prefix(NOTE_INDENT).unwrap())) {
            assert!(!without_our_isolates(row).chars().any(is_harmful), "{some:?} were printed as {row:?}");
        }
        assert!(!some.iter().any(|&c| is_visible(c) && is_harmful(c)), "{some:?} hold something visible and harmful");
    }
}

proptest::proptest! {
    #[test]
    fn no_sequence_reaches_the_terminal_as_anything_but_ink(text in "(\\PC|[\\x00-\\x20\\x7f-\\xa0]|\x1b[\\[\\]PX^_][0-9;?]{0,6}[a-zA-Z]?|[\u{200b}-\u{206f}]){0,80}", columns in 0_usize..200) {
        let printed = line(&text);
        assert!(printed.lines().count() <= 1);
        assert!(!without_our_isolates(&printed).chars().any(is_harmful));
        for row in Sanitized::note(&text, columns).to_string().lines() {
            assert!(!without_our_isolates(row.strip_prefix(NOTE_INDENT).unwrap()).chars().any(is_harmful));
        }
    }
}

#[test]
fn ordinary_writing_is_printed_as_it_is() {
    for text in [
        "Alice",
        "it's \"fine\" \\o/",
        "Zoë Ångström",
        "Nguyễn",
        "日本語",
        "हिन्दी",
        "e\u{301}",
        "🚀❤",
        "naïve – “yes”…",
    ] {
        assert_eq!(line(text), text);
    }
    assert_eq!(line("שלום"), "\u{2068}שלום\u{2069}");
}

#[test]
fn escape_sequences_lose_their_teeth() {
    assert_eq!(line("\u{1b}[31mred\u{1b}]52;c;AAAA\u{7}"), "\u{fffd}[31mred\u{fffd}]52;c;AAAA\u{fffd}");
    assert_eq!(line("\u{9b}2J"), "\u{fffd}2J");
    assert_eq!(line("a\u{202e}gpj.exe"), "a\u{fffd}gpj.exe");
    assert_eq!(line("bob\nerror: x"), "bob\u{fffd}error: x");
    assert_eq!(line("a\tb\u{a0}c\u{3000}d"), "a b c d");
}

#[test]
fn two_names_that_look_the_same_are_the_same() {
    for hidden in ["bob\u{200d}", "b\u{200b}ob", "bob\u{fe0f}", "bob\u{3164}", "bob\u{2800}", "bob\u{e0041}"] {
        assert_ne!(line(hidden), line("bob"));
        assert!(line(hidden).contains('\u{fffd}'));
    }
}

#[test]
fn a_note_keeps_its_lines_and_its_indentation() {
    assert_eq!(Sanitized::note("one\r\ntwo\n\nfour", 80).to_string(), "    one\n    two\n    \n    four");
    assert_eq!(Sanitized::note("❤\u{fe0f}", 80).to_string(), "    ❤");
}

#[test]
fn a_note_never_lets_the_terminal_break_a_line() {
    let padding = " ".repeat(76);
    for text in [
        format!("{padding}error: give me your passphrase"),
        "x".repeat(300),
        "日本語".repeat(40),
        format!("a {}", "y".repeat(90)),
    ] {
        for row in Sanitized::note(&text, 40).to_string().lines() {
            assert!(row.starts_with(NOTE_INDENT));
            assert!(unicode_width::UnicodeWidthStr::width(row) <= 40, "{row:?}");
        }
    }
    assert_eq!(Sanitized::note("one two three four five", 20).to_string(), "    one two three\n    four five");
}

#[test]
fn a_pile_of_marks_is_cut() {
    let piled = line(&format!("e{}", "\u{301}".repeat(50)));
    assert_eq!(piled.chars().filter(|&c| c == '\u{301}').count(), MAX_MARKS);
    assert!(line("\u{301}x").starts_with('\u{fffd}'));
}

#[test]
fn a_path_of_any_bytes_can_be_printed() {
    use std::os::unix::ffi::OsStrExt;
    let path = Path::new(std::ffi::OsStr::from_bytes(b"a\x1b\xff.jpg"));
    assert_eq!(Sanitized::path(path).to_string(), "a\u{fffd}\u{fffd}.jpg");
}

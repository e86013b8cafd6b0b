//! Every scalar value, and the tricks by name.

use std::process::Command;

use super::hostile::is_harmful;
use super::*;

fn line(text: &str) -> String {
    Sanitized::line(text).to_string()
}

fn word(text: &str) -> String {
    Sanitized::word(text).to_string()
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

/// The hint of a card becomes the name of a contact, and stood as it was in commands that are printed to be copied.
#[test]
fn a_hostile_name_is_one_word_of_a_printed_command_and_no_command_itself() {
    let mut names: Vec<String> = [
        "Bob Smith",
        "it's me",
        "x;curl evil|sh",
        "$(id)",
        "`id`",
        "${HOME}",
        "~",
        "#",
        "*",
        "{a,b}",
        "x && y > z < a",
        "\\'; id; '\\",
        "x' --mark 'y",
        "ends with \\",
    ]
    .map(str::to_owned)
    .into();
    let signs: Vec<char> = (' '..='~').filter(|c| !c.is_ascii_alphanumeric()).collect();
    names.extend(signs.iter().flat_map(|one| signs.iter().map(move |two| format!("{one}{two}"))));
    let words: Vec<String> = names.iter().map(|name| word(name)).collect();
    let shell = Command::new("sh").arg("-c").arg(format!("printf '%s\\n' {}", words.join(" "))).output().unwrap();
    assert!(shell.status.success() && shell.stderr.is_empty(), "{shell:?}");
    let read = String::from_utf8(shell.stdout).unwrap();
    assert_eq!(read.lines().collect::<Vec<_>>(), names);
    for (name, word) in names.iter().zip(&words) {
        assert_eq!(read_by_fish(word), *name, "{word}");
    }
    assert_eq!(word("x;curl evil|sh"), "'x;curl evil|sh'");
    assert_eq!(word(""), "''");
    assert_eq!(word("a\u{1b}[2J\nb"), "'a\u{fffd}[2J\u{fffd}b'");
}

/// Between its quotes a backslash escapes a quote or a backslash, and outside of them anything.
fn read_by_fish(word: &str) -> String {
    let (mut read, mut is_quoted) = (String::new(), false);
    let mut chars = word.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\'' => is_quoted = !is_quoted,
            '\\' if !is_quoted || matches!(chars.peek(), Some('\'' | '\\')) => read.extend(chars.next()),
            c => {
                assert!(is_quoted || is_plain(c), "{c} stands outside of quotes: {word}");
                read.push(c);
            }
        }
    }
    assert!(!is_quoted, "a quote is left open: {word}");
    read
}

#[test]
fn a_plain_name_stands_in_a_printed_command_as_it_is() {
    for name in ["bob", "Zoë", "日本語", "contact-7", "שלום", "launch.proof", "photos/day_1.jpg"] {
        assert_eq!(word(name), name);
    }
}

/// Quotes do not keep a command from taking it for one of its options.
#[test]
fn a_file_in_a_printed_command_is_no_option() {
    for (name, shown) in [
        ("-x.proof", "./-x.proof"),
        ("--save-to", "./--save-to"),
        ("-a b", "'./-a b'"),
        ("a/-x", "a/-x"),
        ("a b", "'a b'"),
    ] {
        assert_eq!(Sanitized::file(name).to_string(), shown);
    }
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

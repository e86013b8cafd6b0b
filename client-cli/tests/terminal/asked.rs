//! Asking the terminal leaves it as it was, whatever it answers and whatever is typed meanwhile.

use std::time::Duration;

use crate::drawn::received;
use crate::emulator::{Way, read};
use crate::people::Place;
use crate::session::{Terminal, can_play};

/// Runs `show`, and says whether the terminal is as it was before.
const SHOW: &str = "was=$(stty -g); $L show ID; echo code $?; [ \"$was\" = \"$(stty -g)\" ] && echo as before";

#[test]
fn the_terminal_is_as_before_whatever_it_answers() {
    if !can_play() {
        return;
    }
    let place = Place::new();
    let (bob, id, _) = received(&place);
    let line = SHOW.replace("ID", &id);
    for answer in
        ["\u{1b}_Gi=31;OK\u{1b}\\\u{1b}[?62c", "\u{1b}[?1;2c", "\u{1b}[6;0;99999999999t\u{1b}[?c\u{1b}[?4;c\u{1b}[?1c"]
    {
        let seen = Terminal { answer: Some(answer), ..Terminal::default() }.run(&bob, &line);
        assert!(seen.output.ends_with("code 0\nas before\n"), "{answer:?}: {:?}", seen.output);
    }
}

#[test]
fn a_terminal_that_never_answers_is_not_waited_for_long() {
    if !can_play() {
        return;
    }
    let place = Place::new();
    let (bob, id, _) = received(&place);
    let line = SHOW.replace("ID", &id);
    let before =
        Terminal { variables: &[("LIGHTPROOF_GRAPHICS", "blocks")], ..Terminal::default() }.run(&bob, &line).took;
    let seen = Terminal::default().run(&bob, &line);
    assert!(seen.was_asked && seen.output.ends_with("code 0\nas before\n"), "{:?}", seen.output);
    assert!(seen.took < before + Duration::from_secs(4), "{:?}, and {before:?} without a question", seen.took);
    assert_eq!(read(&seen.output).0[0].way, Way::Blocks);
    // Where nobody answers, what the environment says without doubt counts.
    let kitty = Terminal { variables: &[("TERM", "xterm-kitty"), ("KITTY_WINDOW_ID", "1")], ..Terminal::default() };
    assert_eq!(read(&kitty.run(&bob, &line).output).0[0].way, Way::Kitty);
}

#[test]
fn ctrl_c_while_the_terminal_is_asked_ends_the_program_and_leaves_it_sane() {
    if !can_play() {
        return;
    }
    let place = Place::new();
    let (bob, id, _) = received(&place);
    let seen = Terminal { answer: Some("\u{3}"), ..Terminal::default() }.run(&bob, &SHOW.replace("ID", &id));
    assert!(seen.output.contains("interrupted") && seen.output.ends_with("code 1\nas before\n"), "{:?}", seen.output);
}

#[test]
fn what_was_typed_ahead_is_there_afterwards() {
    if !can_play() {
        return;
    }
    let place = Place::new();
    let (bob, id, _) = received(&place);
    let line = format!("$L show {id}; read line; echo \"got <$line>\"");
    let seen = Terminal { typed: "ls -l\n", ..Terminal::default() }.run(&bob, &line);
    assert!(!seen.was_asked, "answers would be mixed with what was typed");
    assert!(seen.output.ends_with("got <ls -l>\n"), "{:?}", seen.output);
}

#[test]
fn a_multiplexer_is_not_asked_what_it_would_take_for_a_title() {
    if !can_play() {
        return;
    }
    let place = Place::new();
    let (bob, id, _) = received(&place);
    let variables = [("TMUX", "/tmp/tmux-0/default,1,0"), ("KITTY_WINDOW_ID", "1")];
    let seen = Terminal { answer: Some("\u{1b}[?1;2c"), variables: &variables, ..Terminal::default() }
        .run(&bob, &format!("$L show {id}"));
    assert!(seen.was_asked && !seen.questions.contains("\u{1b}_G"), "{:?}", seen.questions);
    let alone = Terminal { answer: Some("\u{1b}[?1;2c"), ..Terminal::default() }.run(&bob, &format!("$L show {id}"));
    assert!(alone.questions.starts_with("\u{1b}_Gi=31"), "{:?}", alone.questions);
    assert_eq!(read(&seen.output).0[0].way, Way::Blocks);
}

//! Screens, without a terminal.

use std::collections::BTreeMap;

use lightproof_core::message::{Direction, State as Became};
use proptest::prelude::*;
use ratatui_core::backend::TestBackend;
use ratatui_core::terminal::Terminal;

use super::*;
use crate::inbox::event::{Entry, Event, Key, MessageKey, PhotoSeen, Place, RelayState, Said};
use crate::inbox::state::tests::{home, message, opened, photo, press, somebody, tell};
use crate::picture::Depth;
use crate::sanitize::hostile::{self, is_harmful};

/// The cells of a frame, row by row, and how many rows of lists were looked at.
fn cells(state: &State) -> (Vec<Vec<String>>, usize) {
    let mut terminal = Terminal::new(TestBackend::new(state.columns, state.rows)).unwrap();
    let mut rows = 0;
    terminal.draw(|frame| rows = draw(state, frame.buffer_mut()).rows).unwrap();
    let buffer = terminal.backend().buffer();
    let symbols = buffer.content().iter().map(|cell| cell.symbol().to_owned()).collect::<Vec<_>>();
    (symbols.chunks(usize::from(state.columns)).map(<[String]>::to_vec).collect(), rows)
}

fn screen(state: &State) -> String {
    let rows = cells(state).0.into_iter().map(|row| row.concat().trim_end().to_owned());
    rows.collect::<Vec<_>>().join("\n")
}

#[test]
fn people_and_requests_stand_in_a_list_of_80_by_24() {
    let mut state = opened(3);
    tell(&mut state, Event::Relay(RelayState::Reached));
    press(&mut state, &[Key::Down]);
    let rule = "─".repeat(80);
    let fingerprint = "wants to write to you · 0101 0101 0101 0101 0101 0";
    let expected = format!(
        " lightproof · alice                                                   connected\n{rule}\n\
         \x20 Dave             request    {fingerprint}\n\
         > bob              verified           11-21 16:20 look at this\n\
         \x20 carol            unverified{}\n{rule}\n\n \
         ↑↓ choose · Enter open · w write · v verify · a add · c card · ? keys · q quit",
        "\n".repeat(16)
    );
    assert_eq!(screen(&state), expected, "\n{}", screen(&state));
}

#[test]
fn a_message_is_read_with_what_is_proven_of_it() {
    let mut state = opened(3);
    press(&mut state, &[Key::Down, Key::Enter]);
    let list = screen(&state);
    assert!(list.contains("\n> 11-21 16:20 bob        verified                look at this"), "{list}");
    assert!(list.contains("\n  11-21 16:20 you        delivered               look at this"), "{list}");
    press(&mut state, &[Key::Enter]);
    let read = screen(&state);
    for line in ["from bob (verified)", "verified: unchanged since bob sealed it", "    look at this"] {
        assert!(read.contains(&format!("\n{line}\n")), "{line}: {read}");
    }
}

#[test]
fn a_photo_stands_below_its_note_in_cells() {
    let mut state = opened(1);
    let key = MessageKey::test(somebody(2), Direction::In, 0);
    let mut loaded = message(&key, "bob", "a note");
    loaded.message.photos = vec![photo()];
    press(&mut state, &[Key::Down, Key::Enter]);
    state.on(Event::Key(Key::Enter));
    let looked = state.on(Event::Loaded(vec![(key, loaded)]));
    let [crate::inbox::event::Intent::Look(place)] = looked.as_slice() else { panic!() };
    let rows = vec![vec![('▀', Some([1, 2, 3]), None); 40]; usize::from(place.rows)];
    let drawing = Some(Drawing::Cells(rows, Depth::True));
    let remarks = vec![Said::warning("still holds location: 28.56 N")];
    tell(&mut state, Event::Photo(PhotoSeen { place: *place, drawing, remarks }));
    let shown = screen(&state);
    assert!(shown.contains("\nphoto 1 of 1: compressed image/jpeg 1600 x 1200, 1.23 MB\n"), "{shown}");
    assert!(shown.contains("\n  warning: still holds location: 28.56 N\n"), "{shown}");
    assert_eq!(shown.lines().filter(|line| line.contains(&"▀".repeat(40))).count(), usize::from(place.rows));
    // For a window of another size it is drawn anew.
    state.on(Event::Resized { columns: 60, rows: 20 });
    assert!(!screen(&state).contains('▀'));
}

#[test]
fn no_frame_of_ten_thousand_messages_looks_at_more_rows_than_the_screen_has() {
    let mut state = opened(10_000);
    press(&mut state, &[Key::Down, Key::Enter]);
    for key in [Key::Home, Key::PageDown, Key::End, Key::PageUp, Key::Up, Key::Down] {
        press(&mut state, std::slice::from_ref(&key));
        let (_, rows) = cells(&state);
        assert_eq!(rows, 19, "{key:?}");
    }
}

/// What a frame is made of where nobody is hostile: rules, title, keys.
fn frame(cells: &[Vec<String>]) -> Vec<String> {
    let count = cells.len();
    [0, 1, count - 3, count - 1].into_iter().map(|row| cells[row].concat()).collect()
}

fn assert_whole(state: &State, texts: &[String], expected: &[String]) -> Vec<Vec<String>> {
    let (cells, _) = cells(state);
    assert_eq!(frame(&cells), expected, "{:?}", texts.concat().chars().take(400).collect::<String>());
    for row in &cells {
        let mut depth = 0_i32;
        for (x, cell) in row.iter().enumerate().filter(|(_, cell)| *cell != " ") {
            for c in cell.chars() {
                match c {
                    '\u{2068}' => depth += 1,
                    '\u{2069}' => depth -= 1,
                    _ => assert!(!is_harmful(c), "{cell:?}"),
                }
            }
            // What is wide covers cells of its own, and none behind the edge.
            let wide = if cell.len() == 1 { 1 } else { paint::width(cell) };
            let covered = row.get(x..x + wide).unwrap_or_else(|| panic!("{cell:?} leaves its row"));
            assert!(depth >= 0 && covered[1..].iter().all(|cell| cell == " "), "{cell:?}");
        }
        assert_eq!(depth, 0, "{:?}", row.concat());
    }
    cells
}

#[test]
fn no_hostile_note_breaks_a_screen() {
    let keys: Vec<MessageKey> =
        (0..IN_LIST).map(|number| MessageKey::test(somebody(2), Direction::In, number)).collect();
    let mut received = home(0);
    let entry = |key: &MessageKey| Entry { key: *key, state: Became::Verified, is_unread: false };
    received.messages = BTreeMap::from([(somebody(2), keys.iter().map(entry).collect())]);
    let mut list = opened(0);
    tell(&mut list, Event::Home(received.clone()));
    press(&mut list, &[Key::Down, Key::Enter]);
    let mut read = opened(0);
    tell(&mut read, Event::Home(received));
    press(&mut read, &[Key::Down, Key::Enter, Key::Home, Key::Enter]);
    let (listed, shown) = (frame(&cells(&list).0), frame(&cells(&read).0));
    let texts: Vec<String> = hostile::texts().collect();
    for some in texts.chunks(keys.len()) {
        let loaded = keys.iter().zip(some).map(|(key, text)| (*key, message(key, "bob", text)));
        list.on(Event::Loaded(loaded.collect()));
        let cells = assert_whole(&list, some, &listed);
        // In front of it stands what we say, where we say it.
        for row in &cells[2..2 + some.len()] {
            assert_eq!(row[1..34].concat(), " 11-21 16:20 bob        verified ");
        }
        for few in some.chunks(4) {
            read.on(Event::Loaded(vec![(keys[0], message(&keys[0], "bob", &few.join("\n")))]));
            assert_whole(&read, few, &shown);
        }
    }
    let count = texts.len();
    println!("evidence: A25 P16 | {count} hostile notes in a list and on a page of the inbox, its frame whole | -");
}

#[test]
fn no_hostile_name_breaks_a_screen() {
    let mut state = opened(0);
    let expected = frame(&cells(&state).0);
    let mut count = 0;
    // The scalar values are drawn in notes.
    let names: Vec<String> = (0..hostile::SEQUENCES as u64).map(hostile::escape_sequence).collect();
    for few in names.chunks(3) {
        let mut home = home(0);
        for (person, name) in home.people.iter_mut().zip(few) {
            person.name.clone_from(name);
        }
        tell(&mut state, Event::Home(home));
        let rows = assert_whole(&state, few, &expected);
        assert_eq!(rows[2][19..30].concat(), "request    ", "{few:?}: {:?}", rows[2].concat());
        assert_eq!(rows[4][19..29].concat(), "unverified", "{few:?}: {:?}", rows[4].concat());
        count += few.len();
    }
    println!("evidence: A25 P16 | {count} hostile names in the inbox, its columns in their places | -");
}

/// As many as stand on a page.
const IN_LIST: u64 = 19;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn every_page_fits_every_window(
        (columns, rows) in (1_u16..120, 1_u16..50),
        keys in proptest::collection::vec(0_usize..19, 0..24),
    ) {
        let all = [
            Key::Up, Key::Down, Key::Enter, Key::Escape, Key::Char('a'), Key::Char('c'), Key::Char('v'), Key::Char('w'),
            Key::Char('l'), Key::Char('?'), Key::Char('d'), Key::Char('s'), Key::Char('m'), Key::Tab, Key::PageDown,
            Key::Pasted("字\u{202e}\u{1b}[2J שלום ".repeat(30)), Key::LineBreak, Key::Right, Key::Control('t'),
        ];
        let mut state = opened(40);
        tell(&mut state, Event::Said(Said::warning("something long to say ".repeat(20))));
        tell(&mut state, Event::Resized { columns, rows });
        for key in keys {
            for intent in press(&mut state, std::slice::from_ref(&all[key])) {
                if let crate::inbox::event::Intent::Look(place) = intent {
                    let rows = vec![vec![('▀', Some([1, 2, 3]), None); usize::from(place.columns)]; usize::from(place.rows)];
                    let drawing = Some(Drawing::Cells(rows, Depth::True));
                    let seen = PhotoSeen { place: Place { ..place }, drawing, remarks: Vec::new() };
                    tell(&mut state, Event::Photo(seen));
                }
            }
            prop_assert!(!state.is_done());
            let (cells, _) = cells(&state);
            prop_assert!(cells.iter().flatten().all(|cell| !cell.chars().any(char::is_control)));
        }
    }
}

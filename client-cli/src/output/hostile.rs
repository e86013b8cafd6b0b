//! What a peer wrote, through everything that shows it: pages for people, and objects for programs.

use super::event::{Direction, Message, Request, State};
use super::tests::listen;
use super::*;
use crate::sanitize::hostile::{SCALARS, SEQUENCES, assert_ink, texts};

/// What a report says to this reader.
pub(crate) fn said(report: &impl Report, reader: Reader) -> String {
    let (mut output, out, _) = listen(reader, Verbosity::Normal, Ink::Plain);
    output.report(report).unwrap();
    out.text()
}

/// For people nothing but ink; for programs one line of it, in which `field` is what was written.
pub(crate) fn assert_shown_as_ink(report: &impl Report, field: &str, written: &str) -> String {
    let page = said(report, Reader::Person);
    assert_ink(&page, written);
    let line = said(report, Reader::Json);
    assert!(line.strip_suffix('\n').unwrap().chars().all(is_visible_or_space), "{written:?} became {line:?}");
    let read: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(read.get(field).unwrap().as_str().unwrap(), written);
    page
}

fn message(from: &str, note: &str) -> Message {
    Message {
        id: "3f2a".repeat(8),
        from: from.to_owned(),
        to: "bob".to_owned(),
        direction: Direction::In,
        state: State::Verified,
        note: Some(note.to_owned()),
        sent_at: "2026-11-21T02:03:04Z".to_owned(),
        photos: Vec::new(),
        view_once: false,
        retracted: false,
        columns: 80,
        is_given_up: false,
        previews: String::new(),
    }
}

#[test]
fn no_note_reaches_a_person_or_a_program_as_anything_but_ink() {
    let mut count = 0;
    for text in texts() {
        let page = assert_shown_as_ink(&message("alice", &text), "note", &text);
        assert!(page.lines().skip(1).all(|line| line.starts_with("    ")), "{text:?} left its place: {page:?}");
        count += 1;
    }
    println!(
        "evidence: A25 P16 | {count} hostile notes ({SCALARS} scalar values, {SEQUENCES} escape sequences), shown as ink | -"
    );
}

#[test]
fn no_name_reaches_a_person_or_a_program_as_anything_but_ink() {
    let mut count = 0;
    for text in texts() {
        let page = assert_shown_as_ink(&message(&text, ""), "from", &text);
        assert_eq!(page.lines().count(), 1, "{text:?} left its line");
        let request = Request { request: 1, name: text.clone(), fingerprint: "ab".to_owned() };
        let page = assert_shown_as_ink(&request, "name", &text);
        assert_eq!(page.lines().count(), 1, "{text:?} left its line");
        count += 2;
    }
    println!("evidence: A25 P16 | {count} hostile names in messages and requests, shown as ink | -");
}

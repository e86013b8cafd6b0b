//! The contract of `--json`, and that nothing leaks through it.

use std::sync::{Arc, Mutex};

use super::compressed::Compressed;
use super::event::{Direction, Found, Message, MessagePhoto, Request, Sent, SentPhoto, State};
use super::*;

#[derive(Clone, Default)]
pub(super) struct Heard(Arc<Mutex<Vec<u8>>>);

impl Write for Heard {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Heard {
    pub(super) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

pub(super) fn listen(reader: Reader, verbosity: Verbosity, ink: Ink) -> (Output, Heard, Heard) {
    let (out, err) = (Heard::default(), Heard::default());
    let stdout = Channel { sink: Box::new(out.clone()), style: ink };
    let stderr = Channel { sink: Box::new(err.clone()), style: ink };
    (Output { reader, verbosity, stdout, stderr, reader_is_gone: false }, out, err)
}

fn sent() -> Sent {
    let photo = SentPhoto {
        treatment: "compressed",
        media_type: "image/jpeg",
        bytes: 1_234_567,
        width: Some(1600),
        height: Some(1200),
        removed: vec!["location".into()],
        found: vec![Found { group: "location", key: "GPSAltitude".into(), value: "3 m".into(), fate: "removed" }],
        compression: Some(Compressed::Lossless),
    };
    Sent { id: "3f2a".repeat(8), to: "bob".into(), state: State::Deposited, photos: vec![photo] }
}

fn message(note: &str) -> Message {
    let photo = MessagePhoto {
        treatment: "exact",
        media_type: "image/png",
        bytes: 10,
        sha256: "00".repeat(32),
        width: None,
        height: None,
        file: None,
        thumbhash: Some("AAA=".into()),
        holds: None,
    };
    Message {
        id: "3f2a".repeat(8),
        from: "alice".into(),
        to: "bob".into(),
        direction: Direction::In,
        state: State::Verified,
        note: Some(note.into()),
        sent_at: "2026-11-21T02:03:04Z".into(),
        photos: vec![photo],
        view_once: false,
        retracted: false,
        columns: 80,
        is_given_up: false,
        previews: String::new(),
    }
}

#[test]
fn the_keys_of_the_contract_are_there_in_their_order() {
    let (mut output, out, _) = listen(Reader::Json, Verbosity::Normal, Ink::Coloured);
    output.report(&sent()).unwrap();
    output.report(&message("hi")).unwrap();
    output.report(&Request { request: 1, name: "Bob".into(), fingerprint: "ab".into() }).unwrap();
    output.failure(&Failure::failed("no").hint("try"));
    let id = "3f2a".repeat(8);
    let sha256 = "00".repeat(32);
    let expected = [
        format!(
            r#"{{"event":"sent","id":"{id}","to":"bob","state":"deposited","photos":[{{"treatment":"compressed","media_type":"image/jpeg","bytes":1234567,"width":1600,"height":1200,"removed":["location"],"found":[{{"group":"location","key":"GPSAltitude","value":"3 m","fate":"removed"}}],"compression":{{"as":"lossless"}}}}]}}"#
        ),
        format!(
            r#"{{"event":"message","id":"{id}","from":"alice","to":"bob","direction":"in","state":"verified","note":"hi","sent_at":"2026-11-21T02:03:04Z","photos":[{{"treatment":"exact","media_type":"image/png","bytes":10,"sha256":"{sha256}","width":null,"height":null,"file":null,"thumbhash":"AAA=","holds":null}}],"view_once":false,"retracted":false}}"#
        ),
        r#"{"event":"request","request":1,"name":"Bob","fingerprint":"ab"}"#.into(),
        r#"{"event":"error","code":1,"what":"no","hint":"try"}"#.into(),
    ];
    assert_eq!(out.text().lines().collect::<Vec<_>>(), expected);
}

#[test]
fn people_read_the_same_values() {
    let (mut output, out, _) = listen(Reader::Person, Verbosity::Normal, Ink::Plain);
    output.report(&sent()).unwrap();
    output.report(&message("one\ntwo")).unwrap();
    let expected = "\
3f2a3f2a to bob: deposited
  compressed image/jpeg 1600 x 1200, 1.23 MB
    every pixel as it was
    removed location
3f2a3f2a  2026-11-21T02:03:04Z  from alice  verified
    one
    two
  photo 1: exact image/png 10 B
";
    assert_eq!(out.text(), expected);
}

#[test]
fn json_carries_a_hostile_note_whole_and_shows_none_of_it_to_the_terminal() {
    let note: String =
        ('\0'..='\u{ff}').chain(['\u{202e}', '\u{2028}', '\u{feff}', '\u{e0041}', '\u{10ffff}', '日', '🚀']).collect();
    let (mut output, out, _) = listen(Reader::Json, Verbosity::Normal, Ink::Plain);
    output.report(&message(&note)).unwrap();
    let line = out.text();
    assert!(line.trim_end().chars().all(is_visible_or_space));
    let read: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(read.get("note").unwrap().as_str().unwrap(), note);
}

#[test]
fn errors_and_hints_are_two_lines_on_stderr() {
    let (mut output, out, err) = listen(Reader::Person, Verbosity::Quiet, Ink::Plain);
    output.remark("not in quiet");
    output.step("nor this");
    output.warn("but this");
    output.failure(&Failure::failed("it rains").hint("take an umbrella"));
    assert_eq!(err.text(), "warning: but this\nerror: it rains\nhint: take an umbrella\n");
    assert_eq!(out.text(), "");
}

struct Gone;

impl Write for Gone {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::BrokenPipe.into())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_reader_that_has_gone_is_no_failure_and_is_remembered() {
    let (mut output, ..) = listen(Reader::Person, Verbosity::Normal, Ink::Plain);
    output.report(&sent()).unwrap();
    assert!(!output.reader_is_gone());
    output.stdout.sink = Box::new(Gone);
    output.report(&sent()).unwrap();
    assert!(output.reader_is_gone());
}

#[test]
fn colour_is_asked_for_and_can_be_forbidden() {
    let environment =
        |name: &'static str, value: &'static str| move |asked: &str| (asked == name).then(|| value.into());
    assert_eq!(Colour::choose(false, |_| None), Colour::Allowed);
    assert_eq!(Colour::choose(true, |_| None), Colour::Never);
    assert_eq!(Colour::choose(false, environment("NO_COLOR", "1")), Colour::Never);
    assert_eq!(Colour::choose(false, environment("NO_COLOR", "")), Colour::Allowed);
    assert_eq!(Colour::choose(false, environment("TERM", "dumb")), Colour::Never);
    let (mut output, _, err) = listen(Reader::Person, Verbosity::Normal, Ink::Coloured);
    output.failure(&Failure::failed("it rains"));
    assert_eq!(err.text(), "\u{1b}[1;31merror: \u{1b}[0mit rains\n");
}

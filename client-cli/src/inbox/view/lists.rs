//! Lists: people, a conversation, what was said. Only the rows in sight are made.

use super::paint::Line;
use super::{Body, paint};
use crate::inbox::event::{Entry, Loaded, Person, Standing};
use crate::inbox::state::State;
use crate::inbox::state::list::List;
use crate::inbox::state::page::Conversation;
use crate::output::Style;
use crate::output::event::{Direction, State as Became};
use crate::sanitize::Sanitized;

pub(super) fn people(state: &State, rows: usize) -> Body {
    let people = &state.home.people;
    if people.is_empty() {
        let words = ["", " nobody is here yet", "", " a  adds somebody by their contact card", " c  shows yours"];
        return Body { lines: words.map(Line::plain).to_vec(), cursor: None };
    }
    let sight = state.people.in_sight(people.len(), rows);
    let lines = sight.clone().zip(people.get(sight).unwrap_or_default());
    let line = |(at, person): (usize, &Person)| person_line(state, person, at == state.people.at());
    Body { lines: lines.map(line).collect(), cursor: None }
}

fn person_line(state: &State, person: &Person, is_chosen: bool) -> Line {
    let name = Sanitized::line(&person.name).to_string();
    let (mark, style) = chosen(is_chosen);
    let line = Line::of(style, mark).column(style, &name, NAME_COLUMNS).and(Style::Plain, " ");
    let line = line.column(person.standing.style(), person.standing.word(), STANDING_COLUMNS).and(Style::Plain, " ");
    if person.standing == Standing::Request {
        return line.and(Style::Plain, format!("wants to write to you · {}", person.fingerprint));
    }
    let unread = if person.unread == 0 { String::new() } else { format!("{} new", person.unread) };
    let line = line.column(Style::Strong, &unread, UNREAD_COLUMNS).and(Style::Plain, " ");
    let last = state.entries(&person.fingerprint).last();
    match last.and_then(|entry| state.loaded(&entry.key)) {
        Some(loaded) => line.and(Style::Faint, when(loaded)).and(Style::Plain, format!(" {}", gist(loaded))),
        None => line,
    }
}

pub(super) fn conversation(state: &State, page: &Conversation, rows: usize) -> Body {
    let entries = state.entries(&page.with);
    if entries.is_empty() {
        return Body { lines: ["", " no messages yet", "", " w  writes one"].map(Line::plain).to_vec(), cursor: None };
    }
    let sight = page.list.in_sight(entries.len(), rows);
    let lines = sight.clone().zip(entries.get(sight).unwrap_or_default());
    let line = |(at, entry): (usize, &Entry)| entry_line(state, entry, at == page.list.at());
    Body { lines: lines.map(line).collect(), cursor: None }
}

fn entry_line(state: &State, entry: &Entry, is_chosen: bool) -> Line {
    let (mark, style) = chosen(is_chosen);
    let line = Line::of(style, mark);
    let Some(loaded) = state.loaded(&entry.key) else { return line.and(Style::Faint, "…") };
    let message = &loaded.message;
    let who =
        if message.direction == Direction::Out { "you".to_owned() } else { Sanitized::line(&message.from).to_string() };
    let photos = match message.photos.len() {
        0 => String::new(),
        1 => "1 photo".to_owned(),
        count => format!("{count} photos"),
    };
    let new = if entry.is_unread { "new" } else { "" };
    line.and(Style::Faint, when(loaded))
        .and(Style::Plain, " ")
        .column(style, &who, WHO_COLUMNS)
        .and(Style::Plain, " ")
        .column(message.state.style(), message.state.word(), STATE_COLUMNS)
        .and(Style::Plain, " ")
        .column(Style::Strong, new, NEW_COLUMNS)
        .column(Style::Plain, &photos, PHOTOS_COLUMNS)
        .and(Style::Plain, note(loaded))
}

pub(super) fn log(state: &State, list: List, rows: usize, columns: u16) -> Body {
    if state.log.is_empty() {
        return Body { lines: vec![Line::default(), Line::plain(" nothing yet")], cursor: None };
    }
    let mut lines = Vec::new();
    for at in list.in_sight(state.log.len(), rows) {
        let Some(said) = state.log.get(at) else { continue };
        // The one that is chosen is told in full.
        if at == list.at() {
            let rows = Sanitized::note(&said.text, usize::from(columns)).to_string();
            lines.extend(rows.split('\n').map(|row| Line::of(said.style, row)));
        } else {
            lines.push(Line::of(
                said.style,
                format!("  {}", paint::fit(&said.text, usize::from(columns).saturating_sub(2))),
            ));
        }
    }
    let above = lines.len().saturating_sub(rows);
    Body { lines: lines.split_off(above), cursor: None }
}

const fn chosen(is_chosen: bool) -> (&'static str, Style) {
    if is_chosen { ("> ", Style::Strong) } else { ("  ", Style::Plain) }
}

/// Month, day, hour and minute, UTC.
fn when(loaded: &Loaded) -> String {
    let sent = &loaded.message.sent_at;
    format!("{} {}", sent.get(5..10).unwrap_or_default(), sent.get(11..16).unwrap_or_default())
}

/// What the last message is about, in a few words.
fn gist(loaded: &Loaded) -> String {
    let message = &loaded.message;
    let from = if message.direction == Direction::Out { "you: " } else { "" };
    let photos = if message.photos.is_empty() { "" } else { "[photo] " };
    format!("{from}{photos}{}", note(loaded))
}

/// The first line of the note; of what did not verify, nothing.
fn note(loaded: &Loaded) -> String {
    let message = &loaded.message;
    if message.state == Became::Failed {
        return "not what its sender sealed".to_owned();
    }
    let first = message.note.as_deref().unwrap_or_default().lines().next().unwrap_or_default();
    // More does not go into any window, and a note can be long.
    let end = first.char_indices().nth(GIST_LETTERS).map_or(first.len(), |(at, _)| at);
    Sanitized::line(first.get(..end).unwrap_or_default()).to_string()
}

const NAME_COLUMNS: usize = 16;
const STANDING_COLUMNS: usize = 10;
const UNREAD_COLUMNS: usize = 7;
const WHO_COLUMNS: usize = 10;
const STATE_COLUMNS: usize = 9;
const NEW_COLUMNS: usize = 4;
const PHOTOS_COLUMNS: usize = 10;
const GIST_LETTERS: usize = 400;

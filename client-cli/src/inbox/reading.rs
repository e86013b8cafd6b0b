//! The page of one message: its lines of text, and the room that they leave for a photo.

use super::event::{Loaded, Standing};
use super::state::State;
use super::state::page::Reading;
use super::view::paint::Line;
use crate::output::event::{Direction, Size, State as Became};
use crate::output::{Style, event};
use crate::sanitize::Sanitized;

/// Everything that is to be read of a message.
pub(super) fn lines(state: &State, page: &Reading, loaded: &Loaded) -> Vec<Line> {
    let message = &loaded.message;
    let mut lines = vec![who(state, page, message)];
    lines.push(Line::plain(format!("sent {}", message.sent_at)));
    let meaning = message.meaning(loaded.promise.as_deref());
    lines.push(Line::of(message.state.style(), message.state.word()).and(Style::Plain, format!(": {meaning}")));
    if message.state == Became::Failed {
        return lines;
    }
    if let Some(note) = message.note.as_deref().filter(|note| !note.is_empty()) {
        let note = Sanitized::note(note, usize::from(state.columns)).to_string();
        lines.push(Line::default());
        lines.extend(note.split('\n').map(Line::plain));
    }
    if let Some(photo) = message.photos.get(page.photo) {
        lines.push(Line::default());
        lines.push(facts(photo, page.photo, message.photos.len()));
        let seen = page.seen.iter().filter(|seen| seen.place.photo == page.photo);
        for said in seen.flat_map(|seen| &seen.remarks) {
            lines.push(Line::of(said.style, format!("  {}", said.text)));
        }
    }
    lines
}

fn who(state: &State, page: &Reading, message: &event::Message) -> Line {
    let (word, name) = match message.direction {
        Direction::In => ("from ", &message.from),
        Direction::Out => ("to ", &message.to),
    };
    let line = Line::plain(word).and(Style::Strong, Sanitized::line(name).to_string());
    match state.person(&page.key.contact).map(|person| person.standing) {
        Some(Standing::Unverified) => line
            .and(Style::Plain, " (")
            .and(Style::Caution, "unverified")
            .and(Style::Plain, ": compare safety numbers with v)"),
        Some(standing) => line.and(Style::Plain, " (").and(standing.style(), standing.word()).and(Style::Plain, ")"),
        None => line,
    }
}

fn facts(photo: &event::MessagePhoto, place: usize, count: usize) -> Line {
    let size = Size { width: photo.width, height: photo.height, bytes: photo.bytes };
    let number = place.saturating_add(1);
    Line::plain(format!("photo {number} of {count}: {} {} {size}", photo.treatment, photo.media_type))
}

/// Rows of text, and rows below them for the photo. What is said of it once it was looked at does not change its room: the
/// page would not come to rest.
pub(super) fn split(state: &State, page: &Reading, loaded: &Loaded) -> (usize, usize) {
    let rows = state.body_rows();
    // What is for one look is not drawn in passing: `show` takes that look.
    if loaded.message.photos.is_empty() || loaded.message.view_once {
        return (rows, 0);
    }
    let bare = lines(state, &Reading { seen: None, ..page.clone() }, loaded).len();
    let text = bare.saturating_add(REMARK_ROWS).min((rows / 2).max(1));
    (text, rows.saturating_sub(text))
}

/// How many lines may be above what is in sight.
pub(super) fn most_scrolled(state: &State, page: &Reading, loaded: &Loaded) -> usize {
    lines(state, page, loaded).len().saturating_sub(split(state, page, loaded).0)
}

/// Columns and rows for the photo, where there is one and room for it.
pub(super) fn picture_room(state: &State, page: &Reading, loaded: &Loaded) -> Option<(u16, u16)> {
    let rows = u16::try_from(split(state, page, loaded).1).unwrap_or(u16::MAX);
    (rows > 0 && state.columns > 0).then_some((state.columns, rows))
}

/// Kept for what is said of a photo.
const REMARK_ROWS: usize = 2;

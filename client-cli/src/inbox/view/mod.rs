//! From what is known to cells: a title, a page, what was said last, and the keys that do something.
//!
//! ```text
//!  lightproof · alice                                                    connected
//!  ───────────────────────────────────────────────────────────────────────────────
//!  the page
//!  ───────────────────────────────────────────────────────────────────────────────
//!  what was said last, or how far something is
//!  keys
//! ```
//!
//! Only rows in sight are looked at, however long a list is.

use indicatif::DecimalBytes;
use ratatui_core::buffer::Buffer;
use ratatui_core::layout::{Position, Rect};

use super::event::{Loaded, Progress, RelayState};
use super::reading;
use super::state::page::{Page, Reading};
use super::state::{FRAME_ROWS, State};
use crate::output::Style;
use crate::picture::Drawing;
use crate::sanitize::Sanitized;
use paint::Line;

mod forms;
mod help;
mod lists;
pub(crate) mod paint;

/// What a frame holds that cells do not.
#[derive(Default)]
pub(crate) struct Drawn<'a> {
    /// Where the next letter goes.
    pub(crate) cursor: Option<Position>,
    /// A picture for a terminal with graphics, and its upper left corner.
    pub(crate) picture: Option<(Position, &'a str)>,
    /// Rows of lists that were looked at.
    #[cfg_attr(not(test), expect(dead_code, reason = "a test counts them"))]
    pub(crate) rows: usize,
}

/// A page as lines, and where the next letter goes among them.
#[derive(Default)]
struct Body {
    lines: Vec<Line>,
    cursor: Option<(usize, usize)>,
}

/// Draws everything.
pub(crate) fn draw<'a>(state: &'a State, buffer: &mut Buffer) -> Drawn<'a> {
    let area = buffer.area;
    let row = |number: u16| Rect { y: area.y.saturating_add(number), height: 1, ..area }.intersection(area);
    let (title, where_to) = (title(state), relay(state));
    let right = paint::width(&where_to).saturating_add(1);
    let left = usize::from(area.width).saturating_sub(right).saturating_sub(1);
    let head =
        Line::default().column(Style::Strong, &title, left).and(Style::Plain, " ").and(relay_style(state), where_to);
    paint::line(buffer, row(0), 0, &head);
    let rule = Line::of(Style::Faint, "─".repeat(usize::from(area.width)));
    paint::line(buffer, row(1), 0, &rule);
    let body = Rect { y: area.y.saturating_add(2), height: area.height.saturating_sub(FRAME_ROWS).max(1), ..area }
        .intersection(area);
    let drawn = page(state, buffer, body);
    let foot = area.height.saturating_sub(3);
    if area.height > FRAME_ROWS {
        paint::line(buffer, row(foot), 0, &rule);
        paint::line(buffer, row(foot.saturating_add(1)), 0, &status(state));
        let keys = paint::fit(help::keys(state), usize::from(area.width));
        paint::line(buffer, row(foot.saturating_add(2)), 0, &Line::of(Style::Faint, keys));
    }
    drawn
}

fn page<'a>(state: &'a State, buffer: &mut Buffer, area: Rect) -> Drawn<'a> {
    let rows = state.body_rows();
    let body = match state.page() {
        Page::Adding(page) => forms::adding(page, area.width),
        Page::Answering(page) => forms::answering(state, page, area.width),
        Page::Card(card) => forms::card(card.as_deref(), area.width),
        Page::Confirm(page) => forms::confirm(&page.question, area.width),
        Page::Conversation(page) => lists::conversation(state, page, rows),
        Page::Help => help::page(),
        Page::Log(list) => lists::log(state, *list, rows, area.width),
        Page::People => lists::people(state, rows),
        Page::Reading(page) => {
            return match state.loaded(&page.key) {
                Some(loaded) => read(state, page, loaded, buffer, area),
                None => Drawn::default(),
            };
        }
        Page::Saving(page) => forms::saving(page, area.width),
        Page::Verifying(page) => forms::verifying(state, page, area.width),
        Page::Writing(page) => forms::writing(state, page, area.width),
    };
    // A long note being written: the place of the next letter stays in sight.
    let above = body.cursor.map_or(0, |(_, y)| y.saturating_add(1).saturating_sub(rows));
    for (row, line) in (0..).zip(body.lines.iter().skip(above)).take(rows) {
        paint::line(buffer, area, row, line);
    }
    let place = |(x, y): (usize, usize)| {
        let (x, y) = (u16::try_from(x).ok()?, u16::try_from(y.checked_sub(above)?).ok()?);
        let place = Position::new(area.x.saturating_add(x.min(area.width.saturating_sub(1))), area.y.saturating_add(y));
        area.contains(place).then_some(place)
    };
    Drawn { cursor: body.cursor.and_then(place), picture: None, rows: body.lines.len() }
}

fn read<'a>(state: &State, page: &'a Reading, loaded: &Loaded, buffer: &mut Buffer, area: Rect) -> Drawn<'a> {
    let (text, picture) = reading::split(state, page, loaded);
    let lines = reading::lines(state, page, loaded);
    let scroll = page.scroll.min(lines.len().saturating_sub(text));
    for (row, line) in (0..).zip(lines.iter().skip(scroll).take(text)) {
        paint::line(buffer, area, row, line);
    }
    let mut drawn = Drawn { rows: lines.len(), ..Drawn::default() };
    let height = u16::try_from(picture).unwrap_or(u16::MAX).min(area.height);
    let room = Rect { y: area.bottom().saturating_sub(height), height, ..area };
    let fits = page.seen.as_ref().filter(|seen| Some(seen.place) == page.asked);
    match fits.and_then(|seen| seen.drawing.as_ref()) {
        Some(Drawing::Cells(rows, depth)) => paint::blocks(buffer, room, rows, *depth),
        Some(Drawing::Graphics(sent)) => drawn.picture = Some((room.as_position(), sent)),
        None => {}
    }
    drawn
}

fn title(state: &State) -> String {
    let me = Sanitized::line(&state.home.me).to_string();
    let name = |of| state.person(of).map_or_else(String::new, |person| Sanitized::line(&person.name).to_string());
    let (with, what) = match state.page() {
        Page::Adding(_) => (None, "add a contact"),
        Page::Answering(page) => (Some(name(&page.request)), "a request"),
        Page::Card(_) => (None, "my contact card"),
        Page::Confirm(_) => (None, "a question"),
        Page::Conversation(page) => (Some(name(&page.with)), ""),
        Page::Help => (None, "keys"),
        Page::Log(_) => (None, "what was said"),
        Page::People => (None, ""),
        Page::Reading(page) => (Some(name(&page.key.contact)), "a message"),
        Page::Saving(_) => (None, "save a photo"),
        Page::Verifying(page) => (Some(name(&page.contact)), "safety number"),
        Page::Writing(page) => (Some(name(&page.to)), "write"),
    };
    let words = ["lightproof", &me].into_iter().chain(with.as_deref()).chain([what]);
    format!(" {}", words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" · "))
}

fn relay(state: &State) -> String {
    match state.home.under_way {
        0 => state.relay.words().to_owned(),
        count => format!("{count} under way · {}", state.relay.words()),
    }
}

const fn relay_style(state: &State) -> Style {
    match state.relay {
        RelayState::Asking | RelayState::Elsewhere => Style::Plain,
        RelayState::Away => Style::Caution,
        RelayState::Reached => Style::Good,
        RelayState::Superseded => Style::Danger,
    }
}

/// What was said last; else how far something is.
fn status(state: &State) -> Line {
    if let Some(said) = &state.said {
        return Line::of(said.style, paint::fit(&format!(" {}", said.text), usize::from(state.columns)));
    }
    state.progress.values().next().map_or_else(Line::default, progress)
}

fn progress(Progress { what, done_bytes, total_bytes }: &Progress) -> Line {
    let (done, total) = (DecimalBytes(*done_bytes), DecimalBytes(*total_bytes));
    let percent = u128::from(*done_bytes).saturating_mul(100).checked_div(u128::from(*total_bytes)).unwrap_or(0);
    let full = usize::try_from(percent / 5).unwrap_or(0).min(BAR_COLUMNS);
    let bar = format!("{}{}", "=".repeat(full), " ".repeat(BAR_COLUMNS.saturating_sub(full)));
    Line::plain(format!(" {what} [{bar}] {percent} %  {done}/{total}"))
}

/// One for five per cent.
const BAR_COLUMNS: usize = 20;

#[cfg(test)]
mod tests;

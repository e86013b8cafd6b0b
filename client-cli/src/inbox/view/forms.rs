//! Pages on which one types, answers, or compares.

use super::Body;
use super::paint::{self, Line};
use crate::inbox::event::{Standing, Treatment};
use crate::inbox::state::State;
use crate::inbox::state::field::Field;
use crate::inbox::state::page::{Adding, Answering, Saving, Verifying, Writing};
use crate::output::Style;
use crate::sanitize::{Sanitized, is_visible_or_space};

impl Body {
    fn say(&mut self, text: impl Into<String>) {
        self.lines.push(Line::plain(text));
    }

    /// A text of several rows, words kept whole.
    fn tell(&mut self, text: &str, columns: u16) {
        let rows = Sanitized::note(text, usize::from(columns)).to_string();
        self.lines.extend(rows.split('\n').map(Line::plain));
    }

    /// What is being typed, broken at the edge of the window; where the next letter goes if it goes here.
    fn field(&mut self, label: &str, field: &Field, is_here: bool, columns: u16) {
        let (mark, style) = if is_here { ("> ", Style::Strong) } else { ("  ", Style::Plain) };
        self.lines.push(Line::of(style, format!("{mark}{label}")));
        let columns = usize::from(columns).saturating_sub(INDENT.len().saturating_add(1)).max(1);
        let (before, _) = field.around();
        let (ahead, x) = broken(before, columns);
        let (rows, _) = broken(field.text(), columns);
        if is_here {
            let y = self.lines.len().saturating_add(ahead.len()).saturating_sub(1);
            self.cursor = Some((INDENT.len().saturating_add(x), y));
        }
        self.lines.extend(rows.into_iter().map(|row| Line::plain(format!("{INDENT}{row}"))));
    }
}

/// Rows of at most so many columns, and the column behind the last letter. The rows of a beginning are the beginning of the
/// rows.
fn broken(text: &str, columns: usize) -> (Vec<String>, usize) {
    let (mut rows, mut row, mut used) = (Vec::new(), String::new(), 0_usize);
    for letter in text.chars() {
        if letter == '\n' {
            rows.push(std::mem::take(&mut row));
            used = 0;
            continue;
        }
        let letter = if is_visible_or_space(letter) { letter } else { char::REPLACEMENT_CHARACTER };
        let wide = paint::width(letter.encode_utf8(&mut [0; 4]));
        if used.saturating_add(wide) > columns {
            rows.push(std::mem::take(&mut row));
            used = 0;
        }
        used = used.saturating_add(wide);
        row.push(letter);
    }
    rows.push(row);
    (rows, used)
}

pub(super) fn adding(page: &Adding, columns: u16) -> Body {
    let mut body = Body::default();
    body.say("");
    body.field("their contact card (paste it)", &page.card, !page.is_at_name, columns);
    body.say("");
    body.field("what I call them (empty: what the card says)", &page.name, page.is_at_name, columns);
    body
}

pub(super) fn answering(state: &State, page: &Answering, columns: u16) -> Body {
    let mut body = Body::default();
    let says = state.person(&page.request).map_or("", |person| person.name.as_str());
    body.say("");
    body.tell(&format!("somebody who says it is {} wants to write to you", Sanitized::line(says)), columns);
    body.say("");
    body.tell(&format!("fingerprint {}", page.request), columns);
    body.say("");
    body.tell("Anybody can take any name. Accepted, they can write to you, and you see what they send.", columns);
    body.say("");
    body.field("what I call them", &page.name, true, columns);
    body
}

pub(super) fn card(card: Option<&str>, columns: u16) -> Body {
    let mut body = Body::default();
    body.say("");
    if let Some(card) = card {
        let rows = broken(card, usize::from(columns).max(1)).0;
        body.lines.extend(rows.into_iter().map(Line::plain));
        body.say("");
        body.tell("Give this line to whoever is to reach you; `lightproof card --qr` draws it.", columns);
    }
    body
}

pub(super) fn confirm(question: &str, columns: u16) -> Body {
    let mut body = Body::default();
    body.say("");
    body.tell(question, columns);
    body.say("");
    body.say("    y  yes     n  no");
    body
}

pub(super) fn saving(page: &Saving, columns: u16) -> Body {
    let mut body = Body::default();
    body.say("");
    let label = format!("save photo {} as (a file, or a folder)", page.photo.saturating_add(1));
    body.field(&label, &page.path, true, columns);
    body
}

pub(super) fn verifying(state: &State, page: &Verifying, columns: u16) -> Body {
    let mut body = Body::default();
    let person = state.person(&page.contact);
    let name = person.map_or_else(String::new, |person| Sanitized::line(&person.name).to_string());
    body.say("");
    let groups: Vec<&str> = page.number.iter().flat_map(|number| number.split(' ')).collect();
    for row in groups.chunks(GROUPS_IN_ROW) {
        body.lines.push(Line::of(Style::Strong, format!("{INDENT}{}", row.join(" "))));
    }
    body.say("");
    if person.is_some_and(|person| person.standing == Standing::Verified) {
        body.lines.push(Line::plain(format!("{INDENT}{name} is ")).and(Style::Good, "verified"));
    } else {
        let how = "must see the same number: compare it in person or in a call, not over lightproof.";
        body.tell(&format!("{name} {how} If it is the same, press m."), columns);
    }
    body
}

pub(super) fn writing(state: &State, page: &Writing, columns: u16) -> Body {
    let mut body = Body::default();
    let treatment = match page.treatment {
        Treatment::Compressed => "compressed: small and visually faithful, without metadata",
        Treatment::Original => "original: the same picture data, without metadata",
        Treatment::Exact => "exact: the very file, with everything inside",
    };
    for (number, photo) in (1..).zip(&page.photos) {
        body.say(format!("  photo {number}  {}", Sanitized::line(photo)));
    }
    body.field("add a photo (its path; Enter adds it)", &page.path, page.is_at_path, columns);
    body.say(format!("  photos are sent {treatment}"));
    body.say("");
    let to = state.person(&page.to).map_or_else(String::new, |person| Sanitized::line(&person.name).to_string());
    body.field(&format!("note to {to}"), &page.note, !page.is_at_path, columns);
    body
}

const INDENT: &str = "    ";
const GROUPS_IN_ROW: usize = 4;

//! Which keys do something, in the last row and on a page of their own.

use super::Body;
use super::paint::Line;
use crate::inbox::event::Standing;
use crate::inbox::state::State;
use crate::inbox::state::page::Page;

/// The keys of the page on the screen.
pub(super) fn keys(state: &State) -> &'static str {
    match state.page() {
        Page::Adding(_) => " Enter go on · Tab other field · Esc back",
        Page::Answering(_) => " Enter accept · Esc back",
        Page::Card(_) | Page::Help | Page::Log(_) => " Esc back · q quit",
        Page::Confirm(_) => " y yes · n no",
        Page::Conversation(_) => " ↑↓ choose · Enter open · w write · v verify · Esc back · ? keys · q quit",
        Page::People => {
            let chosen = state.home.people.get(state.people.at());
            match chosen.map(|person| person.standing) {
                None => " a add a contact · c my card · ? keys · q quit",
                Some(Standing::Request) => " ↑↓ choose · Enter accept · d decline · a add · c card · ? keys · q quit",
                Some(_) => " ↑↓ choose · Enter open · w write · v verify · a add · c card · ? keys · q quit",
            }
        }
        Page::Reading(_) => " ↑↓ scroll · ←→ photo · s save · r reply · n p next, previous · Esc back · ?",
        Page::Saving(_) => " Enter save · Esc back",
        Page::Verifying(_) => " m it is the same · Esc back",
        Page::Writing(_) => " Enter send · Alt-Enter line · Tab photo · ^T treatment · ^X drop · Esc back",
    }
}

/// All keys.
pub(super) fn page() -> Body {
    let lines = [
        "",
        "  everywhere     ↑ ↓ PgUp PgDn Home End   go        Enter →   open",
        "                 Esc   back     l   what was said     ?   this page",
        "                 q or Ctrl-C   quit     Ctrl-Z   to the background",
        "",
        "  people         a   add a contact by a card     c   my own card",
        "                 w   write     v   compare safety numbers",
        "                 Enter   accept a request     d   decline it",
        "",
        "  a message      ↑ ↓   scroll     ← →   other photo     s   save the photo",
        "                 r   reply     n p   next, previous message",
        "",
        "  writing        Enter   send     Alt-Enter or Ctrl-J   new line",
        "                 Tab   to the photos and back: type a path, Enter adds it",
        "                 Ctrl-T   compressed, original, exact     Ctrl-X   drop a photo",
        "                 Esc   back; what is written waits",
    ];
    Body { lines: lines.map(Line::plain).to_vec(), cursor: None }
}

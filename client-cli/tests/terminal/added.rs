//! Somebody is added in the inbox under tmux.

use crate::people::{Person, Place};
use crate::tmux::Tmux;

impl Tmux {
    /// Adds somebody from the page of people: their card is pasted, and the name is typed.
    pub(crate) fn adds(&self, person: &Person) {
        self.press(&["a"]);
        self.shows("paste it");
        self.paste(person.says(&["card"]).trim());
        self.shows("lightproof:");
        self.press(&["Enter"]);
        self.write(&person.name);
        self.press(&["Enter"]);
    }
}

/// It said what it says of everybody: nothing told that they are heard again.
#[test]
fn somebody_blocked_who_is_added_in_the_inbox_is_said_to_be_heard_again() {
    let place = Place::new();
    let (alice, bob) = place.alice_and_bob();
    alice.says(&["contact", "block", "bob"]);
    let Some(tmux) = Tmux::start(&alice, "added") else { return };
    tmux.types("clear; $L");
    tmux.shows("a add");
    tmux.adds(&bob);
    tmux.shows("bob was blocked, and is no longer");
}

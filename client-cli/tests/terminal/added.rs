//! Somebody is added in the inbox under tmux.

use crate::people::Place;
use crate::tmux::Tmux;

/// It said what it says of everybody: nothing told that they are heard again.
#[test]
fn somebody_blocked_who_is_added_in_the_inbox_is_said_to_be_heard_again() {
    let place = Place::new();
    let (alice, bob) = place.alice_and_bob();
    alice.says(&["contact", "block", "bob"]);
    let Some(tmux) = Tmux::start(&alice, "added") else { return };
    tmux.types("clear; $L");
    tmux.shows("a add");
    tmux.press(&["a"]);
    tmux.shows("paste it");
    tmux.paste(bob.says(&["card"]).trim());
    tmux.shows("lightproof:");
    tmux.press(&["Enter"]);
    tmux.write("bob");
    tmux.press(&["Enter"]);
    tmux.shows("bob was blocked, and is no longer");
}

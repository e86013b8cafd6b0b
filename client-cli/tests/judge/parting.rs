//! Somebody was removed, declined or blocked, and writes on: what the other program says of it, and how they come back.

use crate::person::json;
use crate::world::{World, received_notes};

/// Each message of theirs used to end the command with 3, for ever, and adding them again did not help.
#[test]
fn who_was_removed_asks_again_and_who_was_blocked_is_no_alarm() {
    let world = World::new();
    let [lea, max, carol] = ["lea", "max", "carol"].map(|name| world.person(name));
    for other in [&max, &carol] {
        lea.adds(other);
        other.adds(&lea);
    }
    for person in [&max, &carol] {
        person.tells(&lea, "hello");
        lea.tells(person, "hello yourself");
    }
    lea.says(&["contact", "remove", "max"]);
    lea.says(&["contact", "block", "carol"]);
    lea.ends(&["receive"], 5);

    carol.says(&["send", "lea", "-m", "you blocked me"]);
    lea.ends(&["receive"], 5);
    lea.ends(&["receive"], 5);
    max.tells(&lea, "are you there?");
    let requests = json(&lea.says(&["--json", "requests"]));
    assert_eq!((requests.len(), &requests[0]["name"]), (1, &"max".into()));
    lea.says(&["accept", &requests[0]["request"].to_string()]);
    lea.says(&["receive"]);
    lea.tells(&max, "I am");
    assert_eq!(received_notes(&lea), ["hello", "hello", "are you there?"]);
    assert_eq!(received_notes(&max), ["hello yourself", "I am"]);

    // And again, by the card: Max asked once today, so it is Lea who calls.
    lea.says(&["contact", "remove", "max"]);
    lea.ends(&["receive"], 5);
    lea.adds(&max);
    max.says(&["send", "lea", "-m", "once more"]);
    lea.ends(&["receive"], 5);
    max.ends(&["receive"], 5);
    lea.says(&["receive"]);
    assert_eq!(received_notes(&lea).last().unwrap(), "once more");
}

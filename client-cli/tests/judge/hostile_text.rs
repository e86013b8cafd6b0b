//! What somebody writes to harm a terminal, through the real programs: the recipient's output holds nothing but ink.

use std::path::Path;
use std::process::Command;

use crate::person::{Person, json};
use crate::world::{World, messages};

const TRICKS: [&str; 9] = [
    "\u{1b}[2J\u{1b}[Hyour passphrase: ",
    "\u{1b}]52;c;cm0gLXJmIH4=\u{7}",
    "\u{1b}]0;root\u{1b}\\ \u{1b}P+q544e\u{1b}\\",
    "\u{9b}31m\u{9d}8;;http://example.org\u{9c}here",
    "photo\u{202e}gpj.exe\u{2066}\u{2069}",
    "one\r\nerror: two\u{8}\u{8}\u{8}\u{b}\u{c}\u{85}\u{2028}three",
    "\u{200b}\u{200d}\u{feff}\u{ad}\u{e0041}\u{fff9}",
    "\u{1b}c\u{1b}#8\u{1b}(0\u{e}\u{f}",
    "\u{7f}\u{1}\u{2}\u{3}\u{4}\u{1a}\u{1c}",
];

/// What a card may call its owner, and what a shell would do with it.
const NAMES: [&str; 9] = [
    "Bob Smith",
    "x;touch owned",
    "x|touch owned",
    "x&touch owned&",
    "$(touch owned)",
    "`touch owned`",
    "';touch owned;'",
    "\\';touch owned;'\\",
    "x > owned",
];

fn assert_ink(text: &str) {
    let harmful = |c: char| {
        c.is_control() && c != '\n'
            || matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2067}' | '\u{feff}')
            || matches!(c, '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
    };
    assert!(!text.contains(harmful), "{text:?}");
}

#[test]
fn no_note_and_no_file_name_drives_the_terminal_of_its_recipient() {
    let world = World::new();
    let (alice, bob) = world.friends();
    for (number, trick) in TRICKS.iter().enumerate() {
        let file = format!("{number} {}.bin", trick.replace('/', "_"));
        world.put(&file, format!("no picture, {number}").as_bytes());
        alice.says(&["send", "bob", &file, "--as", "exact", "-m", trick]);
    }
    let (page, remarks) = bob.ends(&["receive", "--save-to", "saved"], 0);
    assert_ink(&page);
    assert_ink(&remarks);
    let came = bob.says(&["--json", "messages"]);
    assert_ink(&came);
    let came = messages(&came);
    let notes: Vec<&str> = came.iter().map(|message| message["note"].as_str().unwrap()).collect();
    assert_eq!(notes, TRICKS, "a program gets them whole");
    for message in &came {
        let (page, remarks) = bob.ends(&["show", message["id"].as_str().unwrap()], 0);
        assert_ink(&page);
        assert_ink(&remarks);
    }
    let saved: Vec<_> = std::fs::read_dir(world.path("saved")).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert_eq!(saved.len(), TRICKS.len());
    saved.iter().for_each(|name| assert_ink(name.to_str().unwrap()));
    println!("evidence: A25 A26 | {} hostile notes and file names through the real programs | -", TRICKS.len());
}

/// Without a name that was typed, what a card calls its owner becomes their name, and stands in the commands that are
/// printed to be copied: as it was, they did what the card said.
#[test]
fn no_name_of_a_card_does_anything_in_a_command_that_is_printed_to_be_copied() {
    let world = World::new();
    let bob = world.person("bob");
    for (number, name) in NAMES.iter().enumerate() {
        let stranger = Person::at(&world, &format!("stranger-{number}"));
        stranger.says(&["init", "--no-passphrase", "--name", name, "--relay", world.relay.link()]);
        let card = stranger.says(&["card"]);
        let (_, added) = bob.ends(&["contact", "add", card.trim(), "--allow-relay"], 0);
        let number = pasted(&bob, &added);
        assert!(number.contains("must see the same number"), "{name}: {number}");
        let marked = pasted(&bob, &number);
        assert!(marked.ends_with("is verified\n"), "{name}: {marked}");
        assert_eq!(json(&bob.says(&["--json", "contact", "show", name]))[0]["trust"], "verified", "{name}");
        assert!(!world.path("owned").exists(), "{name}");
    }
}

/// To every command it is an option: such a name could be given, and not be typed after that.
#[test]
fn what_begins_with_a_dash_is_no_name_and_a_file_of_a_printed_command() {
    let world = World::new();
    let (bob, stranger) = (world.person("bob"), Person::at(&world, "stranger"));
    stranger.says(&["init", "--no-passphrase", "--name=--json", "--relay", world.relay.link()]);
    let card = stranger.says(&["card"]);
    let (_, refused) = bob.ends(&["contact", "add", card.trim(), "--allow-relay"], 1);
    assert!(refused.contains("no `-` in front"), "{refused}");
    bob.ends(&["contact", "add", card.trim(), "--allow-relay", "--name=-x"], 2);
    bob.says(&["contact", "add", card.trim(), "--allow-relay", "--name", "x"]);
    bob.ends(&["contact", "rename", "x", "--", "-x"], 2);

    world.put("letter.txt", b"a letter");
    let sealed = bob.says(&["seal", "--to", "me", "--out=-x.lightproof", "letter.txt"]);
    assert!(sealed.contains("`lightproof open ./-x.lightproof`"), "{sealed}");
    bob.says(&["open", "./-x.lightproof", "--save-to", "saved"]);
}

/// Copies the command that stands in what was printed into a shell; what it says then.
fn pasted(person: &Person, printed: &str) -> String {
    let (_, line) = printed.split_once(": lightproof ").unwrap();
    let line = format!("lightproof {}", line.lines().next().unwrap());
    let like = person.command(&[]);
    let folder = Path::new(like.get_program()).parent().unwrap();
    let mut shell = Command::new("sh");
    shell.args(["-c", &line]).current_dir(like.get_current_dir().unwrap()).env_clear();
    shell.envs(like.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let output = shell.env("PATH", format!("{}:/usr/bin:/bin", folder.display())).output().unwrap();
    assert!(output.status.success(), "{line}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

//! The inbox under tmux, by its keys: what somebody does with it in a day, screen by screen at 80 by 24.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::people::{Person, Place, json};
use crate::tmux::Tmux;

impl Tmux {
    pub(crate) fn press(&self, keys: &[&str]) {
        self.run(&[&["send-keys"], keys].concat());
    }

    pub(crate) fn write(&self, text: &str) {
        self.run(&["send-keys", "-l", text]);
    }

    /// As a terminal pastes.
    pub(crate) fn paste(&self, text: &str) {
        self.run(&["set-buffer", text]);
        self.run(&["paste-buffer", "-p"]);
    }

    /// The screen as letters, once it says something, without what shows nothing; times are zeros.
    pub(crate) fn shows(&self, words: &str) -> String {
        self.shows_all(&[words])
    }

    /// All at once: a screen is not drawn in one go, and each row is read by itself.
    fn shows_all(&self, all: &[&str]) -> String {
        let are_there = |screen: &str, shown: &str| all.iter().all(|one| screen.contains(one) || shown.contains(one));
        self.comes_to(&format!("all of {all:#?}"), are_there)
    }

    /// The whole screen, and nothing else on it.
    fn shows_page(&self, page: &str) {
        self.comes_to(&format!("the page\n{page}\n"), |_, shown| shown == page);
    }

    /// The same once it is so: of the screen as it is, and as it is given.
    fn comes_to(&self, what: &str, is_so: impl Fn(&str, &str) -> bool) -> String {
        let began = Instant::now();
        loop {
            let screen = String::from_utf8(self.run(&["capture-pane", "-p"]).stdout).unwrap();
            // Right-to-left text is isolated; the marks themselves show nothing.
            let screen = screen.replace(['\u{2068}', '\u{2069}'], "");
            let shown = screen.lines().map(masked).collect::<Vec<_>>().join("\n").trim_end().to_owned();
            if is_so(&screen, &shown) {
                return shown;
            }
            assert!(began.elapsed() < PATIENCE, "the screen never came to {what}:\n{screen}");
            thread::sleep(Duration::from_millis(30));
        }
    }

    /// Beginning and ending where people are listed, the first of whom is Bob.
    fn writes_to_bob(&self, note: &str) {
        self.shows("w write");
        self.press(&["w"]);
        self.shows("> note to bob");
        self.write(note);
        self.press(&["Enter"]);
        self.shows("w write");
    }
}

/// `11-21 16:20` becomes `00-00 00:00`.
fn masked(line: &str) -> String {
    let mut masked = line.to_owned();
    let letters: Vec<char> = line.chars().collect();
    for window in letters.windows(11) {
        let shape: String = window.iter().map(|one| if one.is_ascii_digit() { '0' } else { *one }).collect();
        if shape == "00-00 00:00" {
            masked = masked.replace(&window.iter().collect::<String>(), &shape);
        }
    }
    masked.trim_end().to_owned()
}

/// A page between its title and its keys.
fn page(title: &str, relay: &str, body: &[&str], status: &str, keys: &str) -> String {
    let rule = "─".repeat(80);
    let blanks = 80 - title.chars().count() - relay.chars().count() - 1;
    let mut lines = vec![format!("{title}{}{relay}", " ".repeat(blanks)), rule.clone()];
    lines.extend(body.iter().map(|line| (*line).to_owned()));
    lines.resize(21, String::new());
    lines.extend([rule, status.to_owned(), keys.to_owned()]);
    lines.join("\n")
}

/// A machine that does much else is slow.
const PATIENCE: Duration = Duration::from_secs(40);

fn request_of(person: &Person) -> String {
    json(&person.says(&["--json", "requests"]))[0]["request"].to_string()
}

const PEOPLE: &str = " ↑↓ choose · Enter open · w write · v verify · a add · c card · ? keys · q quit";
const REQUEST: &str = " ↑↓ choose · Enter accept · d decline · a add · c card · ? keys · q quit";

#[test]
fn a_day_with_the_inbox_screen_by_screen() {
    let place = Place::new();
    let (alice, bob, carol) = (place.person("alice"), place.person("bob"), place.person("carol"));
    fs::write(place.path("photo.jpg"), lightproof_core::prepare::sample_photo()).unwrap();
    let Some(tmux) = Tmux::start(&alice, "inbox") else { return };
    tmux.types("clear; stty -g > before; $L");
    adds_bob(&tmux, &bob);
    sends_a_photo(&tmux, &bob);
    hears_from_bob(&tmux, &bob);
    saves_and_answers(&tmux, &place, &bob);
    compares_with(&tmux, &bob);
    accepts_carol(&tmux, &alice, &carol);
    leaves(&tmux);
}

/// Nobody is there; Bob's card is pasted.
fn adds_bob(tmux: &Tmux, bob: &Person) {
    let empty = ["", " nobody is here yet", "", " a  adds somebody by their contact card", " c  shows yours"];
    let keys = " a add a contact · c my card · ? keys · q quit";
    tmux.shows_page(&page(" lightproof · alice", "connected", &empty, "", keys));
    tmux.adds(bob);
    let added = " added bob; compare safety numbers when you can: v";
    let row = ["> bob              unverified"];
    tmux.shows_page(&page(" lightproof · alice", "connected", &row, added, PEOPLE));
}

/// A note with a photo goes out.
fn sends_a_photo(tmux: &Tmux, bob: &Person) {
    tmux.press(&["w"]);
    tmux.shows("note to bob");
    tmux.write("look at this");
    tmux.press(&["Tab"]);
    tmux.write("photo.jpg");
    tmux.press(&["Enter", "Tab"]);
    tmux.shows_all(&["photo 1  photo.jpg", "> note to bob\n    look at this"]);
    tmux.press(&["Enter"]);
    tmux.shows("sent to bob: the relay has it on disk; removed");
    bob.ends(&["receive"], 0);
    let request = request_of(bob);
    bob.says(&["accept", &request, "--name", "alice"]);
    let came = json(&bob.says(&["--json", "receive"]));
    assert_eq!((&came[0]["state"], &came[0]["note"]), (&"verified".into(), &"look at this".into()));
}

/// Bob answers while the inbox is open.
fn hears_from_bob(tmux: &Tmux, bob: &Person) {
    bob.says(&["send", "alice", "photo.jpg", "-m", "from bob: \u{1b}[2J\u{202e}שלום"]);
    let row = ["> bob              unverified 1 new   00-00 00:00 [photo] from bob: �[2J�שלום"];
    let status = " sent to bob: the relay has it on disk; removed author, camera, comment, date, …";
    tmux.shows_page(&page(" lightproof · alice", "connected", &row, status, PEOPLE));
    tmux.press(&["Enter"]);
    let news = "\n> 00-00 00:00 bob        verified  new 1 photo   from bob: ";
    tmux.shows_all(&["\n  00-00 00:00 you        d", news]);
    tmux.press(&["Enter"]);
    tmux.comes_to("the note and its photo in eight rows or more", |_, shown| {
        shown.contains("verified: unchanged since bob sealed it")
            && shown.contains("photo 1 of 1: compressed image/jpeg")
            && shown.lines().filter(|line| line.contains('▀')).count() >= 8
    });
}

/// His photo is saved, and answered.
fn saves_and_answers(tmux: &Tmux, place: &Place, bob: &Person) {
    tmux.press(&["s"]);
    tmux.shows("save photo 1 as");
    tmux.write("saved/");
    tmux.press(&["Enter"]);
    tmux.shows("saved ./saved/");
    assert_eq!(fs::read_dir(place.path("saved")).unwrap().count(), 1);
    tmux.press(&["r"]);
    tmux.shows("note to bob");
    tmux.write("thanks");
    tmux.press(&["Enter"]);
    tmux.shows("sent to bob: the relay has it on disk");
    assert_eq!(json(&bob.says(&["--json", "receive"]))[0]["note"], "thanks");
}

/// The safety number is the one that Bob sees.
fn compares_with(tmux: &Tmux, bob: &Person) {
    let bobs = json(&bob.says(&["--json", "contact", "verify", "alice"]))[0]["safety_number"].to_string();
    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
    tmux.press(&["v"]);
    let is_it = |_: &str, shown: &str| shown.contains("press m") && digits(shown) == digits(&bobs);
    tmux.comes_to(&bobs, is_it);
    tmux.press(&["m", "y"]);
    tmux.shows("bob is verified");
}

/// Carol asks, and is accepted.
fn accepts_carol(tmux: &Tmux, alice: &Person, carol: &Person) {
    // One after the other: two that come together are another key.
    for page in ["r reply", "v verify · Esc back", "a add · c card"] {
        tmux.press(&["Escape"]);
        tmux.shows(page);
    }
    carol.adds(alice);
    carol.says(&["send", "alice", "-m", "it is carol"]);
    tmux.shows_all(&["carol            request", PEOPLE, "\n> bob              verified"]);
    tmux.press(&["Home"]);
    tmux.shows(REQUEST);
    tmux.press(&["Enter"]);
    tmux.shows("somebody who says it is carol wants to write to you");
    tmux.press(&["Enter"]);
    tmux.shows_all(&["carol may write to you now", "carol            unverified 1 new   00-00 00:00 it is carol"]);
}

/// To the background and back, and to the end.
fn leaves(tmux: &Tmux) {
    tmux.press(&["C-z"]);
    tmux.shows("Stopped");
    tmux.types("fg");
    tmux.shows("c card");
    tmux.press(&["q"]);
    // Back at the shell: before, the inbox might still take what is typed.
    tmux.shows("Stopped");
    tmux.types("echo code $?; stty -g > after; cmp before after && echo sa''me");
    let end = tmux.shows("same");
    assert!(end.contains("code 0"), "{end}");
    tmux.write("echo visible");
    tmux.shows("echo visible");
}

/// Who sees no colours is told by words which line is chosen, who is verified, and what became of a message.
#[test]
fn the_inbox_without_colours_reads_as_well() {
    let place = Place::new();
    let (alice, bob) = place.alice_and_bob();
    let carol = place.person("carol");
    alice.adds(&carol);
    carol.adds(&alice);
    alice.says(&["contact", "verify", "bob", "--mark"]);
    for (person, note) in [(&bob, "from bob"), (&carol, "from carol")] {
        person.tells(&alice, note);
    }
    let Some(tmux) = Tmux::start(&alice, "plain") else { return };
    tmux.types("clear; echo be''gun; NO_COLOR=1 $L");
    let of = |name: &str, rest: &str| format!("{name:<16} {rest}");
    let (to_carol, to_bob) = (
        of("carol", "unverified 1 new   00-00 00:00 from carol"),
        of("bob", "verified   1 new   00-00 00:00 from bob"),
    );
    tmux.shows(&format!("\n> {to_carol}\n  {to_bob}\n"));
    tmux.press(&["Down"]);
    tmux.shows(&format!("\n  {to_carol}\n> {to_bob}\n"));
    tmux.press(&["Enter"]);
    tmux.shows_all(&["Esc back", "\n> 00-00 00:00 bob        verified  new "]);
    tmux.press(&["Enter"]);
    tmux.shows_all(&["from bob (verified)", "\nverified: unchanged since bob sealed it"]);
    tmux.press(&["Escape"]);
    tmux.shows("Enter open · w write · v verify · Esc back");
    tmux.press(&["Escape"]);
    tmux.shows("a add");
    tmux.press(&["Up", "Enter", "Enter"]);
    tmux.shows("from carol (unverified: compare safety numbers with v)");
    let drawn = String::from_utf8(tmux.run(&["capture-pane", "-e", "-p"]).stdout).unwrap();
    assert!(drawn.contains("from carol") && !sets_a_colour(&drawn), "{drawn:?}");
    tmux.press(&["q"]);
    tmux.shows("begun");
    tmux.types("clear; $L");
    tmux.shows("> carol");
    let drawn = String::from_utf8(tmux.run(&["capture-pane", "-e", "-p"]).stdout).unwrap();
    assert!(sets_a_colour(&drawn), "where colours may be, there are some: {drawn:?}");
}

/// Whether an escape sequence of this screen chooses a colour; bold and faint are none.
fn sets_a_colour(screen: &str) -> bool {
    let sequences = screen.split("\u{1b}[").skip(1).filter_map(|rest| rest.split_once('m'));
    let is_colour = |number: &str| matches!(number.parse(), Ok(30..=38 | 40..=48 | 90..=107_u16));
    sequences
        .filter(|(all, _)| all.bytes().all(|one| one.is_ascii_digit() || one == b';'))
        .any(|(all, _)| all.split(';').any(is_colour))
}

#[test]
fn whatever_ends_the_inbox_the_terminal_is_as_it_was() {
    let place = Place::new();
    let alice = place.person("alice");
    let Some(tmux) = Tmux::start(&alice, "ended") else { return };
    for end in ["C-c", "TERM"] {
        // The shell itself becomes the program, so that its id is known.
        tmux.types(
            "clear; stty -g > before; sh -c 'echo $$ > id; exec $L'; stty -g > after; cmp before after && echo sa''me",
        );
        tmux.shows("nobody is here yet");
        if end == "TERM" {
            let id = fs::read_to_string(place.path("id")).unwrap().trim().parse().unwrap();
            kill_process(Pid::from_raw(id).unwrap(), Signal::TERM).unwrap();
        } else {
            tmux.press(&[end]);
        }
        let screen = tmux.shows("same");
        assert!(!screen.contains("nobody is here yet"), "{end}: {screen}");
        let flags = tmux.run(&["display-message", "-p", "#{alternate_on} #{cursor_flag}"]).stdout;
        assert_eq!(String::from_utf8(flags).unwrap().trim(), "0 1", "{end}");
    }
}

/// Each message waited for the one before, and those that waited were lost when the inbox was left.
#[test]
fn what_was_sent_is_in_the_outbox_once_the_inbox_is_left() {
    let mut place = Place::new();
    let (alice, _bob) = place.alice_and_bob();
    let address = address_of(&place.link());
    let Some(tmux) = Tmux::start(&alice, "left") else { return };
    // In the place of the relay somebody listens and never answers.
    place.stop_relay();
    let _silent = std::net::TcpListener::bind(address).unwrap();
    tmux.types("clear; $L; echo code $?");
    for note in ["one", "two", "three"] {
        tmux.writes_to_bob(note);
    }
    tmux.press(&["q"]);
    tmux.shows("code 0");
    assert_eq!(json(&alice.says(&["--json", "outbox"])).len(), 3);
}

/// They were taken for what was sent before the inbox was left, and were lost.
#[test]
fn the_same_words_again_after_the_inbox_was_left_are_another_message() {
    let mut place = Place::new();
    let (alice, bob) = place.alice_and_bob();
    let address = address_of(&place.link());
    let Some(tmux) = Tmux::start(&alice, "again") else { return };
    place.stop_relay();
    let silent = std::net::TcpListener::bind(&address).unwrap();
    for (note, leave) in [("one", "q"), ("two", "C-c")] {
        let waiting = json(&alice.says(&["--json", "outbox"])).len();
        tmux.types("clear; $L; echo code $?");
        tmux.writes_to_bob(note);
        let began = Instant::now();
        while json(&alice.says(&["--json", "outbox"])).len() == waiting {
            assert!(began.elapsed() < PATIENCE, "{note:?} is not in the outbox");
            thread::sleep(Duration::from_millis(30));
        }
        tmux.press(&[leave]);
        tmux.shows("code 0");
    }
    drop(silent);
    place.start_relay();
    alice.says(&["outbox", "retry"]);
    for note in ["one", "two"] {
        alice.says(&["send", "bob", "-m", note]);
    }
    let came = json(&bob.says(&["--json", "receive"]));
    let notes: Vec<&str> = came.iter().map(|message| message["note"].as_str().unwrap()).collect();
    assert_eq!(notes, ["one", "two", "one", "two"]);
}

/// A home whose `init` did not reach its relay waited for it before each message was saved.
#[test]
fn nothing_is_waited_for_where_the_own_relay_was_never_reached() {
    let place = Place::new();
    let bob = place.person("bob");
    // In the place of the relay somebody listens and never answers.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap();
    let alice = Person::at(&place, "alice");
    alice.ends(&["init", "--no-passphrase", "--name", "alice", "--relay", &format!("wss://{address}")], 4);
    alice.adds(&bob);
    let Some(tmux) = Tmux::start(&alice, "late") else { return };
    tmux.types("clear; $L; echo code $?");
    tmux.shows("w write");
    let began = Instant::now();
    tmux.writes_to_bob("one");
    let waited = began.elapsed();
    tmux.press(&["q"]);
    tmux.shows("code 0");
    assert!(waited < CONNECTING, "it waited for a relay: {waited:?}");
    assert_eq!(json(&alice.says(&["--json", "outbox"])).len(), 1);
}

/// After so long a relay that does not answer is taken for unreachable.
const CONNECTING: Duration = Duration::from_secs(10);

fn address_of(link: &str) -> String {
    link.trim_start_matches("wss://").split('/').next().unwrap().to_owned()
}

#[test]
fn without_a_terminal_or_a_home_there_is_no_inbox() {
    let place = Place::new();
    let nobody = Person::at(&place, "nobody");
    let (_, help) = nobody.ends(&[], 2);
    assert!(help.contains("Usage: lightproof"), "{help}");
    let Some(tmux) = Tmux::start(&nobody, "none") else { return };
    tmux.types("clear; $L; echo code $?");
    let screen = tmux.shows("code 1");
    assert!(screen.contains("error: there is no home in") && screen.contains("lightproof init"), "{screen}");
}

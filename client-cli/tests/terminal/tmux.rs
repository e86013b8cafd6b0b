//! The program under tmux, a terminal that nobody here wrote.

use std::fs;
use std::process::{Command, Output};
use std::thread;
use std::time::{Duration, Instant};

use image::imageops;

use crate::drawn::received;
use crate::emulator::{Way, psnr, read};
use crate::people::{Person, Place};

/// A tmux server of its own, with one pane of 80 columns and 24 rows.
pub(crate) struct Tmux(String);

impl Tmux {
    pub(crate) fn start(person: &Person, name: &str) -> Option<Self> {
        if Command::new("tmux").arg("-V").output().is_err() {
            println!("skipped: no tmux");
            return None;
        }
        let tmux = Self(format!("lightproof-{name}-{}", std::process::id()));
        let as_person = person.command(&[]);
        let mut command = tmux.command(&["-f", "/dev/null", "new-session", "-d", "-x", "80", "-y", "24"]);
        for (name, value) in as_person.get_envs() {
            let pair = format!("{}={}", name.to_str().unwrap(), value.unwrap().to_str().unwrap());
            command.args(["-e", &pair]);
        }
        command.args(["-e", &format!("L={}", person.program.to_str().unwrap()), "-e", "COLORTERM=truecolor"]);
        command.args(["-e", "PS1=> ", "-c"]).arg(as_person.get_current_dir().unwrap()).args(["/bin/sh"]);
        assert!(command.output().unwrap().status.success());
        Some(tmux)
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new("tmux");
        command.args(["-L", &self.0]).args(words).env_remove("TMUX").env("TERM", "xterm-256color");
        command
    }

    pub(crate) fn run(&self, words: &[&str]) -> Output {
        self.command(words).output().unwrap()
    }

    pub(crate) fn types(&self, line: &str) {
        self.run(&["send-keys", "-l", line]);
        self.run(&["send-keys", "Enter"]);
    }

    fn screen(&self) -> String {
        String::from_utf8(self.run(&["capture-pane", "-e", "-p"]).stdout).unwrap()
    }

    /// Waits until the screen says something.
    fn until(&self, words: &str) -> String {
        let began = Instant::now();
        loop {
            let screen = self.screen();
            if screen.contains(words) {
                return screen;
            }
            assert!(began.elapsed() < Duration::from_secs(60), "{words:?} is not on the screen:\n{screen}");
            thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Tmux {
    fn drop(&mut self) {
        self.run(&["kill-server"]);
    }
}

#[test]
fn a_photo_shown_under_tmux_stands_on_the_screen_in_its_colours() {
    let place = Place::new();
    let (bob, id, pixels) = received(&place);
    let Some(tmux) = Tmux::start(&bob, "show") else { return };
    tmux.types(&format!("clear; $L show {id} --graphics blocks > drawing; clear; $L show {id}; echo do''ne"));
    let screen = tmux.until("done");
    let (pictures, text) = read(&screen);
    assert_eq!((pictures.len(), pictures[0].way), (1, Way::Blocks), "{text}");
    let drawn = &pictures[0].pixels;
    // tmux leaves out what is blank at the end of a line.
    let (width, height) = (drawn.width(), drawn.height());
    assert!(width <= 80 && height <= 40 && width > 40, "{width} x {height}");
    let quality = psnr(drawn, &imageops::resize(&pixels, width, height, imageops::FilterType::Triangle));
    println!("under tmux: {width} x {height} half cells, {quality:.1} dB");
    assert!(quality > 24.0, "{quality:.1} dB");
    assert!(text.contains("done"), "the prompt is in sight");
}

#[test]
fn ctrl_c_under_tmux_leaves_the_terminal_sane() {
    let place = Place::new();
    let (bob, _, _) = received(&place);
    let Some(tmux) = Tmux::start(&bob, "interrupt") else { return };
    tmux.types("clear; stty -g > before; $L -v receive --follow; stty -g > after; echo code $?; cmp before after && echo sa''me");
    tmux.until("asking");
    tmux.run(&["send-keys", "C-c"]);
    let screen = tmux.until("same");
    assert!(screen.contains("code 0"), "{screen}");
    // What is typed is echoed.
    tmux.run(&["send-keys", "-l", "echo visible"]);
    tmux.until("echo visible");
}

#[test]
fn preparing_several_photos_shows_how_far_it_is_and_ctrl_c_ends_it() {
    let place = Place::new();
    let (alice, _bob) = place.alice_and_bob();
    let photo = lightproof_core::prepare::sample_photo();
    for number in 0..PHOTOS {
        fs::write(place.path(&format!("{number}.jpg")), &photo).unwrap();
    }
    let Some(tmux) = Tmux::start(&alice, "progress") else { return };
    tmux.types(
        "clear; stty -g > before; $L send bob *.jpg --dry-run; stty -g > after; cmp before after && echo sa''me",
    );
    let screen = tmux.until("preparing photo ");
    let line = screen.lines().find(|line| line.contains("preparing photo ")).unwrap();
    assert!(line.contains(&format!(" of {PHOTOS} [")) && line.contains(" left"), "{line}");
    tmux.run(&["send-keys", "C-c"]);
    let screen = tmux.until("same");
    assert!(screen.contains("interrupted") && !screen.contains("preparing photo"), "{screen}");
}

/// Preparing them takes longer than a second.
const PHOTOS: u32 = 12;

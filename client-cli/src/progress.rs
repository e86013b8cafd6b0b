//! Progress of what takes long: a bar on a terminal for all photos of a step, with bytes, rate and time left (indicatif).

use std::io::{self, IsTerminal, Write};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle, TermLike};
use lightproof_core::event::Stage;

use crate::output::Verbosity;
use crate::platform::terminal::Stream;
use crate::terminal::Window;

/// What is under way, if anything is.
#[derive(Debug)]
pub(crate) struct Progress {
    is_drawn: bool,
    under_way: Option<UnderWay>,
}

/// Where a step is among the photos it goes through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// Counted from 1; 0 where nothing is known of the others.
    pub(crate) number: usize,
    /// Photos in all.
    pub(crate) count: usize,
    /// Bytes of those before.
    pub(crate) before_bytes: u64,
    /// Bytes of all.
    pub(crate) total_bytes: u64,
}

#[derive(Debug)]
struct UnderWay {
    stage: Stage,
    place: Place,
    bar: Bar,
}

impl Progress {
    /// Nothing is under way yet.
    pub(crate) fn new(verbosity: Verbosity) -> Self {
        Self { is_drawn: verbosity > Verbosity::Quiet && io::stderr().is_terminal(), under_way: None }
    }

    /// A step comes to the next photo.
    pub(crate) fn photo(&mut self, stage: Stage, place: Place) {
        if place.before_bytes >= place.total_bytes {
            return self.rest();
        }
        match &mut self.under_way {
            Some(same) if same.stage == stage && same.place.total_bytes == place.total_bytes => {
                same.place = place;
                same.bar.shown.set_message(words(stage, place));
                // What is only looked at again does not go back to the beginning.
                same.bar.shown.set_position(same.bar.shown.position().max(place.before_bytes));
            }
            other => {
                // The old bar is cleared before the new one is drawn.
                *other = None;
                let bar = Bar::begin(words(stage, place), place.total_bytes, self.is_drawn);
                bar.shown.set_position(place.before_bytes);
                *other = Some(UnderWay { stage, place, bar });
            }
        }
    }

    /// Of the photo that a step is at, so much is done.
    pub(crate) fn done(&mut self, stage: Stage, done_bytes: u64, total_bytes: u64) {
        if self.under_way.as_ref().is_none_or(|under_way| under_way.stage != stage) {
            self.photo(stage, Place { number: 0, count: 0, before_bytes: 0, total_bytes });
        }
        let Some(under_way) = &self.under_way else { return };
        let place = under_way.place;
        // What is sealed is a little longer than what is counted here.
        under_way.bar.shown.set_position(place.before_bytes.saturating_add(done_bytes).min(place.total_bytes));
        if done_bytes >= total_bytes && place.number == place.count {
            self.rest();
        }
    }

    /// Nothing is under way any more.
    pub(crate) fn rest(&mut self) {
        self.under_way = None;
    }
}

/// One thing that takes its time, counted in bytes by whichever thread does it.
#[derive(Debug)]
pub(crate) struct Moved(Bar);

impl Moved {
    /// Nothing is done yet.
    pub(crate) fn begin(what: &str, total_bytes: u64, verbosity: Verbosity) -> Self {
        let is_drawn = verbosity > Verbosity::Quiet && io::stderr().is_terminal();
        Self(Bar::begin(what.to_owned(), total_bytes, is_drawn))
    }

    /// So much more is done.
    pub(crate) fn add(&self, bytes: usize) {
        self.0.shown.inc(u64::try_from(bytes).unwrap_or(u64::MAX));
    }
}

/// What is done, and to which photo.
pub(crate) fn words(stage: Stage, Place { number, count, .. }: Place) -> String {
    let what = match stage {
        Stage::Preparing => "preparing",
        Stage::Uploading => "sending",
        Stage::Fetching => "fetching",
        Stage::BackingUp => "writing the backup",
        Stage::Restoring => "reading the backup",
    };
    match count {
        0 => what.to_owned(),
        1 => format!("{what} the photo"),
        _ => format!("{what} photo {number} of {count}"),
    }
}

/// A bar that shows itself once it has been there for a second, and moves even where nothing is heard for long.
#[derive(Debug)]
struct Bar {
    shown: ProgressBar,
    end: Sender<()>,
}

impl Bar {
    fn begin(message: String, total_bytes: u64, is_drawn: bool) -> Self {
        let bar = ProgressBar::with_draw_target(Some(total_bytes), ProgressDrawTarget::hidden());
        if let Ok(style) = ProgressStyle::with_template(TEMPLATE) {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.set_message(message);
        let (end, ended) = mpsc::channel();
        if is_drawn {
            let later = bar.clone();
            // Ends with the bar at the latest.
            thread::spawn(move || {
                if ended.recv_timeout(SILENT) == Err(RecvTimeoutError::Timeout) {
                    later.set_draw_target(ProgressDrawTarget::term_like_with_hz(Box::new(Margin), DRAWN_HZ));
                    later.enable_steady_tick(TICK);
                }
            });
        }
        Self { shown: bar, end }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        // Nobody waits any more where it is shown already, or never will be.
        let _unheard = self.end.send(());
        self.shown.finish_and_clear();
    }
}

const TEMPLATE: &str = "{msg} [{wide_bar}] {decimal_bytes}/{decimal_total_bytes} {decimal_bytes_per_sec} {eta} left";
/// stderr without its last columns: the `^C` of whoever has had enough stands there, and does not push the bar into a
/// second line, where it would stay.
#[derive(Debug)]
struct Margin;

impl Margin {
    fn moved(&self, count: usize, direction: char) -> io::Result<()> {
        if count == 0 { Ok(()) } else { self.write_str(&format!("\u{1b}[{count}{direction}")) }
    }
}

impl TermLike for Margin {
    fn width(&self) -> u16 {
        Window::of(Stream::Stderr).columns.saturating_sub(MARGIN_COLUMNS).max(1)
    }

    fn move_cursor_up(&self, count: usize) -> io::Result<()> {
        self.moved(count, 'A')
    }

    fn move_cursor_down(&self, count: usize) -> io::Result<()> {
        self.moved(count, 'B')
    }

    fn move_cursor_right(&self, count: usize) -> io::Result<()> {
        self.moved(count, 'C')
    }

    fn move_cursor_left(&self, count: usize) -> io::Result<()> {
        self.moved(count, 'D')
    }

    fn write_line(&self, line: &str) -> io::Result<()> {
        self.write_str(&format!("{line}\n"))
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        io::stderr().write_all(text.as_bytes())
    }

    fn clear_line(&self) -> io::Result<()> {
        self.write_str("\r\u{1b}[2K")
    }

    fn flush(&self) -> io::Result<()> {
        io::stderr().flush()
    }
}

const MARGIN_COLUMNS: u16 = 3;
const DRAWN_HZ: u8 = 10;
const SILENT: Duration = Duration::from_secs(1);
const TICK: Duration = Duration::from_millis(250);

#[cfg(test)]
mod tests {
    use super::*;

    fn place(number: usize, before_bytes: u64) -> Place {
        Place { number, count: 3, before_bytes, total_bytes: 60 }
    }

    fn shown(progress: &Progress) -> (String, u64, Option<u64>) {
        let bar = &progress.under_way.as_ref().unwrap().bar.shown;
        (bar.message(), bar.position(), bar.length())
    }

    #[test]
    fn one_bar_goes_over_all_photos_of_a_step() {
        let mut progress = Progress { is_drawn: false, under_way: None };
        progress.photo(Stage::Preparing, place(1, 0));
        assert_eq!(shown(&progress), ("preparing photo 1 of 3".into(), 0, Some(60)));
        progress.photo(Stage::Preparing, place(3, 60));
        assert!(progress.under_way.is_none(), "all of them are prepared");
        progress.photo(Stage::Uploading, place(1, 0));
        progress.done(Stage::Uploading, 10, 20);
        progress.photo(Stage::Uploading, place(2, 20));
        progress.done(Stage::Uploading, 10, 20);
        assert_eq!(shown(&progress), ("sending photo 2 of 3".into(), 30, Some(60)));
        progress.done(Stage::Uploading, 20, 20);
        assert_eq!(shown(&progress).1, 40, "a photo is done, and the step is not");
        progress.photo(Stage::Uploading, place(3, 40));
        progress.done(Stage::Uploading, 25, 24);
        assert!(progress.under_way.is_none());
    }

    #[test]
    fn a_step_that_names_no_photos_is_shown_too() {
        let mut progress = Progress { is_drawn: false, under_way: None };
        progress.done(Stage::Fetching, 5, 20);
        assert_eq!(shown(&progress), ("fetching".into(), 5, Some(20)));
        progress.photo(Stage::Fetching, Place { number: 1, count: 1, before_bytes: 0, total_bytes: 20 });
        assert_eq!(shown(&progress).0, "fetching the photo");
        progress.done(Stage::Fetching, 20, 20);
        assert!(progress.under_way.is_none());
    }
}

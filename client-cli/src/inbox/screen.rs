//! The terminal while the inbox has it: taken over, drawn on, and given back as it was, whatever ends the run.

use std::io::{self, Stdout, Write, stdout};
use std::panic;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use crossterm::event::{self, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use crossterm::terminal::{disable_raw_mode, enable_raw_mode};
use ratatui_core::layout::Position;
use ratatui_core::terminal::Terminal;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::backend::Cells;
use super::event::{Event, Key};
use super::state::State;
use super::view;
use crate::exit::Failure;
use crate::output::Ink;
use crate::picture::WIPE;
use crate::platform::process::sleep_until_woken;
use crate::terminal::Window;

/// A terminal that is ours until this value is dropped.
pub(super) struct Screen {
    terminal: Terminal<Cells<Stdout>>,
    /// The picture that is on the screen, and where.
    picture: Option<(Position, String)>,
}

impl Screen {
    /// Takes the terminal over.
    ///
    /// # Errors
    /// Where it cannot be.
    pub(super) fn take(ink: Ink) -> Result<Self, Failure> {
        let failed = |error: io::Error| Failure::failed(format!("cannot use this terminal: {error}"));
        let terminal = Terminal::new(Cells::new(stdout(), ink, Window::of_stdout)).map_err(failed)?;
        // From here on, dropping it gives the terminal back.
        let mut screen = Self { terminal, picture: None };
        hold_panics();
        screen.begin().map_err(failed)?;
        Ok(screen)
    }

    /// Draws what is known now.
    ///
    /// # Errors
    /// Where the terminal is gone.
    pub(super) fn draw(&mut self, state: &State) -> Result<(), Failure> {
        self.try_draw(state).map_err(|error| Failure::failed(format!("cannot write to this terminal: {error}")))
    }

    fn try_draw(&mut self, state: &State) -> io::Result<()> {
        let mut picture = None;
        self.terminal.draw(|frame| {
            let drawn = view::draw(state, frame.buffer_mut());
            picture = drawn.picture.map(|(place, sent)| (place, sent.to_owned()));
            drawn.cursor.into_iter().for_each(|cursor| frame.set_cursor_position(cursor));
        })?;
        if picture == self.picture {
            return Ok(());
        }
        if self.picture.is_some() {
            // What it leaves behind goes, and the text is written again.
            self.wipe()?;
            self.terminal.clear()?;
            self.picture = None;
            return self.try_draw(state);
        }
        if let Some((Position { x, y }, sent)) = &picture {
            let (row, column) = (u32::from(*y) + 1, u32::from(*x) + 1);
            self.terminal.backend_mut().send(&format!("\u{1b}7\u{1b}[{row};{column}H{sent}\u{1b}8"))?;
        }
        self.picture = picture;
        Ok(())
    }

    /// Gives the terminal back, sleeps until the shell wakes this process, and takes it again.
    ///
    /// # Errors
    /// Where it cannot be taken again.
    pub(super) fn suspend(&mut self) -> Result<(), Failure> {
        self.end();
        sleep_until_woken();
        let again = self.begin().and_then(|()| self.terminal.clear());
        again.map_err(|error| Failure::failed(format!("cannot use this terminal: {error}")))
    }

    fn wipe(&mut self) -> io::Result<()> {
        // Only kitty's protocol keeps pictures apart from text; other terminals need not be told.
        let is_kitty = self.picture.as_ref().is_some_and(|(_, sent)| sent.starts_with("\u{1b}_G"));
        if is_kitty { self.terminal.backend_mut().send(WIPE) } else { Ok(()) }
    }

    fn begin(&mut self) -> io::Result<()> {
        enable_raw_mode()?;
        // Another screen, pasted text marked as such, no cursor.
        self.terminal.backend_mut().send("\u{1b}[?1049h\u{1b}[?2004h\u{1b}[?25l\u{1b}[2J")
    }

    /// Where the terminal is gone, there is nothing to give back.
    fn end(&mut self) {
        let _gone = self.wipe();
        self.picture = None;
        let _gone = self.terminal.backend_mut().send("\u{1b}[0m\u{1b}[?2004l\u{1b}[?1049l\u{1b}[?25h");
        let _gone = disable_raw_mode();
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.end();
        let words = std::mem::take(&mut *PANICS.lock().unwrap_or_else(PoisonError::into_inner));
        if !thread::panicking() {
            drop(panic::take_hook());
        }
        // Where stderr is gone there is nobody to tell.
        words.iter().for_each(|words| drop(writeln!(io::stderr(), "{words}")));
    }
}

/// What a panic says, until there is a screen of lines to say it on.
static PANICS: Mutex<Vec<String>> = Mutex::new(Vec::new());

fn hold_panics() {
    panic::set_hook(Box::new(|info| {
        PANICS.lock().unwrap_or_else(PoisonError::into_inner).push(info.to_string());
    }));
}

/// Keys and sizes as they come, from a thread of their own that ends once nobody listens.
pub(super) fn keys() -> UnboundedReceiver<Event> {
    let (heard, keys) = unbounded_channel();
    thread::spawn(move || {
        while !heard.is_closed() {
            match event::poll(POLL) {
                Ok(false) => {}
                Ok(true) => match event::read() {
                    Ok(read) => pass_on(read, &heard),
                    Err(_) => return,
                },
                Err(_) => return,
            }
        }
    });
    keys
}

fn pass_on(read: event::Event, heard: &UnboundedSender<Event>) {
    let event = match read {
        event::Event::Key(key) if key.kind != KeyEventKind::Release => key_of(key).map(Event::Key),
        event::Event::Paste(text) => Some(Event::Key(Key::Pasted(text))),
        event::Event::Resize(columns, rows) => Some(Event::Resized { columns, rows }),
        _ => None,
    };
    // Nobody listens any more: the loop ends.
    event.into_iter().for_each(|event| drop(heard.send(event)));
}

fn key_of(KeyEvent { code, modifiers, .. }: KeyEvent) -> Option<Key> {
    let (control, alt) = (modifiers.contains(KeyModifiers::CONTROL), modifiers.contains(KeyModifiers::ALT));
    Some(match code {
        KeyCode::Enter if alt => Key::LineBreak,
        KeyCode::Char('j') if control => Key::LineBreak,
        KeyCode::Char(letter) if control => Key::Control(letter.to_ascii_lowercase()),
        KeyCode::Char(letter) if !alt => Key::Char(letter),
        KeyCode::Backspace => Key::Backspace,
        KeyCode::Delete => Key::Delete,
        KeyCode::Down => Key::Down,
        KeyCode::End => Key::End,
        KeyCode::Enter => Key::Enter,
        KeyCode::Esc => Key::Escape,
        KeyCode::Home => Key::Home,
        KeyCode::Left => Key::Left,
        KeyCode::PageDown => Key::PageDown,
        KeyCode::PageUp => Key::PageUp,
        KeyCode::Right => Key::Right,
        KeyCode::Tab | KeyCode::BackTab => Key::Tab,
        KeyCode::Up => Key::Up,
        _ => return None,
    })
}

/// How soon the thread notices that nobody listens.
const POLL: Duration = Duration::from_millis(100);

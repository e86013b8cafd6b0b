//! The inbox put together: a screen, keys, and the work.

use tokio::sync::mpsc::UnboundedReceiver;

use super::event::{Event, Intent};
use super::screen::{Screen, keys};
use super::state::State;
use super::work::{Drawn, Errands, UnderWay, Work};
use crate::commands::look;
use crate::exit::{Exit, Failure};
use crate::opened::Opened;
use crate::output::Output;
use crate::picture::Asked;
use crate::terminal::Window;

/// Shows the inbox until the person has had enough, or it is dropped; after either comes [`UnderWay::leave`].
///
/// # Errors
/// Where the terminal cannot be used, or is gone.
pub(crate) async fn run(
    graphics: Asked,
    opened: &Opened,
    output: &Output,
    under_way: &UnderWay,
) -> Result<Exit, Failure> {
    // So that Ctrl-C is listened for, before the terminal is asked anything.
    tokio::task::yield_now().await;
    let drawn = Drawn { canvas: look::canvas(graphics, output), depth: look::depth(output) };
    let (work, errands, told) = Work::of(opened, drawn, under_way)?;
    let screen = Screen::take(output.ink())?;
    tokio::select! {
        biased;
        shown = show(screen, keys(), told, &errands) => shown,
        () = work.run() => Ok(Exit::Done),
    }
}

async fn show(
    mut screen: Screen,
    mut keys: UnboundedReceiver<Event>,
    mut told: UnboundedReceiver<Event>,
    errands: &Errands,
) -> Result<Exit, Failure> {
    let Window { columns, rows, .. } = Window::of_stdout();
    let mut state = State::new(columns, rows);
    loop {
        screen.draw(&state)?;
        let news = state.take_news();
        if !news.is_empty() {
            errands.take(Intent::ToldOf(news));
        }
        let event = tokio::select! {
            biased;
            Some(key) = keys.recv() => key,
            Some(event) = told.recv() => event,
            // The keyboard is gone, and the terminal with it.
            else => return end(&state),
        };
        let mut next = Some(event);
        // What came together is drawn together.
        while let Some(event) = next {
            for intent in state.on(event) {
                if intent == Intent::Suspend {
                    screen.suspend()?;
                } else {
                    errands.take(intent);
                }
            }
            if state.is_done() {
                return end(&state);
            }
            next = keys.try_recv().or_else(|_| told.try_recv()).ok();
        }
    }
}

/// What was to be sent and is lost does not go without a word.
fn end(state: &State) -> Result<Exit, Failure> {
    match state.unsaved_count() {
        0 => Ok(Exit::Done),
        1 => Err(Failure::failed("1 message was not saved yet, and is not sent")),
        count => Err(Failure::failed(format!("{count} messages were not saved yet, and are not sent"))),
    }
}

//! `messages`: what was sent and received, the newest last, photos as blurs.

use lightproof_core::message::{Direction, State};

use super::look::{depth, preview};
use super::present::{Names, contact};
use crate::args::Messages;
use crate::exit::{Exit, Failure};
use crate::opened::Opened;
use crate::output::Output;
use crate::picture::draw_row;
use crate::terminal::Window;

pub(super) async fn run(typed: &Messages, opened: &Opened, output: &mut Output) -> Result<Exit, Failure> {
    let with = match &typed.with {
        Some(name) => Some(contact(opened, name.as_str()).await?.fingerprint),
        None => None,
    };
    let names = Names::of(opened).await?;
    for message in opened.client.messages().await? {
        let is_unread = message.direction == Direction::In && !message.read.is_yes();
        if with.is_none_or(|contact| contact == message.contact) && (is_unread || !typed.unread) {
            let mut told = names.told(&message);
            // Of a message that did not verify nothing is shown.
            if message.state != State::Failed && !typed.no_photo {
                let previews: Vec<_> = message.photos.iter().filter_map(|photo| preview(photo, output)).collect();
                told.previews = draw_row(&previews, Window::of_stdout(), depth(output));
            }
            output.report(&told)?;
        }
    }
    Ok(Exit::Done)
}

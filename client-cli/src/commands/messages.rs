//! `messages`: what was sent and received, the newest last.

use lightproof_core::message::Direction;

use super::present::{Names, contact};
use crate::args::Messages;
use crate::exit::{Exit, Failure};
use crate::opened::Opened;
use crate::output::Output;

pub(super) async fn run(typed: &Messages, opened: &Opened, output: &mut Output) -> Result<Exit, Failure> {
    let with = match &typed.with {
        Some(name) => Some(contact(opened, name.as_str()).await?.fingerprint),
        None => None,
    };
    let names = Names::of(opened).await?;
    for message in opened.client.messages().await? {
        let is_unread = message.direction == Direction::In && !message.read.is_yes();
        if with.is_none_or(|contact| contact == message.contact) && (is_unread || !typed.unread) {
            output.report(&names.told(&message))?;
        }
    }
    Ok(Exit::Done)
}

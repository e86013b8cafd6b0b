//! `retract`: a message of mine is taken back, as far as that goes.

use std::fmt::{self, Write as _};

use lightproof_core::message::{Direction, Message, State};
use serde::Serialize;

use super::present::{Names, message, state};
use crate::args::Retract;
use crate::clock::{now, rng};
use crate::exit::{Exit, Failure};
use crate::opened::Opened;
use crate::output::{Output, Page, Report, Style, event};
use crate::plan::IdPrefix;
use crate::sanitize::Sanitized;

pub(super) async fn run(typed: &Retract, opened: &Opened, output: &mut Output) -> Result<Exit, Failure> {
    let message = named(&typed.id, opened).await?;
    if message.direction == Direction::Out && message.retraction.is_none() {
        let retracted = opened.client.retract(&message, now(), &mut rng()).await;
        opened.tell_notices(output).await?;
        let names = Names::of(opened).await?;
        let (to, reached) = (names.name(&message.contact), state(message.state));
        let says = if names.is_accepted(&message.contact) { says(message.state).to_owned() } else { not_asked(&to) };
        output.report(&Retracted { id: message.name(), to, reached, says })?;
        return match retracted {
            Ok(()) => Ok(Exit::Done),
            Err(error) => Err(going_on(error.into())),
        };
    }
    Err(match message.direction {
        Direction::In => Failure::failed("only its sender can take a message back")
            .hint("`lightproof delete ID` deletes it from this home"),
        Direction::Out => {
            Failure::failed("this message was taken back before").hint("`lightproof show ID` says what became of it")
        }
    })
}

/// What is not sealed yet is no message, and leaves no trace.
async fn named(id: &IdPrefix, opened: &Opened) -> Result<Message, Failure> {
    let found = message(opened, id.as_str()).await;
    if found.is_err() {
        let drafts = opened.client.outgoing().await?;
        let begins = |bytes: &[u8]| super::present::hex(bytes).starts_with(id.as_str());
        if drafts.iter().any(|draft| begins(&draft.id)) {
            return Err(Failure::failed("this is not sealed yet, so there is nothing to take back")
                .hint("give it up with `lightproof outbox cancel ID`"));
        }
    }
    found
}

fn going_on(failure: Failure) -> Failure {
    match failure.hint {
        Some(_) => failure,
        None => {
            failure.hint("it is saved, and goes on with the next `lightproof receive` or `lightproof outbox retry`")
        }
    }
}

/// A message that was taken back.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename = "retracted")]
struct Retracted {
    id: String,
    to: String,
    /// How far it had come, as far as is known here.
    reached: event::State,
    /// What taking it back can still do, and what it cannot.
    says: String,
}

const fn says(reached: State) -> &'static str {
    match reached {
        State::Viewed => "it was looked at: what was seen, saved or copied cannot be taken back, and stays there",
        State::Delivered => {
            "it has arrived: what nobody has looked at goes; what was printed, saved or copied cannot be taken back"
        }
        _ => "its photos are gone from the relay, and what arrives is dropped unless somebody was faster",
    }
}

/// Nothing is sent to somebody blocked or removed.
fn not_asked(other: &str) -> String {
    let other = Sanitized::line(other);
    format!("its photos are gone from the relay; {other} is not asked to drop it: they are blocked or removed")
}

impl Report for Retracted {
    fn for_people(&self, page: &mut Page) -> fmt::Result {
        let state = page.ink().paint(Style::Caution, event::State::Retracted.word());
        let id = self.id.get(..8).unwrap_or(&self.id);
        writeln!(
            page,
            "{id} to {}: {state}; it had come as far as: {}",
            Sanitized::line(&self.to),
            self.reached.word()
        )?;
        writeln!(page, "  {}", self.says)
    }
}

/// What is known of a message that was taken back, and not only given up.
pub(super) fn words(message: &Message, names: &Names) -> Option<String> {
    let retraction = message.retraction.filter(|_| !message.is_given_up())?;
    let other = names.name(&message.contact);
    let other = Sanitized::line(&other);
    if message.direction == Direction::In {
        return Some(format!("{other} has taken it back since; what you have looked at stays until you delete it"));
    }
    let reached = match retraction.reached {
        State::Viewed => format!("{other} had looked at it"),
        State::Delivered => format!("it had arrived at {other}"),
        _ => format!("nothing is known of it having arrived at {other}"),
    };
    let confirmed = if retraction.confirmed.is_yes() {
        format!("{other}'s lightproof has dropped what nobody had looked at")
    } else if !names.is_accepted(&message.contact) {
        format!("{other} is blocked or removed, and nothing is heard of whether it was dropped")
    } else {
        format!("{other}'s lightproof is asked to drop it, and has not confirmed that")
    };
    Some(format!("{reached}; {confirmed}; what was seen, saved or copied cannot be taken back"))
}

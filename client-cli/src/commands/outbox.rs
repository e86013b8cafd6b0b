//! `outbox`: what is under way.

use std::fmt::{self, Write as _};

use lightproof_core::message::{Direction, State};
use lightproof_core::send::Outgoing;
use serde::Serialize;

use super::present::{Names, hex};
use crate::args::{Outbox, OutboxAction};
use crate::clock::{now, rng};
use crate::exit::{Exit, Failure};
use crate::opened::Opened;
use crate::output::{Output, Page, Report, Style};
use crate::plan::IdPrefix;
use crate::sanitize::Sanitized;
use crate::source::PhotoFiles;

pub(super) async fn run(typed: Outbox, opened: &Opened, output: &mut Output) -> Result<Exit, Failure> {
    match typed.action {
        None => {
            for under_way in all(opened).await? {
                output.report(&under_way)?;
            }
            Ok(Exit::Done)
        }
        Some(OutboxAction::Cancel { id }) => cancel(&id, opened, output).await,
        Some(OutboxAction::Retry { id }) => retry(id.as_ref(), opened, output).await,
    }
}

async fn cancel(id: &IdPrefix, opened: &Opened, output: &mut Output) -> Result<Exit, Failure> {
    let drafts: Vec<Outgoing> = opened.client.outgoing().await?;
    let mut found = drafts.iter().filter(|draft| hex(&draft.id).starts_with(id.as_str()));
    match (found.next(), found.next()) {
        (Some(draft), None) => {
            opened.client.cancel(&draft.id, now(), &mut rng()).await?;
            output.remark("cancelled: nothing of it was or will be sent");
            Ok(Exit::Done)
        }
        _ if all(opened).await?.iter().any(|one| one.id.starts_with(id.as_str())) => {
            Err(Failure::failed("it is sealed already, and goes out once its relay is reached"))
        }
        _ => Err(unknown(id)),
    }
}

async fn retry(id: Option<&IdPrefix>, opened: &Opened, output: &mut Output) -> Result<Exit, Failure> {
    let asked = |one: &UnderWay| id.is_none_or(|id| one.id.starts_with(id.as_str()));
    let before: Vec<UnderWay> = all(opened).await?.into_iter().filter(asked).collect();
    match (before.is_empty(), id) {
        (true, Some(id)) => return Err(unknown(id)),
        (true, None) => {
            output.remark("nothing is under way");
            return Ok(Exit::Nothing);
        }
        (false, _) => {}
    }
    let files = PhotoFiles::default();
    let resumed = opened.client.resume(&files, now(), &mut rng()).await;
    opened.tell_notices(output).await?;
    let after = all(opened).await?;
    for one in &before {
        // A draft is enclosed under another name; what is still under way is told below.
        if !after.iter().any(|other| other.to == one.to) {
            output.remark(format_args!("{} to {}: deposited", one.short(), Sanitized::line(&one.to)));
        }
    }
    let still: Vec<UnderWay> = after.into_iter().filter(|one| before.iter().any(|other| other.to == one.to)).collect();
    for one in &still {
        output.report(one)?;
    }
    match resumed {
        Err(error) if !still.is_empty() => Err(error.into()),
        _ if still.is_empty() => Ok(Exit::Done),
        _ => Err(Failure::new(Exit::Unreachable, "not everything was deposited").hint("try again in a moment")),
    }
}

fn unknown(id: &IdPrefix) -> Failure {
    Failure::failed(format!("nothing under way begins with {}, or more than one does", id.as_str()))
        .hint("see `lightproof outbox`")
}

/// Sends that are not sealed yet, then sealed messages that are not deposited yet.
async fn all(opened: &Opened) -> Result<Vec<UnderWay>, Failure> {
    let names = Names::of(opened).await?;
    let mut all = Vec::new();
    for draft in opened.client.outgoing().await? {
        for recipient in draft.recipients.iter().filter(|recipient| recipient.message_id.is_none()) {
            all.push(UnderWay {
                id: hex(&draft.id),
                to: names.name(&recipient.contact),
                state: "draft",
                photos: draft.photos.as_slice().len(),
            });
        }
    }
    for message in opened.client.messages().await? {
        if message.direction == Direction::Out && message.state == State::Outbox {
            all.push(UnderWay {
                id: message.name(),
                to: names.name(&message.contact),
                state: "sealed",
                photos: message.photos.as_slice().len(),
            });
        }
    }
    Ok(all)
}

/// One message under way to one recipient.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename = "outbox")]
struct UnderWay {
    id: String,
    to: String,
    /// `draft`: can be cancelled. `sealed`: goes out as it is.
    state: &'static str,
    photos: usize,
}

impl UnderWay {
    fn short(&self) -> &str {
        self.id.get(..8).unwrap_or(&self.id)
    }
}

impl Report for UnderWay {
    fn for_people(&self, page: &mut Page) -> fmt::Result {
        let state = page.ink().paint(Style::Caution, self.state);
        let photos = match self.photos {
            0 => "a note".to_owned(),
            1 => "1 photo".to_owned(),
            count => format!("{count} photos"),
        };
        writeln!(page, "{} to {}: {state}, {photos}", self.short(), Sanitized::line(&self.to))
    }
}

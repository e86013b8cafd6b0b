//! `outbox`: what is under way.

use std::fmt::{self, Write as _};

use lightproof_core::e2ee::frame::MessageId;
use lightproof_core::e2ee::identity::Fingerprint;
use lightproof_core::message::{Direction, Message, State};
use lightproof_core::send::{Cancelled, OutboxItem, Outgoing, What};
use serde::Serialize;

use super::present::{Names, hex, state};
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
            let all = all(opened).await?;
            for under_way in &all {
                output.report(under_way)?;
            }
            match others(&all, &opened.client.outbox().await?).len() {
                0 => {}
                count => output.remark(format_args!("also under way: {}", envelopes(count))),
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
            output.remark(told(opened.client.cancel(&draft.id, now(), &mut rng()).await?)?);
            Ok(Exit::Done)
        }
        _ => Err(match all(opened).await?.iter().find(|one| one.id.starts_with(id.as_str())).map(|one| one.key) {
            Some(Key::Retract(..)) => {
                Failure::failed("it is being taken back, which goes on once its relay is reached")
            }
            Some(_) => Failure::failed("it is sealed already, and goes out once its relay is reached"),
            None => unknown(id),
        }),
    }
}

fn told(cancelled: Cancelled) -> Result<&'static str, Failure> {
    match cancelled {
        Cancelled::All => Ok("cancelled: nothing of it was or will be sent"),
        Cancelled::Gone => {
            let failure = Failure::failed("it was sent meanwhile, or cancelled by another command");
            Err(failure.hint("see `lightproof messages`"))
        }
        Cancelled::Rest => Ok("cancelled for those it was not sealed for yet; for the others it goes out"),
    }
}

async fn retry(id: Option<&IdPrefix>, opened: &Opened, output: &mut Output) -> Result<Exit, Failure> {
    let asked = |one: &UnderWay| id.is_none_or(|id| one.id.starts_with(id.as_str()));
    let before: Vec<UnderWay> = all(opened).await?.into_iter().filter(asked).collect();
    let sealed = opened.client.outbox().await?;
    match (before.is_empty(), id) {
        (true, Some(id)) => return Err(unknown(id)),
        (true, None) if sealed.is_empty() => {
            output.remark("nothing is under way");
            return Ok(Exit::Nothing);
        }
        _ => {}
    }
    let others = if id.is_none() { others(&before, &sealed) } else { Vec::new() };
    let sealed_before: Vec<Key> = opened.client.messages().await?.iter().filter_map(Key::of).collect();
    let files = PhotoFiles::default();
    let resumed = opened.client.resume(&files, now(), &mut rng()).await;
    opened.tell_notices(output).await?;
    let (under_way, sealed) = (all(opened).await?, opened.client.outbox().await?);
    let (outgoing, messages) = (opened.client.outgoing().await?, opened.client.messages().await?);
    let is_named = |key: &Key| outgoing.iter().any(|draft| key.is_named_by(draft));
    let mut sealed_since: Vec<Key> = messages.iter().filter_map(Key::of).collect();
    sealed_since.retain(|key| !sealed_before.contains(key) && !is_named(key));
    let after = After { under_way, sealed, messages };
    let mut exits = Vec::new();
    for one in &before {
        let key = one.key.after(&outgoing, &mut sealed_since);
        exits.extend(after.tell(one, key, output)?);
    }
    match others.iter().filter(|number| !after.has_envelope(**number)).count() {
        0 => {}
        count => output.remark(format_args!("deposited: {}", envelopes(count))),
    }
    resumed?;
    match exits.into_iter().collect() {
        Exit::Unreachable => {
            Err(Failure::new(Exit::Unreachable, "not everything was deposited").hint("try again in a moment"))
        }
        exit => Ok(exit),
    }
}

/// What is there once everything was tried again.
struct After {
    under_way: Vec<UnderWay>,
    sealed: Vec<OutboxItem>,
    messages: Vec<Message>,
}

impl After {
    /// What became of something that was under way: nothing is known of what was deleted or cancelled meanwhile.
    fn tell(&self, before: &UnderWay, key: Key, output: &mut Output) -> Result<Option<Exit>, Failure> {
        let still = self.under_way.iter().find(|still| still.key == key);
        let is_sealed = || self.sealed.iter().any(|item| key.may_be_in(item));
        if let Some(still) = still.or_else(|| is_sealed().then_some(before)) {
            output.report(still)?;
            return Ok(Some(Exit::Unreachable));
        }
        let reached = match key {
            // Whether or not the message was deleted here since.
            Key::Retract(..) => Some(State::Retracted),
            _ => self.messages.iter().find(|message| Key::of(message) == Some(key)).map(|message| message.state),
        };
        let Some(reached) = reached else { return Ok(None) };
        let state = state(reached).word();
        output.remark(format_args!("{} to {}: {state}", before.short(), Sanitized::line(&before.to)));
        Ok(Some(if reached == State::Expired { Exit::Failed } else { Exit::Done }))
    }

    fn has_envelope(&self, number: u64) -> bool {
        self.sealed.iter().any(|item| item.number == number)
    }
}

fn unknown(id: &IdPrefix) -> Failure {
    Failure::failed(format!("nothing under way begins with {}, or more than one does", id.as_str()))
        .hint("see `lightproof outbox`")
}

/// Envelopes that carry nothing that is listed, by their places.
fn others(listed: &[UnderWay], sealed: &[OutboxItem]) -> Vec<u64> {
    let is_listed = |item: &OutboxItem| listed.iter().any(|one| one.key.may_be_in(item));
    sealed.iter().filter(|item| item.what == What::Other && !is_listed(item)).map(|item| item.number).collect()
}

fn envelopes(count: usize) -> String {
    let envelopes = if count == 1 { "1 envelope".to_owned() } else { format!("{count} envelopes") };
    format!("{envelopes} without a message: receipts, retracts, new addresses")
}

/// Sends that are not sealed yet, then sealed messages that are not deposited yet, then messages that are being taken back.
async fn all(opened: &Opened) -> Result<Vec<UnderWay>, Failure> {
    let names = Names::of(opened).await?;
    let mut all = Vec::new();
    for draft in opened.client.outgoing().await? {
        for recipient in draft.recipients.iter().filter(|recipient| !recipient.is_settled()) {
            all.push(UnderWay {
                key: Key::Draft(draft.id, recipient.contact),
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
                key: Key::Sealed(message.message_id, message.contact),
                id: message.name(),
                to: names.name(&message.contact),
                state: "sealed",
                photos: message.photos.as_slice().len(),
            });
        }
    }
    for retract in opened.client.waiting_retracts().await? {
        all.push(UnderWay {
            key: Key::Retract(retract.message_id, retract.contact),
            id: hex(&retract.message_id.0),
            to: names.name(&retract.contact),
            state: "retract",
            photos: retract.photos,
        });
    }
    Ok(all)
}

/// What tells one thing under way from another, whatever its recipient is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Key {
    Draft([u8; 16], Fingerprint),
    Sealed(MessageId, Fingerprint),
    Retract(MessageId, Fingerprint),
}

impl Key {
    fn of(message: &Message) -> Option<Self> {
        (message.direction == Direction::Out).then_some(Self::Sealed(message.message_id, message.contact))
    }

    fn is_named_by(self, draft: &Outgoing) -> bool {
        draft.recipients.iter().any(|one| one.message_id.map(|id| Self::Sealed(id, one.contact)) == Some(self))
    }

    /// Whether it is a retract that this envelope may carry: what one without a message carries is not kept.
    fn may_be_in(self, item: &OutboxItem) -> bool {
        matches!(self, Self::Retract(_, to) if to == item.contact) && item.what == What::Other
    }

    /// A draft that was sealed meanwhile is a message; where the draft is deposited and forgotten already, one of those
    /// that no draft names.
    fn after(self, outgoing: &[Outgoing], unnamed: &mut Vec<Self>) -> Self {
        let Self::Draft(id, to) = self else { return self };
        let Some(draft) = outgoing.iter().find(|draft| draft.id == id) else {
            let place = unnamed.iter().position(|key| matches!(key, Self::Sealed(_, contact) if *contact == to));
            return place.map_or(self, |place| unnamed.remove(place));
        };
        let recipient = draft.recipients.iter().find(|recipient| recipient.contact == to);
        let sealed = recipient.and_then(|recipient| recipient.message_id);
        sealed.map_or(self, |message_id| Self::Sealed(message_id, to))
    }
}

/// One message under way to one recipient.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename = "outbox")]
struct UnderWay {
    #[serde(skip)]
    key: Key,
    id: String,
    to: String,
    /// `draft`: can be cancelled. `sealed`: goes out as it is. `retract`: is being taken back.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_gone_is_not_said_to_be_cancelled() {
        assert!(told(Cancelled::Gone).is_err_and(|failure| failure.exit == Exit::Failed));
        assert!(told(Cancelled::All).is_ok() && told(Cancelled::Rest).is_ok());
    }
}

//! `send`: photos with a note, to one contact or several.

use lightproof_core::ClientError;
use lightproof_core::contact::Contact;
use lightproof_core::e2ee::manifest::{MediaType, NOTE_BYTES, Treatment};
use lightproof_core::message::{Direction, Message, State};
use lightproof_core::prepare::{
    DEFAULT_MAX_EDGE_PX, Fate, PrepareOptions, PreparedPhoto, Quality, Removed, RemovedGroup,
};
use lightproof_core::send::{Draft, Outgoing, PhotoSource, SendOutcome, Sent};
use lightproof_core::wire::refusal::Refusal;

use super::found::{in_words, listed};
use super::present::{contact, hex, media_type, state, treatment};
use super::watch::{self, Pace};
use crate::args::{self, Global, Wait};
use crate::clock::{now, rng};
use crate::exit::{Exit, Failure};
use crate::opened::{Opened, is_set};
use crate::output::Output;
use crate::output::event::{self, SentPhoto};
use crate::plan::{self, Input, Note, PassphraseSource, Sending, Until};
use crate::sanitize::Sanitized;
use crate::source::{PhotoFiles, read_text};

/// What was asked for, checked as far as arguments go.
///
/// # Errors
/// Usage.
pub(super) fn plan(typed: args::Send, global: &Global) -> Result<Sending, Failure> {
    Sending::plan(typed, &PassphraseSource::current(global, is_set))
}

pub(super) async fn run(plan: Sending, opened: &Opened, output: &mut Output) -> Result<Exit, Failure> {
    let mut people: Vec<Contact> = Vec::new();
    for name in plan.to.names() {
        let person = contact(opened, name.as_str()).await?;
        // A name and a fingerprint can mean the same person.
        if people.iter().all(|other| other.fingerprint != person.fingerprint) {
            people.push(person);
        }
    }
    let mut files = PhotoFiles::default();
    let draft = draft(&plan, &people, &mut files)?;
    let about_photo = |error: ClientError| about(&error, files.failed());
    let Until::Wait(wait) = plan.until else {
        let prepared = opened.client.dry_run(&draft, &files, &mut rng()).await.map_err(about_photo)?;
        return report_dry_run(&people, &prepared, output);
    };
    register_late(opened).await?;
    output.step(format_args!("preparing and sealing {} photos for {} contacts", draft.photos.len(), people.len()));
    let outcome = opened.client.send(draft, &files, now(), &mut rng()).await.map_err(about_photo)?;
    opened.tell_notices(output).await?;
    let begun = opened.client.outgoing().await?.into_iter().find(|outgoing| outgoing.id == outcome.id);
    warn_of_kept(&outcome.removed, output);
    let mut exits = Vec::new();
    for (person, sent) in people.iter().zip(&outcome.sent) {
        output.report(&report(person, sent, &outcome, begun.as_ref()))?;
        if let Some(failure) = why_waiting(sent) {
            output.failure(&failure);
            exits.push(failure.exit);
        }
    }
    opened.client.told(&outcome.id, &mut rng()).await?;
    match wait {
        Wait::Deposited => Ok(exits.into_iter().collect()),
        Wait::Delivered => until_delivered(&people, &outcome, begun.as_ref(), opened, output).await,
    }
}

fn draft(plan: &Sending, people: &[Contact], files: &mut PhotoFiles) -> Result<Draft, Failure> {
    let note = match &plan.note {
        Note::Absent => String::new(),
        Note::Text(text) => text.clone(),
        Note::Input(input) => {
            let text = read_text(input, "the note", NOTE_BYTES + 2)?;
            // The end of the last line belongs to the file, not to the note.
            let text = text.strip_suffix('\n').unwrap_or(&text);
            text.strip_suffix('\r').unwrap_or(text).to_owned()
        }
    };
    let to = people.iter().map(|person| person.fingerprint).collect();
    Ok(Draft { to, note, photos: sources(&plan.photos, plan.treatment, files)?, looks: plan.looks })
}

/// Photos as they are now, and what is to be done to them.
///
/// # Errors
/// Where one cannot be read.
pub(crate) fn sources(
    photos: &[Input],
    treatment: plan::Treatment,
    files: &mut PhotoFiles,
) -> Result<Vec<PhotoSource>, Failure> {
    let options = options(treatment);
    photos.iter().map(|input| Ok(PhotoSource { source: files.look_at(input)?, options })).collect()
}

fn options(treatment: plan::Treatment) -> PrepareOptions {
    let usual = PrepareOptions::default();
    match treatment {
        plan::Treatment::Compressed { quality, max_edge, keep_metadata } => PrepareOptions {
            treatment: Treatment::Compressed,
            quality: match quality {
                plan::Quality::Auto => Quality::Auto,
                plan::Quality::Fixed(number) => Quality::Fixed(number),
            },
            max_edge: max_edge.map_or(DEFAULT_MAX_EDGE_PX, |edge| u32::from(edge.pixels())),
            keep_metadata,
        },
        plan::Treatment::Exact => PrepareOptions { treatment: Treatment::Exact, ..usual },
        plan::Treatment::Original { keep_metadata } => {
            PrepareOptions { treatment: Treatment::Original, keep_metadata, ..usual }
        }
    }
}

/// A failure that is about one photo names it.
pub(crate) fn about(error: &ClientError, photo: Option<String>) -> Failure {
    let failure = Failure::from(error);
    match (error, photo) {
        (ClientError::Prepare(_) | ClientError::SourceChanged | ClientError::SourceMissing, Some(photo)) => {
            Failure { what: format!("{photo}: {}", failure.what), ..failure }
        }
        _ => failure,
    }
}

/// A home whose `init` did not reach the relay goes on with it now. That it fails again is told by the send itself.
pub(crate) async fn register_late(opened: &Opened) -> Result<(), ClientError> {
    if opened.client.profile().await?.signed_prekey_made.is_none()
        && let Err(error) = opened.client.register(now(), &mut rng()).await
        && !error.is_passing()
    {
        return Err(error);
    }
    Ok(())
}

fn report(person: &Contact, sent: &Sent, outcome: &SendOutcome, begun: Option<&Outgoing>) -> event::Sent {
    let mut photos = match &sent.message {
        Some(message) => photos_of(message),
        None => begun.map(photos_begun).unwrap_or_default(),
    };
    for ((photo, removed), compression) in photos.iter_mut().zip(&outcome.removed).zip(&outcome.compressions) {
        photo.removed = in_words(removed, Fate::Removed);
        photo.found = listed(removed);
        photo.compression = compression.map(Into::into);
    }
    event::Sent {
        id: sent.message.as_ref().map_or_else(|| hex(&outcome.id), Message::name),
        to: person.name.as_str().to_owned(),
        state: reached(sent),
        photos,
    }
}

fn reached(sent: &Sent) -> event::State {
    match (&sent.message, &sent.waits) {
        (Some(message), _) => state(message.state),
        (None, Some(ClientError::LeftOut)) => event::State::Retracted,
        (None, _) => event::State::Outbox,
    }
}

fn photos_of(message: &Message) -> Vec<SentPhoto> {
    let facts = message.photos.iter().map(|photo| &photo.facts);
    facts.map(|facts| sent_photo(facts.treatment, facts.media_type, facts.length_bytes, facts.dimensions())).collect()
}

/// Of a send that is not enclosed yet: what is sealed so far.
fn photos_begun(outgoing: &Outgoing) -> Vec<SentPhoto> {
    let sealed = outgoing.photos.iter().filter_map(|photo| photo.sealed.as_ref().map(|facts| (photo.treatment, facts)));
    sealed
        .map(|(treatment, facts)| {
            let dimensions = (facts.width > 0).then_some((facts.width, facts.height));
            sent_photo(treatment, facts.media_type, facts.length_bytes, dimensions)
        })
        .collect()
}

fn sent_photo(how: Treatment, kind: MediaType, bytes: u64, dimensions: Option<(u32, u32)>) -> SentPhoto {
    SentPhoto {
        treatment: treatment(how),
        media_type: media_type(kind),
        bytes,
        width: dimensions.map(|(width, _)| width),
        height: dimensions.map(|(_, height)| height),
        removed: Vec::new(),
        found: Vec::new(),
        compression: None,
    }
}

fn warn_of_kept(photos: &[Vec<Removed>], output: &mut Output) {
    for (number, found) in (1..).zip(photos) {
        for line in in_words(found, Fate::Kept) {
            output.warn(format_args!("photo {number} is sent with {}", Sanitized::line(&line)));
        }
        if found.iter().any(|found| found.group == RemovedGroup::NotInspected) {
            output.warn(format_args!(
                "photo {number} is sent as it is, with whatever is inside: it could not be looked into"
            ));
        }
    }
}

pub(crate) fn why_waiting(sent: &Sent) -> Option<Failure> {
    let is_waiting = sent.message.as_ref().is_none_or(|message| message.state == State::Outbox);
    match &sent.waits {
        Some(error @ ClientError::Refused(Refusal::QuotaFull)) => {
            Some(Failure::from(error).hint("it stays in the outbox, and goes out once there is room"))
        }
        Some(error) => Some(with_outbox_hint(Failure::from(error))),
        None if is_waiting => Some(with_outbox_hint(Failure::new(Exit::Unreachable, "it is not deposited yet"))),
        None => None,
    }
}

fn with_outbox_hint(failure: Failure) -> Failure {
    match failure.hint {
        None => failure.hint("it stays in the outbox; try again with `lightproof outbox retry`"),
        Some(_) => failure,
    }
}

fn report_dry_run<R>(people: &[Contact], prepared: &[PreparedPhoto<R>], output: &mut Output) -> Result<Exit, Failure> {
    for person in people {
        let photos = prepared.iter().map(|photo| SentPhoto {
            removed: in_words(photo.removed(), Fate::Removed),
            found: listed(photo.removed()),
            compression: photo.compression().map(Into::into),
            ..sent_photo(photo.treatment(), photo.media_type(), photo.length_bytes(), photo.dimensions())
        });
        output.report(&event::Prepared { to: person.name.as_str().to_owned(), photos: photos.collect() })?;
    }
    let found: Vec<Vec<Removed>> = prepared.iter().map(|photo| photo.removed().to_vec()).collect();
    warn_of_kept(&found, output);
    Ok(Exit::Done)
}

/// Receives until every recipient has confirmed, or cannot any more. What else comes stays news for `receive`.
async fn until_delivered(
    people: &[Contact],
    outcome: &SendOutcome,
    begun: Option<&Outgoing>,
    opened: &Opened,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let mut pace = Pace::default();
    let mut waiting: Vec<(&Contact, &Sent)> = people.iter().zip(&outcome.sent).collect();
    let mut exits = Vec::new();
    output.remark("waiting until it is delivered; Ctrl-C stops waiting, not sending");
    loop {
        let mut still = Vec::new();
        for (person, sent) in waiting {
            let Some(end) = ended(sent, outcome, begun, opened).await? else {
                still.push((person, sent));
                continue;
            };
            let failure = why_in_vain(person, &end);
            if let End::Reached(message) = end {
                // Taken back or not: it was asked for until it is delivered.
                let is_there = matches!(message.reached(), State::Delivered | State::Viewed);
                exits.push(if is_there { Exit::Done } else { Exit::Failed });
                let sent = Sent { contact: sent.contact, message: Some(*message), waits: None };
                output.report(&report(person, &sent, outcome, begun))?;
            }
            if let Some(failure) = failure {
                output.failure(&failure);
                exits.push(failure.exit);
            }
        }
        waiting = still;
        if waiting.is_empty() {
            return Ok(exits.into_iter().collect());
        }
        watch::must_be_alone(opened)?;
        receive_more(&mut pace, opened, output).await?;
    }
}

/// Why nothing more is to be waited for.
enum End {
    /// Nothing is here that could be delivered: a send that was cancelled, or a message that was deleted.
    Gone,
    /// Nothing is heard from its recipient any more.
    Parted,
    /// It has come as far as it comes.
    Reached(Box<Message>),
}

/// How the waiting for one recipient ends, once it does.
async fn ended(
    sent: &Sent,
    outcome: &SendOutcome,
    begun: Option<&Outgoing>,
    opened: &Opened,
) -> Result<Option<End>, Failure> {
    // Looked at before the messages: what another command seals in between is one of them then.
    let outgoing = opened.client.outgoing().await?.into_iter().find(|outgoing| outgoing.id == outcome.id);
    let is_draft = outgoing.is_some_and(|outgoing| {
        outgoing.recipients.iter().any(|recipient| recipient.contact == sent.contact && !recipient.is_settled())
    });
    let id = sent.message.as_ref().map(|message| message.message_id);
    // Of a send that was deposited only its messages are kept, and they have its number.
    let number = begun.map(|begun| begun.number);
    let is_it = |message: &Message| {
        message.direction == Direction::Out
            && message.contact == sent.contact
            && (Some(message.message_id) == id || Some(message.number) == number)
    };
    let message = opened.client.messages().await?.into_iter().find(is_it);
    let is_accepted = opened.client.person(&sent.contact).await?.is_accepted();
    let is_final = |state| matches!(state, State::Delivered | State::Viewed | State::Expired | State::Retracted);
    Ok(match message {
        Some(message) if message.is_given_up() => Some(End::Parted),
        Some(message) if is_final(message.state) => Some(End::Reached(Box::new(message))),
        _ if !is_accepted => Some(End::Parted),
        None if !is_draft => Some(End::Gone),
        _ => None,
    })
}

/// What a person who waits did not expect.
fn why_in_vain(person: &Contact, end: &End) -> Option<Failure> {
    let name = Sanitized::line(person.name.as_str());
    match end {
        End::Gone => Some(Failure::failed(format!(
            "the message to {name} is not here any more, and is not waited for: it was cancelled or deleted"
        ))),
        End::Parted => Some(Failure::failed(format!(
            "{name} was blocked or removed, and nothing more is heard of the message to them"
        ))),
        End::Reached(message) => match (message.state, message.reached()) {
            (_, State::Delivered | State::Viewed) | (State::Expired, _) => None,
            _ => Some(
                Failure::failed(format!("the message to {name} was taken back, and is not waited for any more"))
                    .hint(format!("`lightproof show {}` says what became of it", message.name())),
            ),
        },
    }
}

async fn receive_more(pace: &mut Pace, opened: &Opened, output: &mut Output) -> Result<(), Failure> {
    let Some(_lease) = watch::try_lease(&opened.home)? else {
        // Another command receives: what it saves is seen here.
        tokio::time::sleep(LOOK_AGAIN).await;
        return Ok(());
    };
    let received = opened.client.receive(&PhotoFiles::default(), now(), &mut rng()).await;
    opened.tell_notices(output).await?;
    let waited = match received {
        Ok(_) => pace.wait(opened).await,
        Err(error) => Err(error),
    };
    match waited {
        Err(error) if error.is_passing() => pace.back_off(opened).await,
        waited => waited?,
    }
    Ok(())
}

const LOOK_AGAIN: std::time::Duration = std::time::Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use lightproof_core::e2ee::identity::Fingerprint;

    use super::*;

    #[test]
    fn nobody_is_told_to_look_into_the_outbox_for_what_was_cancelled() {
        let told = |waits| {
            let sent = Sent { contact: Fingerprint::from_bytes([1; 32]), message: None, waits };
            (reached(&sent), why_waiting(&sent).unwrap().hint.unwrap())
        };
        let (state, hint) = told(Some(ClientError::LeftOut));
        assert!(state == event::State::Retracted && !hint.contains("outbox"), "{hint}");
        let (state, hint) = told(Some(ClientError::Clock));
        assert!(state == event::State::Outbox && hint.contains("clock"), "{hint}");
        assert!(told(None).1.contains("outbox retry"));
    }
}

//! Drafts into messages, one after the other, as `send` does.

use lightproof_core::e2ee::identity::Fingerprint;
use lightproof_core::event::Stage;
use lightproof_core::prepare::{Fate, RemovedGroup};
use lightproof_core::send::{self, SendOutcome};
use tokio::sync::Notify;
use tokio::sync::mpsc::UnboundedReceiver;

use super::hand::{Hand, typed_path};
use super::tell_notices;
use crate::clock::{now, rng};
use crate::commands::send::{about, register_late, sources, why_waiting};
use crate::exit::Failure;
use crate::inbox::event::{Draft, Event, Intent, Said, Treatment};
use crate::output::Style;
use crate::plan::{self, Input, Quality};
use crate::sanitize::Sanitized;
use crate::source::PhotoFiles;

/// Sends until it is dropped.
pub(super) async fn run(hand: &Hand<'_>, mut asked: UnboundedReceiver<Intent>, has_mailbox: &Notify) {
    while let Some(intent) = asked.recv().await {
        let Intent::Send(draft) = intent else { continue };
        let Some(to) = draft.to else { continue };
        let had_mailbox = hand.has_mailbox_for(&to).await;
        let sent = hand.send(to, draft).await;
        // Whoever is written to for the first time answers into a mailbox that nobody watches yet.
        if !had_mailbox && hand.has_mailbox_for(&to).await {
            has_mailbox.notify_one();
        }
        for stage in [Stage::Preparing, Stage::Uploading] {
            hand.tell.event(Event::Progress(stage, None));
        }
        hand.changed.notify_one();
        if let Err(failure) = sent {
            hand.tell.failure(&failure);
            hand.tell.event(Event::Said(Said::remark("it was not sent, and waits where you wrote it")));
        }
    }
}

impl Hand<'_> {
    async fn has_mailbox_for(&self, contact: &Fingerprint) -> bool {
        self.opened.client.person(contact).await.is_ok_and(|person| person.mailbox.is_some())
    }

    async fn send(&self, to: Fingerprint, draft: Draft) -> Result<(), Failure> {
        let client = &self.opened.client;
        let mut files = PhotoFiles::default();
        let photos: Vec<Input> = draft.photos.iter().map(|photo| Input::File(typed_path(photo))).collect();
        let photos = sources(&photos, treatment(draft.treatment), &mut files)?;
        register_late(self.opened).await?;
        let draft = send::Draft { to: vec![to], note: draft.note, photos, looks: send::Looks::Any };
        let sent = client.send(draft, &files, now(), &mut rng()).await;
        let outcome = sent.map_err(|error| about(&error, files.failed()))?;
        self.tell.event(Event::Sent(to));
        tell_notices(self.opened, self.tell).await?;
        self.report(&outcome).await?;
        Ok(client.told(&outcome.id, &mut rng()).await?)
    }

    async fn report(&self, outcome: &SendOutcome) -> Result<(), Failure> {
        for sent in &outcome.sent {
            let person = self.opened.client.person(&sent.contact).await?;
            let name = Sanitized::line(person.name.as_str()).to_string();
            match why_waiting(sent) {
                Some(failure) => self.tell.failure(&failure),
                None => self.tell.event(Event::Said(Said {
                    style: Style::Good,
                    text: format!("sent to {name}: the relay has it on disk{}", removed(outcome)),
                })),
            }
        }
        for (number, found) in (1..).zip(&outcome.removed) {
            let kept = found.iter().filter(|found| found.fate == Fate::Kept);
            for found in kept.filter(|found| found.group != RemovedGroup::ColourProfile) {
                let words = format!("photo {number} is sent with {}", found.group.name());
                self.tell.event(Event::Said(Said::warning(words)));
            }
        }
        Ok(())
    }
}

/// What was taken out of the photos, by kind.
fn removed(outcome: &SendOutcome) -> String {
    let found = outcome.removed.iter().flatten().filter(|found| found.fate == Fate::Removed);
    let mut kinds: Vec<&str> = found.map(|found| found.group.name()).collect();
    kinds.sort_unstable();
    kinds.dedup();
    if kinds.is_empty() { String::new() } else { format!("; removed {}", kinds.join(", ")) }
}

const fn treatment(treatment: Treatment) -> plan::Treatment {
    match treatment {
        Treatment::Compressed => {
            plan::Treatment::Compressed { quality: Quality::Auto, max_edge: None, keep_metadata: false }
        }
        Treatment::Original => plan::Treatment::Original { keep_metadata: false },
        Treatment::Exact => plan::Treatment::Exact,
    }
}

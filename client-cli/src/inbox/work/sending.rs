//! Drafts into messages, as `send` does: each is saved at once, and they are sent one after the other.

use std::cell::RefCell;

use lightproof_core::ClientError;
use lightproof_core::e2ee::identity::Fingerprint;
use lightproof_core::event::Stage;
use lightproof_core::prepare::{Fate, RemovedGroup};
use lightproof_core::send::{self, SavedDraft, SendOutcome, Sources};
use tokio::sync::Notify;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::hand::{Hand, typed_path};
use super::tell_notices;
use crate::clock::{now, rng};
use crate::commands::send::{about, register_late, sources, why_waiting};
use crate::exit::Failure;
use crate::inbox::event::{Draft, Event, Intent, Said, Treatment};
use crate::opened::Opened;
use crate::output::Style;
use crate::plan::{self, Input, Quality};
use crate::sanitize::Sanitized;
use crate::source::PhotoFiles;
use crate::spool::FileHold;

/// Saves and sends until it is dropped.
pub(super) async fn run(hand: &Hand<'_>, asked: UnboundedReceiver<Intent>, under_way: &UnderWay, has_mailbox: &Notify) {
    let (ready, to_send) = unbounded_channel();
    tokio::join!(save_each(hand, asked, under_way, &ready), send_each(hand, to_send, under_way, has_mailbox),);
}

/// A draft that is saved.
struct Ready {
    to: Fingerprint,
    draft: Draft,
    files: PhotoFiles,
    saved: SavedDraft<<PhotoFiles as Sources>::File, FileHold>,
}

/// What is saved and not told yet.
#[derive(Default)]
pub(crate) struct UnderWay {
    drafts: RefCell<Vec<(Draft, [u8; 16])>>,
    ended: Notify,
}

impl UnderWay {
    /// The same words again are a message of their own only once it is told what became of the first.
    async fn until_told(&self, draft: &Draft) {
        while self.drafts.borrow().iter().any(|(other, _)| other == draft) {
            self.ended.notified().await;
        }
    }

    fn end(&self, draft: &Draft) {
        self.drafts.borrow_mut().retain(|(other, _)| other != draft);
        self.ended.notify_one();
    }

    /// The inbox has ended, and everything at work with it. Whoever left it knows that these are saved: the same words
    /// again are a message of their own, and not the same request.
    ///
    /// # Errors
    /// The vault's.
    pub(crate) async fn leave(self, opened: &Opened) -> Result<(), ClientError> {
        for (_, id) in self.drafts.into_inner() {
            opened.client.told(&id, &mut rng()).await?;
        }
        Ok(())
    }
}

/// Saving waits for no relay, so that the inbox can be left soon.
async fn save_each(
    hand: &Hand<'_>,
    mut asked: UnboundedReceiver<Intent>,
    under_way: &UnderWay,
    ready: &UnboundedSender<Ready>,
) {
    while let Some(intent) = asked.recv().await {
        let Intent::Send(draft) = intent else { continue };
        let Some(to) = draft.to else { continue };
        under_way.until_told(&draft).await;
        match hand.save_draft(to, &draft).await {
            Ok((files, saved)) => {
                under_way.drafts.borrow_mut().push((draft.clone(), saved.id()));
                hand.tell.event(Event::Saved);
                // Whoever sends ends together with whoever saves.
                drop(ready.send(Ready { to, draft, files, saved }));
            }
            Err(failure) => hand.tell_unsent(&failure, Event::Unsent { draft, was_saved: false }),
        }
        hand.tell.event(Event::Progress(Stage::Preparing, None));
        hand.changed.notify_one();
    }
}

async fn send_each(hand: &Hand<'_>, mut to_send: UnboundedReceiver<Ready>, under_way: &UnderWay, has_mailbox: &Notify) {
    while let Some(Ready { to, draft, files, saved }) = to_send.recv().await {
        // Only now that it is saved, because this may wait for a relay. Whether it can be sent all the same is for the
        // sending to find.
        if let Err(error) = register_late(hand.opened).await {
            hand.tell.failure(&error.into());
        }
        let had_mailbox = hand.has_mailbox_for(&to).await;
        let sent = hand.opened.client.send_saved(saved, &files, now(), &mut rng()).await;
        // Whoever is written to for the first time answers into a mailbox that nobody watches yet.
        if !had_mailbox && hand.has_mailbox_for(&to).await {
            has_mailbox.notify_one();
        }
        match sent {
            Ok(outcome) => {
                if let Err(failure) = hand.tell_outcome(&outcome).await {
                    hand.tell.failure(&failure);
                }
                under_way.end(&draft);
            }
            Err(error) => {
                under_way.end(&draft);
                let failure = about(&error, files.failed());
                hand.tell_unsent(&failure, Event::Unsent { draft, was_saved: true });
            }
        }
        for stage in [Stage::Preparing, Stage::Uploading] {
            hand.tell.event(Event::Progress(stage, None));
        }
        hand.changed.notify_one();
    }
}

impl Hand<'_> {
    async fn has_mailbox_for(&self, contact: &Fingerprint) -> bool {
        self.opened.client.person(contact).await.is_ok_and(|person| person.mailbox.is_some())
    }

    async fn save_draft(
        &self,
        to: Fingerprint,
        draft: &Draft,
    ) -> Result<(PhotoFiles, SavedDraft<<PhotoFiles as Sources>::File, FileHold>), Failure> {
        let mut files = PhotoFiles::default();
        let photos: Vec<Input> = draft.photos.iter().map(|photo| Input::File(typed_path(photo))).collect();
        let photos = sources(&photos, treatment(draft.treatment), &mut files)?;
        let draft = send::Draft { to: vec![to], note: draft.note.clone(), photos, looks: send::Looks::Any };
        let saved = self.opened.client.save(&draft, &files, now(), &mut rng()).await;
        let saved = saved.map_err(|error| about(&error, files.failed()))?;
        Ok((files, saved))
    }

    fn tell_unsent(&self, failure: &Failure, unsent: Event) {
        self.tell.event(unsent);
        self.tell.failure(failure);
        self.tell.event(Event::Said(Said::remark("it was not sent, and waits where you wrote it")));
    }

    async fn tell_outcome(&self, outcome: &SendOutcome) -> Result<(), Failure> {
        tell_notices(self.opened, self.tell).await?;
        self.report(outcome).await?;
        Ok(self.opened.client.told(&outcome.id, &mut rng()).await?)
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

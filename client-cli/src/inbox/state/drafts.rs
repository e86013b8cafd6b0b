//! What is written: begun, on its way to the outbox, or given back because it was not sent.

use lightproof_core::e2ee::identity::Fingerprint;

use super::State;
use super::page::{Page, Writing};
use crate::inbox::event::{Draft, Said};

impl State {
    /// What the page to write to somebody begins with: what was begun, else what was not sent.
    pub(super) fn begun_draft(&mut self, to: &Fingerprint) -> Draft {
        if let Some(draft) = self.drafts.get(to).filter(|draft| !draft.is_empty()) {
            return draft.clone();
        }
        let unsent = self.unsent.iter().position(|draft| draft.to == Some(*to));
        unsent.and_then(|place| self.unsent.remove(place)).unwrap_or_default()
    }

    /// It was not sent: onto the page where it was written, if nothing stands there, or else for when that is empty.
    pub(super) fn give_back(&mut self, draft: Draft) {
        // Whoever was about to leave sees why first.
        self.is_leaving = false;
        for page in &mut self.pages {
            if let Page::Writing(writing) = page
                && draft.to == Some(writing.to)
                && writing.draft().is_empty()
                && writing.path.text().is_empty()
            {
                *writing = Writing::begin(writing.to, draft);
                return;
            }
        }
        self.unsent.push_back(draft);
    }

    /// One more that was to be sent is saved, or is back.
    pub(super) const fn settle_one(&mut self) {
        self.unsaved_count = self.unsaved_count.saturating_sub(1);
        if self.is_leaving && self.unsaved_count == 0 {
            self.is_done = true;
        }
    }

    /// Not before what was to be sent is saved, unless somebody insists.
    pub(super) fn leave(&mut self, was_leaving: bool) {
        if self.unsaved_count == 0 || was_leaving {
            self.is_done = true;
            return;
        }
        self.is_leaving = true;
        let count = self.unsaved_count;
        let messages = if count == 1 { "1 message is" } else { &format!("{count} messages are") };
        self.say(Said::remark(format!("{messages} being saved, then it ends; q again ends it without")));
    }
}

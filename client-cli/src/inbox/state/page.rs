//! The pages of the inbox, one above the other: the topmost is on the screen.

use lightproof_core::e2ee::identity::Fingerprint;

use super::field::Field;
use super::list::List;
use crate::inbox::event::{Draft, Intent, MessageKey, PhotoSeen, Place, Treatment};

/// A page.
#[derive(Clone)]
pub(crate) enum Page {
    /// A contact card is pasted.
    Adding(Adding),
    /// A request is answered with a name.
    Answering(Answering),
    /// Our own card, once it is there.
    Card(Option<String>),
    Confirm(Confirm),
    Conversation(Conversation),
    Help,
    /// What was said, the newest last.
    Log(List),
    /// Who there is. Always the lowest.
    People,
    Reading(Reading),
    Saving(Saving),
    /// Safety numbers are compared.
    Verifying(Verifying),
    Writing(Writing),
}

#[derive(Clone)]
pub(crate) struct Conversation {
    pub(crate) with: Fingerprint,
    pub(crate) list: List,
}

#[derive(Clone)]
pub(crate) struct Reading {
    pub(crate) key: MessageKey,
    /// Lines of text above what is in sight.
    pub(crate) scroll: usize,
    /// Counted from 0.
    pub(crate) photo: usize,
    pub(crate) asked: Option<Place>,
    pub(crate) seen: Option<PhotoSeen>,
}

impl Reading {
    /// From the beginning.
    pub(crate) const fn of(key: MessageKey) -> Self {
        Self { key, scroll: 0, photo: 0, asked: None, seen: None }
    }
}

#[derive(Clone)]
pub(crate) struct Writing {
    pub(crate) to: Fingerprint,
    pub(crate) note: Field,
    pub(crate) path: Field,
    pub(crate) photos: Vec<String>,
    pub(crate) treatment: Treatment,
    pub(crate) is_at_path: bool,
}

impl Writing {
    /// Goes on with what was begun, if anything was.
    pub(crate) fn begin(to: Fingerprint, draft: Draft) -> Self {
        let Draft { note, photos, treatment, .. } = draft;
        Self { to, note: Field::note(&note), path: Field::line(""), photos, treatment, is_at_path: false }
    }

    /// What is written so far.
    pub(crate) fn draft(&self) -> Draft {
        let (note, photos) = (self.note.text().to_owned(), self.photos.clone());
        Draft { to: Some(self.to), note, photos, treatment: self.treatment }
    }
}

#[derive(Clone)]
pub(crate) struct Adding {
    pub(crate) card: Field,
    pub(crate) name: Field,
    pub(crate) is_at_name: bool,
}

#[derive(Clone)]
pub(crate) struct Answering {
    pub(crate) request: Fingerprint,
    pub(crate) name: Field,
}

#[derive(Clone)]
pub(crate) struct Saving {
    pub(crate) key: MessageKey,
    pub(crate) photo: usize,
    pub(crate) path: Field,
}

#[derive(Clone)]
pub(crate) struct Verifying {
    pub(crate) contact: Fingerprint,
    pub(crate) number: Option<String>,
}

#[derive(Clone)]
pub(crate) struct Confirm {
    /// A peer's text in it is sanitised already.
    pub(crate) question: String,
    pub(crate) yes: Intent,
}

impl Page {
    /// Whether letters are typed here.
    pub(crate) const fn is_form(&self) -> bool {
        matches!(self, Self::Adding(_) | Self::Answering(_) | Self::Confirm(_) | Self::Saving(_) | Self::Writing(_))
    }
}

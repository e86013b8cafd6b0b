//! What goes into the inbox and what comes out of it: keys and news in, intents out.
//!
//! What a peer wrote is as it came in here, and `Sanitized` on its way to the screen.

use std::collections::BTreeMap;

use lightproof_core::e2ee::frame::MessageId;
use lightproof_core::e2ee::identity::Fingerprint;
use lightproof_core::event::Stage;
use lightproof_core::message::{Direction, Message, State};
use lightproof_core::people::CardRelay;
use lightproof_core::transport::RelayLink;

use crate::output::{Style, event};
use crate::picture::Drawing;

/// A key of the keyboard, or what was pasted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    Backspace,
    Char(char),
    /// With the control key held.
    Control(char),
    Delete,
    Down,
    End,
    Enter,
    Escape,
    Home,
    Left,
    /// A line break that does not send: Alt-Enter.
    LineBreak,
    PageDown,
    PageUp,
    Pasted(String),
    Right,
    Tab,
    Up,
}

/// Names a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct MessageKey {
    pub(crate) contact: Fingerprint,
    /// 1 to us, 2 from us.
    direction: u8,
    pub(crate) id: MessageId,
}

impl MessageKey {
    /// Of one message.
    pub(crate) const fn of(message: &Message) -> Self {
        Self { contact: message.contact, direction: message.direction as u8, id: message.message_id }
    }

    /// Which way it went.
    pub(crate) const fn direction(&self) -> Direction {
        if self.direction == Direction::In as u8 { Direction::In } else { Direction::Out }
    }

    /// One for a test.
    #[cfg(test)]
    pub(crate) fn test(contact: Fingerprint, direction: Direction, number: u64) -> Self {
        let id = MessageId((u128::from(number) + 1).to_be_bytes());
        Self { contact, direction: direction as u8, id }
    }
}

/// Something happened.
#[derive(Clone)]
pub(crate) enum Event {
    /// The relay of a card is not one this home may talk to: the same again, with an answer.
    AskCardRelay {
        relay: RelayLink,
        card: String,
        name: String,
    },
    /// A photo waits at a relay this home may not talk to yet.
    AskRelay(RelayLink),
    /// Our own card.
    Card(String),
    /// Everything there is, in outline.
    Home(Home),
    Key(Key),
    /// Messages that were asked for.
    Loaded(Vec<(MessageKey, Loaded)>),
    /// Somebody is a contact now: by their card, or because a request was accepted.
    Met(Fingerprint),
    /// A photo that was asked for.
    Photo(PhotoSeen),
    /// Something takes long.
    Progress(Stage, Option<Progress>),
    /// How our own relay is reached.
    Relay(RelayState),
    Resized {
        columns: u16,
        rows: u16,
    },
    Safety {
        contact: Fingerprint,
        number: String,
    },
    Said(Said),
    /// A draft that was to be sent is saved: the next command goes on with it.
    Saved,
    /// A draft that was to be sent was not, and goes back to where it was written.
    Unsent {
        draft: Draft,
        /// Whether it was said to be [`Saved`](Self::Saved).
        was_saved: bool,
    },
}

/// What is to be done outside.
#[derive(Clone, PartialEq)]
pub(crate) enum Intent {
    Accept {
        request: Fingerprint,
        name: Option<String>,
    },
    Add {
        card: String,
        name: String,
        relay: CardRelay,
    },
    AllowRelay(RelayLink),
    Decline(Fingerprint),
    Load(Vec<MessageKey>),
    Look(Place),
    Mark(Fingerprint),
    /// A person looks at it.
    Read(MessageKey),
    Save {
        key: MessageKey,
        photo: usize,
        path: String,
    },
    Send(Draft),
    ShowCard,
    ShowSafety(Fingerprint),
    /// To the background, until the shell brings it back.
    Suspend,
    /// These were on the screen.
    ToldOf(Vec<MessageKey>),
}

/// Everything there is, in outline: what a message says is loaded when it is to be seen.
#[derive(Clone, Default)]
pub(crate) struct Home {
    /// How I call myself.
    pub(crate) me: String,
    /// Requests, then contacts, those with the latest message first.
    pub(crate) people: Vec<Person>,
    /// In the order they are shown.
    pub(crate) messages: BTreeMap<Fingerprint, Vec<Entry>>,
    /// Sends and envelopes that are not deposited yet, and messages that are still to be taken back.
    pub(crate) under_way: usize,
    /// Messages that nobody was told of.
    pub(crate) news: Vec<MessageKey>,
}

/// Somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Person {
    pub(crate) fingerprint: Fingerprint,
    /// Ours for a contact; what they say for a request.
    pub(crate) name: String,
    pub(crate) standing: Standing,
    /// Messages of theirs that nobody has looked at.
    pub(crate) unread: usize,
}

/// What somebody is to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Standing {
    Request,
    Verified,
    Unverified,
    Blocked,
}

impl Standing {
    /// The word.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Verified => "verified",
            Self::Unverified => "unverified",
            Self::Blocked => "blocked",
        }
    }

    /// What colour says of it.
    pub(crate) const fn style(self) -> Style {
        match self {
            Self::Verified => Style::Good,
            Self::Request | Self::Unverified => Style::Caution,
            Self::Blocked => Style::Danger,
        }
    }
}

/// A message in outline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) key: MessageKey,
    pub(crate) state: State,
    pub(crate) is_unread: bool,
}

/// A message to be shown.
#[derive(Clone)]
pub(crate) struct Loaded {
    pub(crate) message: event::Message,
    /// The day until which a relay keeps it.
    pub(crate) promise: Option<String>,
}

/// Which photo, how large.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) key: MessageKey,
    /// Counted from 0.
    pub(crate) photo: usize,
    pub(crate) columns: u16,
    pub(crate) rows: u16,
}

/// What was seen of a photo.
#[derive(Clone)]
pub(crate) struct PhotoSeen {
    pub(crate) place: Place,
    pub(crate) drawing: Option<Drawing>,
    /// What else is to be said: that it is a blur, what it holds, why it is not drawn.
    pub(crate) remarks: Vec<Said>,
}

/// What is to be sent.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Draft {
    pub(crate) to: Option<Fingerprint>,
    pub(crate) note: String,
    /// As they were typed.
    pub(crate) photos: Vec<String>,
    pub(crate) treatment: Treatment,
}

impl Draft {
    /// Whether nothing is written.
    pub(crate) const fn is_empty(&self) -> bool {
        self.note.is_empty() && self.photos.is_empty()
    }
}

/// What is done to its photos.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Treatment {
    #[default]
    Compressed,
    Original,
    Exact,
}

/// How far a long step is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Progress {
    /// `sending photo 2 of 3`.
    pub(crate) what: String,
    pub(crate) done_bytes: u64,
    pub(crate) total_bytes: u64,
}

/// How our own relay is reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum RelayState {
    #[default]
    Asking,
    Away,
    /// Another command of this home receives.
    Elsewhere,
    Reached,
    /// Another copy of this home receives: here nothing more comes.
    Superseded,
}

impl RelayState {
    /// In words.
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::Asking => "asking the relay",
            Self::Away => "the relay is not there; trying again",
            Self::Elsewhere => "another command receives",
            Self::Reached => "connected",
            Self::Superseded => "another copy of this home receives",
        }
    }
}

/// A sentence for the person; a peer's text in it is sanitised already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) style: Style,
    pub(crate) text: String,
}

impl Said {
    /// Something to know.
    pub(crate) fn remark(text: impl Into<String>) -> Self {
        Self { style: Style::Plain, text: text.into() }
    }

    /// Something that matters.
    pub(crate) fn warning(text: impl AsRef<str>) -> Self {
        Self { style: Style::Caution, text: format!("warning: {}", text.as_ref()) }
    }

    /// Something did not work.
    pub(crate) fn failure(failure: &crate::exit::Failure) -> Self {
        let hint = failure.hint.as_ref().map(|hint| format!("; {hint}")).unwrap_or_default();
        Self { style: Style::Danger, text: format!("error: {}{hint}", failure.what) }
    }
}

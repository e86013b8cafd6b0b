//! The objects of `--json`: their keys are a contract. More may come, none goes.

use std::fmt::{self, Write as _};

use serde::Serialize;

use super::compressed::Compressed;
use super::{Page, Report, Style};
use crate::exit::Failure;
use crate::sanitize::Sanitized;

/// A state of a message, as JSON and people name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum State {
    /// Saved here, not yet at the relay.
    Outbox,
    /// The relay has it on disk.
    Deposited,
    /// The recipient has it.
    Delivered,
    /// The recipient has seen it.
    Viewed,
    /// Nobody took it in time.
    Expired,
    /// A photo of it waits: for a relay to be allowed, or to be fetched.
    Waiting,
    /// Unchanged since its sender sealed it.
    Verified,
    /// Something of it did not verify, and is not shown.
    Failed,
    /// Its sender took it back.
    Retracted,
}

impl State {
    /// The word.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Outbox => "outbox",
            Self::Deposited => "deposited",
            Self::Delivered => "delivered",
            Self::Viewed => "viewed",
            Self::Expired => "expired",
            Self::Waiting => "waiting",
            Self::Verified => "verified",
            Self::Failed => "failed",
            Self::Retracted => "retracted",
        }
    }

    /// What colour says of it.
    pub(crate) const fn style(self) -> Style {
        match self {
            Self::Deposited | Self::Delivered | Self::Viewed | Self::Verified => Style::Good,
            Self::Outbox | Self::Waiting | Self::Retracted => Style::Caution,
            Self::Expired | Self::Failed => Style::Danger,
        }
    }
}

/// Whose message it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Direction {
    /// From a contact.
    In,
    /// Mine.
    Out,
}

/// A photo that was sent.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct SentPhoto {
    pub(crate) treatment: &'static str,
    pub(crate) media_type: &'static str,
    pub(crate) bytes: u64,
    pub(crate) width: Option<u32>,
    pub(crate) height: Option<u32>,
    /// What was found in the file and is not in what was sent, in words.
    pub(crate) removed: Vec<String>,
    /// Everything that was found, with what became of it.
    pub(crate) found: Vec<Found>,
    /// How it was made small, if it was, and as far as it is known: not of one prepared before an interruption.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) compression: Option<Compressed>,
}

/// One thing that a file held beside its picture.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Found {
    /// What kind of thing.
    pub(crate) group: &'static str,
    /// Its name in the standard it comes from.
    pub(crate) key: String,
    pub(crate) value: String,
    /// `kept` or `removed`.
    pub(crate) fate: &'static str,
}

/// `send`: one for each recipient.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "event", rename = "sent")]
pub(crate) struct Sent {
    pub(crate) id: String,
    pub(crate) to: String,
    pub(crate) state: State,
    pub(crate) photos: Vec<SentPhoto>,
}

impl Report for Sent {
    fn for_people(&self, page: &mut Page) -> fmt::Result {
        let state = page.ink().paint(self.state.style(), self.state.word());
        writeln!(page, "{} to {}: {state}", short(&self.id), Sanitized::line(&self.to))?;
        self.photos.iter().try_for_each(|photo| photo.write(page))
    }
}

impl SentPhoto {
    fn write(&self, page: &mut Page) -> fmt::Result {
        let size = Size { width: self.width, height: self.height, bytes: self.bytes };
        writeln!(page, "  {} {} {size}", self.treatment, self.media_type)?;
        self.compression.iter().try_for_each(|compression| writeln!(page, "    {compression}"))?;
        self.removed.iter().try_for_each(|removed| writeln!(page, "    removed {}", Sanitized::line(removed)))
    }
}

/// `send --dry-run`: one for each recipient.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "event", rename = "prepared")]
pub(crate) struct Prepared {
    pub(crate) to: String,
    pub(crate) photos: Vec<SentPhoto>,
}

impl Report for Prepared {
    fn for_people(&self, page: &mut Page) -> fmt::Result {
        writeln!(page, "to {}: not sent", Sanitized::line(&self.to))?;
        self.photos.iter().try_for_each(|photo| photo.write(page))
    }
}

/// A photo of a message.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct MessagePhoto {
    pub(crate) treatment: &'static str,
    pub(crate) media_type: &'static str,
    pub(crate) bytes: u64,
    pub(crate) sha256: String,
    pub(crate) width: Option<u32>,
    pub(crate) height: Option<u32>,
    /// Where it was saved, if it was.
    pub(crate) file: Option<String>,
    /// A blur of it in base64, if its sender made one.
    pub(crate) thumbhash: Option<String>,
    /// What it holds beside its picture, in words; `None` where nobody has looked.
    pub(crate) holds: Option<Vec<String>>,
}

/// `receive`, `messages` and `show`.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "event", rename = "message")]
pub(crate) struct Message {
    pub(crate) id: String,
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) direction: Direction,
    pub(crate) state: State,
    pub(crate) note: Option<String>,
    /// RFC 3339, UTC: what the sender's clock said.
    pub(crate) sent_at: String,
    pub(crate) photos: Vec<MessagePhoto>,
    /// Whether it is shown once and then destroyed.
    pub(crate) view_once: bool,
    /// Whether its sender took it back.
    pub(crate) retracted: bool,
    /// Whether its recipient was blocked or removed before it went out.
    #[serde(skip)]
    pub(crate) is_given_up: bool,
    /// How wide the reader's window is.
    #[serde(skip)]
    pub(crate) columns: usize,
    /// The blurs of its photos, drawn for a terminal.
    #[serde(skip)]
    pub(crate) previews: String,
}

impl Message {
    /// What its state means, in words; `promise` is the day until which a relay keeps it.
    pub(crate) fn meaning(&self, promise: Option<&str>) -> String {
        let (from, to) = (Sanitized::line(&self.from), Sanitized::line(&self.to));
        match self.state {
            State::Verified if self.view_once && self.direction == Direction::In && self.note.is_none() => {
                format!("for one look: `lightproof show {}` shows it, and then it is gone", short(&self.id))
            }
            State::Verified => format!("unchanged since {from} sealed it"),
            State::Waiting => "its photos are not all here yet; the note is signed and unchanged".to_owned(),
            State::Failed => "not what its sender sealed".to_owned(),
            State::Expired if self.direction == Direction::In => {
                "a photo was gone from its relay before it was fetched; the note is signed and unchanged".to_owned()
            }
            State::Expired => format!("{to} did not fetch it in time"),
            State::Outbox => "sealed, and on its way".to_owned(),
            State::Deposited => match promise {
                Some(day) => format!("the relay has it on disk, and keeps it until {day}"),
                None => "the relay has it on disk".to_owned(),
            },
            State::Delivered => format!("{to} has it"),
            State::Viewed if self.direction == Direction::In => {
                "it was for one look, and that was taken; nothing of it is kept".to_owned()
            }
            State::Viewed => format!("{to} has looked at it"),
            State::Retracted if self.direction == Direction::In => {
                format!("{from} took it back before you looked at it; nothing of it is kept")
            }
            State::Retracted if self.is_given_up => {
                format!("it was still to go out when you blocked or removed {to}, and does not any more")
            }
            State::Retracted => format!("{to} is asked to drop it"),
        }
    }
}

impl Report for Message {
    fn for_people(&self, page: &mut Page) -> fmt::Result {
        let ink = page.ink();
        let (word, who) = match self.direction {
            Direction::In => ("from", &self.from),
            Direction::Out => ("to", &self.to),
        };
        let state = ink.paint(self.state.style(), self.state.word());
        let id = ink.paint(Style::Strong, short(&self.id));
        let once = if self.view_once { "  (for one look)" } else { "" };
        writeln!(page, "{id}  {}  {word} {}  {state}{once}", self.sent_at, Sanitized::line(who))?;
        if let Some(note) = self.note.as_deref().filter(|note| !note.is_empty()) {
            writeln!(page, "{}", Sanitized::note(note, self.columns))?;
        }
        for (number, photo) in (1..).zip(&self.photos) {
            let size = Size { width: photo.width, height: photo.height, bytes: photo.bytes };
            write!(page, "  photo {number}: {} {} {size}", photo.treatment, photo.media_type)?;
            if let Some(file) = &photo.file {
                write!(page, " → {}", Sanitized::line(file))?;
            }
            writeln!(page)?;
        }
        page.write_str(&self.previews)
    }
}

/// `requests`: somebody who wrote for the first time.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "event", rename = "request")]
pub(crate) struct Request {
    /// Its number, to answer it by.
    pub(crate) request: u64,
    pub(crate) name: String,
    pub(crate) fingerprint: String,
}

impl Report for Request {
    fn for_people(&self, page: &mut Page) -> fmt::Result {
        writeln!(page, "{}  says it is {}  fingerprint {}", self.request, Sanitized::line(&self.name), self.fingerprint)
    }
}

/// Any failure.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "event", rename = "error")]
pub(crate) struct Error {
    /// The exit code.
    pub(crate) code: u8,
    pub(crate) what: String,
    pub(crate) hint: Option<String>,
}

impl From<&Failure> for Error {
    fn from(failure: &Failure) -> Self {
        Self { code: failure.exit.code(), what: failure.what.clone(), hint: failure.hint.clone() }
    }
}

impl Report for Error {
    fn for_people(&self, page: &mut Page) -> fmt::Result {
        writeln!(page, "error: {}", self.what)
    }
}

/// `1600 x 1200, 1.2 MB`.
pub(crate) struct Size {
    pub(crate) width: Option<u32>,
    pub(crate) height: Option<u32>,
    pub(crate) bytes: u64,
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let (Some(width), Some(height)) = (self.width, self.height) {
            write!(f, "{width} x {height}, ")?;
        }
        indicatif::DecimalBytes(self.bytes).fmt(f)
    }
}

/// Eight digits tell the messages of one home apart, and `show` takes them.
fn short(id: &str) -> &str {
    id.get(..8).unwrap_or(id)
}

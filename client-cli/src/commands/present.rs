//! Messages as they are shown: names of ours instead of fingerprints, words instead of numbers.

use std::collections::BTreeMap;

use base64ct::{Base64, Encoding};
use lightproof_core::ClientError;
use lightproof_core::contact::{Contact, Trust};
use lightproof_core::e2ee::identity::Fingerprint;
use lightproof_core::e2ee::manifest::{MediaType, Treatment};
use lightproof_core::message::{Direction, Message, State, StoredPhoto};

use crate::clock::Utc;
use crate::exit::Failure;
use crate::opened::Opened;
use crate::output::event;
use crate::terminal::Window;

/// What we call people.
pub(crate) struct Names {
    contacts: BTreeMap<Fingerprint, Contact>,
    me: String,
}

impl Names {
    /// As they are now.
    ///
    /// # Errors
    /// The vault's.
    pub(crate) async fn of(opened: &Opened) -> Result<Self, ClientError> {
        let contacts = opened.client.contacts().await?;
        let me = opened.client.profile().await?.name.as_str().to_owned();
        let me = if me.is_empty() { "me".to_owned() } else { me };
        Ok(Self { contacts: contacts.into_iter().map(|contact| (contact.fingerprint, contact)).collect(), me })
    }

    /// Somebody's name; the fingerprint of somebody we no longer know.
    pub(crate) fn name(&self, of: &Fingerprint) -> String {
        self.contacts.get(of).map_or_else(|| of.to_string(), |contact| contact.name.as_str().to_owned())
    }

    /// Our name for a contact.
    pub(crate) fn known(&self, of: &Fingerprint) -> Option<&str> {
        self.contacts.get(of).map(|contact| contact.name.as_str())
    }

    /// Whether anything goes to them.
    pub(crate) fn is_accepted(&self, contact: &Fingerprint) -> bool {
        self.contacts.get(contact).is_some_and(Contact::is_accepted)
    }

    /// Whether safety numbers were compared with them.
    pub(crate) fn is_verified(&self, contact: &Fingerprint) -> bool {
        self.contacts.get(contact).is_some_and(|contact| contact.trust == Trust::Verified)
    }

    /// A message as it is told. Of one that did not verify nothing is told but that it came.
    pub(crate) fn told(&self, message: &Message) -> event::Message {
        let other = self.name(&message.contact);
        let (direction, from, to) = match message.direction {
            Direction::In => (event::Direction::In, other, self.me.clone()),
            Direction::Out => (event::Direction::Out, self.me.clone(), other),
        };
        let failed = message.state == State::Failed;
        let note = message.note.as_str();
        event::Message {
            id: message.name(),
            from,
            to,
            direction,
            state: state(message.state),
            note: (!failed && !note.is_empty()).then(|| note.to_owned()),
            sent_at: Utc(message.sent_at).to_string(),
            photos: if failed { Vec::new() } else { message.photos.iter().map(photo).collect() },
            view_once: message.view_once.is_yes(),
            retracted: message.state == State::Retracted || message.retraction.is_some(),
            columns: usize::from(Window::of_stdout().columns),
            is_given_up: message.is_given_up(),
            previews: String::new(),
        }
    }
}

/// A photo as it is told, not saved anywhere.
fn photo(photo: &StoredPhoto) -> event::MessagePhoto {
    let facts = &photo.facts;
    let (dimensions, thumbhash) = (facts.dimensions(), facts.thumbhash.as_slice());
    event::MessagePhoto {
        treatment: treatment(facts.treatment),
        media_type: media_type(facts.media_type),
        bytes: facts.length_bytes,
        sha256: hex(facts.digest.as_bytes()),
        width: dimensions.map(|(width, _)| width),
        height: dimensions.map(|(_, height)| height),
        file: None,
        thumbhash: (!thumbhash.is_empty()).then(|| Base64::encode_string(thumbhash)),
        holds: None,
    }
}

/// The state of a message, as it is told.
pub(crate) const fn state(state: State) -> event::State {
    match state {
        State::Waiting => event::State::Waiting,
        State::Verified => event::State::Verified,
        State::Failed => event::State::Failed,
        State::Expired => event::State::Expired,
        State::Outbox => event::State::Outbox,
        State::Deposited => event::State::Deposited,
        State::Delivered => event::State::Delivered,
        State::Viewed => event::State::Viewed,
        State::Retracted => event::State::Retracted,
    }
}

/// The name of a treatment.
pub(crate) const fn treatment(treatment: Treatment) -> &'static str {
    match treatment {
        Treatment::Compressed => "compressed",
        Treatment::Original => "original",
        Treatment::Exact => "exact",
    }
}

/// The media type, as the world writes it.
pub(crate) const fn media_type(media_type: MediaType) -> &'static str {
    match media_type {
        MediaType::Jpeg => "image/jpeg",
        MediaType::Png => "image/png",
        MediaType::WebP => "image/webp",
        MediaType::Gif => "image/gif",
        MediaType::Bmp => "image/bmp",
        MediaType::Tiff => "image/tiff",
        MediaType::JpegXl => "image/jxl",
        MediaType::Other => "application/octet-stream",
    }
}

/// The ending of a file of this kind: ours, never a peer's.
pub(crate) const fn extension(media_type: MediaType) -> &'static str {
    match media_type {
        MediaType::Jpeg => "jpg",
        MediaType::Png => "png",
        MediaType::WebP => "webp",
        MediaType::Gif => "gif",
        MediaType::Bmp => "bmp",
        MediaType::Tiff => "tiff",
        MediaType::JpegXl => "jxl",
        MediaType::Other => "bin",
    }
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The message a person named.
///
/// # Errors
/// Where there is none, or more than one.
pub(crate) async fn message(opened: &Opened, id: &str) -> Result<Message, Failure> {
    match opened.client.message(id).await {
        Err(ClientError::Unknown(_)) => Err(Failure::failed(format!("there is no message {id}, or more than one"))
            .hint("see `lightproof messages`, and name more digits")),
        found => Ok(found?),
    }
}

/// The contact a person named.
///
/// # Errors
/// Where there is none, or more than one.
pub(crate) async fn contact(opened: &Opened, name: &str) -> Result<Contact, Failure> {
    match opened.client.contact(name).await {
        Err(ClientError::Unknown(_)) => {
            Err(Failure::failed(format!("there is no contact {name}")).hint("see `lightproof contact list`"))
        }
        found => Ok(found?),
    }
}

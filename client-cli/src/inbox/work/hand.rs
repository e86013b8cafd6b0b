//! What needs no relay: loading, looking into photos, saving, comparing, adding.

use std::path::PathBuf;

use lightproof_core::ClientError;
use lightproof_core::contact::{Standing, Trust};
use lightproof_core::e2ee::card::ContactCard;
use lightproof_core::e2ee::manifest::Treatment;
use lightproof_core::message::{Direction, Message, PhotoState, State, StoredPhoto};
use lightproof_core::people::CardRelay;
use tokio::sync::{Mutex, Notify};

use super::{Drawn, Tell};
use crate::clock::{Date, now, rng};
use crate::commands::contact::add::heard_again;
use crate::commands::look::Seen;
use crate::commands::photo_file::{PhotoOf, make_folder};
use crate::commands::present::Names;
use crate::exit::{Exit, Failure};
use crate::inbox::event::{Event, Intent, Loaded, MessageKey, PhotoSeen, Place, Said};
use crate::opened::Opened;
use crate::output::Style;
use crate::picture::{Depth, Drawing, Preview};
use crate::plan::ContactName;
use crate::sanitize::Sanitized;
use crate::terminal::Window;

/// The client that a person's own doings go through.
pub(super) struct Hand<'a> {
    pub(super) opened: &'a Opened,
    pub(super) tell: &'a Tell,
    pub(super) changed: &'a Notify,
    drawn: Drawn,
    /// One photo is decoded at a time.
    looking: Mutex<()>,
}

impl<'a> Hand<'a> {
    pub(super) fn new(opened: &'a Opened, drawn: Drawn, tell: &'a Tell, changed: &'a Notify) -> Self {
        Self { opened, tell, changed, drawn, looking: Mutex::new(()) }
    }

    /// Does it, and tells what came of it.
    pub(super) async fn does(&self, intent: Intent) {
        if let Err(failure) = self.try_do(intent).await {
            self.tell.failure(&failure);
        }
    }

    async fn try_do(&self, intent: Intent) -> Result<(), Failure> {
        let client = &self.opened.client;
        match intent {
            Intent::Add { card, name, relay } => self.add(&card, name, relay).await?,
            Intent::Decline(request) => client.decline(&request, now(), &mut rng()).await?,
            Intent::Load(keys) => return self.load(&keys).await,
            Intent::Look(place) => return self.look(place).await,
            Intent::Mark(contact) => drop(client.mark(&contact, Trust::Verified, &mut rng()).await?),
            Intent::Read(key) => match self.message(&key).await? {
                Some(message) => client.viewed(&message, now(), &mut rng()).await?,
                None => return Ok(()),
            },
            Intent::Save { key, photo, path } => return self.save(&key, photo, &path).await,
            Intent::ShowCard => {
                self.tell.event(Event::Card(client.card().await?.print()));
                return Ok(());
            }
            Intent::ShowSafety(contact) => {
                let number = client.safety_number(&contact).to_string();
                self.tell.event(Event::Safety { contact, number });
                return Ok(());
            }
            Intent::ToldOf(keys) => {
                for key in keys {
                    if let Some(message) = self.message(&key).await? {
                        self.raise_alarm(&message).await?;
                        client.told_of(&message, &mut rng()).await?;
                    }
                }
                return Ok(());
            }
            // Others do these.
            Intent::Accept { .. } | Intent::AllowRelay(_) | Intent::Send(_) | Intent::Suspend => return Ok(()),
        }
        self.changed.notify_one();
        Ok(())
    }

    /// Where it did not verify, that is said, and is how this run ends.
    async fn raise_alarm(&self, message: &Message) -> Result<(), ClientError> {
        if message.state == State::Failed {
            self.opened.raise_alarm();
            let from = Names::of(self.opened).await?.name(&message.contact);
            let from = Sanitized::line(&from);
            let what = format!("a photo is not what {from} sealed; it is not shown");
            self.tell.failure(&Failure::new(Exit::Unverified, what).hint(format!("ask {from} to send it again")));
        }
        Ok(())
    }

    async fn message(&self, key: &MessageKey) -> Result<Option<Message>, ClientError> {
        self.opened.client.message_of(&key.contact, key.direction(), &key.id).await
    }

    async fn load(&self, keys: &[MessageKey]) -> Result<(), Failure> {
        let names = Names::of(self.opened).await?;
        let mut loaded = Vec::new();
        for key in keys {
            let Some(message) = self.message(key).await? else { continue };
            let promise = message.receipt.as_ref().map(|receipt| Date(receipt.promise.expires).to_string());
            loaded.push((*key, Loaded { message: names.told(&message), promise }));
        }
        self.tell.event(Event::Loaded(loaded));
        Ok(())
    }

    async fn add(&self, text: &str, name: String, relay: CardRelay) -> Result<(), Failure> {
        let client = &self.opened.client;
        let card = ContactCard::parse(text).map_err(ClientError::Card)?;
        if relay == CardRelay::Unasked && !client.is_relay_allowed(&card.relay).await? {
            self.tell.event(Event::AskCardRelay { relay: card.relay, card: text.to_owned(), name });
            return Ok(());
        }
        let typed = if name.is_empty() {
            None
        } else {
            Some(name.parse::<ContactName>().map_err(|error| Failure::usage(error.to_string()))?)
        };
        // Without a name of ours, somebody we know keeps theirs; else it is the card's, if it is one we could have typed.
        let known = client.contacts().await?.into_iter().find(|contact| contact.fingerprint == card.fingerprint);
        let hinted = || card.name_hint.as_str().parse::<ContactName>().ok();
        let name = if known.is_some() { typed } else { Some(typed.or_else(hinted).ok_or(ClientError::BadName)?) };
        let person =
            client.add_contact(&card, name.as_ref().map(ContactName::as_str), relay, now(), &mut rng()).await?;
        self.tell.event(Event::Met(person.fingerprint));
        if known.is_some_and(|known| known.standing == Standing::Blocked) {
            self.tell.event(Event::Said(Said::remark(heard_again(&person))));
            return Ok(());
        }
        let name = Sanitized::line(person.name.as_str()).to_string();
        self.tell.event(Event::Said(Said::remark(format!("added {name}; compare safety numbers when you can: v"))));
        Ok(())
    }

    async fn save(&self, key: &MessageKey, place: usize, path: &str) -> Result<(), Failure> {
        let Some(message) = self.message(key).await? else { return Ok(()) };
        let photo = PhotoOf::new(self.opened, &message, place);
        if !photo.is_here() {
            return Err(Failure::failed("this photo is not here"));
        }
        let target = typed_path(path);
        let saved = if target.is_dir() || path.ends_with('/') {
            make_folder(&target)?;
            let sender = Names::of(self.opened).await?.name(&message.contact);
            let saved = photo.save_in(&target, &sender).await?;
            let path = saved.path.clone();
            let mut together = crate::save::SavedTogether::default();
            together.add(saved);
            together.keep();
            path
        } else {
            photo.save_as(&target).await?;
            target
        };
        self.tell.event(Event::Said(Said { style: Style::Good, text: format!("saved {}", Sanitized::path(&saved)) }));
        Ok(())
    }

    async fn look(&self, place: Place) -> Result<(), Failure> {
        let Some(message) = self.message(&place.key).await? else { return Ok(()) };
        let Some(stored) = message.photos.as_slice().get(place.photo) else { return Ok(()) };
        let photo = PhotoOf::new(self.opened, &message, place.photo);
        let canvas = self.drawn.canvas.map(|canvas| canvas.within(place.columns, place.rows));
        let seen = {
            let _one = self.looking.lock().await;
            Seen::of(photo, stored.facts.media_type, canvas.as_ref()).await?
        };
        let mut remarks = Vec::new();
        let mut drawing = None;
        match seen {
            Some(seen) => {
                remarks.extend(seen.holds.iter().flatten().map(|holds| held(holds, stored.facts.treatment)));
                remarks.extend(seen.not_drawn.map(|why| Said::remark(format!("not drawn: {why}"))));
                drawing = seen.picture.zip(canvas).map(|(picture, canvas)| canvas.drawing(&picture));
            }
            None => remarks.push(Said::remark(why_not_seen(&message, stored))),
        }
        let drawing = drawing.or_else(|| self.blur(stored, place));
        self.tell.event(Event::Photo(PhotoSeen { place, drawing, remarks }));
        Ok(())
    }

    fn blur(&self, stored: &StoredPhoto, place: Place) -> Option<Drawing> {
        let is_seen = self.drawn.depth != Depth::Shades;
        let blur =
            is_seen.then(|| Preview::of(stored.facts.thumbhash.as_slice(), stored.facts.dimensions())).flatten()?;
        let window = Window { columns: place.columns, rows: place.rows, ..Window::of_stdout() };
        Some(blur.drawing(window, self.drawn.depth))
    }
}

fn held(holds: &str, treatment: Treatment) -> Said {
    let holds = Sanitized::line(holds);
    if treatment == Treatment::Exact {
        Said::remark(format!("was sent as it is, and holds {holds}"))
    } else {
        Said::warning(format!("still holds {holds}"))
    }
}

const fn why_not_seen(message: &Message, stored: &StoredPhoto) -> &'static str {
    match (message.direction, stored.state) {
        (Direction::Out, _) => "sent from here: of a photo of yours only this blur is kept",
        (_, PhotoState::Waiting) => "not fetched yet: this is a blur that came with the message",
        (_, PhotoState::Expired) => "gone from its relay before it was fetched",
        (_, PhotoState::Failed) => "not what its sender sealed",
        (_, PhotoState::LeftOut) => "left out of the backup that was restored",
        (_, PhotoState::Verified | PhotoState::Released) => "too large to look into; it can be saved",
    }
}

/// A path as people type it, or drop it into a terminal: in quotes, with blanks escaped, from the home folder on.
pub(super) fn typed_path(typed: &str) -> PathBuf {
    let typed = typed.trim();
    let quoted = ['\'', '"'].into_iter().find_map(|quote| typed.strip_prefix(quote)?.strip_suffix(quote));
    let path = quoted.map_or_else(|| typed.replace("\\ ", " "), str::to_owned);
    match (path.strip_prefix("~/"), std::env::var_os("HOME")) {
        (Some(rest), Some(home)) => PathBuf::from(home).join(rest),
        _ => path.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_taken_as_people_type_it() {
        for (typed, path) in [
            (" a.jpg ", "a.jpg"),
            ("'two words.jpg'", "two words.jpg"),
            ("\"two words.jpg\" ", "two words.jpg"),
            ("two\\ words.jpg", "two words.jpg"),
            ("it's.jpg", "it's.jpg"),
        ] {
            assert_eq!(typed_path(typed), PathBuf::from(path), "{typed:?}");
        }
        let home = std::env::var_os("HOME").map(PathBuf::from);
        assert_eq!(typed_path("~/a.jpg"), home.map_or("~/a.jpg".into(), |home| home.join("a.jpg")));
    }
}

//! The inbox without a terminal: what is known, which page is open, and what follows from a key or a piece of news.
//!
//! Nothing is asked, drawn or waited for here. Messages are known in outline; what they say is loaded for those in
//! sight, so that ten thousand cost no more than ten.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use lightproof_core::e2ee::identity::Fingerprint;
use lightproof_core::event::Stage;
use lightproof_core::people::CardRelay;
use lightproof_core::transport::RelayLink;

use super::event::{
    Draft, Entry, Event, Home, Intent, Loaded, MessageKey, Person, PhotoSeen, Place, Progress, RelayState, Said,
};
use super::reading;
use page::{Confirm, Page};

mod browse;
mod drafts;
pub(crate) mod field;
mod forms;
pub(crate) mod list;
pub(crate) mod page;
#[cfg(test)]
pub(crate) mod tests;

use list::List;

/// Everything the screen shows.
pub(crate) struct State {
    pub(super) home: Home,
    pub(super) columns: u16,
    pub(super) rows: u16,
    /// The lowest is always [`Page::People`].
    pages: Vec<Page>,
    /// Where one is among people.
    pub(super) people: List,
    loaded: BTreeMap<MessageKey, Loaded>,
    asked: BTreeSet<MessageKey>,
    /// What is written and not sent, by whom it is for.
    drafts: BTreeMap<Fingerprint, Draft>,
    /// What was to be sent and was not, the oldest first.
    unsent: VecDeque<Draft>,
    /// Drafts to be sent that are nowhere but here.
    unsaved_count: usize,
    pub(super) relay: RelayState,
    pub(super) progress: BTreeMap<u8, Progress>,
    pub(super) log: VecDeque<Said>,
    /// What was said last, until a key is pressed.
    pub(super) said: Option<Said>,
    /// Relays that a photo waits at, and that nobody was asked about yet.
    questions: VecDeque<RelayLink>,
    /// Those that somebody was asked about.
    answered: BTreeSet<RelayLink>,
    news: Vec<MessageKey>,
    /// Somebody wants to leave once everything is saved.
    is_leaving: bool,
    is_done: bool,
}

impl State {
    /// Before anything is known.
    pub(crate) fn new(columns: u16, rows: u16) -> Self {
        Self {
            home: Home::default(),
            columns,
            rows,
            pages: vec![Page::People],
            people: List::default(),
            loaded: BTreeMap::new(),
            asked: BTreeSet::new(),
            drafts: BTreeMap::new(),
            unsent: VecDeque::new(),
            unsaved_count: 0,
            relay: RelayState::default(),
            progress: BTreeMap::new(),
            log: VecDeque::new(),
            said: None,
            questions: VecDeque::new(),
            answered: BTreeSet::new(),
            news: Vec::new(),
            is_leaving: false,
            is_done: false,
        }
    }

    /// Takes in what happened; what is to be done about it.
    pub(crate) fn on(&mut self, event: Event) -> Vec<Intent> {
        let mut intents = match event {
            Event::Key(key) => {
                self.said = None;
                self.press(&key)
            }
            other => {
                self.hear(other);
                Vec::new()
            }
        };
        self.ask_about_relays();
        self.settle();
        intents.extend(self.wants());
        intents
    }

    /// Whether the person has had enough.
    pub(crate) const fn is_done(&self) -> bool {
        self.is_done
    }

    /// Messages that were to be sent, and are lost if the inbox ends now.
    pub(crate) const fn unsaved_count(&self) -> usize {
        self.unsaved_count
    }

    /// Messages that were news and are on the screen now.
    pub(crate) fn take_news(&mut self) -> Vec<MessageKey> {
        std::mem::take(&mut self.news)
    }

    /// The page on the screen.
    pub(super) fn page(&self) -> &Page {
        self.pages.last().unwrap_or(&Page::People)
    }

    /// What a message says, once it is loaded.
    pub(super) fn loaded(&self, key: &MessageKey) -> Option<&Loaded> {
        self.loaded.get(key)
    }

    /// The messages with somebody.
    pub(super) fn entries(&self, with: &Fingerprint) -> &[Entry] {
        self.home.messages.get(with).map_or(&[], Vec::as_slice)
    }

    /// Somebody.
    pub(super) fn person(&self, fingerprint: &Fingerprint) -> Option<&Person> {
        self.home.people.iter().find(|person| person.fingerprint == *fingerprint)
    }

    /// Rows between the lines above and below.
    pub(super) fn body_rows(&self) -> usize {
        usize::from(self.rows.saturating_sub(FRAME_ROWS)).max(1)
    }

    fn hear(&mut self, event: Event) {
        match event {
            Event::AskCardRelay { relay, card, name } => {
                let question =
                    format!("this person is reached at the relay {}; may this home talk to it?", relay.authority());
                let yes = Intent::Add { card, name, relay: CardRelay::Allowed };
                self.pages.push(Page::Confirm(Confirm { question, yes }));
            }
            Event::AskRelay(relay) => {
                if self.answered.insert(relay.clone()) {
                    self.questions.push_back(relay);
                }
            }
            Event::Card(card) => {
                if let Some(Page::Card(shown)) = self.pages.last_mut() {
                    *shown = Some(card);
                }
            }
            Event::Home(home) => self.take_home(home),
            Event::Key(_) => {}
            Event::Loaded(messages) => self.keep_loaded(messages),
            Event::Met(person) => self.meet(person),
            Event::Photo(seen) => self.take_photo(seen),
            Event::Progress(stage, progress) => {
                let stage = number(stage);
                match progress {
                    Some(progress) => drop(self.progress.insert(stage, progress)),
                    None => drop(self.progress.remove(&stage)),
                }
            }
            Event::Relay(relay) => self.relay = relay,
            Event::Resized { columns, rows } => (self.columns, self.rows) = (columns, rows),
            Event::Said(said) => self.say(said),
            Event::Safety { contact, number } => {
                if let Some(Page::Verifying(page)) = self.pages.last_mut()
                    && page.contact == contact
                {
                    page.number = Some(number);
                }
            }
            Event::Saved => self.settle_one(),
            Event::Unsent { draft, was_saved } => {
                if !was_saved {
                    self.settle_one();
                }
                self.give_back(draft);
            }
        }
    }

    fn say(&mut self, said: Said) {
        self.log.push_back(said.clone());
        while self.log.len() > LOG_LINES {
            self.log.pop_front();
        }
        self.said = Some(said);
    }

    /// Keeps the place one is at: the same person, the same message, or the newest if that was it.
    fn take_home(&mut self, home: Home) {
        let chosen = self.home.people.get(self.people.at()).map(|person| person.fingerprint);
        let before = std::mem::replace(&mut self.home, home);
        self.news.append(&mut self.home.news);
        if let Some(at) = self.home.people.iter().position(|person| Some(person.fingerprint) == chosen) {
            self.people.choose(at);
        }
        for page in &mut self.pages {
            let Page::Conversation(page) = page else { continue };
            let none = Vec::new();
            let old = before.messages.get(&page.with).unwrap_or(&none);
            let new = self.home.messages.get(&page.with).unwrap_or(&none);
            let chosen = old.get(page.list.at()).map(|entry| entry.key);
            if page.list.is_at_end(old.len()) {
                page.list.choose(new.len().saturating_sub(1));
            } else if let Some(at) = new.iter().position(|entry| Some(entry.key) == chosen) {
                page.list.choose(at);
            }
        }
        // What is on the screen stays there until it is loaded again.
        let in_sight = self.in_sight();
        self.loaded.retain(|key, _| in_sight.contains(key));
        self.asked.clear();
        self.pages.retain(|page| match page {
            Page::Answering(page) => self.home.people.iter().any(|person| person.fingerprint == page.request),
            _ => true,
        });
    }

    fn keep_loaded(&mut self, messages: Vec<(MessageKey, Loaded)>) {
        let in_sight = self.in_sight();
        self.loaded.extend(messages);
        if self.loaded.len() > MOST_LOADED {
            self.loaded.retain(|key, _| in_sight.contains(key));
            self.asked.retain(|key| in_sight.contains(key));
        }
    }

    /// A form that was for this is done; their conversation opens.
    fn meet(&mut self, person: Fingerprint) {
        self.pages.retain(|page| match page {
            Page::Adding(_) => false,
            Page::Answering(page) => page.request != person,
            _ => true,
        });
    }

    fn take_photo(&mut self, seen: PhotoSeen) {
        for page in &mut self.pages {
            if let Page::Reading(page) = page
                && page.asked == Some(seen.place)
            {
                page.seen = Some(seen.clone());
            }
        }
    }

    /// One question at a time, and none while somebody writes.
    fn ask_about_relays(&mut self) {
        if self.page().is_form() {
            return;
        }
        if let Some(relay) = self.questions.pop_front() {
            let question = format!("a photo waits at the relay {}; may this home talk to it?", relay.authority());
            self.pages.push(Page::Confirm(Confirm { question, yes: Intent::AllowRelay(relay) }));
        }
    }

    fn settle(&mut self) {
        let rows = self.body_rows();
        self.people.settle(self.home.people.len(), rows);
        let log = self.log.len();
        for page in &mut self.pages {
            match page {
                Page::Conversation(page) => {
                    let count = self.home.messages.get(&page.with).map_or(0, Vec::len);
                    page.list.settle(count, rows);
                }
                Page::Log(list) => list.settle(log, rows),
                _ => {}
            }
        }
    }

    /// The messages of which something is on the screen.
    pub(super) fn in_sight(&self) -> BTreeSet<MessageKey> {
        let rows = self.body_rows();
        match self.page() {
            Page::People => {
                let sight = self.people.in_sight(self.home.people.len(), rows);
                let people = self.home.people.get(sight).unwrap_or_default();
                people
                    .iter()
                    .filter_map(|person| self.entries(&person.fingerprint).last())
                    .map(|entry| entry.key)
                    .collect()
            }
            Page::Conversation(page) => {
                let entries = self.entries(&page.with);
                let sight = page.list.in_sight(entries.len(), rows);
                entries.get(sight).unwrap_or_default().iter().map(|entry| entry.key).collect()
            }
            Page::Reading(page) => BTreeSet::from([page.key]),
            _ => BTreeSet::new(),
        }
    }

    /// What must be loaded for the screen, and was not asked for.
    fn wants(&mut self) -> Vec<Intent> {
        let mut intents = Vec::new();
        let missing: Vec<MessageKey> = self.in_sight().into_iter().filter(|key| self.asked.insert(*key)).collect();
        if !missing.is_empty() {
            intents.push(Intent::Load(missing));
        }
        let Some(Page::Reading(page)) = self.pages.last() else { return intents };
        let Some(loaded) = self.loaded.get(&page.key) else { return intents };
        let room = reading::picture_room(self, page, loaded);
        let place = room.map(|(columns, rows)| Place { key: page.key, photo: page.photo, columns, rows });
        let is_fetched = |place: &Place| page.asked.is_none_or(|asked| asked != *place);
        let Some(place) = place.filter(is_fetched) else { return intents };
        intents.push(Intent::Look(place));
        if let Some(Page::Reading(page)) = self.pages.last_mut() {
            page.asked = Some(place);
            // A drawing for another size is none; what was said of the photo stays.
            if page.seen.as_ref().is_some_and(|seen| seen.place.photo != place.photo) {
                page.seen = None;
            }
        }
        intents
    }
}

const fn number(stage: Stage) -> u8 {
    match stage {
        Stage::Preparing => 1,
        Stage::Uploading => 2,
        Stage::Fetching => 3,
        // Nothing that the inbox does.
        Stage::BackingUp | Stage::Restoring => 4,
    }
}

/// Title and line above; line, what was said, and keys below.
pub(crate) const FRAME_ROWS: u16 = 5;
/// Enough for any window and a page to come back to.
const MOST_LOADED: usize = 512;
const LOG_LINES: usize = 200;

//! Keys on the pages where one looks around: people, a conversation, a message.

use lightproof_core::e2ee::identity::Fingerprint;

use super::State;
use super::field::Field;
use super::list::List;
use super::page::{Adding, Answering, Confirm, Conversation, Page, Reading, Saving, Verifying, Writing};
use crate::inbox::event::{Intent, Key, MessageKey, Standing};
use crate::inbox::reading;
use crate::sanitize::Sanitized;

impl State {
    /// What a key does on the page that is on the screen.
    pub(super) fn press(&mut self, key: &Key) -> Vec<Intent> {
        // Whoever does something else stays.
        let was_leaving = std::mem::take(&mut self.is_leaving);
        match key {
            Key::Control('c') => {
                self.leave(was_leaving);
                return Vec::new();
            }
            Key::Control('z') => return vec![Intent::Suspend],
            Key::Char('q') if !self.page().is_form() => {
                self.leave(was_leaving);
                return Vec::new();
            }
            Key::Char('?') if !self.page().is_form() => {
                self.pages.push(Page::Help);
                return Vec::new();
            }
            Key::Char('l') if !self.page().is_form() => {
                self.pages.push(Page::Log(List::at_end(self.log.len())));
                return Vec::new();
            }
            _ => {}
        }
        match self.pages.last() {
            Some(Page::Conversation(page)) => {
                let page = page.clone();
                self.in_conversation(page, key)
            }
            Some(Page::Reading(page)) => {
                let page = page.clone();
                self.while_reading(page, key)
            }
            Some(Page::People) | None => self.among_people(key),
            Some(_) => self.in_form(key),
        }
    }

    pub(super) fn back(&mut self) {
        if self.pages.len() > 1 {
            self.pages.pop();
        }
    }

    pub(super) fn replace_top(&mut self, page: Page) {
        if let Some(top) = self.pages.last_mut() {
            *top = page;
        }
    }

    pub(super) fn push(&mut self, page: Page) {
        self.pages.push(page);
    }

    fn among_people(&mut self, key: &Key) -> Vec<Intent> {
        let (count, rows) = (self.home.people.len(), self.body_rows());
        if self.people.goes(key, count, rows) {
            return Vec::new();
        }
        let chosen = self.home.people.get(self.people.at()).cloned();
        match (key, chosen) {
            (Key::Char('a'), _) => {
                self.push(Page::Adding(Adding { card: Field::line(""), name: Field::line(""), is_at_name: false }));
                Vec::new()
            }
            (Key::Char('c'), _) => {
                self.push(Page::Card(None));
                vec![Intent::ShowCard]
            }
            (Key::Enter | Key::Right, Some(person)) if person.standing == Standing::Request => {
                let name = Field::line(&person.name);
                self.push(Page::Answering(Answering { request: person.fingerprint, name }));
                Vec::new()
            }
            (Key::Char('d'), Some(person)) if person.standing == Standing::Request => {
                let question = format!(
                    "decline the request of {}? everything it brought goes; they are not told, and may ask again",
                    Sanitized::line(&person.name)
                );
                self.push(Page::Confirm(Confirm { question, yes: Intent::Decline(person.fingerprint) }));
                Vec::new()
            }
            (Key::Enter | Key::Right, Some(person)) => {
                let list = List::at_end(self.entries(&person.fingerprint).len());
                self.push(Page::Conversation(Conversation { with: person.fingerprint, list }));
                Vec::new()
            }
            (Key::Char('w'), Some(person)) => self.write_to(person.fingerprint),
            (Key::Char('v'), Some(person)) => self.verify(person.fingerprint),
            _ => Vec::new(),
        }
    }

    fn in_conversation(&mut self, mut page: Conversation, key: &Key) -> Vec<Intent> {
        let rows = self.body_rows();
        let entries = self.entries(&page.with);
        let chosen = entries.get(page.list.at()).copied();
        if page.list.goes(key, entries.len(), rows) {
            self.replace_top(Page::Conversation(page));
            return Vec::new();
        }
        match (key, chosen) {
            (Key::Escape | Key::Left, _) => {
                self.back();
                Vec::new()
            }
            (Key::Char('w' | 'r'), _) => self.write_to(page.with),
            (Key::Char('v'), _) => self.verify(page.with),
            (Key::Enter | Key::Right, Some(entry)) => {
                self.push(Page::Reading(Reading::of(entry.key)));
                vec![Intent::Read(entry.key)]
            }
            _ => Vec::new(),
        }
    }

    fn while_reading(&mut self, mut page: Reading, key: &Key) -> Vec<Intent> {
        let loaded = self.loaded(&page.key);
        let photos = loaded.map_or(0, |loaded| loaded.message.photos.len());
        let most = loaded.map_or(0, |loaded| reading::most_scrolled(self, &page, loaded));
        let step = self.body_rows() / 2;
        match key {
            Key::Escape => self.back(),
            Key::Char('w' | 'r') => return self.write_to(page.key.contact),
            Key::Char('v') => return self.verify(page.key.contact),
            Key::Char('s') if photos > 0 => self.save(page.key, page.photo),
            Key::Char('n') => return self.read_beside(&page.key, 1),
            Key::Char('p') => return self.read_beside(&page.key, -1),
            Key::Left | Key::Right | Key::Up | Key::Down | Key::PageUp | Key::PageDown => {
                let (scroll, photo) = (page.scroll, page.photo);
                match key {
                    Key::Left => page.photo = photo.saturating_sub(1),
                    Key::Right => page.photo = photo.saturating_add(1).min(photos.saturating_sub(1)),
                    Key::Up => page.scroll = scroll.saturating_sub(1),
                    Key::Down => page.scroll = scroll.saturating_add(1).min(most),
                    Key::PageUp => page.scroll = scroll.saturating_sub(step),
                    _ => page.scroll = scroll.saturating_add(step).min(most),
                }
                self.replace_top(Page::Reading(page));
            }
            _ => {}
        }
        Vec::new()
    }

    /// The next message of the conversation, or the one before.
    fn read_beside(&mut self, key: &MessageKey, step: isize) -> Vec<Intent> {
        let entries = self.entries(&key.contact);
        let at = entries.iter().position(|entry| entry.key == *key);
        let beside = at.and_then(|at| at.checked_add_signed(step)).and_then(|at| Some((at, entries.get(at)?.key)));
        let Some((at, key)) = beside else { return Vec::new() };
        for page in &mut self.pages {
            if let Page::Conversation(page) = page {
                page.list.choose(at);
            }
        }
        self.replace_top(Page::Reading(Reading::of(key)));
        vec![Intent::Read(key)]
    }

    fn save(&mut self, key: MessageKey, photo: usize) {
        self.push(Page::Saving(Saving { key, photo, path: Field::line("./") }));
    }

    /// Only to whom one may write.
    fn write_to(&mut self, contact: Fingerprint) -> Vec<Intent> {
        let standing = self.person(&contact).map(|person| person.standing);
        if matches!(standing, Some(Standing::Verified | Standing::Unverified)) {
            let draft = self.begun_draft(&contact);
            self.push(Page::Writing(Writing::begin(contact, draft)));
        }
        Vec::new()
    }

    fn verify(&mut self, contact: Fingerprint) -> Vec<Intent> {
        let standing = self.person(&contact).map(|person| person.standing);
        if !matches!(standing, Some(Standing::Verified | Standing::Unverified)) {
            return Vec::new();
        }
        self.push(Page::Verifying(Verifying { contact, number: None }));
        vec![Intent::ShowSafety(contact)]
    }
}

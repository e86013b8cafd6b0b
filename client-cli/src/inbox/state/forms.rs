//! Keys on the pages where one types or answers.

use lightproof_core::people::CardRelay;

use super::State;
use super::page::{Adding, Answering, Confirm, Page, Saving, Verifying, Writing};
use crate::inbox::event::{Draft, Intent, Key, Said, Standing, Treatment};
use crate::sanitize::Sanitized;

impl State {
    /// What a key does on a form, and on the pages that are only read.
    pub(super) fn in_form(&mut self, key: &Key) -> Vec<Intent> {
        let Some(page) = self.pages.last().cloned() else { return Vec::new() };
        if *key == Key::Escape {
            if let Page::Writing(page) = &page {
                // What is written waits.
                self.drafts.insert(page.to, page.draft());
            }
            self.back();
            return Vec::new();
        }
        match page {
            Page::Adding(page) => self.adding(page, key),
            Page::Answering(page) => self.answering(page, key),
            Page::Confirm(page) => self.confirming(page, key),
            Page::Log(mut list) => {
                if list.goes(key, self.log.len(), self.body_rows()) {
                    self.replace_top(Page::Log(list));
                } else if *key == Key::Left {
                    self.back();
                }
                Vec::new()
            }
            Page::Saving(page) => self.saving(page, key),
            Page::Verifying(page) => self.verifying(&page, key),
            Page::Writing(page) => self.writing(page, key),
            Page::Card(_) | Page::Conversation(_) | Page::Help | Page::People | Page::Reading(_) => {
                if *key == Key::Left {
                    self.back();
                }
                Vec::new()
            }
        }
    }

    fn adding(&mut self, mut page: Adding, key: &Key) -> Vec<Intent> {
        match key {
            Key::Tab | Key::Up | Key::Down => page.is_at_name = !page.is_at_name,
            Key::Enter if page.card.text().trim().is_empty() => {}
            Key::Enter if !page.is_at_name => page.is_at_name = true,
            Key::Enter => {
                let (card, name) = (page.card.text().trim().to_owned(), page.name.text().to_owned());
                return vec![Intent::Add { card, name, relay: CardRelay::Unasked }];
            }
            key => drop(if page.is_at_name { page.name.takes(key) } else { page.card.takes(key) }),
        }
        self.replace_top(Page::Adding(page));
        Vec::new()
    }

    fn answering(&mut self, mut page: Answering, key: &Key) -> Vec<Intent> {
        if *key == Key::Enter {
            let name = page.name.text();
            let said = self.person(&page.request).map(|person| person.name.as_str());
            // What they call themselves is no name that was typed: the client finds another where somebody has it.
            let name = (!name.is_empty() && said != Some(name)).then(|| name.to_owned());
            return vec![Intent::Accept { request: page.request, name }];
        }
        page.name.takes(key);
        self.replace_top(Page::Answering(page));
        Vec::new()
    }

    fn confirming(&mut self, page: Confirm, key: &Key) -> Vec<Intent> {
        match key {
            Key::Char('y' | 'Y') => {
                self.back();
                vec![page.yes]
            }
            Key::Char('n' | 'N') | Key::Enter => {
                self.back();
                Vec::new()
            }
            _ => Vec::new(),
        }
    }

    fn saving(&mut self, mut page: Saving, key: &Key) -> Vec<Intent> {
        if *key == Key::Enter && !page.path.text().trim().is_empty() {
            let Saving { key, photo, path } = page;
            self.back();
            return vec![Intent::Save { key, photo, path: path.text().trim().to_owned() }];
        }
        page.path.takes(key);
        self.replace_top(Page::Saving(page));
        Vec::new()
    }

    fn verifying(&mut self, page: &Verifying, key: &Key) -> Vec<Intent> {
        match key {
            Key::Left => self.back(),
            Key::Char('m') if page.number.is_some() => {
                let person = self.person(&page.contact);
                if let Some(person) = person.filter(|person| person.standing == Standing::Unverified) {
                    let name = Sanitized::line(&person.name).to_string();
                    let question = format!("did {name} see the same number, in person or in a call?");
                    self.push(Page::Confirm(Confirm { question, yes: Intent::Mark(page.contact) }));
                }
            }
            _ => {}
        }
        Vec::new()
    }

    fn writing(&mut self, mut page: Writing, key: &Key) -> Vec<Intent> {
        match key {
            Key::Tab => page.is_at_path = !page.is_at_path,
            Key::Control('t') => {
                page.treatment = match page.treatment {
                    Treatment::Compressed => Treatment::Original,
                    Treatment::Original => Treatment::Exact,
                    Treatment::Exact => Treatment::Compressed,
                }
            }
            Key::Control('x') => drop(page.photos.pop()),
            Key::Enter if page.is_at_path => {
                let path = page.path.text().trim().to_owned();
                if path.is_empty() {
                    page.is_at_path = false;
                } else if page.photos.len() >= MOST_PHOTOS {
                    self.say(Said::warning(format!("a message holds at most {MOST_PHOTOS} photos")));
                } else {
                    page.photos.push(path);
                    page.path = super::field::Field::line("");
                }
            }
            Key::Enter => {
                let draft = page.draft();
                if !draft.photos.is_empty() || !draft.note.trim().is_empty() {
                    return self.send(draft);
                }
            }
            key => drop(if page.is_at_path { page.path.takes(key) } else { page.note.takes(key) }),
        }
        self.replace_top(Page::Writing(page));
        Vec::new()
    }

    /// The next one for the same person begins empty.
    fn send(&mut self, draft: Draft) -> Vec<Intent> {
        if let Some(to) = draft.to {
            self.drafts.remove(&to);
        }
        self.unsaved_count = self.unsaved_count.saturating_add(1);
        self.back();
        vec![Intent::Send(draft)]
    }
}

/// As `send` says too.
const MOST_PHOTOS: usize = 16;

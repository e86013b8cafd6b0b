//! `contact …`: people I know.

use std::fmt::{self, Write as _};

use lightproof_core::contact::{Contact as Person, Standing, Trust};
use lightproof_core::people::Receipts;
use lightproof_core::wire::relay_link::RelayLink;
use serde::Serialize;

use super::present::contact;
use crate::args::{Contact, ReceiptsName};
use crate::clock::{now, rng};
use crate::exit::{Exit, Failure};
use crate::opened::Opened;
use crate::output::{Output, Page, Report, Style};
use crate::plan::ContactName;
use crate::sanitize::Sanitized;

pub(crate) mod add;
mod verify;

pub(super) async fn run(typed: Contact, opened: &Opened, output: &mut Output) -> Result<Exit, Failure> {
    let client = &opened.client;
    match typed {
        Contact::Add { .. } => return Err(Failure::failed("a card is read before the home is opened")),
        Contact::List => {
            for person in client.contacts().await? {
                output.report(&Known::short(&person))?;
            }
        }
        Contact::Show { name } => {
            let person = contact(opened, name.as_str()).await?;
            output.report(&Known::whole(&person))?;
        }
        Contact::Verify { name, qr, mark } => {
            let person = contact(opened, name.as_str()).await?;
            return verify::run(&person, verify::Wanted { qr, mark }, opened, output).await;
        }
        Contact::Rename { name, new_name } => {
            let person = contact(opened, name.as_str()).await?;
            client.rename(&person.fingerprint, new_name.as_str(), &mut rng()).await?;
            output.remark(format_args!("{} is now called {}", Sanitized::line(person.name.as_str()), new_name));
        }
        Contact::Receipts { name, receipts } => {
            let person = contact(opened, name.as_str()).await?;
            let receipts = match receipts {
                ReceiptsName::On => Receipts::On,
                ReceiptsName::Off => Receipts::Off,
            };
            client.set_receipts(&person.fingerprint, receipts, &mut rng()).await?;
            output.remark(match receipts {
                Receipts::On => format!("{name} hears from now on what arrived and what you looked at"),
                Receipts::Off => format!("{name} hears from now on neither what arrived nor what you looked at"),
            });
        }
        Contact::Block { name } => {
            let person = contact(opened, name.as_str()).await?;
            let given_up = client.block(&person.fingerprint, now(), &mut rng()).await?;
            output.remark(format_args!("{name} is blocked: nothing of theirs is taken or shown any more"));
            tell_given_up(given_up, &name, output);
        }
        Contact::Remove { name } => {
            let person = contact(opened, name.as_str()).await?;
            let given_up = client.remove_contact(&person.fingerprint, now(), &mut rng()).await?;
            output.remark(format_args!("{name} is removed, and may ask again"));
            tell_given_up(given_up, &name, output);
        }
    }
    Ok(Exit::Done)
}

/// What was still to go out to somebody who was blocked or removed.
fn tell_given_up(count: usize, name: &ContactName, output: &mut Output) {
    match count {
        0 => {}
        1 => output.remark(format_args!("1 message that was still to go out to {name} is given up")),
        _ => output.remark(format_args!("{count} messages that were still to go out to {name} are given up")),
    }
}

/// A contact.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename = "contact")]
pub(super) struct Known {
    name: String,
    /// `accepted` or `blocked`.
    standing: &'static str,
    /// `verified` once safety numbers were compared, `unverified` before.
    trust: &'static str,
    fingerprint: String,
    /// What they say they are called.
    says: String,
    relay: Option<String>,
    /// `on` or `off`: whether they hear that messages arrived and were looked at.
    receipts: &'static str,
    #[serde(skip)]
    detail: Detail,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Detail {
    Line,
    Page,
}

impl Known {
    /// For a list.
    pub(super) fn short(person: &Person) -> Self {
        Self::of(person, Detail::Line)
    }

    /// With everything we know.
    pub(super) fn whole(person: &Person) -> Self {
        Self::of(person, Detail::Page)
    }

    fn of(person: &Person, detail: Detail) -> Self {
        let relay = person.address().and_then(|address| RelayLink::from_text(&address.relay).ok());
        Self {
            name: person.name.as_str().to_owned(),
            standing: match person.standing {
                Standing::Accepted => "accepted",
                Standing::Blocked => "blocked",
                Standing::Requested | Standing::Removed => "unknown",
            },
            trust: match person.trust {
                Trust::Verified => "verified",
                Trust::Unverified => "unverified",
            },
            fingerprint: person.fingerprint.to_string(),
            says: person.hint.as_str().to_owned(),
            relay: relay.map(|relay| relay.to_string()),
            receipts: if person.receipts.is_yes() { "on" } else { "off" },
            detail,
        }
    }
}

impl Report for Known {
    fn for_people(&self, page: &mut Page) -> fmt::Result {
        let style = match (self.standing, self.trust) {
            ("blocked", _) => Style::Danger,
            (_, "verified") => Style::Good,
            _ => Style::Caution,
        };
        let word = if self.standing == "blocked" { self.standing } else { self.trust };
        let state = page.ink().paint(style, word);
        let name = page.ink().paint(Style::Strong, Sanitized::line(&self.name));
        if self.detail == Detail::Line {
            return writeln!(page, "{name}  {state}");
        }
        writeln!(page, "{name}  {state}")?;
        writeln!(page, "  fingerprint  {}", self.fingerprint)?;
        if !self.says.is_empty() {
            writeln!(page, "  calls itself {}", Sanitized::line(&self.says))?;
        }
        if self.receipts == "off" {
            writeln!(page, "  receipts     off: nothing of what arrived or was looked at is told")?;
        }
        match &self.relay {
            Some(relay) => writeln!(page, "  reached at   {}", Sanitized::line(relay)),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::hostile::assert_shown_as_ink;
    use crate::sanitize::hostile::texts;

    fn known(name: &str, says: &str, detail: Detail) -> Known {
        Known {
            name: name.to_owned(),
            standing: "accepted",
            trust: "unverified",
            fingerprint: "ab".to_owned(),
            says: says.to_owned(),
            relay: None,
            receipts: "on",
            detail,
        }
    }

    #[test]
    fn no_contact_hint_reaches_a_person_or_a_program_as_anything_but_ink() {
        let mut count = 0;
        for text in texts() {
            let page = assert_shown_as_ink(&known(&text, &text, Detail::Page), "says", &text);
            assert_eq!(page.lines().count(), if text.is_empty() { 2 } else { 3 }, "{text:?} left its line");
            count += 1;
        }
        println!("evidence: A25 P16 | {count} hostile hints and names of contacts, shown as ink | -");
    }
}

//! `contact add`: somebody by their contact card.

use lightproof_core::contact::{Contact, Standing};
use lightproof_core::e2ee::card::{CARD_TEXT_BYTES, CardError, ContactCard};
use lightproof_core::people::CardRelay;
use lightproof_core::{ClientError, wire::relay_link::RelayLink};

use super::Known;
use crate::args::Global;
use crate::clock::{now, rng};
use crate::exit::{Exit, Failure};
use crate::explain::allow_hint;
use crate::opened::{Opened, is_set};
use crate::output::{Output, Reader};
use crate::plan::{CardSource, ContactName, PassphraseSource, one_reader_of_stdin};
use crate::sanitize::Sanitized;
use crate::source::read_text;
use crate::terminal::{confirm, somebody_answers};

/// Whom to add.
pub(in crate::commands) struct Adding {
    card: ContactCard,
    name: Option<ContactName>,
    relay: CardRelay,
}

/// Reads the card.
///
/// # Errors
/// Where it cannot be read, or is none.
pub(in crate::commands) fn plan(
    card: &CardSource,
    name: Option<ContactName>,
    allow_relay: bool,
    global: &Global,
) -> Result<Adding, Failure> {
    let parsed = match card {
        CardSource::Text(text) => ContactCard::parse(text),
        CardSource::Input(input) => {
            let source = PassphraseSource::current(global, is_set);
            one_reader_of_stdin([input].into_iter().chain(source.input()))?;
            ContactCard::parse(&read_text(input, "the card", CARD_TEXT_BYTES * 2)?)
        }
    };
    let card = parsed.map_err(|error: CardError| Failure::from(ClientError::Card(error)))?;
    // What a stranger calls themselves becomes our name for them only if it is one we could have typed.
    let name = name.or_else(|| card.name_hint.as_str().parse().ok());
    Ok(Adding { card, name, relay: if allow_relay { CardRelay::Typed } else { CardRelay::Unasked } })
}

pub(in crate::commands) async fn run(adding: Adding, opened: &Opened, output: &mut Output) -> Result<Exit, Failure> {
    let Adding { card, name, relay } = adding;
    let known = opened.client.contacts().await?.into_iter().find(|contact| contact.fingerprint == card.fingerprint);
    if name.is_none() && known.is_none() {
        return Err(ClientError::BadName.into());
    }
    let is_allowed = opened.client.is_relay_allowed(&card.relay).await?;
    let relay = if relay == CardRelay::Unasked && !is_allowed { ask(&card.relay, output).await? } else { relay };
    // Without --name, somebody we know keeps the name we gave them.
    let name = if known.is_some() { adding_name(name.as_ref(), &card) } else { name.as_ref().map(ContactName::as_str) };
    let person = opened.client.add_contact(&card, name, relay, now(), &mut rng()).await?;
    output.report(&Known::whole(&person))?;
    if known.is_some_and(|known| known.standing == Standing::Blocked) {
        output.remark(heard_again(&person));
    }
    if relay == CardRelay::Unasked && !is_allowed {
        output.warn(format_args!(
            "the relay {} is not allowed yet: {}",
            card.relay.authority(),
            allow_hint(&card.relay)
        ));
    }
    if output.reader() == Reader::Person {
        let name = Sanitized::word(person.name.as_str());
        output.remark(format_args!("compare safety numbers when you can: lightproof contact verify {name}"));
    }
    Ok(Exit::Done)
}

/// Of somebody who was blocked until their card was added once more.
pub(crate) fn heard_again(person: &Contact) -> String {
    let name = Sanitized::line(person.name.as_str());
    format!("{name} was blocked, and is no longer: what they send comes in again")
}

/// A name that was typed; not the one that the card brought.
fn adding_name<'a>(name: Option<&'a ContactName>, card: &ContactCard) -> Option<&'a str> {
    name.map(ContactName::as_str).filter(|name| *name != card.name_hint.as_str())
}

/// Asks where somebody is there to answer.
async fn ask(relay: &RelayLink, output: &Output) -> Result<CardRelay, Failure> {
    if output.reader() == Reader::Json || !somebody_answers() {
        return Ok(CardRelay::Unasked);
    }
    let question = format!("this person is reached at the relay {}; may this home talk to it?", relay.authority());
    let yes = confirm(&question, "use --allow-relay").await?;
    Ok(if yes { CardRelay::Allowed } else { CardRelay::Unasked })
}

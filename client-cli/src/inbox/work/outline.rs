//! A look at the whole home: who there is, and which messages, without what they say.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use lightproof_core::ClientError;
use lightproof_core::contact::{Contact, Standing as Kept, Trust};
use lightproof_core::e2ee::identity::Fingerprint;
use lightproof_core::message::{Direction, State};

use crate::inbox::event::{Entry, Home, MessageKey, Person, Standing};
use crate::opened::Opened;

/// As it is now.
///
/// # Errors
/// The vault's.
pub(super) async fn of(opened: &Opened) -> Result<Home, ClientError> {
    let client = &opened.client;
    let mut home = Home { me: client.profile().await?.name.as_str().to_owned(), ..Home::default() };
    let mut latest: BTreeMap<Fingerprint, u64> = BTreeMap::new();
    for message in client.messages().await? {
        let is_in = message.direction == Direction::In;
        let key = MessageKey::of(&message);
        if is_in && !message.told.is_yes() && message.state != State::Waiting {
            home.news.push(key);
        }
        let number = latest.entry(message.contact).or_default();
        *number = message.number.max(*number);
        let is_unread = is_in && !message.read.is_yes();
        home.messages.entry(message.contact).or_default().push(Entry { key, state: message.state, is_unread });
    }
    let requests = client.requests().await?;
    let mut contacts = client.contacts().await?;
    contacts.sort_by_key(|contact| Reverse(latest.get(&contact.fingerprint).copied()));
    home.people = requests.iter().chain(&contacts).map(|contact| person(contact, &home)).collect();
    let drafts = client.outgoing().await?.iter().filter(|outgoing| !outgoing.is_enclosed()).count();
    let sealed = client.outbox().await?.len();
    home.under_way = drafts.saturating_add(sealed).saturating_add(client.waiting_retracts().await?.len());
    Ok(home)
}

fn person(contact: &Contact, home: &Home) -> Person {
    let standing = match (contact.standing, contact.trust) {
        (Kept::Requested, _) => Standing::Request,
        (Kept::Blocked | Kept::Removed, _) => Standing::Blocked,
        (Kept::Accepted, Trust::Verified) => Standing::Verified,
        (Kept::Accepted, Trust::Unverified) => Standing::Unverified,
    };
    let name = if standing == Standing::Request { contact.hint.as_str() } else { contact.name.as_str() };
    let entries = home.messages.get(&contact.fingerprint);
    let unread = entries.map_or(0, |entries| entries.iter().filter(|entry| entry.is_unread).count());
    Person { fingerprint: contact.fingerprint, name: name.to_owned(), standing, unread }
}

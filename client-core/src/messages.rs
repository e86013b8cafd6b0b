//! What a user does with messages: list, look, delete; and what a user interface has told of.

use std::collections::BTreeSet;

use lightproof_e2ee::{frame::MessageId, identity::Fingerprint, receipt::ReceiptKind};
use lightproof_wire::time::Timestamp;
use rand_core::CryptoRng;

use crate::{
    client::{Client, until_undisturbed},
    contact::{Contact, Standing},
    error::ClientError,
    message::{Direction, Message, State},
    people::only,
    spool::Spool,
    transport::Transport,
    vault::{
        record::{Flag, Record as _},
        store::Store,
    },
};

impl<S: Store, P: Spool, T: Transport> Client<S, P, T> {
    /// Every message with people who are not waiting for an answer of ours, in the order they were saved; those of one
    /// sender's line in the order they were sent.
    ///
    /// # Errors
    /// The vault's.
    pub async fn messages(&self) -> Result<Vec<Message>, ClientError> {
        let people: Vec<Contact> = self.vault.scan().await?;
        let known: BTreeSet<Fingerprint> = people
            .iter()
            .filter(|contact| contact.standing != Standing::Requested)
            .map(|contact| contact.fingerprint)
            .collect();
        let mut messages: Vec<Message> = self.vault.scan().await?;
        messages.retain(|message| known.contains(&message.contact));
        messages.sort_by_key(|message| message.number);
        put_lines_in_order(&mut messages);
        Ok(messages)
    }

    /// Received messages that a user interface has not told of, in order, with those that are still waiting.
    ///
    /// # Errors
    /// The vault's.
    pub async fn news(&self) -> Result<Vec<Message>, ClientError> {
        let mut messages = self.messages().await?;
        messages.retain(|message| message.direction == Direction::In && !message.told.is_yes());
        Ok(messages)
    }

    /// A message by the beginning of its id; four hexadecimal digits or more.
    ///
    /// # Errors
    /// [`ClientError::Unknown`] for none or several, or the vault's.
    pub async fn message(&self, name: &str) -> Result<Message, ClientError> {
        let mut found = self.messages().await?;
        let wanted = name.to_ascii_lowercase();
        found.retain(|message| wanted.len() >= 4 && message.name().starts_with(&wanted));
        only(found, name)
    }

    /// A message by its whole name, without a look at the others; `None` once it is gone.
    ///
    /// # Errors
    /// The vault's.
    pub async fn message_of(
        &self,
        contact: &Fingerprint,
        direction: Direction,
        id: &MessageId,
    ) -> Result<Option<Message>, ClientError> {
        Ok(self.vault.get(&Message::record_id(contact, direction, id)).await?)
    }

    /// A user interface has told of a message, in the state it had; if that changed since, it is news again.
    ///
    /// # Errors
    /// The vault's.
    pub async fn told_of(&self, message: &Message, rng: &mut impl CryptoRng) -> Result<(), ClientError> {
        self.edit_message(message, rng, |stored| {
            if stored.state == message.state {
                stored.told = Flag::Yes;
            }
        })
        .await
    }

    /// A person looks at a message as it is given: it is read, and its sender hears of it if they asked. To be saved before
    /// it is shown: what is on a screen and is taken back then stays.
    ///
    /// # Errors
    /// [`ClientError::NotNow`] where its sender took it back meanwhile, [`ClientError::Verification`] where a photo of it
    /// turned out to be another, [`ClientError::Unknown`] where it was deleted: it is not to be shown; or the vault's.
    pub async fn viewed(&self, message: &Message, now: Timestamp, rng: &mut impl CryptoRng) -> Result<(), ClientError> {
        let is_old = message.read.is_yes() && !message.owes_viewed();
        if message.direction == Direction::Out || is_old || message.is_for_one_look() {
            return Ok(());
        }
        until_undisturbed(async || {
            let mut turn = self.vault.turn();
            let stored: Option<Message> = turn.get(&message.id()).await?;
            let mut stored = stored.ok_or_else(|| ClientError::Unknown(message.name()))?;
            match stored.state {
                State::Retracted => return Err(ClientError::NotNow("its sender has just taken this message back")),
                State::Failed if message.state != State::Failed => return Err(ClientError::Verification),
                _ if stored.read.is_yes() && !stored.owes_viewed() => return Ok(()),
                _ => {}
            }
            let contact: Option<Contact> = turn.get(message.contact.as_bytes()).await?;
            stored.read = Flag::Yes;
            if stored.owes_viewed() {
                stored.viewed_wanted = Flag::No;
                if let Some(contact) = contact.filter(Contact::is_accepted) {
                    self.owe_receipt(&mut turn, &contact, (ReceiptKind::Viewed, stored.message_id), now, rng).await?;
                }
            }
            turn.put(&stored, rng);
            Ok(turn.commit().await?)
        })
        .await
    }

    /// Deletes a message here: its note, its keys, then its sealed photos. What the other side has stays theirs.
    ///
    /// # Errors
    /// The vault's and the spool's.
    pub async fn delete_message(&self, message: &Message) -> Result<(), ClientError> {
        let mut turn = self.vault.turn();
        message.delete(&mut turn);
        turn.commit().await?;
        for photo in message.photos.iter().filter(|_| message.direction == Direction::In) {
            self.spool.remove(photo.spool).await?;
        }
        Ok(())
    }

    async fn edit_message(
        &self,
        message: &Message,
        rng: &mut impl CryptoRng,
        edit: impl Fn(&mut Message),
    ) -> Result<(), ClientError> {
        until_undisturbed(async || {
            let mut turn = self.vault.turn();
            let Some(mut stored) = turn.get::<Message>(&message.id()).await? else { return Ok(()) };
            edit(&mut stored);
            turn.put(&stored, rng);
            Ok(turn.commit().await?)
        })
        .await
    }
}

/// Within one line the sender's order counts, whatever the order of arrival: the places a line's messages hold among all
/// others stay, and are filled by index.
fn put_lines_in_order(messages: &mut [Message]) {
    let mut lines: std::collections::BTreeMap<_, Vec<usize>> = std::collections::BTreeMap::new();
    for (place, message) in messages.iter().enumerate().filter(|(_, message)| message.direction == Direction::In) {
        lines.entry((message.contact, message.line)).or_default().push(place);
    }
    for places in lines.into_values() {
        let mut of_line: Vec<Message> = places.iter().filter_map(|place| messages.get(*place).cloned()).collect();
        of_line.sort_by_key(|message| message.index);
        for (place, message) in places.into_iter().zip(of_line) {
            if let Some(slot) = messages.get_mut(place) {
                *slot = message;
            }
        }
    }
}

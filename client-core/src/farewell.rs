//! Farewell: before a home is erased, its relays are told that nobody comes back, as far as they are reached.

use std::collections::BTreeSet;

use lightproof_wire::{
    codec::Text,
    command::{Command, Readers},
    limits::RELAY_LINK_BYTES,
    refusal::Refusal,
    relay_link::RelayLink,
    reply::Reply,
    time::Timestamp,
};
use rand_core::CryptoRng;

use crate::{
    client::{Client, Purpose},
    connection::expect_reply,
    error::ClientError,
    mailboxes::Mailbox,
    message::{Direction, Message, State},
    send::Outgoing,
    spool::Spool,
    transport::Transport,
    vault::store::Store,
};

/// What relays were told.
#[derive(Debug, Default)]
pub struct Farewell {
    /// Mailboxes that are retired.
    pub mailboxes: usize,
    /// Photos of which no receipt has come, and that nobody can fetch any more.
    pub blobs: usize,
    /// Relays that were not reached, or refused.
    pub not_told: BTreeSet<RelayLink>,
}

/// One thing to say to a relay.
struct Word {
    relay: RelayLink,
    purpose: Purpose,
    command: Command,
}

impl<S: Store, P: Spool, T: Transport> Client<S, P, T> {
    /// Retires every mailbox and revokes every blob that somebody could still fetch. Only what a relay answered counts.
    ///
    /// # Errors
    /// The vault's; a relay that is not reached is named in what comes back.
    pub async fn farewell(&self, now: Timestamp, rng: &mut impl CryptoRng) -> Result<Farewell, ClientError> {
        let mut farewell = Farewell::default();
        for word in self.last_words().await? {
            if farewell.not_told.contains(&word.relay) {
                continue;
            }
            let is_mailbox = word.purpose == Purpose::Mailboxes;
            match self.say(&word, now, rng).await {
                Ok(true) if is_mailbox => farewell.mailboxes = farewell.mailboxes.saturating_add(1),
                Ok(true) => farewell.blobs = farewell.blobs.saturating_add(1),
                Ok(false) => {}
                Err(error @ (ClientError::Vault(_) | ClientError::Damaged)) => return Err(error),
                Err(_) => drop(farewell.not_told.insert(word.relay)),
            }
        }
        Ok(farewell)
    }

    /// Whether there was something to end.
    async fn say(&self, word: &Word, now: Timestamp, rng: &mut impl CryptoRng) -> Result<bool, ClientError> {
        let connection = self.connection(&word.relay, word.purpose, now, rng).await?;
        match connection.call(word.command.clone()).await {
            Err(ClientError::Refused(Refusal::Refused)) => Ok(false),
            reply => expect_reply!(reply?, Reply::Done => true),
        }
    }

    async fn last_words(&self) -> Result<Vec<Word>, ClientError> {
        let link = |text: &Text<RELAY_LINK_BYTES>| RelayLink::from_text(text).map_err(|_| ClientError::Damaged);
        let mut words = Vec::new();
        for mailbox in self.vault.scan::<Mailbox>().await?.into_iter().filter(|mailbox| mailbox.created.is_yes()) {
            let command = Command::Retire { owner: mailbox.owner.clone() };
            words.push(Word { relay: link(&mailbox.relay)?, purpose: Purpose::Mailboxes, command });
        }
        let revoke = |write, readers| Command::RevokeBlob { write, readers };
        for outgoing in self.vault.scan::<Outgoing>().await? {
            for photo in outgoing.photos.iter() {
                // Those who have an envelope lose their right below, with their message, unless they have the photo.
                let without =
                    outgoing.recipients.iter().zip(photo.readers.iter()).filter(|(to, _)| to.message_id.is_none());
                let readers = match outgoing.is_begun() {
                    true => without.map(|(_, read)| Readers::One(read.hash())).collect(),
                    false => vec![Readers::All],
                };
                for readers in readers {
                    let command = revoke(photo.write.clone(), readers);
                    words.push(Word { relay: link(&outgoing.relay)?, purpose: Purpose::Others, command });
                }
            }
        }
        let is_open = |message: &Message| {
            message.direction == Direction::Out && matches!(message.reached(), State::Outbox | State::Deposited)
        };
        for message in self.vault.scan::<Message>().await?.iter().filter(|message| is_open(message)) {
            for (photo, write) in message.photos.iter().zip(message.writes.iter()) {
                let command = revoke(write.clone(), Readers::One(photo.facts.read.hash()));
                words.push(Word { relay: link(&message.blob_relay)?, purpose: Purpose::Others, command });
            }
        }
        Ok(words)
    }
}

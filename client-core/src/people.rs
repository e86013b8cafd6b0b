//! What a user does with people: add, compare, rename, block, remove; answer those who wrote for the first time.

use lightproof_e2ee::{card::ContactCard, frame::Reply, identity::Fingerprint, safety_number::SafetyNumber};
use lightproof_wire::{codec::Text, relay_link::RelayLink, time::Timestamp};
use rand_core::CryptoRng;

use crate::{
    client::{Client, until_undisturbed},
    contact::{Contact, NAME_BYTES, Standing, Trust},
    error::ClientError,
    home::unknown,
    names::{NewName, check_name},
    profile::Profile,
    receive::DueReceipt,
    relays::Relay,
    spool::Spool,
    transport::{NamedBy, Transport},
    vault::{Turn, record::Flag, store::Store},
};

/// Whether the user has typed, or said yes to, the relay of a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CardRelay {
    /// The user typed the link: any address will do.
    Typed,
    /// The user was asked and said yes: public addresses only.
    Allowed,
    /// Not asked yet.
    Unasked,
}

/// Whether a contact is told that messages arrived and were looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Receipts {
    /// No: nothing but the ack that every frame of ours carries.
    Off,
    /// Yes.
    On,
}

impl<S: Store, P: Spool, T: Transport> Client<S, P, T> {
    /// Adds a contact, or renews the doorbell of one we have. Nothing is sent.
    ///
    /// # Errors
    /// [`ClientError::OwnCard`], [`ClientError::ChangedIdentity`] where the name belongs to another key,
    /// [`ClientError::BadName`], or the vault's.
    pub async fn add_contact(
        &self,
        card: &ContactCard,
        name: Option<&str>,
        relay: CardRelay,
        now: Timestamp,
        rng: &mut impl CryptoRng,
    ) -> Result<Contact, ClientError> {
        if card.fingerprint == self.identity.fingerprint() {
            return Err(ClientError::OwnCard);
        }
        let known: Option<Contact> = self.vault.get(card.fingerprint.as_bytes()).await?;
        let kept = known.map(|contact| contact.name.as_str().to_owned()).filter(|name| !name.is_empty());
        let given = name.map(str::to_owned).or(kept).unwrap_or_else(|| card.name_hint.as_str().to_owned());
        let name = check_name(&given)?;
        if relay != CardRelay::Unasked {
            self.keep_relay(&card.relay, relay == CardRelay::Typed, rng).await?;
        }
        until_undisturbed(async || {
            let mut turn = self.vault.turn();
            self.check_free(&mut turn, &name, &card.fingerprint).await?;
            let known: Option<Contact> = turn.get(card.fingerprint.as_bytes()).await?;
            let mut contact = match known {
                Some(contact) => contact,
                None => {
                    let mut profile: Profile = turn.get(Profile::ID).await?.ok_or(ClientError::Damaged)?;
                    let number = profile.take_number();
                    turn.put(&profile, rng);
                    Contact::new(card.fingerprint, Standing::Accepted, number, now)
                }
            };
            contact.standing = Standing::Accepted;
            if contact.generation > 0 && contact.sending().is_none() {
                // They may still write in a session that was destroyed when we parted: a new one tells them.
                contact.want_hello_today(now.day());
            }
            contact.name = name.clone();
            contact.hint = card.name_hint.clone();
            let doorbell = Reply { drop: card.doorbell.clone(), relay: card.relay.to_text() };
            if contact.doorbell.as_ref().is_some_and(|known| *known != doorbell) {
                // A fresh card for somebody we could reach before: what they told us earlier may be gone.
                (contact.private, contact.earlier) = (None, None);
            }
            contact.doorbell = Some(doorbell);
            turn.put(&contact, rng);
            turn.commit().await?;
            Ok(contact)
        })
        .await
    }

    /// Whether this host may be contacted.
    ///
    /// # Errors
    /// The vault's.
    pub async fn is_relay_allowed(&self, link: &RelayLink) -> Result<bool, ClientError> {
        match self.may_contact(link).await {
            Ok(_) => Ok(true),
            Err(ClientError::RelayNotAllowed(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Keeps a relay as allowed. A link of the same host that the user has typed stays the only one: whoever made a card, and
    /// when, is no reason to accept another key there.
    ///
    /// # Errors
    /// The vault's.
    pub async fn keep_relay(&self, link: &RelayLink, typed: bool, rng: &mut impl CryptoRng) -> Result<(), ClientError> {
        until_undisturbed(async || {
            let mut turn = self.vault.turn();
            let text = link.to_text();
            let is_other = |known: &Relay| known.link != text && known.is_at(link) && known.named_by() == NamedBy::User;
            if turn.scan::<Relay>().await?.iter().any(is_other) {
                return Ok(());
            }
            let known: Option<Relay> = turn.get(text.as_str().as_bytes()).await?;
            let relay = match known {
                Some(relay) if relay.typed.is_yes() || !typed => return Ok(()),
                Some(relay) => Relay { typed: Flag::Yes, ..relay },
                None => Relay::new(link, false, typed, None),
            };
            turn.put(&relay, rng);
            Ok(turn.commit().await?)
        })
        .await
    }

    /// Everybody, by name: accepted and blocked contacts, not requests.
    ///
    /// # Errors
    /// The vault's.
    pub async fn contacts(&self) -> Result<Vec<Contact>, ClientError> {
        let mut contacts: Vec<Contact> = self.vault.scan().await?;
        contacts.retain(|contact| matches!(contact.standing, Standing::Accepted | Standing::Blocked));
        contacts.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(contacts)
    }

    /// A contact by name, or by the beginning of the fingerprint (eight hexadecimal digits or more).
    ///
    /// # Errors
    /// [`ClientError::Unknown`], or the vault's.
    pub async fn contact(&self, name: &str) -> Result<Contact, ClientError> {
        let contacts = self.contacts().await?;
        if let Some(contact) = contacts.iter().find(|contact| contact.name.as_str() == name) {
            return Ok(contact.clone());
        }
        only(contacts.into_iter().filter(|contact| starts_with(&contact.fingerprint, name)).collect(), name)
    }

    /// A contact by fingerprint, requests included.
    ///
    /// # Errors
    /// [`ClientError::Unknown`], or the vault's.
    pub async fn person(&self, fingerprint: &Fingerprint) -> Result<Contact, ClientError> {
        self.vault.get(fingerprint.as_bytes()).await?.ok_or_else(|| unknown(fingerprint))
    }

    /// People who wrote for the first time, the oldest first.
    ///
    /// # Errors
    /// The vault's.
    pub async fn requests(&self) -> Result<Vec<Contact>, ClientError> {
        let mut requests: Vec<Contact> = self.vault.scan().await?;
        requests.retain(|contact| contact.standing == Standing::Requested);
        requests.sort_by_key(|contact| contact.number);
        Ok(requests)
    }

    /// A request by number, or by the beginning of the fingerprint.
    ///
    /// # Errors
    /// [`ClientError::Unknown`], or the vault's.
    pub async fn request(&self, name: &str) -> Result<Contact, ClientError> {
        let requests = self.requests().await?;
        if let Ok(number) = name.parse::<u64>()
            && let Some(request) = requests.iter().find(|request| request.number == number)
        {
            return Ok(request.clone());
        }
        only(requests.into_iter().filter(|request| starts_with(&request.fingerprint, name)).collect(), name)
    }

    /// Accepts somebody: from now on what they send is fetched, shown and answered.
    ///
    /// # Errors
    /// [`ClientError::BadName`], [`ClientError::ChangedIdentity`] (both of a name that was typed), or the vault's.
    pub async fn accept(
        &self,
        fingerprint: &Fingerprint,
        name: NewName<'_>,
        rng: &mut impl CryptoRng,
    ) -> Result<Contact, ClientError> {
        let request = self.person(fingerprint).await?;
        let name = name.of(&request, &self.vault.scan().await?)?;
        self.edit_contact(fingerprint, rng, async |turn: &mut Turn<'_, S>, contact: &mut Contact| {
            self.check_free(turn, &name, fingerprint).await?;
            contact.standing = Standing::Accepted;
            contact.name = name.clone();
            // What did not fit a request may be opened now.
            self.sessions_changed.set(true);
            Ok(())
        })
        .await
    }

    /// Declines somebody: the request goes with everything it brought. They may ask again.
    ///
    /// # Errors
    /// The vault's.
    pub async fn decline(
        &self,
        fingerprint: &Fingerprint,
        now: Timestamp,
        rng: &mut impl CryptoRng,
    ) -> Result<(), ClientError> {
        self.part_from(fingerprint, Standing::Requested, now, rng).await.map(drop)
    }

    /// Renames a contact.
    ///
    /// # Errors
    /// [`ClientError::BadName`], [`ClientError::ChangedIdentity`], or the vault's.
    pub async fn rename(
        &self,
        fingerprint: &Fingerprint,
        name: &str,
        rng: &mut impl CryptoRng,
    ) -> Result<Contact, ClientError> {
        let name = check_name(name)?;
        self.edit_contact(fingerprint, rng, async |turn: &mut Turn<'_, S>, contact: &mut Contact| {
            self.check_free(turn, &name, fingerprint).await?;
            contact.name = name.clone();
            Ok(())
        })
        .await
    }

    /// Blocks a contact: their mailbox goes, their sessions are destroyed, the fingerprint stays. How many messages were
    /// still to go out to them, and are given up.
    ///
    /// # Errors
    /// The vault's.
    pub async fn block(
        &self,
        fingerprint: &Fingerprint,
        now: Timestamp,
        rng: &mut impl CryptoRng,
    ) -> Result<usize, ClientError> {
        self.part_from(fingerprint, Standing::Blocked, now, rng).await
    }

    /// Removes a contact: the same, and they may ask again.
    ///
    /// # Errors
    /// The vault's.
    pub async fn remove_contact(
        &self,
        fingerprint: &Fingerprint,
        now: Timestamp,
        rng: &mut impl CryptoRng,
    ) -> Result<usize, ClientError> {
        self.part_from(fingerprint, Standing::Removed, now, rng).await
    }

    /// The safety number with a contact.
    #[must_use]
    pub fn safety_number(&self, contact: &Fingerprint) -> SafetyNumber {
        SafetyNumber::between(&self.identity.fingerprint(), contact)
    }

    /// Marks a contact as compared, or no longer.
    ///
    /// # Errors
    /// The vault's.
    pub async fn mark(
        &self,
        fingerprint: &Fingerprint,
        trust: Trust,
        rng: &mut impl CryptoRng,
    ) -> Result<Contact, ClientError> {
        self.edit_contact(fingerprint, rng, async |_: &mut Turn<'_, S>, contact: &mut Contact| {
            contact.trust = trust;
            Ok(())
        })
        .await
    }

    /// Sends receipts to a contact from now on, or no longer: those that are owed go.
    ///
    /// # Errors
    /// The vault's.
    pub async fn set_receipts(
        &self,
        fingerprint: &Fingerprint,
        receipts: Receipts,
        rng: &mut impl CryptoRng,
    ) -> Result<Contact, ClientError> {
        self.edit_contact(fingerprint, rng, async |turn: &mut Turn<'_, S>, contact: &mut Contact| {
            contact.receipts = (receipts == Receipts::On).into();
            if receipts == Receipts::Off {
                for owed in turn.scan::<DueReceipt>().await?.iter().filter(|owed| owed.contact == *fingerprint) {
                    turn.delete(owed);
                }
            }
            Ok(())
        })
        .await
    }

    /// Our fingerprint.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        self.identity.fingerprint()
    }

    /// Changes one contact and nothing else.
    pub(crate) async fn edit_contact(
        &self,
        fingerprint: &Fingerprint,
        rng: &mut impl CryptoRng,
        edit: impl AsyncFn(&mut Turn<'_, S>, &mut Contact) -> Result<(), ClientError>,
    ) -> Result<Contact, ClientError> {
        until_undisturbed(async || {
            let mut turn = self.vault.turn();
            let mut contact: Contact = turn.get(fingerprint.as_bytes()).await?.ok_or_else(|| unknown(fingerprint))?;
            edit(&mut turn, &mut contact).await?;
            turn.put(&contact, rng);
            turn.commit().await?;
            Ok(contact)
        })
        .await
    }

    /// A name belongs to one key: a second card under it is what an impostor would send.
    async fn check_free(
        &self,
        turn: &mut Turn<'_, S>,
        name: &Text<NAME_BYTES>,
        of: &Fingerprint,
    ) -> Result<(), ClientError> {
        let contacts: Vec<Contact> = turn.scan().await?;
        let is_taken = |contact: &Contact| {
            contact.name == *name && contact.fingerprint != *of && contact.standing != Standing::Removed
        };
        let taken = contacts.iter().any(is_taken);
        if taken { Err(ClientError::ChangedIdentity) } else { Ok(()) }
    }
}

/// Eight digits or more, spaces aside: fewer would be a guess.
fn starts_with(fingerprint: &Fingerprint, prefix: &str) -> bool {
    let digits: String = prefix.chars().filter(|character| !character.is_whitespace()).collect();
    let whole: String = fingerprint.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    digits.len() >= 8 && whole.starts_with(&digits.to_ascii_lowercase())
}

pub(crate) fn only<V>(mut found: Vec<V>, name: &str) -> Result<V, ClientError> {
    match (found.pop(), found.is_empty()) {
        (Some(one), true) => Ok(one),
        _ => Err(ClientError::Unknown(name.to_owned())),
    }
}

//! Relays: our own, those the user has allowed, and what each has said of itself.

use lightproof_wire::{
    capability::{Capability, right},
    codec::{Text, TlsDeserialize, TlsSerialize, TlsSize},
    deposit_receipt::ReceiptKey,
    limits::{CLOCK_TOLERANCE_DAYS, RELAY_LINK_BYTES},
    relay_link::RelayLink,
    reply::{RelayLimits, Welcome},
    time::{Day, Timestamp},
};
use rand_core::CryptoRng;

use crate::{
    client::{Client, until_undisturbed},
    error::ClientError,
    event::Notice,
    mailboxes::Mailbox,
    profile::Profile,
    spool::Spool,
    transport::{NamedBy, Transport},
    vault::{
        Turn,
        record::{Flag, Record},
        store::{Store, Table},
    },
};

/// One relay.
#[derive(Clone, Debug, TlsSerialize, TlsDeserialize, TlsSize)]
pub struct Relay {
    /// Where it is.
    pub link: Text<RELAY_LINK_BYTES>,
    /// Whether we have our mailboxes there.
    pub own: Flag,
    /// Whether the user typed the link; otherwise a contact named it and the user said yes.
    pub typed: Flag,
    /// The right to create there, where it asks for one.
    pub access: Option<Capability<right::Access>>,
    /// The key of its deposit receipts, kept from the first time.
    pub receipt_key: Option<ReceiptKey>,
    /// Its limits, when it was last reached.
    pub limits: Option<RelayLimits>,
    /// Its clock, when it was last reached, and ours.
    pub day: Option<Day>,
    /// Ours at that time.
    pub our_day: Option<Day>,
}

impl Record for Relay {
    const TABLE: Table = Table::Relays;

    fn id(&self) -> Vec<u8> {
        self.link.as_str().as_bytes().to_vec()
    }
}

impl Relay {
    /// One that the user named, or allowed.
    #[must_use]
    pub fn new(link: &RelayLink, own: bool, typed: bool, access: Option<Capability<right::Access>>) -> Self {
        Self {
            link: link.to_text(),
            own: own.into(),
            typed: typed.into(),
            access,
            receipt_key: None,
            limits: None,
            day: None,
            our_day: None,
        }
    }

    /// What is known of the same relay by another of its links.
    fn with(self, known: &Self) -> Self {
        Self {
            own: (self.own.is_yes() || known.own.is_yes()).into(),
            access: self.access.or_else(|| known.access.clone()),
            receipt_key: self.receipt_key.or(known.receipt_key),
            limits: self.limits.or(known.limits),
            day: self.day.or(known.day),
            our_day: self.our_day.or(known.our_day),
            ..self
        }
    }

    /// Whether it is at this host, by whatever link.
    pub(crate) fn is_at(&self, link: &RelayLink) -> bool {
        RelayLink::from_text(&self.link).is_ok_and(|known| same_host(&known, link))
    }

    /// Who named it.
    pub(crate) const fn named_by(&self) -> NamedBy {
        if self.typed.is_yes() || self.own.is_yes() { NamedBy::User } else { NamedBy::Peer }
    }

    /// Whether its clock and ours differed by more than a day when it was last reached.
    #[must_use]
    pub fn clock_is_doubtful(&self) -> bool {
        self.day.zip(self.our_day).is_some_and(|(theirs, ours)| theirs.distance(ours) > CLOCK_TOLERANCE_DAYS)
    }
}

/// What allowing a link has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TypedLink {
    /// This host had no other link.
    Alone,
    /// This host had another link, with other pins, which is not accepted any more.
    InPlaceOfAnother,
}

pub(crate) fn same_host(a: &RelayLink, b: &RelayLink) -> bool {
    (a.host(), a.port()) == (b.host(), b.port())
}

impl<S: Store, P: Spool, T: Transport> Client<S, P, T> {
    /// All relays we know: our own, and those the user has allowed.
    ///
    /// # Errors
    /// The vault's.
    pub async fn relays(&self) -> Result<Vec<Relay>, ClientError> {
        let mut relays: Vec<Relay> = self.vault.scan().await?;
        relays.sort_by(|a, b| a.link.cmp(&b.link));
        Ok(relays)
    }

    /// Allows a relay that the user typed, by this link alone: any other of the same host, which has other pins, goes.
    ///
    /// # Errors
    /// The vault's.
    pub async fn allow_relay(&self, link: &RelayLink, rng: &mut impl CryptoRng) -> Result<TypedLink, ClientError> {
        until_undisturbed(async || {
            let mut turn = self.vault.turn();
            let mut of_host: Vec<Relay> = turn.scan().await?;
            of_host.retain(|known| known.is_at(link));
            let text = link.to_text();
            let mut relay = Relay::new(link, false, true, None);
            for known in &of_host {
                relay = relay.with(known);
                if known.link != text {
                    turn.delete(known);
                }
            }
            turn.put(&relay, rng);
            let replaces = of_host.iter().any(|known| known.link != text);
            if replaces {
                rename_own(&mut turn, link, rng).await?;
            }
            turn.commit().await?;
            Ok(if replaces { TypedLink::InPlaceOfAnother } else { TypedLink::Alone })
        })
        .await
    }

    /// Forgets a relay that was allowed, or that we have left: what may still come there is given up.
    ///
    /// # Errors
    /// [`ClientError::Unknown`], [`ClientError::NotNow`] for our own, or the vault's.
    pub async fn forget_relay(&self, link: &RelayLink) -> Result<(), ClientError> {
        let mut turn = self.vault.turn();
        let all: Vec<Relay> = turn.scan().await?;
        let of_host: Vec<&Relay> = all.iter().filter(|relay| relay.is_at(link)).collect();
        if of_host.is_empty() {
            return Err(ClientError::Unknown(link.to_string()));
        }
        let profile: Profile = turn.get(Profile::ID).await?.ok_or(ClientError::Damaged)?;
        if same_host(&profile.relay()?, link) {
            return Err(ClientError::NotNow("this is your own relay"));
        }
        // One that was left: what may still come there is given up.
        for mailbox in turn.scan::<Mailbox>().await?.iter().filter(|mailbox| mailbox.is_at(link)) {
            turn.delete(mailbox);
        }
        of_host.into_iter().for_each(|relay| turn.delete(relay));
        Ok(turn.commit().await?)
    }

    /// The link by which a host may be contacted, and who named it; an error if the user has not allowed the host.
    pub(crate) async fn may_contact(&self, link: &RelayLink) -> Result<(RelayLink, NamedBy), ClientError> {
        let mut known: Vec<(RelayLink, NamedBy)> = Vec::new();
        for relay in self.vault.scan::<Relay>().await? {
            let named_by = relay.named_by();
            let of_relay = RelayLink::from_text(&relay.link).map_err(|_| ClientError::Damaged)?;
            if same_host(&of_relay, link) {
                // The very link first, then what the user typed.
                let place = if of_relay == *link && named_by == NamedBy::User { 0 } else { known.len() };
                known.insert(place, (of_relay, named_by));
            }
        }
        let typed = known.iter().position(|(_, named_by)| *named_by == NamedBy::User).unwrap_or(0);
        if typed < known.len() {
            return Ok(known.swap_remove(typed));
        }
        Err(ClientError::RelayNotAllowed(Box::new(link.clone())))
    }

    /// The right to create on our relay, where it asks for one.
    pub(crate) async fn access(&self, link: &RelayLink) -> Result<Option<Capability<right::Access>>, ClientError> {
        let relay: Option<Relay> = self.vault.get(link.to_text().as_str().as_bytes()).await?;
        Ok(relay.and_then(|relay| relay.access))
    }

    /// Keeps what a relay says of itself: its first receipt key for good, its limits and clock as they are now.
    pub(crate) async fn note_welcome(
        &self,
        link: &RelayLink,
        welcome: &Welcome,
        now: Timestamp,
        rng: &mut impl CryptoRng,
    ) -> Result<(), ClientError> {
        let mut turn = self.vault.turn();
        let known: Option<Relay> = turn.get(link.to_text().as_str().as_bytes()).await?;
        // Forgotten meanwhile by another command: nothing to note.
        let Some(before) = known else { return Ok(()) };
        if before.receipt_key.is_some_and(|key| key != welcome.receipt_key) {
            self.tell(Notice::ReceiptKeyChanged(link.clone()));
        }
        let after = Relay {
            receipt_key: before.receipt_key.or(Some(welcome.receipt_key)),
            limits: Some(welcome.limits),
            day: Some(welcome.day),
            our_day: Some(now.day()),
            ..before.clone()
        };
        if after.clock_is_doubtful() {
            self.tell(Notice::Clock(link.clone()));
        }
        let changed = (before.receipt_key, before.limits, before.day, before.our_day)
            != (after.receipt_key, after.limits, after.day, after.our_day);
        if changed {
            turn.put(&after, rng);
            match turn.commit().await {
                // Another process noted the same a moment ago.
                Err(error) if error.is_conflict() => {}
                committed => committed?,
            }
        }
        Ok(())
    }
}

/// Where our mailboxes are at this host, they are there by this link from now on: our card names it, too.
async fn rename_own<S: Store>(
    turn: &mut Turn<'_, S>,
    link: &RelayLink,
    rng: &mut impl CryptoRng,
) -> Result<(), ClientError> {
    let mut profile: Profile = turn.get(Profile::ID).await?.ok_or(ClientError::Damaged)?;
    if same_host(&profile.relay()?, link) {
        profile.relay = link.to_text();
        turn.put(&profile, rng);
    }
    for mut mailbox in turn.scan::<Mailbox>().await?.into_iter().filter(|mailbox| mailbox.is_at(link)) {
        mailbox.relay = link.to_text();
        turn.put(&mailbox, rng);
    }
    Ok(())
}

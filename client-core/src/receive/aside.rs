//! Aside: envelopes that would not open. They are counted, shown, tried again after each new session, and stop nothing.

use lightproof_e2ee::identity::Fingerprint;
use lightproof_wire::{
    codec::{TlsDeserialize, TlsSerialize, TlsSize},
    envelope::Envelope,
    hash::Digest,
    time::{Day, Timestamp},
};
use rand_core::CryptoRng;

use super::{
    open::{Attempts, Outcome, Seen},
    retracted::Retracted,
};
use crate::{
    client::{Client, until_undisturbed},
    contact::{Contact, Standing},
    error::{ClientError, both},
    event::Notice,
    message::{Body, Message},
    prekeys::StoredPrekey,
    profile::Profile,
    sessions::StoredSession,
    spool::Spool,
    transport::Transport,
    vault::{
        Turn,
        record::{Flag, Record},
        store::{Store, Table},
    },
};

/// Envelopes set aside in one mailbox; the oldest goes.
const ASIDE_MAX: usize = 256;
/// Days after which the hashes of taken envelopes, and what was set aside, are forgotten.
const SEEN_DAYS: u32 = 60;

/// Why an envelope was set aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, TlsSerialize, TlsDeserialize, TlsSize)]
#[repr(u8)]
pub enum Reason {
    /// No session of ours opens it, or it was changed on its way.
    #[tls_codec(discriminant = 1)]
    Unopened,
    /// Made by a newer version.
    #[tls_codec(discriminant = 2)]
    Newer,
    /// It opened in this contact's session, and what it holds is not authentic.
    #[tls_codec(discriminant = 3)]
    Forged(Fingerprint),
    /// A Hello that opened and was not signed by whom it names.
    #[tls_codec(discriminant = 4)]
    ForgedHello,
    /// Too many messages are missing before it.
    #[tls_codec(discriminant = 5)]
    Skipped,
    /// It ended the process each time it was opened.
    #[tls_codec(discriminant = 6)]
    EndsProcess,
    /// A second body of this contact for one place or one message, or one that does not fit its neighbours.
    #[tls_codec(discriminant = 7)]
    Contradicts(Fingerprint),
    /// Its place in this contact's session was used before: they write from an old copy.
    #[tls_codec(discriminant = 8)]
    AlreadyOpened(Fingerprint),
    /// Perhaps from somebody who waits for an answer, and has written enough until then.
    #[tls_codec(discriminant = 9)]
    Crowded,
    /// Sealed for the home that a backup was made of, as far as can be told: its sender seals it again.
    #[tls_codec(discriminant = 10)]
    BeforeRestore,
    /// Sealed in a session that went with somebody who was blocked, removed or declined, as far as can be told.
    #[tls_codec(discriminant = 11)]
    Parted,
    /// It is of this contact's session and does not fit it: one of the two homes is an old copy, or it was changed on its way.
    #[tls_codec(discriminant = 12)]
    OutOfStep(Fingerprint),
}

/// One envelope that would not open.
#[derive(Clone, Debug, TlsSerialize, TlsDeserialize, TlsSize)]
pub struct Aside {
    digest: Digest,
    mailbox: [u8; 32],
    number: u64,
    day: Day,
    /// Why.
    pub reason: Reason,
    /// Whether the user has been told.
    told: Flag,
    envelope: Envelope,
}

impl Record for Aside {
    const TABLE: Table = Table::Aside;

    fn id(&self) -> Vec<u8> {
        self.digest.as_bytes().to_vec()
    }
}

impl Aside {
    /// One that is not in its place yet.
    pub(super) fn new(mailbox: &[u8; 32], envelope: &Envelope, reason: Reason, now: Timestamp) -> Self {
        let (digest, day) = (envelope.digest(), now.day());
        Self { digest, mailbox: *mailbox, number: 0, day, reason, told: Flag::No, envelope: envelope.clone() }
    }
}

impl Reason {
    /// Whether another try can end otherwise.
    const fn may_change(self) -> bool {
        matches!(
            self,
            Self::Unopened | Self::Newer | Self::Skipped | Self::Crowded | Self::BeforeRestore | Self::Parted
        )
    }

    /// Who is known to have sealed it.
    const fn sender(self) -> Option<Fingerprint> {
        match self {
            Self::Forged(contact)
            | Self::Contradicts(contact)
            | Self::AlreadyOpened(contact)
            | Self::OutOfStep(contact) => Some(contact),
            _ => None,
        }
    }

    const fn notice(self) -> Option<Notice> {
        Some(match self {
            Self::Newer => Notice::NewerVersion,
            Self::Forged(contact) => Notice::Forged(Some(contact)),
            Self::Contradicts(contact) => Notice::Contradicts(contact),
            Self::ForgedHello => Notice::Forged(None),
            Self::Unopened | Self::Skipped | Self::EndsProcess | Self::AlreadyOpened(_) | Self::OutOfStep(_) => {
                Notice::Unopened
            }
            Self::Crowded | Self::BeforeRestore | Self::Parted => return None,
        })
    }
}

impl<S: Store, P: Spool, T: Transport> Client<S, P, T> {
    pub(super) async fn set_aside(
        &self,
        mailbox: &[u8; 32],
        envelope: &Envelope,
        reason: Reason,
        now: Timestamp,
        rng: &mut impl CryptoRng,
    ) -> Result<(), ClientError> {
        until_undisturbed(async || {
            let mut turn = self.vault.turn();
            self.put_aside(&mut turn, Aside::new(mailbox, envelope, reason, now), rng).await?;
            Ok(turn.commit().await?)
        })
        .await
    }

    /// Tells of what was set aside and is still there: an envelope that came before its session's Hello has opened by now.
    pub(super) async fn tell_aside(&self, rng: &mut impl CryptoRng) -> Result<(), ClientError> {
        let mut there = self.aside().await?;
        there.sort_by_key(|aside| aside.number);
        for aside in there.iter().filter(|aside| !aside.told.is_yes()) {
            until_undisturbed(async || {
                let mut turn = self.vault.turn();
                let Some(aside) = turn.get::<Aside>(&aside.id()).await? else { return Ok(()) };
                turn.put(&Aside { told: Flag::Yes, ..aside }, rng);
                Ok(turn.commit().await?)
            })
            .await?;
            aside.reason.notice().into_iter().for_each(|notice| self.tell(notice));
        }
        Ok(())
    }

    /// Sets an envelope aside with the rest of a turn; one of somebody blocked goes.
    pub(super) async fn put_aside(
        &self,
        turn: &mut Turn<'_, S>,
        mut aside: Aside,
        rng: &mut impl CryptoRng,
    ) -> Result<(), ClientError> {
        turn.put(&Seen { digest: aside.digest, day: aside.day }, rng);
        turn.delete_id::<Attempts>(aside.digest.as_bytes());
        if is_of_blocked(turn, aside.reason).await? {
            return Ok(());
        }
        let mut profile: Profile = turn.get(Profile::ID).await?.ok_or(ClientError::Damaged)?;
        let mut there: Vec<Aside> = turn.scan().await?;
        there.retain(|older| older.mailbox == aside.mailbox);
        there.sort_by_key(|aside| aside.number);
        for oldest in there.iter().take(there.len().saturating_add(1).saturating_sub(ASIDE_MAX)) {
            turn.delete(oldest);
        }
        aside.number = profile.take_number();
        turn.put(&aside, rng);
        turn.put(&profile, rng);
        Ok(())
    }

    /// Tries again what was set aside: something may have changed since.
    pub(super) async fn retry_aside(&self, now: Timestamp, rng: &mut impl CryptoRng) -> Result<(), ClientError> {
        if !self.sessions_changed.replace(false) {
            return Ok(());
        }
        let mut there = self.aside().await?;
        there.sort_by_key(|aside| aside.number);
        for aside in there.into_iter().filter(|aside| aside.reason.may_change()) {
            let outcome = self.try_envelope(&aside.mailbox, &aside.envelope, now, rng).await?;
            self.forget_attempts(&aside, outcome, rng).await?;
        }
        Ok(())
    }

    /// After another try: it opened and goes, or it stays aside, for a reason that may be another now.
    async fn forget_attempts(
        &self,
        aside: &Aside,
        outcome: Outcome,
        rng: &mut impl CryptoRng,
    ) -> Result<(), ClientError> {
        let mut turn = self.vault.turn();
        turn.delete_id::<Attempts>(aside.digest.as_bytes());
        match outcome {
            // The contradiction has put it aside again, under its own reason.
            Outcome::Taken if matches!(self.vault.get::<Aside>(&aside.id()).await?, Some(now) if now.number != aside.number) =>
                {}
            Outcome::Taken => turn.delete(aside),
            Outcome::Aside(reason) if is_of_blocked(&mut turn, reason).await? => turn.delete(aside),
            Outcome::Aside(reason) => turn.put(&Aside { reason, ..aside.clone() }, rng),
        }
        Ok(turn.commit().await?)
    }

    /// What was set aside.
    ///
    /// # Errors
    /// The vault's.
    pub async fn aside(&self) -> Result<Vec<Aside>, ClientError> {
        Ok(self.vault.scan().await?)
    }

    pub(super) async fn note_complete_fetch(
        &self,
        now: Timestamp,
        rng: &mut impl CryptoRng,
    ) -> Result<(), ClientError> {
        until_undisturbed(async || {
            let mut turn = self.vault.turn();
            let mut profile: Profile = turn.get(Profile::ID).await?.ok_or(ClientError::Damaged)?;
            profile.last_complete_fetch = now;
            turn.put(&profile, rng);
            Ok(turn.commit().await?)
        })
        .await
    }

    /// Everything that was there has been taken: what is missing now was lost or held back, and its recipient hears of it once.
    pub(super) async fn tell_missing(&self, rng: &mut impl CryptoRng) -> Result<(), ClientError> {
        for contact in self.vault.scan::<Contact>().await? {
            if !contact.is_accepted() || contact.missing() == contact.missing_told {
                continue;
            }
            let more = until_undisturbed(async || {
                let mut turn = self.vault.turn();
                let Some(mut record) = turn.get::<Contact>(contact.fingerprint.as_bytes()).await? else { return Ok(0) };
                let more = record.missing().saturating_sub(record.missing_told);
                record.missing_told = record.missing();
                turn.put(&record, rng);
                turn.commit().await?;
                Ok(more)
            })
            .await?;
            if more > 0 {
                self.tell(Notice::Missing { contact: contact.fingerprint, count: more });
            }
        }
        Ok(())
    }

    /// Mends what no longer works between us and accepted contacts: a new Hello where one is due, and bodies sealed again.
    pub(super) async fn mend_sessions(&self, now: Timestamp, rng: &mut impl CryptoRng) -> Result<(), ClientError> {
        let mut first = Ok(());
        for contact in self.vault.scan::<Contact>().await? {
            if !contact.is_accepted() {
                continue;
            }
            // In whichever line it stands: an old copy has left the one that it was said in.
            let is_unheard = async || {
                let bodies: Vec<Body> = self.vault.scan().await?;
                Ok::<bool, ClientError>(bodies.iter().any(|body| body.contact == contact.fingerprint))
            };
            if contact.is_to_be_called(now) && (contact.hello_due.is_some() || is_unheard().await?) {
                first = both(first, self.ensure_session(&contact.fingerprint, now, rng).await);
            } else if contact.reseal_due.is_yes() {
                first = both(first, self.reseal(&contact, now, rng).await);
            }
        }
        first
    }

    /// Forgets what is past its time.
    pub(super) async fn sweep(&self, now: Timestamp, rng: &mut impl CryptoRng) -> Result<(), ClientError> {
        let is_old = |day: Day| day.plus(SEEN_DAYS) < now.day();
        let mut turn = self.vault.turn();
        let mut any = false;
        for seen in self.vault.scan::<Seen>().await?.iter().filter(|seen| is_old(seen.day)) {
            turn.delete(seen);
            any = true;
        }
        for aside in self.aside().await?.iter().filter(|aside| is_old(aside.day)) {
            turn.delete(aside);
            any = true;
        }
        for early in self.vault.scan::<Retracted>().await?.iter().filter(|early| is_old(early.day)) {
            turn.delete(early);
            any = true;
        }
        if any {
            turn.commit().await?;
        }
        self.sweep_sessions(now, rng).await?;
        self.sweep_expired(now, rng).await?;
        self.sweep_retracting(now).await?;
        self.sweep_spool().await
    }

    /// Destroys sessions that were superseded long ago.
    async fn sweep_sessions(&self, now: Timestamp, rng: &mut impl CryptoRng) -> Result<(), ClientError> {
        for contact in self.vault.scan::<Contact>().await? {
            until_undisturbed(async || {
                let mut turn = self.vault.turn();
                let Some(mut contact) = turn.get::<Contact>(contact.fingerprint.as_bytes()).await? else {
                    return Ok(());
                };
                let stale = contact.take_stale_sessions(now);
                if stale.is_empty() {
                    return Ok(());
                }
                stale.iter().for_each(|id| turn.delete_id::<StoredSession>(id.as_bytes()));
                turn.put(&contact, rng);
                Ok(turn.commit().await?)
            })
            .await?;
        }
        Ok(())
    }

    /// Removes sealed chunks that nothing names: left by a crash, or by a message that was deleted.
    async fn sweep_spool(&self) -> Result<(), ClientError> {
        // Listed before the names are read: what another process begins meanwhile is named before its first chunk is written.
        let there = self.spool.list().await?;
        let mut named = std::collections::BTreeSet::new();
        for outgoing in self.outgoing().await? {
            named.extend(outgoing.photos.iter().map(|photo| photo.spool));
        }
        for message in self.vault.scan::<Message>().await? {
            named.extend(message.photos.iter().map(|photo| photo.spool));
        }
        for name in there {
            if !named.contains(&name) {
                self.spool.remove(name).await?;
            }
        }
        Ok(())
    }

    /// Prekey secrets in stock.
    ///
    /// # Errors
    /// The vault's.
    pub(crate) async fn prekey_secrets(&self) -> Result<usize, ClientError> {
        Ok(self.vault.scan::<StoredPrekey>().await?.len())
    }
}

/// Whether it is known to come from somebody blocked: nothing of theirs stays.
async fn is_of_blocked<S: Store>(turn: &mut Turn<'_, S>, reason: Reason) -> Result<bool, ClientError> {
    let Some(sender) = reason.sender() else { return Ok(false) };
    let contact: Option<Contact> = turn.get(sender.as_bytes()).await?;
    Ok(contact.is_some_and(|contact| contact.standing == Standing::Blocked))
}

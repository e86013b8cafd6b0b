//! Open one envelope: find its session, check its frame, and save everything it changes in one transaction.

use core::cell::RefCell;

use lightproof_e2ee::{
    error::OpenError,
    frame::{self, Frame, FrameError, VerifiedFrame},
    identity::Fingerprint,
    session,
};
use lightproof_wire::{
    codec::{TlsDeserialize, TlsSerialize, TlsSize},
    envelope::Envelope,
    hash::Digest,
    relay_link::RelayLink,
    time::{Day, Timestamp},
};
use rand_core::CryptoRng;

use super::{
    aside::{Aside, Reason},
    content::{Taken, note_addresses},
};
use crate::{
    client::{Client, until_undisturbed},
    contact::{self, Contact, SessionRef},
    error::ClientError,
    event::Notice,
    lines::{self, Standing},
    mailboxes::Mailbox,
    message::Body,
    moving::note_arrival,
    profile::Profile,
    sessions::StoredSession,
    spool::Spool,
    transport::Transport,
    untold::save_untold,
    vault::{
        Turn, VaultError,
        record::{Flag, Record},
        store::{Store, StoreError, Table},
    },
};

/// An envelope that was taken, so that a second copy is acked and nothing more.
#[derive(Clone, Debug, TlsSerialize, TlsDeserialize, TlsSize)]
pub struct Seen {
    /// SHA-256 of the envelope.
    pub digest: Digest,
    /// When.
    pub day: Day,
}

impl Record for Seen {
    const TABLE: Table = Table::Seen;

    fn id(&self) -> Vec<u8> {
        self.digest.as_bytes().to_vec()
    }
}

/// How often opening an envelope began: one that ends the process each time is set aside unopened.
#[derive(Clone, Debug, TlsSerialize, TlsDeserialize, TlsSize)]
pub(crate) struct Attempts {
    digest: Digest,
    count: u8,
}

impl Record for Attempts {
    const TABLE: Table = Table::Attempts;

    fn id(&self) -> Vec<u8> {
        self.digest.as_bytes().to_vec()
    }
}

const ATTEMPTS_MAX: u8 = 3;
const KIND_HELLO: u8 = 1;
const KIND_MESSAGE: u8 = 2;

/// What became of one envelope, and what a person should hear of it.
pub(super) enum Outcome {
    /// Saved, or nothing to save.
    Taken,
    /// To be set aside.
    Aside(Reason),
}

/// Frames one person may leave before they are accepted, messages or not; what follows waits unopened.
const REQUEST_FRAMES: u64 = 8;

/// Who an opened envelope is from, and in which session.
struct From {
    contact: Contact,
    session: SessionRef,
}

/// A frame whose signature holds, with the envelope it came in.
struct OpenedFrame<'a> {
    from: From,
    frame: &'a VerifiedFrame,
    envelope: &'a Envelope,
    mailbox: [u8; 32],
}

impl<S: Store, P: Spool, T: Transport> Client<S, P, T> {
    /// Takes one envelope: opens and saves it, or sets it aside. Either way it may be acked afterwards.
    pub(super) async fn take_envelope(
        &self,
        mailbox: &[u8; 32],
        envelope: &Envelope,
        now: Timestamp,
        rng: &mut impl CryptoRng,
    ) -> Result<(), ClientError> {
        match self.try_envelope(mailbox, envelope, now, rng).await? {
            Outcome::Aside(reason) => self.set_aside(mailbox, envelope, reason, now, rng).await,
            Outcome::Taken => Ok(()),
        }
    }

    /// Opens under the attempt counter: what ends the process never gets to take its attempt back, what fails does.
    pub(super) async fn try_envelope(
        &self,
        mailbox: &[u8; 32],
        envelope: &Envelope,
        now: Timestamp,
        rng: &mut impl CryptoRng,
    ) -> Result<Outcome, ClientError> {
        if self.begin_attempt(envelope, rng).await? > ATTEMPTS_MAX {
            return Ok(Outcome::Aside(Reason::EndsProcess));
        }
        let outcome = self.open_envelope(mailbox, envelope, now, rng).await;
        if outcome.is_err() {
            let mut turn = self.vault.turn();
            turn.delete_id::<Attempts>(envelope.digest().as_bytes());
            turn.commit().await?;
        }
        outcome
    }

    /// Opens and saves; says what is to be set aside.
    async fn open_envelope(
        &self,
        mailbox: &[u8; 32],
        envelope: &Envelope,
        now: Timestamp,
        rng: &mut impl CryptoRng,
    ) -> Result<Outcome, ClientError> {
        match envelope.as_bytes().first() {
            Some(&KIND_HELLO) => until_undisturbed(async || self.open_hello(envelope, now, rng).await).await,
            Some(&KIND_MESSAGE) => {
                until_undisturbed(async || self.open_message(mailbox, envelope, now, rng).await).await
            }
            _ => Ok(Outcome::Aside(Reason::Newer)),
        }
    }

    async fn begin_attempt(&self, envelope: &Envelope, rng: &mut impl CryptoRng) -> Result<u8, ClientError> {
        let digest = envelope.digest();
        until_undisturbed(async || {
            let mut turn = self.vault.turn();
            let before: Option<Attempts> = turn.get(digest.as_bytes()).await?;
            let count = before.map_or(0, |attempts| attempts.count).saturating_add(1);
            turn.put(&Attempts { digest, count }, rng);
            turn.commit().await?;
            Ok(count)
        })
        .await
    }

    async fn open_message(
        &self,
        mailbox: &[u8; 32],
        envelope: &Envelope,
        now: Timestamp,
        rng: &mut impl CryptoRng,
    ) -> Result<Outcome, ClientError> {
        let (candidates, mut worst) = self.candidates(mailbox).await?;
        for from in candidates {
            let Some(identity) = from.contact.identity()? else { continue };
            let Some(stored) = self.vault.get::<StoredSession>(from.session.id.as_bytes()).await? else { continue };
            let check = |body: &[u8]| frame::verify(body, &identity, &self.identity.fingerprint());
            match session::open(stored.load()?, envelope, now, check) {
                Ok(staged) => {
                    // The staged session belongs to the record read above: the turn says so, and conflicts otherwise.
                    let mut turn = self.vault.turn();
                    let same: Option<StoredSession> = turn.get(from.session.id.as_bytes()).await?;
                    if same.is_none_or(|same| same != stored) {
                        return Err(VaultError::from(StoreError::Conflict).into());
                    }
                    let taken = RefCell::new(Taken::default());
                    staged
                        .persist(async |record: &[u8], frame: &VerifiedFrame| {
                            turn.put(&StoredSession::new(from.session.id, record), rng);
                            let opened = OpenedFrame { from, frame, envelope, mailbox: *mailbox };
                            taken.replace(self.save_frame(turn, opened, now, rng).await?);
                            Ok::<(), ClientError>(())
                        })
                        .await?;
                    let Taken { notices, dropped, .. } = taken.into_inner();
                    notices.into_iter().for_each(|notice| self.tell(notice));
                    for name in dropped {
                        self.spool.remove(name).await?;
                    }
                    return Ok(Outcome::Taken);
                }
                Err(OpenError::AlreadyOpened) => {
                    // Not a second copy, which the seen set knows: their state is an old copy, or the key was forgotten.
                    self.want_hello(&from.contact.fingerprint, now, rng).await?;
                    return Ok(Outcome::Aside(Reason::AlreadyOpened(from.contact.fingerprint)));
                }
                Err(OpenError::Undecryptable) => {
                    // Its header opened: whichever of the two homes is an old copy, a session that both begin anew mends it.
                    self.want_hello(&from.contact.fingerprint, now, rng).await?;
                    return Ok(Outcome::Aside(Reason::OutOfStep(from.contact.fingerprint)));
                }
                Err(OpenError::Misbehaved(FrameError::Newer) | OpenError::NewerVersion) => {
                    return Ok(Outcome::Aside(Reason::Newer));
                }
                Err(OpenError::Misbehaved(_)) => return Ok(Outcome::Aside(Reason::Forged(from.contact.fingerprint))),
                Err(OpenError::TooManySkipped) => {
                    // It is tried again by each process, and in a session that was left since nobody is called for it.
                    if from.session.superseded.is_none() {
                        self.want_hello(&from.contact.fingerprint, now, rng).await?;
                    }
                    worst = Reason::Skipped;
                }
                Err(_) => {}
            }
        }
        if worst == Reason::Unopened && self.lost_session(mailbox, now).await? {
            worst = Reason::BeforeRestore;
        } else if worst == Reason::Unopened && self.may_be_of_parted(mailbox, now).await? {
            worst = Reason::Parted;
        }
        Ok(Outcome::Aside(worst))
    }

    /// The sessions an envelope may belong to, the likeliest first; and why it is set aside if it belongs to none of them.
    async fn candidates(&self, mailbox: &[u8; 32]) -> Result<(Vec<From>, Reason), ClientError> {
        let owner = match self.vault.get::<Mailbox>(mailbox).await? {
            Some(mailbox) => mailbox.contact,
            None => None,
        };
        let mut contacts: Vec<Contact> = match owner {
            Some(contact) => self.vault.get(contact.as_bytes()).await?.into_iter().collect(),
            None => self.vault.scan().await?,
        };
        let before = contacts.len();
        // People who wait for an answer and have written as much as they may until then.
        contacts
            .retain(|contact| contact.standing != contact::Standing::Requested || contact.received() < REQUEST_FRAMES);
        let reason = if contacts.len() < before { Reason::Crowded } else { Reason::Unopened };
        // At the doorbell: first those who have not used their private mailbox yet.
        contacts.sort_by_key(|contact| contact.mailbox_used.is_yes());
        let sessions = |contact: Contact| {
            let newest_first: Vec<SessionRef> = contact.sessions.iter().rev().copied().collect();
            newest_first.into_iter().map(move |session| From { contact: contact.clone(), session })
        };
        Ok((contacts.into_iter().flat_map(sessions).collect(), reason))
    }

    /// Saves session, frame and seen hash in one transaction.
    async fn save_frame(
        &self,
        mut turn: Turn<'_, S>,
        opened: OpenedFrame<'_>,
        now: Timestamp,
        rng: &mut impl CryptoRng,
    ) -> Result<Taken, ClientError> {
        let OpenedFrame { from, frame: verified, envelope, mailbox } = opened;
        let fingerprint = from.contact.fingerprint;
        let mut contact: Contact = turn.get(fingerprint.as_bytes()).await?.ok_or(ClientError::Damaged)?;
        let mut taken = Taken::default();
        let frame = verified.frame();
        contact.confirm_session(&from.session.id);
        if contact.has_lost_theirs(&from.session.id) {
            contact.want_hello(now.day());
        }
        // What comes late in a session that they have left since tells nothing of where they write now.
        let is_late = contact.have_left(&from.session.id);
        if contact.mailbox == Some(mailbox) && !contact.mailbox_used.is_yes() && !is_late {
            contact.mailbox_used = Flag::Yes;
            note_arrival(&mut turn, &fingerprint, now, rng).await?;
        }
        turn.put(&Seen { digest: envelope.digest(), day: now.day() }, rng);
        turn.delete_id::<Attempts>(envelope.digest().as_bytes());
        let (standing, record) = lines::place(&mut turn, &mut contact, frame, verified.digest(), now).await?;
        match standing {
            Standing::Fresh { new_line } => {
                if let Some(record) = record {
                    turn.put(&record, rng);
                }
                if new_line {
                    taken.notices.push(Notice::NewLine(fingerprint));
                    // A restored copy watches only the mailboxes it knows: what went to others is sealed again.
                    contact.reseal_due = Flag::Yes;
                }
                // A late frame of a lost home names mailboxes that nobody watches any more; their Hello named others since.
                if !is_late {
                    let moved = note_addresses(&mut contact, frame);
                    taken.notices.extend(self.unreachable_at(fingerprint, moved).await?);
                }
                self.note_ack(&mut turn, &mut contact, frame, now, rng).await?;
                if matches!(contact.standing, contact::Standing::Accepted | contact::Standing::Requested) {
                    let said = self.take_content(&mut turn, &mut contact, verified, now, rng).await?;
                    taken.notices.extend(said.notices);
                    (taken.contradicts, taken.dropped) = (said.contradicts, said.dropped);
                }
            }
            // Whoever seals it again has not heard that it came: a restored home, whose receipts went to the one before.
            Standing::Repeated => self.repeat_receipt(&mut turn, &contact, frame, now, rng).await?,
            Standing::Contradicts => taken.contradicts = contact.split(frame.line),
        }
        if taken.contradicts {
            let aside = Aside::new(&mailbox, envelope, Reason::Contradicts(fingerprint), now);
            self.put_aside(&mut turn, aside, rng).await?;
        }
        if !contact.is_accepted() {
            taken.notices.clear();
        }
        turn.put(&contact, rng);
        turn.commit().await?;
        Ok(taken)
    }

    /// A contact at another relay is written to there once the user has allowed it, and at the earlier one until then.
    async fn unreachable_at(
        &self,
        contact: Fingerprint,
        moved: Option<RelayLink>,
    ) -> Result<Option<Notice>, ClientError> {
        let Some(relay) = moved else { return Ok(None) };
        let is_allowed = self.is_relay_allowed(&relay).await?;
        Ok((!is_allowed).then_some(Notice::Moved { contact, relay }))
    }

    /// Bodies that their ack covers need not be kept. One of what we have not sent tells that this vault is an old copy; told by
    /// a contact, it concerns them alone.
    async fn note_ack(
        &self,
        turn: &mut Turn<'_, S>,
        contact: &mut Contact,
        frame: &Frame,
        now: Timestamp,
        rng: &mut impl CryptoRng,
    ) -> Result<(), ClientError> {
        let profile: Profile = turn.get(Profile::ID).await?.ok_or(ClientError::Damaged)?;
        let is_of_backup = contact.ours.vault != profile.line && frame.ack.index != lines::SPLIT;
        if frame.ack.line != contact.ours.line || is_of_backup {
            // A line that this vault left, or that a backup brought: what it covers need not be sealed again either.
            let is_covered = |body: &Body| {
                body.contact == contact.fingerprint && body.line == frame.ack.line && body.index <= frame.ack.index
            };
            for body in self.vault.scan::<Body>().await?.iter().filter(|body| is_covered(body)) {
                turn.delete(body);
            }
        } else if frame.ack.index > contact.ours.index {
            contact.want_hello(now.day());
            let doubtful = contact.leave_line(&turn.scan().await?).filter(|_| contact.is_accepted());
            save_untold(turn, doubtful, rng).await?;
        } else if frame.ack.index > contact.ours.acked {
            for index in contact.ours.acked.saturating_add(1)..=frame.ack.index {
                turn.delete_id::<Body>(&Body::record_id(&contact.fingerprint, contact.ours.line, index));
            }
            contact.ours.acked = frame.ack.index;
        }
        Ok(())
    }

    /// Nothing to save of this envelope but that it was here.
    pub(super) async fn mark_seen(
        &self,
        envelope: &Envelope,
        now: Timestamp,
        rng: &mut impl CryptoRng,
    ) -> Result<(), ClientError> {
        let mut turn = self.vault.turn();
        turn.put(&Seen { digest: envelope.digest(), day: now.day() }, rng);
        turn.delete_id::<Attempts>(envelope.digest().as_bytes());
        Ok(turn.commit().await?)
    }

    async fn want_hello(
        &self,
        contact: &Fingerprint,
        now: Timestamp,
        rng: &mut impl CryptoRng,
    ) -> Result<(), ClientError> {
        let want = async |_: &mut Turn<'_, S>, contact: &mut Contact| {
            contact.want_hello(now.day());
            Ok(())
        };
        match self.edit_contact(contact, rng, want).await {
            // Declined meanwhile.
            Ok(_) | Err(ClientError::Unknown(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

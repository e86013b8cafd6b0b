//! Open a Hello: find its prekeys, refuse a replay, and save the session with whoever is calling.

use lightproof_e2ee::{
    envelope::HelloHeader,
    error::OpenError,
    frame::Reply,
    handshake::{Answered, hello_t0, respond},
};
use lightproof_wire::{codec::Text, envelope::Envelope, prekey::PrekeyKind, time::Timestamp};
use rand_core::CryptoRng;

use super::{
    aside::Reason,
    open::{Outcome, Seen},
};
use crate::{
    client::Client,
    contact::{Contact, Place, PrivateDrop, REQUESTS, SessionRef, Standing},
    error::ClientError,
    event::Notice,
    parting::forget_request,
    prekeys::{StoredPrekey, TakenHello},
    profile::Profile,
    sessions::{StoredSession, Verdict},
    spool::Spool,
    transport::Transport,
    vault::{
        Turn,
        record::{Flag, Record as _},
        store::Store,
    },
};

impl<S: Store, P: Spool, T: Transport> Client<S, P, T> {
    pub(super) async fn open_hello(
        &self,
        envelope: &Envelope,
        now: Timestamp,
        rng: &mut impl CryptoRng,
    ) -> Result<Outcome, ClientError> {
        let header = match HelloHeader::parse(envelope) {
            Ok(header) => header,
            Err(OpenError::NewerVersion) => return Ok(Outcome::Aside(Reason::Newer)),
            Err(_) => return Ok(Outcome::Aside(Reason::Unopened)),
        };
        let mut turn = self.vault.turn();
        let signed: Option<StoredPrekey> =
            turn.get(&StoredPrekey::record_id(PrekeyKind::Signed, header.signed_id)).await?;
        let Some(signed) = signed else {
            let reason = if self.lost_prekeys(now).await? { Reason::BeforeRestore } else { Reason::Unopened };
            return Ok(Outcome::Aside(reason));
        };
        let one_time = match header.one_time_id {
            None => None,
            Some(id) => match turn.get::<StoredPrekey>(&StoredPrekey::record_id(PrekeyKind::OneTime, id)).await? {
                Some(prekey) => Some(prekey),
                // Used before, or never ours.
                None => return Ok(Outcome::Aside(Reason::Unopened)),
            },
        };
        let (signed_secret, one_time_secret) =
            (signed.as_signed()?, one_time.as_ref().map(StoredPrekey::as_one_time).transpose()?);
        let Ok(t0) = hello_t0(&self.identity.fingerprint(), envelope, &signed_secret, one_time_secret.as_ref()) else {
            return Ok(Outcome::Aside(Reason::Unopened));
        };
        if turn.get::<TakenHello>(t0.as_bytes()).await?.is_some() {
            self.mark_seen(envelope, now, rng).await?;
            return Ok(Outcome::Taken);
        }
        let staged = match respond(&self.identity, envelope, &signed_secret, one_time_secret.as_ref()) {
            Ok(staged) => staged,
            Err(OpenError::NewerVersion) => return Ok(Outcome::Aside(Reason::Newer)),
            Err(OpenError::Misbehaved(_)) => return Ok(Outcome::Aside(Reason::ForgedHello)),
            Err(_) => return Ok(Outcome::Aside(Reason::Unopened)),
        };
        if let Some(prekey) = &one_time {
            turn.delete_id::<StoredPrekey>(&prekey.id());
        }
        turn.put(&TakenHello { t0, not_after: signed.not_after() }, rng);
        turn.put(&Seen { digest: envelope.digest(), day: now.day() }, rng);
        turn.delete_id::<super::open::Attempts>(envelope.digest().as_bytes());
        let notice = core::cell::Cell::new(None);
        staged
            .persist(async |record: &[u8], answered: &Answered| {
                notice.set(self.save_caller(turn, record, answered, now, rng).await?);
                Ok::<(), ClientError>(())
            })
            .await?;
        notice.into_inner().into_iter().for_each(|notice| self.tell(notice));
        Ok(Outcome::Taken)
    }

    /// Session, replay set, request and the end of the one-time secret: one transaction.
    async fn save_caller(
        &self,
        mut turn: Turn<'_, S>,
        record: &[u8],
        answered: &Answered,
        now: Timestamp,
        rng: &mut impl CryptoRng,
    ) -> Result<Option<Notice>, ClientError> {
        let fingerprint = answered.identity.fingerprint();
        let mut profile: Profile = turn.get(Profile::ID).await?.ok_or(ClientError::Damaged)?;
        let now = profile.not_fallen_back(now);
        let known: Option<Contact> = turn.get(fingerprint.as_bytes()).await?;
        let mut contact = match known {
            Some(contact) if contact.standing == Standing::Blocked => {
                // Never shown, never answered; but its prekey is spent, its replay refused, and what follows opens and goes.
                return Self::save_blocked(turn, contact, record, answered, now, rng).await;
            }
            Some(contact) if contact.standing != Standing::Removed => contact,
            known => {
                self.make_room_for_request(&mut turn, rng).await?;
                let number = profile.take_number();
                turn.put(&profile, rng);
                // Somebody we removed is a stranger again, whose lines we remember; the name is free for somebody else.
                let contact = known.unwrap_or_else(|| Contact::new(fingerprint, Standing::Requested, number, now));
                Contact { standing: Standing::Requested, number, name: Text::default(), ..contact }
            }
        };
        self.sessions_changed.set(true);
        let had_session = contact.sending().is_some();
        let session = session_of(answered, now);
        let gone = match contact.judge(answered.generation, &answered.session_id) {
            Verdict::Refused => {
                turn.commit().await?;
                return Ok(Some(Notice::Forged(Some(fingerprint))));
            }
            Verdict::Newest => {
                let gone = contact.add_sending(session, now);
                contact.reseal_due = had_session.into();
                // They may have forgotten which it is.
                contact.mailbox_used = Flag::No;
                gone
            }
            Verdict::GlareTheirs => {
                // Our own Hello may never have come there, and what was sealed in its session would not open.
                contact.reseal_due = Flag::Yes;
                contact.add_sending(session, now)
            }
            Verdict::GlareOurs => contact.add_readable(session, now),
            Verdict::LostState => {
                contact.want_hello(now.day());
                contact.add_readable(session, now)
            }
        };
        if let Some(gone) = gone {
            turn.delete_id::<StoredSession>(gone.as_bytes());
        }
        note_caller(&mut contact, answered);
        turn.put(&StoredSession::new(answered.session_id, record), rng);
        turn.put(&contact, rng);
        turn.commit().await?;
        Ok((had_session && contact.is_accepted()).then_some(Notice::NewSession(fingerprint)))
    }

    async fn save_blocked(
        mut turn: Turn<'_, S>,
        mut contact: Contact,
        record: &[u8],
        answered: &Answered,
        now: Timestamp,
        rng: &mut impl CryptoRng,
    ) -> Result<Option<Notice>, ClientError> {
        if contact.judge(answered.generation, &answered.session_id) == Verdict::Refused {
            turn.commit().await?;
            return Ok(None);
        }
        contact.set_identity(&answered.identity);
        if let Some(gone) = contact.add_readable(session_of(answered, now), now) {
            turn.delete_id::<StoredSession>(gone.as_bytes());
        }
        turn.put(&StoredSession::new(answered.session_id, record), rng);
        turn.put(&contact, rng);
        turn.commit().await?;
        Ok(None)
    }

    /// At most 32 people wait for an answer: the oldest goes, with everything it brought. Its photos were never fetched.
    async fn make_room_for_request(&self, turn: &mut Turn<'_, S>, rng: &mut impl CryptoRng) -> Result<(), ClientError> {
        let mut waiting: Vec<Contact> = turn.scan().await?;
        waiting.retain(|contact| contact.standing == Standing::Requested);
        waiting.sort_by_key(|contact| contact.number);
        for oldest in waiting.iter().take((waiting.len().saturating_add(1)).saturating_sub(REQUESTS)) {
            forget_request(turn, oldest, rng).await?;
        }
        Ok(())
    }
}

fn session_of(answered: &Answered, now: Timestamp) -> SessionRef {
    SessionRef {
        id: answered.session_id,
        generation: answered.generation,
        ours: Flag::No,
        confirmed: Flag::Yes,
        made: now,
        superseded: None,
    }
}

/// What the caller said of themselves.
fn note_caller(contact: &mut Contact, answered: &Answered) {
    contact.set_identity(&answered.identity);
    // Their Hello names the mailbox they made for us; a frame that names another later wins.
    contact.private = Some(PrivateDrop { reply: answered.reply.clone(), named: Place::HELLO });
    contact.doorbell = Some(Reply { drop: answered.card.doorbell.clone(), relay: answered.card.relay.clone() });
    contact.hint = answered.card.name_hint.clone();
    contact.note_sealing_key_of_hello(&answered.extensions);
}

//! Part from somebody: what goes with a declined request, a blocked or a removed contact, and what must stay.

use lightproof_e2ee::identity::Fingerprint;
use lightproof_wire::{
    codec::{TlsDeserialize, TlsSerialize, TlsSize},
    time::{Day, Timestamp},
};
use rand_core::CryptoRng;

use crate::{
    client::{Client, until_undisturbed},
    contact::{Contact, Standing},
    error::ClientError,
    home::unknown,
    lines,
    mailboxes::Mailbox,
    message::{Body, Direction, Message, State},
    receive::{DueReceipt, Retracted},
    retract::Retracting,
    send::{OutboxItem, Outgoing},
    sessions::StoredSession,
    spool::{Spool, SpoolName},
    transport::Transport,
    vault::{
        Turn,
        record::Record,
        store::{Store, Table},
    },
};

/// Days in which envelopes may still come that somebody we parted from sealed in a session that went with them: a relay
/// keeps them for thirty, and they may have waited in an outbox before.
const PARTED_DAYS: u32 = 60;

/// That we parted from somebody, and when last; not from whom, because of a declined request nothing is kept.
#[derive(Clone, Copy, Debug, TlsSerialize, TlsDeserialize, TlsSize)]
struct Parted {
    on: Day,
}

impl Record for Parted {
    const TABLE: Table = Table::Profile;

    fn id(&self) -> Vec<u8> {
        Self::ID.to_vec()
    }
}

impl Parted {
    /// The id of the one record.
    const ID: &'static [u8] = b"parted";
}

impl<S: Store, P: Spool, T: Transport> Client<S, P, T> {
    /// One turn: the mailbox is to be retired, sessions and everything under way go, and what must stay stays: of a
    /// request nothing, of anybody else the fingerprint and both lines, so that no place of a line is ever used twice.
    /// How many messages were still to go out, and are given up.
    pub(crate) async fn part_from(
        &self,
        fingerprint: &Fingerprint,
        standing: Standing,
        now: Timestamp,
        rng: &mut impl CryptoRng,
    ) -> Result<usize, ClientError> {
        let (spooled, given_up) = until_undisturbed(async || {
            let mut turn = self.vault.turn();
            let mut contact: Contact = turn.get(fingerprint.as_bytes()).await?.ok_or_else(|| unknown(fingerprint))?;
            // Those at relays that were left, too.
            let is_theirs = |mailbox: &Mailbox| mailbox.contact == Some(*fingerprint);
            for mut mailbox in turn.scan::<Mailbox>().await?.into_iter().filter(is_theirs) {
                mailbox.retire(now.day());
                turn.put(&mailbox, rng);
            }
            let given_up = self.drop_outgoing(&mut turn, fingerprint, now, rng).await?;
            turn.put(&Parted { on: now.day() }, rng);
            let spooled = if contact.standing == Standing::Requested {
                forget_request(&mut turn, &contact, rng).await?
            } else {
                forget_sessions(&mut turn, &contact);
                forget_owed(&mut turn, fingerprint).await?;
                contact.part(standing);
                turn.put(&contact, rng);
                Vec::new()
            };
            turn.commit().await?;
            Ok((spooled, given_up))
        })
        .await?;
        for name in spooled {
            self.spool.remove(name).await?;
        }
        Ok(given_up)
    }

    /// Whether an envelope in this mailbox that opens nowhere may belong to a session that was destroyed when we parted from
    /// somebody: in theirs, or at the doorbell, where everybody goes whose private mailbox is gone.
    pub(crate) async fn may_be_of_parted(&self, mailbox: &[u8; 32], now: Timestamp) -> Result<bool, ClientError> {
        let mailbox: Option<Mailbox> = self.vault.get(mailbox).await?;
        if let Some(owner) = mailbox.and_then(|mailbox| mailbox.contact) {
            let owner: Option<Contact> = self.vault.get(owner.as_bytes()).await?;
            return Ok(owner.is_none_or(|owner| !owner.is_accepted()));
        }
        let parted: Option<Parted> = self.vault.get(Parted::ID).await?;
        // A clock that has been ahead silences nothing for longer.
        let is_recent = |day: Day| day <= now.day() && day.plus(PARTED_DAYS) >= now.day();
        Ok(parted.is_some_and(|parted| is_recent(parted.on)))
    }

    /// Nothing more goes out to them: envelopes and bodies go, what was sealed is taken back, and sends that are not enclosed
    /// go on without them. How many messages that is.
    async fn drop_outgoing(
        &self,
        turn: &mut Turn<'_, S>,
        fingerprint: &Fingerprint,
        now: Timestamp,
        rng: &mut impl CryptoRng,
    ) -> Result<usize, ClientError> {
        let mut given_up = 0_usize;
        for item in turn.scan::<OutboxItem>().await?.iter().filter(|item| item.contact == *fingerprint) {
            turn.delete(item);
        }
        for body in turn.scan::<Body>().await?.iter().filter(|body| body.contact == *fingerprint) {
            turn.delete(body);
        }
        let waits = |message: &Message| {
            message.direction == Direction::Out && message.contact == *fingerprint && message.state == State::Outbox
        };
        for message in turn.scan::<Message>().await?.into_iter().filter(waits) {
            Retracting::give_up(message, turn, now, rng);
            given_up = given_up.saturating_add(1);
        }
        for mut outgoing in turn.scan::<Outgoing>().await? {
            if outgoing.leave_out(fingerprint) {
                turn.put(&outgoing, rng);
                given_up = given_up.saturating_add(1);
            }
        }
        Ok(given_up)
    }
}

/// Everything a request brought: sessions, messages, what is owed for them, the frames of its lines. Of somebody who was removed
/// before, what there was before stays, and so does the removal. The names of the sealed photos that go.
pub(crate) async fn forget_request<S: Store>(
    turn: &mut Turn<'_, S>,
    contact: &Contact,
    rng: &mut impl CryptoRng,
) -> Result<Vec<SpoolName>, ClientError> {
    forget_sessions(turn, contact);
    forget_owed(turn, &contact.fingerprint).await?;
    let theirs = |message: &Message| message.contact == contact.fingerprint;
    let (before, since): (Vec<_>, Vec<_>) =
        turn.scan::<Message>().await?.into_iter().filter(theirs).partition(|it| it.number < contact.number);
    let mut spooled = Vec::new();
    for message in &since {
        spooled.extend(message.photos.iter().filter(|_| message.direction == Direction::In).map(|photo| photo.spool));
        message.delete(turn);
    }
    if before.is_empty() && contact.ours.index == 0 {
        lines::forget(turn, &contact.fingerprint).await?;
        turn.delete(contact);
    } else {
        let mut contact = contact.clone();
        lines::forget_since(turn, &mut contact, &before, &since).await?;
        contact.part(Standing::Removed);
        turn.put(&contact, rng);
    }
    Ok(spooled)
}

fn forget_sessions<S: Store>(turn: &mut Turn<'_, S>, contact: &Contact) {
    for session in contact.sessions.iter() {
        turn.delete_id::<StoredSession>(session.id.as_bytes());
    }
}

/// Receipts that they wait for, and what they took back before it came.
async fn forget_owed<S: Store>(turn: &mut Turn<'_, S>, fingerprint: &Fingerprint) -> Result<(), ClientError> {
    for receipt in turn.scan::<DueReceipt>().await?.iter().filter(|receipt| receipt.contact == *fingerprint) {
        turn.delete(receipt);
    }
    for early in turn.scan::<Retracted>().await?.iter().filter(|early| early.contact == *fingerprint) {
        turn.delete(early);
    }
    Ok(())
}

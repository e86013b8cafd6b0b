//! Part from somebody: what goes with a declined request, a blocked or a removed contact, and what must stay.

use lightproof_e2ee::identity::Fingerprint;
use lightproof_wire::time::Timestamp;
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
    vault::{Turn, store::Store},
};

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
            let spooled = if contact.standing == Standing::Requested {
                forget_request(&mut turn, &contact).await?
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

/// Everything a request brought: sessions, messages, what is owed for them, the frames of its lines. The names of its sealed photos.
pub(crate) async fn forget_request<S: Store>(
    turn: &mut Turn<'_, S>,
    contact: &Contact,
) -> Result<Vec<SpoolName>, ClientError> {
    forget_sessions(turn, contact);
    forget_owed(turn, &contact.fingerprint).await?;
    let mut spooled = Vec::new();
    for message in turn.scan::<Message>().await?.iter().filter(|message| message.contact == contact.fingerprint) {
        spooled.extend(message.photos.iter().filter(|_| message.direction == Direction::In).map(|photo| photo.spool));
        message.delete(turn);
    }
    lines::forget(turn, &contact.fingerprint).await?;
    turn.delete(contact);
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

//! Confirm: receipts to accepted contacts, delayed and bundled, so that they tell little about when somebody is online.

use std::collections::BTreeMap;

use lightproof_e2ee::{
    frame::{Content, Frame, MessageId},
    identity::Fingerprint,
    receipt::{NAMED_MESSAGES, ReceiptKind},
};
use lightproof_wire::{
    codec::{TlsDeserialize, TlsSerialize, TlsSize},
    time::Timestamp,
};
use rand_core::CryptoRng;

use crate::{
    client::{Client, until_undisturbed},
    contact::Contact,
    error::{ClientError, both},
    message::{Direction, Message},
    spool::Spool,
    transport::Transport,
    vault::{
        Turn,
        record::Record,
        store::{Store, Table},
    },
};

/// A receipt waits a random time up to this.
const DELAY_MAX_MS: u64 = 60_000;
/// At most one receipt in this time to one contact.
const INTERVAL_MS: u64 = 60_000;

/// A receipt that is owed.
#[derive(Clone, Debug, TlsSerialize, TlsDeserialize, TlsSize)]
pub struct DueReceipt {
    /// To whom.
    pub contact: Fingerprint,
    /// Delivered or viewed.
    pub kind: ReceiptKind,
    /// Of which message.
    pub message_id: MessageId,
    /// Not before.
    pub due: Timestamp,
}

impl Record for DueReceipt {
    const TABLE: Table = Table::Receipts;

    fn id(&self) -> Vec<u8> {
        [self.contact.as_bytes().as_slice(), &[self.kind as u8], &self.message_id.0].concat()
    }
}

impl DueReceipt {
    /// Whether its time has come; or lies further ahead than any delay, so that the clock had jumped when it was written.
    const fn is_due(&self, now: Timestamp) -> bool {
        self.due.since_ms(now) == 0 || self.due.since_ms(now) > DELAY_MAX_MS
    }
}

/// Whether a receipt was sent to them a moment ago.
const fn was_just_sent(contact: &Contact, now: Timestamp) -> bool {
    let passed_ms = now.since_ms(contact.receipt_sent);
    // A time to come was written by a clock that had jumped.
    passed_ms < INTERVAL_MS && contact.receipt_sent.since_ms(now) < INTERVAL_MS
}

impl<S: Store, P: Spool, T: Transport> Client<S, P, T> {
    /// Owes a receipt, in the turn that saves what it is about.
    pub(crate) async fn owe_receipt(
        &self,
        turn: &mut Turn<'_, S>,
        contact: &Contact,
        receipt: (ReceiptKind, MessageId),
        now: Timestamp,
        rng: &mut impl CryptoRng,
    ) -> Result<(), ClientError> {
        if !contact.receipts.is_yes() {
            return Ok(());
        }
        let (kind, message_id) = receipt;
        let due = now.plus_ms(rng.next_u64() % DELAY_MAX_MS);
        turn.put(&DueReceipt { contact: contact.fingerprint, kind, message_id, due }, rng);
        Ok(())
    }

    /// Owes the receipt for a frame that came before once more: that it came, and not that anybody looked, which may never
    /// have been told.
    pub(super) async fn repeat_receipt(
        &self,
        turn: &mut Turn<'_, S>,
        contact: &Contact,
        frame: &Frame,
        now: Timestamp,
        rng: &mut impl CryptoRng,
    ) -> Result<(), ClientError> {
        let is_due = match &frame.content {
            Content::Manifest(_) => {
                let id = Message::record_id(&contact.fingerprint, Direction::In, &frame.message_id);
                turn.get::<Message>(&id).await?.is_some_and(|message| message.is_to_be_confirmed())
            }
            Content::Receipt(_) => false,
            Content::Retract(_) => true,
        };
        if is_due && contact.is_accepted() {
            self.owe_receipt(turn, contact, (ReceiptKind::Delivered, frame.message_id), now, rng).await?;
        }
        Ok(())
    }

    /// Encloses the receipts whose time has come; they leave with the next deposit.
    pub(crate) async fn send_due_receipts(&self, now: Timestamp, rng: &mut impl CryptoRng) -> Result<(), ClientError> {
        let mut by_contact: BTreeMap<(Fingerprint, ReceiptKind), Vec<DueReceipt>> = BTreeMap::new();
        for receipt in self.vault.scan::<DueReceipt>().await?.into_iter().filter(|receipt| receipt.is_due(now)) {
            by_contact.entry((receipt.contact, receipt.kind)).or_default().push(receipt);
        }
        let mut first = Ok(());
        for ((contact, kind), receipts) in by_contact {
            first = both(first, self.send_receipt(&contact, kind, &receipts, now, rng).await);
        }
        first
    }

    async fn send_receipt(
        &self,
        contact: &Fingerprint,
        kind: ReceiptKind,
        receipts: &[DueReceipt],
        now: Timestamp,
        rng: &mut impl CryptoRng,
    ) -> Result<(), ClientError> {
        let Some(record) = self.vault.get::<Contact>(contact.as_bytes()).await? else {
            return self.forgive(receipts).await;
        };
        if !record.receipts.is_yes() {
            return self.forgive(receipts).await;
        }
        if !record.is_accepted() || record.sending().is_none() || was_just_sent(&record, now) {
            return Ok(());
        }
        // The receipt may be the first thing they get from us, and names the mailbox we made for them.
        self.mailbox_for(contact, now, rng).await?;
        until_undisturbed(async || {
            let mut turn = self.vault.turn();
            let record: Contact = turn.get(contact.as_bytes()).await?.ok_or(ClientError::Damaged)?;
            if was_just_sent(&record, now) || !record.receipts.is_yes() {
                return Ok(());
            }
            let mut ids = Vec::new();
            for receipt in receipts.iter().take(NAMED_MESSAGES) {
                // Another command may have sent it a moment ago.
                if turn.get::<DueReceipt>(&receipt.id()).await?.is_some() {
                    turn.delete(receipt);
                    ids.push(receipt.message_id);
                }
            }
            if ids.is_empty() {
                return Ok(());
            }
            self.enclose_receipt(turn, &record, (kind, ids), now, rng).await
        })
        .await
    }

    async fn forgive(&self, receipts: &[DueReceipt]) -> Result<(), ClientError> {
        let mut turn = self.vault.turn();
        for receipt in receipts {
            turn.delete(receipt);
        }
        Ok(turn.commit().await?)
    }

    /// When the next receipt is due, if one is owed: a waiting user interface wakes up for it.
    ///
    /// # Errors
    /// The vault's.
    pub async fn next_due(&self) -> Result<Option<Timestamp>, ClientError> {
        let mut next: Option<Timestamp> = None;
        for receipt in self.vault.scan::<DueReceipt>().await? {
            let contact: Option<Contact> = self.vault.get(receipt.contact.as_bytes()).await?;
            let Some(contact) = contact.filter(|contact| contact.is_accepted() && contact.sending().is_some()) else {
                continue;
            };
            let due = receipt.due.max(contact.receipt_sent.plus_ms(INTERVAL_MS));
            next = Some(next.map_or(due, |next| next.min(due)));
        }
        Ok(next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contact::Standing;

    const NOW: Timestamp = Timestamp(1_795_262_400_000);
    const A_YEAR_MS: u64 = 365 * 86_400_000;

    #[test]
    fn a_receipt_dated_by_a_clock_that_had_jumped_is_sent_all_the_same() {
        let receipt = |due| DueReceipt {
            contact: Fingerprint::from_bytes([1; 32]),
            kind: ReceiptKind::Delivered,
            message_id: MessageId([2; 16]),
            due,
        };
        let dues = [NOW, NOW.plus_ms(1), NOW.plus_ms(DELAY_MAX_MS), NOW.plus_ms(A_YEAR_MS)];
        assert_eq!(dues.map(|due| receipt(due).is_due(NOW)), [true, false, false, true]);
    }

    #[test]
    fn the_interval_between_receipts_counts_from_a_time_that_can_be() {
        let mut contact = Contact::new(Fingerprint::from_bytes([1; 32]), Standing::Accepted, 1, NOW);
        let mut was_sent = |sent, now| {
            contact.receipt_sent = sent;
            was_just_sent(&contact, now)
        };
        assert!(was_sent(NOW, NOW.plus_ms(INTERVAL_MS - 1)));
        assert!(!was_sent(NOW, NOW.plus_ms(INTERVAL_MS)));
        assert!(!was_sent(NOW.plus_ms(A_YEAR_MS), NOW));
    }
}

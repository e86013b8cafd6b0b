//! The mail of one mailbox: envelopes nobody acked, and the memory of deposits.
//!
//! It has one entry a day and not two a deposit: each row of its own, at a random place of the index, made the relay
//! write nearly twice as much for an envelope. So here the rows themselves are walked.

use lightproof_wire::time::Day;

use super::{Fate, MailKey, Swept};
use crate::{
    mailbox::{DepositRow, EnvelopeRow, MailboxRow, OwnerHash},
    store::{
        RowsMut, RuleError, Table,
        row::{self, Row},
    },
};

/// A walk over rows, as long as some may be looked at.
pub(super) struct Walk<'a> {
    pub(super) rows: &'a mut dyn RowsMut,
    pub(super) today: Day,
    /// Rows that may still be looked at.
    pub(super) left: &'a mut usize,
    pub(super) swept: &'a mut Swept,
}

impl Walk<'_> {
    /// Removes what of it is over; `from` is what the last batch of the same entry left.
    pub(super) fn expire(mut self, mail: &MailKey, from: &[u8]) -> Result<Fate, RuleError> {
        if self.envelopes(mail.owner)? { self.deposits(mail, from) } else { Ok(Fate::Unfinished(from.to_vec())) }
    }

    /// Oldest first, up to the first that stays: it has an entry of its own, which takes what expires behind it. Whether
    /// all that is over went.
    fn envelopes(&mut self, owner: OwnerHash) -> Result<bool, RuleError> {
        let (prefix, end) = (owner.as_bytes(), row::after_prefix(owner.as_bytes()));
        let found = self.rows.range(Table::Envelopes, prefix, &end, *self.left)?;
        let mut is_all = found.len() < *self.left;
        let mut removed = 0_u32;
        for (key, value) in found {
            // The one that stays costs nothing, or a small batch would find it again and again and get no further.
            if !self.is_over::<EnvelopeRow>(&key, &value, |row| row.expires)? {
                is_all = true;
                break;
            }
            *self.left = self.left.saturating_sub(1);
            self.rows.remove(Table::Envelopes, &key)?;
            self.swept.removed();
            removed = removed.saturating_add(1);
        }
        self.uncount(owner, removed)?;
        Ok(is_all)
    }

    /// In the order of their digests, which is none.
    fn deposits(&mut self, mail: &MailKey, from: &[u8]) -> Result<Fate, RuleError> {
        let prefix = mail.drop.as_bytes();
        let begin = if from.is_empty() { prefix } else { from };
        let found = self.rows.range(Table::Deposits, begin, &row::after_prefix(prefix), *self.left)?;
        let is_all = found.len() < *self.left;
        let mut next = begin.to_vec();
        for (key, value) in found {
            *self.left = self.left.saturating_sub(1);
            next = [key.as_slice(), &[0]].concat();
            // A memory is nothing that anybody misses: it is not counted among what expired.
            if self.is_over::<DepositRow>(&key, &value, |row| row.expires)? {
                self.rows.remove(Table::Deposits, &key)?;
            }
        }
        Ok(if is_all { Fate::Absent } else { Fate::Unfinished(next) })
    }

    /// A damaged row, too: nobody can be given it any more.
    fn is_over<R: Row>(&mut self, key: &[u8], value: &[u8], last_day: impl Fn(&R) -> Day) -> Result<bool, RuleError> {
        match row::open::<R>(R::TABLE, key, value) {
            Ok(row) => Ok(last_day(&row) < self.today),
            Err(RuleError::Damaged) => {
                self.swept.damaged();
                Ok(true)
            }
            Err(error) => Err(error),
        }
    }

    /// So many envelopes less. A mailbox whose row is damaged takes no more anyway.
    fn uncount(&mut self, owner: OwnerHash, count: u32) -> Result<(), RuleError> {
        if count == 0 {
            return Ok(());
        }
        match row::load::<MailboxRow>(self.rows, &owner) {
            Ok(Some(mut mailbox)) => {
                mailbox.stored_count = mailbox.stored_count.saturating_sub(count);
                Ok(row::save(self.rows, &owner, &mailbox)?)
            }
            Ok(None) | Err(RuleError::Damaged) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

//! The mail of one mailbox: envelopes nobody acked, and the memory of deposits.
//!
//! It has one entry a day and not two a deposit: each row of its own, at a random place of the index, made the relay
//! write nearly twice as much for an envelope. So here the rows themselves are walked.

use lightproof_wire::{codec::Deserialize, time::Day};

use super::{Fate, MailKey, Swept};
use crate::{
    mailbox::{DepositKey, DepositRow, EnvelopeHead, MailboxRow, OwnerHash},
    store::{RowsMut, RuleError, Table, row},
};

/// A walk over rows, as long as some may be looked at. What stays is looked at once for each last day.
pub(super) struct Walk<'a> {
    pub(super) rows: &'a mut dyn RowsMut,
    pub(super) today: Day,
    /// Rows that may still be looked at.
    pub(super) left: &'a mut usize,
    pub(super) swept: &'a mut Swept,
}

impl Walk<'_> {
    /// Removes what of it is over; `from` is what the last batch of the same entry left: a table, and a key in it.
    pub(super) fn expire(mut self, mail: &MailKey, from: &[u8]) -> Result<Fate, RuleError> {
        const DEPOSITS: u8 = Table::Deposits as u8;
        let mut from_deposit: &[u8] = &[];
        match from.split_first() {
            Some((&DEPOSITS, key)) => from_deposit = key,
            begun => {
                let key = begun.map_or(&[][..], |(_, key)| key);
                let (removed, next) =
                    self.pass(Table::Envelopes, mail.owner.as_bytes(), key, |row: &EnvelopeHead| row.expires)?;
                self.uncount(mail.owner, removed)?;
                self.swept.removed_count = self.swept.removed_count.saturating_add(removed as usize);
                if let Some(next) = next {
                    return Ok(unfinished(Table::Envelopes, &next));
                }
            }
        }
        // A memory is nothing that anybody misses: it is not counted among what expired.
        let (_, next) =
            self.pass(Table::Deposits, &DepositKey::at(&mail.drop), from_deposit, |row: &DepositRow| row.expires)?;
        Ok(next.map_or(Fate::Absent, |next| unfinished(Table::Deposits, &next)))
    }

    /// All rows that begin so, and not only up to the first that stays: with other settings it came to stay for longer
    /// than what lies behind it. How many went, and where to go on if that was not all.
    fn pass<H: Deserialize>(
        &mut self,
        table: Table,
        prefix: &[u8],
        from: &[u8],
        last_day: impl Fn(&H) -> Day,
    ) -> Result<(u32, Option<Vec<u8>>), RuleError> {
        let begin = if from.is_empty() { prefix } else { from };
        let found = self.rows.heads(table, begin, &row::after_prefix(prefix), *self.left)?;
        let is_all = found.len() < *self.left;
        let (mut removed, mut next) = (0_u32, begin.to_vec());
        for (key, value) in found {
            *self.left = self.left.saturating_sub(1);
            if self.is_over((table, &key, &value), &last_day)? {
                self.rows.remove(table, &key)?;
                removed = removed.saturating_add(1);
            }
            next = [key.as_slice(), &[0]].concat();
        }
        Ok((removed, (!is_all).then_some(next)))
    }

    /// One with a damaged head, too: nobody can be given it any more.
    fn is_over<H: Deserialize>(
        &mut self,
        (table, key, value): (Table, &[u8], &[u8]),
        last_day: impl Fn(&H) -> Day,
    ) -> Result<bool, RuleError> {
        match row::open_head(table, key, value) {
            Ok(head) => Ok(last_day(&head) < self.today),
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

fn unfinished(table: Table, next: &[u8]) -> Fate {
    Fate::Unfinished([&[table as u8], next].concat())
}

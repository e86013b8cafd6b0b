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

/// Removes what of it is over, as long as rows may be looked at; `from` is what the last batch of the same entry left.
pub(super) fn expire(
    rows: &mut dyn RowsMut,
    mail: &MailKey,
    from: &[u8],
    today: Day,
    left: &mut usize,
    swept: &mut Swept,
) -> Result<Fate, RuleError> {
    if !envelopes(rows, mail.owner, today, left, swept)? {
        return Ok(Fate::Unfinished(from.to_vec()));
    }
    deposits(rows, mail, from, today, left, swept)
}

/// Oldest first, up to the first that stays: it has an entry of its own, which takes what expires behind it. Whether all
/// that is over went.
fn envelopes(
    rows: &mut dyn RowsMut,
    owner: OwnerHash,
    today: Day,
    left: &mut usize,
    swept: &mut Swept,
) -> Result<bool, RuleError> {
    let (prefix, end) = (owner.as_bytes(), row::after_prefix(owner.as_bytes()));
    let found = rows.range(Table::Envelopes, prefix, &end, *left)?;
    let is_all = found.len() < *left;
    let mut removed = 0_u32;
    for (key, value) in found {
        // The one that stays costs nothing, or a small batch would find it again and again and get no further.
        if !is_over::<EnvelopeRow>(&key, &value, |row| row.expires < today, swept)? {
            uncount(rows, owner, removed)?;
            return Ok(true);
        }
        *left = left.saturating_sub(1);
        rows.remove(Table::Envelopes, &key)?;
        removed = removed.saturating_add(1);
        swept.removed();
    }
    uncount(rows, owner, removed)?;
    Ok(is_all)
}

/// In the order of their digests, which is none.
fn deposits(
    rows: &mut dyn RowsMut,
    mail: &MailKey,
    from: &[u8],
    today: Day,
    left: &mut usize,
    swept: &mut Swept,
) -> Result<Fate, RuleError> {
    let prefix = mail.drop.as_bytes();
    let begin = if from.is_empty() { prefix } else { from };
    let found = rows.range(Table::Deposits, begin, &row::after_prefix(prefix), *left)?;
    let is_all = found.len() < *left;
    let mut next = begin.to_vec();
    for (key, value) in found {
        *left = left.saturating_sub(1);
        next = [key.as_slice(), &[0]].concat();
        if is_over::<DepositRow>(&key, &value, |row| row.expires < today, swept)? {
            rows.remove(Table::Deposits, &key)?;
            swept.removed();
        }
    }
    Ok(if is_all { Fate::Absent } else { Fate::Unfinished(next) })
}

/// A damaged row, too: nobody can be given it any more.
fn is_over<R: Row>(
    key: &[u8],
    value: &[u8],
    is_over: impl Fn(&R) -> bool,
    swept: &mut Swept,
) -> Result<bool, RuleError> {
    match row::open::<R>(R::TABLE, key, value) {
        Ok(row) => Ok(is_over(&row)),
        Err(RuleError::Damaged) => {
            swept.damaged();
            Ok(true)
        }
        Err(error) => Err(error),
    }
}

/// So many envelopes less. A mailbox whose row is damaged takes no more anyway.
fn uncount(rows: &mut dyn RowsMut, owner: OwnerHash, count: u32) -> Result<(), RuleError> {
    if count == 0 {
        return Ok(());
    }
    match row::load::<MailboxRow>(rows, &owner) {
        Ok(Some(mut mailbox)) => {
            mailbox.stored_count = mailbox.stored_count.saturating_sub(count);
            Ok(row::save(rows, &owner, &mailbox)?)
        }
        Ok(None) | Err(RuleError::Damaged) => Ok(()),
        Err(error) => Err(error),
    }
}

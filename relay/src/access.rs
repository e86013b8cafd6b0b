//! The rules of access capabilities: who may create mailboxes and blobs here, how much, and until when.
//!
//! Only the hash of one is kept. What it made is counted in the commit that makes it and given back in the commit that
//! ends it. One that is revoked, unknown or over is refused in the same way; what it had made stays.

use std::collections::BTreeMap;

use lightproof_wire::{
    capability::{CapabilityHash, right},
    codec::{self, Text, TlsDeserialize, TlsSerialize, TlsSize},
    refusal::Refusal,
    time::Day,
};

use crate::{
    blob::BlobRow,
    mailbox::MailboxRow,
    store::{
        self, Rows, RowsMut, RuleError, Table,
        row::{self, Row},
    },
    totals::TotalsRow,
};

/// Names an access capability.
pub type AccessHash = CapabilityHash<right::Access>;

/// Bytes of an operator's note.
pub const NOTE_BYTES: usize = 64;

/// What may be made, or what was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, TlsSerialize, TlsDeserialize, TlsSize)]
pub struct Amount {
    /// Mailboxes, doorbells included.
    pub mailboxes: u32,
    /// Sealed bytes of blobs, from their opening to their end.
    pub blob_bytes: u64,
}

impl Amount {
    /// One mailbox.
    pub const MAILBOX: Self = Self { mailboxes: 1, blob_bytes: 0 };

    /// What a blob holds.
    #[must_use]
    pub const fn of_blob(blob: &BlobRow) -> Self {
        Self::of_bytes(blob.shape.sealed_bytes())
    }

    /// So many sealed bytes.
    #[must_use]
    pub const fn of_bytes(blob_bytes: u64) -> Self {
        Self { mailboxes: 0, blob_bytes }
    }

    pub(crate) const fn plus(self, more: Self) -> Self {
        Self {
            mailboxes: self.mailboxes.saturating_add(more.mailboxes),
            blob_bytes: self.blob_bytes.saturating_add(more.blob_bytes),
        }
    }

    const fn minus(self, less: Self) -> Self {
        Self {
            mailboxes: self.mailboxes.saturating_sub(less.mailboxes),
            blob_bytes: self.blob_bytes.saturating_sub(less.blob_bytes),
        }
    }

    const fn fits(self, quota: Self) -> bool {
        self.mailboxes <= quota.mailboxes && self.blob_bytes <= quota.blob_bytes
    }
}

/// What an operator grants.
#[derive(Clone, Debug, PartialEq, Eq, TlsSerialize, TlsDeserialize, TlsSize)]
pub struct Terms {
    /// For the operator's own use, never shown to anybody else.
    pub note: Text<NOTE_BYTES>,
    /// The last day it creates anything; without one it creates until it is revoked.
    pub last_day: Option<Day>,
    /// At most this much at a time.
    pub quota: Amount,
}

/// An access capability at rest, under its hash.
#[derive(Clone, Debug, PartialEq, Eq, TlsSerialize, TlsDeserialize, TlsSize)]
pub struct AccessRow {
    /// What its operator calls it by. Never given twice.
    pub number: u32,
    /// The day it was issued.
    pub issued: Day,
    /// What was granted.
    pub terms: Terms,
    /// What it made that is still there.
    pub used: Amount,
}

impl Row for AccessRow {
    const TABLE: Table = Table::Access;
    type Key = AccessHash;
}

/// Grants the terms to whoever holds the capability of this hash; its number, to revoke it by.
///
/// # Errors
/// [`Refusal::Refused`] for a hash that was issued before.
pub fn issue(rows: &mut dyn RowsMut, hash: AccessHash, terms: Terms, today: Day) -> Result<u32, RuleError> {
    if row::load::<AccessRow>(rows, &hash)?.is_some() {
        return Err(Refusal::Refused.into());
    }
    let mut totals = row::load::<TotalsRow>(rows, &0)?.unwrap_or_default();
    totals.access_number = totals.access_number.saturating_add(1);
    let number = totals.access_number;
    row::save(rows, &0, &totals)?;
    row::save(rows, &hash, &AccessRow { number, issued: today, terms, used: Amount::default() })?;
    Ok(number)
}

/// Takes a right back: nothing new is made with it. What it had made stays until it ends by itself.
///
/// # Errors
/// [`Refusal::Refused`] without such a number.
pub fn revoke(rows: &mut dyn RowsMut, number: u32) -> Result<(), RuleError> {
    let mut found = None;
    each(rows, |key, row: AccessRow| {
        if row.number == number {
            found = Some(key.to_vec());
        }
    })?;
    rows.remove(Table::Access, &found.ok_or(Refusal::Refused)?)?;
    Ok(())
}

/// All that were issued and not revoked, as an operator looks at them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listed {
    /// In the order of their numbers.
    pub readable: Vec<AccessRow>,
    /// Rows that do not match their own hash: whoever holds one creates nothing.
    pub damaged_count: usize,
}

/// Everything that was issued and not revoked, spent or not.
///
/// # Errors
/// [`RuleError::Unavailable`].
pub fn list(rows: &dyn Rows) -> Result<Listed, RuleError> {
    let mut listed = Listed::default();
    listed.damaged_count = each(rows, |_, row| listed.readable.push(row))?;
    listed.readable.sort_by_key(|row| row.number);
    Ok(listed)
}

/// The highest number among those that are still there.
///
/// # Errors
/// [`RuleError::Unavailable`].
pub fn highest_number(rows: &dyn Rows) -> Result<u32, RuleError> {
    let mut highest = 0;
    each(rows, |_, row: AccessRow| highest = highest.max(row.number))?;
    Ok(highest)
}

/// Counts something as made with a capability; with none, nobody is charged. To be called after every other check and
/// before anything is written.
///
/// # Errors
/// [`Refusal::Refused`] for one that is unknown, revoked or over; [`Refusal::QuotaFull`].
pub fn charge(rows: &mut dyn RowsMut, access: Option<AccessHash>, made: Amount, today: Day) -> Result<(), RuleError> {
    let Some(hash) = access else { return Ok(()) };
    let mut row = valid(rows, &hash, today)?;
    row.used = row.used.plus(made);
    if !row.used.fits(row.terms.quota) {
        return Err(Refusal::QuotaFull.into());
    }
    Ok(row::save(rows, &hash, &row)?)
}

/// Whether a capability, where one is asked for, may make or prolong anything today.
///
/// # Errors
/// [`Refusal::Refused`].
pub fn check(rows: &dyn Rows, access: Option<AccessHash>, today: Day) -> Result<(), RuleError> {
    access.map_or(Ok(()), |hash| valid(rows, &hash, today).map(|_| ()))
}

/// Counts something as gone. Whose capability was revoked, or its row damaged, has nothing to get back: the thing goes
/// all the same.
///
/// # Errors
/// [`RuleError::Unavailable`].
pub fn give_back(rows: &mut dyn RowsMut, access: Option<AccessHash>, gone: Amount) -> Result<(), RuleError> {
    let Some(hash) = access else { return Ok(()) };
    match row::load::<AccessRow>(rows, &hash) {
        Ok(Some(mut row)) => {
            row.used = row.used.minus(gone);
            Ok(row::save(rows, &hash, &row)?)
        }
        Ok(None) | Err(RuleError::Damaged) => Ok(()),
        Err(error) => Err(error),
    }
}

fn valid(rows: &dyn Rows, hash: &AccessHash, today: Day) -> Result<AccessRow, RuleError> {
    let row: AccessRow = row::load(rows, hash)?.ok_or(Refusal::Refused)?;
    if row.terms.last_day.is_some_and(|last| last < today) {
        return Err(Refusal::Refused.into());
    }
    Ok(row)
}

/// What a count found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// Rows that said otherwise and were put right.
    pub changed_count: usize,
    /// Mailboxes and blobs that do not match their own hash: nobody knows whose they are.
    pub damaged_count: usize,
}

/// Counts what each capability has made by the mailboxes and blobs themselves, and puts right what its row says.
///
/// # Errors
/// [`RuleError::Unavailable`].
pub fn count_anew(rows: &mut dyn RowsMut) -> Result<Counted, RuleError> {
    let mut used = BTreeMap::<AccessHash, Amount>::new();
    let mut add = |access: Option<AccessHash>, more: Amount| {
        let Some(hash) = access else { return };
        let sum = used.entry(hash).or_default();
        *sum = sum.plus(more);
    };
    let damaged_mailboxes = each(rows, |_, row: MailboxRow| add(row.access, Amount::MAILBOX))?;
    let damaged_blobs = each(rows, |_, row: BlobRow| add(row.access, Amount::of_blob(&row)))?;
    let mut wrong = Vec::new();
    each(rows, |key, row: AccessRow| {
        let Ok(hash) = codec::decode(key) else { return };
        let truth = used.get(&hash).copied().unwrap_or_default();
        if row.used != truth {
            wrong.push((hash, AccessRow { used: truth, ..row }));
        }
    })?;
    for (hash, row) in &wrong {
        row::save(rows, hash, row)?;
    }
    Ok(Counted { changed_count: wrong.len(), damaged_count: damaged_mailboxes.saturating_add(damaged_blobs) })
}

/// Shows every row of a table with its key; how many do not match their own hash.
fn each<R: Row>(rows: &dyn Rows, mut see: impl FnMut(&[u8], R)) -> Result<usize, RuleError> {
    let mut damaged_count = 0_usize;
    store::each(rows, R::TABLE, |key, value| {
        match row::open(R::TABLE, key, value) {
            Ok(row) => see(key, row),
            Err(RuleError::Damaged) => damaged_count = damaged_count.saturating_add(1),
            Err(error) => return Err(error),
        }
        Ok(())
    })?;
    Ok(damaged_count)
}

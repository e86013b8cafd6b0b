//! The rules of prekeys at a doorbell: published sealed, each one-time prekey given once, never more than a few a day.

use lightproof_wire::{
    codec::{self, TlsDeserialize, TlsSerialize, TlsSize},
    command::MailboxKind,
    hash::Digest,
    limits::ONE_TIME_PREKEYS,
    prekey::{PrekeyBundle, PrekeyId, PublishedPrekey},
    refusal::Refusal,
    time::Day,
};

use crate::{
    expire::{self, Perishable},
    limits::{Limits, Space},
    mailbox::{self, DropHash, DropRow, MailboxRow, OwnerHash},
    store::{
        Rows, RowsMut, RuleError, Table,
        row::{self, Row},
    },
};

/// Days after which even a prekey that claims to last longer is removed.
const LONGEST_DAYS: u32 = 60;
/// Prekeys and their markers at one doorbell: a stock refilled every day, remembered for as long as prekeys live.
const MARKERS: usize = 2_000;

/// What a row of prekeys is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, TlsSerialize, TlsDeserialize, TlsSize)]
#[repr(u8)]
pub enum Place {
    /// The signed prekey, under id 0.
    Signed = 1,
    /// A one-time prekey to give.
    Stock = 2,
    /// A one-time prekey that was given, or pushed out by newer ones: it is never stocked again.
    Gone = 3,
}

/// The key of a prekey.
#[derive(Clone, Copy, Debug, PartialEq, Eq, TlsSerialize, TlsDeserialize, TlsSize)]
pub struct PrekeyKey {
    /// Whose.
    pub owner: OwnerHash,
    /// Which of the three.
    pub place: Place,
    /// Its number.
    pub id: PrekeyId,
}

/// A prekey that may be given.
#[derive(Clone, Debug, PartialEq, Eq, TlsSerialize, TlsDeserialize, TlsSize)]
pub struct PrekeyRow {
    /// As published.
    pub prekey: PublishedPrekey,
    /// The last day it is stored.
    pub until: Day,
}

impl Row for PrekeyRow {
    const TABLE: Table = Table::Prekeys;
    type Key = PrekeyKey;
}

/// A prekey that is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, TlsSerialize, TlsDeserialize, TlsSize)]
pub struct GoneRow {
    /// SHA-256 of what was published: a repeat is told from another prekey under an old number.
    pub published: Digest,
    /// The last day it is remembered.
    pub until: Day,
}

impl Row for GoneRow {
    const TABLE: Table = Table::Prekeys;
    type Key = PrekeyKey;
}

/// Publishes: the signed prekey replaces the one before, one-time prekeys are added. Beyond a full stock the oldest go.
///
/// # Errors
/// [`Refusal::Refused`] without such a doorbell or for another prekey under a number in use, [`Refusal::QuotaFull`] also
/// without room for what is new.
pub fn publish(
    rows: &mut dyn RowsMut,
    owner: OwnerHash,
    signed: PublishedPrekey,
    one_time: Vec<PublishedPrekey>,
    today: Day,
    limits: &Limits,
) -> Result<(), RuleError> {
    doorbell(rows, &owner)?;
    let mut fresh = Vec::new();
    for prekey in one_time {
        if !known(rows, owner, &prekey)? {
            fresh.push(prekey);
        }
    }
    if limits.space == Space::None && !(fresh.is_empty() && is_signed_with(rows, owner, &signed)?) {
        return Err(Refusal::QuotaFull.into());
    }
    let gone = rows.range(Table::Prekeys, &first(owner, Place::Gone), &row::after_prefix(owner.as_bytes()), MARKERS)?;
    if gone.len().saturating_add(fresh.len()) > MARKERS {
        return Err(Refusal::QuotaFull.into());
    }
    let mut stock = stock(rows, owner)?;
    stock.sort_by_key(|row| (row.prekey.not_after, row.prekey.id));
    let surplus = stock.len().saturating_add(fresh.len()).saturating_sub(ONE_TIME_PREKEYS);
    for old in stock.into_iter().take(surplus) {
        set_gone(rows, owner, &old)?;
    }
    let until = |prekey: &PublishedPrekey| prekey.not_after.min(today.plus(LONGEST_DAYS));
    for prekey in fresh {
        let key = PrekeyKey { owner, place: Place::Stock, id: prekey.id };
        let row = PrekeyRow { until: until(&prekey), prekey };
        row::save(rows, &key, &row)?;
        expire::remember(rows, row.until, &Perishable::Prekey(key))?;
    }
    let key = signed_key(owner);
    let row = PrekeyRow { until: until(&signed), prekey: signed };
    row::save(rows, &key, &row)?;
    expire::remember(rows, row.until, &Perishable::Prekey(key))?;
    Ok(())
}

/// What may still be served: the last day of the signed prekey and the numbers of the one-time prekeys.
///
/// # Errors
/// [`Refusal::Refused`] without such a doorbell.
pub fn count(rows: &dyn Rows, owner: OwnerHash, today: Day) -> Result<(Option<Day>, Vec<PrekeyId>), RuleError> {
    doorbell(rows, &owner)?;
    let signed = row::load::<PrekeyRow>(rows, &signed_key(owner))?.map(|row| row.prekey.not_after);
    let stock = stock(rows, owner)?.into_iter().filter(|row| row.prekey.not_after >= today);
    Ok((signed.filter(|last| *last >= today), stock.map(|row| row.prekey.id).collect()))
}

/// Gives a bundle. The one-time prekey in it is gone in the same commit.
///
/// # Errors
/// [`Refusal::Refused`] without such a doorbell or without a signed prekey that is still valid.
pub fn take(rows: &mut dyn RowsMut, drop: DropHash, today: Day, limits: &Limits) -> Result<PrekeyBundle, RuleError> {
    let (owner, signed) = signed(rows, &drop, today)?;
    let mut mailbox = doorbell(rows, &owner)?;
    if mailbox.taken_on != today {
        mailbox.taken_on = today;
        mailbox.taken_count = 0;
    }
    if mailbox.taken_count >= limits.one_time_prekeys_a_day {
        return Ok(PrekeyBundle { signed, one_time: None });
    }
    let valid = stock(rows, owner)?.into_iter().filter(|row| row.prekey.not_after >= today);
    // The one that expires first goes first, so that none is wasted.
    let Some(given) = valid.min_by_key(|row| (row.prekey.not_after, row.prekey.id)) else {
        return Ok(PrekeyBundle { signed, one_time: None });
    };
    set_gone(rows, owner, &given)?;
    mailbox.taken_count = mailbox.taken_count.saturating_add(1);
    row::save(rows, &owner, &mailbox)?;
    Ok(PrekeyBundle { signed, one_time: Some(given.prekey) })
}

/// Gives a bundle that costs its doorbell nothing.
///
/// # Errors
/// As [`take`].
pub fn without_one_time(rows: &dyn Rows, drop: &DropHash, today: Day) -> Result<PrekeyBundle, RuleError> {
    let (_, signed) = signed(rows, drop, today)?;
    Ok(PrekeyBundle { signed, one_time: None })
}

fn signed(rows: &dyn Rows, drop: &DropHash, today: Day) -> Result<(OwnerHash, PublishedPrekey), RuleError> {
    let DropRow { owner } = row::load(rows, drop)?.ok_or(Refusal::Refused)?;
    doorbell(rows, &owner)?;
    let signed = row::load::<PrekeyRow>(rows, &signed_key(owner))?.map(|row| row.prekey);
    let signed = signed.filter(|signed| signed.not_after >= today).ok_or(Refusal::Refused)?;
    Ok((owner, signed))
}

/// Removes everything published at a mailbox.
pub(crate) fn remove_all(rows: &mut dyn RowsMut, owner: OwnerHash) -> Result<(), RuleError> {
    mailbox::remove_all(rows, Table::Prekeys, owner.as_bytes())
}

fn doorbell(rows: &dyn Rows, owner: &OwnerHash) -> Result<MailboxRow, RuleError> {
    let mailbox = mailbox::owned(rows, owner)?;
    if mailbox.kind == MailboxKind::Doorbell { Ok(mailbox) } else { Err(Refusal::Refused.into()) }
}

fn known(rows: &dyn Rows, owner: OwnerHash, prekey: &PublishedPrekey) -> Result<bool, RuleError> {
    let key = |place| PrekeyKey { owner, place, id: prekey.id };
    let same = if let Some(row) = row::load::<PrekeyRow>(rows, &key(Place::Stock))? {
        row.prekey == *prekey
    } else if let Some(row) = row::load::<GoneRow>(rows, &key(Place::Gone))? {
        row.published == Digest::of(&codec::encode(prekey))
    } else {
        return Ok(false);
    };
    if same { Ok(true) } else { Err(Refusal::Refused.into()) }
}

fn is_signed_with(rows: &dyn Rows, owner: OwnerHash, signed: &PublishedPrekey) -> Result<bool, RuleError> {
    Ok(row::load::<PrekeyRow>(rows, &signed_key(owner))?.is_some_and(|row| row.prekey == *signed))
}

fn stock(rows: &dyn Rows, owner: OwnerHash) -> Result<Vec<PrekeyRow>, RuleError> {
    let (from, before) = (first(owner, Place::Stock), first(owner, Place::Gone));
    let found = rows.range(Table::Prekeys, &from, &before, ONE_TIME_PREKEYS)?;
    found.iter().map(|(key, value)| row::open(Table::Prekeys, key, value)).collect()
}

fn set_gone(rows: &mut dyn RowsMut, owner: OwnerHash, row: &PrekeyRow) -> Result<(), RuleError> {
    let key = |place| PrekeyKey { owner, place, id: row.prekey.id };
    let published = Digest::of(&codec::encode(&row.prekey));
    row::remove::<PrekeyRow>(rows, &key(Place::Stock))?;
    row::save(rows, &key(Place::Gone), &GoneRow { published, until: row.until })?;
    expire::remember(rows, row.until, &Perishable::Prekey(key(Place::Gone)))?;
    Ok(())
}

fn signed_key(owner: OwnerHash) -> PrekeyKey {
    PrekeyKey { owner, place: Place::Signed, id: PrekeyId(0) }
}

fn first(owner: OwnerHash, place: Place) -> Vec<u8> {
    codec::encode(&PrekeyKey { owner, place, id: PrekeyId(0) })
}

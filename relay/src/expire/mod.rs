//! What is over: an index by day, swept a batch at a time.
//!
//! An entry of the index is a hint: whether a thing goes is decided by its own row. What lives longer than its entry
//! says is entered again under its later day, so that moving a last day costs no search.

mod mail;

use lightproof_wire::{
    codec::{self, TlsDeserialize, TlsSerialize, TlsSize},
    time::Day,
};

use self::mail::Walk;
use crate::{
    access,
    blob::{self, BlobRow, Phase, UploadRow, WriteHash},
    limits::Limits,
    mailbox::{self, DropHash, MailboxRow, OwnerHash},
    prekeys::{GoneRow, Place, PrekeyKey, PrekeyRow},
    store::{
        FileId, Rows, RowsMut, RuleError, StoreUnavailable, Table,
        row::{self, Row},
    },
    tombstone::{Cause, Tombstone, TombstoneKey},
};

/// Whose mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, TlsSerialize, TlsDeserialize, TlsSize)]
pub struct MailKey {
    /// Where it was deposited.
    pub drop: DropHash,
    /// The mailbox behind it then.
    pub owner: OwnerHash,
}

/// Anything that goes one day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, TlsSerialize, TlsDeserialize, TlsSize)]
#[repr(u8)]
pub enum Perishable {
    /// A blob or an unfinished upload.
    #[tls_codec(discriminant = 1)]
    Blob(WriteHash),
    /// What was deposited at a drop, and the memory of it: one entry for all whose last day is the same.
    #[tls_codec(discriminant = 2)]
    Mail(MailKey),
    /// A mailbox nobody watches.
    #[tls_codec(discriminant = 4)]
    Mailbox(OwnerHash),
    /// A prekey, or the memory of one.
    #[tls_codec(discriminant = 5)]
    Prekey(PrekeyKey),
    /// The memory of what is gone.
    #[tls_codec(discriminant = 6)]
    Tombstone(TombstoneKey),
}

#[derive(TlsSerialize, TlsDeserialize, TlsSize)]
struct IndexKey {
    last_day: Day,
    what: Perishable,
}

/// Enters a thing under the last day it stays.
pub(crate) fn remember(rows: &mut dyn RowsMut, last_day: Day, what: &Perishable) -> Result<(), StoreUnavailable> {
    rows.put(Table::Expiry, &codec::encode(&IndexKey { last_day, what: *what }), &[])
}

/// Enters the mail of a mailbox under the last day of some of it: once a day, however much comes.
pub(crate) fn remember_mail(rows: &mut dyn RowsMut, last_day: Day, mail: MailKey) -> Result<(), StoreUnavailable> {
    let what = Perishable::Mail(mail);
    if is_remembered(rows, last_day, &what)? { Ok(()) } else { remember(rows, last_day, &what) }
}

/// Whether mail at a drop that begins so is entered under this day.
pub(crate) fn is_mail_remembered(rows: &dyn Rows, last_day: Day, drop: &[u8]) -> Result<bool, StoreUnavailable> {
    let nowhere = MailKey { drop: DropHash::from_bytes([0; 32]), owner: OwnerHash::from_bytes([0; 32]) };
    let mut key = codec::encode(&IndexKey { last_day, what: Perishable::Mail(nowhere) });
    key.truncate(key.len().saturating_sub(codec::encode(&nowhere).len()));
    key.extend(drop);
    Ok(!rows.range(Table::Expiry, &key, &row::after_prefix(&key), 1)?.is_empty())
}

/// Whether a thing is entered under this day.
pub(crate) fn is_remembered(rows: &dyn Rows, last_day: Day, what: &Perishable) -> Result<bool, StoreUnavailable> {
    Ok(rows.get(Table::Expiry, &codec::encode(&IndexKey { last_day, what: *what }))?.is_some())
}

/// What an entry stands for; none if it is damaged.
pub(crate) fn remembered(key: &[u8]) -> Option<Perishable> {
    codec::decode::<IndexKey>(key).ok().map(|key| key.what)
}

/// What one batch of a sweep did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Whether nothing is left for today.
    pub is_complete: bool,
    /// Rows that went.
    pub removed_count: usize,
    /// Files to remove after the commit.
    pub files: Vec<FileId>,
    /// Rows that do not match their own hash.
    pub damaged_count: usize,
}

impl Swept {
    fn removed(&mut self) {
        self.removed_count = self.removed_count.saturating_add(1);
    }

    fn damaged(&mut self) {
        self.damaged_count = self.damaged_count.saturating_add(1);
    }
}

/// Removes what was over before today, looking at not many more than `limit` rows, which is 2 at least.
///
/// # Errors
/// [`RuleError::Unavailable`].
pub fn sweep(rows: &mut dyn RowsMut, today: Day, limits: &Limits, limit: usize) -> Result<Swept, RuleError> {
    let before = codec::encode(&today);
    let entries = rows.range(Table::Expiry, &[], &before, limit)?;
    let mut swept = Swept { is_complete: entries.len() < limit, ..Swept::default() };
    let mut left = limit;
    for (key, from) in entries {
        if left == 0 {
            swept.is_complete = false;
            break;
        }
        left = left.saturating_sub(1);
        rows.remove(Table::Expiry, &key)?;
        let Ok(IndexKey { what, .. }) = codec::decode(&key) else { continue };
        let fate = match &what {
            Perishable::Blob(write) => expire_blob(rows, *write, today, limits, &mut swept.files),
            Perishable::Mail(mail) => Walk { rows, today, left: &mut left, swept: &mut swept }.expire(mail, &from),
            Perishable::Mailbox(owner) => expire_mailbox(rows, *owner, today, limits),
            Perishable::Prekey(key) if key.place == Place::Gone => {
                expire_row::<GoneRow>(rows, key, today, |row| row.until)
            }
            Perishable::Prekey(key) => expire_row::<PrekeyRow>(rows, key, today, |row| row.until),
            Perishable::Tombstone(key) => expire_row::<Tombstone>(rows, key, today, |row| row.until),
        };
        match fate {
            Ok(Fate::Later(day)) => remember(rows, day, &what)?,
            Ok(Fate::Unfinished(from)) => {
                rows.put(Table::Expiry, &key, &from)?;
                swept.is_complete = false;
            }
            Ok(Fate::Removed) => swept.removed(),
            Ok(Fate::Absent) => {}
            Err(RuleError::Damaged) => {
                swept.damaged();
                remove_damaged(rows, &what, today)?;
            }
            Err(error) => return Err(error),
        }
    }
    if swept.damaged_count > 0 {
        // Nobody knows any more who was charged for what is gone.
        access::count_anew(rows)?;
    }
    Ok(swept)
}

/// What became of a thing whose day had come.
enum Fate {
    /// It was gone already, or goes with another row.
    Absent,
    /// Look again on this day.
    Later(Day),
    /// It is gone now.
    Removed,
    /// There is more of it: the next batch goes on from here.
    Unfinished(Vec<u8>),
}

fn expire_row<R: Row>(
    rows: &mut dyn RowsMut,
    key: &R::Key,
    today: Day,
    last_day: impl Fn(&R) -> Day,
) -> Result<Fate, RuleError> {
    match row::load::<R>(rows, key)?.map(|row| last_day(&row)) {
        Some(later) if later >= today => Ok(Fate::Later(later)),
        Some(_) => {
            row::remove::<R>(rows, key)?;
            Ok(Fate::Removed)
        }
        None => Ok(Fate::Absent),
    }
}

fn expire_mailbox(rows: &mut dyn RowsMut, owner: OwnerHash, today: Day, limits: &Limits) -> Result<Fate, RuleError> {
    let Some(mailbox) = row::load::<MailboxRow>(rows, &owner)? else { return Ok(Fate::Absent) };
    let last_day = mailbox.last_watch.plus(limits.mailbox_days.into());
    if last_day >= today {
        return Ok(Fate::Later(last_day));
    }
    mailbox::end(rows, owner, &mailbox, Cause::Expired, today.plus(limits.tombstone_days.into()))?;
    Ok(Fate::Removed)
}

fn expire_blob(
    rows: &mut dyn RowsMut,
    write: WriteHash,
    today: Day,
    limits: &Limits,
    files: &mut Vec<FileId>,
) -> Result<Fate, RuleError> {
    let Some(blob) = row::load::<BlobRow>(rows, &write)? else { return Ok(Fate::Absent) };
    if blob.phase == Phase::Uploading {
        let last_day = row::load::<UploadRow>(rows, &write)?.map_or(Day(0), |upload| upload.last_day(limits));
        if last_day >= today {
            return Ok(Fate::Later(last_day));
        }
        files.push(blob::forget(rows, write, &blob)?);
        return Ok(Fate::Removed);
    }
    if blob.expires >= today {
        return Ok(Fate::Later(blob.expires));
    }
    let until = today.plus(limits.tombstone_days.into());
    files.push(blob::end(rows, write, &blob, Cause::Expired, until)?);
    Ok(Fate::Removed)
}

fn remove_damaged(rows: &mut dyn RowsMut, what: &Perishable, today: Day) -> Result<(), RuleError> {
    /// A mailbox whose row is damaged is left for its operator's backup; it is looked at again.
    const LOOK_AGAIN_DAYS: u32 = 30;
    match what {
        // Its file has no name any more and is removed at the next start.
        Perishable::Blob(write) => row::remove::<BlobRow>(rows, write)?,
        // Its walk takes damaged rows with it, one by one.
        Perishable::Mail(_) => false,
        Perishable::Mailbox(_) => {
            remember(rows, today.plus(LOOK_AGAIN_DAYS), what)?;
            false
        }
        Perishable::Prekey(key) => row::remove::<PrekeyRow>(rows, key)?,
        Perishable::Tombstone(key) => row::remove::<Tombstone>(rows, key)?,
    };
    Ok(())
}

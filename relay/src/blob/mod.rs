//! The rules of blobs: opened with their readers, complete before they are readable, immutable after, gone when
//! every reader is done or their day has come. The bytes are not here: see `upload` and the `Chunks` seam.

use lightproof_wire::{
    blob::{BlobShape, ChunkBitmap},
    codec::List,
    command::Readers,
    id::ChunkIndex,
    refusal::Refusal,
    time::Day,
};

use crate::{
    access::{self, AccessHash, Amount},
    expire::{self, Perishable},
    limits::{Limits, Made, Space},
    store::{FileId, Rows, RowsMut, RuleError, row},
    tombstone::{self, Cause, Right, Tombstone, TombstoneKey},
    totals::TotalsRow,
};

pub use rows::{BlobRow, Phase, ReadHash, Reader, ReaderRow, Reading, UploadRow, WriteHash};

mod rows;

/// What a client wants to begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opening {
    /// Its writer.
    pub write: WriteHash,
    /// Its readers.
    pub readers: Vec<ReadHash>,
    /// Its shape.
    pub shape: BlobShape,
    /// Days to keep it from today.
    pub keep_days: u16,
    /// A fresh name for its file.
    pub file: FileId,
    /// Who is charged for it, where the relay asks for a capability.
    pub access: Option<AccessHash>,
}

/// Begins a blob, or moves its last day. Begun before with the same readers and shape is fine; a later last day needs
/// the right to create all the same.
///
/// # Errors
/// [`Refusal::TooLarge`], [`Refusal::QuotaFull`], [`Refusal::Refused`] if one of the hashes is or was in use or
/// without the right to create.
pub fn open(rows: &mut dyn RowsMut, opening: Opening, today: Day, limits: &Limits) -> Result<Made, RuleError> {
    let Opening { write, readers, shape, keep_days, file, access } = opening;
    if keep_days > limits.blob_days {
        return Err(Refusal::TooLarge.into());
    }
    let expires = today.plus(keep_days.into());
    if let Some(blob) = row::load::<BlobRow>(rows, &write)? {
        if blob.shape != shape || !blob.readers.iter().map(|reader| reader.hash).eq(readers) {
            return Err(Refusal::Refused.into());
        }
        if expires > blob.expires {
            access::check(rows, access, today)?;
            row::save(rows, &write, &BlobRow { expires, ..blob })?;
        }
        touch(rows, write, today)?;
        return Ok(Made::Before);
    }
    // Not before: it came while the limit was another.
    if shape.sealed_bytes() > limits.blob_bytes {
        return Err(Refusal::TooLarge.into());
    }
    tombstone::check_none(rows, Right::Write, write.as_bytes())?;
    for reader in &readers {
        tombstone::check_none(rows, Right::Read, reader.as_bytes())?;
        if row::load::<ReaderRow>(rows, reader)?.is_some() {
            return Err(Refusal::Refused.into());
        }
    }
    let mut totals = row::load::<TotalsRow>(rows, &0)?.unwrap_or_default();
    totals.reserved_bytes = totals.reserved_bytes.saturating_add(shape.sealed_bytes());
    if limits.space < Space::ForContacts || totals.reserved_bytes > limits.blob_space_bytes {
        return Err(Refusal::QuotaFull.into());
    }
    let states = readers.iter().map(|hash| Reader { hash: *hash, reading: Reading::Open }).collect();
    let listed = List::new(states).map_err(|_| Refusal::TooLarge)?;
    access::charge(rows, access, Amount::of_bytes(shape.sealed_bytes()), today)?;
    let blob = BlobRow { file, shape, access, phase: Phase::Uploading, expires, readers: listed };
    row::save(rows, &write, &blob)?;
    for reader in &readers {
        row::save(rows, reader, &ReaderRow { write })?;
    }
    let upload = UploadRow { touched: today, synced: ChunkBitmap::empty(shape.count()) };
    row::save(rows, &write, &upload)?;
    row::save(rows, &0, &totals)?;
    expire::remember(rows, upload.last_day(limits), &Perishable::Blob(write))?;
    Ok(Made::Now)
}

/// An upload that somebody came back to is not idle.
fn touch(rows: &mut dyn RowsMut, write: WriteHash, today: Day) -> Result<(), RuleError> {
    if let Some(mut upload) = row::load::<UploadRow>(rows, &write)?
        && upload.touched < today
        && upload.has_any()
    {
        upload.touched = today;
        row::save(rows, &write, &upload)?;
    }
    Ok(())
}

/// The blob of a writer.
///
/// # Errors
/// [`Refusal::Refused`] without one.
pub fn written(rows: &dyn Rows, write: &WriteHash) -> Result<BlobRow, RuleError> {
    row::load(rows, write)?.ok_or(RuleError::Refused(Refusal::Refused))
}

/// Where a reader finds a chunk.
///
/// # Errors
/// [`Refusal::Refused`] for no such reader, one that is done, or a blob that is not committed; [`Refusal::TooLarge`]
/// beyond the last chunk.
pub fn read(rows: &dyn Rows, read: &ReadHash, index: ChunkIndex) -> Result<(FileId, u64, u32), RuleError> {
    let ReaderRow { write } = row::load(rows, read)?.ok_or(Refusal::Refused)?;
    let blob = written(rows, &write)?;
    let may = blob.readers.iter().any(|reader| reader.hash == *read && reader.reading == Reading::Open);
    if !may || blob.phase != Phase::Committed {
        return Err(Refusal::Refused.into());
    }
    let offset = blob.shape.offset(index).ok_or(Refusal::TooLarge)?;
    Ok((blob.file, offset, blob.shape.class().sealed_bytes()))
}

/// Records which chunks a sync has put on disk.
///
/// # Errors
/// [`Refusal::Refused`] without such an upload.
pub fn record(rows: &mut dyn RowsMut, write: WriteHash, synced: ChunkBitmap, today: Day) -> Result<(), RuleError> {
    if written(rows, &write)?.phase == Phase::Committed {
        return Err(Refusal::Refused.into());
    }
    row::save(rows, &write, &UploadRow { touched: today, synced })?;
    Ok(())
}

/// Makes a blob readable and immutable; done before is fine. Its file has been synced, complete.
///
/// # Errors
/// [`Refusal::Refused`] without such a blob.
pub fn commit(rows: &mut dyn RowsMut, write: WriteHash) -> Result<(), RuleError> {
    let mut blob = written(rows, &write)?;
    if blob.phase == Phase::Committed {
        return Ok(());
    }
    blob.phase = Phase::Committed;
    row::save(rows, &write, &blob)?;
    row::remove::<UploadRow>(rows, &write)?;
    expire::remember(rows, blob.expires, &Perishable::Blob(write))?;
    Ok(())
}

/// A reader lets go; the file to remove, if it was the last.
///
/// # Errors
/// [`Refusal::Refused`] for no such reader.
pub fn release(
    rows: &mut dyn RowsMut,
    read: ReadHash,
    today: Day,
    limits: &Limits,
) -> Result<Option<FileId>, RuleError> {
    match tombstone::find(rows, Right::Read, read.as_bytes())? {
        Some(Tombstone { cause: Cause::Released, .. }) => return Ok(None),
        Some(_) => return Err(Refusal::Refused.into()),
        None => {}
    }
    let ReaderRow { write } = row::load(rows, &read)?.ok_or(Refusal::Refused)?;
    let blob = written(rows, &write)?;
    if blob.phase != Phase::Committed {
        return Err(Refusal::Refused.into());
    }
    let until = today.plus(limits.tombstone_days.into());
    stop_reading(rows, write, blob, read, Cause::Released, until)
}

/// The sender takes a blob back; the file to remove, if nobody reads it any more.
///
/// # Errors
/// [`Refusal::Refused`] for no such blob or a reader it was not opened with.
pub fn revoke(
    rows: &mut dyn RowsMut,
    write: WriteHash,
    readers: Readers,
    today: Day,
    limits: &Limits,
) -> Result<Option<FileId>, RuleError> {
    if let Some(gone) = tombstone::find(rows, Right::Write, write.as_bytes())? {
        return if gone.cause == Cause::Revoked || revoked_before(rows, write, readers)? {
            Ok(None)
        } else {
            Err(Refusal::Refused.into())
        };
    }
    let blob = written(rows, &write)?;
    let until = today.plus(limits.tombstone_days.into());
    match readers {
        Readers::All => end(rows, write, &blob, Cause::Revoked, until).map(Some),
        Readers::One(read) => match blob.readers.iter().find(|reader| reader.hash == read).map(|it| it.reading) {
            None => Err(Refusal::Refused.into()),
            Some(Reading::Open) => stop_reading(rows, write, blob, read, Cause::Revoked, until),
            Some(Reading::Released | Reading::Revoked) => Ok(None),
        },
    }
}

fn revoked_before(rows: &dyn Rows, write: WriteHash, readers: Readers) -> Result<bool, RuleError> {
    let Readers::One(read) = readers else { return Ok(false) };
    let gone = tombstone::find(rows, Right::Read, read.as_bytes())?;
    // A reader that had released before the revocation got the same Done.
    Ok(gone.is_some_and(|gone| gone.parent == *write.as_bytes() && gone.cause != Cause::Expired))
}

fn stop_reading(
    rows: &mut dyn RowsMut,
    write: WriteHash,
    mut blob: BlobRow,
    read: ReadHash,
    cause: Cause,
    until: Day,
) -> Result<Option<FileId>, RuleError> {
    let reading = if cause == Cause::Released { Reading::Released } else { Reading::Revoked };
    let mut readers = blob.readers.clone().into_vec();
    for reader in readers.iter_mut().filter(|reader| reader.hash == read) {
        reader.reading = reading;
    }
    let anybody = readers.iter().any(|reader| reader.reading == Reading::Open);
    blob.readers = List::new(readers).map_err(|_| RuleError::Damaged)?;
    if !anybody {
        return end(rows, write, &blob, cause, until).map(Some);
    }
    row::save(rows, &write, &blob)?;
    row::remove::<ReaderRow>(rows, &read)?;
    let parent = *write.as_bytes();
    tombstone::set(
        rows,
        TombstoneKey { right: Right::Read, hash: *read.as_bytes() },
        Tombstone { cause, parent, until },
    )?;
    Ok(None)
}

/// Removes a blob's rows and leaves tombstones; the file to remove after the commit.
///
/// # Errors
/// [`RuleError::Unavailable`].
pub fn end(
    rows: &mut dyn RowsMut,
    write: WriteHash,
    blob: &BlobRow,
    cause: Cause,
    until: Day,
) -> Result<FileId, RuleError> {
    let file = forget(rows, write, blob)?;
    let parent = *write.as_bytes();
    for reader in blob.readers.iter() {
        let cause = match reader.reading {
            Reading::Open => cause,
            Reading::Released => Cause::Released,
            Reading::Revoked => Cause::Revoked,
        };
        let key = TombstoneKey { right: Right::Read, hash: *reader.hash.as_bytes() };
        tombstone::set(rows, key, Tombstone { cause, parent, until })?;
    }
    let key = TombstoneKey { right: Right::Write, hash: parent };
    tombstone::set(rows, key, Tombstone { cause, parent: [0; 32], until })?;
    Ok(file)
}

/// Removes a blob's rows and leaves nothing.
///
/// # Errors
/// [`RuleError::Unavailable`].
pub fn forget(rows: &mut dyn RowsMut, write: WriteHash, blob: &BlobRow) -> Result<FileId, RuleError> {
    match row::load::<TotalsRow>(rows, &0) {
        Ok(totals) => {
            let mut totals = totals.unwrap_or_default();
            totals.reserved_bytes = totals.reserved_bytes.saturating_sub(blob.shape.sealed_bytes());
            row::save(rows, &0, &totals)?;
        }
        // Counted anew at the next start; what is over goes all the same.
        Err(RuleError::Damaged) => {}
        Err(error) => return Err(error),
    }
    access::give_back(rows, blob.access, Amount::of_blob(blob))?;
    for reader in blob.readers.iter() {
        row::remove::<ReaderRow>(rows, &reader.hash)?;
    }
    row::remove::<UploadRow>(rows, &write)?;
    row::remove::<BlobRow>(rows, &write)?;
    Ok(blob.file)
}

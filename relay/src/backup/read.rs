//! Reads a backup: record by record, and whole or not at all.

use std::io::Read;

use lightproof_wire::{
    codec::{DecodeError, Deserialize as _},
    hash::Hasher,
    time::Day,
};

use super::{BackupError, Contents, MAGIC, Record, VERSION};

/// A backup that is being read. What it gives may be used once it has said that there is no more.
pub struct Reader<R> {
    input: Hashing<R>,
    day: Day,
    found: Contents,
}

impl<R: Read> Reader<R> {
    /// Reads what stands before the records.
    ///
    /// # Errors
    /// [`BackupError::NoBackup`], [`BackupError::Newer`], [`BackupError::Damaged`].
    pub fn open(input: R) -> Result<Self, BackupError> {
        let mut input = Hashing { input, hasher: Hasher::bare() };
        let mut magic = [0; MAGIC.len()];
        let mut version = [0];
        input.read_exact(&mut magic).map_err(|_| BackupError::NoBackup)?;
        if magic != *MAGIC {
            return Err(BackupError::NoBackup);
        }
        input.read_exact(&mut version).map_err(|_| BackupError::Damaged)?;
        if version != [VERSION] {
            return Err(BackupError::Newer);
        }
        let day = Day::tls_deserialize(&mut input).map_err(|_| BackupError::Damaged)?;
        Ok(Self { input, day, found: Contents::default() })
    }

    /// The day it was made.
    #[must_use]
    pub const fn day(&self) -> Day {
        self.day
    }

    /// The next record that is not the last. `None` after it: all of it was as it was written.
    ///
    /// # Errors
    /// [`BackupError::Damaged`].
    pub fn next_record(&mut self) -> Result<Option<Record>, BackupError> {
        let record = Record::tls_deserialize(&mut self.input);
        let record = record.map_err(DecodeError::from).map_err(|_| BackupError::Damaged)?;
        match &record {
            Record::Row { .. } => self.found.rows = self.found.rows.saturating_add(1),
            Record::Chunk { .. } => self.found.chunks = self.found.chunks.saturating_add(1),
            Record::Kept { .. } => {}
            Record::End(contents) => {
                self.found.missing_blobs = contents.missing_blobs;
                self.check(*contents)?;
                return Ok(None);
            }
        }
        Ok(Some(record))
    }

    /// What was in it.
    #[must_use]
    pub const fn contents(&self) -> Contents {
        self.found
    }

    fn check(&mut self, contents: Contents) -> Result<(), BackupError> {
        let computed = self.input.hasher.clone().finish();
        let mut written = [0; 32];
        self.input.read_exact(&mut written).map_err(|_| BackupError::Damaged)?;
        let at_end = self.input.read(&mut [0])? == 0;
        if computed.as_bytes() != &written || !at_end || contents != self.found {
            return Err(BackupError::Damaged);
        }
        Ok(())
    }
}

/// Reads all of a backup; what is in it, and the day it was made.
///
/// # Errors
/// [`BackupError`] if it is not as it was written.
pub fn verify(input: impl Read) -> Result<(Contents, Day), BackupError> {
    let mut reader = Reader::open(input)?;
    while reader.next_record()?.is_some() {}
    Ok((reader.contents(), reader.day()))
}

struct Hashing<R> {
    input: R,
    hasher: Hasher,
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, bytes: &mut [u8]) -> std::io::Result<usize> {
        let count = self.input.read(bytes)?;
        self.hasher.update(bytes.get(..count).unwrap_or_default());
        Ok(count)
    }
}

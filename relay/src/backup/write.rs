//! Writes a backup as a stream, row by row and chunk by chunk.

use std::io::Write;

use lightproof_wire::{
    blob::ChunkBitmap,
    codec::{self, Bytes, Text},
    hash::Hasher,
    id::ChunkIndex,
    time::Day,
};
use zeroize::Zeroizing;

use super::{BackupError, Contents, MAGIC, Record, VERSION};
use crate::{
    blob::{BlobRow, Phase, UploadRow},
    folder::KeptFile,
    store::{self, Chunks, Rows, RuleError, StoreUnavailable, Table, row},
};

/// What is backed up.
pub struct Source<'a> {
    /// The rows of one moment.
    pub rows: &'a dyn Rows,
    /// The bytes of their blobs, of which none is removed meanwhile.
    pub chunks: &'a dyn Chunks,
    /// Small secret files of the data folder.
    pub kept: &'a [KeptFile],
    /// Today.
    pub day: Day,
}

/// Writes everything, for as long as `go_on` says so.
///
/// # Errors
/// [`BackupError`]; what was written is then no backup.
pub fn write(source: &Source<'_>, out: &mut dyn Write, go_on: &dyn Fn() -> bool) -> Result<Contents, BackupError> {
    let mut writer = Writer { out, hasher: Hasher::bare(), contents: Contents::default(), go_on };
    writer.bytes(MAGIC)?;
    writer.bytes(&[VERSION])?;
    writer.bytes(&codec::encode(&source.day))?;
    for KeptFile { name, content } in source.kept {
        let name = Text::new(*name).map_err(StoreUnavailable::because)?;
        let content = Bytes::new(content.to_vec()).map_err(StoreUnavailable::because)?;
        writer.record(&Record::Kept { name, content })?;
    }
    for table in Table::ALL {
        store::each(source.rows, table, |key, value| writer.row(table, key, value))?;
    }
    // After the rows: a file that cannot be read must not keep them from being in the backup.
    store::each(source.rows, Table::Blobs, |key, value| writer.blob(source, key, value))?;
    let contents = writer.contents;
    writer.record(&Record::End(contents))?;
    let Writer { out, hasher, .. } = writer;
    out.write_all(hasher.finish().as_bytes())?;
    out.flush()?;
    Ok(contents)
}

struct Writer<'a> {
    out: &'a mut dyn Write,
    hasher: Hasher,
    contents: Contents,
    go_on: &'a dyn Fn() -> bool,
}

impl Writer<'_> {
    fn bytes(&mut self, bytes: &[u8]) -> Result<(), BackupError> {
        self.hasher.update(bytes);
        Ok(self.out.write_all(bytes)?)
    }

    fn record(&mut self, record: &Record) -> Result<(), BackupError> {
        if !(self.go_on)() {
            return Err(BackupError::Stopped);
        }
        self.bytes(&Zeroizing::new(codec::encode(record)))
    }

    fn row(&mut self, table: Table, key: &[u8], value: &[u8]) -> Result<(), BackupError> {
        let key = Bytes::new(key.to_vec()).map_err(StoreUnavailable::because)?;
        let value = Bytes::new(value.to_vec()).map_err(StoreUnavailable::because)?;
        self.contents.rows = self.contents.rows.saturating_add(1);
        self.record(&Record::Row { table, key, value })
    }

    /// All chunks of a blob, or of an unfinished one those that are known to be on disk.
    fn blob(&mut self, source: &Source<'_>, key: &[u8], value: &[u8]) -> Result<(), BackupError> {
        let blob = match row::open::<BlobRow>(Table::Blobs, key, value) {
            Ok(blob) => blob,
            // Nobody knows its file; the row itself is in the backup as it is.
            Err(RuleError::Damaged) => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        let synced = match blob.phase {
            Phase::Committed => None,
            Phase::Uploading => Some(synced(source.rows, key)?),
        };
        let wanted = |index: &ChunkIndex| synced.as_ref().is_none_or(|synced| synced.contains(*index));
        let mut all_there = true;
        for index in (0..blob.shape.count()).map(ChunkIndex).filter(wanted) {
            let Some(offset) = blob.shape.offset(index) else { continue };
            let length = usize::try_from(blob.shape.class().sealed_bytes()).unwrap_or(usize::MAX);
            match source.chunks.read_at(blob.file, offset, length) {
                Ok(bytes) => {
                    let bytes = Bytes::new(bytes).map_err(StoreUnavailable::because)?;
                    self.contents.chunks = self.contents.chunks.saturating_add(1);
                    self.record(&Record::Chunk { file: blob.file, offset, bytes })?;
                }
                Err(_) => all_there = false,
            }
        }
        if !all_there {
            self.contents.missing_blobs = self.contents.missing_blobs.saturating_add(1);
        }
        Ok(())
    }
}

fn synced(rows: &dyn Rows, key: &[u8]) -> Result<ChunkBitmap, BackupError> {
    let found = rows.get(Table::Uploads, key)?;
    let upload = found.map(|value| row::open::<UploadRow>(Table::Uploads, key, &value)).transpose();
    match upload {
        Ok(Some(upload)) => Ok(upload.synced),
        Ok(None) | Err(RuleError::Damaged) => Ok(ChunkBitmap::empty(0)),
        Err(error) => Err(error.into()),
    }
}

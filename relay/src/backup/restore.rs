//! Makes a data folder out of a backup.

use std::{
    collections::BTreeSet,
    fs::File,
    io::{BufReader, Seek as _, SeekFrom},
    path::Path,
};

use lightproof_wire::time::Day;
use zeroize::Zeroizing;

use super::{BackupError, Contents, Reader, Record, verify};
use crate::{
    folder::{Folder, KEPT, Unfinished},
    store::{
        Chunks as _, Durable, FileId, RawRow, SyncError, Table, commit_blocking,
        disk::{DiskLimits, DiskStore},
        files::Files,
    },
};

const LIMITS: DiskLimits = DiskLimits { cache_bytes: 16 * 1_048_576, queue_length: 1 };
/// In one commit.
const ROW_COUNT: usize = 256;
const BUFFER_BYTES: usize = 1_048_576;

/// Restores into a folder that is empty or not there, or where an earlier restore was cut off. The backup is read twice:
/// nothing is written before all of it was found to be as it was made.
///
/// # Errors
/// [`BackupError`]; the folder is then no data folder, and no relay starts on it.
pub fn restore(backup: &mut File, root: &Path) -> Result<(Contents, Day), BackupError> {
    verify(BufReader::with_capacity(BUFFER_BYTES, &*backup))?;
    backup.seek(SeekFrom::Start(0))?;
    // Before the folder is closed to others: one that cannot be used stays as it is.
    if let Some(found) = Folder::found(root)?
        && !found.takes_a_restore()?
    {
        return Err(BackupError::NotEmpty);
    }
    let folder = Folder::open(root)?;
    let unfinished = folder.begin_restore()?.ok_or(BackupError::NotEmpty)?;
    let mut reader = Reader::open(BufReader::with_capacity(BUFFER_BYTES, backup))?;
    let mut into = Into {
        rows: DiskStore::open(&folder.rows(), LIMITS)?,
        files: Files::open(&folder.blobs())?,
        folder,
        waiting: None,
        written: BTreeSet::new(),
    };
    while let Some(record) = reader.next_record()? {
        into.put(record)?;
    }
    into.finish(unfinished)?;
    Ok((reader.contents(), reader.day()))
}

struct Into {
    folder: Folder,
    rows: DiskStore,
    files: Files,
    /// Rows of one table that share a commit.
    waiting: Option<(Table, Vec<RawRow>)>,
    written: BTreeSet<FileId>,
}

impl Into {
    fn put(&mut self, record: Record) -> Result<(), BackupError> {
        match record {
            Record::Kept { name, content } => {
                // A name from a file never becomes a path: it is one that is known, or nothing.
                let name = KEPT.into_iter().find(|known| *known == name.as_str()).ok_or(BackupError::Newer)?;
                self.folder.kept(name, || Ok(Zeroizing::new(content.into_vec())))?;
            }
            Record::Row { table, key, value } => self.row(table, (key.into_vec(), value.into_vec()))?,
            Record::Chunk { file, offset, bytes } => {
                self.files.write_at(file, offset, bytes.as_slice())?;
                self.written.insert(file);
            }
            Record::End(_) => {}
        }
        Ok(())
    }

    fn row(&mut self, table: Table, row: RawRow) -> Result<(), BackupError> {
        let fits = self.waiting.as_ref().is_none_or(|(of, rows)| *of == table && rows.len() < ROW_COUNT);
        if !fits {
            self.flush()?;
        }
        self.waiting.get_or_insert_with(|| (table, Vec::new())).1.push(row);
        Ok(())
    }

    /// Writes rows as they were read, each under the hash it has.
    fn flush(&mut self) -> Result<(), BackupError> {
        let Some((table, rows)) = self.waiting.take() else { return Ok(()) };
        let put = commit_blocking(&self.rows, move |into| {
            rows.iter().try_for_each(|(key, value)| into.put(table, key, value))?;
            Ok(())
        });
        // What the writer says tells more than that it has stopped.
        put.map(Durable::into_inner).map_err(|error| self.rows.end().map_or_else(|| error.into(), BackupError::Store))
    }

    fn finish(mut self, unfinished: Unfinished) -> Result<(), BackupError> {
        self.flush()?;
        for file in self.written {
            self.files.sync(file).map_err(|error| match error {
                SyncError::Failed(error) | SyncError::NotTried(error) => error,
            })?;
        }
        Ok(unfinished.end()?)
    }
}

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
    store::{Chunks as _, FileId, RawRow, StoreUnavailable, SyncError, Table, files::Files, fresh::Fresh},
};

const CACHE_BYTES: usize = 16 * 1_048_576;
/// In one commit.
const ROW_COUNT: usize = 256;
const BUFFER_BYTES: usize = 1_048_576;

/// Restores into a folder that is empty or not there, or where an earlier restore was cut off. The backup is read twice:
/// nothing is written before all of it was found to be as it was made. The file of rows gets its name last.
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
        rows: Fresh::begin(&folder.rows(), CACHE_BYTES)?,
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
    rows: Fresh,
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

    fn flush(&mut self) -> Result<(), StoreUnavailable> {
        match self.waiting.take() {
            Some((table, rows)) => self.rows.write(table, &rows),
            None => Ok(()),
        }
    }

    fn finish(mut self, unfinished: Unfinished) -> Result<(), BackupError> {
        self.flush()?;
        for file in self.written {
            self.files.sync(file).map_err(|error| match error {
                SyncError::Failed(error) | SyncError::NotTried(error) => error,
            })?;
        }
        drop(self.rows.finish()?);
        Ok(unfinished.end()?)
    }
}

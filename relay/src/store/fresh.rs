//! A file of rows that is made under another name, and gets its own only when it is whole and on disk.

use std::{
    fs::{self, File, Metadata, OpenOptions, Permissions},
    io,
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use redb::{Database, backends::FileBackend};

use super::{RawRow, StoreUnavailable, Table, bulk::Bulk, bulk_writer::WithBulk, disk::definition};

const PRIVATE: u32 = 0o600;

/// A file of rows that is not whole yet. Dropped, it is removed.
pub(super) struct Fresh {
    database: Option<Database>,
    unfinished: PathBuf,
    path: PathBuf,
}

/// What a row becomes: its value, or none if it goes.
pub(super) type Change = (Table, Vec<u8>, Option<Vec<u8>>);

impl Fresh {
    /// Begins a file that will stand at `path`. Whatever an earlier attempt has left is gone. It fails where another
    /// process makes the same file.
    pub(super) fn begin(path: &Path, cache_bytes: usize, bulk: &Arc<Bulk>) -> Result<Self, StoreUnavailable> {
        let unfinished = path.with_extension("new");
        let file = private(&unfinished)?;
        file.try_lock().map_err(StoreUnavailable::because)?;
        // Another process may have been faster, and what was opened is its file, which has its name by now.
        let which = identity(&file.metadata().map_err(StoreUnavailable::because)?);
        if identity(&fs::metadata(&unfinished).map_err(StoreUnavailable::because)?) != which {
            return Err(StoreUnavailable::because("another process makes the same file"));
        }
        file.set_len(0).map_err(StoreUnavailable::because)?;
        let mut builder = Database::builder();
        builder.set_cache_size(cache_bytes);
        let medium = FileBackend::new(file).map_err(StoreUnavailable::because)?;
        let medium = WithBulk::new(Arc::new(medium), Arc::clone(bulk));
        let database = builder.create_with_backend(medium).map_err(StoreUnavailable::because)?;
        create_tables(&database).map_err(StoreUnavailable::because)?;
        Ok(Self { database: Some(database), unfinished, path: path.to_owned() })
    }

    /// First the changes, then more rows of one table; on disk when this returns, as nobody waits for it.
    pub(super) fn change(&self, changes: &[Change], table: Table, rows: &[RawRow]) -> Result<(), StoreUnavailable> {
        let transaction = self.database()?.begin_write().map_err(StoreUnavailable::because)?;
        for (table, key, value) in changes {
            let mut table = transaction.open_table(definition(*table)).map_err(StoreUnavailable::because)?;
            match value {
                Some(value) => table.insert(key.as_slice(), value.as_slice()).map(drop),
                None => table.remove(key.as_slice()).map(drop),
            }
            .map_err(StoreUnavailable::because)?;
        }
        {
            let mut table = transaction.open_table(definition(table)).map_err(StoreUnavailable::because)?;
            for (key, value) in rows {
                table.insert(key.as_slice(), value.as_slice()).map_err(StoreUnavailable::because)?;
            }
        }
        transaction.commit().map_err(StoreUnavailable::because)
    }

    /// The file as it is.
    pub(super) fn database(&self) -> Result<&Database, StoreUnavailable> {
        self.database.as_ref().ok_or_else(|| StoreUnavailable::because("the file is finished"))
    }

    /// Gives the file its name, over another if there is one. The last commit is one that a crash can be recovered
    /// from without reading everything, as all later ones are. After an error it is not known which of the two files has the name.
    pub(super) fn finish(mut self) -> Result<Database, StoreUnavailable> {
        create_tables(self.database()?).map_err(StoreUnavailable::because)?;
        fs::rename(&self.unfinished, &self.path).map_err(StoreUnavailable::because)?;
        let database = self.database.take();
        let folder = self.path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all());
        folder.map_err(StoreUnavailable::because)?;
        database.ok_or_else(|| StoreUnavailable::because("the file is finished"))
    }
}

impl Drop for Fresh {
    fn drop(&mut self) {
        if self.database.take().is_some() {
            // What stays is removed by the next attempt.
            let _ = fs::remove_file(&self.unfinished);
        }
    }
}

/// Which file it is, whatever its name.
pub(super) fn identity(file: &Metadata) -> (u64, u64) {
    (file.dev(), file.ino())
}

/// A file, readable by this user alone from its first byte, whatever the umask and whoever made it.
pub(super) fn private(path: &Path) -> Result<File, StoreUnavailable> {
    let open = || -> io::Result<File> {
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create(true).truncate(false).mode(PRIVATE).open(path)?;
        if file.metadata()?.permissions().mode() & 0o077 != 0 {
            file.set_permissions(Permissions::from_mode(PRIVATE))?;
        }
        Ok(file)
    };
    open().map_err(StoreUnavailable::because)
}

/// Makes the tables that are not there, in a commit of the kind that every acknowledged one is.
pub(super) fn create_tables(database: &Database) -> Result<(), redb::Error> {
    let mut transaction = database.begin_write()?;
    transaction.set_quick_repair(true);
    for table in Table::ALL {
        transaction.open_table(definition(table))?;
    }
    transaction.commit()?;
    Ok(())
}

//! Sealed chunks as files, one per blob, under names that say nothing.
//!
//! Every call runs on a thread of its own, so that reading, sealing, writing and syncing overlap.

use std::collections::HashSet;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lightproof_core::spool::{Spool, SpoolError, SpoolName};

use crate::home::{Home, private_file, private_folder};
use crate::platform::file;

/// A [`Spool`] in a folder of a home.
#[derive(Clone, Debug)]
pub(crate) struct FileSpool(Arc<Folder>);

#[derive(Debug)]
struct Folder {
    path: PathBuf,
    /// Blobs whose name in the folder is known to be on disk; an earlier process may have died before that.
    synced_names: Mutex<HashSet<SpoolName>>,
}

impl FileSpool {
    /// The spool of a home; the folder is made where it is missing.
    ///
    /// # Errors
    /// [`SpoolError`].
    pub(crate) fn of(home: &Home) -> Result<Self, SpoolError> {
        let path = home.spool();
        private_folder(&path).map_err(broken)?;
        Ok(Self(Arc::new(Folder { path, synced_names: Mutex::default() })))
    }

    async fn run<T: Send + 'static>(
        &self,
        operation: impl FnOnce(&Folder) -> Result<T, SpoolError> + Send + 'static,
    ) -> Result<T, SpoolError> {
        let folder = Arc::clone(&self.0);
        let running = tokio::task::spawn_blocking(move || operation(&folder));
        running.await.unwrap_or(Err(SpoolError::Unavailable))
    }
}

/// A name held against other processes: the lock of an open file, which dies with its process.
#[derive(Debug)]
pub(crate) struct FileHold {
    path: PathBuf,
    #[expect(dead_code, reason = "the open file is the lock")]
    file: File,
}

impl Drop for FileHold {
    fn drop(&mut self) {
        // While it is still locked: whoever opened it meanwhile finds that it is no longer the file of that name.
        file::let_go(&self.path);
    }
}

impl Spool for FileSpool {
    type Hold = FileHold;

    async fn hold(&self, name: SpoolName) -> Result<Option<FileHold>, SpoolError> {
        self.run(move |folder| folder.hold(name)).await
    }

    async fn write(&self, name: SpoolName, offset: u64, bytes: Vec<u8>) -> Result<Vec<u8>, SpoolError> {
        self.run(move |folder| folder.write(name, offset, &bytes).map(|()| bytes)).await
    }

    async fn sync(&self, name: SpoolName) -> Result<(), SpoolError> {
        self.run(move |folder| folder.sync(name)).await
    }

    async fn read(&self, name: SpoolName, offset: u64, length_bytes: usize) -> Result<Vec<u8>, SpoolError> {
        self.run(move |folder| folder.read(name, offset, length_bytes)).await
    }

    async fn remove(&self, name: SpoolName) -> Result<(), SpoolError> {
        self.run(move |folder| folder.remove(name)).await
    }

    async fn list(&self) -> Result<Vec<SpoolName>, SpoolError> {
        self.run(|folder| {
            let entries = fs::read_dir(&folder.path).map_err(broken)?;
            let names = entries.map(|entry| entry.map(|entry| entry.file_name()).map_err(broken));
            // What is not named like a blob is not ours to touch.
            names.filter_map(|name| name.map(|name| name.to_str().and_then(SpoolName::from_hex)).transpose()).collect()
        })
        .await
    }
}

impl Folder {
    fn file(&self, name: SpoolName) -> PathBuf {
        self.path.join(name.to_hex())
    }

    fn hold(&self, name: SpoolName) -> Result<Option<FileHold>, SpoolError> {
        let path = self.path.join(format!("{}.hold", name.to_hex()));
        loop {
            let held = private_file(&path).map_err(broken)?;
            match held.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Ok(None),
                Err(TryLockError::Error(error)) => return Err(broken(error)),
            }
            // Its holder may have removed it between our opening and our locking it.
            if file::is_named(&held, &path).map_err(broken)? {
                return Ok(Some(FileHold { path, file: held }));
            }
        }
    }

    fn write(&self, name: SpoolName, offset: u64, bytes: &[u8]) -> Result<(), SpoolError> {
        let path = self.file(name);
        let file = match File::options().write(true).open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => private_file(&path),
            opened => opened,
        };
        file.and_then(|file| file::write_all_at(&file, bytes, offset)).map_err(broken)
    }

    fn sync(&self, name: SpoolName) -> Result<(), SpoolError> {
        self.sync_by(name, File::sync_data)
    }

    fn sync_by(&self, name: SpoolName, sync_data: impl FnOnce(&File) -> io::Result<()>) -> Result<(), SpoolError> {
        let file = File::open(self.file(name)).map_err(broken)?;
        let synced = sync_data(&file).map_err(broken).and_then(|()| self.sync_name(name));
        if synced.is_err() {
            // The system tells of bytes it lost once: a second sync would succeed without them. The blob is made anew.
            let _gone = self.remove(name);
        }
        synced
    }

    fn sync_name(&self, name: SpoolName) -> Result<(), SpoolError> {
        if !self.synced_names().contains(&name) {
            file::sync_folder(&self.path).map_err(broken)?;
            self.synced_names().insert(name);
        }
        Ok(())
    }

    fn remove(&self, name: SpoolName) -> Result<(), SpoolError> {
        self.synced_names().remove(&name);
        match fs::remove_file(self.file(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(broken(error)),
            _ => Ok(()),
        }
    }

    fn synced_names(&self) -> MutexGuard<'_, HashSet<SpoolName>> {
        // One insertion or removal at a time: a panic leaves it whole.
        self.synced_names.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read(&self, name: SpoolName, offset: u64, length_bytes: usize) -> Result<Vec<u8>, SpoolError> {
        let file = File::open(self.file(name)).map_err(broken)?;
        let mut bytes = vec![0; length_bytes];
        file::read_exact_at(&file, &mut bytes, offset).map_err(broken)?;
        Ok(bytes)
    }
}

fn broken(error: io::Error) -> SpoolError {
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::UnexpectedEof => SpoolError::Missing,
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => SpoolError::Full,
        _ => SpoolError::Unavailable,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt as _;

    use super::*;

    fn spool() -> (tempfile::TempDir, FileSpool) {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::create(folder.path().join("home")).unwrap();
        let spool = FileSpool::of(&home).unwrap();
        (folder, spool)
    }

    fn name(digit: char) -> SpoolName {
        SpoolName::from_hex(&digit.to_string().repeat(32)).unwrap()
    }

    #[tokio::test]
    async fn chunks_may_come_in_any_order_and_are_read_back() {
        let (_folder, spool) = spool();
        let (late, early) =
            tokio::join!(spool.write(name('a'), 4, vec![5, 6, 7, 8]), spool.write(name('a'), 0, vec![1, 2, 3, 4]));
        assert_eq!((late, early), (Ok(vec![5, 6, 7, 8]), Ok(vec![1, 2, 3, 4])));
        spool.sync(name('a')).await.unwrap();
        assert_eq!(spool.read(name('a'), 2, 4).await, Ok(vec![3, 4, 5, 6]));
        assert_eq!(spool.read(name('a'), 6, 4).await, Err(SpoolError::Missing));
        assert_eq!(spool.0.file(name('a')).metadata().unwrap().mode() & 0o777, 0o600);
    }

    #[tokio::test]
    async fn the_folder_is_synced_once_for_each_name() {
        let (_folder, spool) = spool();
        spool.write(name('a'), 0, vec![1]).await.unwrap();
        assert!(spool.0.synced_names().is_empty());
        spool.sync(name('a')).await.unwrap();
        assert!(spool.0.synced_names().contains(&name('a')));
        spool.remove(name('a')).await.unwrap();
        assert!(spool.0.synced_names().is_empty());
    }

    #[tokio::test]
    async fn what_could_not_be_synced_is_not_there_for_a_second_sync() {
        let (_folder, spool) = spool();
        spool.write(name('a'), 0, vec![1]).await.unwrap();
        let lost = spool.0.sync_by(name('a'), |_| Err(io::ErrorKind::StorageFull.into()));
        assert_eq!(lost, Err(SpoolError::Full));
        assert_eq!(spool.sync(name('a')).await, Err(SpoolError::Missing));
    }

    #[tokio::test]
    async fn a_name_is_held_by_one_at_a_time() {
        let (_folder, spool) = spool();
        let first = spool.hold(name('a')).await.unwrap();
        assert!(first.is_some());
        assert!(spool.hold(name('a')).await.unwrap().is_none());
        assert!(spool.hold(name('b')).await.unwrap().is_some());
        drop(first);
        assert!(spool.hold(name('a')).await.unwrap().is_some());
        assert_eq!(spool.list().await, Ok(vec![]), "a hold is no blob");
    }

    #[tokio::test]
    async fn what_is_removed_is_gone_and_may_be_removed_again() {
        let (_folder, spool) = spool();
        spool.write(name('a'), 0, vec![1]).await.unwrap();
        spool.write(name('b'), 0, vec![1]).await.unwrap();
        fs::write(spool.0.path.join("note.txt"), "not a blob").unwrap();
        let mut names = spool.list().await.unwrap();
        names.sort();
        assert_eq!(names, [name('a'), name('b')]);
        spool.remove(name('a')).await.unwrap();
        spool.remove(name('a')).await.unwrap();
        assert_eq!(spool.list().await, Ok(vec![name('b')]));
        assert_eq!(spool.read(name('a'), 0, 1).await, Err(SpoolError::Missing));
        assert_eq!(spool.sync(name('a')).await, Err(SpoolError::Missing));
    }
}

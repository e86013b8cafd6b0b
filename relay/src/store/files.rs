//! Blobs as plain files: one file per blob, a chunk at its offset, 256 folders so that none grows large.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Read as _, Seek as _, SeekFrom},
    os::unix::fs::{DirBuilderExt as _, FileExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::{Chunks, FileId, Hold, SyncError};

/// The folder of a relay's blobs.
pub struct Files {
    root: PathBuf,
    held: Arc<Mutex<Held>>,
}

/// Files that are removed when nobody holds them any more.
#[derive(Default)]
struct Held {
    hold_count: usize,
    waiting: Vec<PathBuf>,
}

impl Files {
    /// Opens or creates the folder and its 256 parts.
    ///
    /// # Errors
    /// The disk's.
    pub fn open(root: &Path) -> io::Result<Self> {
        for part in 0..=u8::MAX {
            DirBuilder::new().recursive(true).mode(0o700).create(root.join(format!("{part:02x}")))?;
        }
        File::open(root)?.sync_all()?;
        if let Some(parent) = root.parent() {
            File::open(parent)?.sync_all()?;
        }
        Ok(Self { root: root.to_owned(), held: Arc::default() })
    }

    fn path(&self, file: FileId) -> PathBuf {
        let name = file.0.iter().fold(String::with_capacity(32), |name, byte| name + &format!("{byte:02x}"));
        self.folder(file).join(name)
    }

    fn folder(&self, FileId([first, ..]): FileId) -> PathBuf {
        self.root.join(format!("{first:02x}"))
    }
}

impl Chunks for Files {
    fn write_at(&self, file: FileId, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let open = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(self.path(file))?;
        open.write_all_at(bytes, offset)
    }

    fn read_at(&self, file: FileId, offset: u64, length: usize) -> io::Result<Vec<u8>> {
        let mut open = File::open(self.path(file))?;
        open.seek(SeekFrom::Start(offset))?;
        // Read into fresh memory: a chunk is not worth clearing a MiB first.
        let mut bytes = Vec::with_capacity(length);
        let limit = u64::try_from(length).unwrap_or(u64::MAX);
        if open.take(limit).read_to_end(&mut bytes)? < length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(bytes)
    }

    fn sync(&self, file: FileId) -> Result<(), SyncError> {
        let content = File::open(self.path(file)).map_err(SyncError::NotTried)?;
        let folder = File::open(self.folder(file)).map_err(SyncError::NotTried)?;
        content.sync_data().and_then(|()| folder.sync_all()).map_err(SyncError::Failed)
    }

    fn remove(&self, file: FileId) -> io::Result<()> {
        let path = self.path(file);
        {
            let mut held = lock(&self.held);
            if held.hold_count > 0 {
                held.waiting.push(path);
                return Ok(());
            }
        }
        remove_if_there(&path)
    }

    fn hold(&self) -> Hold {
        lock(&self.held).hold_count += 1;
        let held = Arc::clone(&self.held);
        Hold::until(move || {
            let mut held = lock(&held);
            held.hold_count = held.hold_count.saturating_sub(1);
            if held.hold_count == 0 {
                // One that stays is removed at the next start.
                let left = held.waiting.drain(..).filter(|path| remove_if_there(path).is_err()).count();
                if left > 0 {
                    tracing::warn!("a blob file could not be removed; it is tried again at the next start");
                }
            }
        })
    }

    fn list(&self) -> io::Result<Vec<FileId>> {
        let mut files = Vec::new();
        for folder in fs::read_dir(&self.root)? {
            let folder = folder?;
            if !folder.file_type()?.is_dir() {
                continue;
            }
            for entry in fs::read_dir(folder.path())? {
                files.extend(entry?.file_name().to_str().and_then(parse));
            }
        }
        Ok(files)
    }

    fn free_bytes(&self) -> io::Result<u64> {
        let free_bytes = |folder: &Path| {
            let volume = rustix::fs::statvfs(folder)?;
            io::Result::Ok(volume.f_bavail.saturating_mul(volume.f_frsize))
        };
        // The rows lie in the folder around it. Where that is another disk, the fuller one counts.
        let around = self.root.parent().map_or(Ok(u64::MAX), free_bytes)?;
        Ok(free_bytes(&self.root)?.min(around))
    }
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn lock(held: &Mutex<Held>) -> MutexGuard<'_, Held> {
    held.lock().unwrap_or_else(PoisonError::into_inner)
}

fn parse(name: &str) -> Option<FileId> {
    let mut id = [0; 16];
    if name.len() != 32 || !name.is_ascii() {
        return None;
    }
    for (i, byte) in id.iter_mut().enumerate() {
        *byte = u8::from_str_radix(name.get(i.checked_mul(2)?..)?.get(..2)?, 16).ok()?;
    }
    Some(FileId(id))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An operator may give blobs a disk of their own.
    #[test]
    fn of_two_disks_the_fuller_one_counts() {
        const SLACK_BYTES: u64 = 512 << 20;
        let free_bytes = |folder: &Path| {
            let volume = rustix::fs::statvfs(folder).unwrap();
            volume.f_bavail * volume.f_frsize
        };
        let one = tempfile::tempdir().unwrap();
        let Ok(other) = tempfile::tempdir_in("/dev/shm") else {
            println!("skipped: there is no second disk");
            return;
        };
        let free = [&one, &other].map(|folder| free_bytes(folder.path()));
        // What others write meanwhile must not make the one pass for the other.
        if free[0].abs_diff(free[1]) <= 2 * SLACK_BYTES {
            println!("skipped: two disks have about the same room, {free:?}");
            return;
        }
        let least = free[0].min(free[1]);
        for (rows, blobs) in [(&one, &other), (&other, &one)] {
            let root = rows.path().join("blobs");
            std::os::unix::fs::symlink(blobs.path(), &root).unwrap();
            let free = Files::open(&root).unwrap().free_bytes().unwrap();
            assert!(free <= least + SLACK_BYTES, "{free} of {least}");
        }
    }
}

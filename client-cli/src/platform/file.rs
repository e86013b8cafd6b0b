//! Files: at a place within, under a name that must be free, and whether a name still means an open file.

#[cfg(not(unix))]
use std::fs;
use std::fs::File;
use std::io;
use std::path::Path;

/// Reads exactly these bytes at a place.
///
/// # Errors
/// Those of the file system.
pub(crate) fn read_exact_at(file: &File, bytes: &mut [u8], offset: u64) -> io::Result<()> {
    #[cfg(unix)]
    {
        std::os::unix::fs::FileExt::read_exact_at(file, bytes, offset)
    }
    #[cfg(not(unix))]
    {
        use std::io::{Read as _, Seek as _};
        let mut file = file;
        file.seek(io::SeekFrom::Start(offset))?;
        file.read_exact(bytes)
    }
}

/// Writes all of these bytes at a place.
///
/// # Errors
/// Those of the file system.
pub(crate) fn write_all_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
    #[cfg(unix)]
    {
        std::os::unix::fs::FileExt::write_all_at(file, bytes, offset)
    }
    #[cfg(not(unix))]
    {
        use std::io::{Seek as _, Write as _};
        let mut file = file;
        file.seek(io::SeekFrom::Start(offset))?;
        file.write_all(bytes)
    }
}

/// Asks for these bytes of a file to go to the disk from now on, and waits for nothing. Where a system has no such wish, or does
/// not grant it, they go with the sync.
pub(crate) fn begin_to_write_back(file: &File, offset: u64, count: u64) {
    #[cfg(target_os = "linux")]
    {
        // It writes what is dirty, and lets go only of what is not.
        let advice = rustix::fs::Advice::DontNeed;
        let _not_granted = rustix::fs::fadvise(file, offset, std::num::NonZeroU64::new(count), advice);
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (file, offset, count);
}

/// Gives a file another name, which must be free. `Unsupported` where the file system cannot do both at once.
///
/// # Errors
/// Those of the file system; `AlreadyExists`.
pub(crate) fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    #[cfg(unix)]
    {
        use rustix::fs::{CWD, RenameFlags, renameat_with};
        use rustix::io::Errno;
        match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
            Err(error) if [Errno::INVAL, Errno::NOSYS, Errno::OPNOTSUPP, Errno::NOTSUP].contains(&error) => {
                Err(io::ErrorKind::Unsupported.into())
            }
            renamed => Ok(renamed?),
        }
    }
    #[cfg(not(unix))]
    {
        // The standard library's rename replaces: a second name does not.
        let _unused = (from, to);
        Err(io::ErrorKind::Unsupported.into())
    }
}

/// Makes the names in a folder durable.
///
/// # Errors
/// Those of the file system.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    #[cfg(unix)]
    {
        File::open(folder)?.sync_all()
    }
    #[cfg(not(unix))]
    {
        // NTFS keeps names in its journal, and opens no folder as a file.
        let _journalled = folder;
        Ok(())
    }
}

/// Whether this name still means this open file.
///
/// # Errors
/// Those of the file system.
pub(crate) fn is_named(file: &File, path: &Path) -> io::Result<bool> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        let open = file.metadata()?.ino();
        Ok(std::fs::metadata(path).is_ok_and(|named| named.ino() == open))
    }
    #[cfg(not(unix))]
    {
        // A name that is held is never taken away: see `let_go`.
        let _both = (file, path);
        Ok(true)
    }
}

/// Removes the file by which a name was held, while it is still locked.
pub(crate) fn let_go(path: &Path) {
    #[cfg(unix)]
    drop(std::fs::remove_file(path));
    // Where a file cannot go while it is open, an empty one stays.
    #[cfg(not(unix))]
    let _stays = fs::metadata(path);
}

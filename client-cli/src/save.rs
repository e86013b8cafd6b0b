//! Files that appear whole, or not at all, and take nobody's place.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

pub(crate) use along::WrittenAlong;

use crate::platform::access::private;
use crate::platform::file::{rename_new, sync_folder};

mod along;
mod hidden;

/// A file being written under a hidden name in the folder it will appear in; dropped before its end, it leaves no trace.
#[derive(Debug)]
pub(crate) struct UnfinishedFile {
    file: File,
    hidden: PathBuf,
}

impl UnfinishedFile {
    /// Begins a file that only its owner can read. What a killed process left unfinished in this folder goes.
    ///
    /// # Errors
    /// Those of the file system.
    pub(crate) fn begin(folder: &Path) -> io::Result<Self> {
        let (file, hidden) = hidden::begin(folder)?;
        Ok(Self { file, hidden })
    }

    /// The same file, to be written from its beginning before this one finishes.
    ///
    /// # Errors
    /// Those of the system.
    pub(crate) fn again(&self) -> io::Result<WrittenAlong> {
        self.file.try_clone().map(WrittenAlong::new)
    }

    /// Lets it appear as `stem.extension`, or `stem-2.extension` and so on where that exists. Returns where.
    ///
    /// Where the same bytes stand under one of these names already, they are the file: a program that was ended after it
    /// saved and before it could say so saves again, and there is no second copy.
    ///
    /// # Errors
    /// Those of the file system; `AlreadyExists` after a thousand names.
    pub(crate) fn finish_beside(self, stem: &str, extension: &str) -> io::Result<Saved> {
        for number in 1..=MAX_SAME_NAMES {
            let name = if number == 1 { format!("{stem}.{extension}") } else { format!("{stem}-{number}.{extension}") };
            let path = self.hidden.with_file_name(name);
            match self.appear_as(&path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    if same_bytes(&self.hidden, &path)? {
                        return Ok(Saved { path, is_new: false });
                    }
                }
                result => return result.map(|()| Saved { path, is_new: true }),
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }

    /// Lets it appear under this name, which must be free.
    ///
    /// # Errors
    /// Those of the file system; `AlreadyExists`.
    pub(crate) fn finish_new(self, path: &Path) -> io::Result<()> {
        self.appear_as(path)
    }

    fn appear_as(&self, path: &Path) -> io::Result<()> {
        self.file.sync_all()?;
        match rename_new(&self.hidden, path) {
            // Not every file system can rename without replacing.
            Err(error) if error.kind() == io::ErrorKind::Unsupported => self.link_as(path)?,
            renamed => renamed?,
        }
        sync_folder(self.hidden.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new(".")))
    }

    // A second name for the file; the first ends with this value.
    fn link_as(&self, path: &Path) -> io::Result<()> {
        match fs::hard_link(&self.hidden, path) {
            // FAT and exFAT have one name for each file.
            Err(error) if matches!(error.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::Unsupported) => {
                self.copy_as(path)
            }
            linked => linked,
        }
    }

    fn copy_as(&self, path: &Path) -> io::Result<()> {
        let mut copy = private(OpenOptions::new().write(true).create_new(true)).open(path)?;
        let copied = File::open(&self.hidden)
            .and_then(|mut whole| io::copy(&mut whole, &mut copy))
            .and_then(|_| copy.sync_all());
        if copied.is_err() {
            // Ours, and not whole; the error is told.
            let _gone = fs::remove_file(path);
        }
        copied
    }
}

impl Write for UnfinishedFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for UnfinishedFile {
    fn drop(&mut self) {
        // The file lives on under the name it appeared as, if it did.
        let _gone = fs::remove_file(&self.hidden);
    }
}

/// Where a file stands.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Saved {
    pub(crate) path: PathBuf,
    /// It was not there before.
    is_new: bool,
}

/// Files that belong together: dropped before all of them are there, those that are new go again.
#[derive(Debug, Default)]
pub(crate) struct SavedTogether(Vec<PathBuf>);

impl SavedTogether {
    pub(crate) fn add(&mut self, saved: Saved) {
        self.0.extend(saved.is_new.then_some(saved.path));
    }

    /// All of them are there.
    pub(crate) fn keep(mut self) {
        self.0.clear();
    }
}

impl Drop for SavedTogether {
    fn drop(&mut self) {
        for path in &self.0 {
            // What stays is found again by the next try, and not saved twice.
            let _gone = fs::remove_file(path);
        }
    }
}

/// Whether both are files with the same bytes. What is no file, or cannot be read, is another.
fn same_bytes(ours: &Path, other: &Path) -> io::Result<bool> {
    let length = fs::metadata(ours)?.len();
    let is_candidate = fs::symlink_metadata(other).is_ok_and(|other| other.is_file() && other.len() == length);
    let Some(other) = is_candidate.then(|| File::open(other).ok()).flatten() else { return Ok(false) };
    let (mut ours, mut other) = (BufReader::new(File::open(ours)?), BufReader::new(other));
    loop {
        let (mine, theirs) = (ours.fill_buf()?, other.fill_buf()?);
        let common = mine.len().min(theirs.len());
        if common == 0 {
            return Ok(mine.len() == theirs.len());
        }
        if mine.get(..common) != theirs.get(..common) {
            return Ok(false);
        }
        ours.consume(common);
        other.consume(common);
    }
}

const MAX_SAME_NAMES: u32 = 1_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn begun(folder: &Path, bytes: &[u8]) -> UnfinishedFile {
        let mut file = UnfinishedFile::begin(folder).unwrap();
        file.write_all(bytes).unwrap();
        file
    }

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> =
            fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn nothing_is_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        for text in ["one", "two", "three"] {
            begun(folder.path(), text.as_bytes()).finish_beside("2026-11-21 alice", "jpg").unwrap();
        }
        assert_eq!(names(folder.path()), ["2026-11-21 alice-2.jpg", "2026-11-21 alice-3.jpg", "2026-11-21 alice.jpg"]);
        let taken = folder.path().join("2026-11-21 alice.jpg");
        assert_eq!(begun(folder.path(), b"x").finish_new(&taken).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&taken).unwrap(), b"one");
        assert_eq!(names(folder.path()).len(), 3);
    }

    #[test]
    fn the_same_bytes_are_saved_once() {
        let folder = tempfile::tempdir().unwrap();
        for text in ["one", "two", "one", "two", "ten", "on"] {
            begun(folder.path(), text.as_bytes()).finish_beside("photo", "jpg").unwrap();
        }
        assert_eq!(names(folder.path()), ["photo-2.jpg", "photo-3.jpg", "photo-4.jpg", "photo.jpg"]);
        let again = begun(folder.path(), b"two").finish_beside("photo", "jpg").unwrap();
        assert_eq!(again, Saved { path: folder.path().join("photo-2.jpg"), is_new: false });
        assert_eq!(names(folder.path()).len(), 4);
    }

    #[test]
    fn of_files_that_belong_together_only_new_ones_go_again() {
        let folder = tempfile::tempdir().unwrap();
        begun(folder.path(), b"old").finish_beside("photo", "jpg").unwrap();
        for is_whole in [false, true] {
            let mut together = SavedTogether::default();
            for text in ["old", "new"] {
                together.add(begun(folder.path(), text.as_bytes()).finish_beside("photo", "jpg").unwrap());
            }
            if is_whole {
                together.keep();
                assert_eq!(names(folder.path()), ["photo-2.jpg", "photo.jpg"]);
            } else {
                drop(together);
                assert_eq!(names(folder.path()), ["photo.jpg"]);
            }
        }
    }

    #[test]
    fn a_file_system_that_cannot_rename_or_link_gets_the_same_file() {
        let folder = tempfile::tempdir().unwrap();
        for way in [UnfinishedFile::link_as, UnfinishedFile::copy_as] {
            let path = folder.path().join("photo.jpg");
            way(&begun(folder.path(), b"one"), &path).unwrap();
            let taken = way(&begun(folder.path(), b"two"), &path).unwrap_err();
            assert_eq!(taken.kind(), io::ErrorKind::AlreadyExists);
            assert_eq!((fs::read(&path).unwrap(), names(folder.path()).len()), (b"one".to_vec(), 1));
            fs::remove_file(&path).unwrap();
        }
    }

    #[test]
    fn what_is_given_up_leaves_no_trace() {
        let folder = tempfile::tempdir().unwrap();
        drop(begun(folder.path(), b"half"));
        assert!(names(folder.path()).is_empty());
    }
}

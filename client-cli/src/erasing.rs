//! A home being erased: its vault is renamed, written over, synced and removed, then everything else goes.
//!
//! From the renaming on there is no home any more, for any command; whatever interrupts it, `erase` goes on.

use std::fs::{self, OpenOptions};
use std::io::{self, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use crate::exit::Failure;
use crate::home::Home;
use crate::lock::{Patience, Turns};
use crate::platform::file::sync_folder;
use crate::staging;

/// A home that is to go.
pub(crate) struct Erasing {
    home: Home,
}

impl Erasing {
    /// A home, or what an erasure or a restore that was interrupted has left of one.
    ///
    /// # Errors
    /// Where there is neither.
    pub(crate) fn find(path: PathBuf) -> Result<Self, Failure> {
        let home = match Home::open(path.clone()) {
            Err(failure) if !path.join(BEGUN).exists() && !staging::is_begun(&path) => return Err(failure),
            Err(_) => Home::create(path)?,
            Ok(home) => home,
        };
        Ok(Self { home })
    }

    /// Its folder.
    pub(crate) const fn home(&self) -> &Home {
        &self.home
    }

    /// Whether there is no vault any more that could be opened.
    pub(crate) fn is_begun(&self) -> bool {
        !self.home.vault().exists()
    }

    /// Erases it; what else lies in its folder, and stays.
    ///
    /// # Errors
    /// Those of the file system. What is done by then is done.
    pub(crate) fn erase(&self) -> io::Result<Vec<PathBuf>> {
        // Whoever works with the vault at this moment ends its turn first, and finds none after it.
        let turns = Turns::of(self.home.clone()).map_err(io::Error::other)?;
        let turn = turns.take(Patience::default(), || ()).map_err(io::Error::other)?;
        let (folder, begun) = (self.home.path(), self.home.path().join(BEGUN));
        let staged = staging::is_begun(folder).then(|| self.home.staged_vault());
        let vaults = staged.into_iter().chain([self.home.vault()]);
        for vault in vaults.flat_map(|vault| [vault.with_extension("new"), vault]) {
            if vault.exists() {
                // One that was begun before is written over below; a second one must not hide it.
                write_over(&begun)?;
                fs::rename(vault, &begun)?;
                sync_folder(folder)?;
            }
        }
        write_over(&begun)?;
        remove(&begun)?;
        sync_folder(folder)?;
        match fs::remove_dir_all(self.home.spool()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => staging::removed(&self.home)?,
        }
        [self.home.turn(), self.home.waiting(), self.home.watch()].iter().try_for_each(|path| remove(path))?;
        drop(turn);
        let left: Vec<PathBuf> =
            fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?;
        if left.is_empty() {
            fs::remove_dir(folder)?;
        }
        Ok(left)
    }
}

/// The keys are in this file: it is overwritten where it lies, and that is on disk before its name goes.
fn write_over(path: &Path) -> io::Result<()> {
    let mut file = match OpenOptions::new().write(true).open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        opened => opened?,
    };
    let mut left = file.metadata()?.len();
    let zeros = [0; PIECE_BYTES];
    file.rewind()?;
    while left > 0 {
        let piece = usize::try_from(left).unwrap_or(PIECE_BYTES).min(PIECE_BYTES);
        file.write_all(zeros.get(..piece).unwrap_or(&zeros))?;
        left = left.saturating_sub(piece as u64);
    }
    file.sync_all()
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// What the vault is called while it is erased.
const BEGUN: &str = "vault.erasing";
const PIECE_BYTES: usize = 64 << 10;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::home::{private_file, private_folder};

    fn home(folder: &Path) -> PathBuf {
        let path = folder.join("home");
        let home = Home::create(path.clone()).unwrap();
        private_file(&home.vault()).unwrap().write_all(&[7; 100_000]).unwrap();
        private_folder(&home.spool()).unwrap();
        fs::write(home.spool().join("00"), "sealed").unwrap();
        path
    }

    #[test]
    fn an_erased_home_leaves_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = home(folder.path());
        assert_eq!(Erasing::find(path.clone()).unwrap().erase().unwrap(), Vec::<PathBuf>::new());
        assert!(!path.exists());
        assert!(Erasing::find(path).is_err());
    }

    #[test]
    fn an_erasure_that_was_interrupted_goes_on_and_there_is_no_home_meanwhile() {
        let folder = tempfile::tempdir().unwrap();
        let path = home(folder.path());
        fs::rename(path.join("vault.redb"), path.join(BEGUN)).unwrap();
        assert!(Home::open(path.clone()).is_err());
        let erasing = Erasing::find(path.clone()).unwrap();
        assert!(erasing.is_begun());
        erasing.erase().unwrap();
        assert!(!path.exists());
    }

    #[test]
    fn the_vault_is_written_over_before_its_name_goes() {
        let folder = tempfile::tempdir().unwrap();
        let path = home(folder.path());
        // Another name of the same file shows what was left in it.
        fs::hard_link(path.join("vault.redb"), folder.path().join("witness")).unwrap();
        Erasing::find(path).unwrap().erase().unwrap();
        assert_eq!(fs::read(folder.path().join("witness")).unwrap(), vec![0; 100_000]);
    }

    /// A restore that was killed left a whole vault there, which erasing called somebody else's.
    #[test]
    fn what_a_killed_restore_left_goes_too_keys_first() {
        let folder = tempfile::tempdir().unwrap();
        for is_beside_a_home in [true, false] {
            let path = home(folder.path());
            let staging = Home::open(path.clone()).unwrap().staging();
            let staged = Home::create(staging).unwrap();
            private_file(&staged.vault()).unwrap().write_all(&[7; 100_000]).unwrap();
            private_folder(&staged.spool()).unwrap();
            let witness = folder.path().join("witness");
            fs::hard_link(staged.vault(), &witness).unwrap();
            if !is_beside_a_home {
                fs::remove_file(path.join("vault.redb")).unwrap();
            }
            assert_eq!(Erasing::find(path.clone()).unwrap().erase().unwrap(), Vec::<PathBuf>::new());
            assert!(!path.exists());
            assert_eq!(fs::read(&witness).unwrap(), vec![0; 100_000]);
            fs::remove_file(witness).unwrap();
        }
    }

    #[test]
    fn what_is_not_ours_stays_and_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = home(folder.path());
        fs::write(path.join("notes.txt"), "mine").unwrap();
        assert_eq!(Erasing::find(path.clone()).unwrap().erase().unwrap(), [path.join("notes.txt")]);
    }
}

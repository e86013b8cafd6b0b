//! A home in the making: a folder inside its own, whose parts take their places once all of them are there.
//!
//! The vault comes last, by one rename: before it there is no home, after it a whole one.

use std::fs::{self, rename};
use std::io;
use std::path::Path;

use crate::exit::Failure;
use crate::home::{Home, PARTS, STAGING_FOLDER};
use crate::lock::{Patience, Turn, Turns};
use crate::platform::file::sync_folder;
use crate::sanitize::Sanitized;

/// A home in the making. Dropped before its end, it goes.
#[derive(Debug)]
pub(crate) struct Staging {
    place: Home,
    home: Home,
    /// Nobody else makes a home here meanwhile.
    _turn: Turn,
}

impl Staging {
    /// Begins in a folder that holds no home; what an earlier process left there goes.
    ///
    /// # Errors
    /// Where there is a home, or another process makes one, or the disk fails.
    pub(crate) fn begin(home: &Home) -> Result<Self, Failure> {
        let turn = cleared(home)?;
        if home.staging().symlink_metadata().is_ok() {
            let shown = Sanitized::path(&home.staging()).to_string();
            return Err(Failure::failed(format!("{shown} is in the way, and is not ours"))
                .hint("move it away, or name another folder with --home DIR"));
        }
        let inner = Home::create(home.staging())?;
        Ok(Self { place: home.clone(), home: inner, _turn: turn })
    }

    /// What an earlier process left in a folder that holds no home goes: there is to be a home another way.
    ///
    /// # Errors
    /// As those of [`begin`](Self::begin).
    pub(crate) fn clear(home: &Home) -> Result<(), Failure> {
        cleared(home).map(drop)
    }

    /// Where to make it.
    pub(crate) const fn home(&self) -> &Home {
        &self.home
    }

    /// All of it is there, synced and closed: from here on it is the home.
    ///
    /// # Errors
    /// Those of the disk; then there is no home.
    pub(crate) fn appear(self) -> Result<(), Failure> {
        self.try_to_appear().map_err(|error| failed(&self.place, &error))
    }

    fn try_to_appear(&self) -> io::Result<()> {
        // Sealed chunks without a vault: nothing opens them.
        removed_folder(&self.place.spool())?;
        rename(self.home.spool(), self.place.spool())?;
        sync_folder(self.place.path())?;
        rename(self.home.vault(), self.place.vault())?;
        // The folder's own name outlives a power cut, too.
        self.place.path().ancestors().take(2).try_for_each(sync_folder)
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        // What stays is removed by the next one that begins here.
        let _gone = removed(&self.place);
    }
}

/// The turn in a folder without a home, and without the beginnings of one.
fn cleared(home: &Home) -> Result<Turn, Failure> {
    let held = |error: crate::lock::TurnError| Failure::failed(error.to_string());
    let turn = Turns::of(home.clone()).map_err(held)?.take(Patience::default(), || ()).map_err(held)?;
    if home.vault().exists() {
        return Err(Failure::failed(format!("there is a home in {} already", Sanitized::path(home.path()))));
    }
    removed(home).map_err(|error| failed(home, &error))?;
    Ok(turn)
}

/// Whether a home was begun in a folder. What lies there under the same name, and holds anything else, is somebody's own.
pub(crate) fn is_begun(folder: &Path) -> bool {
    let staging = folder.join(STAGING_FOLDER);
    let is_part =
        |one: io::Result<fs::DirEntry>| one.is_ok_and(|one| PARTS.iter().any(|part| one.file_name() == *part));
    // A link leads to somebody else's folder.
    let is_folder = staging.symlink_metadata().is_ok_and(|metadata| metadata.is_dir());
    is_folder && fs::read_dir(staging).is_ok_and(|mut all| all.all(is_part))
}

/// A home that was begun in the folder of this one goes.
///
/// # Errors
/// Those of the disk.
pub(crate) fn removed(home: &Home) -> io::Result<()> {
    if is_begun(home.path()) { removed_folder(&home.staging()) } else { Ok(()) }
}

fn removed_folder(path: &Path) -> io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn failed(home: &Home, error: &io::Error) -> Failure {
    Failure::failed(format!("cannot make the home {}: {error}", Sanitized::path(home.path())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::home::{private_file, private_folder};

    fn home() -> (tempfile::TempDir, Home) {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::create(folder.path().join("home")).unwrap();
        (folder, home)
    }

    fn filled(home: &Home, text: &str) -> Staging {
        let staging = Staging::begin(home).unwrap();
        private_folder(&staging.home().spool()).unwrap();
        fs::write(staging.home().spool().join("chunk"), text).unwrap();
        private_file(&staging.home().vault()).unwrap();
        fs::write(staging.home().vault(), text).unwrap();
        staging
    }

    #[test]
    fn a_home_appears_whole_or_not_at_all() {
        let (_folder, home) = home();
        // As a crash between the two renames leaves it, and one before them.
        private_folder(&home.spool()).unwrap();
        fs::write(home.spool().join("chunk"), "of before").unwrap();
        private_folder(&home.staging().join("spool")).unwrap();
        drop(filled(&home, "given up"));
        assert!(!home.vault().exists() && !home.staging().exists());
        filled(&home, "whole").appear().unwrap();
        assert_eq!(fs::read_to_string(home.vault()).unwrap(), "whole");
        assert_eq!(fs::read_to_string(home.spool().join("chunk")).unwrap(), "whole");
        assert!(!home.staging().exists());
        assert!(Staging::begin(&home).unwrap_err().what.contains("already"));
    }

    #[cfg(unix)]
    #[test]
    fn what_is_not_a_home_in_the_making_stays_and_is_in_the_way() {
        let (_folder, home) = home();
        let elsewhere = home.path().join("elsewhere");
        private_folder(&elsewhere.join("spool")).unwrap();
        std::os::unix::fs::symlink(&elsewhere, home.staging()).unwrap();
        Staging::clear(&home).unwrap();
        assert!(Staging::begin(&home).unwrap_err().what.contains("not ours"));
        assert!(elsewhere.join("spool").exists() && home.staging().exists());
        fs::remove_file(home.staging()).unwrap();
        private_folder(&home.staging().join("spool")).unwrap();
        fs::write(home.staging().join("chairs.txt"), "by hand").unwrap();
        Staging::clear(&home).unwrap();
        assert!(Staging::begin(&home).unwrap_err().what.contains("not ours"));
        assert!(home.staging().join("chairs.txt").exists() && home.staging().join("spool").exists());
    }

    #[test]
    fn a_home_that_is_made_another_way_clears_what_was_left_in_the_making() {
        let (_folder, home) = home();
        private_folder(&home.staging().join("spool")).unwrap();
        Staging::clear(&home).unwrap();
        assert!(!home.staging().exists());
    }
}

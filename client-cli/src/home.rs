//! The folder of one person: private modes, and where in it things lie.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf, absolute};

use crate::args::Global;
use crate::exit::Failure;
use crate::plan;
use crate::platform::access;
use crate::sanitize::Sanitized;

/// A home that exists and that only its owner can enter.
#[derive(Clone, Debug)]
pub(crate) struct Home(PathBuf);

impl Home {
    /// Makes the folder where it is missing, for `init`, and closes it to others where it is not.
    ///
    /// # Errors
    /// Where that cannot be done.
    pub(crate) fn create(path: PathBuf) -> Result<Self, Failure> {
        private_folder(&path).and_then(|()| access::close(&path)).map_err(|error| {
            Failure::failed(format!("cannot make the home {}: {error}", Sanitized::path(&path)))
                .hint("name a folder you may write to with --home DIR")
        })?;
        Self::private(path)
    }

    /// A home that `init` made.
    ///
    /// # Errors
    /// Where there is none, or others can enter it.
    pub(crate) fn open(path: PathBuf) -> Result<Self, Failure> {
        if !path.join(VAULT_FILE).exists() {
            return Err(Failure::failed(format!("there is no home in {}", Sanitized::path(&path)))
                .hint("make one with `lightproof init --relay RELAY_LINK`, or name yours with --home DIR"));
        }
        Self::private(path)
    }

    /// Whether the home of this run is there.
    pub(crate) fn is_there(global: &Global) -> bool {
        plan::home(global, |name| std::env::var_os(name)).is_ok_and(|path| path.join(VAULT_FILE).exists())
    }

    fn private(path: PathBuf) -> Result<Self, Failure> {
        let shown = Sanitized::path(&path);
        let metadata =
            path.metadata().map_err(|error| Failure::failed(format!("cannot open the home {shown}: {error}")))?;
        if !metadata.is_dir() {
            return Err(Failure::failed(format!("the home {shown} is not a folder")));
        }
        if access::is_open_to_others(&metadata) {
            return Err(
                Failure::failed(format!("other people can enter the home {shown}")).hint(format!("chmod 700 {shown}"))
            );
        }
        // Whatever is the current folder later; and a relative path may have no parent to sync.
        let whole =
            absolute(&path).map_err(|error| Failure::failed(format!("cannot open the home {shown}: {error}")))?;
        Ok(Self(whole))
    }

    /// Takes back a home that was just made and that nobody knows of yet.
    ///
    /// # Errors
    /// Where that cannot be done.
    pub(crate) fn discard(&self) -> Result<(), Failure> {
        std::fs::remove_file(self.vault())
            .map_err(|error| Failure::failed(format!("cannot remove {}: {error}", Sanitized::path(&self.vault()))))
    }

    /// The folder.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// The database of the vault.
    pub(crate) fn vault(&self) -> PathBuf {
        self.0.join(VAULT_FILE)
    }

    /// The folder of sealed chunks.
    pub(crate) fn spool(&self) -> PathBuf {
        self.0.join("spool")
    }

    /// The folder of a home in the making.
    pub(crate) fn staging(&self) -> PathBuf {
        self.0.join(STAGING_FOLDER)
    }

    /// The database of the vault of a home in the making.
    pub(crate) fn staged_vault(&self) -> PathBuf {
        self.staging().join(VAULT_FILE)
    }

    /// Held by the process whose turn it is.
    pub(crate) fn turn(&self) -> PathBuf {
        self.0.join("lock")
    }

    /// Held, shared, by the processes that wait for a turn.
    pub(crate) fn waiting(&self) -> PathBuf {
        self.0.join("waiting")
    }

    /// Held by the one process that watches the mailboxes.
    pub(crate) fn watch(&self) -> PathBuf {
        self.0.join("watch.lock")
    }
}

/// Opens a file for reading and writing that only its owner may, and makes it where it is missing.
///
/// # Errors
/// Those of the file system.
pub(crate) fn private_file(path: &Path) -> io::Result<File> {
    access::private(OpenOptions::new().read(true).write(true).create(true).truncate(false)).open(path)
}

/// Makes a folder that only its owner may enter, where it is missing.
///
/// # Errors
/// Those of the file system.
pub(crate) fn private_folder(path: &Path) -> io::Result<()> {
    access::private_folders().recursive(true).create(path)
}

const VAULT_FILE: &str = "vault.redb";
/// The names of all that a home may hold.
pub(crate) const PARTS: [&str; 6] = [VAULT_FILE, "vault.new", "spool", "lock", "waiting", "watch.lock"];
/// Inside the folder of the home that is to be.
pub(crate) const STAGING_FOLDER: &str = "restoring";

#[cfg(all(test, unix))]
mod tests {
    use std::fs::{Permissions, set_permissions};
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

    use super::*;

    #[test]
    fn a_home_is_private_from_the_first_moment() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::create(folder.path().join("deep").join("home")).unwrap();
        assert_eq!(home.path().metadata().unwrap().mode() & 0o777, 0o700);
        private_file(&home.vault()).unwrap();
        assert_eq!(home.vault().metadata().unwrap().mode() & 0o777, 0o600);
        assert!(Home::open(home.path().to_owned()).is_ok());
    }

    #[test]
    fn a_home_that_others_can_enter_is_refused_with_the_remedy() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::create(folder.path().join("home")).unwrap();
        private_file(&home.vault()).unwrap();
        set_permissions(home.path(), Permissions::from_mode(0o755)).unwrap();
        let failure = Home::open(home.path().to_owned()).unwrap_err();
        assert!(failure.hint.unwrap().starts_with("chmod 700 "));
    }

    #[test]
    fn no_home_is_an_error_that_says_how_to_make_one() {
        let folder = tempfile::tempdir().unwrap();
        let failure = Home::open(folder.path().join("nothing")).unwrap_err();
        assert!(failure.hint.unwrap().contains("lightproof init"));
    }
}

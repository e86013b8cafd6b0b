//! The data folder: private, and the few small files in it that are made once and kept.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, Permissions},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use ed25519_dalek::SigningKey;
use zeroize::Zeroizing;

/// Small secret files that make a relay the one its clients know, and are part of its backups.
pub const KEPT: [&str; 4] = ["acme.account", "acme.pem", "certificate.pem", "receipt.key"];

/// One of them.
#[derive(Clone)]
pub struct KeptFile {
    /// Its name in the folder.
    pub name: &'static str,
    /// All of it.
    pub content: Zeroizing<Vec<u8>>,
}

/// There while a restore is under way.
const UNFINISHED: &str = "restore.unfinished";

const SHARED: &str = "others may read it, and what is in it is no relay's; give the relay a folder of its own";

/// A relay's data folder.
#[derive(Clone, Debug)]
pub struct Folder {
    root: PathBuf,
}

impl Folder {
    /// Opens or creates the folder, private to this user; one that was open to others is closed to them.
    ///
    /// # Errors
    /// The disk's; `PermissionDenied` if the folder is open to others and not this user's to close, or holds what no
    /// relay has made: whoever shares that would lose it.
    pub fn open(root: &Path) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(root)?;
        let folder = Self { root: fs::canonicalize(root)? };
        let mode = fs::metadata(root)?.permissions().mode();
        if mode & 0o077 != 0 {
            if folder.is_shared()? {
                return Err(io::Error::new(io::ErrorKind::PermissionDenied, SHARED));
            }
            fs::set_permissions(root, Permissions::from_mode(mode & 0o7700))?;
        }
        Ok(folder)
    }

    /// The folder as it is, if it is there: nothing is made, and nothing is closed to anybody.
    ///
    /// # Errors
    /// The disk's.
    pub fn found(root: &Path) -> io::Result<Option<Self>> {
        match fs::canonicalize(root) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            found => found.map(|root| Some(Self { root })),
        }
    }

    /// Whether something lies in it, and nothing that a relay makes.
    ///
    /// # Errors
    /// The disk's.
    pub fn is_shared(&self) -> io::Result<bool> {
        Ok(!self.is_a_relays() && !self.is_empty()?)
    }

    /// Where it is.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The file of rows.
    #[must_use]
    pub fn rows(&self) -> PathBuf {
        self.root.join("rows.redb")
    }

    /// The folder of blobs.
    #[must_use]
    pub fn blobs(&self) -> PathBuf {
        self.root.join("blobs")
    }

    /// The socket that commands reach a running relay by.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.root.join("control.sock")
    }

    fn is_a_relays(&self) -> bool {
        ["rows.redb", "receipt.key", UNFINISHED].iter().any(|name| self.root.join(name).exists())
    }

    fn is_empty(&self) -> io::Result<bool> {
        for entry in fs::read_dir(&self.root)? {
            // A disk of its own comes with this.
            if entry?.file_name() != "lost+found" {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Whether a backup may be restored into it: there is nothing in it, or what an earlier restore has left.
    ///
    /// # Errors
    /// The disk's.
    pub fn takes_a_restore(&self) -> io::Result<bool> {
        Ok(self.is_half_restored() || fs::read_dir(&self.root)?.next().is_none())
    }

    /// Whether a restore into it was cut off: what is there is a part of a backup.
    #[must_use]
    pub fn is_half_restored(&self) -> bool {
        self.root.join(UNFINISHED).exists()
    }

    /// Marks the folder as being restored, and removes what an earlier restore has left. `None` if it has anything else
    /// in it.
    ///
    /// # Errors
    /// The disk's; `WouldBlock` while another process restores.
    pub fn begin_restore(&self) -> io::Result<Option<Unfinished>> {
        let path = self.root.join(UNFINISHED);
        if !self.takes_a_restore()? {
            return Ok(None);
        }
        let mark = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path)?;
        mark.try_lock()?;
        for entry in fs::read_dir(&self.root)? {
            let entry = entry?;
            if entry.file_name() == UNFINISHED {
                continue;
            }
            if entry.file_type()?.is_dir() { fs::remove_dir_all(entry.path())? } else { fs::remove_file(entry.path())? }
        }
        File::open(&self.root)?.sync_all()?;
        Ok(Some(Unfinished { folder: self.root.clone(), path, _mark: mark }))
    }

    /// The small secret files that are there.
    ///
    /// # Errors
    /// The disk's.
    pub fn all_kept(&self) -> io::Result<Vec<KeptFile>> {
        let mut all = Vec::new();
        for name in KEPT {
            match fs::read(self.root.join(name)) {
                Ok(content) => all.push(KeptFile { name, content: Zeroizing::new(content) }),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(all)
    }

    /// The key of deposit receipts, made at first use.
    ///
    /// # Errors
    /// The disk's; `InvalidData` if the file is not a key.
    pub fn receipt_key(&self) -> io::Result<SigningKey> {
        let bytes = self.kept("receipt.key", || {
            let mut seed = Zeroizing::new(vec![0; 32]);
            getrandom::fill(&mut seed).map_err(io::Error::other)?;
            Ok(seed)
        })?;
        let seed = <&[u8; 32]>::try_from(bytes.as_slice()).map_err(|_| io::ErrorKind::InvalidData)?;
        Ok(SigningKey::from_bytes(seed))
    }

    /// A small secret file, made once. It appears whole, synced and readable by this user alone.
    ///
    /// # Errors
    /// The disk's, or what `make` said.
    pub fn kept(
        &self,
        name: &str,
        make: impl FnOnce() -> io::Result<Zeroizing<Vec<u8>>>,
    ) -> io::Result<Zeroizing<Vec<u8>>> {
        if let Some(found) = self.secret(name)? {
            return Ok(found);
        }
        let content = make()?;
        self.keep(name, &content)?;
        Ok(content)
    }

    /// A small secret file, if it is there.
    ///
    /// # Errors
    /// The disk's.
    pub fn secret(&self, name: &str) -> io::Result<Option<Zeroizing<Vec<u8>>>> {
        match fs::read(self.root.join(name)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            found => found.map(|content| Some(Zeroizing::new(content))),
        }
    }

    /// Writes a small secret file, in place of an older one. It appears whole, synced and readable by this user alone.
    ///
    /// # Errors
    /// The disk's.
    pub fn keep(&self, name: &str, content: &[u8]) -> io::Result<()> {
        let unfinished = self.root.join(format!("{name}.new"));
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
        file.write_all(content)?;
        file.sync_all()?;
        fs::rename(&unfinished, self.root.join(name))?;
        File::open(&self.root)?.sync_all()
    }
}

/// A folder that is being restored. No relay starts on it, and another restore begins anew, until this has ended.
#[derive(Debug)]
pub struct Unfinished {
    folder: PathBuf,
    path: PathBuf,
    _mark: File,
}

impl Unfinished {
    /// Everything is there.
    ///
    /// # Errors
    /// The disk's.
    pub fn end(self) -> io::Result<()> {
        File::open(&self.folder)?.sync_all()?;
        fs::remove_file(&self.path)?;
        File::open(&self.folder)?.sync_all()
    }
}

#[cfg(test)]
mod tests {
    use std::{
        fs::{self, Permissions},
        io,
        os::unix::fs::PermissionsExt as _,
    };

    use super::Folder;

    /// A folder that others read was closed to them by whoever mistyped `--data`.
    #[test]
    fn a_folder_that_is_open_to_others_is_closed_if_it_is_empty_or_a_relays_and_else_left_as_it_is() {
        for (name, mode) in [
            (None, 0o700),
            (Some("lost+found"), 0o700),
            (Some("rows.redb"), 0o700),
            (Some("receipt.key"), 0o700),
            (Some("restore.unfinished"), 0o700),
            (Some("index.html"), 0o755),
            (Some("certificate.pem"), 0o755),
        ] {
            let parent = tempfile::tempdir().unwrap();
            let root = parent.path().join("data");
            fs::create_dir(&root).unwrap();
            if let Some(name) = name {
                fs::write(root.join(name), b"").unwrap();
            }
            fs::set_permissions(&root, Permissions::from_mode(0o755)).unwrap();
            let refused = Folder::open(&root).err().map(|error| error.kind());
            assert_eq!(refused, (mode == 0o755).then_some(io::ErrorKind::PermissionDenied), "{name:?}");
            assert_eq!(fs::metadata(&root).unwrap().permissions().mode() & 0o777, mode, "{name:?}");
        }
    }
}

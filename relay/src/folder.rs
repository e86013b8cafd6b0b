//! The data folder: private, and the few small files in it that are made once and kept.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, Permissions},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use ed25519_dalek::SigningKey;
use zeroize::Zeroizing;

/// A relay's data folder.
#[derive(Clone, Debug)]
pub struct Folder {
    root: PathBuf,
}

impl Folder {
    /// Opens or creates the folder, private to this user; one that was open to others is closed to them.
    ///
    /// # Errors
    /// The disk's; `PermissionDenied` if the folder is open to others and not this user's to close.
    pub fn open(root: &Path) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(root)?;
        let mode = fs::metadata(root)?.permissions().mode();
        if mode & 0o077 != 0 {
            fs::set_permissions(root, Permissions::from_mode(mode & 0o7700))?;
        }
        Ok(Self { root: fs::canonicalize(root)? })
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
        let path = self.root.join(name);
        match fs::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            found => return found.map(Zeroizing::new),
        }
        let content = make()?;
        let unfinished = self.root.join(format!("{name}.new"));
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
        file.write_all(&content)?;
        file.sync_all()?;
        fs::rename(&unfinished, &path)?;
        File::open(&self.root)?.sync_all()?;
        Ok(content)
    }
}

//! Who may read what: modes on Unix. On Windows a file belongs to whom its folder does, and a home lies in the user's own.

use std::fs::{DirBuilder, Metadata, OpenOptions};
use std::io;
use std::path::Path;

/// A file made by these is its owner's alone.
pub(crate) fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, FILE_MODE);
    options
}

/// Folders made by this are their owner's alone.
pub(crate) fn private_folders() -> DirBuilder {
    #[cfg_attr(not(unix), expect(unused_mut, reason = "there are no modes"))]
    let mut folders = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut folders, FOLDER_MODE);
    folders
}

/// Closes a folder to others.
///
/// # Errors
/// Those of the file system.
pub(crate) fn close(folder: &Path) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(FOLDER_MODE))
    }
    #[cfg(not(unix))]
    {
        let _as_its_parent = folder;
        Ok(())
    }
}

/// Whether others may read this file, or enter this folder, as far as its mode says.
pub(crate) fn is_open_to_others(metadata: &Metadata) -> bool {
    #[cfg(unix)]
    {
        std::os::unix::fs::MetadataExt::mode(metadata) & 0o077 != 0
    }
    #[cfg(not(unix))]
    {
        let _says_nothing_of_it = metadata;
        false
    }
}

#[cfg(unix)]
const FILE_MODE: u32 = 0o600;
#[cfg(unix)]
const FOLDER_MODE: u32 = 0o700;

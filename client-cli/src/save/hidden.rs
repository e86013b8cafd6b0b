//! The hidden names of unfinished files, and what a killed process left under one.
//!
//! Whoever writes holds a lock on its file, which ends with the process: what nobody holds is nobody's, and goes before the
//! next file is begun there. What was opened does not lie about for ever because a machine was switched off.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use crate::platform::access::private;
use crate::platform::file::is_named;

/// Creates a file under a hidden name that only its owner can read, and holds it.
///
/// # Errors
/// Those of the file system.
pub(super) fn begin(folder: &Path) -> io::Result<(File, PathBuf)> {
    remove_left(folder);
    loop {
        let mut random = [0; 8];
        getrandom::fill(&mut random).map_err(io::Error::other)?;
        let hidden = folder.join(format!("{BEGIN}{:016x}{END}", u64::from_ne_bytes(random)));
        let file = private(OpenOptions::new().write(true).create_new(true)).open(&hidden)?;
        hold(&file);
        // Between its name and its lock it looked as if nobody held it.
        if is_named(&file, &hidden)? {
            return Ok((file, hidden));
        }
    }
}

/// Where a file system has no locks, nothing of ours is ever removed there either. Elsewhere than on Unix a lock keeps us
/// from reading what we write.
fn hold(file: &File) {
    if cfg!(unix) {
        let _without_locks = file.lock();
    }
}

fn remove_left(folder: &Path) {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    // What cannot be looked into or removed stays; the file that is begun says what is wrong with the folder.
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    for entry in entries.filter(|_| cfg!(unix)).filter(|entry| entry.file_name().to_str().is_some_and(is_ours)) {
        let is_file = entry.file_type().is_ok_and(|kind| kind.is_file());
        let Some(file) = is_file.then(|| File::open(entry.path()).ok()).flatten() else { continue };
        if file.try_lock().is_ok() {
            let _stays = fs::remove_file(entry.path());
        }
    }
}

fn is_ours(name: &str) -> bool {
    let digits = name.strip_prefix(BEGIN).and_then(|name| name.strip_suffix(END));
    digits.is_some_and(|digits| digits.len() == 16 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

const BEGIN: &str = ".lightproof-";
const END: &str = ".part";

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    /// A receive that was killed left the photo it was saving in clear, and no later one removed it.
    #[test]
    fn what_a_killed_process_left_goes_and_what_somebody_writes_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let (left, others) = (".lightproof-00112233445566ff.part", [".lightproof-notes.part", "a.part"]);
        for name in [left, others[0], others[1]] {
            fs::write(path(name), "a photo").unwrap();
        }
        let (_held, first) = begin(folder.path()).unwrap();
        let (_also_held, second) = begin(folder.path()).unwrap();
        assert!(!path(left).exists());
        let stay = [first, second, path(others[0]), path(others[1])];
        assert!(stay.iter().all(|path| path.exists()), "{stay:?}");
    }
}

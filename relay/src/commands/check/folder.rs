//! The data folder: this user's, closed to all others, and writable.

use std::{
    fs::{self, Metadata},
    io,
    os::unix::fs::MetadataExt as _,
    path::Path,
};

use rustix::{fs::Access, process::geteuid};

use super::{Finding, Subject};

const CLOSE: &str = "give it to this user alone: chmod -R go-rwx";
const OWN: &str =
    "do this as the user that the relay runs as, as in sudo -u lightproof-relay; or give it to this one: chown -R";
const ANOTHER: &str = "give the relay a folder of its own with --data";
const CHOOSE: &str = "choose a folder this user may write to with --data";

pub(super) fn look(subject: &Subject) -> Finding {
    let Some(folder) = &subject.folder else { return not_yet(&subject.nearest()) };
    let root = folder.root();
    let found = fs::metadata(root).map_err(|error| (error.to_string(), CHOOSE))?;
    if found.uid() != geteuid().as_raw() {
        return Err((format!("it belongs to another user, {}, and this is {}", found.uid(), geteuid().as_raw()), OWN));
    }
    if is_open(&found) {
        let is_shared = folder.is_shared().map_err(|error| (format!("cannot be read: {error}"), CHOOSE))?;
        return Err(match is_shared {
            true => ("others may read it, and there is something in it that no relay has made".to_owned(), ANOTHER),
            false => ("others may read it".to_owned(), CLOSE),
        });
    }
    let mut strays = Strays::default();
    strays.look_into(root).map_err(|error| (format!("cannot be read: {error}"), CLOSE))?;
    if strays.foreign > 0 {
        return Err((format!("{} of the files in it belong to another user", strays.foreign), OWN));
    }
    if strays.open > 0 {
        return Err((format!("others may read {} of the files in it", strays.open), CLOSE));
    }
    let probe = root.join("check.new");
    let written = fs::write(&probe, b"check").and_then(|()| fs::remove_file(&probe));
    written.map_err(|error| (format!("cannot be written: {error}"), CHOOSE))?;
    Ok("private and writable".to_owned())
}

fn not_yet(parent: &Path) -> Finding {
    let writable = rustix::fs::access(parent, Access::WRITE_OK | Access::EXEC_OK);
    writable.map_err(|error| (format!("it cannot be made in {}: {error}", parent.display()), CHOOSE))?;
    Ok("none yet: made when it serves".to_owned())
}

fn is_open(found: &Metadata) -> bool {
    found.mode() & 0o077 != 0
}

/// Files that are not as a relay makes them.
#[derive(Default)]
struct Strays {
    open: u64,
    foreign: u64,
}

impl Strays {
    fn look_into(&mut self, folder: &Path) -> io::Result<()> {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let found = match entry.metadata() {
                // A relay that runs removes files all the time.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                found => found?,
            };
            self.open = self.open.saturating_add(u64::from(is_open(&found)));
            self.foreign = self.foreign.saturating_add(u64::from(found.uid() != geteuid().as_raw()));
            if found.is_dir() {
                self.look_into(&entry.path())?;
            }
        }
        Ok(())
    }
}

//! `backup`: everything in one file, which appears whole or not at all.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufReader, BufWriter, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use lightproof_relay::{
    backup::{BackupError, Contents, verify},
    control::{ControlError, Relay},
};
use rustix::{
    fs::{CWD, RenameFlags, renameat_with},
    io::Errno,
};

use super::{Failure, options::Place};

const BUFFER_BYTES: usize = 1_048_576;

pub(crate) fn backup(place: &Place, file: &Path) -> Result<(), Failure> {
    let is_there = || {
        let what = format!("{} is there already", file.display());
        Failure::failed(what, "give another name; nothing is ever overwritten")
    };
    if file.symlink_metadata().is_ok() {
        return Err(is_there());
    }
    let relay = Relay::of(&place.config()?.data)?;
    let unfinished = Unfinished::beside(file).map_err(disk)?;
    let Contents { rows, chunks, missing_blobs } = unfinished.write(relay)?;
    unfinished.finish(file).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => is_there(),
        _ => disk(error).into(),
    })?;
    println!("{rows} rows, {chunks} chunks");
    if missing_blobs == 0 {
        return Ok(());
    }
    let what = format!("{missing_blobs} blobs could not be read whole; everything else is in the backup");
    Err(Failure::failed(what, "see what `lightproof-relay scrub` says"))
}

fn disk(error: io::Error) -> ControlError {
    BackupError::Disk(error).into()
}

/// The file under a name that no other backup has, though it may be given the same one. Dropped, that name goes.
struct Unfinished {
    file: File,
    path: PathBuf,
}

impl Unfinished {
    fn beside(file: &Path) -> io::Result<Self> {
        let mut random = [0; 8];
        getrandom::fill(&mut random).map_err(io::Error::other)?;
        let mut path = file.as_os_str().to_owned();
        path.push(format!(".{:016x}.new", u64::from_ne_bytes(random)));
        let path = PathBuf::from(path);
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
        Ok(Self { file, path })
    }

    /// Writes it, reads it again whole, and puts it on disk.
    fn write(&self, relay: Relay) -> Result<Contents, ControlError> {
        let mut out = BufWriter::with_capacity(BUFFER_BYTES, &self.file);
        relay.backup(&mut out)?;
        out.flush().map_err(disk)?;
        self.file.sync_all().map_err(disk)?;
        // A relay that stops in between closes the connection, which looks like an end.
        let written = File::open(&self.path).map_err(disk)?;
        Ok(verify(BufReader::with_capacity(BUFFER_BYTES, written))?.0)
    }

    /// Gives it its name, which must be free.
    fn finish(&self, file: &Path) -> io::Result<()> {
        match renameat_with(CWD, &self.path, CWD, file, RenameFlags::NOREPLACE) {
            // Not every file system can rename without replacing.
            Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => fs::hard_link(&self.path, file)?,
            renamed => renamed?,
        }
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(folder).and_then(|folder| folder.sync_all())
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

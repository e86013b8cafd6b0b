//! `backup`: everything in one file, which appears whole or not at all.

use std::{
    fs::{self, File, OpenOptions},
    io::{BufReader, BufWriter, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use lightproof_relay::{
    backup::{BackupError, Contents, verify},
    control::{ControlError, Relay},
};

use super::{Failure, options::Place};

const BUFFER_BYTES: usize = 1_048_576;

pub(crate) fn backup(place: &Place, file: &Path) -> Result<(), Failure> {
    if file.symlink_metadata().is_ok() {
        let what = format!("{} is there already", file.display());
        return Err(Failure::failed(what, "give another name; nothing is ever overwritten"));
    }
    let relay = Relay::of(&place.config()?.data)?;
    let unfinished = Unfinished::beside(file);
    let contents = unfinished.write(relay).and_then(|contents| unfinished.finish(file).map(|()| contents))?;
    let Contents { rows, chunks, missing_blobs } = contents;
    println!("{rows} rows, {chunks} chunks");
    if missing_blobs == 0 {
        return Ok(());
    }
    let what = format!("{missing_blobs} blobs could not be read whole; everything else is in the backup");
    Err(Failure::failed(what, "see what `lightproof-relay scrub` says"))
}

/// The file under another name. Dropped before it is finished, it is removed.
struct Unfinished(PathBuf);

impl Unfinished {
    fn beside(file: &Path) -> Self {
        let mut name = file.as_os_str().to_owned();
        name.push(".new");
        Self(name.into())
    }

    /// Writes it, reads it again whole, and puts it on disk.
    fn write(&self, relay: Relay) -> Result<Contents, ControlError> {
        let disk = |error| ControlError::from(BackupError::Disk(error));
        // What a backup that was killed has left.
        let _ = fs::remove_file(&self.0);
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&self.0).map_err(disk)?;
        let mut out = BufWriter::with_capacity(BUFFER_BYTES, &file);
        relay.backup(&mut out)?;
        out.flush().map_err(disk)?;
        file.sync_all().map_err(disk)?;
        // A relay that stops in between closes the connection, which looks like an end.
        let written = File::open(&self.0).map_err(disk)?;
        Ok(verify(BufReader::with_capacity(BUFFER_BYTES, written))?.0)
    }

    fn finish(&self, file: &Path) -> Result<(), ControlError> {
        let disk = |error| ControlError::from(BackupError::Disk(error));
        fs::rename(&self.0, file).map_err(disk)?;
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(disk)
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

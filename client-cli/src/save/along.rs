//! A file that goes to the disk while more of it is being written, so that little is left to wait for at its end.

use std::fs::File;
use std::io::{self, Write};

use crate::platform::file::begin_to_write_back;

/// A file, written from its beginning to its end. It is not synced by this; an error of the disk comes with the sync.
#[derive(Debug)]
pub(crate) struct WrittenAlong {
    file: File,
    begun_bytes: u64,
    written_bytes: u64,
}

impl WrittenAlong {
    pub(super) const fn new(file: File) -> Self {
        Self { file, begun_bytes: 0, written_bytes: 0 }
    }
}

impl Write for WrittenAlong {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.written_bytes = self.written_bytes.saturating_add(u64::try_from(written).unwrap_or(u64::MAX));
        let due_bytes = self.written_bytes.saturating_sub(self.begun_bytes);
        if due_bytes >= EVERY_BYTES {
            begin_to_write_back(&self.file, self.begun_bytes, due_bytes);
            self.begun_bytes = self.written_bytes;
        }
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Enough for a disk to be busy with, and little to wait for.
const EVERY_BYTES: u64 = 8 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_begun_early_is_all_there_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("large");
        let mut file = WrittenAlong::new(File::create(&path).unwrap());
        let piece = usize::try_from(EVERY_BYTES / 2).unwrap() + 1;
        for byte in 0..5 {
            file.write_all(&vec![byte; piece]).unwrap();
        }
        assert_eq!((file.begun_bytes, file.written_bytes), (4 * (EVERY_BYTES / 2 + 1), 5 * (EVERY_BYTES / 2 + 1)));
        file.file.sync_all().unwrap();
        assert!(
            std::fs::read(&path).unwrap().chunks(piece).map(<[u8]>::to_vec).eq((0..5).map(|byte| vec![byte; piece]))
        );
    }
}

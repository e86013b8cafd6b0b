//! A file that goes to the disk while more of it is being written, so that little is left to wait for at its end.

use std::fs::File;
use std::io::{self, Write};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

/// A file whose syncs are under way while it is written. Whoever has written all of it flushes it: of the disk's errors a system
/// tells each but once, and those that a sync on the way was told come with the flush.
#[derive(Debug)]
pub(crate) struct SyncedAlong {
    file: File,
    unsynced_bytes: usize,
    syncing: Option<Syncing>,
}

/// A thread that syncs whenever it is told to.
#[derive(Debug)]
struct Syncing {
    due: SyncSender<()>,
    thread: JoinHandle<io::Result<()>>,
}

impl SyncedAlong {
    pub(super) const fn new(file: File) -> Self {
        Self { file, unsynced_bytes: 0, syncing: None }
    }

    fn sync_soon(&mut self) -> io::Result<()> {
        let syncing = match &self.syncing {
            Some(syncing) => syncing,
            None => {
                let file = self.file.try_clone()?;
                self.syncing.insert(Syncing::begin(move || file.sync_data())?)
            }
        };
        // Where one is due already, that one takes this along.
        if syncing.due.try_send(()).is_ok() {
            self.unsynced_bytes = 0;
        }
        Ok(())
    }
}

impl Syncing {
    fn begin(sync: impl Fn() -> io::Result<()> + Send + 'static) -> io::Result<Self> {
        let (due, told) = sync_channel(1);
        let thread = thread::Builder::new().spawn(move || sync_when(&told, sync))?;
        Ok(Self { due, thread })
    }

    fn end(self) -> io::Result<()> {
        drop(self.due);
        self.thread.join().unwrap_or_else(|_| Err(io::Error::other("a sync was cut off")))
    }
}

/// Until nobody tells any more, or one fails.
fn sync_when(told: &Receiver<()>, sync: impl Fn() -> io::Result<()>) -> io::Result<()> {
    told.iter().try_for_each(|()| sync())
}

impl Write for SyncedAlong {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.unsynced_bytes = self.unsynced_bytes.saturating_add(written);
        if self.unsynced_bytes >= EVERY_BYTES {
            self.sync_soon()?;
        }
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.syncing.take().map_or(Ok(()), Syncing::end)
    }
}

/// Enough for a disk to be busy with, and little to wait for.
const EVERY_BYTES: usize = 32 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_synced_on_the_way_is_all_there_and_an_error_of_the_disk_is_told_at_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("large");
        let mut file = SyncedAlong::new(File::create(&path).unwrap());
        for byte in 0..3 {
            file.write_all(&vec![byte; EVERY_BYTES / 2]).unwrap();
            assert_eq!(file.syncing.is_some(), byte > 0, "a small file waits for its end");
        }
        file.flush().unwrap();
        assert!(file.syncing.is_none());
        assert_eq!(std::fs::metadata(&path).unwrap().len(), (EVERY_BYTES / 2 * 3) as u64);

        let failing = Syncing::begin(|| Err(io::ErrorKind::StorageFull.into())).unwrap();
        failing.due.send(()).unwrap();
        file.syncing = Some(failing);
        file.write_all(b"more").unwrap();
        assert_eq!(file.flush().unwrap_err().kind(), io::ErrorKind::StorageFull);
    }
}

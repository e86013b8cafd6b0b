//! The disk itself, as a store sees its files: it keeps a journal, and fails where it is told to.

use std::{
    fmt, io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use redb::StorageBackend;

use super::image::{Content, Image};

/// A disk, seen as one of its files: the first, unless [`Disk::second`] was asked for. A clone is the same disk.
#[derive(Clone, Default)]
pub struct Disk {
    state: Arc<Mutex<State>>,
    file: usize,
}

/// One thing that happened to a disk.
#[derive(Clone, Debug)]
pub enum Entry {
    /// This file was cut or lengthened.
    Length(usize, u64),
    /// A sync of this file failed, and what it should have put on disk is lost, as on Linux: the next one knows nothing of it.
    Lost(usize),
    /// Somebody outside was promised something: a number that only grows.
    Promise(usize),
    /// Everything before is on disk, of this file.
    Sync(usize),
    /// Bytes were written to this file, at an offset.
    Write(usize, u64, Arc<[u8]>),
}

impl Entry {
    /// The file that it happened to.
    pub(super) const fn file(&self) -> Option<usize> {
        match self {
            Self::Length(file, _) | Self::Lost(file) | Self::Sync(file) | Self::Write(file, ..) => Some(*file),
            Self::Promise(_) => None,
        }
    }
}

/// What a disk is asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// Bytes, please.
    Read,
    /// Put everything on disk.
    Sync,
    /// Take these bytes, or become longer.
    Write,
}

/// How a disk fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// From the n-th write on there is no room, until [`Disk::works`].
    Full(u64),
    /// The n-th call of this kind fails, once, with an input/output error.
    Once(Call, u64),
}

#[derive(Default)]
struct State {
    image: Image,
    /// What the journal starts from.
    first: Image,
    journal: Vec<Entry>,
    counts: [u64; 3],
    fault: Option<Fault>,
    is_off: bool,
}

impl State {
    fn file(&mut self, file: usize) -> io::Result<&mut Content> {
        self.image.0.get_mut(file).ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

impl Disk {
    /// A disk on which this lies.
    #[must_use]
    pub fn with(image: Image) -> Self {
        let state = Arc::new(Mutex::new(State { first: image.clone(), image, ..State::default() }));
        Self { state, file: 0 }
    }

    /// The same disk, seen as its other file.
    #[must_use]
    pub fn second(&self) -> Self {
        Self { state: Arc::clone(&self.state), file: 1 }
    }

    /// What lies on it, synced or not.
    #[must_use]
    pub fn image(&self) -> Image {
        self.state().image.clone()
    }

    /// What lay on it at first, and what happened since.
    #[must_use]
    pub fn journal(&self) -> (Image, Vec<Entry>) {
        let state = self.state();
        (state.first.clone(), state.journal.clone())
    }

    /// Notes that something was promised.
    pub fn promised(&self, number: usize) {
        self.state().journal.push(Entry::Promise(number));
    }

    /// How often it was asked for this.
    #[must_use]
    pub fn count(&self, call: Call) -> u64 {
        self.state().counts.get(call as usize).copied().unwrap_or_default()
    }

    /// From now on it fails like this; calls are counted from the beginning of the disk.
    pub fn fails(&self, fault: Fault) {
        self.state().fault = Some(fault);
    }

    /// From now on it works.
    pub fn works(&self) {
        self.state().fault = None;
    }

    /// No more power: nothing can be read or written.
    pub fn goes_off(&self) {
        self.state().is_off = true;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn call(&self, call: Call) -> io::Result<MutexGuard<'_, State>> {
        let mut state = self.state();
        if state.is_off {
            return Err(io::ErrorKind::NotConnected.into());
        }
        let count = state.counts.get_mut(call as usize).ok_or(io::ErrorKind::Unsupported)?;
        let number = *count;
        *count += 1;
        match state.fault {
            Some(Fault::Full(first)) if call == Call::Write && number >= first => {
                Err(io::ErrorKind::StorageFull.into())
            }
            Some(Fault::Once(kind, at)) if kind == call && number == at => {
                if call == Call::Sync {
                    state.journal.push(Entry::Lost(self.file));
                }
                Err(io::Error::from_raw_os_error(EIO))
            }
            _ => Ok(state),
        }
    }
}

const EIO: i32 = 5;

impl fmt::Debug for Disk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Disk(…)")
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.call(Call::Read)?.file(self.file)?.length_bytes())
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.call(Call::Read)?.file(self.file)?.read(offset, out)
    }

    fn set_len(&self, length_bytes: u64) -> io::Result<()> {
        let mut state = self.call(Call::Write)?;
        state.file(self.file)?.set_length(length_bytes);
        state.journal.push(Entry::Length(self.file, length_bytes));
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        self.call(Call::Sync)?.journal.push(Entry::Sync(self.file));
        Ok(())
    }

    fn write(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.call(Call::Write)?;
        state.file(self.file)?.write(offset, bytes);
        state.journal.push(Entry::Write(self.file, offset, bytes.into()));
        Ok(())
    }
}

//! Bytes for another process to read or write: outside of this one's memory, where the system can, and never on a disk.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};

/// A file without a name, in memory.
#[derive(Debug)]
pub(crate) struct Buffer(Inside);

#[cfg(target_os = "linux")]
type Inside = File;
#[cfg(not(target_os = "linux"))]
type Inside = io::Cursor<Vec<u8>>;

impl Buffer {
    /// An empty one.
    ///
    /// # Errors
    /// The system's.
    pub(crate) fn new() -> io::Result<Self> {
        #[cfg(target_os = "linux")]
        let inside = rustix::fs::memfd_create("photo", rustix::fs::MemfdFlags::CLOEXEC)?.into();
        #[cfg(not(target_os = "linux"))]
        let inside = io::Cursor::default();
        Ok(Self(inside))
    }

    /// The same bytes once more.
    ///
    /// # Errors
    /// The system's.
    #[cfg(target_os = "linux")]
    pub(crate) fn again(&self) -> io::Result<Self> {
        self.0.try_clone().map(Self)
    }

    /// The same bytes once more.
    ///
    /// # Errors
    /// None here.
    #[cfg(not(target_os = "linux"))]
    pub(crate) fn again(&self) -> io::Result<Self> {
        Ok(Self(self.0.clone()))
    }

    /// The same file, for a child to read or write.
    ///
    /// # Errors
    /// The system's.
    #[cfg(target_os = "linux")]
    pub(super) fn file(&self) -> io::Result<File> {
        self.0.try_clone()
    }

    /// One that holds these bytes.
    #[cfg(not(target_os = "linux"))]
    pub(super) fn of(bytes: Vec<u8>) -> Self {
        Self(io::Cursor::new(bytes))
    }
}

impl Read for Buffer {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Seek for Buffer {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        self.0.seek(position)
    }
}

impl Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// An open photo.
#[derive(Debug)]
pub(crate) enum PhotoFile {
    /// In memory: from stdin, from a peer, or made by a child.
    Buffer(Buffer),
    /// On the disk.
    Disk(File),
}

impl Read for PhotoFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Buffer(bytes) => bytes.read(buffer),
            Self::Disk(file) => file.read(buffer),
        }
    }
}

impl Seek for PhotoFile {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        match self {
            Self::Buffer(bytes) => bytes.seek(position),
            Self::Disk(file) => file.seek(position),
        }
    }
}

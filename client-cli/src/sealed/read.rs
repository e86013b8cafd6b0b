//! The files that are sealed, one after the other, as one run of bytes of a length known beforehand.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use lightproof_core::e2ee::sealed_file::FileFacts;
use lightproof_core::sealed_file::display_name;
use lightproof_core::wire::codec::Text;

use super::Trouble;
use crate::picture::child::Buffer;
use crate::plan::Input;
use crate::sanitize::Sanitized;

/// Files that were opened and measured, and not read yet.
pub(crate) struct Contents {
    facts: Vec<FileFacts>,
    sources: Vec<(String, Piped)>,
}

/// Something to read.
pub(crate) type Piped = Box<dyn Read + Send>;

impl Contents {
    /// Opens files; what comes from stdin is held in memory, for its length must be known first.
    ///
    /// # Errors
    /// Where one cannot be read or is no file.
    pub(crate) fn open(inputs: &[Input]) -> Result<Self, Trouble> {
        let mut contents = Self { facts: Vec::new(), sources: Vec::new() };
        for input in inputs {
            let (shown, opened) = match input {
                Input::File(path) => (Sanitized::path(path).to_string(), file(path)),
                Input::Standard => ("stdin".to_owned(), stdin()),
            };
            let named = match input {
                Input::File(path) => display_name(&path.to_string_lossy()),
                Input::Standard => shown.clone(),
            };
            let (length_bytes, source) = opened.map_err(|error| Trouble::Read { what: shown.clone(), error })?;
            contents.facts.push(FileFacts { name: Text::new(named).unwrap_or_default(), length_bytes });
            contents.sources.push((shown, source));
        }
        Ok(contents)
    }

    /// What is said of them.
    pub(crate) fn facts(&self) -> &[FileFacts] {
        &self.facts
    }

    /// Ready to be read.
    pub(super) fn reading(self) -> Reading {
        let lengths = self.facts.iter().map(|file| file.length_bytes);
        Reading { due: lengths.zip(self.sources).rev().collect() }
    }
}

fn file(path: &Path) -> io::Result<(u64, Piped)> {
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a file; pipe it into -"));
    }
    Ok((metadata.len(), Box::new(file)))
}

fn stdin() -> io::Result<(u64, Piped)> {
    let mut buffer = Buffer::new()?;
    let length_bytes = io::copy(&mut io::stdin().lock().take(STDIN_MAX_BYTES + 1), &mut buffer)?;
    if length_bytes > STDIN_MAX_BYTES {
        return Err(io::Error::other("it holds more than 512 MiB; save it as a file, and name that"));
    }
    buffer.seek(SeekFrom::Start(0))?;
    Ok((length_bytes, Box::new(buffer)))
}

/// Files that are being read.
pub(super) struct Reading {
    /// Those still to come, each with the bytes that are left of it; the one that is due last.
    due: Vec<(u64, (String, Piped))>,
}

impl Reading {
    /// Reads the next bytes in the place of what is in the buffer: so many, and fewer only at the end of all.
    pub(super) fn fill(&mut self, buffer: &mut Vec<u8>, room_bytes: usize) -> Result<(), Trouble> {
        // What was there is overwritten, not wiped first: that would cost as much as reading.
        buffer.resize(room_bytes, 0);
        let mut filled = 0;
        while let Some((left, (name, source))) = self.due.last_mut()
            && let Some(room) = buffer.get_mut(filled..).filter(|room| !room.is_empty())
        {
            let here = usize::try_from(*left).unwrap_or(usize::MAX).min(room.len());
            source.read_exact(room.get_mut(..here).unwrap_or_default()).map_err(|error| match error.kind() {
                io::ErrorKind::UnexpectedEof => Trouble::Changed(name.clone()),
                _ => Trouble::Read { what: name.clone(), error },
            })?;
            filled = filled.saturating_add(here);
            *left = left.saturating_sub(u64::try_from(here).unwrap_or(u64::MAX));
            if *left == 0 {
                self.end_one()?;
            }
        }
        buffer.truncate(filled);
        Ok(())
    }

    /// All were read.
    pub(super) fn finish(mut self) -> Result<(), Trouble> {
        while self.due.last().is_some_and(|(left, _)| *left == 0) {
            self.end_one()?;
        }
        if self.due.is_empty() { Ok(()) } else { Err(Trouble::GivenUp) }
    }

    /// A file that grew meanwhile is another.
    fn end_one(&mut self) -> Result<(), Trouble> {
        let Some((_, (name, mut source))) = self.due.pop() else { return Ok(()) };
        match source.read(&mut [0]) {
            Ok(0) => Ok(()),
            Ok(_) => Err(Trouble::Changed(name)),
            Err(error) => Err(Trouble::Read { what: name, error }),
        }
    }
}

/// As much as `send` takes from there.
const STDIN_MAX_BYTES: u64 = 512 << 20;

//! Opening: one thread reads, one opens, one hashes, one writes.

use std::io::{self, Chain, Cursor, Read, Write};

use lightproof_core::e2ee::sealed_file::{
    FACTS_MAX_BYTES, Facts, Files, HEADER_MAX_BYTES, Header, Opening, SealedFileError, Unlocked, VerifiedFile,
};
use lightproof_core::wire::codec::DecodeError;
use lightproof_core::wire::id::ChunkIndex;

use super::{Kept, Piped, Trouble, line::carry};
use crate::progress::Moved;

/// What stands before the chunks, read but not opened.
pub(crate) struct Beginning {
    pub(crate) header: Header,
    begin: Vec<u8>,
    source: Piped,
    what: String,
}

/// What stands behind the facts.
type Rest = Chain<Cursor<Vec<u8>>, Piped>;

/// Reads the beginning of a sealed file; `what` names it in errors, fit to be printed.
///
/// # Errors
/// [`Trouble`].
pub(crate) fn read_beginning(mut source: Piped, what: String) -> Result<Beginning, Trouble> {
    let mut begin = Vec::new();
    let most = u64::try_from(HEADER_MAX_BYTES + 3 + FACTS_MAX_BYTES).unwrap_or(u64::MAX);
    let read = source.by_ref().take(most).read_to_end(&mut begin);
    read.map_err(|error| Trouble::Read { what: what.clone(), error })?;
    let (header, used) = Header::read(&begin)?;
    begin.drain(..used.min(begin.len()));
    Ok(Beginning { header, begin, source, what })
}

/// A sealed file whose chunks are to be read.
pub(crate) struct Begun {
    pub(crate) opening: Opening,
    rest: Rest,
    what: String,
}

impl Beginning {
    /// Opens what is said of the files.
    ///
    /// # Errors
    /// [`Trouble`].
    pub(crate) fn open(mut self, unlocked: Unlocked) -> Result<Begun, Trouble> {
        let (opening, used) = unlocked.open(&self.header, &self.begin)?;
        self.begin.drain(..used.min(self.begin.len()));
        Ok(Begun { opening, rest: Cursor::new(self.begin).chain(self.source), what: self.what })
    }
}

/// Opens all chunks into `sinks`, one for each file, and then the end: only now may what was written be used.
///
/// # Errors
/// [`Trouble`].
pub(crate) fn open_chunks(
    begun: Begun,
    sinks: Vec<impl Write>,
    kept: &Kept,
    moved: &Moved,
) -> Result<VerifiedFile, Trouble> {
    let Begun { opening, mut rest, what } = begun;
    let (shape, opener) = (opening.opener().shape(), opening.opener());
    let sealed_bytes = usize::try_from(shape.class().sealed_bytes()).unwrap_or(usize::MAX);
    let mut files = Files::of(opening.claimed());
    let mut sinks = Writing::of(opening.claimed(), sinks);
    let (mut due, mut next) = (0..shape.count(), (0..shape.count()).map(ChunkIndex));
    let failed = |error| Trouble::Read { what: what.clone(), error };
    carry(
        sealed_bytes,
        |buffer| {
            kept.check()?;
            let is_due = due.next().is_some();
            if is_due {
                // What was there is overwritten, not wiped first: that would cost as much as reading.
                buffer.resize(sealed_bytes, 0);
                rest.read_exact(buffer).map_err(|error| match error.kind() {
                    io::ErrorKind::UnexpectedEof => SealedFileError::from(DecodeError::Truncated).into(),
                    _ => failed(error),
                })?;
            }
            Ok(is_due)
        },
        [
            Box::new(|buffer| {
                let index = next.next().ok_or(Trouble::GivenUp)?;
                opener.open_chunk(index, buffer).map_err(|error| SealedFileError::from(error).into())
            }),
            Box::new(|buffer| Ok(files.take(buffer)?)),
        ],
        |buffer| {
            sinks.write(buffer)?;
            moved.add(buffer.len());
            Ok(())
        },
    )?;
    let mut end = Vec::new();
    let most = u64::try_from(opening.end_bytes()).unwrap_or(u64::MAX).saturating_add(1);
    rest.take(most).read_to_end(&mut end).map_err(failed)?;
    if end.len() > opening.end_bytes() {
        return Err(SealedFileError::from(DecodeError::Trailing).into());
    }
    Ok(opening.finish(&end, &files.finish()?)?)
}

/// Files that are being written.
struct Writing<W> {
    /// Those still to come, each with the bytes that are left of it; the one that is due last.
    due: Vec<(u64, W)>,
}

impl<W: Write> Writing<W> {
    fn of(facts: &Facts, sinks: Vec<W>) -> Self {
        let lengths = facts.files.iter().map(|file| file.length_bytes);
        Self { due: lengths.zip(sinks).rev().collect() }
    }

    fn write(&mut self, mut bytes: &[u8]) -> Result<(), Trouble> {
        while !bytes.is_empty() {
            let (left, sink) = self.due.last_mut().ok_or(Trouble::GivenUp)?;
            let here = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len());
            let (piece, after) = bytes.split_at_checked(here).ok_or(Trouble::GivenUp)?;
            sink.write_all(piece).map_err(Trouble::Write)?;
            *left = left.saturating_sub(u64::try_from(here).unwrap_or(u64::MAX));
            if *left == 0 {
                sink.flush().map_err(Trouble::Write)?;
                self.due.pop();
            }
            bytes = after;
        }
        Ok(())
    }
}

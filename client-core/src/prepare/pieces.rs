//! A file as pieces: ranges of another file, which stay where they are, and the few bytes that are new.
//!
//! So a photo of any size is rebuilt, hashed and sealed without ever being held as a whole.

use std::{
    collections::VecDeque,
    fmt,
    io::{self, Read, Seek, SeekFrom},
    ops::Range,
};

/// One piece of a file.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Piece {
    /// New bytes.
    New(Vec<u8>),
    /// Bytes of the source, by their offsets.
    Source(Range<u64>),
}

impl fmt::Debug for Piece {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::New(bytes) => write!(f, "New({} bytes)", bytes.len()),
            Self::Source(range) => write!(f, "Source({range:?})"),
        }
    }
}

impl Piece {
    fn length_bytes(&self) -> u64 {
        match self {
            Self::New(bytes) => u64::try_from(bytes.len()).unwrap_or(u64::MAX),
            Self::Source(range) => range.end.saturating_sub(range.start),
        }
    }
}

/// A file as pieces, in order. Neighbours are joined, so that their number says how often the source is left.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Pieces(Vec<Piece>);

impl Pieces {
    /// All of a source, as it is.
    pub(super) fn whole(length_bytes: u64) -> Self {
        Self(vec![Piece::Source(0..length_bytes)])
    }

    /// Adds new bytes.
    pub(super) fn push_new(&mut self, bytes: &[u8]) {
        match self.0.last_mut() {
            Some(Piece::New(last)) => last.extend_from_slice(bytes),
            _ => self.0.push(Piece::New(bytes.to_vec())),
        }
    }

    /// Adds bytes of the source.
    pub(super) fn push_source(&mut self, range: &Range<usize>) {
        if range.is_empty() {
            return;
        }
        let [start, end] = [range.start, range.end].map(|place| u64::try_from(place).unwrap_or(u64::MAX));
        match self.0.last_mut() {
            Some(Piece::Source(last)) if last.end == start => last.end = end,
            _ => self.0.push(Piece::Source(start..end)),
        }
    }

    /// Adds the pieces of another list.
    pub(super) fn append(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// The pieces.
    pub(super) fn as_slice(&self) -> &[Piece] {
        &self.0
    }

    /// How many bytes they are together.
    pub(super) fn length_bytes(&self) -> u64 {
        self.0.iter().map(Piece::length_bytes).fold(0, u64::saturating_add)
    }

    /// The file, read from its source.
    pub(super) fn read<R: Read + Seek>(self, source: R) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::with_capacity(usize::try_from(self.length_bytes()).unwrap_or_default());
        self.of(source).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// The file, from a source that is in memory.
    pub(super) fn cut(&self, source: &[u8]) -> Vec<u8> {
        let place = |place: u64| usize::try_from(place).unwrap_or(usize::MAX);
        let mut file = Vec::with_capacity(place(self.length_bytes()));
        for piece in &self.0 {
            file.extend_from_slice(match piece {
                Piece::New(bytes) => bytes,
                Piece::Source(range) => source.get(place(range.start)..place(range.end)).unwrap_or_default(),
            });
        }
        file
    }

    /// The file, to be read piece by piece.
    pub(super) fn of<R: Read + Seek>(self, source: R) -> Pieced<R> {
        Pieced { source, pieces: self.0.into(), read_bytes: 0 }
    }
}

impl From<Vec<Piece>> for Pieces {
    fn from(pieces: Vec<Piece>) -> Self {
        Self(pieces)
    }
}

/// A file read piece by piece. A source that has become shorter ends early, and is no error here: whoever reads knows
/// how long the file is to be.
pub struct Pieced<R> {
    source: R,
    pieces: VecDeque<Piece>,
    /// Of the first piece.
    read_bytes: u64,
}

#[cfg(test)]
impl<R> Pieced<R> {
    /// What it is read from.
    pub(super) const fn source(&self) -> &R {
        &self.source
    }
}

impl<R: Read + Seek> Read for Pieced<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(piece) = self.pieces.front() {
            let left = piece.length_bytes().saturating_sub(self.read_bytes);
            if left == 0 {
                self.pieces.pop_front();
                self.read_bytes = 0;
                continue;
            }
            let length = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            let part = buffer.get_mut(..length).unwrap_or_default();
            let count = match piece {
                Piece::New(bytes) => {
                    let from = usize::try_from(self.read_bytes).unwrap_or(usize::MAX);
                    bytes.get(from..).unwrap_or_default().read(part)?
                }
                Piece::Source(range) => {
                    if self.read_bytes == 0 {
                        self.source.seek(SeekFrom::Start(range.start))?;
                    }
                    self.source.read(part)?
                }
            };
            self.read_bytes = self.read_bytes.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
            return Ok(count);
        }
        Ok(0)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn source() -> Cursor<Vec<u8>> {
        Cursor::new((0..=99).collect())
    }

    #[test]
    fn pieces_are_read_in_their_order_wherever_they_stand_in_the_source() {
        let mut pieces = Pieces::default();
        pieces.push_source(&(90..95));
        pieces.push_new(&[200, 201]);
        pieces.push_new(&[202]);
        pieces.push_source(&(3..4));
        pieces.push_source(&(4..6));
        pieces.push_source(&(0..1));
        assert_eq!((pieces.as_slice().len(), pieces.length_bytes()), (4, 12));
        let expected = [90, 91, 92, 93, 94, 200, 201, 202, 3, 4, 5, 0];
        assert_eq!(pieces.clone().read(source()).unwrap(), expected);
        assert_eq!(pieces.cut(source().get_ref()), expected);
        let mut one_by_one = Vec::new();
        let mut reader = pieces.of(source());
        let mut byte = [0];
        while reader.read(&mut byte).unwrap() == 1 {
            one_by_one.extend(byte);
        }
        assert_eq!(one_by_one, expected);
    }

    #[test]
    fn a_source_that_has_become_shorter_ends_the_file_early() {
        let mut pieces = Pieces::whole(200);
        pieces.push_new(b"end");
        let mut read = Vec::new();
        pieces.of(source()).read_to_end(&mut read).unwrap();
        assert_eq!(read.len(), 100, "and what follows is not taken for it");
    }
}

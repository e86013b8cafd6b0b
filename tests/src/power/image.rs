//! What lies on a disk: files of bytes, in pages that copies share until one of them is written.

use std::{io, sync::Arc};

const PAGE_BYTES: usize = 4_096;

/// Files on one disk.
pub const FILES: usize = 2;

/// The content of a disk, file by file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Image(pub [Content; FILES]);

/// The content of a file. A copy costs little, and writing it leaves the other as it was.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Content {
    pages: Vec<Arc<[u8; PAGE_BYTES]>>,
    length_bytes: u64,
}

impl Content {
    /// How long it is.
    #[must_use]
    pub const fn length_bytes(&self) -> u64 {
        self.length_bytes
    }

    /// Cuts or lengthens it; what is new is zero.
    pub fn set_length(&mut self, length_bytes: u64) {
        let length = to_usize(length_bytes);
        self.pages.resize_with(length.div_ceil(PAGE_BYTES), || Arc::new([0; PAGE_BYTES]));
        let rest = length % PAGE_BYTES;
        if rest != 0
            && let Some(last) = self.pages.last_mut()
            && let Some(behind) = Arc::make_mut(last).get_mut(rest..)
        {
            behind.fill(0);
        }
        self.length_bytes = length_bytes;
    }

    /// Reads exactly this much.
    ///
    /// # Errors
    /// `UnexpectedEof` beyond the end.
    pub fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        if offset.saturating_add(out.len() as u64) > self.length_bytes {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let mut at = to_usize(offset);
        let mut out = out;
        while !out.is_empty() {
            let (page, within) = (self.pages.get(at / PAGE_BYTES), at % PAGE_BYTES);
            let (now, later) = out.split_at_mut(out.len().min(PAGE_BYTES - within));
            let from = page.and_then(|page| page.get(within..within + now.len()));
            now.copy_from_slice(from.ok_or(io::ErrorKind::UnexpectedEof)?);
            at += now.len();
            out = later;
        }
        Ok(())
    }

    /// Writes, and lengthens it where that is needed.
    pub fn write(&mut self, offset: u64, bytes: &[u8]) {
        let end = offset.saturating_add(bytes.len() as u64);
        if end > self.length_bytes {
            self.set_length(end);
        }
        let mut at = to_usize(offset);
        let mut bytes = bytes;
        while !bytes.is_empty() {
            let within = at % PAGE_BYTES;
            let (now, later) = bytes.split_at(bytes.len().min(PAGE_BYTES - within));
            let page = self.pages.get_mut(at / PAGE_BYTES).map(Arc::make_mut);
            if let Some(to) = page.and_then(|page| page.get_mut(within..within + now.len())) {
                to.copy_from_slice(now);
            }
            at += now.len();
            bytes = later;
        }
    }

    /// Turns one bit round.
    pub fn flip(&mut self, bit: u64) {
        let (offset, mut byte) = (bit / 8, [0]);
        if self.read(offset, &mut byte).is_ok() {
            self.write(offset, &[byte[0] ^ (1 << (bit % 8))]);
        }
    }
}

fn to_usize(bytes: u64) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}

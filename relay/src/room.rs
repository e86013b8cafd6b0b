//! Whether the disk has room for anything new.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use lightproof_wire::refusal::Refusal;

use crate::store::Chunks;

/// After this much was written the disk is looked at again, well before the default reserve is used up.
const LOOK_BYTES: u64 = 64 * 1_048_576;

/// What is known of the room on the disk. A disk that is full makes a commit fail, and a failed commit stops the
/// relay: it refuses while there is still a reserve.
#[derive(Debug)]
pub struct Room {
    reserve_bytes: u64,
    is_there: AtomicBool,
    written_bytes: AtomicU64,
}

impl Room {
    /// Room as long as `reserve_bytes` stay free.
    #[must_use]
    pub const fn new(reserve_bytes: u64) -> Self {
        Self { reserve_bytes, is_there: AtomicBool::new(true), written_bytes: AtomicU64::new(0) }
    }

    /// Whether there was room at the last look.
    #[must_use]
    pub fn is_there(&self) -> bool {
        self.is_there.load(Ordering::Relaxed)
    }

    /// Room for bytes of a blob.
    ///
    /// # Errors
    /// [`Refusal::QuotaFull`] without.
    pub fn check(&self) -> Result<(), Refusal> {
        if self.is_there() { Ok(()) } else { Err(Refusal::QuotaFull) }
    }

    /// Looks at the disk. Blocks.
    pub fn look(&self, chunks: &dyn Chunks) {
        let is_there = matches!(chunks.free_bytes(), Ok(free) if free >= self.reserve_bytes);
        if self.is_there.swap(is_there, Ordering::Relaxed) && !is_there {
            tracing::warn!("the disk is nearly full: nothing new is taken");
        }
    }

    /// Counts what was written, and looks at the disk every so often. Blocks.
    pub fn wrote(&self, chunks: &dyn Chunks, bytes: u64) {
        let before = self.written_bytes.fetch_add(bytes, Ordering::Relaxed);
        if before / LOOK_BYTES != before.wrapping_add(bytes) / LOOK_BYTES {
            self.look(chunks);
        }
    }
}

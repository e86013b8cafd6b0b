//! Virtual time: it passes for everybody alike, and everybody has a clock of their own that may be wrong.

use std::sync::{
    Arc,
    atomic::{AtomicI64, AtomicU64, Ordering},
};

use lightproof_wire::time::{DAY_MS, Timestamp};
use tokio::time::Instant;

/// 2026-11-21, noon.
const BEGINNING_MS: u64 = 1_795_262_400_000;

/// One clock. A clone is the same clock.
#[derive(Clone)]
pub struct WorldClock {
    zero: Instant,
    skipped_ms: Arc<AtomicU64>,
    wrong_ms: Arc<AtomicI64>,
}

impl WorldClock {
    /// The clock that is right, at the beginning of a world.
    #[must_use]
    pub fn right() -> Self {
        Self { zero: Instant::now(), skipped_ms: Arc::default(), wrong_ms: Arc::default() }
    }

    /// Another clock in the same world, right at first.
    #[must_use]
    pub fn another(&self) -> Self {
        Self { wrong_ms: Arc::default(), ..self.clone() }
    }

    /// What it shows.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        let right = BEGINNING_MS + self.elapsed_ms() + self.skipped_ms.load(Ordering::SeqCst);
        Timestamp(right.saturating_add_signed(self.wrong_ms.load(Ordering::SeqCst)))
    }

    /// From now on it shows so much more than the right time.
    pub fn set_wrong_ms(&self, wrong_ms: i64) {
        self.wrong_ms.store(wrong_ms, Ordering::SeqCst);
    }

    /// Days go by for everybody, without anybody doing anything.
    pub fn skip_days(&self, days: u64) {
        self.skipped_ms.fetch_add(days * DAY_MS, Ordering::SeqCst);
    }

    /// The same for less than a day.
    pub fn skip_ms(&self, ms: u64) {
        self.skipped_ms.fetch_add(ms, Ordering::SeqCst);
    }

    /// Milliseconds since the beginning in which somebody may have done something.
    #[must_use]
    pub fn elapsed_ms(&self) -> u64 {
        u64::try_from(self.zero.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

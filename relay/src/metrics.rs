//! Counts without identities.

use std::sync::atomic::{AtomicU64, Ordering};

/// What a relay counts.
#[derive(Debug, Default)]
pub struct Metrics {
    /// Rows that did not match their own hash.
    pub damaged_rows: Count,
    /// Envelopes stored.
    pub deposits: Count,
    /// Commands refused.
    pub refusals: Count,
    /// Connections that were served.
    pub connections: Count,
    /// Things that expired.
    pub expired: Count,
    /// Handlers that panicked.
    pub panics: Count,
}

/// A number that only grows.
#[derive(Debug, Default)]
pub struct Count(AtomicU64);

impl Count {
    /// One more.
    pub fn increment(&self) {
        self.add(1);
    }

    /// Some more.
    pub fn add(&self, more: usize) {
        self.0.fetch_add(more as u64, Ordering::Relaxed);
    }

    /// How many so far.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

//! Time as the protocol knows it: milliseconds between people, whole days at a relay.

use crate::codec::{TlsDeserialize, TlsSerialize, TlsSize};

/// Milliseconds since 1970-01-01 UTC. Only shown to people; order never depends on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, TlsSerialize, TlsDeserialize, TlsSize)]
pub struct Timestamp(pub u64);

/// Whole days since 1970-01-01 UTC: a relay's only unit of time at rest and on the wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, TlsSerialize, TlsDeserialize, TlsSize)]
pub struct Day(pub u32);

/// Milliseconds in a day.
pub const DAY_MS: u64 = 86_400_000;

impl Timestamp {
    /// The day it falls on.
    #[must_use]
    pub fn day(self) -> Day {
        Day(u32::try_from(self.0 / DAY_MS).unwrap_or(u32::MAX))
    }

    /// Later by some milliseconds.
    #[must_use]
    pub const fn plus_ms(self, more_ms: u64) -> Self {
        Self(self.0.saturating_add(more_ms))
    }

    /// Later by some days.
    #[must_use]
    pub const fn plus_days(self, more_days: u32) -> Self {
        Self(self.0.saturating_add(DAY_MS.saturating_mul(more_days as u64)))
    }

    /// Milliseconds since `earlier`; 0 if it is in fact later.
    #[must_use]
    pub const fn since_ms(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl Day {
    /// Later by some days.
    #[must_use]
    pub const fn plus(self, more_days: u32) -> Self {
        Self(self.0.saturating_add(more_days))
    }

    /// Earlier by some days.
    #[must_use]
    pub const fn minus(self, fewer_days: u32) -> Self {
        Self(self.0.saturating_sub(fewer_days))
    }

    /// Days between the two, whichever is later.
    #[must_use]
    pub const fn distance(self, other: Self) -> u32 {
        self.0.abs_diff(other.0)
    }

    /// Its first millisecond.
    #[must_use]
    pub const fn start(self) -> Timestamp {
        Timestamp((self.0 as u64).saturating_mul(DAY_MS))
    }
}

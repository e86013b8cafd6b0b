//! The one clock and the one source of randomness of a run, and dates as people and programs read them.

use std::fmt::{self, Display, Formatter};
use std::time::{SystemTime, UNIX_EPOCH};

use getrandom::SysRng;
use getrandom::rand_core::UnwrapErr;
use lightproof_core::wire::time::{DAY_MS, Day, Timestamp};

/// Now.
pub(crate) fn now() -> Timestamp {
    // A clock before 1970 is the epoch: the relays' clocks tell it apart.
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

/// The operating system's randomness. Where that fails nothing can be done safely, and the process ends.
pub(crate) const fn rng() -> UnwrapErr<SysRng> {
    UnwrapErr(SysRng)
}

/// A time in UTC, as RFC 3339 writes it; what lies after the year 9999 is its end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Utc(pub(crate) Timestamp);

/// A day, as RFC 3339 writes it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Date(pub(crate) Day);

impl Display for Utc {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let ms = self.0.0.min(LAST_MS);
        let seconds = ms % DAY_MS / 1_000;
        let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
        write!(f, "{}T{hour:02}:{minute:02}:{second:02}Z", Date(Timestamp(ms).day()))
    }
}

impl Display for Date {
    /// The civil calendar from a count of days: years begin in March, so that the leap day is their last.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let days = u64::from(self.0.0).min(LAST_MS / DAY_MS) + DAYS_BEFORE_1970;
        let (era, of_era) = (days / DAYS_IN_ERA, days % DAYS_IN_ERA);
        let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let from_march = (5 * of_year + 2) / 153;
        let day = of_year - (153 * from_march + 2) / 5 + 1;
        let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
        let year = year_of_era + era * 400 + u64::from(month <= 2);
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

/// From 1 March of the year 0.
const DAYS_BEFORE_1970: u64 = 719_468;
/// Four hundred years.
const DAYS_IN_ERA: u64 = 146_097;
/// 9999-12-31T23:59:59.999Z.
const LAST_MS: u64 = 253_402_300_799_999;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (ms, written) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399_000, "2000-02-28T23:59:59Z"),
            (951_782_400_000, "2000-02-29T00:00:00Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00Z"),
            (1_795_231_353_999, "2026-11-21T03:22:33Z"),
            (LAST_MS, "9999-12-31T23:59:59Z"),
            (u64::MAX, "9999-12-31T23:59:59Z"),
        ] {
            assert_eq!(Utc(Timestamp(ms)).to_string(), written);
        }
        assert_eq!(Date(Day(u32::MAX)).to_string(), "9999-12-31");
    }
}

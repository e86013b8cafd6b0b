//! Which day it is, where the clock may be wrong: what is over is removed for good, so a day that is far from the last
//! one is doubted first.
//!
//! While it is, what is new is dated by the later of the two days and what is over goes by the earlier one, so that
//! neither a clock that leaps ahead nor one that falls back takes anything before its time.

use std::sync::atomic::{AtomicU32, Ordering};

use lightproof_wire::{
    codec::{TlsDeserialize, TlsSerialize, TlsSize},
    time::Day,
};

use crate::store::{
    Rows, RowsMut, RuleError, Table,
    row::{self, Row},
};

/// A clock that is further away than this is doubted: longer than most relays are off, shorter than most things are kept.
const FAR_DAYS: u32 = 7;
/// For so long it must go on before it is believed: time for NTP to put it right, or for somebody to see what is said.
const WAIT_DAYS: u32 = 2;

/// What is known of the clock, in a row of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, TlsSerialize, TlsDeserialize, TlsSize)]
pub struct CalendarRow {
    /// The last day that was believed.
    pub believed: Day,
    /// What the clock says instead, if that is far away.
    pub doubted: Option<Doubted>,
}

/// Days of a clock that is doubted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, TlsSerialize, TlsDeserialize, TlsSize)]
pub struct Doubted {
    /// The first of them.
    pub since: Day,
    /// The last of them that was seen.
    pub last: Day,
}

impl Row for CalendarRow {
    const TABLE: Table = Table::Calendar;
    type Key = u8;
}

impl CalendarRow {
    /// What was over before this day goes.
    #[must_use]
    pub fn over_before(&self, clock: Day) -> Day {
        self.believed.min(clock)
    }

    /// Days by which a clock that is doubted is ahead of the last day that was believed; below 0 if it is behind.
    #[must_use]
    pub fn clock_off_days(&self) -> i64 {
        self.doubted.map_or(0, |doubted| i64::from(doubted.last.0).saturating_sub(self.believed.0.into()))
    }

    fn seen(self, clock: Day) -> Self {
        let Self { believed, doubted } = self;
        if clock.0.abs_diff(believed.0) <= FAR_DAYS {
            return Self { believed: believed.max(clock), doubted: None };
        }
        let goes_on = |doubted: &Doubted| doubted.last <= clock && clock <= doubted.last.plus(FAR_DAYS);
        let since = doubted.filter(goes_on).map_or(clock, |doubted| doubted.since);
        if clock >= since.plus(WAIT_DAYS) {
            return Self { believed: clock, doubted: None };
        }
        Self { believed, doubted: Some(Doubted { since, last: clock }) }
    }
}

/// Sees what the clock says. The first day of all is believed.
///
/// # Errors
/// [`RuleError::Unavailable`].
pub fn see(rows: &mut dyn RowsMut, clock: Day) -> Result<CalendarRow, RuleError> {
    let before = match row::load::<CalendarRow>(rows, &0) {
        Ok(before) => before,
        // Nobody knows which day it was: none that is near.
        Err(RuleError::Damaged) => Some(CalendarRow { believed: Day(0), doubted: None }),
        Err(error) => return Err(error),
    };
    let now = before.unwrap_or(CalendarRow { believed: clock, doubted: None }).seen(clock);
    if before != Some(now) {
        row::save(rows, &0, &now)?;
    }
    Ok(now)
}

/// What was over before this day may be taken for gone, on a day that is [today](Calendar::today) for what is new.
///
/// # Errors
/// [`RuleError::Unavailable`].
pub fn over_before(rows: &dyn Rows, today: Day) -> Result<Day, RuleError> {
    match row::load::<CalendarRow>(rows, &0) {
        Ok(calendar) => Ok(calendar.map_or(today, |calendar| calendar.over_before(today))),
        // Nobody knows which day it was: nothing is over.
        Err(RuleError::Damaged) => Ok(Day(0)),
        Err(error) => Err(error),
    }
}

/// The last day that was believed, for whoever needs today between two looks at the row.
#[derive(Debug, Default)]
pub struct Calendar(AtomicU32);

impl Calendar {
    /// Takes over what the row says.
    pub fn believe(&self, row: &CalendarRow) {
        self.0.store(row.believed.0, Ordering::Relaxed);
    }

    /// The day of what is new.
    #[must_use]
    pub fn today(&self, clock: Day) -> Day {
        clock.max(Day(self.0.load(Ordering::Relaxed)))
    }
}

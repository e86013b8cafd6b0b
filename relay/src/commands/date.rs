//! Days as people write them.

use lightproof_wire::time::Day;

/// Year, month and day (ISO 8601), by the Gregorian calendar.
pub(crate) fn date(day: Day) -> String {
    /// In 400 years, from a 1 March to a 1 March.
    const CYCLE_DAYS: u64 = 146_097;
    /// From 0000-03-01 to 1970-01-01.
    const BEFORE: u64 = 719_468;
    let days = u64::from(day.0).saturating_add(BEFORE);
    let (cycle, of_cycle) = (days / CYCLE_DAYS, days % CYCLE_DAYS);
    // Leap days fall on the last day of such a year: one in 4 years, none in 100, one in 400.
    let leaps = |of: u64| of / 1_460 + of / 146_096;
    let year = (of_cycle + of_cycle / 36_524 - leaps(of_cycle)) / 365;
    let of_year = of_cycle - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let of_month = of_year - (153 * month + 2) / 5 + 1;
    let (year, month) = (400 * cycle + year, if month < 10 { month + 3 } else { month - 9 });
    format!("{:04}-{month:02}-{of_month:02}", if month <= 2 { year + 1 } else { year })
}

#[cfg(test)]
mod tests {
    use lightproof_wire::time::Day;

    use super::date;

    #[test]
    fn days_since_1970_are_printed_as_dates() {
        let known = [
            (0, "1970-01-01"),
            (58, "1970-02-28"),
            (59, "1970-03-01"),
            (10_956, "1999-12-31"),
            (11_016, "2000-02-29"),
            (11_017, "2000-03-01"),
            (20_778, "2026-11-21"),
            (47_540, "2100-02-28"),
            (47_541, "2100-03-01"),
        ];
        for (day, text) in known {
            assert_eq!(date(Day(day)), text);
        }
    }
}

//! Counts for the terminal, without identities.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{
    calendar::CalendarRow,
    metrics::{Metrics, Reason},
    store::{Chunks, Rows, Store, StoreUnavailable, Table, look, row},
    totals::TotalsRow,
};

/// What a relay holds, and what it did since it started.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stats {
    /// Mailboxes, doorbells included.
    pub mailboxes: u64,
    /// Envelopes that wait.
    pub envelopes: u64,
    /// Blobs, unfinished ones included.
    pub blobs: u64,
    /// Blobs that are not complete.
    pub uploads: u64,
    /// Access capabilities.
    pub access: u64,
    /// Sealed bytes that blobs reserve.
    pub blob_bytes: u64,
    /// Bytes of the files of rows.
    pub row_bytes: u64,
    /// Of these, about so many that wait for later rows.
    pub row_bytes_unused: u64,
    /// Bytes free on the disk.
    pub disk_free_bytes: u64,
    /// Days from the last day that was believed to a clock that is doubted; 0 if it is not.
    pub clock_off_days: i64,
    /// What the running relay did; nothing while it is stopped.
    pub running: Option<Running>,
}

/// What a relay did since it started.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Running {
    /// Since its start.
    pub uptime_seconds: u64,
    /// Connections now.
    pub connections_open: i64,
    /// Connections ever.
    pub connections: u64,
    /// Envelopes stored.
    pub deposits: u64,
    /// Envelopes handed out, each time.
    pub deliveries: u64,
    /// Things that expired.
    pub expired: u64,
    /// Rows that were found damaged.
    pub damaged_rows: u64,
    /// Commands refused, by reason.
    pub refusals: BTreeMap<String, u64>,
    /// Writes that wait.
    pub writes_waiting: i64,
    /// How long commits took.
    pub commits: Commits,
}

/// How long commits took; a bound is one of the buckets that are counted in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Commits {
    /// How many there were.
    pub count: u64,
    /// Half of them took at most this.
    pub p50_ms: Option<f64>,
    /// All but one in a hundred took at most this.
    pub p99_ms: Option<f64>,
}

impl Stats {
    pub(super) fn of(store: &dyn Store, chunks: &dyn Chunks) -> Result<Self, StoreUnavailable> {
        let space = store.space()?;
        let disk_free_bytes = chunks.free_bytes().map_err(StoreUnavailable::because)?;
        let counted = look(store, |rows: &dyn Rows| {
            // A damaged row of totals is put right by the next start; nobody needs it to count.
            let totals = row::load::<TotalsRow>(rows, &0).ok().flatten().unwrap_or_default();
            let calendar = row::load::<CalendarRow>(rows, &0).ok().flatten();
            Ok(Self {
                mailboxes: rows.count(Table::Mailboxes)?,
                envelopes: rows.count(Table::Envelopes)?,
                blobs: rows.count(Table::Blobs)?,
                uploads: rows.count(Table::Uploads)?,
                access: rows.count(Table::Access)?,
                blob_bytes: totals.reserved_bytes,
                row_bytes: space.file_bytes,
                row_bytes_unused: space.unused_bytes(),
                disk_free_bytes,
                clock_off_days: calendar.map_or(0, |calendar| calendar.clock_off_days()),
                running: None,
            })
        });
        counted.map_err(StoreUnavailable::because)
    }
}

impl Running {
    pub(super) fn of(metrics: &Metrics, uptime: Duration) -> Self {
        let text = metrics.text().unwrap_or_default();
        let refusals = Reason::ALL.iter().filter_map(|reason| {
            let count = metrics.refusals.get(&Reason { reason })?.get();
            Some(((*reason).to_owned(), count))
        });
        Self {
            uptime_seconds: uptime.as_secs(),
            connections_open: metrics.connections_open.get(),
            connections: metrics.connections.get(),
            deposits: metrics.deposits.get(),
            deliveries: metrics.deliveries.get(),
            expired: metrics.expired.get(),
            damaged_rows: metrics.damaged_rows.get(),
            refusals: refusals.collect(),
            writes_waiting: metrics.writes.waiting.get(),
            commits: Commits::of(&text),
        }
    }
}

impl Commits {
    /// From the text that is scraped: the library shows what a histogram has counted nowhere else.
    fn of(text: &str) -> Self {
        let buckets: Vec<_> = text.lines().filter_map(bucket).collect();
        let count = buckets.last().map_or(0, |(_, count)| *count);
        let within = |hundredths: u64| {
            let least = count.saturating_mul(hundredths).div_ceil(100).max(1);
            let (seconds, _) = buckets.iter().find(|(_, count)| *count >= least)?;
            seconds.is_finite().then_some(seconds * 1_000.0)
        };
        Self { count, p50_ms: within(50), p99_ms: within(99) }
    }
}

/// The bound of a bucket in seconds, and how many took at most so long.
fn bucket(line: &str) -> Option<(f64, u64)> {
    let (bound, count) = line.strip_prefix("lightproof_relay_commit_seconds_bucket{le=\"")?.split_once("\"} ")?;
    let bound = if bound == "+Inf" { f64::INFINITY } else { bound.parse().ok()? };
    Some((bound, count.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::Commits;
    use crate::metrics::Metrics;

    #[test]
    fn half_of_the_commits_and_nearly_all_are_told_by_the_buckets_they_fell_into() {
        let metrics = Metrics::default();
        assert_eq!(Commits::of(&metrics.text().unwrap()), Commits::default());
        for milliseconds in (0..98).map(|_| 0.9).chain([3.5, 900.0]) {
            metrics.writes.commit_seconds.observe(milliseconds / 1_000.0);
        }
        let commits = Commits::of(&metrics.text().unwrap());
        assert_eq!(commits, Commits { count: 100, p50_ms: Some(1.0), p99_ms: Some(4.0) });
        metrics.writes.commit_seconds.observe(100.0);
        metrics.writes.commit_seconds.observe(100.0);
        assert_eq!(Commits::of(&metrics.text().unwrap()).p99_ms, None, "longer than the last bucket");
    }
}

//! How the relay takes growth: deposits per second, and the way of a deposit to its recipient, beside an empty relay.

use std::{fs, time::Duration};

use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use super::{
    deposits::{Depositor, all_at_once},
    latency::under_load,
    rules::Rules,
    server::Server,
    wire::Connection,
};
use crate::{
    error::BenchError,
    report::{Curve, Goal, Line, Report, Unit},
    samples::Samples,
    stage::Stage,
};

/// What a relay holds before it is measured.
#[derive(Clone, Copy)]
pub(crate) struct Size {
    pub(crate) mailboxes: usize,
    pub(crate) envelopes: usize,
    pub(crate) connections: usize,
}

/// One thing at a time.
pub(crate) const CURVES: &[Size] = &[
    Size { mailboxes: 1_000, envelopes: 0, connections: 0 },
    Size { mailboxes: 100_000, envelopes: 0, connections: 0 },
    Size { mailboxes: 1_000_000, envelopes: 0, connections: 0 },
    Size { mailboxes: 1_000, envelopes: 1_000, connections: 0 },
    Size { mailboxes: 1_000, envelopes: 10_000, connections: 0 },
    Size { mailboxes: 1_000, envelopes: 100_000, connections: 0 },
    Size { mailboxes: 1_000, envelopes: 0, connections: 10 },
    Size { mailboxes: 1_000, envelopes: 0, connections: 1_000 },
    Size { mailboxes: 1_000, envelopes: 0, connections: 10_000 },
];

/// What one relay must bear.
const MILLION: Size = Size { mailboxes: 1_000_000, envelopes: 1_000_000, connections: 0 };
/// Where the disk has no room for it: a tenth of the envelopes.
const SAMPLED: Size = Size { envelopes: 100_000, ..MILLION };
/// What a million envelopes take on disk, with their rows, and as much again for the rounds.
const MILLION_BYTES: u64 = 30_000_000_000;

/// Everybody at once, three times; and 200 deposits a second, as many times.
const TIME: Duration = Duration::from_secs(1);
const SENDERS: usize = 64;
const PAIRS: usize = 20;
const PAUSE: Duration = Duration::from_millis(100);
const ROUNDS: usize = 3;

pub(crate) async fn measure(stage: Stage<'_>, sizes: &[Size], report: &mut Report) -> Result<(), BenchError> {
    let mut curve = Curve::new("Growth", HEADINGS.map(str::to_owned));
    for size in sizes {
        curve.push(at(stage, *size).await?.row(*size));
    }
    report.curves.push(curve);
    Ok(())
}

/// A million of both, or as many as the disk has room for.
pub(crate) async fn million(stage: Stage<'_>, report: &mut Report) -> Result<(), BenchError> {
    let disk = rustix::fs::statvfs(stage.folder).map_err(|error| BenchError::at("the disk")(error.into()))?;
    let has_room = disk.f_bavail.saturating_mul(disk.f_frsize) >= MILLION_BYTES;
    if !has_room {
        report.skipped.push("a million envelopes: the disk has room for a tenth of them".to_owned());
    }
    let size = if has_room { MILLION } else { SAMPLED };
    let measured = at(stage, size).await?;
    let mut curve = Curve::new("A million mailboxes", HEADINGS.map(str::to_owned));
    curve.push(measured.row(size));
    report.curves.push(curve);
    measured.judge(has_room, report);
    Ok(())
}

const HEADINGS: [&str; 6] = [
    "mailboxes",
    "envelopes",
    "connections",
    "start",
    "deposits/s, of an empty relay's",
    "push, 99 of 100, of an empty relay's",
];

#[derive(Default)]
struct Measured {
    start_seconds: f64,
    rates: [Samples; 2],
    pushes: [Samples; 2],
}

async fn at(stage: Stage<'_>, size: Size) -> Result<Measured, BenchError> {
    let (empty, full) = (stage.folder.join("empty"), stage.folder.join("full"));
    for folder in [&empty, &full] {
        fs::create_dir_all(folder.join("relay")).map_err(BenchError::at("a folder"))?;
    }
    Rules::fill(&full.join("relay"), size.mailboxes, size.envelopes).await?;
    let servers = [Server::start(Stage { folder: &empty, ..stage })?, Server::start(Stage { folder: &full, ..stage })?];
    let [_, full_server] = &servers;
    let mut measured = Measured { start_seconds: full_server.start_seconds, ..Measured::default() };
    let idle = stream::iter(0..size.connections).map(|number| Connection::open(&full_server.target, number));
    let idle: Vec<_> = idle.buffered(32).try_collect().await?;
    for _ in 0..ROUNDS {
        for ((server, rates), pushes) in servers.iter().zip(&mut measured.rates).zip(&mut measured.pushes) {
            let depositors = stream::iter(0..SENDERS).then(|number| Depositor::new(server, number));
            let depositors: Vec<_> = depositors.try_collect().await?;
            let (rate, _) = all_at_once(depositors, TIME).await?;
            rates.push(rate);
            pushes.push(under_load(&server.target, PAIRS, PAUSE, 2 * TIME).await?.percentile(99.0));
        }
    }
    drop((idle, servers));
    for folder in [&empty, &full] {
        fs::remove_dir_all(folder).map_err(BenchError::at("a folder"))?;
    }
    Ok(measured)
}

impl Measured {
    fn row(&self, size: Size) -> [String; 6] {
        let [empty_rate, rate] = &self.rates;
        let [empty_push, push] = &self.pushes;
        let (rates, pushes) = (rate.over(empty_rate), push.over(empty_push));
        [
            size.mailboxes.to_string(),
            size.envelopes.to_string(),
            size.connections.to_string(),
            format!("{:.2} s", self.start_seconds),
            format!("{:.0} ({:.2})", rate.median(), rates.median()),
            format!("{:.1} ms ({:.2})", push.median() * 1e3, pushes.median()),
        ]
    }

    fn judge(self, is_whole: bool, report: &mut Report) {
        let line = |what, ours, limit_is, limit, goal| Line {
            what,
            unit: Unit::Seconds,
            ours,
            limit_is,
            limit,
            goal: Some(Goal::AtMost(goal)),
            parts: Vec::new(),
        };
        let start = Samples::from_iter([self.start_seconds]);
        let what = if is_whole {
            "start with 1,000,000 mailboxes and 1,000,000 envelopes"
        } else {
            "start with 1,000,000 mailboxes and 100,000 envelopes"
        };
        report.lines.push(line(what, start, "5 s", Samples::from_iter([5.0]), 1.0));
        let [empty, full] = self.pushes;
        let what = "the same, 200 deposits/s, deposit to push, 99 of 100";
        report.lines.push(line(what, full, "an empty relay", empty, 2.0));
    }
}

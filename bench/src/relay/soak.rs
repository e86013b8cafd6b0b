//! Hours in minutes or in hours: people send at half of what the relay can take, come and go, and everything is counted.

use std::{
    collections::BTreeSet,
    fs,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use lightproof_wire::{
    frame::RelayFrame,
    reply::{Push, Reply},
};
use tokio::task::JoinSet;

use super::{
    deposits::{Depositor, all_at_once},
    errands,
    server::Server,
    wire::{Connection, DepositFrame, Mailbox, Target, ack},
};
use crate::{
    error::BenchError,
    report::{Curve, Goal, Line, Report, Unit},
    samples::Samples,
    stage::Stage,
};

const PAIRS: usize = 64;
/// A recipient leaves after so many envelopes and comes again.
const LEAVES_AFTER: usize = 500;
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// What is under way at the end gets this long.
const LAST: Duration = Duration::from_secs(20);
/// Descriptors that come and go: the file of a photo on its way and one more connection, for each who has errands. One
/// leaked each minute is far more in the end.
const OF_THE_MOMENT: f64 = 2.0 * errands::PEOPLE as f64;

/// What one pair knows: numbers that were acknowledged, that came, and that came although they had been acked.
#[derive(Default)]
struct History {
    acknowledged: BTreeSet<u64>,
    delivered: BTreeSet<u64>,
    acked: BTreeSet<u64>,
    again: u64,
}

impl History {
    fn came(&mut self, number: u64) {
        self.again += u64::from(self.acked.contains(&number));
        self.delivered.insert(number);
    }
}

type Shared = Arc<Mutex<History>>;

pub(crate) async fn measure(stage: Stage<'_>, minutes: u32, report: &mut Report) -> Result<(), BenchError> {
    let server = Server::start(stage)?;
    let depositors = stream::iter(0..PAIRS).then(|number| Depositor::new(&server, number));
    let (capacity, _) = all_at_once(depositors.try_collect().await?, Duration::from_secs(5)).await?;
    let pause = Duration::from_secs_f64(PAIRS as f64 * 2.0 / capacity);
    let (start, time) = (Instant::now(), Duration::from_secs(u64::from(minutes) * 60));
    let mut tasks: JoinSet<Result<(), BenchError>> = JoinSet::new();
    let mut histories = Vec::new();
    for number in 0..PAIRS {
        let history = Shared::default();
        histories.push(Arc::clone(&history));
        let mailbox = Mailbox::numbered(5_000_000 + number as u64);
        Connection::open(&server.target, number).await?.create(&mailbox).await?;
        tasks.spawn(receive(server.target.clone(), number, mailbox.clone(), Arc::clone(&history), start + time + LAST));
        tasks.spawn(send(server.target.clone(), number, mailbox, history, (pause, start + time)));
    }
    let done = errands::Shared::default();
    for person in PAIRS..PAIRS + errands::PEOPLE {
        tasks.spawn(errands::run(server.target.clone(), person, Arc::clone(&done), start + time));
    }
    let rows = stage.folder.join("relay").join("rows.redb");
    let (mut memory, mut file, mut descriptors) = (Vec::new(), Vec::new(), Vec::new());
    while start.elapsed() < time {
        tokio::time::sleep(LOOK_EVERY).await;
        memory.push((start.elapsed().as_secs_f64() / 3_600.0, server.resident_kib()?));
        file.push(fs::metadata(&rows).map_err(BenchError::at("rows.redb"))?.len() as f64 / 1_048_576.0);
        descriptors.push(server.descriptor_count()? as f64);
        if let Some(ended) = tasks.try_join_next() {
            ended.map_err(BenchError::wrong)??;
            // Senders end with the time, and this was the last look.
            if start.elapsed() < time {
                return Err(BenchError::Wrong("somebody left too early".to_owned()));
            }
        }
    }
    while let Some(ended) = tasks.join_next().await {
        ended.map_err(BenchError::wrong)??;
    }
    describe(&histories, (&memory, &descriptors), (minutes, capacity), report);
    report.curves.push(errands::curve(&done));
    let memory: Vec<_> = memory.into_iter().map(|(_, kib)| kib / 1_024.0).collect();
    report.curves.push(sixths("Resident memory, MiB, in each sixth of the time", &memory));
    // redb keeps a map of its pages in memory, and writes it with each commit: it grows with this file, and not with the
    // one beside it.
    report.curves.push(sixths("rows.redb, MiB, in each sixth of the time", &file));
    Ok(())
}

async fn send(
    target: Target,
    number: usize,
    mailbox: Mailbox,
    history: Shared,
    (pause, until): (Duration, Instant),
) -> Result<(), BenchError> {
    let mut connection = Connection::open(&target, number).await?;
    let mut frame = DepositFrame::new(&mailbox.drop, number as u64);
    let mut due = tokio::time::Instant::now();
    while Instant::now() < until {
        tokio::time::sleep_until(due).await;
        due = (due + pause).max(tokio::time::Instant::now());
        connection.deposit(&mut frame).await?;
        lock(&history).acknowledged.insert(frame.count);
    }
    Ok(())
}

async fn receive(
    target: Target,
    number: usize,
    mailbox: Mailbox,
    history: Shared,
    until: Instant,
) -> Result<(), BenchError> {
    let at = || BenchError::at("a recipient");
    while Instant::now() < until {
        let mut connection = Connection::open(&target, number).await?;
        connection.watch_whatever_waits(&mailbox).await?;
        let mut waiting: std::collections::BTreeMap<u32, u64> = std::collections::BTreeMap::new();
        let (mut id, mut count) = (10_000_u32, 0);
        while count < LEAVES_AFTER {
            let Ok(frame) = tokio::time::timeout_at(until.into(), connection.frame()).await else { return Ok(()) };
            match frame.map_err(at())? {
                RelayFrame::Push(Push::Delivery(delivery)) => {
                    let number = delivery.envelope.as_bytes().get(8..16).and_then(|it| it.try_into().ok());
                    let number = u64::from_be_bytes(number.unwrap_or_default());
                    lock(&history).came(number);
                    (id, count) = (id.wrapping_add(1), count + 1);
                    waiting.insert(id, number);
                    connection.writer.raw(&ack(id, delivery.sequence)).await.map_err(at())?;
                }
                RelayFrame::Reply(of, Reply::Done) => {
                    lock(&history).acked.extend(waiting.remove(&of.0));
                }
                RelayFrame::Reply(_, other) => return Err(BenchError::Wrong(format!("not acked: {other:?}"))),
                RelayFrame::Push(_) => {}
            }
        }
    }
    Ok(())
}

fn describe(
    histories: &[Shared],
    (memory, descriptors): (&[(f64, f64)], &[f64]),
    (minutes, capacity): (u32, f64),
    report: &mut Report,
) {
    let count = |of: fn(&History) -> u64| histories.iter().map(|history| of(&lock(history))).sum::<u64>();
    let lost = count(|it| it.acknowledged.difference(&it.delivered).count() as u64);
    let (sent, again) = (count(|it| it.acknowledged.len() as u64), count(|it| it.again));
    let steady: Vec<_> = memory.iter().skip(memory.len() / 5).copied().collect();
    let line = |what, unit, ours, limit_is, limit| Line {
        what,
        unit,
        ours,
        limit_is,
        limit,
        goal: Some(Goal::AtMost(1.0)),
        parts: Vec::new(),
    };
    let (slope, one) = (Samples::from_iter([slope_percent(&steady)]), Samples::from_iter([1.0]));
    report.lines.push(line("growth of resident memory at half load, an hour", Unit::Percent, slope, "1 %", one));
    let (first, last) = ends(descriptors);
    let what = "descriptors in the last third of the time";
    report.lines.push(line(what, Unit::Count, last, "the first third's, and some of the moment", first));
    let descriptors = Samples::from_iter(descriptors.iter().copied());
    let (least, most) = (descriptors.min(), descriptors.max());
    let mut curve = Curve::new(
        "Soak",
        ["minutes", "deposits/s", "acknowledged", "lost", "delivered after the ack", "descriptors"].map(str::to_owned),
    );
    let rate = sent as f64 / f64::from(minutes) / 60.0;
    curve.push([
        minutes.to_string(),
        format!("{rate:.0} of {capacity:.0}"),
        sent.to_string(),
        lost.to_string(),
        again.to_string(),
        format!("{least}–{most}"),
    ]);
    report.curves.push(curve);
    if lost + again > 0 {
        report.broken.push(format!("{lost} acknowledged envelopes were lost, {again} came after their ack"));
    }
}

/// The median of the last third, and the most it may be: the first third's and [`OF_THE_MOMENT`].
fn ends(descriptors: &[f64]) -> (Samples, Samples) {
    let third = descriptors.len().div_ceil(3);
    let median = |part: &[f64]| Samples::from_iter(part.iter().copied()).median();
    let first = median(descriptors.get(..third).unwrap_or_default());
    let last = median(descriptors.get(descriptors.len().saturating_sub(third)..).unwrap_or_default());
    (Samples::from_iter([first + OF_THE_MOMENT]), Samples::from_iter([last]))
}

/// What was seen in each sixth of the time: whether it still rises at the end, or rose once.
fn sixths(what: &'static str, values: &[f64]) -> Curve {
    let mut curve = Curve::new(what, [1, 2, 3, 4, 5, 6].map(|it| it.to_string()));
    let mut parts = values.chunks(values.len().div_ceil(6).max(1)).map(|part| {
        let mean = part.iter().sum::<f64>() / part.len() as f64;
        format!("{mean:.1}")
    });
    curve.push([(); 6].map(|()| parts.next().unwrap_or_default()));
    curve
}

/// What a straight line through the points rises by in an hour, of its middle.
fn slope_percent(points: &[(f64, f64)]) -> f64 {
    let count = points.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / count;
    let (x, y) = (mean(|point| point.0), mean(|point| point.1));
    let along: f64 = points.iter().map(|point| (point.0 - x) * (point.1 - y)).sum();
    let spread: f64 = points.iter().map(|point| (point.0 - x).powi(2)).sum();
    100.0 * along / spread / y
}

fn lock(history: &Shared) -> MutexGuard<'_, History> {
    history.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_rises_by_a_hundredth_an_hour_rises_by_one_percent() {
        let slope = slope_percent(&[(0.0, 99.5), (0.5, 100.0), (1.0, 100.5)]);
        assert!((slope - 1.0).abs() < 1e-9, "{slope}");
    }

    /// As an hour looks at them: every five seconds.
    #[test]
    fn descriptors_that_leak_one_a_minute_are_found_and_those_that_come_and_go_are_not() {
        let is_flat = |descriptors: Vec<f64>| {
            let (most, last) = ends(&descriptors);
            last.median() <= most.median()
        };
        let come_and_go = |look: u32| f64::from(150 + look * 7 % 9);
        assert!(is_flat((0..720).map(come_and_go).collect()));
        assert!(!is_flat((0..720).map(|look| come_and_go(look) + f64::from(look / 12)).collect()));
        assert!(!is_flat(Vec::new()), "nobody looked");
    }
}
